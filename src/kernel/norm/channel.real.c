/* SPDX-License-Identifier: Apache-2.0
 *
 * channel.real.c - the kernels of channel.h, one element at a time: what the vector kernels are measured against.
 */
#include "kernel/reference.h"

static const fvi_real *at(const void *x, size_t pixel, ptrdiff_t stride)
{
    return (const fvi_real *)x + (ptrdiff_t)pixel * stride;
}

void FVI_REAL_NAME(fvi_channel_sum_reference)(const fvi_pixels *pixels, const void *x, void *sum)
{
    fvi_real *sums = sum;
    for (size_t c = 0; c < pixels->channels; c++) {
        fvi_real part[2] = { 0 };
        for (size_t i = 0; i < pixels->count; i++)
            part[i % 2] += at(x, i, pixels->x)[c];
        sums[c] += part[0] + part[1];
    }
}

void FVI_REAL_NAME(fvi_channel_moments_reference)(const fvi_pixels *pixels, const void *x, const void *shift, void *sum,
                                                  void *squares)
{
    const fvi_real *pivot = shift;
    fvi_real *sums = sum, *squared = squares;
    for (size_t c = 0; c < pixels->channels; c++) {
        fvi_real part[2] = { 0 }, square[2] = { 0 };
        for (size_t i = 0; i < pixels->count; i++) {
            const fvi_real d = at(x, i, pixels->x)[c] - pivot[c];
            part[i % 2] += d;
            square[i % 2] += d * d;
        }
        sums[c] += part[0] + part[1];
        squared[c] += square[0] + square[1];
    }
}

void FVI_REAL_NAME(fvi_channel_products_reference)(const fvi_pixels *pixels, const void *x, const void *dy,
                                                   const void *mean, void *sum, void *products)
{
    const fvi_real *high = mean, *low = high + pixels->channels;
    fvi_real *sums = sum, *multiplied = products;
    for (size_t c = 0; c < pixels->channels; c++) {
        fvi_real part[2] = { 0 }, product[2] = { 0 };
        for (size_t i = 0; i < pixels->count; i++) {
            const fvi_real up = at(dy, i, pixels->dy)[c];
            part[i % 2] += up;
            product[i % 2] += up * ((at(x, i, pixels->x)[c] - high[c]) - low[c]);
        }
        sums[c] += part[0] + part[1];
        multiplied[c] += product[0] + product[1];
    }
}

/* dy behind the activation, or 0. */
static fvi_real gate(const fvi_activation *f, fvi_real v, fvi_real dy)
{
    return v > 0 && (f->kind == FVI_RELU || v < 6) ? dy : 0;
}

void FVI_REAL_NAME(fvi_channel_gated_products_reference)(const fvi_pixels *pixels, const fvi_activation *f,
                                                         const void *ab, const void *x, const void *dy,
                                                         const void *mean, void *sum, void *products)
{
    const fvi_real *high = mean, *low = high + pixels->channels, *a = ab, *b = a + pixels->channels;
    fvi_real *sums = sum, *multiplied = products;
    for (size_t c = 0; c < pixels->channels; c++) {
        fvi_real part[2] = { 0 }, product[2] = { 0 };
        for (size_t i = 0; i < pixels->count; i++) {
            const fvi_real d = (at(x, i, pixels->x)[c] - high[c]) - low[c];
            const fvi_real up = gate(f, d * a[c] + b[c], at(dy, i, pixels->dy)[c]);
            part[i % 2] += up;
            product[i % 2] += up * d;
        }
        sums[c] += part[0] + part[1];
        multiplied[c] += product[0] + product[1];
    }
}

