/* SPDX-License-Identifier: Apache-2.0
 *
 * shear.c - rows slide over each other, or columns.
 */
#include "data/augment/transform.h"

typedef struct shear_options {
    double p, x, y;
    int32_t fill;
} shear_options;

static const fvi_transform_option options[] = {
    { .name = "x",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(shear_options, x),
      .count = 1,
      .high = 10,
      .fallback = "0.2",
      .help = "at most so many columns for each row from the centre, each way" },
    { .name = "y",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(shear_options, y),
      .count = 1,
      .high = 10,
      .fallback = "0",
      .help = "at most so many rows for each column from the centre, each way" },
    { .name = "fill",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(shear_options, fill),
      .fallback = "zero",
      .words = fvi_fill_words,
      .help = "what is read outside the image" },
    { 0 },
};

static fv_status shear_apply(fvi_transform_call *call)
{
    const shear_options *given = call->options;
    const double across = fvi_transform_between(call, -given->x, given->x);
    const double down = fvi_transform_between(call, -given->y, given->y);
    const double m[6] = { 1, down, 0, across, 1, 0 };
    return fvi_warp_affine(call, m, (fvi_fill)given->fill);
}

const fvi_transform fvi_transform_shear = {
    .name = "shear",
    .formula = "y(i, j) = x(i + b*j, j + a*i), from the centre, bilinear, a uniform in -x ... x, b in -y ... y",
    .source = "LeCun et al. 1998, section III.C",
    .options_size = sizeof(shear_options),
    .options = options,
    .p = "1",
    .apply = shear_apply,
};
