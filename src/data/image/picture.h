/* SPDX-License-Identifier: Apache-2.0
 *
 * picture.h - an image as floats, as transforms work on it: bytes become a picture, transforms change it, and the network's
 * input is taken from it. A picture keeps its memory from one image to the next.
 */
#ifndef FVI_PICTURE_H
#define FVI_PICTURE_H

#include "data/augment/augment.h"
#include "fovea/loader.h"

/* Zeros are an empty picture. */
typedef struct fvi_picture {
    float *pixels; /* [h][w][c], fractions of 255: 0 to 1 */
    int32_t h, w, c;
    size_t capacity; /* bytes at pixels */
} fvi_picture;

/* Makes room for h rows, w columns and c channels; what was in it is lost. FV_ERR_MEMORY into the context's message leaves the picture empty. */
fv_status fvi_picture_reserve(fv_context *context, fvi_picture *picture, int32_t h, int32_t w, int32_t c);
void fvi_picture_release(fv_context *context, fvi_picture *picture);
/* pixels / 255, in `channels` channels: grey becomes RGB by repetition, RGB grey by BT.601's luma rounded to a byte. */
fv_status fvi_picture_from_bytes(fv_context *context, fvi_picture *picture, const uint8_t *pixels, fv_order order,
                                 fv_image_shape shape, int32_t channels);
/* out [h][w][c] of preprocess->input, each (pixel - mean) / deviation; outside the picture pixels are 0 before that.
 * The picture has the input's channels. */
void fvi_picture_place(const fvi_picture *picture, const fv_preprocess *preprocess, fvi_placement placement,
                       float *out);

#endif
