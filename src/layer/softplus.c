/* SPDX-License-Identifier: Apache-2.0
 *
 * softplus.c - a smooth ReLU (Dugas et al. 2001), as max(x, 0) + log(1 + exp(-|beta x|)) / beta, which never overflows.
 */
#include "layer/activation.h"

static const fvi_attribute attributes[] = {
    { .name = "beta",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_softplus_options, beta),
      .count = 1,
      .low = 1e-3,
      .high = 1e3,
      .fallback = "1",
      .help = "steepness: as beta grows, y approaches max(x, 0)" },
    { 0 },
};

static fvi_activation formula(const void *given)
{
    const fv_softplus_options *options = given;
    return (fvi_activation){ .kind = FVI_SOFTPLUS, .a = options->beta == 0 ? 1.0 : options->beta };
}

const fvi_layer fvi_layer_softplus = {
    .name = "softplus",
    .onnx_op = "Softplus",
    .formula = "y = log(1 + exp(beta*x)) / beta",
    .options_size = sizeof(fv_softplus_options),
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
