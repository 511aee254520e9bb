/* SPDX-License-Identifier: Apache-2.0
 *
 * math.c - exp, log, tanh, erf, the normal distribution, and sine and cosine of turns, from additions, multiplications and divisions alone.
 * Methods: argument reduction as in Cody & Waite, "Software manual for the elementary functions", 1980; the logarithm in
 * double by s = f/(2+f), Tang 1990 (ACM TOMS 16.4) and fdlibm's e_log.c. Polynomials are our own fits (docs/numerics.md).
 * No FMA, so that every CPU gives the same bits. Errors in ULP are in docs/numerics.md and asserted in math_test.c.
 */
#include "base/math.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/math_float.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static uint64_t bits_of(double x)
{
    uint64_t bits = 0;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits)
{
    double x = 0.0;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of_float(float x)
{
    uint32_t bits = 0;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_from_bits(uint32_t bits)
{
    float x = 0.0f;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* c[0] + c[1] x + ... by Horner's rule. */
static double polynomial(const double *c, size_t count, double x)
{
    double sum = c[count - 1];
    for (size_t i = count - 1; i-- > 0;)
        sum = sum * x + c[i];
    return sum;
}

static float polynomial_float(const float *c, size_t count, float x)
{
    float sum = c[count - 1];
    for (size_t i = count - 1; i-- > 0;)
        sum = sum * x + c[i];
    return sum;
}

/* 2^power for a power whose result is normal. */
static double power_of_two(int64_t power)
{
    return from_bits((uint64_t)(power + 1023) << 52);
}

static float power_of_two_float(int32_t power)
{
    return float_from_bits((uint32_t)(power + 127) << 23);
}

double fvi_exp(double x)
{
    static const double q[] = { 0x1.0000000000000p-1,  0x1.5555555555557p-3,  0x1.5555555555556p-5,
                                0x1.11111111100dcp-7,  0x1.6c16c16c162d4p-10, 0x1.a01a01abe7fe1p-13,
                                0x1.a01a01a6d889cp-16, 0x1.71de0231960ebp-19, 0x1.27e4db646b17ep-22,
                                0x1.af4de97ca4194p-26, 0x1.1f730349868cep-29 };
    const double log2e = 0x1.71547652b82fep+0, round = 0x1.8p+52;
    const double ln2_high = 0x1.62e42fefp-1, ln2_low = 0x1.473de6af278edp-34;
    if (isnan(x))
        return x;
    x = x < -746.0 ? -746.0 : x > 710.0 ? 710.0 : x;
    const double shifted = x * log2e + round;
    const double k = shifted - round;
    const double r = (x - k * ln2_high) - k * ln2_low;
    const double e = 1.0 + (r + r * r * polynomial(q, COUNT(q), r));
    const int64_t power = (int64_t)k;
    const int64_t half = power >= 0 ? power / 2 : -((1 - power) / 2);
    return e * power_of_two(half) * power_of_two(power - half); /* in two steps: the result may be subnormal */
}

double fvi_log(double x)
{
    static const double p[] = {
        0x1.5555555555555p-1, 0x1.9999999999a38p-2, 0x1.2492492476bf2p-2, 0x1.c71c7201712d2p-3,
        0x1.745cf8fa80a6ep-3, 0x1.3b1c377d3240fp-3, 0x1.0fbe5ca9fd6f9p-3, 0x1.0c05f222f1ac5p-3
    };
    const double ln2_high = 0x1.62e42fefp-1, ln2_low = 0x1.473de6af278edp-34;
    const uint64_t sqrt_half_bits = UINT64_C(0x3fe6a09e667f3bcd);
    double shift = 0.0;
    if (isnan(x) || x < 0.0)
        return NAN;
    if (x == 0.0)
        return -INFINITY;
    if (isinf(x))
        return x;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        shift = -54.0;
    }
    const uint64_t above = bits_of(x) - sqrt_half_bits;
    const double k = (double)((int64_t)above >> 52) + shift;
    const double f = from_bits((above & UINT64_C(0xfffffffffffff)) + sqrt_half_bits) - 1.0;
    const double s = f / (2.0 + f);
    const double z = s * s;
    const double half_square = 0.5 * f * f;
    const double series = z * polynomial(p, COUNT(p), z); /* (log(1+f) - 2s) / s */
    return k * ln2_high - ((half_square - (s * (half_square + series) + k * ln2_low)) - f);
}

double fvi_tanh(double x)
{
    static const double q[] = { -0x1.5555555555555p-2,  0x1.111111111110dp-3,   -0x1.ba1ba1ba1aff0p-5,
                                0x1.664f488279254p-6,   -0x1.226e354ddfe9ap-7,  0x1.d6d3cc561e69ap-9,
                                -0x1.7da2fd76a3cf1p-10, 0x1.355204d5878bep-11,  -0x1.f4fccb8116f0ap-13,
                                0x1.92d3563b405ccp-14,  -0x1.370efd62e9535p-15, 0x1.99b26df70cccdp-17,
                                -0x1.47559de55bc91p-19 };
    const double size = fabs(x);
    if (size < 0.625)
        return copysign(x + x * (x * x) * polynomial(q, COUNT(q), x * x), x); /* -0 stays -0 */
    return copysign(1.0 - 2.0 / (fvi_exp(2.0 * size) + 1.0), x);
}

/* -log(1 - erf(x)) for x in [0.85, 6], a smooth function, in three pieces, each in powers of x minus its left end. */
static double minus_log_erfc(double x)
{
    static const double from_085[] = { 0x1.78fb512ea17cep+0,   0x1.31ca237ad19b1p+1,   0x1.a55ddb2c4695ep-1,
                                       0x1.898f100d8c87ep-5,   -0x1.7be2b638e9ca1p-7,  0x1.1cdbf0618b68ep-9,
                                       -0x1.8dd90dda6092fp-13, -0x1.1ad21d39b21f5p-14, 0x1.619ede1616ea4p-15,
                                       -0x1.a8eee7a0cf80cp-17, 0x1.0e944931566d6p-19,  0x1.502c0c4238b4dp-23,
                                       -0x1.b8273426fd77ap-23, 0x1.fe238ed041e8ap-25,  -0x1.e68bb7850e8f2p-28 };
    static const double from_175[] = { 0x1.1457e04194ecdp+2,   0x1.fad487adf0886p+1,  0x1.d1e3ad70cd54ap-1,
                                       0x1.50822404453d6p-6,   -0x1.2f197831f57ccp-8, 0x1.f977a09bbe300p-11,
                                       -0x1.6e074ed95c238p-13, 0x1.8ed52eb6049d7p-16, -0x1.d7d5890e134dcp-21,
                                       -0x1.bdc508b996958p-21, 0x1.797cdd4ce1e21p-22, -0x1.6a07bc604afa4p-24,
                                       0x1.ac9d1457ec47bp-27,  -0x1.e71b6b035c694p-31 };
    static const double from_325[] = { 0x1.8b66650d4a383p+3,   0x1.b22921d12cf73p+2,   0x1.ecca65219353dp-1,
                                       0x1.964bbefb520f1p-8,   -0x1.1be28959b47f0p-10, 0x1.8d563947bf5a6p-13,
                                       -0x1.0e6b2a51c6b69p-15, 0x1.5b74fbbddc2efp-18,  -0x1.911f68cf7c11cp-21,
                                       0x1.7c7e63c827880p-24,  -0x1.fb4dc1aa103ddp-28, 0x1.5673e350f7bdbp-32 };
    if (x < 1.75)
        return polynomial(from_085, COUNT(from_085), x - 0.85);
    if (x < 3.25)
        return polynomial(from_175, COUNT(from_175), x - 1.75);
    return polynomial(from_325, COUNT(from_325), x - 3.25);
}

double fvi_erf(double x)
{
    static const double q[] = { 0x1.06eba8214db69p-3,   -0x1.812746b0379e6p-2,  0x1.ce2f21a042aa4p-4,
                                -0x1.b82ce31280af9p-6,  0x1.565bcd0cbcf76p-8,   -0x1.c02db3963408fp-11,
                                0x1.f9a31658993bep-14,  -0x1.f4d0a3d978b80p-17, 0x1.b9c84aad92c94p-20,
                                -0x1.5e0ceca83a2b8p-23, 0x1.e78ce74511f33p-27,  -0x1.e5d4a2f4facb1p-31 };
    const double size = fabs(x);
    if (isnan(x))
        return x;
    if (size < 0.85)
        return x + x * polynomial(q, COUNT(q), x * x);
    if (size >= 6.0) /* 1 - erf(6) < 2^-55 */
        return copysign(1.0, x);
    return copysign(1.0 - fvi_exp(-minus_log_erfc(size)), x);
}

double fvi_normal(double x)
{
    return 0.5 + 0.5 * fvi_erf(x * 0.70710678118654752440);
}

double fvi_gelu_slope(double x)
{
    return fvi_normal(x) + x * (0.39894228040143267794 * fvi_exp(-0.5 * x * x));
}

/* sin and cos of 2 pi r for |r| <= 1/8. */
static double sine_near_zero(double r)
{
    static const double p[] = { 0x1.921fb54442d18p+2,  -0x1.4abbce625be53p+5, 0x1.466bc6775aad9p+6,
                                -0x1.32d2cce62ac22p+6, 0x1.50783485cbd83p+5,  -0x1.e3074b4ff3058p+3,
                                0x1.e8eed12ee00a3p+1,  -0x1.6c5b875d4e739p-1 };
    return r * polynomial(p, COUNT(p), r * r);
}

static double cosine_near_zero(double r)
{
    static const double p[] = { 0x1.0000000000000p+0,  -0x1.3bd3cc9be45dep+4, 0x1.03c1f081b5aacp+6,
                                -0x1.55d3c7e3c90f8p+6, 0x1.e1f5068355e15p+5,  -0x1.a6d1ec7906c20p+4,
                                0x1.f9cc41140bb60p+2,  -0x1.b264ba152378ap+0 };
    return polynomial(p, COUNT(p), r * r);
}

/* sin(2 pi (turns + quarters/4)): the nearest quarter turn is taken off exactly. */
static double sine_of_quarters(double turns, int quarters)
{
    const int nearest = (int)(turns * 4.0 + 0.5);
    const double r = turns - 0.25 * nearest;
    switch ((nearest + quarters) % 4) {
    case 0:
        return sine_near_zero(r);
    case 1:
        return cosine_near_zero(r);
    case 2:
        return -sine_near_zero(r);
    default:
        return -cosine_near_zero(r);
    }
}

double fvi_sin_turns(double turns)
{
    return sine_of_quarters(turns, 0);
}

double fvi_cos_turns(double turns)
{
    return sine_of_quarters(turns, 1);
}

/* The float forms below have no branch on values, so that simd_math.h can repeat them operation by operation.
 * Selections are written as a > b ? a : b, which keeps a NaN in b. */

float fvi_expf(float x)
{
    x = fvi_expf_lowest > x ? fvi_expf_lowest : x;
    x = fvi_expf_highest < x ? fvi_expf_highest : x;
    const float shifted = x * fvi_expf_log2e + fvi_expf_round;
    const float k = shifted - fvi_expf_round;
    const float r = (x - k * fvi_expf_ln2_high) - k * fvi_expf_ln2_low;
    const float e = 1.0f + (r + r * r * polynomial_float(fvi_expf_q, COUNT(fvi_expf_q), r));
    /* k as an integer, from the low bits of the sum; for a NaN whatever, since the product stays NaN. */
    const int32_t power = (int32_t)((bits_of_float(shifted) & 0xffffu) << 16) >> 16;
    const int32_t half = power >> 1;
    return e * power_of_two_float(half) * power_of_two_float(power - half);
}

float fvi_logf(float x)
{
    const int subnormal = x < 0x1p-126f;
    const float scaled = subnormal ? x * 0x1p25f : x;
    const uint32_t above = bits_of_float(scaled) - (uint32_t)fvi_logf_sqrt_half_bits;
    const int32_t exponent = (int32_t)above >> 23;
    const float k = (float)exponent - (subnormal ? 25.0f : 0.0f);
    const float f = float_from_bits((above & 0x7fffffu) + (uint32_t)fvi_logf_sqrt_half_bits) - 1.0f;
    const float square = f * f;
    const float tail = f * square * polynomial_float(fvi_logf_q, COUNT(fvi_logf_q), f) - 0.5f * square;
    const float result = k * fvi_expf_ln2_high + (f + (tail + k * fvi_expf_ln2_low));
    if (x < INFINITY && x > 0.0f)
        return result;
    return x == 0.0f ? -INFINITY : x > 0.0f ? x : NAN;
}

float fvi_tanhf(float x)
{
    const float size = fabsf(x);
    const float square = x * x;
    const float small = x + x * square * polynomial_float(fvi_tanhf_q, COUNT(fvi_tanhf_q), square);
    const float large = 1.0f - 2.0f / (fvi_expf(size + size) + 1.0f);
    return copysignf(fvi_tanhf_limit > size ? small : large, x);
}

/* x p(x^2) / q(x^2). */
static float odd_quotient(const float *p, size_t p_count, const float *q, size_t q_count, float x)
{
    const float square = x * x;
    return x * polynomial_float(p, p_count, square) / polynomial_float(q, q_count, square);
}

/* A NaN stays. */
static float cut(float x, float limit)
{
    x = limit < x ? limit : x;
    return -limit > x ? -limit : x;
}

float fvi_normalf(float x)
{
    const float z = cut(x, fvi_normalf_limit);
    return 0.5f + odd_quotient(fvi_normalf_p, COUNT(fvi_normalf_p), fvi_normalf_q, COUNT(fvi_normalf_q), z);
}

float fvi_gelu_slopef(float x)
{
    const float z = cut(x, fvi_gelu_slopef_limit);
    return 0.5f +
           odd_quotient(fvi_gelu_slopef_p, COUNT(fvi_gelu_slopef_p), fvi_gelu_slopef_q, COUNT(fvi_gelu_slopef_q), z);
}
