/* SPDX-License-Identifier: Apache-2.0
 *
 * standardise.c - each image to mean 0 and deviation 1 of its own ("per image whitening").
 * The deviation is taken as at least 1/sqrt(number of values), so that a flat image becomes zeros.
 */
#include <math.h>

#include "data/augment/transform.h"

typedef struct standardise_options {
    double p;
    int32_t over;
} standardise_options;

enum { OVER_IMAGE, OVER_CHANNEL };
static const char *const words[] = { "image", "channel", NULL };

static const fvi_transform_option options[] = {
    { .name = "over",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(standardise_options, over),
      .fallback = "image",
      .words = words,
      .help = "mean and deviation of all values, or of each channel" },
    { 0 },
};

/* count values, `step` apart. */
static void standardise(float *values, size_t count, size_t step)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)values[i * step];
    const double mean = sum / (double)count, least = 1.0 / sqrt((double)count);
    for (size_t i = 0; i < count; i++)
        squares += ((double)values[i * step] - mean) * ((double)values[i * step] - mean);
    const double deviation = sqrt(squares / (double)count);
    for (size_t i = 0; i < count; i++)
        values[i * step] = (float)(((double)values[i * step] - mean) / (deviation > least ? deviation : least));
}

static fv_status standardise_apply(fvi_transform_call *call)
{
    const standardise_options *given = call->options;
    fvi_picture *image = &call->room->image;
    const size_t plane = (size_t)image->h * (size_t)image->w, channels = (size_t)image->c;
    if (given->over == OVER_IMAGE)
        standardise(image->pixels, plane * channels, 1);
    for (size_t c = 0; given->over == OVER_CHANNEL && c < channels; c++)
        standardise(image->pixels + c, plane, channels);
    return FV_OK;
}

const fvi_transform fvi_transform_standardise = {
    .name = "standardise",
    .also = "standardize",
    .formula = "y = (x - m) / max(s, 1/sqrt(n)), m and s the mean and deviation of the image's n values",
    .options_size = sizeof(standardise_options),
    .options = options,
    .fixed = true,
    .leaves_unit = true,
    .apply = standardise_apply,
};
