/* SPDX-License-Identifier: Apache-2.0
 *
 * normalise.c - each channel less its mean, over its deviation.
 */
#include "data/augment/transform.h"

typedef struct normalise_options {
    double p, mean[FVI_TRANSFORM_CHANNELS], deviation[FVI_TRANSFORM_CHANNELS];
} normalise_options;

static const fvi_transform_option options[] = {
    { .name = "mean",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(normalise_options, mean),
      .count = FVI_TRANSFORM_CHANNELS,
      .low = -1000,
      .high = 1000,
      .fallback = "0.5",
      .help = "of each channel" },
    { .name = "deviation",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(normalise_options, deviation),
      .count = FVI_TRANSFORM_CHANNELS,
      .low = 1e-06,
      .high = 1000,
      .fallback = "0.5",
      .help = "of each channel" },
    { 0 },
};

static fv_status normalise_shape(fvi_message *message, const void *given, const fv_augment_key *key,
                                 fv_image_shape *shape)
{
    (void)given;
    (void)key;
    if (shape->c > FVI_TRANSFORM_CHANNELS)
        return fvi_fail_in(message, FV_ERR_SHAPE, "an image of %d channels, more than %d", shape->c,
                           FVI_TRANSFORM_CHANNELS);
    return FV_OK;
}

static fv_status normalise_apply(fvi_transform_call *call)
{
    const normalise_options *given = call->options;
    fvi_picture *image = &call->room->image;
    const size_t count = (size_t)image->h * (size_t)image->w, channels = (size_t)image->c;
    if (image->c > FVI_TRANSFORM_CHANNELS)
        return fvi_fail(call->context, FV_ERR_SHAPE, "an image of %d channels, more than %d", image->c,
                        FVI_TRANSFORM_CHANNELS);
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < channels; c++)
            image->pixels[i * channels + c] =
                (float)(((double)image->pixels[i * channels + c] - given->mean[c]) / given->deviation[c]);
    return FV_OK;
}

const fvi_transform fvi_transform_normalise = {
    .name = "normalise",
    .also = "normalize",
    .formula = "y[c] = (x[c] - mean[c]) / deviation[c]",
    .options_size = sizeof(normalise_options),
    .options = options,
    .fixed = true,
    .leaves_unit = true,
    .shape = normalise_shape,
    .apply = normalise_apply,
};
