/* SPDX-License-Identifier: Apache-2.0
 *
 * channel.real.c - work per channel, in float32 and float64. Inner loops run over the channels of a pixel, which lie side by
 * side, so the compiler's own vectors serve them.
 */
#include <string.h>

#include "base/real.h"
#include "kernel/channel/channel_real.h"

static fvi_real *pixel_at(const fvi_view *view, int32_t n, int32_t h, int32_t w)
{
    return (fvi_real *)view->data + n * view->image_stride + h * view->row_stride + w * view->pixel_stride;
}

void FVI_REAL_NAME(fvi_channel_add)(const fvi_view *y, int32_t n, const void *bias)
{
    const fvi_real *b = bias;
    for (int32_t h = 0; h < y->h; h++)
        for (int32_t w = 0; w < y->w; w++) {
            fvi_real *pixel = pixel_at(y, n, h, w);
            for (int32_t c = 0; c < y->c; c++)
                pixel[c] += b[c];
        }
}

void FVI_REAL_NAME(fvi_channel_sum)(const fvi_view *x, int32_t n, double *sum)
{
    memset(sum, 0, (size_t)x->c * sizeof *sum);
    for (int32_t h = 0; h < x->h; h++)
        for (int32_t w = 0; w < x->w; w++) {
            const fvi_real *pixel = pixel_at(x, n, h, w);
            for (int32_t c = 0; c < x->c; c++)
                sum[c] += (double)pixel[c];
        }
}

void FVI_REAL_NAME(fvi_channel_total)(int32_t parts, int32_t channels, const double *part, void *result)
{
    fvi_real *to = result;
    for (int32_t c = 0; c < channels; c++) {
        double sum = 0;
        for (int32_t i = 0; i < parts; i++)
            sum += part[(size_t)i * (size_t)channels + (size_t)c];
        to[c] = (fvi_real)sum;
    }
}

/* Adds the window's cells to sum[c], which holds zeros, and multiplies by the factor. */
static void sum_window(const fvi_subsample_shape *shape, const fvi_view *x, const fvi_real *window, fvi_real *sum)
{
    const fvi_real factor = (fvi_real)shape->factor;
    for (int32_t r = 0; r < shape->kernel[0]; r++)
        for (int32_t s = 0; s < shape->kernel[1]; s++) {
            const fvi_real *cell = window + r * x->row_stride + s * x->pixel_stride;
            for (int32_t c = 0; c < x->c; c++)
                sum[c] += cell[c];
        }
    for (int32_t c = 0; c < x->c; c++)
        sum[c] *= factor;
}

void FVI_REAL_NAME(fvi_subsample_forward)(const fvi_subsample_shape *shape, const fvi_view *x, int32_t n,
                                          const void *weight, const void *bias, const fvi_view *y, void *sum)
{
    const fvi_real *a = weight, *b = bias;
    const size_t pixel_bytes = (size_t)y->c * sizeof(fvi_real);
    fvi_real *kept = sum;
    for (int32_t i = 0; i < y->h; i++)
        for (int32_t j = 0; j < y->w; j++) {
            fvi_real *to = pixel_at(y, n, i, j);
            memset(to, 0, pixel_bytes);
            sum_window(shape, x, pixel_at(x, n, i * shape->stride[0], j * shape->stride[1]), to);
            if (kept != NULL) {
                memcpy(kept, to, pixel_bytes);
                kept += y->c;
            }
            for (int32_t c = 0; c < y->c; c++)
                to[c] = a[c] * to[c] + b[c];
        }
}

void FVI_REAL_NAME(fvi_subsample_backward_data)(const fvi_subsample_shape *shape, const fvi_view *dy, int32_t n,
                                                const void *weight, const fvi_view *dx)
{
    const fvi_real *a = weight, factor = (fvi_real)shape->factor;
    for (int32_t h = 0; h < dx->h; h++)
        for (int32_t w = 0; w < dx->w; w++)
            memset(pixel_at(dx, n, h, w), 0, (size_t)dx->c * sizeof(fvi_real));
    for (int32_t i = 0; i < dy->h; i++)
        for (int32_t j = 0; j < dy->w; j++) {
            const fvi_real *from = pixel_at(dy, n, i, j);
            for (int32_t r = 0; r < shape->kernel[0]; r++)
                for (int32_t s = 0; s < shape->kernel[1]; s++) {
                    fvi_real *to = pixel_at(dx, n, i * shape->stride[0] + r, j * shape->stride[1] + s);
                    for (int32_t c = 0; c < dx->c; c++)
                        to[c] += factor * a[c] * from[c];
                }
        }
}

void FVI_REAL_NAME(fvi_subsample_backward_weights)(const fvi_view *dy, int32_t n, const void *sum, double *dweight,
                                                   double *dbias)
{
    const fvi_real *kept = sum;
    memset(dweight, 0, (size_t)dy->c * sizeof *dweight);
    memset(dbias, 0, (size_t)dy->c * sizeof *dbias);
    for (int32_t i = 0; i < dy->h; i++)
        for (int32_t j = 0; j < dy->w; j++, kept += dy->c) {
            const fvi_real *from = pixel_at(dy, n, i, j);
            for (int32_t c = 0; c < dy->c; c++) {
                dweight[c] += (double)from[c] * (double)kept[c];
                dbias[c] += (double)from[c];
            }
        }
}
