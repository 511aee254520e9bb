/* SPDX-License-Identifier: Apache-2.0
 *
 * combine.real.c - differences, quotients, products and weighted sums, one element at a time: what the vector kernels are measured against.
 */
#include "kernel/reference.h"

void FVI_REAL_NAME(fvi_multiply_reference)(size_t count, const void *a, const void *b, void *y)
{
    const fvi_real *left = a, *right = b;
    fvi_real *out = y;
    for (size_t i = 0; i < count; i++)
        out[i] = left[i] * right[i];
}

void FVI_REAL_NAME(fvi_divide_reference)(size_t count, const void *a, const void *b, void *y)
{
    const fvi_real *left = a, *right = b;
    fvi_real *out = y;
    for (size_t i = 0; i < count; i++)
        out[i] = left[i] / right[i];
}

void FVI_REAL_NAME(fvi_subtract_reference)(size_t count, const void *a, const void *b, void *y)
{
    const fvi_real *left = a, *right = b;
    fvi_real *out = y;
    for (size_t i = 0; i < count; i++)
        out[i] = left[i] - right[i];
}

void FVI_REAL_NAME(fvi_multiply_add_reference)(size_t count, const void *a, const void *b, void *y)
{
    const fvi_real *left = a, *right = b;
    fvi_real *sum = y;
    for (size_t i = 0; i < count; i++)
        sum[i] = sum[i] + left[i] * right[i];
}

void FVI_REAL_NAME(fvi_scale_add_reference)(size_t count, double factor, const void *x, void *y)
{
    const fvi_real *in = x, scale = (fvi_real)factor;
    fvi_real *sum = y;
    for (size_t i = 0; i < count; i++)
        sum[i] = sum[i] + scale * in[i];
}

void FVI_REAL_NAME(fvi_blend_reference)(size_t count, const double weight[4], const void *const x[4], void *y)
{
    const fvi_real w[4] = { (fvi_real)weight[0], (fvi_real)weight[1], (fvi_real)weight[2], (fvi_real)weight[3] };
    const fvi_real *a = x[0], *b = x[1], *c = x[2], *d = x[3];
    fvi_real *out = y;
    for (size_t i = 0; i < count; i++)
        out[i] = ((w[0] * a[i] + w[1] * b[i]) + w[2] * c[i]) + w[3] * d[i];
}
