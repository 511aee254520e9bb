/* SPDX-License-Identifier: Apache-2.0
 *
 * preprocess.h - one image from bytes [c][h][w] to the network's floats (NHWC).
 */
#ifndef FVI_PREPROCESS_H
#define FVI_PREPROCESS_H

#include "base/base.h"
#include "data/augment/augment.h"
#include "fovea/loader.h"

/* What each byte becomes, by channel: (byte/255 - mean) / deviation, computed in double and rounded once. */
typedef struct fvi_pixel_table {
    float value[FV_MAX_CHANNELS][256];
} fvi_pixel_table;

/* Checks preprocess against images of shape `source`: FV_ERR_ARGUMENT or FV_ERR_SHAPE with a message. */
fv_status fvi_preprocess_check(fvi_message *message, const fv_preprocess *preprocess, fv_image_shape source);
void fvi_pixel_table_fill(fvi_pixel_table *table, const fv_preprocess *preprocess);
/* out [h][w][c] of `input`, overwritten. Cannot fail: shapes were checked. */
void fvi_preprocess_place(const fvi_pixel_table *table, const uint8_t *image, fv_image_shape source,
                          fv_image_shape input, fvi_placement placement, float *out);

#endif
