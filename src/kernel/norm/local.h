/* SPDX-License-Identifier: Apache-2.0
 *
 * local.h - kernels of local response normalisation. Part of the table in kernels.h. With s = k + alpha * (sum of squares over
 * the value's window, ascending):  y = x * s^-beta,  dx = dy * s^-beta - 2*alpha*beta * x * (sum over the windows that x is
 * in of t),  t = dy * x * s^-beta / s. Powers are exp(-beta * log(s)), and for beta = 0.75, the one in use, 1 / (sqrt(s) * sqrt(sqrt(s)));
 * no FMA, so every instruction set has the reference's bits.
 */
#ifndef FVI_NORM_LOCAL_H
#define FVI_NORM_LOCAL_H

#include <stddef.h>

enum { FVI_LOCAL_HALF = 31 }; /* largest half of a window */

typedef struct fvi_local_norm {
    size_t half; /* a window has 2*half + 1 channels, or as many rows and columns */
    double alpha, beta, k;
} fvi_local_norm;

/* The cells of a window that lie inside the image, from the first on. Strides in elements. */
typedef struct fvi_local_window {
    size_t rows, columns, channels;
    ptrdiff_t row, pixel;
} fvi_local_window;

/* Across channels: one pixel. */
typedef void fvi_local_across_fn(const fvi_local_norm *norm, size_t channels, const void *x, void *y);
typedef void fvi_local_across_backward_fn(const fvi_local_norm *norm, size_t channels, const void *x, const void *dy,
                                          void *dx);
/* Within each channel: one pixel. cells: the window's first; x, y, s, dy, dx: this pixel's channels. s: NULL, or written. */
typedef void fvi_local_within_fn(const fvi_local_norm *norm, const fvi_local_window *window, const void *cells,
                                 const void *x, void *y, void *s);
/* t of `count` elements. */
typedef void fvi_local_terms_fn(const fvi_local_norm *norm, size_t count, const void *x, const void *dy, const void *s,
                                void *t);
/* cells: of t. */
typedef void fvi_local_within_backward_fn(const fvi_local_norm *norm, const fvi_local_window *window, const void *cells,
                                          const void *x, const void *dy, const void *s, void *dx);

#endif
