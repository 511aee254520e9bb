/* SPDX-License-Identifier: Apache-2.0
 *
 * update_kernels.isa.c - updates in float32, a vector at a time: one pass over gradient, slots and weights. They are bound by
 * memory beyond the caches: sgd has five streams, of which gradient, velocity and weights are read, the last two written.
 */
#include "optim/update_kernels.h"

#include "base/simd.h"

#define FVI_QUOTE(text) #text
#define FVI_QUOTE_EXPANDED(text) FVI_QUOTE(text)

enum { LANES = FVI_ISA_LANES, EXPONENT = 0x7f800000, SUMS = 16 };

typedef fvi_vf lane;
typedef float element;
typedef double lane_f64 __attribute__((vector_size(8 * FVI_ISA_LANES)));

#define lane_inline FVI_INLINE
#define lane_load fvi_vf_load
#define lane_store fvi_vf_store
#define lane_load_first fvi_vf_load_first
#define lane_store_first fvi_vf_store_first
#define lane_sqrt fvi_vf_sqrt
#define lane_greater fvi_vf_select_greater

FVI_INLINE fvi_vf lane_splat(double x)
{
    return fvi_vf_splat((float)x);
}

#include "optim/update_rules.h"

/* An exponent of ones is a NaN or an infinity. */
static fvi_vi not_finite(fvi_vf x)
{
    const fvi_vi exponent = fvi_vi_splat(EXPONENT);
    return (fvi_vf_bits(x) & exponent) == exponent;
}

static bool all_finite(size_t count, const void *values)
{
    const float *x = values;
    fvi_vi bad = fvi_vi_splat(0);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        bad |= not_finite(fvi_vf_load(x + i));
    bad |= not_finite(fvi_vf_load_first(x + i, count - i));
    int32_t any = 0;
    for (size_t at = 0; at < LANES; at++)
        any |= bad[at];
    return any == 0;
}

/* A square of a float is exact in double, so the order of the sums is all that fixes the bits. What is loaded behind the end is
 * 0 and adds nothing. */
static double sum_of_squares(size_t count, const void *values)
{
    const float *x = values;
    lane_f64 sum[SUMS / LANES] = { 0 };
    size_t i = 0;
    for (; i + SUMS <= count; i += SUMS)
        for (size_t j = 0; j < SUMS / LANES; j++) {
            const lane_f64 wide = __builtin_convertvector(fvi_vf_load(x + i + j * LANES), lane_f64);
            sum[j] += wide * wide;
        }
    for (size_t j = 0; j < SUMS / LANES && i < count; j++, i += LANES) {
        const size_t rest = count - i < LANES ? count - i : LANES;
        const lane_f64 wide = __builtin_convertvector(fvi_vf_load_first(x + i, rest), lane_f64);
        sum[j] += wide * wide;
    }
    double each[SUMS];
    memcpy(each, sum, sizeof each);
    for (size_t half = SUMS / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            each[j] += each[j + half];
    return each[0];
}

extern const fvi_update_kernels FVI_ISA_NAME(fvi_update_kernels_f32);
const fvi_update_kernels FVI_ISA_NAME(fvi_update_kernels_f32) = {
    .name = FVI_QUOTE_EXPANDED(FVI_ISA_SUFFIX),
    .finite = all_finite,
    .squares = sum_of_squares,
    FVI_UPDATE_RULES,
};
