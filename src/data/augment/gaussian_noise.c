/* SPDX-License-Identifier: Apache-2.0
 *
 * gaussian_noise.c - independent normal numbers added to every value.
 */
#include "data/augment/transform.h"

typedef struct noise_options {
    double p, deviation;
} noise_options;

static const fvi_transform_option options[] = {
    { .name = "deviation",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(noise_options, deviation),
      .count = 1,
      .high = 10,
      .fallback = "0.05",
      .help = "of the noise; pixels are 0 to 1" },
    { 0 },
};

enum { SOME = 256 };

void fvi_add_gaussian(fvi_picture *image, fvi_random *random, double deviation)
{
    const size_t count = (size_t)image->h * (size_t)image->w * (size_t)image->c;
    float noise[SOME];
    for (size_t first = 0; first < count; first += SOME) {
        const size_t some = count - first < SOME ? count - first : SOME;
        fvi_fill_gaussian(random, some, noise);
        for (size_t i = 0; i < some; i++)
            image->pixels[first + i] = fvi_clip(image->pixels[first + i] + (float)deviation * noise[i]);
    }
}

static fv_status noise_apply(fvi_transform_call *call)
{
    const noise_options *given = call->options;
    fvi_add_gaussian(&call->room->image, &call->random, given->deviation);
    return FV_OK;
}

const fvi_transform fvi_transform_gaussian_noise = {
    .name = "gaussian_noise",
    .formula = "y = x + deviation * N(0, 1), cut to 0 ... 1",
    .options_size = sizeof(noise_options),
    .options = options,
    .p = "1",
    .needs_unit = true,
    .apply = noise_apply,
};
