/* SPDX-License-Identifier: Apache-2.0
 *
 * reduce.real.c - softmax and the arithmetic of the losses. Contracts in kernels.h. Every sum runs from the first term to
 * the last, so the vector kernels, which add the same way, give the same bits.
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

void FVI_REAL_NAME(fvi_cross_entropy_backward_reference)(size_t count, double factor, const void *p, int32_t label,
                                                         const float *soft, void *dx)
{
    const fvi_real *probability = p, scale = (fvi_real)factor;
    fvi_real *down = dx;
    if (soft) {
        double sum = 0;
        for (size_t k = 0; k < count; k++)
            sum += (double)soft[k];
        const fvi_real mass = (fvi_real)sum;
        for (size_t k = 0; k < count; k++)
            down[k] = scale * (probability[k] * mass - (fvi_real)soft[k]);
        return;
    }
    for (size_t k = 0; k < count; k++)
        down[k] = scale * probability[k];
    down[label] = scale * (probability[label] - 1);
}

double FVI_REAL_NAME(fvi_squared_difference_reference)(size_t count, const void *x, const float *t, ptrdiff_t t_stride)
{
    const fvi_real *in = x;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const double difference = (double)in[i] - (double)t[(ptrdiff_t)i * t_stride];
        sum += difference * difference;
    }
    return sum;
}

void FVI_REAL_NAME(fvi_difference_reference)(size_t count, double factor, const void *x, const float *t,
                                             ptrdiff_t t_stride, void *dx)
{
    const fvi_real *in = x, scale = (fvi_real)factor;
    fvi_real *down = dx;
    for (size_t i = 0; i < count; i++)
        down[i] = scale * (in[i] - (fvi_real)t[(ptrdiff_t)i * t_stride]);
}
