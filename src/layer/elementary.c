/* SPDX-License-Identifier: Apache-2.0
 *
 * elementary.c - exp, log and the absolute value, element by element: y tells the derivative of exp alone. The gradient of the
 * absolute value at 0 is 0.
 */
#include "layer/activation.h"

static fvi_activation exponential(const void *options)
{
    (void)options;
    return (fvi_activation){ .kind = FVI_EXP };
}

static fvi_activation logarithm(const void *options)
{
    (void)options;
    return (fvi_activation){ .kind = FVI_LOG };
}

static fvi_activation absolute(const void *options)
{
    (void)options;
    return (fvi_activation){ .kind = FVI_ABSOLUTE };
}

const fvi_layer fvi_layer_exp = {
    .name = "exp",
    .onnx_op = "Exp",
    .formula = "y = exp(x)",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .in_place = true,
    .backward_reads = FVI_READS_OUTPUT,
    .activation = exponential,
    .infer = fvi_infer_same,
    .setup = fvi_activation_setup,
    .forward = fvi_activation_forward,
    .backward = FVI_TRAINS(fvi_activation_backward_by_output),
};

const fvi_layer fvi_layer_log = {
    .name = "log",
    .onnx_op = "Log",
    .formula = "y = log(x), the natural logarithm",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_INPUT,
    .activation = logarithm,
    .infer = fvi_infer_same,
    .setup = fvi_activation_setup,
    .forward = fvi_activation_forward,
    .backward = FVI_TRAINS(fvi_activation_backward_by_input),
};

const fvi_layer fvi_layer_absolute = {
    .name = "absolute",
    .onnx_op = "Abs",
    .formula = "y = |x|",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_INPUT,
    .activation = absolute,
    .infer = fvi_infer_same,
    .setup = fvi_activation_setup,
    .forward = fvi_activation_forward,
    .backward = FVI_TRAINS(fvi_activation_backward_by_input),
};
