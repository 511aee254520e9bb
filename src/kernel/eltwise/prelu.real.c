/* SPDX-License-Identifier: Apache-2.0
 *
 * prelu.real.c - ReLU with a slope for each channel, one element at a time. Contracts in kernels.h.
 */
#include "kernel/reference.h"

void FVI_REAL_NAME(fvi_prelu_reference)(const fvi_prelu_run *run, const void *slope, const void *x, void *y)
{
    const fvi_real *in = x, *a = slope;
    fvi_real *out = y;
    for (size_t i = 0; i < run->pixels; i++, in += run->x, out += run->y)
        for (size_t c = 0; c < run->channels; c++)
            out[c] = in[c] > 0 ? in[c] : a[c] * in[c];
}

void FVI_REAL_NAME(fvi_prelu_backward_reference)(const fvi_prelu_run *run, const void *slope, const void *x,
                                                 const void *dy, void *dx, void *sums)
{
    const fvi_real *in = x, *up = dy, *a = slope;
    fvi_real *down = dx, *sum = sums;
    for (size_t c = 0; c < run->channels; c++)
        sum[c] = 0;
    for (size_t i = 0; i < run->pixels; i++, in += run->x, up += run->y) {
        for (size_t c = 0; c < run->channels; c++) {
            sum[c] += in[c] > 0 ? 0 : up[c] * in[c];
            if (down)
                down[c] = in[c] > 0 ? up[c] : a[c] * up[c];
        }
        down = down ? down + run->dx : NULL;
    }
}
