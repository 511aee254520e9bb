/* SPDX-License-Identifier: Apache-2.0
 *
 * colour_jitter.c - brightness, contrast, saturation and hue, in random order.
 */
#include <math.h>

#include "data/augment/transform.h"

typedef struct jitter_options {
    double p, brightness, contrast, saturation, hue;
} jitter_options;

static const fvi_transform_option options[] = {
    { .name = "brightness",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(jitter_options, brightness),
      .count = 1,
      .high = 10,
      .fallback = "0.4",
      .help = "factor of all values: uniform in 1-b ... 1+b, not below 0" },
    { .name = "contrast",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(jitter_options, contrast),
      .count = 1,
      .high = 10,
      .fallback = "0.4",
      .help = "factor of the distance from the mean brightness: 1-c ... 1+c" },
    { .name = "saturation",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(jitter_options, saturation),
      .count = 1,
      .high = 10,
      .fallback = "0.4",
      .help = "factor of the distance from grey: 1-s ... 1+s; RGB only" },
    { .name = "hue",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(jitter_options, hue),
      .count = 1,
      .high = 0.5,
      .fallback = "0",
      .help = "turns of the colour circle: -h ... h; RGB only" },
    { 0 },
};

/* value becomes towards + factor * (value - towards), cut to 0 ... 1. */
static void blend(float *value, float towards, float factor)
{
    *value = fvi_clip(towards + factor * (*value - towards));
}

static double mean_brightness(const fvi_picture *image)
{
    const size_t count = (size_t)image->h * (size_t)image->w;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const float *pixel = image->pixels + i * (size_t)image->c;
        double value = image->c == 3 ? (double)fvi_luma_of(pixel) : 0;
        for (int32_t c = 0; image->c != 3 && c < image->c; c++)
            value += (double)pixel[c] / image->c;
        sum += value;
    }
    return sum / (double)count;
}

void fvi_adjust_brightness(fvi_picture *image, double factor)
{
    const size_t count = (size_t)image->h * (size_t)image->w * (size_t)image->c;
    for (size_t i = 0; i < count; i++)
        blend(&image->pixels[i], 0.0f, (float)factor);
}

void fvi_adjust_contrast(fvi_picture *image, double factor)
{
    const size_t count = (size_t)image->h * (size_t)image->w * (size_t)image->c;
    const float mean = (float)mean_brightness(image);
    for (size_t i = 0; i < count; i++)
        blend(&image->pixels[i], mean, (float)factor);
}

void fvi_adjust_saturation(fvi_picture *image, double factor)
{
    const size_t count = (size_t)image->h * (size_t)image->w;
    for (size_t i = 0; image->c == 3 && i < count; i++) {
        float *pixel = image->pixels + 3 * i;
        const float grey = fvi_luma_of(pixel);
        for (int c = 0; c < 3; c++)
            blend(&pixel[c], grey, (float)factor);
    }
}

void fvi_adjust_hue(fvi_picture *image, double turns)
{
    const size_t count = (size_t)image->h * (size_t)image->w;
    for (size_t i = 0; image->c == 3 && turns != 0 && i < count; i++) {
        float hsv[3];
        fvi_rgb_to_hsv(image->pixels + 3 * i, hsv);
        hsv[0] += (float)turns;
        hsv[0] -= floorf(hsv[0]);
        fvi_hsv_to_rgb(hsv, image->pixels + 3 * i);
    }
}

static double draw_factor(fvi_transform_call *call, double range)
{
    const double factor = fvi_transform_between(call, 1.0 - range, 1.0 + range);
    return factor < 0 ? 0 : factor;
}

static fv_status jitter_apply(fvi_transform_call *call)
{
    const jitter_options *given = call->options;
    void (*adjust[4])(fvi_picture *, double) = { fvi_adjust_brightness, fvi_adjust_contrast, fvi_adjust_saturation,
                                                 fvi_adjust_hue };
    double amount[4];
    int order[4] = { 0, 1, 2, 3 };
    amount[0] = draw_factor(call, given->brightness);
    amount[1] = draw_factor(call, given->contrast);
    amount[2] = draw_factor(call, given->saturation);
    amount[3] = fvi_transform_between(call, -given->hue, given->hue);
    const double range[4] = { given->brightness, given->contrast, given->saturation, given->hue };
    for (int i = 3; i > 0; i--) {
        const uint32_t other = fvi_random_below(&call->random, (uint32_t)i + 1);
        const int exchanged = order[i];
        order[i] = order[other];
        order[other] = exchanged;
    }
    for (int i = 0; i < 4; i++)
        if (range[order[i]] > 0)
            adjust[order[i]](&call->room->image, amount[order[i]]);
    return FV_OK;
}

const fvi_transform fvi_transform_colour_jitter = {
    .name = "colour_jitter",
    .also = "color_jitter",
    .formula = "y = b*x; m + c*(x - m), m the mean luma; g + s*(x - g), g the pixel's luma; hue + t: in random order, "
               "each cut to 0 ... 1",
    .source = "Howard 2013 (arXiv:1312.5402), section 2",
    .options_size = sizeof(jitter_options),
    .options = options,
    .p = "1",
    .needs_unit = true,
    .apply = jitter_apply,
};
