/* SPDX-License-Identifier: Apache-2.0
 *
 * elu.c - exponential linear unit (Clevert et al. 2015, arXiv:1511.07289). The gradient at x = 0 is alpha. alpha is positive,
 * so that the sign of y tells the side of x.
 */
#include "layer/activation.h"

static const fvi_attribute attributes[] = {
    { .name = "alpha",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_elu_options, alpha),
      .count = 1,
      .low = 1e-6,
      .high = 1e3,
      .fallback = "1",
      .help = "-alpha is the limit at minus infinity" },
    { 0 },
};

static fvi_activation formula(const void *given)
{
    const fv_elu_options *options = given;
    return (fvi_activation){ .kind = FVI_ELU, .a = options->alpha == 0 ? 1.0 : options->alpha };
}

const fvi_layer fvi_layer_elu = {
    .name = "elu",
    .onnx_op = "Elu",
    .formula = "y = x where x > 0, alpha*(exp(x) - 1) elsewhere",
    .options_size = sizeof(fv_elu_options),
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
