/* SPDX-License-Identifier: Apache-2.0
 *
 * rotate.c - by any angle about the centre, bilinear.
 */
#include <math.h>

#include "base/math.h"
#include "data/augment/transform.h"

typedef struct rotate_options {
    double p, degrees[2];
    int32_t fill;
} rotate_options;

static const fvi_transform_option options[] = {
    { .name = "degrees",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(rotate_options, degrees),
      .count = 2,
      .low = -360,
      .high = 360,
      .fallback = "15",
      .help = "one number a: uniform in -a ... a; two: from the first to the second; counter-clockwise" },
    { .name = "fill",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(rotate_options, fill),
      .fallback = "zero",
      .words = fvi_fill_words,
      .help = "what is read outside the image" },
    { 0 },
};

/* degrees=15 fills both with 15, and means -15 to 15; [15,15.5] is a range. */
static void range_of(const rotate_options *given, double *low, double *high)
{
    *low = given->degrees[0] == given->degrees[1] ? -given->degrees[1] : given->degrees[0];
    *high = given->degrees[1];
}

static fv_status rotate_apply(fvi_transform_call *call)
{
    const rotate_options *given = call->options;
    double low = 0, high = 0;
    range_of(given, &low, &high);
    const double turns = fvi_transform_between(call, low, high) / 360.0;
    const double cosine = fvi_cos_turns(turns - floor(turns)), sine = fvi_sin_turns(turns - floor(turns));
    const double m[6] = { cosine, sine, 0, -sine, cosine, 0 };
    return fvi_warp_affine(call, m, (fvi_fill)given->fill);
}

static uint32_t rotate_meaning(const void *given)
{
    double low = 0, high = 0;
    range_of(given, &low, &high);
    const double most = fabs(low) > fabs(high) ? fabs(low) : fabs(high);
    return (most > 135 ? FVI_TURNS_HALF : 0) | (most > 45 ? FVI_TURNS_QUARTER : 0);
}

const fvi_transform fvi_transform_rotate = {
    .name = "rotate",
    .formula = "y(i, j) = x(cos a * i + sin a * j, -sin a * i + cos a * j), from the centre, bilinear, a uniform",
    .options_size = sizeof(rotate_options),
    .options = options,
    .p = "1",
    .meaning = rotate_meaning,
    .apply = rotate_apply,
};
