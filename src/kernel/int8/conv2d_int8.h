/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_int8.h - convolutions and dense layers (forward only) whose inputs are bytes and whose weights are signed bytes, on the kernels of
 * int8.h. Formula: kernel/conv/conv2d.h, with x = (q - zero) * scale, w[k] = (signed byte) * weight_scale[k]:
 *   y[k] = x.scale * weight_scale[k] * sum of (q - zero) * w + bias[k], then + summand and f, in float32;
 * the sum is exact. y is stored as a byte by its own scale and zero, or in float32 (fvi_view.is_u8). A byte outside the image is
 * `zero`.
 *
 * Method: a task is some rows of y, of one or more images. The rows of x that they read are spread (int8.h) into scratch with what stands left
 * and right of them; there the taps of a kernel's row and their channels are one run, so that a sum is made of r runs and nothing is
 * gathered twice. With dilation, or groups of channels, each pixel's taps are gathered instead. Sums of a block of outputs lie in a
 * buffer in cache until they become bytes. Where each channel has a kernel of its own (depthwise), channels are the lanes. Of a dense
 * layer, whose weights are larger than its batch, each block of outputs meets all images.
 */
#ifndef FVI_KERNEL_CONV2D_INT8_H
#define FVI_KERNEL_CONV2D_INT8_H

#include "kernel/conv/conv2d.h"
#include "kernel/int8/int8.h"

typedef struct fvi_conv2d_int8 {
    fvi_conv2d_shape shape;
    const fvi_int8_kernels *kernels;
    int32_t threads;
    bool whole;      /* the kernel is the image: pixels are images */
    bool depthwise;  /* one input and one output channel in each group */
    bool gathers;    /* each pixel's taps */
    size_t outputs;  /* of a group of channels */
    size_t reduced;  /* products of a run */
    size_t segments; /* runs of a sum */
    size_t steps;    /* of the kernels for a run: groups of products */
    size_t columns;  /* pixels of a spread row */
    size_t rows;     /* of y that a task computes */
    size_t ends;     /* offset in packed of factor [k], bias [k], start of sums [k] */
    size_t packed_bytes, scratch_bytes;
} fvi_conv2d_int8;

/* Cannot fail: what it cannot do is told by fvi_conv2d_int8_refused(). */
void fvi_conv2d_int8_plan(fvi_conv2d_int8 *plan, const fvi_conv2d_shape *shape, const fvi_int8_kernels *kernels,
                          int32_t threads);
/* NULL, or why this convolution is not for these kernels. A static text. */
const char *fvi_conv2d_int8_refused(const fvi_conv2d_shape *shape);

/* What the packing of a layer is made from: w [k, c/groups, r, s] in float32, of which weight_scale[k] makes bytes (rounded to nearest, held in
 * [-127, 127]); bias [k] or NULL; scale and zero of the input. */
typedef struct fvi_int8_weights {
    const float *w, *weight_scale, *bias;
    float x_scale;
    int32_t x_zero;
} fvi_int8_weights;

void fvi_conv2d_int8_pack(const fvi_conv2d_int8 *plan, fv_context *context, const fvi_int8_weights *weights,
                          void *packed);
/* x.is_u8. epilogue as fvi_conv2d_forward()'s, its kernels float32's; a summand may be bytes too, of its own scale. */
void fvi_conv2d_int8_forward(const fvi_conv2d_int8 *plan, fv_context *context, const fvi_view *x, const void *packed,
                             const fvi_conv2d_epilogue *epilogue, const fvi_view *y, void *scratch);
/* The byte of weight value w at this scale. */
int8_t fvi_int8_of_weight(float w, float scale);

#endif
