/* SPDX-License-Identifier: Apache-2.0
 *
 * mixup.c - an image and its label become a mixture with another's.
 */
#include "data/augment/transform.h"

typedef struct mixup_options {
    double p, alpha;
} mixup_options;

static const fvi_transform_option options[] = {
    { .name = "alpha",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(mixup_options, alpha),
      .count = 1,
      .low = 0.001,
      .high = 1000,
      .fallback = "0.2",
      .help = "of the Beta(alpha, alpha) that the part is drawn from" },
    { 0 },
};

static void mixup_mix(fvi_mix_call *call)
{
    const mixup_options *given = call->options;
    const size_t count = (size_t)call->shape.h * (size_t)call->shape.w * (size_t)call->shape.c;
    call->kept = fvi_random_beta(&call->random, given->alpha);
    const float own = (float)call->kept, other = (float)(1.0 - call->kept);
    for (size_t i = 0; i < count; i++)
        call->image[i] = own * call->image[i] + other * call->partner[i];
}

const fvi_transform fvi_transform_mixup = {
    .name = "mixup",
    .formula = "y = l*x + (1-l)*x', label l*t + (1-l)*t', l of Beta(alpha, alpha), x' another image of the batch",
    .source = "Zhang et al. 2017 (arXiv:1710.09412)",
    .options_size = sizeof(mixup_options),
    .options = options,
    .p = "1",
    .mix = mixup_mix,
};
