/* SPDX-License-Identifier: Apache-2.0
 *
 * float_mode_test.c - whatever the host has set, arithmetic runs in our mode and the host gets its own back.
 */
#include "base/float_mode.h"

#include <fenv.h>

#include "support/test.h"

#if defined(__x86_64__) || defined(__aarch64__)
static float divide(float a, float b)
{
    /* The quotient is stored before the caller goes on: a compiler may not know that fesetround() changes it. */
    volatile float x = a, y = b, quotient = x / y;
    return quotient;
}

FV_TEST(float_mode, rounding_and_subnormals)
{
    const float nearest = divide(1.0f, 3.0f);
    fesetround(FE_DOWNWARD);
    const float downward = divide(1.0f, 3.0f);
    assert_true(downward < nearest);
    const fvi_float_mode before = fvi_float_mode_enter();
    assert_true(divide(1.0f, 3.0f) == nearest);
    assert_true(divide(0x1p-126f, 2.0f) == 0.0f);
    assert_true(divide(0x1p-140f, 0x1p-140f) != 1.0f); /* 0 / 0 where subnormals are read as zero */
    fvi_float_mode_leave(before);
    assert_int_equal(fegetround(), FE_DOWNWARD);
    assert_true(divide(0x1p-126f, 2.0f) > 0.0f);
    fesetround(FE_TONEAREST);
}
#else
FV_TEST(float_mode, rounding_and_subnormals)
{
    test_skip("the mode can be set on x86-64 and aarch64 only");
}
#endif

FV_TESTS(float_mode, rounding_and_subnormals)
