/* SPDX-License-Identifier: Apache-2.0
 *
 * pixel.real.c - the kernels of pixel.h. Layer normalisation: Ba et al. 2016 (arXiv:1607.06450); mean first, then the variance around it.
 */
#include "kernel/norm/pixel.h"

#include <math.h>

#include "base/real.h"

enum { PARTS = 8 };

static double join(const double part[PARTS])
{
    return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

static double sum(size_t count, const fvi_real *x)
{
    double part[PARTS] = { 0 };
    size_t i = 0;
    for (; i + PARTS <= count; i += PARTS)
        for (size_t k = 0; k < PARTS; k++)
            part[k] += (double)x[i + k];
    for (size_t k = 0; i + k < count; k++)
        part[k] += (double)x[i + k];
    return join(part);
}

static double squares(size_t count, const fvi_real *x, double mean)
{
    double part[PARTS] = { 0 };
    size_t i = 0;
    for (; i + PARTS <= count; i += PARTS)
        for (size_t k = 0; k < PARTS; k++)
            part[k] += ((double)x[i + k] - mean) * ((double)x[i + k] - mean);
    for (size_t k = 0; i + k < count; k++)
        part[k] += ((double)x[i + k] - mean) * ((double)x[i + k] - mean);
    return join(part);
}

typedef struct moments {
    double mean, rstd;
} moments;

static moments moments_of(const fvi_pixel_run *run, const fvi_real *x)
{
    const double channels = (double)run->channels, mean = sum(run->channels, x) / channels;
    return (moments){ mean, 1 / sqrt(squares(run->channels, x, mean) / channels + run->epsilon) };
}

void FVI_REAL_NAME(fvi_pixel_norm)(const fvi_pixel_run *run, const void *x, void *y)
{
    const fvi_real *in = x, *scale = run->scale, *shift = run->shift;
    fvi_real *out = y;
    for (size_t pixel = 0; pixel < run->pixels; pixel++, in += run->x, out += run->y) {
        const moments m = moments_of(run, in);
        for (size_t c = 0; c < run->channels; c++)
            out[c] = (fvi_real)(((double)in[c] - m.mean) * m.rstd);
        for (size_t c = 0; scale != NULL && c < run->channels; c++)
            out[c] *= scale[c];
        for (size_t c = 0; shift != NULL && c < run->channels; c++)
            out[c] += shift[c];
    }
}

/* Sums over a pixel: of g, and of g * n. */
typedef struct gradient_sums {
    double g, products;
} gradient_sums;

static gradient_sums sums_of(const fvi_pixel_run *run, const fvi_real *x, const fvi_real *dy, moments m)
{
    const fvi_real *scale = run->scale;
    double g[PARTS] = { 0 }, products[PARTS] = { 0 };
    for (size_t c = 0; c < run->channels; c++) {
        const double up = (double)dy[c] * (scale != NULL ? (double)scale[c] : 1);
        g[c % PARTS] += up;
        products[c % PARTS] += up * (((double)x[c] - m.mean) * m.rstd);
    }
    return (gradient_sums){ join(g), join(products) };
}

void FVI_REAL_NAME(fvi_pixel_norm_backward)(const fvi_pixel_run *run, const void *x, const void *dy, void *dx,
                                            double *dscale, double *dshift)
{
    const fvi_real *in = x, *up = dy, *scale = run->scale;
    fvi_real *down = dx;
    for (size_t pixel = 0; pixel < run->pixels; pixel++, in += run->x, up += run->dy) {
        const moments m = moments_of(run, in);
        for (size_t c = 0; c < run->channels; c++) {
            dscale[c] += (double)up[c] * (((double)in[c] - m.mean) * m.rstd);
            dshift[c] += (double)up[c];
        }
        if (down == NULL)
            continue;
        const gradient_sums sums = sums_of(run, in, up, m);
        const double g = sums.g / (double)run->channels, products = sums.products / (double)run->channels;
        for (size_t c = 0; c < run->channels; c++) {
            const double n = ((double)in[c] - m.mean) * m.rstd, s = scale != NULL ? (double)scale[c] : 1;
            down[c] = (fvi_real)(m.rstd * ((double)up[c] * s - g - n * products));
        }
        down += run->y;
    }
}

void FVI_REAL_NAME(fvi_log_softmax)(const fvi_pixel_run *run, const void *x, void *y)
{
    const fvi_real *in = x;
    fvi_real *out = y;
    for (size_t pixel = 0; pixel < run->pixels; pixel++, in += run->x, out += run->y) {
        fvi_real max = in[0];
        double part[PARTS] = { 0 };
        for (size_t c = 1; c < run->channels; c++)
            max = in[c] > max ? in[c] : max;
        for (size_t c = 0; c < run->channels; c++) {
            out[c] = in[c] - max;
            part[c % PARTS] += (double)FVI_REAL_MATH(exp)(out[c]);
        }
        const fvi_real log_sum = (fvi_real)fvi_log(join(part));
        for (size_t c = 0; c < run->channels; c++)
            out[c] -= log_sum;
    }
}

void FVI_REAL_NAME(fvi_log_softmax_backward)(const fvi_pixel_run *run, const void *y, const void *dy, void *dx)
{
    const fvi_real *out = y, *up = dy;
    fvi_real *down = dx;
    for (size_t pixel = 0; pixel < run->pixels; pixel++, out += run->x, up += run->dy, down += run->y) {
        const fvi_real total = (fvi_real)sum(run->channels, up);
        for (size_t c = 0; c < run->channels; c++)
            down[c] = up[c] - FVI_REAL_MATH(exp)(out[c]) * total;
    }
}
