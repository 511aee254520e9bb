/* SPDX-License-Identifier: Apache-2.0
 *
 * glob_test.c - names by patterns.
 */
#include <string.h>

#include "base/glob.h"
#include "support/test.h"

FV_TEST(glob, patterns_match_whole_names)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        { "*", "", true },
        { "", "", true },
        { "", "a", false },
        { "a", "ab", false },
        { "?b*", "abc", true },
        { "*.bias", "c.bias", true },
        { "*.bias", "c.biases", false },
        { "a*b*c", "aXbXbYc", true },
        { "a*b*c", "aXbXbY", false },
        { "l[1-3]", "l2", true },
        { "l[1-3]", "l4", false },
        { "l[!1-3]", "l4", true },
        { "l[^1-3]", "l3", false },
        { "[]]", "]", true },
        { "[a-]", "-", true },
        { "[ab", "[ab", true },
        { "[ab", "a", false },
        { "*[0-9]", "conv12", true },
        { "l[13-5]*", "l4.x", true },
        { "l[13-5]*", "l2.x", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (fvi_glob(cases[i].pattern, cases[i].name) != cases[i].matches)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].name);
}

FV_TEST(glob, a_pattern_may_match_up_to_a_point)
{
    assert_true(fvi_glob_begins("layer1", "layer1.0.conv1.weight"));
    assert_true(fvi_glob_begins("layer[1-3].*", "layer3.0.conv1.weight"));
    assert_true(fvi_glob_begins("layer1.0", "layer1.0.conv1.weight"));
    assert_false(fvi_glob_begins("layer1", "layer10.0.conv1.weight"));
    assert_false(fvi_glob_begins("conv1", "layer1.0.conv1.weight"));
}

FV_TEST(glob, the_last_word_of_a_list_decides)
{
    assert_true(fvi_glob_list("conv1, bn1", "bn1.weight"));
    assert_false(fvi_glob_list("*,!fc", "fc.bias"));
    assert_true(fvi_glob_list("*,!fc", "conv1.weight"));
    assert_true(fvi_glob_list("!fc fc.bias", "fc.bias"));
    assert_false(fvi_glob_list("", "fc.bias"));
    assert_false(fvi_glob_list(NULL, "fc.bias"));
}

/* A star that would be tried in every place again and again: the time is that of a product, not of a power. */
FV_TEST(glob, many_stars_take_no_time)
{
    char name[4001], pattern[101];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (size_t i = 0; i < 50; i++)
        memcpy(pattern + 2 * i, "*a", 2);
    pattern[99] = 'b';
    pattern[100] = '\0';
    assert_false(fvi_glob(pattern, name));
}

FV_TESTS(glob, patterns_match_whole_names, a_pattern_may_match_up_to_a_point, the_last_word_of_a_list_decides,
         many_stars_take_no_time)
