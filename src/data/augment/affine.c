/* SPDX-License-Identifier: Apache-2.0
 *
 * affine.c - moved, scaled, squeezed and sheared in one reading: one transform after another would blur an image once for each.
 */
#include "data/augment/transform.h"

typedef struct affine_options {
    double p, x, y, scale, squeeze, shear;
    int32_t fill;
} affine_options;

#define PART(member, most, value, text)                                                                                \
    {                                                                                                                  \
        .name = #member, .type = FVI_OPTION_REAL, .offset = offsetof(affine_options, member), .count = 1,              \
        .high = most, .fallback = value, .help = text                                                                  \
    }

static const fvi_transform_option options[] = {
    PART(x, 1, "0.08", "moved by at most this part of the width, each way"),
    PART(y, 1, "0.08", "moved by at most this part of the height, each way"),
    PART(scale, 0.9, "0.1", "larger or smaller by at most this part"),
    PART(squeeze, 0.9, "0.1", "wider and lower by at most this part, or narrower and higher"),
    PART(shear, 10, "0.2", "at most so many columns for each row from the centre, each way"),
    { .name = "fill",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(affine_options, fill),
      .fallback = "zero",
      .words = fvi_fill_words,
      .help = "what is read outside the image" },
    { 0 },
};

static fv_status affine_apply(fvi_transform_call *call)
{
    const affine_options *given = call->options;
    const fvi_picture *in = &call->room->image;
    const double right = fvi_transform_between(call, -given->x, given->x) * in->w;
    const double down = fvi_transform_between(call, -given->y, given->y) * in->h;
    const double scale = fvi_transform_between(call, 1 - given->scale, 1 + given->scale);
    const double squeeze = fvi_transform_between(call, 1 - given->squeeze, 1 + given->squeeze);
    const double shear = fvi_transform_between(call, -given->shear, given->shear);
    const double y = squeeze / scale, x = 1 / (squeeze * scale);
    const double m[6] = { y, 0, -y * down, shear, x, -shear * down - x * right };
    return fvi_warp_affine(call, m, (fvi_fill)given->fill);
}

const fvi_transform fvi_transform_affine = {
    .name = "affine",
    .formula = "y(i, j) = x(q/s*(i - b*h), (j - a*w)/(q*s) + t*(i - b*h)), from the centre, bilinear, a, b and t "
               "uniform in -x ... x, "
               "-y ... y, -shear ... shear, s and q in 1-scale ... 1+scale, 1-squeeze ... 1+squeeze",
    .source = "LeCun et al. 1998, section III.C",
    .options_size = sizeof(affine_options),
    .options = options,
    .p = "1",
    .apply = affine_apply,
};
