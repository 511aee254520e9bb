/* SPDX-License-Identifier: Apache-2.0
 *
 * test.h - how a test file is written:
 *
 *     FV_TEST(arena, pieces_are_aligned) { assert_int_equal(...); }
 *     FV_TESTS(arena, pieces_are_aligned, ...)    one list ends the file; an unlisted test is an unused-function warning
 */
#ifndef FVI_TEST_H
#define FVI_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants setjmp.h, stdarg.h, stddef.h and stdint.h before it. */
#include <cmocka.h>

/* How many threads a test starts: 1 where $FOVEA_TEST_ONE_THREAD says that there can be no more (some emulators). */
static inline int32_t test_threads(int32_t wanted)
{
    return getenv("FOVEA_TEST_ONE_THREAD") != NULL ? 1 : wanted;
}

/* Ends the test as skipped; tools/test.sh prints the reason. */
static inline void test_skip(const char *reason)
{
    fprintf(stderr, "skipped: %s\n", reason);
    skip();
}

#define FV_TEST(unit, name) static void unit##_##name(void **state __attribute__((unused)))

#define FVI_EXPAND(...) FVI_EXPAND_3(FVI_EXPAND_3(FVI_EXPAND_3(__VA_ARGS__)))
#define FVI_EXPAND_3(...) FVI_EXPAND_2(FVI_EXPAND_2(FVI_EXPAND_2(__VA_ARGS__)))
#define FVI_EXPAND_2(...) FVI_EXPAND_1(FVI_EXPAND_1(FVI_EXPAND_1(__VA_ARGS__)))
#define FVI_EXPAND_1(...) FVI_EXPAND_0(FVI_EXPAND_0(FVI_EXPAND_0(__VA_ARGS__)))
#define FVI_EXPAND_0(...) __VA_ARGS__
#define FVI_PARENTHESES ()
#define FVI_LIST_TESTS(unit, name, ...)                                                                                \
    cmocka_unit_test(unit##_##name), __VA_OPT__(FVI_LIST_TESTS_AGAIN FVI_PARENTHESES(unit, __VA_ARGS__))
#define FVI_LIST_TESTS_AGAIN() FVI_LIST_TESTS

/* Up to 80 tests. */
#define FV_TESTS(unit, ...)                                                                                            \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct CMUnitTest tests[] = { FVI_EXPAND(FVI_LIST_TESTS(unit, __VA_ARGS__)) };                           \
        return cmocka_run_group_tests_name(#unit, tests, NULL, NULL);                                                  \
    }

#endif
