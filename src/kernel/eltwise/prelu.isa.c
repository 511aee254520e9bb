/* SPDX-License-Identifier: Apache-2.0
 *
 * prelu.isa.c - ReLU with a slope for each channel in float32: a vector of channels at a time, down the pixels of a run, so
 * that slopes and sums stay in registers. The bits of prelu.real.c: each channel's sum is in one lane.
 */
#include "base/simd.h"
#include "kernel/vector.h"

enum { LANES = FVI_ISA_LANES };

/* Channels of one vector: all lanes, or those of the mask. */
FVI_INLINE fvi_vf load(const float *from, bool whole, fvi_vmask mask)
{
    return whole ? fvi_vf_load(from) : fvi_vf_load_masked(from, mask);
}

FVI_INLINE void store(float *to, fvi_vf v, bool whole, fvi_vmask mask)
{
    if (whole)
        fvi_vf_store(to, v);
    else
        fvi_vf_store_masked(to, v, mask);
}

FVI_INLINE void forward(const fvi_prelu_run *run, const float *slope, const float *x, float *y, bool whole,
                        fvi_vmask mask)
{
    const fvi_vf zero = { 0 }, a = load(slope, whole, mask);
    for (size_t i = 0; i < run->pixels; i++, x += run->x, y += run->y) {
        const fvi_vf in = load(x, whole, mask);
        store(y, fvi_vf_select_greater(in, zero, in, a * in), whole, mask);
    }
}

FVI_INLINE void backward(const fvi_prelu_run *run, const float *slope, const float *x, const float *dy, float *dx,
                         float *sums, bool whole, fvi_vmask mask)
{
    const fvi_vf zero = { 0 }, a = load(slope, whole, mask);
    fvi_vf sum = { 0 };
    for (size_t i = 0; i < run->pixels; i++, x += run->x, dy += run->y) {
        const fvi_vf in = load(x, whole, mask), up = load(dy, whole, mask);
        sum += fvi_vf_select_greater(in, zero, zero, up * in);
        if (dx) {
            store(dx, fvi_vf_select_greater(in, zero, up, a * up), whole, mask);
            dx += run->dx;
        }
    }
    store(sums, sum, whole, mask);
}

void FVI_ISA_NAME(fvi_prelu_f32)(const fvi_prelu_run *run, const void *slope, const void *x, void *y)
{
    const float *a = slope, *in = x;
    float *out = y;
    const fvi_vmask rest = fvi_vmask_first(run->channels % LANES);
    size_t c = 0;
    for (; c + LANES <= run->channels; c += LANES)
        forward(run, a + c, in + c, out + c, true, rest);
    if (c < run->channels)
        forward(run, a + c, in + c, out + c, false, rest);
}

void FVI_ISA_NAME(fvi_prelu_backward_f32)(const fvi_prelu_run *run, const void *slope, const void *x, const void *dy,
                                          void *dx, void *sums)
{
    const float *a = slope, *in = x, *up = dy;
    float *down = dx, *sum = sums;
    const fvi_vmask rest = fvi_vmask_first(run->channels % LANES);
    size_t c = 0;
    for (; c + LANES <= run->channels; c += LANES)
        backward(run, a + c, in + c, up + c, down ? down + c : NULL, sum + c, true, rest);
    if (c < run->channels)
        backward(run, a + c, in + c, up + c, down ? down + c : NULL, sum + c, false, rest);
}
