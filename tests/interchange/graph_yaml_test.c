/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_yaml_test.c - networks as people write them, and what they are told when they misspell.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interchange/yaml_case.h"
#include "support/locale.h"

static void expect_json(const char *yaml, const char *json)
{
    char *text = read_as_json(yaml);
    assert_string_equal(text, json);
    fv_text_release(context, text);
}

static void a_network_is_read(void **state)
{
    (void)state;
    expect_json("# a comment\n"
                "name: \"my-net\"\n"
                "input: [1, 8, 8]\n"
                "layers:\n"
                "  - conv2d: {name: c, filters: 6, kernel: 3, padding: same, weight_init: he}\n"
                "  - relu\n"
                "  - conv2d:\n"
                "      filters: 0x6\n"
                "      from: input\n"
                "      pad: [1, 2]\n"
                "      kernel: [3, 5]\n"
                "      weight_init: {kind: gaussian, value: 1e-2}\n"
                "      no_bias: true\n"
                "  - add: {name: join, from: [relu1, conv2d1]}\n"
                "  - leaky_relu: {slope: .25}\n"
                "  - max_pool2d: {kernel: 2}\n"
                "  - flatten:\n"
                "  - dense: {units: 10, name: '7'}\n",
                "{\"name\":\"my-net\",\"output\":\"7\",\"nodes\":["
                "{\"name\":\"input\",\"type\":\"input\",\"inputs\":[],\"shape\":[1,8,8]},"
                "{\"name\":\"c\",\"type\":\"conv2d\",\"inputs\":[\"input\"],\"filters\":6,\"kernel\":[3,3],\"padding\":"
                "\"same\","
                "\"weight_init\":{\"kind\":\"he\"}},"
                "{\"name\":\"relu1\",\"type\":\"relu\",\"inputs\":[\"c\"]},"
                "{\"name\":\"conv2d1\",\"type\":\"conv2d\",\"inputs\":[\"input\"],\"filters\":6,\"kernel\":[3,5],"
                "\"pad\":[1,2,1,2],"
                "\"no_bias\":true,\"weight_init\":{\"kind\":\"gaussian\",\"value\":0.01}},"
                "{\"name\":\"join\",\"type\":\"add\",\"inputs\":[\"relu1\",\"conv2d1\"]},"
                "{\"name\":\"leaky_relu1\",\"type\":\"leaky_relu\",\"inputs\":[\"join\"],\"slope\":0.25},"
                "{\"name\":\"max_pool2d1\",\"type\":\"max_pool2d\",\"inputs\":[\"leaky_relu1\"],\"kernel\":[2,2]},"
                "{\"name\":\"flatten1\",\"type\":\"flatten\",\"inputs\":[\"max_pool2d1\"]},"
                "{\"name\":\"7\",\"type\":\"dense\",\"inputs\":[\"flatten1\"],\"units\":10},"
                "{\"name\":\"loss\",\"type\":\"softmax_cross_entropy\",\"inputs\":[\"7\"]}]}");
}

