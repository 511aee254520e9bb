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

static double slope(const fvi_call *call)
{
    const fv_leaky_relu_options *options = call->options;
    return options->slope == 0 ? 0.01 : options->slope;
}

static fv_status forward(fvi_call *call)
{
    return fvi_activation_forward(call, FVI_LEAKY_RELU, slope(call), 0);
}

static fv_status backward(fvi_call *call)
{
    return fvi_activation_backward(call, FVI_LEAKY_RELU, slope(call), 0);
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
    .infer = fvi_infer_same,
    .forward = forward,
    .backward = backward,
};
