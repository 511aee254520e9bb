/* SPDX-License-Identifier: Apache-2.0
 *
 * leaky_relu.c - ReLU with a slope below 0 (Maas et al. 2013). The gradient at x = 0 is the slope. The slope is positive, so
 * that the sign of y tells the side of x.
 */
#include "layer/activation.h"

static const fvi_attribute attributes[] = {
    { .name = "slope",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_leaky_relu_options, slope),
      .count = 1,
      .low = 1e-6,
      .high = 1e3,
      .fallback = "0.01",
      .help = "factor where x is not positive" },
    { 0 },
};

static fvi_activation formula(const void *given)
{
    const fv_leaky_relu_options *options = given;
    return (fvi_activation){ .kind = FVI_LEAKY_RELU, .a = options->slope == 0 ? 0.01 : options->slope };
}

const fvi_layer fvi_layer_leaky_relu = {
    .name = "leaky_relu",
    .onnx_op = "LeakyRelu",
    .formula = "y = x where x > 0, slope*x elsewhere",
    .options_size = sizeof(fv_leaky_relu_options),
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
