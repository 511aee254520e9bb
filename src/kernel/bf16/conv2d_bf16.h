/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_bf16.h - convolutions and dense layers whose factors are bfloat16 and whose sums are float32, on the micro-kernels of dot.h:
 * what mixed precision computes 1x1 convolutions and dense layers with. Formulas of the passes: kernel/conv/conv2d.h.
 * Tensors are bf16 or float32 (fvi_view.is_bf16), which is rounded on the way in; parameters and their gradients float32.
 *
 * Method: the inputs of some pixels are gathered side by side (zeros outside the image), so that all that is left is a product of
 * matrices; outputs are summed in a float32 buffer in cache, where the epilogue is done, and then rounded to where they belong.
 */
#ifndef FVI_KERNEL_CONV2D_BF16_H
#define FVI_KERNEL_CONV2D_BF16_H

#include "kernel/bf16/bf16.h"
#include "kernel/bf16/dot.h"
#include "kernel/conv/conv2d.h"

typedef struct fvi_conv2d_bf16 {
    fvi_conv2d_shape shape;
    const fvi_bf16_dot *dot;
    const fvi_bf16_kernels *convert;
    int32_t threads;
    bool whole;        /* the kernel is the image: pixels are images */
    size_t reduced[2]; /* forward, backward by data: factors of one sum, and then */
    size_t outputs[2]; /* how many there are of them in a pixel */
    size_t pixels[2];  /* that a task gathers; `whole`: all images of a call */
    int32_t parts;     /* backward by weights: ranges of images, whose sums are added in order */
    size_t packed_bytes[2], scratch_bytes[FVI_PASSES];
} fvi_conv2d_bf16;

/* Cannot fail: what it cannot do is told by fvi_conv2d_bf16_refused(). */
void fvi_conv2d_bf16_plan(fvi_conv2d_bf16 *plan, const fvi_conv2d_shape *shape, fvi_isa isa, int32_t threads);
/* NULL, or why this pass is not for these kernels. A static text. */
const char *fvi_conv2d_bf16_refused(const fvi_conv2d_shape *shape, fvi_pass pass);

/* Like those of conv2d.h. epilogue->kernels: float32's. */
void fvi_conv2d_bf16_pack(const fvi_conv2d_bf16 *plan, fv_context *context, fvi_pass pass, const float *w,
                          void *packed);
void fvi_conv2d_bf16_forward(const fvi_conv2d_bf16 *plan, fv_context *context, const fvi_view *x, const void *packed,
                             const float *bias, const fvi_conv2d_epilogue *epilogue, const fvi_view *y, void *scratch);
void fvi_conv2d_bf16_backward_data(const fvi_conv2d_bf16 *plan, fv_context *context, const fvi_view *dy,
                                   const void *packed, const fvi_view *dx, void *scratch);
void fvi_conv2d_bf16_backward_weights(const fvi_conv2d_bf16 *plan, fv_context *context, const fvi_view *x,
                                      const fvi_view *dy, float *dw, float *db, void *scratch);

#endif
