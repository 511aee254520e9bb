/* SPDX-License-Identifier: Apache-2.0
 *
 * preprocess.h - one image from bytes [c][h][w] to the network's floats (NHWC).
 */
#ifndef FVI_PREPROCESS_H
#define FVI_PREPROCESS_H

#include "base/base.h"
#include "data/augment/transform.h"
#include "data/image/resample.h"
#include "fovea/loader.h"

/* What each byte becomes, by channel: (byte/255 - mean) / deviation, computed in double and rounded once. */
typedef struct fvi_pixel_table {
    float value[FV_MAX_CHANNELS][256];
} fvi_pixel_table;

/* Luma of ITU-R BT.601, rounded to a byte. */
static inline uint32_t fvi_luma(uint32_t red, uint32_t green, uint32_t blue)
{
    return (299 * red + 587 * green + 114 * blue + 500) / 1000;
}

/* Checks preprocess against images of shape `source` (zeros: unknown yet): FV_ERR_ARGUMENT or FV_ERR_SHAPE with a message. */
fv_status fvi_preprocess_check(fvi_message *message, const fv_preprocess *preprocess, fv_image_shape source);
/* The same for a sample that was read; the message names its file. */
fv_status fvi_preprocess_check_sample(fv_context *context, const fv_preprocess *preprocess, const fv_dataset *dataset,
                                      int64_t index, const fv_sample *sample);
/* To which shorter side images are brought before they pass `list`; 0: they keep their size. */
int32_t fvi_preprocess_resize(const fv_preprocess *preprocess, const fv_augmentation *list);
/* Whether a list (NULL: none) does no more than place whole pixels. */
bool fvi_preprocess_only_places(const fv_augmentation *list);
void fvi_pixel_table_fill(fvi_pixel_table *table, const fv_preprocess *preprocess);
/* out [h][w][c] of `input`, overwritten; image in `order`. Cannot fail: shapes were checked. */
void fvi_preprocess_place(const fvi_pixel_table *table, const uint8_t *image, fv_order order, fv_image_shape source,
                          fv_image_shape input, fvi_placement placement, float *out);
/* The sample's bytes as floats in the network's channels, through the list, and what is in the middle to the network: out [h][w][c] of the
 * input, overwritten. Failures into the context's message. */
fv_status fvi_preprocess_transform(fv_context *context, const fv_preprocess *preprocess, const fv_augmentation *list,
                                   const fv_augment_key *key, fvi_augment_room *room, const fv_sample *sample,
                                   float *out);
/* What the list wants of an image that is decoded for it. Borrows both. */
typedef struct fvi_list_wish {
    const fv_augmentation *list;
    const fv_augment_key *key;
    bool full_size; /* a part of it, but not made smaller */
    fvi_wish wish;
} fvi_list_wish;
/* *wish points to itself: it stays where it is. NULL where the list wants all of an image. */
const fvi_wish *fvi_list_wish_fill(fvi_list_wish *wish, const fv_preprocess *preprocess, const fv_augmentation *list,
                                   const fv_augment_key *key);
/* Makes the image so large that its shorter side is `shorter`. *sample then points to the resampler's memory where it changed.
 * FV_ERR_SHAPE (the longer side out of bounds) or FV_ERR_MEMORY into the context's message. */
fv_status fvi_resize_sample(fv_context *context, fvi_resampler *resampler, int32_t shorter, fv_sample *sample);

#endif
