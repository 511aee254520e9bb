/* SPDX-License-Identifier: Apache-2.0
 *
 * math_test.c - our exp, log, tanh, erf, sine and cosine against the C library's in long double: the largest error in
 * units of the last place of the exact result, over points that are dense in every binade. The bounds are what
 * docs/numerics.md states; each is the largest error measured here, rounded up.
 */
#include "base/math.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "support/test.h"

typedef long double exact_fn(long double x);

/* |value - exact| in units of the last place that a number of `digits` bits and least exponent has at exact. */
static double ulps(long double value, long double exact, int digits, int least_exponent)
{
    int exponent = 0;
    if (value == exact)
        return 0.0;
    frexpl(exact, &exponent);
    if (exponent < least_exponent)
        exponent = least_exponent;
    return (double)(fabsl(value - exact) / ldexpl(1.0L, exponent - digits));
}

static double worst_float(float (*ours)(float), exact_fn *exact, float from, float to)
{
    uint32_t bits = 0;
    double worst = 0.0;
    /* Every 1999th float (a prime) of either sign. */
    for (uint64_t pattern = 0; pattern < UINT64_C(1) << 32; pattern += 1999) {
        float x = 0.0f;
        bits = (uint32_t)pattern;
        memcpy(&x, &bits, sizeof x);
        if (!(x >= from && x <= to))
            continue;
        const double error = ulps(ours(x), exact(x), FLT_MANT_DIG, FLT_MIN_EXP);
        if (!(error <= worst))
            worst = error;
    }
    return worst;
}

static double worst_double(double (*ours)(double), exact_fn *exact, double from, double to, bool all_binades)
{
    fvi_random random = fvi_random_start(7, FVI_PURPOSE_TEST, 1);
    double worst = 0.0;
    for (int i = 0; i < 200000; i++) {
        double x = from + (to - from) * fvi_random_uniform(&random);
        if (all_binades && i % 2 == 0)
            x = ldexp(x, -(int)fvi_random_below(&random, 1000));
        const double error = ulps(ours(x), exact(x), DBL_MANT_DIG, DBL_MIN_EXP);
        if (!(error <= worst))
            worst = error;
    }
    return worst;
}

static void check_bound(const char *name, double worst, double bound)
{
    print_message("%s: largest error %.3f ULP, bound %.2f\n", name, worst, bound);
    if (!(worst <= bound))
        fail_msg("%s: %.3f ULP is over the documented %.2f", name, worst, bound);
}

#if LDBL_MANT_DIG > DBL_MANT_DIG
static long double exact_sine(long double turns)
{
    /* Reduced first: 2 pi in long double is not exact. */
    const long double quarter = roundl(turns * 4.0L);
    const long double r = (turns - quarter / 4.0L) * 6.283185307179586476925286766559L;
    switch ((int)quarter % 4) {
    case 0:
        return sinl(r);
    case 1:
        return cosl(r);
    case 2:
        return -sinl(r);
    default:
        return -cosl(r);
    }
}

static long double exact_cosine(long double turns)
{
    return exact_sine(turns < 0.75L ? turns + 0.25L : turns - 0.75L);
}

FV_TEST(math, float_forms_are_within_their_bounds)
{
    check_bound("fvi_expf", worst_float(fvi_expf, expl, -103.9f, 88.7f), 1.1);
    check_bound("fvi_logf", worst_float(fvi_logf, logl, 0x1p-149f, FLT_MAX), 0.9);
    check_bound("fvi_tanhf", worst_float(fvi_tanhf, tanhl, -50.0f, 50.0f), 1.3);
}

static long double exact_normal(long double x)
{
    return 0.5L * erfcl(-x * 0.707106781186547524400844362104849039L);
}

static long double exact_gelu_slope(long double x)
{
    return exact_normal(x) + x * 0.398942280401432677939946059934381868L * expl(-0.5L * x * x);
}

/* In units of 2^-24: a factor that is next to 0 counts as little as it weighs. */
static void check_absolute(const char *name, float (*ours)(float), exact_fn *exact, double bound)
{
    double worst = 0.0;
    for (int32_t i = -700000; i <= 700000; i++) {
        const float x = (float)i * 1e-5f;
        const double error = (double)fabsl(ours(x) - exact(x)) * 0x1p24;
        if (!(error <= worst))
            worst = error;
    }
    print_message("%s: largest error %.3f * 2^-24, bound %.2f\n", name, worst, bound);
    if (!(worst <= bound))
        fail_msg("%s: %.3f * 2^-24 is over the documented %.2f", name, worst, bound);
}

FV_TEST(math, the_normal_distribution_is_within_its_bounds)
{
    check_absolute("fvi_normalf", fvi_normalf, exact_normal, 4.2);
    check_absolute("fvi_gelu_slopef", fvi_gelu_slopef, exact_gelu_slope, 4.9);
}

