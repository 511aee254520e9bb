/* SPDX-License-Identifier: Apache-2.0
 *
 * sgd_kernels.isa.c - updates in float32, a vector at a time: one pass over gradient, velocity and weights. They are bound by
 * memory beyond the caches: five streams, of which gradient, velocity and weights are read, the last two written.
 */
#include "optim/sgd_kernels.h"

#include "base/simd.h"

#define FVI_QUOTE(text) #text
#define FVI_QUOTE_EXPANDED(text) FVI_QUOTE(text)

enum { LANES = FVI_ISA_LANES, EXPONENT = 0x7f800000 };

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
    for (size_t lane = 0; lane < LANES; lane++)
        any |= bad[lane];
    return any == 0;
}

static void update(size_t count, const fvi_sgd_rates *rates, const void *g, void *v, void *w)
{
    const fvi_vf rate = fvi_vf_splat((float)rates->rate), momentum = fvi_vf_splat((float)rates->momentum);
    const fvi_vf decay = fvi_vf_splat((float)rates->decay);
    const float *gradient = g;
    float *velocity = v, *weight = w;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const fvi_vf old = fvi_vf_load(weight + i);
        const fvi_vf moved = momentum * fvi_vf_load(velocity + i) + (fvi_vf_load(gradient + i) + decay * old);
        fvi_vf_store(velocity + i, moved);
        fvi_vf_store(weight + i, old - rate * moved);
    }
    const fvi_vmask rest = fvi_vmask_first(count - i);
    const fvi_vf old = fvi_vf_load_masked(weight + i, rest);
    const fvi_vf moved =
        momentum * fvi_vf_load_masked(velocity + i, rest) + (fvi_vf_load_masked(gradient + i, rest) + decay * old);
    fvi_vf_store_masked(velocity + i, moved, rest);
    fvi_vf_store_masked(weight + i, old - rate * moved, rest);
}

static void average(size_t count, double momentum, const void *observed, void *w)
{
    const fvi_vf part = fvi_vf_splat((float)momentum);
    const float *seen = observed;
    float *value = w;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const fvi_vf old = fvi_vf_load(value + i);
        fvi_vf_store(value + i, old + part * (fvi_vf_load(seen + i) - old));
    }
    const fvi_vmask rest = fvi_vmask_first(count - i);
    const fvi_vf old = fvi_vf_load_masked(value + i, rest);
    fvi_vf_store_masked(value + i, old + part * (fvi_vf_load_masked(seen + i, rest) - old), rest);
}

extern const fvi_sgd_kernels FVI_ISA_NAME(fvi_sgd_kernels_f32);
const fvi_sgd_kernels FVI_ISA_NAME(fvi_sgd_kernels_f32) = {
    .name = FVI_QUOTE_EXPANDED(FVI_ISA_SUFFIX),
    .finite = all_finite,
    .update = update,
    .average = average,
};
