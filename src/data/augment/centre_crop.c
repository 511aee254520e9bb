/* SPDX-License-Identifier: Apache-2.0
 *
 * centre_crop.c - the middle of the image, or the image with zeros around it where it is smaller.
 */
#include "data/augment/transform.h"

typedef struct centre_options {
    double p;
    int32_t size[2];
} centre_options;

static const fvi_transform_option options[] = {
    { .name = "size",
      .type = FVI_OPTION_INT,
      .offset = offsetof(centre_options, size),
      .count = 2,
      .high = 65535,
      .fallback = "0",
      .help = "rows and columns of the result; 0: the network's input" },
    { 0 },
};

static void centre_move(fvi_transform_call *call, fvi_move *move)
{
    const centre_options *given = call->options;
    fvi_move_centre(move, fvi_size_or(given->size[0], call->key->rows, move->h),
                    fvi_size_or(given->size[1], call->key->columns, move->w));
}

static fv_status centre_shape(fvi_message *message, const void *given, const fv_augment_key *key, fv_image_shape *shape)
{
    const centre_options *wanted = given;
    (void)message;
    shape->h = fvi_size_or(wanted->size[0], key->rows, shape->h);
    shape->w = fvi_size_or(wanted->size[1], key->columns, shape->w);
    return FV_OK;
}

const fvi_transform fvi_transform_centre_crop = {
    .name = "centre_crop",
    .also = "center_crop",
    .formula = "y[i,j] = x[i + (h - rows)/2, j + (w - columns)/2], zero outside",
    .options_size = sizeof(centre_options),
    .options = options,
    .sets_size = true,
    .fixed = true,
    .shape = centre_shape,
    .move = centre_move,
};
