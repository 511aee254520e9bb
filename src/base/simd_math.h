/* SPDX-License-Identifier: Apache-2.0
 *
 * simd_math.h - exp, log, tanh and the normal distribution on vectors, for *.isa.c sources: operation by operation the float forms of
 * math.c, so every lane has their bits (tests/base/simd_cases.isa.c). Multiplications and additions stay apart, also
 * where there is FMA, so that all instruction sets agree.
 */
#ifndef FVI_SIMD_MATH_H
#define FVI_SIMD_MATH_H

#include <math.h>

#include "base/math_float.h"
#include "base/simd.h"

FVI_INLINE fvi_vf fvi_vf_polynomial(const float *c, int count, fvi_vf x)
{
    fvi_vf sum = fvi_vf_splat(c[count - 1]);
    for (int i = count - 2; i >= 0; i--)
        sum = sum * x + c[i];
    return sum;
}

FVI_INLINE fvi_vf fvi_vf_absolute(fvi_vf x)
{
    return fvi_vf_from_bits(fvi_vf_bits(x) & INT32_MAX);
}

/* The size of one with the sign of the other. */
FVI_INLINE fvi_vf fvi_vf_copysign(fvi_vf size, fvi_vf sign)
{
    return fvi_vf_from_bits((fvi_vf_bits(size) & INT32_MAX) | (fvi_vf_bits(sign) & INT32_MIN));
}

FVI_INLINE fvi_vf fvi_vf_power_of_two(fvi_vi power)
{
    return fvi_vf_from_bits((power + 127) << 23);
}

FVI_INLINE fvi_vf fvi_vf_exp(fvi_vf x)
{
    x = fvi_vf_max(fvi_vf_splat(fvi_expf_lowest), x);
    x = fvi_vf_min(fvi_vf_splat(fvi_expf_highest), x);
    const fvi_vf shifted = x * fvi_expf_log2e + fvi_expf_round;
    const fvi_vf k = shifted - fvi_expf_round;
    const fvi_vf r = (x - k * fvi_expf_ln2_high) - k * fvi_expf_ln2_low;
    const fvi_vf e = 1.0f + (r + r * r * fvi_vf_polynomial(fvi_expf_q, 5, r));
    const fvi_vi power = (fvi_vf_bits(shifted) << 16) >> 16;
    const fvi_vi half = power >> 1;
    return e * fvi_vf_power_of_two(half) * fvi_vf_power_of_two(power - half);
}

FVI_INLINE fvi_vf fvi_vf_log(fvi_vf x)
{
    const fvi_vf infinity = fvi_vf_splat(INFINITY), zero = fvi_vf_splat(0.0f);
    const fvi_vi subnormal = x < 0x1p-126f;
    const fvi_vf scaled = fvi_vf_select(subnormal, x * 0x1p25f, x);
    /* without the sign: a negative lane's result is not used, and must not overflow */
    const fvi_vi above = (fvi_vf_bits(scaled) & INT32_MAX) - fvi_logf_sqrt_half_bits;
    const fvi_vf k = fvi_vi_to_float(above >> 23) - fvi_vf_select(subnormal, fvi_vf_splat(25.0f), zero);
    const fvi_vf f = fvi_vf_from_bits((above & 0x7fffff) + fvi_logf_sqrt_half_bits) - 1.0f;
    const fvi_vf square = f * f;
    const fvi_vf tail = f * square * fvi_vf_polynomial(fvi_logf_q, 9, f) - 0.5f * square;
    const fvi_vf result = k * fvi_expf_ln2_high + (f + (tail + k * fvi_expf_ln2_low));
    const fvi_vf special = fvi_vf_select(x == zero, -infinity, fvi_vf_select(x > zero, x, fvi_vf_splat(NAN)));
    return fvi_vf_select((x < infinity) & (x > zero), result, special);
}

FVI_INLINE fvi_vf fvi_vf_tanh(fvi_vf x)
{
    const fvi_vf size = fvi_vf_absolute(x);
    const fvi_vf square = x * x;
    const fvi_vf small = x + x * square * fvi_vf_polynomial(fvi_tanhf_q, 6, square);
    const fvi_vf large = 1.0f - 2.0f / (fvi_vf_exp(size + size) + 1.0f);
    return fvi_vf_copysign(fvi_vf_select_greater(fvi_vf_splat(fvi_tanhf_limit), size, small, large), x);
}

/* x p(x^2) / q(x^2). */
FVI_INLINE fvi_vf fvi_vf_odd_quotient(const float *p, int p_count, const float *q, int q_count, fvi_vf x)
{
    const fvi_vf square = x * x;
    return x * fvi_vf_polynomial(p, p_count, square) / fvi_vf_polynomial(q, q_count, square);
}

FVI_INLINE fvi_vf fvi_vf_cut(fvi_vf x, float limit)
{
    return fvi_vf_max(fvi_vf_splat(-limit), fvi_vf_min(fvi_vf_splat(limit), x));
}

FVI_INLINE fvi_vf fvi_vf_normal(fvi_vf x)
{
    return 0.5f + fvi_vf_odd_quotient(fvi_normalf_p, 6, fvi_normalf_q, 6, fvi_vf_cut(x, fvi_normalf_limit));
}

FVI_INLINE fvi_vf fvi_vf_gelu_slope(fvi_vf x)
{
    return 0.5f + fvi_vf_odd_quotient(fvi_gelu_slopef_p, 8, fvi_gelu_slopef_q, 7, fvi_vf_cut(x, fvi_gelu_slopef_limit));
}

#endif