void FVI_REAL_NAME(fvi_channel_gated_backward_reference)(const fvi_pixels *pixels, const fvi_activation *f,
                                                         const void *ab, const void *x, const void *dy,
                                                         const void *mean, const void *abk, void *dx)
{
    const size_t channels = pixels->channels;
    const fvi_real *high = mean, *low = high + channels, *scale = ab, *shift = scale + channels;
    const fvi_real *a = abk, *b = a + channels, *k = b + channels;
    for (size_t i = 0; i < pixels->count; i++) {
        const fvi_real *in = at(x, i, pixels->x), *up = at(dy, i, pixels->dy);
        fvi_real *down = (fvi_real *)dx + (ptrdiff_t)i * pixels->y;
        for (size_t c = 0; c < channels; c++) {
            const fvi_real d = (in[c] - high[c]) - low[c];
            down[c] = (gate(f, d * scale[c] + shift[c], up[c]) * a[c] + b[c]) + d * k[c];
        }
    }
}

void FVI_REAL_NAME(fvi_channel_undo_reference)(const fvi_pixels *pixels, const fvi_activation *f, const void *ab,
                                               const void *x, const void *mean, void *dy)
{
    const fvi_real *high = mean, *low = high + pixels->channels, *a = ab, *b = a + pixels->channels;
    for (size_t i = 0; i < pixels->count; i++) {
        const fvi_real *in = at(x, i, pixels->x);
        fvi_real *up = (fvi_real *)dy + (ptrdiff_t)i * pixels->dy;
        for (size_t c = 0; c < pixels->channels; c++) {
            const fvi_real v = ((in[c] - high[c]) - low[c]) * a[c] + b[c];
            FVI_REAL_NAME(fvi_activation_backward_reference)(f, 1, &v, &up[c], &up[c]);
        }
    }
}

void FVI_REAL_NAME(fvi_channel_finish_reference)(const fvi_pixels *pixels, const fvi_activation *f, const void *x,
                                                 void *y)
{
    for (size_t i = 0; i < pixels->count; i++) {
        fvi_real *out = (fvi_real *)y + (ptrdiff_t)i * pixels->y;
        for (size_t c = 0; x != NULL && c < pixels->channels; c++)
            out[c] = out[c] + at(x, i, pixels->x)[c];
        if (f != NULL)
            FVI_REAL_NAME(fvi_activation_reference)(f, pixels->channels, out, out);
    }
}

void FVI_REAL_NAME(fvi_channel_scale_reference)(const fvi_pixels *pixels, const void *x, const void *ab, void *y)
{
    const fvi_real *a = ab, *b = a + pixels->channels;
    for (size_t i = 0; i < pixels->count; i++) {
        const fvi_real *in = at(x, i, pixels->x);
        fvi_real *out = (fvi_real *)y + (ptrdiff_t)i * pixels->y;
        for (size_t c = 0; c < pixels->channels; c++)
            out[c] = in[c] * a[c] + b[c];
    }
}

void FVI_REAL_NAME(fvi_channel_normalize_reference)(const fvi_pixels *pixels, const void *x, const void *mean,
                                                    const void *ab, void *y)
{
    const fvi_real *high = mean, *low = high + pixels->channels;
    const fvi_real *a = ab, *b = a + pixels->channels;
    for (size_t i = 0; i < pixels->count; i++) {
        const fvi_real *in = at(x, i, pixels->x);
        fvi_real *out = (fvi_real *)y + (ptrdiff_t)i * pixels->y;
        for (size_t c = 0; c < pixels->channels; c++)
            out[c] = ((in[c] - high[c]) - low[c]) * a[c] + b[c];
    }
}

void FVI_REAL_NAME(fvi_channel_normalize_backward_reference)(const fvi_pixels *pixels, const void *x, const void *dy,
                                                             const void *mean, const void *abk, void *dx)
{
    const fvi_real *high = mean, *low = high + pixels->channels;
    const fvi_real *a = abk, *b = a + pixels->channels, *k = b + pixels->channels;
    for (size_t i = 0; i < pixels->count; i++) {
        const fvi_real *in = at(x, i, pixels->x), *up = at(dy, i, pixels->dy);
        fvi_real *down = (fvi_real *)dx + (ptrdiff_t)i * pixels->y;
        for (size_t c = 0; c < pixels->channels; c++)
            down[c] = (up[c] * a[c] + b[c]) + ((in[c] - high[c]) - low[c]) * k[c];
    }
}
