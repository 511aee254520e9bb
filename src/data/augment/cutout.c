/* SPDX-License-Identifier: Apache-2.0
 *
 * cutout.c - a square at a random place is blotted out; its centre is in the image, the rest may not be.
 */
#include "data/augment/transform.h"

typedef struct cutout_options {
    double p;
    int32_t size, fill, holes;
} cutout_options;

enum { WITH_ZERO, WITH_MEAN };
static const char *const words[] = { "zero", "mean", NULL };

static const fvi_transform_option options[] = {
    { .name = "size",
      .type = FVI_OPTION_INT,
      .offset = offsetof(cutout_options, size),
      .count = 1,
      .low = 1,
      .high = 65535,
      .fallback = "16",
      .help = "side of the square, in pixels" },
    { .name = "fill",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(cutout_options, fill),
      .fallback = "mean",
      .words = words,
      .help = "what it holds then: 0, or the mean of the image's channel" },
    { .name = "holes",
      .type = FVI_OPTION_INT,
      .offset = offsetof(cutout_options, holes),
      .count = 1,
      .low = 1,
      .high = 1000,
      .fallback = "1",
      .help = "how many squares" },
    { 0 },
};

static void mean_colour(const fvi_picture *image, double *mean)
{
    const size_t count = (size_t)image->h * (size_t)image->w;
    for (int32_t c = 0; c < image->c; c++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += (double)image->pixels[i * (size_t)image->c + (size_t)c];
        mean[c] = sum / (double)count;
    }
}

static int32_t within(int64_t i, int32_t n)
{
    return i < 0 ? 0 : i > n ? n : (int32_t)i;
}

static void blot(fvi_picture *image, int32_t row, int32_t column, int32_t size, const double *value)
{
    const int64_t top = (int64_t)row - size / 2, left = (int64_t)column - size / 2;
    for (int32_t y = within(top, image->h); y < within(top + size, image->h); y++)
        for (int32_t x = within(left, image->w); x < within(left + size, image->w); x++)
            for (int32_t c = 0; c < image->c; c++)
                image->pixels[((size_t)y * (size_t)image->w + (size_t)x) * (size_t)image->c + (size_t)c] =
                    (float)value[c];
}

static fv_status cutout_apply(fvi_transform_call *call)
{
    const cutout_options *given = call->options;
    fvi_picture *image = &call->room->image;
    double value[FVI_TRANSFORM_CHANNELS] = { 0 };
    if (image->c > FVI_TRANSFORM_CHANNELS)
        return fvi_fail(call->context, FV_ERR_SHAPE, "an image of %d channels, more than %d", image->c,
                        FVI_TRANSFORM_CHANNELS);
    if (given->fill == WITH_MEAN)
        mean_colour(image, value);
    for (int32_t i = 0; i < given->holes; i++) {
        const int32_t row = (int32_t)fvi_random_below(&call->random, (uint32_t)image->h);
        const int32_t column = (int32_t)fvi_random_below(&call->random, (uint32_t)image->w);
        blot(image, row, column, given->size, value);
    }
    return FV_OK;
}

const fvi_transform fvi_transform_cutout = {
    .name = "cutout",
    .formula = "y = 0 (or the mean) in a square of size by size about a pixel drawn uniformly, x elsewhere",
    .source = "DeVries & Taylor 2017 (arXiv:1708.04552)",
    .options_size = sizeof(cutout_options),
    .options = options,
    .p = "1",
    .apply = cutout_apply,
};
