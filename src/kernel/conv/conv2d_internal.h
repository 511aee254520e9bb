/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_internal.h - what the files of this folder share: the algorithms' entry points, and the epilogue.
 */
#ifndef FVI_CONV2D_INTERNAL_H
#define FVI_CONV2D_INTERNAL_H

#include "kernel/conv/conv2d.h"
#include "kernel/gemm/tile_end.h"

/* Does the epilogue (NULL: nothing) for channels [channel, channel + channels) of `pixels` pixels of y from pixel `first` on,
 * pixels counted row by row through all images. Each task calls it for what it has just computed, at a moment when
 * that is still in its cache; a small region costs little more than a large one. */
void fvi_conv2d_finish(const fvi_conv2d_epilogue *epilogue, const fvi_view *y, size_t first, size_t pixels,
                       int32_t channel, int32_t channels);
/* The same for all of y once it is complete, in parallel: for passes whose tasks do not write whole runs of pixels. */
void fvi_conv2d_finish_all(const fvi_conv2d_epilogue *epilogue, fv_context *context, const fvi_view *y);

/* Whether f (or NULL) is one that a micro-kernel clamps by; then end's clamp is set. */
bool fvi_conv2d_clamp(const fvi_activation *f, fvi_tile_end *end);
/* Only word of the pixels, of which the rest of the epilogue is done. */
void fvi_conv2d_tell(const fvi_conv2d_epilogue *epilogue, size_t first, size_t pixels, int32_t channels);

/* The calls of one algorithm, declared with the types that fvi_conv2d_algorithm gives them. */
#define FVI_CONV2D_DECLARE(name, suffix)                                                                               \
    const char *name##_accept##suffix(fvi_conv2d_plan *plan, fvi_pass pass);                                           \
    void name##_pack##suffix(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const void *w,           \
                             void *packed);                                                                            \
    void name##_forward##suffix(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x,                   \
                                const void *packed, const void *bias, const fvi_conv2d_epilogue *epilogue,             \
                                const fvi_view *y, void *scratch);                                                     \
    void name##_backward_data##suffix(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *dy,            \
                                      const void *packed, const fvi_conv2d_epilogue *epilogue, const fvi_view *dx,     \
                                      void *scratch);                                                                  \
    void name##_backward_weights##suffix(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x,          \
                                         const fvi_view *dy, void *dw, void *db, void *scratch);

FVI_CONV2D_DECLARE(fvi_conv2d_reference, _f32)
FVI_CONV2D_DECLARE(fvi_conv2d_reference, _f64)
FVI_CONV2D_DECLARE(fvi_conv2d_dense, )
FVI_CONV2D_DECLARE(fvi_conv2d_depthwise, )
FVI_CONV2D_DECLARE(fvi_conv2d_pixels, )
FVI_CONV2D_DECLARE(fvi_conv2d_winograd, )
FVI_CONV2D_DECLARE(fvi_conv2d_direct, )

#endif
