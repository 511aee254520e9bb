/* SPDX-License-Identifier: Apache-2.0
 *
 * kernels.h - the table of memory-bound kernels for one element type and instruction set. Arithmetic on raw pointers:
 * no graph, no layer, no allocation, no threads; callers split the work (src/layer/split.h). Convolutions, which have an
 * algorithm to choose, are in conv/conv2d.h.
 *
 * Pointers are to elements of the table's dtype. x and y may be the same pointer in element-wise kernels.
 * Every float32 kernel gives the same bits as its reference unless its comment says otherwise.
 */
#ifndef FVI_KERNELS_H
#define FVI_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/random.h"
#include "fovea/tensor.h"
#include "kernel/eltwise/activation.h"
#include "kernel/norm/channel.h"
#include "kernel/norm/local.h"

/* ReLU with a slope for each channel, on a run of pixels; pixel i's channels lie side by side at stride * i. */
typedef struct fvi_prelu_run {
    size_t pixels, channels;
    ptrdiff_t x, y, dx; /* strides in elements; y: of dy too */
} fvi_prelu_run;

/* y = x > 0 ? x : slope[c]*x, and dx = x > 0 ? dy : slope[c]*dy; dx may be NULL. sums[c] = sum of dy*x where not x > 0, from the
 * first pixel to the last. */
typedef void fvi_prelu_fn(const fvi_prelu_run *run, const void *slope, const void *x, void *y);
typedef void fvi_prelu_backward_fn(const fvi_prelu_run *run, const void *slope, const void *x, const void *dy, void *dx,
                                   void *sums);
typedef void fvi_add_fn(size_t count, const void *a, const void *b, void *y); /* y = a + b */

/* Differences, quotients, products and weighted sums, element by element; nothing is fused. */
typedef void fvi_subtract_fn(size_t count, const void *a, const void *b, void *y);     /* y = a - b */
typedef void fvi_divide_fn(size_t count, const void *a, const void *b, void *y);       /* y = a / b */
typedef void fvi_multiply_fn(size_t count, const void *a, const void *b, void *y);     /* y = a * b */
typedef void fvi_multiply_add_fn(size_t count, const void *a, const void *b, void *y); /* y = y + a*b */
typedef void fvi_scale_add_fn(size_t count, double factor, const void *x, void *y);    /* y = y + factor*x */
/* y = ((weight[0]*x[0] + weight[1]*x[1]) + weight[2]*x[2]) + weight[3]*x[3] */
typedef void fvi_blend_fn(size_t count, const double weight[4], const void *const x[4], void *y);

/* Rows of `count` scores, a stride in elements apart: y = exp(x - m) / sum(exp(x - m)) with m = max(x), stable for any
 * finite scores. log_sum: NULL, or for each row log(sum(exp(x))). The sum runs from the first score to the last. */
typedef void fvi_softmax_fn(size_t rows, size_t count, ptrdiff_t x_stride, const void *x, ptrdiff_t y_stride, void *y,
                            double *log_sum);
/* dx = y * (dy - sum(dy*y)) per row. */
typedef void fvi_softmax_backward_fn(size_t rows, size_t count, ptrdiff_t y_stride, const void *y, ptrdiff_t dy_stride,
                                     const void *dy, ptrdiff_t dx_stride, void *dx);
/* Targets of one vector of scores: t[k] is values[k*stride], or where values is NULL 1 at label and 0 elsewhere.
 * Cross-entropy mixes them to q[k] = class_weights[k] * ((1 - smoothing)*t[k] + smoothing/count); class_weights NULL: ones. */
typedef struct fvi_target {
    int32_t label;
    const float *values;
    ptrdiff_t stride;
    double smoothing;
    const double *class_weights;
} fvi_target;

/* sum of q[k] * (log_sum - x[k]), with log_sum from fvi_softmax_fn, and dx[k] = factor * (p[k] * sum(q) - q[k]), p = softmax(x). */
typedef double fvi_cross_entropy_fn(size_t count, const fvi_target *target, const void *x, double log_sum);
typedef void fvi_cross_entropy_backward_fn(size_t count, const fvi_target *target, double factor, const void *p,
                                           void *dx);
/* sum of max(x[k], 0) - x[k]*t[k] + log(1 + exp(-|x[k]|)), and dx[k] = factor * (sigmoid(x[k]) - t[k]); only t is read. */
typedef double fvi_binary_cross_entropy_fn(size_t count, const fvi_target *target, const void *x);
typedef void fvi_binary_cross_entropy_backward_fn(size_t count, const fvi_target *target, double factor, const void *x,
                                                  void *dx);

typedef struct fvi_hinge {
    int32_t label;
    double margin;
    bool squared;
} fvi_hinge;

/* sum over k but label of v[k], v[k] = max(0, margin + x[k] - x[label]), or of its square; the derivative where v[k] = 0 is 0. */
typedef double fvi_hinge_fn(size_t count, const fvi_hinge *hinge, const void *x);
typedef void fvi_hinge_backward_fn(size_t count, const fvi_hinge *hinge, double factor, const void *x, void *dx);
/* Sum over i of (x[i] - t[i*t_stride])^2 in double, from the first to the last. */
typedef double fvi_squared_difference_fn(size_t count, const void *x, const float *t, ptrdiff_t t_stride);
/* dx[i] = factor * (x[i] - t[i*t_stride]). */
typedef void fvi_difference_fn(size_t count, double factor, const void *x, const float *t, ptrdiff_t t_stride,
                               void *dx);

