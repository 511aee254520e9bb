/* SPDX-License-Identifier: Apache-2.0
 *
 * reduce.real.c - softmax. Contracts in kernels.h. Every sum runs from the first term to the last, so the vector
 * kernels, which add the same way, give the same bits.
 */
#include "kernel/reference.h"

static fvi_real row_max(size_t count, const fvi_real *x)
{
    fvi_real max = x[0];
    for (size_t k = 1; k < count; k++)
        max = x[k] > max ? x[k] : max;
    return max;
}

void FVI_REAL_NAME(fvi_softmax_reference)(size_t rows, size_t count, ptrdiff_t x_stride, const void *x,
                                          ptrdiff_t y_stride, void *y, double *log_sum)
{
    const fvi_real *in = x;
    fvi_real *out = y;
    for (size_t row = 0; row < rows; row++, in += x_stride, out += y_stride) {
        const fvi_real max = row_max(count, in);
        fvi_real sum = 0;
        for (size_t k = 0; k < count; k++) {
            out[k] = FVI_REAL_MATH(exp)(in[k] - max);
            sum += out[k];
        }
        if (log_sum)
            log_sum[row] = (double)max + fvi_log((double)sum);
        for (size_t k = 0; k < count; k++)
            out[k] /= sum;
    }
}

void FVI_REAL_NAME(fvi_softmax_backward_reference)(size_t rows, size_t count, ptrdiff_t y_stride, const void *y,
                                                   ptrdiff_t dy_stride, const void *dy, ptrdiff_t dx_stride, void *dx)
{
    const fvi_real *out = y, *up = dy;
    fvi_real *down = dx;
    for (size_t row = 0; row < rows; row++, out += y_stride, up += dy_stride, down += dx_stride) {
        fvi_real dot = 0;
        for (size_t k = 0; k < count; k++)
            dot += up[k] * out[k];
        for (size_t k = 0; k < count; k++)
            down[k] = out[k] * (up[k] - dot);
    }
}