static void output_and_loss_are_chosen(void **state)
{
    (void)state;
    expect_json(
        "input: {name: picture, shape: [1, 2, 2]}\nlayers: [dense: {units: 3}]\nloss: {euclidean_loss: {half: true}}\n",
        "{\"name\":\"net\",\"output\":\"dense1\",\"nodes\":["
        "{\"name\":\"picture\",\"type\":\"input\",\"inputs\":[],\"shape\":[1,2,2]},"
        "{\"name\":\"dense1\",\"type\":\"dense\",\"inputs\":[\"picture\"],\"units\":3},"
        "{\"name\":\"loss\",\"type\":\"euclidean_loss\",\"inputs\":[\"dense1\"],\"half\":true}]}");
    expect_json("input: [1, 2, 2]\nlayers: [{dense: {units: 3}}, softmax]\noutput: softmax1\n",
                "{\"name\":\"net\",\"output\":\"softmax1\",\"nodes\":["
                "{\"name\":\"input\",\"type\":\"input\",\"inputs\":[],\"shape\":[1,2,2]},"
                "{\"name\":\"dense1\",\"type\":\"dense\",\"inputs\":[\"input\"],\"units\":3},"
                "{\"name\":\"softmax1\",\"type\":\"softmax\",\"inputs\":[\"dense1\"]},"
                "{\"name\":\"loss\",\"type\":\"softmax_cross_entropy\",\"inputs\":[\"dense1\"]}]}");
    expect_json(
        "input: [1, 2, 2]\nlayers: [{dense: {units: 3}}]\nloss: {softmax_cross_entropy: {class_weights: [1, .5, 0]}}\n",
        "{\"name\":\"net\",\"output\":\"dense1\",\"nodes\":["
        "{\"name\":\"input\",\"type\":\"input\",\"inputs\":[],\"shape\":[1,2,2]},"
        "{\"name\":\"dense1\",\"type\":\"dense\",\"inputs\":[\"input\"],\"units\":3},"
        "{\"name\":\"loss\",\"type\":\"softmax_cross_entropy\",\"inputs\":[\"dense1\"],\"class_weights\":"
        "[1.0,0.5,0.0]}]}");
    expect_json("input: [1, 2, 2]\nlayers: [relu]\nloss: none\n",
                "{\"name\":\"net\",\"output\":\"relu1\",\"nodes\":["
                "{\"name\":\"input\",\"type\":\"input\",\"inputs\":[],\"shape\":[1,2,2]},"
                "{\"name\":\"relu1\",\"type\":\"relu\",\"inputs\":[\"input\"]}]}");
}

#define NET(layers) "input: [1, 4, 4]\nlayers:\n" layers

static void mistakes_are_told_with_their_place(void **state)
{
    (void)state;
    expect_failure("", "the file is empty");
    expect_failure("7", ":1:1: a network must be a map");
    expect_failure("inputs: [1, 4, 4]\n", ":1:1: unknown key 'inputs'; did you mean 'input'?");
    expect_failure("layers: [relu]\n", "'input: [channels, rows, columns]' is missing");
    expect_failure("input: [1, 4, 4]\n", "'layers:' is missing");
    expect_failure("input: [1, 4, 4]\nlayers: []\n", ":2:9: layers is empty");
    expect_failure("input: [1, 4]\nlayers: [relu]\n", ":1:8: shape has 2 values, takes 3");
    expect_failure("input: [1, 0, 4]\nlayers: [relu]\n", ":1:12: shape is 0, must be 1 to 65535");
    expect_failure("input: 5\nlayers: [relu]\n", ":1:8: ");
    expect_failure("name: 5\ninput: [1, 4, 4]\nlayers: [relu]\n",
                   ":1:7: name must be a text, not a whole number; put it in quotes");
    expect_failure(NET("  - rellu\n"), ":3:5: unknown layer type 'rellu'; did you mean 'relu'?");
    expect_failure(NET("  - conv2D: {filters: 3}\n"), ":3:5: unknown layer type 'conv2D'; did you mean 'conv2d'?");
    expect_failure(NET("  - conv2d: {filter: 3}\n"), ":3:14: unknown key of conv2d 'filter'; did you mean 'filters'?");
    expect_failure(NET("  - conv2d: {kernel: 3}\n"), ":3:5: conv2d needs 'filters'");
    expect_failure(NET("  - conv2d\n"), ":3:5: conv2d needs 'filters'");
    expect_failure(NET("  - conv2d: {filters: -3}\n"), ":3:23: filters is -3, must be 1 to");
    expect_failure(NET("  - conv2d: {filters: 3, stride: 0}\n"), ":3:34: stride is 0, must be 1 to");
    expect_failure(NET("  - conv2d: {filters: many}\n"), ":3:23: unknown name 'many'");
    expect_failure(NET("  - conv2d: {filters: 99999999999999999999}\n"), "must be a whole number");
    expect_failure(NET("  - conv2d: {filters: 3, padding: some}\n"),
                   ":3:35: unknown padding 'some'; did you mean 'same'?");
    expect_failure(NET("  - conv2d: {filters: 3, kernel: 9}\n"), ":3:5: conv2d 'conv2d1'");
    expect_failure(NET("  - conv2d: 3\n"), ":3:13: conv2d takes a map");
    expect_failure(NET("  - conv2d: {filters: 3}\n    relu:\n"), ":3:5: a layer has one type, here are 2 keys");
    expect_failure(NET("  - leaky_relu: {slope: .nan}\n"), "must be finite");
    expect_failure(NET("  - leaky_relu: {slope: -0.5}\n"), ":3:25: slope is -0.5, must be ");
    expect_failure(NET("  - relu: {from: later}\n  - relu: {name: later}\n"),
                   ":3:18: unknown layer (it must stand before this one) 'later'");
    expect_failure(NET("  - add: {from: [input, 3]}\n"), ":3:25: a layer's name must be a text");
    expect_failure(NET("  - relu: {name: a}\n  - relu: {name: a}\n"), ":4:5: relu 'a'");
    expect_failure(NET("  - relu\n  - relu: {from: input}\nloss: none\n"), "nothing reads");
    expect_failure(NET("  - softmax_cross_entropy: {weigth: 1}\n"),
                   ":3:29: unknown key of softmax_cross_entropy 'weigth'");
    expect_failure(NET("  - input: {shape: [1, 4, 4]}\n"), "the input is given by");
    expect_failure(NET("  - relu\nloss: relu\n"), ":4:7: 'relu' is a layer, not a loss");
    expect_failure(NET("  - relu\noutput: rely1\n"),
                   ":4:9: unknown layer (it must stand before this one) 'rely1'; did you mean 'relu1'?");
}

