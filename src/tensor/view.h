/* SPDX-License-Identifier: Apache-2.0
 *
 * view.h - a tensor as kernels see it: channels last, with strides (docs/decisions/0001-layout.md).
 * A border, a slice of channels and a place inside a concatenation are all just strides.
 */
#ifndef FVI_VIEW_H
#define FVI_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fovea/tensor.h"

/* Element (image n, row h, column w, channel c) lies at data[n*image_stride + h*row_stride + w*pixel_stride + c].
 * Strides are in elements. border: rows above, columns left, rows below, columns right that physically exist around
 * each image, hold zeros when a consumer reads the view, and may not be written by anybody but fvi_view_clear_border().
 * A vector of C features is h = w = 1. */
typedef struct fvi_view {
    void *data; /* image 0, row 0, column 0, channel 0: inside the border */
    int32_t n, h, w, c;
    ptrdiff_t image_stride, row_stride, pixel_stride;
    int32_t border[4];
    bool
        is_bf16; /* elements are bfloat16 though the call's dtype is float32: only for layers that ask (fvi_setup.takes_bf16) */
    bool is_u8; /* elements are bytes, (q - zero_point) * scale: likewise (fvi_setup.takes_u8) */
    float scale;
    int32_t zero_point;
} fvi_view;

/* A dense view without border of n images over data. */
fvi_view fvi_view_dense(void *data, int32_t n, int32_t h, int32_t w, int32_t c);
/* Elements that one image with these borders takes: (h+top+bottom) * (w+left+right) * c. No overflow check. */
size_t fvi_view_image_elements(int32_t h, int32_t w, int32_t c, const int32_t border[4]);
/* The first n images of a view. */
fvi_view fvi_view_first(fvi_view view, int32_t n);
/* The rows, columns and channels [from, from + size) of a view: a view without border. */
fvi_view fvi_view_part(const fvi_view *view, fv_dtype dtype, fv_image_shape from, fv_image_shape size);
/* Address of element (n, h, w, 0). */
void *fvi_view_at(const fvi_view *view, fv_dtype dtype, int32_t n, int32_t h, int32_t w);
/* Elements of one image when each is a dense run without border (pixels contiguous), else 0. */
size_t fvi_view_contiguous_run(const fvi_view *view);
/* Writes zeros to the whole border of images [first, first+count). */
void fvi_view_clear_border(const fvi_view *view, fv_dtype dtype, int32_t first, int32_t count);
/* Copies n,c,h,w order (dense) to a view and back, the same dtype. */
void fvi_view_from_nchw(const fvi_view *view, fv_dtype dtype, const void *nchw);
void fvi_view_to_nchw(const fvi_view *view, fv_dtype dtype, void *nchw);

#endif
