/* SPDX-License-Identifier: Apache-2.0
 *
 * hard_sigmoid.c - the sigmoid in three straight pieces: MobileNet v3's slope of 1/6 (Howard et al. 2019, section 5.2) or another, such
 * as the 0.2 of ONNX and Keras. The gradient is 0 where y is 0 or 1.
 */
#include "layer/activation.h"

static const fvi_attribute attributes[] = {
    { .name = "alpha",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_hard_sigmoid_options, alpha),
      .count = 1,
      .low = 1e-6,
      .high = 1e6,
      .fallback = "1/6",
      .help = "the slope in the middle" },
    { .name = "beta",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_hard_sigmoid_options, beta),
      .count = 1,
      .low = -1e6,
      .high = 1e6,
      .fallback = "0.5",
      .help = "the value at x = 0" },
    { 0 },
};

/* The default divides by 6, as PyTorch does: 1/6 is no binary fraction. */
static fvi_activation formula(const void *given)
{
    const fv_hard_sigmoid_options *options = given;
    if (options->alpha == 0 && options->beta == 0)
        return (fvi_activation){ .kind = FVI_HARD_SIGMOID };
    return (fvi_activation){ .kind = FVI_CLIPPED_LINE,
                             .a = options->alpha == 0 ? 1.0 / 6 : options->alpha,
                             .b = options->beta == 0 ? 0.5 : options->beta };
}

const fvi_layer fvi_layer_hard_sigmoid = {
    .name = "hard_sigmoid",
    .onnx_op = "HardSigmoid",
    .formula = "y = min(max(alpha*x + beta, 0), 1)",
    .options_size = sizeof(fv_hard_sigmoid_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .in_place = true,
    .backward_reads = FVI_READS_OUTPUT,
    .activation = formula,
    .infer = fvi_infer_same,
    .setup = fvi_activation_setup,
    .forward = fvi_activation_forward,
    .backward = FVI_TRAINS(fvi_activation_backward_by_output),
};