static void yaml_itself_is_bounded(void **state)
{
    (void)state;
    char text[4096];
    expect_failure("a: &x 1\n", ":1:4: anchors are not supported");
    expect_failure("a: *x\n", ":1:4: aliases are not supported");
    expect_failure("a: !!int 1\n", ":1:4: tags are not supported");
    expect_failure("a: 1\na: 2\n", ":2:1: key 'a' is given twice");
    expect_failure("? [a]\n: 1\n", "a key must be a text");
    expect_failure("a: 1\n---\nb: 2\n", "a second document");
    expect_failure("a: [1\nb: 2\n", "invalid YAML");
    expect_failure("a: \"\\0\"\n", "a text holds a NUL");
    memset(text, '[', sizeof text);
    text[sizeof text - 1] = '\0';
    expect_failure(text, ":1:65: nested deeper than 64");
    memset(text, 'a', 300);
    text[300] = '\0';
    expect_failure(text, ":1:1: a text is longer than 255 bytes");
    fv_graph *graph = NULL;
    assert_int_equal(fv_graph_read_yaml(&graph, context, "/nowhere.yaml"), FV_ERR_NOT_FOUND);
}

static void no_locale_changes_numbers(void **state)
{
    (void)state;
    test_use_decimal_comma();
    expect_json("input: [1, 2, 2]\nlayers: [leaky_relu: {slope: 0.25}]\nloss: none\n",
                "{\"name\":\"net\",\"output\":\"leaky_relu1\",\"nodes\":["
                "{\"name\":\"input\",\"type\":\"input\",\"inputs\":[],\"shape\":[1,2,2]},"
                "{\"name\":\"leaky_relu1\",\"type\":\"leaky_relu\",\"inputs\":[\"input\"],\"slope\":0.25}]}");
    setlocale(LC_ALL, "C");
}

