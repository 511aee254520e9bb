/* SPDX-License-Identifier: Apache-2.0
 *
 * text_test.c - what counts as near, and what does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fovea/text.h"

static const char *const words[] = { "filters", "kernel", NULL, "stride", "padding", "momentum", "lr", "max_pool2d" };
enum { WORDS = sizeof words / sizeof words[0] };

static void assert_nearest(const char *word, const char *expected)
{
    const char *nearest = fv_nearest_word(word, words, WORDS);
    if (expected == NULL)
        assert_null(nearest);
    else
        assert_string_equal(nearest, expected);
}

static void misspelt_words_are_found(void **state)
{
    (void)state;
    assert_nearest("filter", "filters");  /* one letter missing */
    assert_nearest("kernal", "kernel");   /* one letter wrong */
    assert_nearest("strdie", "stride");   /* two neighbours swapped */
    assert_nearest("Padding", "padding"); /* case */
    assert_nearest("max-pool2d", "max_pool2d");
    assert_nearest("mom", "momentum"); /* a beginning */
    assert_nearest("l", "lr");
}

static void unlike_words_are_not(void **state)
{
    (void)state;
    assert_nearest("banana", NULL);
    assert_nearest("", NULL);
    assert_nearest("mo", NULL);
    assert_null(fv_nearest_word("filters", words, 0));
}

static void long_words_are_refused(void **state)
{
    (void)state;
    char word[70];
    memset(word, 'a', sizeof word);
    word[64] = '\0';
    const char *same[] = { word };
    assert_null(fv_nearest_word(word, same, 1));
    word[63] = '\0'; /* the longest that is looked at: every row is used to its end */
    assert_ptr_equal(fv_nearest_word(word, same, 1), word);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misspelt_words_are_found),
        cmocka_unit_test(unlike_words_are_not),
        cmocka_unit_test(long_words_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
