/* SPDX-License-Identifier: Apache-2.0
 *
 * expression_test.c - arithmetic in descriptions: values, and what is said with which column about mistakes.
 */
#include "interchange/expression.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "support/locale.h"
#include "support/test.h"

static fv_context *context;
static fvi_tree tree;

static const fvi_scope outer = { .name = "width", .value = { .whole = true, .integer = 64, .real = 64.0 } };
static const fvi_scope half = { .outer = &outer, .name = "half", .value = { .real = 0.5 } };
static const fvi_scope inner = { .outer = &half, .name = "i", .value = { .whole = true, .integer = 3, .real = 3.0 } };
static const fvi_scope hiding = { .outer = &inner,
                                  .name = "rows",
                                  .value = { .whole = true, .integer = 7, .real = 7.0 } };
static const fv_image_shape shape = { 5, 11, 13 };
static const fvi_names names = { .scope = &hiding, .shape = &shape };

static fvi_item text_item(const char *text)
{
    return (fvi_item){ .type = FVI_ITEM_TEXT, .text = text, .line = 4, .column = 10, .text_column = 11 };
}

static void expect_whole(const char *text, int64_t expected)
{
    fvi_number value;
    const fvi_item item = text_item(text);
    if (fvi_expression_value(&tree, &item, "it", &names, &value) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    if (!value.whole || value.integer != expected || value.real != (double)expected)
        fail_msg("%s is %s %" PRId64 " (%g), not %" PRId64, text, value.whole ? "whole" : "real", value.integer,
                 value.real, expected);
}

static void expect_real(const char *text, double expected)
{
    fvi_number value;
    const fvi_item item = text_item(text);
    if (fvi_expression_value(&tree, &item, "it", &names, &value) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    if (value.whole || value.real != expected)
        fail_msg("%s is %s %g, not %g", text, value.whole ? "whole" : "real", value.real, expected);
}

static void expect_failure(const char *text, const char *words)
{
    fvi_number value;
    const fvi_item item = text_item(text);
    if (fvi_expression_value(&tree, &item, "it", &names, &value) == FV_OK)
        fail_msg("%s is %g", text, value.real);
    if (strstr(fv_context_message(context), words) == NULL)
        fail_msg("'%s' says '%s', not '%s'", text, fv_context_message(context), words);
}

static void whole_numbers_stay_whole(void **state)
{
    (void)state;
    expect_whole("12", 12);
    expect_whole(" 1 + 2 * 3 - 4 ", 3);
    expect_whole("(1+2)*3", 9);
    expect_whole("10 - 3 - 2", 5);
    expect_whole("2 * 3 % 4", 2);
    expect_whole("-2 ** 2", -4);
    expect_whole("2 ** 3 ** 2", 512);
    expect_whole("2 ** -0", 1);
    expect_whole("--3", 3);
    expect_whole("+-3", -3);
    expect_whole("2 * -3", -6);
    expect_whole("7 // 2", 3);
    expect_whole("-7 // 2", -4);
    expect_whole("7 // -2", -4);
    expect_whole("-7 // -2", 3);
    expect_whole("-7 % 3", 2);
    expect_whole("7 % -3", -2);
    expect_whole("6 / 2", 3);
    expect_whole("9223372036854775807", INT64_MAX);
    expect_whole("-9223372036854775807 - 1", INT64_MIN);
}

static void reals_are_as_in_c(void **state)
{
    (void)state;
    expect_real("0.1 + 0.2", 0.1 + 0.2);
    expect_real("7 / 2", 3.5);
    expect_real("1e-3", 1e-3);
    expect_real("2.5e+2 * 2", 500.0);
    expect_real("7.5 // 2", 3.0);
    expect_real("-7.5 // 2", -4.0);
    expect_real("-7.5 % 2", 0.5);
    expect_real("half * width", 32.0);
    expect_real("0.5 ** 3", 0.125);
    expect_real("2 ** -2", 0.25);
}

static void names_are_looked_up_from_inside_out(void **state)
{
    (void)state;
    expect_whole("width * 2 ** i", 512);
    expect_whole("channels // 2", 2);
    expect_whole("columns", 13);
    expect_whole("rows", 7);
}

static void numbers_and_truths_are_values_too(void **state)
{
    (void)state;
    fvi_number value;
    const fvi_item truth = { .type = FVI_ITEM_BOOL, .boolean = true };
    const fvi_item real = { .type = FVI_ITEM_REAL, .real = 2.5 };
    const fvi_item list = { .type = FVI_ITEM_LIST, .line = 4, .column = 10 };
    int64_t whole = 0;
    assert_int_equal(fvi_expression_value(&tree, &truth, "it", &names, &value), FV_OK);
    assert_true(value.whole && value.integer == 1);
    assert_int_equal(fvi_expression_value(&tree, &real, "it", &names, &value), FV_OK);
    assert_true(!value.whole && value.real == 2.5);
    assert_int_equal(fvi_expression_value(&tree, &list, "it", &names, &value), FV_ERR_ARGUMENT);
    assert_int_equal(fvi_expression_whole(&tree, &real, "it", &names, 0, 9, &whole), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "it is 2.5, must be a whole number"));
    const fvi_item integral = text_item("width * half"), large = text_item("width * width");
    assert_int_equal(fvi_expression_whole(&tree, &integral, "it", &names, 0, 99, &whole), FV_OK);
    assert_int_equal(whole, 32);
    assert_int_equal(fvi_expression_whole(&tree, &large, "it", &names, 0, 99, &whole), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "it is 4096, must be 0 to 99"));
}

