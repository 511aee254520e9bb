/* SPDX-License-Identifier: Apache-2.0
 *
 * relu.c - rectified linear unit (Nair & Hinton 2010). The gradient at x = 0 is 0.
 */
#include "layer/activation.h"

static fv_status forward(fvi_call *call)
{
    return fvi_activation_forward(call, FVI_RELU, 0, 0);
}

static fv_status backward(fvi_call *call)
{
    return fvi_activation_backward(call, FVI_RELU, 0, 0);
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
    .infer = fvi_infer_same,
    .forward = forward,
    .backward = backward,
};