/* A pooling of one image. Output (i, j) sees the window of kernel rows and columns whose first cell is row i*stride[0] - pad[0],
 * column j*stride[1] - pad[1], cut at the image's edges; at least one cell is inside (src/layer/window.h checks). */
typedef struct fvi_pool_shape {
    int32_t h, w, c, oh, ow;
    int32_t kernel[2], stride[2], pad[4]; /* rows, columns; top, left, bottom, right */
    bool count_padding; /* average: divide by the cells of the window inside the padded image, else inside the image */
    bool wide_index;    /* max: index holds uint16_t instead of uint8_t, for windows of more than 256 cells */
    ptrdiff_t x_row, x_pixel, y_row, y_pixel; /* strides in elements; backward: of dx and dy */
} fvi_pool_shape;

/* One output row `oy` of one image. x: the image's first element, y: its output's. index: NULL, or the row's [ow*c] winning
 * taps r*kernel[1] + s, the first on ties. A NaN wins. */
typedef void fvi_max_pool_row_fn(const fvi_pool_shape *shape, int32_t oy, const void *x, void *y, void *index);
typedef void fvi_average_pool_row_fn(const fvi_pool_shape *shape, int32_t oy, const void *x, void *y);
/* One image, all rows: dx is overwritten; where windows overlap, gradients add up in the order of the outputs.
 * index: [oh*ow*c]. dy and dx must not overlap. */
typedef void fvi_max_pool_backward_fn(const fvi_pool_shape *shape, const void *dy, const void *index, void *dx);
typedef void fvi_average_pool_backward_fn(const fvi_pool_shape *shape, const void *dy, void *dx);

/* y[i] = x[i] * scale where draw position + i of random is at least `drop`, else 0. */
typedef void fvi_dropout_fn(size_t count, const fvi_random *random, uint64_t position, uint32_t drop, double scale,
                            const void *x, void *y);
/* The same where draw c decides for channel c of all pixels; strides in elements. */
typedef void fvi_dropout_channels_fn(size_t pixels, size_t channels, const fvi_random *random, uint32_t drop,
                                     double scale, ptrdiff_t x_stride, const void *x, ptrdiff_t y_stride, void *y);

typedef struct fvi_kernels {
    fv_dtype dtype;
    const char *name; /* "reference", "avx2", ... */
    fvi_activation_fn *activation;
    fvi_activation_backward_fn *activation_backward;
    fvi_prelu_fn *prelu;
    fvi_prelu_backward_fn *prelu_backward;
    fvi_add_fn *add;
    fvi_divide_fn *divide;
    fvi_subtract_fn *subtract;
    fvi_multiply_fn *multiply;
    fvi_multiply_add_fn *multiply_add;
    fvi_scale_add_fn *scale_add;
    fvi_blend_fn *blend;
    fvi_softmax_fn *softmax;
    fvi_softmax_backward_fn *softmax_backward;
    fvi_cross_entropy_fn *cross_entropy;
    fvi_cross_entropy_backward_fn *cross_entropy_backward;
    fvi_binary_cross_entropy_fn *binary_cross_entropy;
    fvi_binary_cross_entropy_backward_fn *binary_cross_entropy_backward;
    fvi_hinge_fn *hinge;
    fvi_hinge_backward_fn *hinge_backward;
    fvi_squared_difference_fn *squared_difference;
    fvi_difference_fn *difference;
    fvi_max_pool_row_fn *max_pool_row;
    fvi_average_pool_row_fn *average_pool_row;
    fvi_max_pool_backward_fn *max_pool_backward;
    fvi_average_pool_backward_fn *average_pool_backward;
    fvi_dropout_fn *dropout;
    fvi_dropout_channels_fn *dropout_channels;
    fvi_channel_sum_fn *channel_sum;
    fvi_channel_moments_fn *channel_moments;
    fvi_channel_products_fn *channel_products;
    fvi_channel_gated_products_fn *channel_gated_products;
    fvi_channel_gated_backward_fn *channel_gated_backward;
    fvi_channel_undo_fn *channel_undo;
    fvi_channel_finish_fn *channel_finish;
    fvi_channel_scale_fn *channel_scale;
    fvi_channel_normalize_fn *channel_normalize;
    fvi_channel_normalize_backward_fn *channel_normalize_backward;
    fvi_local_across_fn *local_across;
    fvi_local_across_backward_fn *local_across_backward;
    fvi_local_within_fn *local_within;
    fvi_local_terms_fn *local_terms;
    fvi_local_within_backward_fn *local_within_backward;
} fvi_kernels;

/* The table for a dtype (FV_F32, FV_F64) and instruction set; reference: the plain loops, also for float32. Never NULL. */
const fvi_kernels *fvi_kernels_for(fv_dtype dtype, fvi_isa isa, bool reference);

#endif
