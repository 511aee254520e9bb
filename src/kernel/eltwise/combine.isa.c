/* SPDX-License-Identifier: Apache-2.0
 *
 * combine.isa.c - differences, quotients, products and weighted sums in float32, a vector at a time: the bits of combine.real.c. The last elements
 * are done one by one.
 */
#include "kernel/vector.h"

enum { LANES = FVI_ISA_LANES };

void FVI_ISA_NAME(fvi_multiply_f32)(size_t count, const void *a, const void *b, void *y)
{
    const float *left = a, *right = b;
    float *out = y;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(out + i, fvi_vf_load(left + i) * fvi_vf_load(right + i));
    for (; i < count; i++)
        out[i] = left[i] * right[i];
}

void FVI_ISA_NAME(fvi_divide_f32)(size_t count, const void *a, const void *b, void *y)
{
    const float *left = a, *right = b;
    float *out = y;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(out + i, fvi_vf_load(left + i) / fvi_vf_load(right + i));
    for (; i < count; i++)
        out[i] = left[i] / right[i];
}

void FVI_ISA_NAME(fvi_subtract_f32)(size_t count, const void *a, const void *b, void *y)
{
    const float *left = a, *right = b;
    float *out = y;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(out + i, fvi_vf_load(left + i) - fvi_vf_load(right + i));
    for (; i < count; i++)
        out[i] = left[i] - right[i];
}

void FVI_ISA_NAME(fvi_multiply_add_f32)(size_t count, const void *a, const void *b, void *y)
{
    const float *left = a, *right = b;
    float *sum = y;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(sum + i, fvi_vf_load(sum + i) + fvi_vf_load(left + i) * fvi_vf_load(right + i));
    for (; i < count; i++)
        sum[i] = sum[i] + left[i] * right[i];
}

void FVI_ISA_NAME(fvi_scale_add_f32)(size_t count, double factor, const void *x, void *y)
{
    const float *in = x, scale = (float)factor;
    const fvi_vf scales = fvi_vf_splat(scale);
    float *sum = y;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(sum + i, fvi_vf_load(sum + i) + scales * fvi_vf_load(in + i));
    for (; i < count; i++)
        sum[i] = sum[i] + scale * in[i];
}

void FVI_ISA_NAME(fvi_blend_f32)(size_t count, const double weight[4], const void *const x[4], void *y)
{
    const float *a = x[0], *b = x[1], *c = x[2], *d = x[3];
    const float w[4] = { (float)weight[0], (float)weight[1], (float)weight[2], (float)weight[3] };
    const fvi_vf wa = fvi_vf_splat(w[0]), wb = fvi_vf_splat(w[1]), wc = fvi_vf_splat(w[2]), wd = fvi_vf_splat(w[3]);
    float *out = y;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const fvi_vf top = wa * fvi_vf_load(a + i) + wb * fvi_vf_load(b + i);
        fvi_vf_store(out + i, (top + wc * fvi_vf_load(c + i)) + wd * fvi_vf_load(d + i));
    }
    for (; i < count; i++)
        out[i] = ((w[0] * a[i] + w[1] * b[i]) + w[2] * c[i]) + w[3] * d[i];
}
