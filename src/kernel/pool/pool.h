/* SPDX-License-Identifier: Apache-2.0
 *
 * pool.h - the window of one output pixel, cut at the image's edges; shared by the reference and the vector kernels.
 */
#ifndef FVI_POOL_H
#define FVI_POOL_H

#include "kernel/kernels.h"

/* Taps [first, last) of a window along one axis that lie inside the image, and the image position of tap 0. */
typedef struct fvi_pool_span {
    int32_t start, first, last;
} fvi_pool_span;

/* axis 0: rows, 1: columns. */
static inline fvi_pool_span fvi_pool_span_of(const fvi_pool_shape *shape, int32_t axis, int32_t output)
{
    const int32_t size = axis == 0 ? shape->h : shape->w;
    const int32_t start = output * shape->stride[axis] - shape->pad[axis];
    const int32_t end = size - start;
    const fvi_pool_span span = { start, start < 0 ? -start : 0, end < shape->kernel[axis] ? end : shape->kernel[axis] };
    return span;
}

/* Cells of the window along one axis that the divisor of an average counts. With padding counted, the part of a window that
 * hangs over the padded image (rounding up) does not count, as in PyTorch and ONNX. */
static inline int32_t fvi_pool_counted(const fvi_pool_shape *shape, int32_t axis, fvi_pool_span span)
{
    if (!shape->count_padding)
        return span.last - span.first;
    const int32_t end = (axis == 0 ? shape->h : shape->w) + shape->pad[axis + 2] - span.start;
    return end < shape->kernel[axis] ? end : shape->kernel[axis];
}

/* True when no input cell is in two windows. */
static inline bool fvi_pool_disjoint(const fvi_pool_shape *shape)
{
    return shape->stride[0] >= shape->kernel[0] && shape->stride[1] >= shape->kernel[1];
}

#endif
