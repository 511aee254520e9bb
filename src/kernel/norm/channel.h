/* SPDX-License-Identifier: Apache-2.0
 *
 * channel.h - kernels that treat each channel by itself: sums over pixels, and maps with numbers of each channel. What batch
 * normalisation is made of. Part of the table in kernels.h.
 *
 * They work on a run of pixels: pixel i's channels lie side by side at stride * i. Sums are added to arrays [channels];
 * within one call even and odd pixels are summed apart, from the first to the last, and then added: vector kernels have one
 * channel in each lane and no FMA, so every instruction set gives the reference's bits.
 */
#ifndef FVI_NORM_CHANNEL_H
#define FVI_NORM_CHANNEL_H

#include <stddef.h>

#include "kernel/eltwise/activation.h"

typedef struct fvi_pixels {
    size_t count, channels;
    ptrdiff_t x, y, dy; /* strides of the tensors that a kernel has, in elements (y: what it writes) */
} fvi_pixels;

/* sum[c] += sum of x */
typedef void fvi_channel_sum_fn(const fvi_pixels *pixels, const void *x, void *sum);
/* With d = x - shift[c]: sum[c] += sum of d, squares[c] += sum of d*d. */
typedef void fvi_channel_moments_fn(const fvi_pixels *pixels, const void *x, const void *shift, void *sum,
                                    void *squares);
/* With d = (x - high[c]) - low[c], where mean is high, low one behind the other, [2][channels]:
 * sum[c] += sum of dy, products[c] += sum of dy*d. */
typedef void fvi_channel_products_fn(const fvi_pixels *pixels, const void *x, const void *dy, const void *mean,
                                     void *sum, void *products);
/* The same with dy of f(d * a[c] + b[c]) in place of dy of that sum: an activation behind the normalisation, undone without its
 * output. f: FVI_RELU or FVI_RELU6; ab [2][channels]. */
typedef void fvi_channel_gated_products_fn(const fvi_pixels *pixels, const fvi_activation *f, const void *ab,
                                           const void *x, const void *dy, const void *mean, void *sum, void *products);
/* dy = dy * f'(d * a[c] + b[c]) for an f whose derivative is computed from its input; ab [2][channels]. */
typedef void fvi_channel_undo_fn(const fvi_pixels *pixels, const fvi_activation *f, const void *ab, const void *x,
                                 const void *mean, void *dy);
/* y = f(y + x); x NULL: y = f(y); f NULL: f(x) = x. The end of a pass that has just written y. */
typedef void fvi_channel_finish_fn(const fvi_pixels *pixels, const fvi_activation *f, const void *x, void *y);
/* y = x * a[c] + b[c]; ab [2][channels]. y may be x. */
typedef void fvi_channel_scale_fn(const fvi_pixels *pixels, const void *x, const void *ab, void *y);
/* y = ((x - high[c]) - low[c]) * a[c] + b[c]; mean [2][channels], ab [2][channels]. */
typedef void fvi_channel_normalize_fn(const fvi_pixels *pixels, const void *x, const void *mean, const void *ab,
                                      void *y);
/* dx = (dy * a[c] + b[c]) + ((x - high[c]) - low[c]) * k[c]; mean [2][channels], abk [3][channels]. dx may be dy. */
typedef void fvi_channel_normalize_backward_fn(const fvi_pixels *pixels, const void *x, const void *dy,
                                               const void *mean, const void *abk, void *dx);
/* The same with dy of f(((x - high[c]) - low[c]) * a[c] + b[c]); see above. */
typedef void fvi_channel_gated_backward_fn(const fvi_pixels *pixels, const fvi_activation *f, const void *ab,
                                           const void *x, const void *dy, const void *mean, const void *abk, void *dx);

#endif
