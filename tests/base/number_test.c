/* SPDX-License-Identifier: Apache-2.0
 *
 * number_test.c - numbers from and to texts, also for a host with a decimal comma.
 */
#include <float.h>
#include <locale.h>
#include <math.h>

#include "base/number.h"
#include "support/locale.h"
#include "support/test.h"

FV_TEST(number, reads_whole_numbers_and_nothing_else)
{
    static const char *const wrong[] = { "", "-", "1.", "1 ", " 1", "0x10", "1e3", "9223372036854775808", "ten" };
    int64_t value = 7;
    assert_true(fvi_read_integer("-12", &value) && value == -12);
    assert_true(fvi_read_integer("+9223372036854775807", &value) && value == INT64_MAX);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(fvi_read_integer(wrong[i], &value));
    assert_true(value == INT64_MAX);
}

FV_TEST(number, reads_finite_reals_and_nothing_else)
{
    static const char *const wrong[] = {
        "", ".", "e3", "1e", "1e+", "0x1p3", "inf", "nan", "1e999", "0,5", "1..2", "1 "
    };
    double value = 7;
    assert_true(fvi_read_real("0.5", &value) && value == 0.5);
    assert_true(fvi_read_real(".5e1", &value) && value == 5);
    assert_true(fvi_read_real("-3.", &value) && value == -3);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(fvi_read_real(wrong[i], &value));
    assert_true(value == -3);
}

static void check_round_trips(void)
{
    static const double values[] = { 0, -0.0, 0.1, 1.0 / 3, 1e-4, 5e-324, DBL_MAX, 123456789, 0.02, -2.5e-7 };
    char text[FVI_REAL_TEXT];
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        double back = 1;
        assert_true(fvi_read_real(fvi_write_real(values[i], text), &back));
        assert_true(back == values[i] && signbit(back) == signbit(values[i]));
    }
    assert_string_equal(fvi_write_real(0.1, text), "0.1");
    assert_string_equal(fvi_write_real(0.0001, text), "0.0001");
    assert_string_equal(fvi_write_real(10, text), "10");
    assert_string_equal(fvi_write_real(-INFINITY, text), "-inf");
}

FV_TEST(number, what_is_written_reads_back)
{
    check_round_trips();
}

FV_TEST(number, a_decimal_comma_changes_nothing)
{
    test_use_decimal_comma();
    check_round_trips();
    setlocale(LC_ALL, "C");
}

FV_TESTS(number, reads_whole_numbers_and_nothing_else, reads_finite_reals_and_nothing_else, what_is_written_reads_back,
         a_decimal_comma_changes_nothing)
