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

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "fovea/tensor.h"

typedef enum fvi_activation {
    FVI_RELU, FVI_LEAKY_RELU, FVI_ELU, FVI_SIGMOID, FVI_TANH, FVI_SCALED_TANH, FVI_ACTIVATIONS
} fvi_activation;

/* One pooling window row: see pool.h in src/kernel/pool, owned with the layers. */
typedef struct fvi_pool_shape {
    int32_t h, w, c, oh, ow;
    int32_t kernel[2], stride[2], pad[4];
    bool count_padding;
    ptrdiff_t x_row, x_pixel, y_row, y_pixel; /* strides in elements */
} fvi_pool_shape;

typedef struct fvi_kernels {
    fv_dtype dtype;
    /* y[i] = f(x[i]); a, b: leaky slope; elu alpha; scaled tanh amplitude and slope. */
    void (*activation[FVI_ACTIVATIONS])(size_t count, double a, double b, const void *x, void *y);
    /* dx[i] = dy[i] * f'(x[i]), computed from y alone. dx may be dy. */
    void (*activation_backward[FVI_ACTIVATIONS])(size_t count, double a, double b, const void *y, const void *dy, void *dx);
    void (*add)(size_t count, const void *a, const void *b, void *y); /* y = a + b */
    /* rows of `count` scores, `stride` elements apart: softmax of each row, stable for any finite scores. */
    void (*softmax)(size_t rows, size_t count, ptrdiff_t x_stride, const void *x, ptrdiff_t y_stride, void *y);
    /* dx = y * (dy - sum(dy*y)) per row. */
    void (*softmax_backward)(size_t rows, size_t count, ptrdiff_t y_stride, const void *y, ptrdiff_t dy_stride, const void *dy,
                             ptrdiff_t dx_stride, void *dx);
    /* One output row `oy` of one image. index[ow*c]: the winning tap r*kernel_columns+s of each output (first on ties). x: the
     * image's first element, y: its output's. */
    void (*max_pool_row)(const fvi_pool_shape *shape, int32_t oy, const void *x, void *y, uint8_t *index);
    void (*average_pool_row)(const fvi_pool_shape *shape, int32_t oy, const void *x, void *y);
    /* One image, all rows: dx is overwritten. index: [oh*ow*c]. */
    void (*max_pool_backward)(const fvi_pool_shape *shape, const void *dy, const uint8_t *index, void *dx);
    void (*average_pool_backward)(const fvi_pool_shape *shape, const void *dy, void *dx);
} fvi_kernels;

/* The table for a dtype (FV_F32, FV_F64) and instruction set; reference: the plain loops, also for float32. Never NULL. */
const fvi_kernels *fvi_kernels_for(fv_dtype dtype, fvi_isa isa, bool reference);

#endif
