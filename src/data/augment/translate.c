/* SPDX-License-Identifier: Apache-2.0
 *
 * translate.c - by a part of the image, between pixels too.
 */
#include "data/augment/transform.h"

typedef struct translate_options {
    double p, x, y;
    int32_t fill;
} translate_options;

static const fvi_transform_option options[] = {
    { .name = "x",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(translate_options, x),
      .count = 1,
      .high = 1,
      .fallback = "0.1",
      .help = "at most this part of the width, each way" },
    { .name = "y",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(translate_options, y),
      .count = 1,
      .high = 1,
      .fallback = "0.1",
      .help = "at most this part of the height, each way" },
    { .name = "fill",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(translate_options, fill),
      .fallback = "zero",
      .words = fvi_fill_words,
      .help = "what is read outside the image" },
    { 0 },
};

static fv_status translate_apply(fvi_transform_call *call)
{
    const translate_options *given = call->options;
    const fvi_picture *in = &call->room->image;
    const double right = fvi_transform_between(call, -given->x, given->x) * in->w;
    const double down = fvi_transform_between(call, -given->y, given->y) * in->h;
    const double m[6] = { 1, 0, -down, 0, 1, -right };
    return fvi_warp_affine(call, m, (fvi_fill)given->fill);
}

const fvi_transform fvi_transform_translate = {
    .name = "translate",
    .formula = "y(i, j) = x(i - b*h, j - a*w), bilinear, a uniform in -x ... x, b in -y ... y",
    .options_size = sizeof(translate_options),
    .options = options,
    .p = "1",
    .apply = translate_apply,
};
