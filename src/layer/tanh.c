/* SPDX-License-Identifier: Apache-2.0
 *
 * tanh.c - hyperbolic tangent.
 */
#include "layer/activation.h"

static fv_status forward(fvi_call *call)
{
    return fvi_activation_forward(call, FVI_TANH, 0, 0);
}

static fv_status backward(fvi_call *call)
{
    return fvi_activation_backward(call, FVI_TANH, 0, 0);
}

const fvi_layer fvi_layer_tanh = {
    .name = "tanh",
    .onnx_op = "Tanh",
    .formula = "y = tanh(x)",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .in_place = true,
    .backward_reads = FVI_READS_OUTPUT,
    .infer = fvi_infer_same,
    .forward = forward,
    .backward = backward,
};
