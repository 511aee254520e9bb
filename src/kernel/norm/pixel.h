/* SPDX-License-Identifier: Apache-2.0
 *
 * pixel.h - kernels that treat each pixel's channels as one vector: normalisation to mean 0 and variance 1, and the logarithm of softmax.
 * One source for float and double (suffix _f32, _f64), compiled once for all machines: the same bits everywhere. Sums are in double:
 * channel k goes to partial sum k % 8, and these are added in pairs.
 */
#ifndef FVI_NORM_PIXEL_H
#define FVI_NORM_PIXEL_H

#include <stddef.h>

/* Pixel i's channels lie side by side at stride * i; strides in elements. */
typedef struct fvi_pixel_run {
    size_t pixels, channels;
    ptrdiff_t x, dy, y; /* y: of what is written */
    double epsilon;
    const void *scale, *shift; /* [channels] or NULL: 1, 0 */
} fvi_pixel_run;

/* y = (x - m) / sqrt(v + epsilon) * scale[c] + shift[c], m and v mean and variance (by channels) of the pixel. y may be x. */
typedef void fvi_pixel_norm_fn(const fvi_pixel_run *run, const void *x, void *y);
fvi_pixel_norm_fn fvi_pixel_norm_f32, fvi_pixel_norm_f64;

/* With r = 1 / sqrt(v + epsilon), n = (x - m) * r, g = dy * scale: dx = r * (g - mean(g) - n * mean(g*n)); dx may be dy, or NULL.
 * dscale[c] += dy * n, dshift[c] += dy, pixel by pixel. */
typedef void fvi_pixel_norm_backward_fn(const fvi_pixel_run *run, const void *x, const void *dy, void *dx,
                                        double *dscale, double *dshift);
fvi_pixel_norm_backward_fn fvi_pixel_norm_backward_f32, fvi_pixel_norm_backward_f64;

/* y = (x - max) - log(sum(exp(x - max))). y may be x. */
typedef void fvi_log_softmax_fn(const fvi_pixel_run *run, const void *x, void *y);
fvi_log_softmax_fn fvi_log_softmax_f32, fvi_log_softmax_f64;

/* dx = dy - exp(y) * sum(dy), where run->x is y's stride. dx may be dy. */
typedef void fvi_log_softmax_backward_fn(const fvi_pixel_run *run, const void *y, const void *dy, void *dx);
fvi_log_softmax_backward_fn fvi_log_softmax_backward_f32, fvi_log_softmax_backward_f64;

#endif
