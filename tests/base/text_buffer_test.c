/* SPDX-License-Identifier: Apache-2.0
 *
 * text_buffer_test.c - a text grows, and a failure is kept.
 */
#include "base/text_buffer.h"

#include <string.h>

#include "support/test.h"

static void a_text_grows(void **state)
{
    (void)state;
    fv_context *context = NULL;
    char *text = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    fvi_text_buffer buffer = { .context = context };
    for (int i = 0; i < 1000; i++)
        fvi_text_format(&buffer, "%d,", i % 10);
    fvi_text_append(&buffer, "end");
    assert_int_equal(fvi_text_finish(&buffer, &text), FV_OK);
    assert_int_equal(strlen(text), 2003);
    assert_memory_equal(text, "0,1,2,3,4,5,6,7,8,9,0,", 22);
    assert_string_equal(text + 1998, "9,end");
    fvi_release(context, text);
    fv_context_destroy(context);
}

static void a_failure_is_kept(void **state)
{
    (void)state;
    fv_context *context = NULL;
    char *text = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    fvi_text_buffer buffer = { .context = context, .status = FV_ERR_MEMORY };
    fvi_text_append(&buffer, "lost");
    assert_int_equal(fvi_text_finish(&buffer, &text), FV_ERR_MEMORY);
    assert_null(text);
    fv_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_grows),
        cmocka_unit_test(a_failure_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