static void any_changed_byte_gives_a_status(void **state)
{
    (void)state;
    static const char good[] = "name: n\ninput: [1, 4, 4]\nlayers:\n  - conv2d: {filters: 2, kernel: 3, pad: [1, 0], "
                               "weight_init: {kind: he}}\n"
                               "  - relu: {from: input, name: 'a b'}\n  - concat: {from: [a b, conv2d1]}\nloss: none\n";
    char text[sizeof good];
    for (size_t i = 0; i < sizeof good - 1; i++)
        for (int bit = 0; bit < 8; bit++) {
            fv_graph *graph = NULL;
            memcpy(text, good, sizeof text);
            text[i] = (char)(text[i] ^ 1 << bit);
            test_file_write(folder, "net.yaml", text, sizeof good - 1);
            const fv_status status = fv_graph_read_yaml(&graph, context, path);
            assert_true((status == FV_OK) == (graph != NULL));
            fv_graph_destroy(graph);
        }
}

static fv_image_shape shape_of(const fv_graph *graph, fv_value value)
{
    return fv_graph_node(graph, value).output;
}

static void input_and_classes_can_be_others(void **state)
{
    static const char *const descriptions[] = {
        "parameters: {classes: 10}\ninput: [3, 8, 8]\nlayers: [conv2d: {filters: rows}, dense: {units: classes}]",
        "parameters: {a: 8, classes: a, b: classes}\ninput: {name: image, shape: [3, a, a]}\n"
        "layers:\n  - conv2d: {filters: rows}\n  - dense: {units: b}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof descriptions / sizeof descriptions[0]; i++) {
        const fv_yaml_options options = { .input = { 1, 12, 9 }, .classes = 7 };
        fv_graph *graph = NULL;
        test_file_write(folder, "net.yaml", descriptions[i], strlen(descriptions[i]));
        if (fv_graph_read_yaml_with(&graph, context, path, &options) != FV_OK)
            fail_msg("%s", fv_context_message(context));
        const fv_image_shape in = shape_of(graph, fv_graph_input(graph)), out = shape_of(graph, fv_graph_output(graph));
        assert_true(in.c == 1 && in.h == 12 && in.w == 9);
        assert_int_equal(out.c, 7);
        assert_int_equal(shape_of(graph, 1).c, 12); /* expressions see the new size */
        fv_graph_destroy(graph);
    }
}

static void what_a_description_cannot_be_is_refused(void **state)
{
    static const struct {
        fv_yaml_options options;
        const char *words;
    } cases[] = {
        { { .classes = 5 }, "net.yaml:1:1: the number of classes can be given to a description that has a parameter" },
        { { .classes = -5 }, "-5 classes is not at least 1" },
        { { .input = { 1, 0, 4 } }, "the input 1x0x4 has a size below 1" },
        { { .input = { 1, 2, 2 } }, "net.yaml:2:10: conv2d 'conv2d1': kernel 3x3 is larger than the padded input 2x2" },
    };
    (void)state;
    const char *text = "input: [1, 8, 8]\nlayers: [conv2d: {filters: 4, kernel: 3}]\n";
    test_file_write(folder, "net.yaml", text, strlen(text));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_graph *graph = NULL;
        assert_int_not_equal(fv_graph_read_yaml_with(&graph, context, path, &cases[i].options), FV_OK);
        assert_null(graph);
        if (strstr(fv_context_message(context), cases[i].words) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", fv_context_message(context), cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        YAML_TEST(a_network_is_read),
        YAML_TEST(output_and_loss_are_chosen),
        YAML_TEST(mistakes_are_told_with_their_place),
        YAML_TEST(yaml_itself_is_bounded),
        YAML_TEST(no_locale_changes_numbers),
        YAML_TEST(input_and_classes_can_be_others),
        YAML_TEST(what_a_description_cannot_be_is_refused),
        YAML_TEST(any_changed_byte_gives_a_status),
    };
    return YAML_RUN(tests);
}
