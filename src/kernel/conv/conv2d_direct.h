/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_direct.h - the direct algorithm's own types: one geometry for the forward pass, for every parity class of the
 * backward pass by data, and for the packing of their weights (docs/kernel-contract.md).
 */
#ifndef FVI_CONV2D_DIRECT_H
#define FVI_CONV2D_DIRECT_H

#include "kernel/conv/conv2d_internal.h"
#include "kernel/gemm/brgemm.h"

/* Taps of a kernel axis that a parity class uses, in the order of ascending input addresses. */
typedef struct fvi_conv2d_taps {
    int32_t count;
    int32_t first, step; /* kernel index of tap t: first + t*step */
    int32_t offset;      /* input index of tap 0 for output 0; may be negative: inside the border */
    int32_t advance;     /* input index from tap to tap */
    int32_t outputs;     /* outputs of the class along this axis */
} fvi_conv2d_taps;

/* The taps of output parity `parity` along an axis (0: rows, 1: columns) when dx is gathered from dy. With stride 1
 * there is one class, parity 0: the kernel turned. */
fvi_conv2d_taps fvi_conv2d_backward_taps(const fvi_conv2d_shape *shape, int axis, int32_t parity);
/* The shape as the backward pass by data treats it: an axis with one output may be given any stride, and with one beyond
 * the image every pixel of dx is a class with at most one tap, instead of a walk over zeros (a dense layer on an image). */
fvi_conv2d_shape fvi_conv2d_backward_shape(const fvi_conv2d_shape *shape);
/* Pairs of taps in the classes before this one, classes ordered by row, then column: where its packed weights begin. */
size_t fvi_conv2d_taps_before(const fvi_conv2d_shape *shape, int32_t row_parity, int32_t column_parity);

/* Weights of one block of outputs: blocks of vectors*lanes outputs, the last narrower. */
typedef struct fvi_conv2d_block {
    int32_t first;   /* output channel in its group */
    int32_t count;   /* of which this many exist */
    int32_t vectors; /* of width lanes */
    int32_t width;   /* vectors * lanes, the packed width */
    int32_t last;    /* lanes that exist in the last vector */
} fvi_conv2d_block;

static inline int32_t fvi_conv2d_ceil(int32_t a, int32_t b)
{
    return a / b + (a % b != 0);
}

static inline int32_t fvi_conv2d_block_count(const fvi_brgemm *gemm, int32_t channels)
{
    return fvi_conv2d_ceil(channels, FVI_BRGEMM_MAX_VECTORS * gemm->lanes);
}

static inline fvi_conv2d_block fvi_conv2d_block_at(const fvi_brgemm *gemm, int32_t channels, int32_t index)
{
    const int32_t widest = FVI_BRGEMM_MAX_VECTORS * gemm->lanes;
    fvi_conv2d_block block = { .first = index * widest };
    const int32_t left = channels - block.first;
    block.count = left < widest ? left : widest;
    block.vectors = fvi_conv2d_ceil(block.count, gemm->lanes);
    block.width = block.vectors * gemm->lanes;
    block.last = block.count - (block.vectors - 1) * gemm->lanes;
    return block;
}

/* Packed floats of one group's outputs for one value of (r, s, c): channels rounded up to whole vectors. */
static inline size_t fvi_conv2d_packed_width(const fvi_brgemm *gemm, int32_t channels)
{
    return (size_t)fvi_conv2d_ceil(channels, gemm->lanes) * (size_t)gemm->lanes;
}

static inline const float *fvi_conv2d_pixel(const fvi_view *view, int32_t n, int32_t h, int32_t w)
{
    return (const float *)view->data + n * view->image_stride + h * view->row_stride + w * view->pixel_stride;
}

/* One gathering convolution, all strides in floats. Loops over n, h, w are over outputs. */
typedef struct fvi_conv2d_gather {
    const fvi_brgemm *gemm;
    int32_t n, h, w;
    const float *x;
    float *y;
    ptrdiff_t x_image, x_row, x_pixel, y_image, y_row, y_pixel;
    ptrdiff_t tap_row, tap_column;     /* from tap to tap */
    int32_t rows, segments, run;       /* taps and channels as the micro-kernel walks them */
    int32_t in_rows;                   /* rows of the input; 0: do not skip taps outside */
    int32_t in_first, in_step, in_tap; /* output row i reads input rows in_first + i*in_step + a*in_tap */
    int32_t groups, reduced, outputs;  /* channels per group */
    const float *packed, *bias;
    size_t packed_group; /* floats */
    int32_t image_block, row_block, column_block;
    int32_t units, output_parts;
    const fvi_conv2d_epilogue *epilogue; /* or NULL */
    const fvi_view *whole;               /* of the epilogue: y as the caller gave it */
    bool ends;                           /* tiles in place do the epilogue themselves, by end */
    fvi_tile_end end;
    float *scratch; /* fvi_conv2d_copied_floats() for each worker; NULL: sums are gathered in place */
} fvi_conv2d_gather;

/* The same convolution from copies in scratch (conv2d_direct_copied.c): floats that a worker needs, 0 if it is not done for sums of so many
 * terms; whether it is faster than in place; the cut, by which a task is a part of the outputs of a unit of pixels; a task. */
size_t fvi_conv2d_copied_floats(const fvi_brgemm *gemm, size_t terms, int32_t outputs, int32_t groups);
bool fvi_conv2d_copied_pays(const fvi_conv2d_gather *g);
void fvi_conv2d_copied_cut(fvi_conv2d_gather *g, int32_t threads);
void fvi_conv2d_copied_task(const fvi_conv2d_gather *g, size_t index, int32_t worker);

/* How many of `taps` taps, `step` pixels apart, lie in an axis of `size` pixels when tap 0 lies at `top`, and which is the first: the others
 * would multiply zeros. */
static inline int32_t fvi_conv2d_taps_inside(int64_t top, int32_t step, int32_t size, int32_t taps, int32_t *first)
{
    const int64_t begin = top < 0 ? (-top + step - 1) / step : 0;
    const int64_t end = top < size ? (size - top + step - 1) / step : 0;
    const int64_t last = end < taps ? end : taps;
    *first = (int32_t)(begin < last ? begin : last);
    return (int32_t)(last - *first);
}

/* Computes `count` pixels of a row, moving call->x, y and end.plus along. */
void fvi_conv2d_direct_row(const fvi_brgemm *gemm, fvi_brgemm_forward *call, int32_t vectors, int32_t count);

/* Parts of the direct algorithm's accept: the border that a pass reads, and scratch and border of backward by weights. */
void fvi_conv2d_direct_border(fvi_conv2d_plan *plan, fvi_pass pass);
const char *fvi_conv2d_direct_accept_weights(fvi_conv2d_plan *plan);

#endif
