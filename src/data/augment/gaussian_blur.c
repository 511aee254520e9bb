/* SPDX-License-Identifier: Apache-2.0
 *
 * gaussian_blur.c - convolution with a Gaussian of random width.
 */
#include "data/augment/transform.h"

typedef struct blur_options {
    double p, sigma[2];
} blur_options;

static const fvi_transform_option options[] = {
    { .name = "sigma",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(blur_options, sigma),
      .count = 2,
      .low = 0.01,
      .high = 300,
      .fallback = "[0.1,2]",
      .help = "least and most deviation, in pixels, uniform between" },
    { 0 },
};

static fv_status blur_check(fvi_message *message, const void *given)
{
    const blur_options *wanted = given;
    if (wanted->sigma[0] > wanted->sigma[1])
        return fvi_fail_in(message, FV_ERR_ARGUMENT, "sigma begins above its end: give [least,most]");
    return FV_OK;
}

static fv_status blur_apply(fvi_transform_call *call)
{
    const blur_options *given = call->options;
    return fvi_blur_gaussian(call, fvi_transform_between(call, given->sigma[0], given->sigma[1]), FVI_FILL_REFLECT);
}

const fvi_transform fvi_transform_gaussian_blur = {
    .name = "gaussian_blur",
    .formula = "y = G * x, G cut at three deviations and normalised, edges reflected",
    .source = "Chen et al. 2020 (arXiv:2002.05709), appendix A",
    .options_size = sizeof(blur_options),
    .options = options,
    .p = "1",
    .check = blur_check,
    .apply = blur_apply,
};
