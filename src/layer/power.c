/* SPDX-License-Identifier: Apache-2.0
 *
 * power.c - one exponent for every value: squares, square roots (0.5) and reciprocals (-1) exactly as these, others by exp and log.
 * Below 0 a power with a fraction is NaN. The derivative is exponent * x^(exponent - 1), at 0 infinite where the exponent is below 1.
 */
#include <math.h>

#include "layer/activation.h"

static const fvi_attribute attributes[] = {
    { .name = "exponent",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_power_options, exponent),
      .count = 1,
      .low = -64,
      .high = 64,
      .required = true,
      .help = "not 0; 2, 0.5 and -1 are squares, square roots and reciprocals" },
    { 0 },
};

static fvi_activation formula(const void *given)
{
    const fv_power_options *options = given;
    const double whole = trunc(options->exponent);
    return (fvi_activation){ .kind = FVI_POWER, .a = whole, .b = options->exponent - whole };
}

static fv_status infer(fvi_infer *node)
{
    const fv_power_options *options = node->options;
    if (options->exponent == 0)
        return fvi_fail(node->context, FV_ERR_ARGUMENT, "power '%s': with exponent 0 every value is 1; give another",
                        node->name);
    return fvi_infer_same(node);
}

const fvi_layer fvi_layer_power = {
    .name = "power",
    .onnx_op = "Pow",
    .formula = "y = x ^ exponent",
    .options_size = sizeof(fv_power_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_INPUT,
    .activation = formula,
    .infer = infer,
    .setup = fvi_activation_setup,
    .forward = fvi_activation_forward,
    .backward = FVI_TRAINS(fvi_activation_backward_by_input),
};