/* Columns: the text begins in column 11. */
static void mistakes_have_their_column(void **state)
{
    (void)state;
    expect_failure("widht * 2", "net.yaml:4:11: unknown name 'widht'; did you mean 'width'?");
    expect_failure("2 * xyzzy", ":4:15: unknown name 'xyzzy'; known: rows, i, half, width, channels");
    expect_failure("1 / 0", ":4:13: division by zero in '1 / 0'");
    expect_failure("1 // (2 - 2)", ":4:13: division by zero");
    expect_failure("1 % 0.0", ":4:13: division by zero");
    expect_failure("0 ** -1", "division by zero");
    expect_failure("", ":4:11: a number or a name is missing");
    expect_failure("3 +", "a number or a name is missing");
    expect_failure("3 + * 2", ":4:15: a number or a name is missing");
    expect_failure("(3", "')' is missing");
    expect_failure("3)", ":4:12: an operator is missing");
    expect_failure("3 4", ":4:13: an operator is missing");
    expect_failure("3 < 4", ":4:13: an operator is missing");
    expect_failure("1.2.3", "a damaged or too large number");
    expect_failure("1e", "a damaged or too large number");
    expect_failure("9223372036854775808", "a damaged or too large number");
    expect_failure("1e999", "a damaged or too large number");
    expect_failure("9223372036854775807 + 1", ":4:31: the result does not fit into 64 bits");
    expect_failure("9223372036854775807 * 2", "does not fit into 64 bits");
    expect_failure("-9223372036854775807 - 2", "does not fit into 64 bits");
    expect_failure("(-9223372036854775807 - 1) // -1", "does not fit into 64 bits");
    expect_failure("1e300 * 1e300", "the result is not finite");
    expect_failure("2 ** 65", "an exponent must be a whole number");
    expect_failure("2 ** 0.5", "an exponent must be a whole number");
    const fvi_names nothing = { .scope = NULL };
    const fvi_item item = text_item("width");
    fvi_number value;
    assert_int_equal(fvi_expression_value(&tree, &item, "it", &nothing, &value), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "numbers are given a name under 'parameters:'"));
}

static void deep_parentheses_are_no_danger(void **state)
{
    (void)state;
    char text[FVI_TREE_WORD_BYTES + 1];
    memset(text, '(', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    expect_failure(text, "a number or a name is missing");
    memset(text, '-', sizeof text - 2);
    text[sizeof text - 2] = '1';
    expect_whole(text, 1); /* 254 signs */
}

static void expect_text(const char *text, const char *expected)
{
    char out[64];
    const fvi_item item = text_item(text);
    if (fvi_expression_text(&tree, &item, "a name", &names, out, sizeof out) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    assert_string_equal(out, expected);
}

static void expect_bad_text(const char *text, const char *words)
{
    char out[16];
    const fvi_item item = text_item(text);
    assert_int_equal(fvi_expression_text(&tree, &item, "a name", &names, out, sizeof out), FV_ERR_ARGUMENT);
    if (strstr(fv_context_message(context), words) == NULL)
        fail_msg("'%s' says '%s', not '%s'", text, fv_context_message(context), words);
}

static void names_take_values_in_braces(void **state)
{
    (void)state;
    expect_text("conv", "conv");
    expect_text("", "");
    expect_text("layer{i + 1}.{i - 4}", "layer4.-1");
    expect_text("{{{i}}}", "{3}");
    expect_bad_text("a{i", ":4:12: a brace has no partner");
    expect_bad_text("a}", ":4:12: a brace has no partner");
    expect_bad_text("a{}", "a number or a name is missing");
    expect_bad_text("a{half}", ":4:13: a name takes whole numbers");
    expect_bad_text("a{ii}", ":4:13: unknown name 'ii'");
    expect_bad_text("0123456789abcde", "a name is longer than 14 bytes");
    expect_bad_text("0123456789{width ** 10}", "a name is longer than 14 bytes");
}

static void no_locale_changes_values(void **state)
{
    (void)state;
    test_use_decimal_comma();
    expect_real("0.25 * 3", 0.75);
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_stay_whole),
        cmocka_unit_test(reals_are_as_in_c),
        cmocka_unit_test(names_are_looked_up_from_inside_out),
        cmocka_unit_test(numbers_and_truths_are_values_too),
        cmocka_unit_test(mistakes_have_their_column),
        cmocka_unit_test(deep_parentheses_are_no_danger),
        cmocka_unit_test(names_take_values_in_braces),
        cmocka_unit_test(no_locale_changes_values),
    };
    if (fv_context_create(&context, &(fv_context_options){ .threads = 1 }) != FV_OK)
        return 1;
    tree = (fvi_tree){ .context = context, .source = "net.yaml" };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fv_context_destroy(context);
    return failed;
}