FV_TEST(math, double_forms_are_within_their_bounds)
{
    check_bound("fvi_exp", worst_double(fvi_exp, expl, -745.0, 709.7, true), 1.0);
    check_bound("fvi_exp near 0", worst_double(fvi_exp, expl, -2.0, 2.0, true), 1.0);
    check_bound("fvi_log", worst_double(fvi_log, logl, 0.0, 1e300, true), 0.9);
    check_bound("fvi_log near 1", worst_double(fvi_log, logl, 0.5, 2.0, false), 0.9);
    check_bound("fvi_tanh", worst_double(fvi_tanh, tanhl, -20.0, 20.0, true), 1.4);
    check_bound("fvi_tanh near 0", worst_double(fvi_tanh, tanhl, -2.0, 2.0, true), 1.4);
    check_bound("fvi_erf", worst_double(fvi_erf, erfl, -6.5, 6.5, true), 1.1);
    check_bound("fvi_erf near 0", worst_double(fvi_erf, erfl, -2.0, 2.0, true), 1.1);
    check_bound("fvi_sin_turns", worst_double(fvi_sin_turns, exact_sine, 0.0, 1.0, false), 1.6);
    check_bound("fvi_cos_turns", worst_double(fvi_cos_turns, exact_cosine, 0.0, 1.0, false), 1.6);
}
#else
FV_TEST(math, float_forms_are_within_their_bounds)
{
    test_skip("no long double that is more exact than double to compare with");
}

FV_TEST(math, the_normal_distribution_is_within_its_bounds)
{
    test_skip("no long double that is more exact than double to compare with");
}

FV_TEST(math, double_forms_are_within_their_bounds)
{
    test_skip("no long double that is more exact than double to compare with");
}
#endif

FV_TEST(math, special_values)
{
    assert_true(isinf(fvi_expf(89.5f)) && fvi_expf(-INFINITY) == 0.0f && isinf(fvi_expf(INFINITY)));
    assert_true(fvi_expf(0.0f) == 1.0f && fvi_exp(0.0) == 1.0 && fvi_expf(-106.0f) == 0.0f);
    assert_true(isinf(fvi_exp(709.8)) && fvi_exp(-INFINITY) == 0.0 && isinf(fvi_exp(INFINITY)));
    assert_true(fvi_logf(0.0f) == -INFINITY && fvi_logf(-0.0f) == -INFINITY && isnan(fvi_logf(-1.0f)));
    assert_true(fvi_logf(INFINITY) == INFINITY && fvi_logf(1.0f) == 0.0f && isnan(fvi_logf(-INFINITY)));
    assert_true(fvi_log(0.0) == -INFINITY && isnan(fvi_log(-1.0)) && fvi_log(INFINITY) == INFINITY &&
                fvi_log(1.0) == 0.0);
    assert_true(fvi_tanhf(INFINITY) == 1.0f && fvi_tanhf(-INFINITY) == -1.0f && signbit(fvi_tanhf(-0.0f)));
    assert_true(fvi_tanh(INFINITY) == 1.0 && fvi_tanh(-40.0) == -1.0 && signbit(fvi_tanh(-0.0)));
    assert_true(fvi_normalf(INFINITY) == 1.0f && fvi_normalf(-1e30f) == 0.0f && fvi_normalf(0.0f) == 0.5f);
    assert_true(fvi_gelu_slopef(1e30f) == 1.0f && fvi_gelu_slopef(-INFINITY) == 0.0f && fvi_gelu_slopef(0.0f) == 0.5f);
    assert_true(fvi_erf(INFINITY) == 1.0 && fvi_erf(-INFINITY) == -1.0 && signbit(fvi_erf(-0.0)));
    assert_true(fvi_sin_turns(0.0) == 0.0 && fvi_sin_turns(0.25) == 1.0 && fvi_cos_turns(0.5) == -1.0);
    assert_true(fvi_cos_turns(0.25) == 0.0 && fvi_sin_turns(0.5) == 0.0 && fvi_cos_turns(0.75) == 0.0);
}

FV_TEST(math, nan_stays_nan)
{
    assert_true(isnan(fvi_expf(NAN)) && isnan(fvi_logf(NAN)) && isnan(fvi_tanhf(NAN)));
    assert_true(isnan(fvi_normalf(NAN)) && isnan(fvi_gelu_slopef(NAN)));
    assert_true(isnan(fvi_exp(NAN)) && isnan(fvi_log(NAN)) && isnan(fvi_tanh(NAN)) && isnan(fvi_erf(NAN)));
}

FV_TESTS(math, float_forms_are_within_their_bounds, the_normal_distribution_is_within_its_bounds,
         double_forms_are_within_their_bounds, special_values, nan_stays_nan)
