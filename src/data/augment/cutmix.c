/* SPDX-License-Identifier: Apache-2.0
 *
 * cutmix.c - a box of another image is pasted; the label is mixed by area.
 */
#include <math.h>
#include <string.h>

#include "data/augment/transform.h"

typedef struct cutmix_options {
    double p, alpha;
} cutmix_options;

static const fvi_transform_option options[] = {
    { .name = "alpha",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(cutmix_options, alpha),
      .count = 1,
      .low = 0.001,
      .high = 1000,
      .fallback = "1",
      .help = "of the Beta(alpha, alpha) that the part is drawn from" },
    { 0 },
};

static int32_t within(double i, int32_t n)
{
    return i < 0 ? 0 : i > n ? n : (int32_t)i;
}

/* First and end of the box along a side of n, about `centre`. */
static void side(int32_t n, double part, uint32_t centre, int32_t *first, int32_t *end)
{
    const double half = floor(n * part) / 2;
    *first = within(floor(centre - half), n);
    *end = within(floor(centre + half), n);
}

static void cutmix_mix(fvi_mix_call *call)
{
    const cutmix_options *given = call->options;
    const int32_t h = call->shape.h, w = call->shape.w;
    const double part = sqrt(1.0 - fvi_random_beta(&call->random, given->alpha));
    int32_t top = 0, bottom = 0, left = 0, right = 0;
    side(h, part, fvi_random_below(&call->random, (uint32_t)h), &top, &bottom);
    side(w, part, fvi_random_below(&call->random, (uint32_t)w), &left, &right);
    const size_t channels = (size_t)call->shape.c, row = (size_t)w * channels;
    for (int32_t y = top; y < bottom && right > left; y++)
        memcpy(call->image + (size_t)y * row + (size_t)left * channels,
               call->partner + (size_t)y * row + (size_t)left * channels,
               (size_t)(right - left) * channels * sizeof(float));
    call->kept = 1.0 - (double)(bottom - top) * (right - left) / ((double)h * w);
}

const fvi_transform fvi_transform_cutmix = {
    .name = "cutmix",
    .formula =
        "y = x' in a box of about sqrt(1-l) of each side, x elsewhere; label by the areas, l of Beta(alpha, alpha)",
    .source = "Yun et al. 2019 (arXiv:1905.04899)",
    .options_size = sizeof(cutmix_options),
    .options = options,
    .p = "1",
    .mix = cutmix_mix,
};
