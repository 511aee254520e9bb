/* SPDX-License-Identifier: Apache-2.0
 *
 * relu.c - rectified linear unit (Nair & Hinton 2010). The gradient at x = 0 is 0.
 */
#include "layer/activation.h"

static fvi_activation formula(const void *options)
{
    (void)options;
    return (fvi_activation){ .kind = FVI_RELU };
}

const fvi_layer fvi_layer_relu = {
    .name = "relu",
    .onnx_op = "Relu",
    .formula = "y = max(x, 0); a NaN stays a NaN",
    .options_size = sizeof(fv_plain_options),
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
