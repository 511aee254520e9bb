/* SPDX-License-Identifier: Apache-2.0
 *
 * resample.h - images of bytes made larger or smaller, bilinear with antialiasing.
 */
#ifndef FVI_RESAMPLE_H
#define FVI_RESAMPLE_H

#include "base/base.h"
#include "fovea/batch.h"

/* The weights of one axis: output o is the sum over t of weight[o][t] * in[first[o] + t]. */
typedef struct fvi_axis {
    int32_t in, out, taps;
    int32_t *memory; /* first [out], weights [out][taps] in 1 / 2^22 */
    size_t capacity; /* bytes */
} fvi_axis;

/* What one thread resizes with; its memory grows and stays. Zeros are an empty one. */
typedef struct fvi_resampler {
    fvi_axis rows, columns;
    uint8_t *middle; /* columns done, rows not */
    uint8_t *result; /* [h][w][c] */
    size_t middle_bytes, result_bytes;
} fvi_resampler;

void fvi_resampler_release(fv_context *context, fvi_resampler *resampler);
/* Sets result to [h][w][shape.c] from pixels in `order`: a triangle filter as wide as a pixel of the smaller image, columns
 * first, rounded to bytes after each axis, in integers: the values that Pillow's Image.resize(BILINEAR) gives.
 * Sides are 1 to 65,535. FV_ERR_MEMORY into the context's message. */
fv_status fvi_resample(fv_context *context, fvi_resampler *resampler, const uint8_t *pixels, fv_order order,
                       fv_image_shape shape, int32_t h, int32_t w);
/* Rows and columns whose shorter side is `shorter`, the longer one in proportion, rounded down but not below. */
void fvi_resize_sides(fv_image_shape shape, int32_t shorter, int32_t *h, int32_t *w);

#endif
