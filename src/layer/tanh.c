/* SPDX-License-Identifier: Apache-2.0
 *
 * tanh.c - hyperbolic tangent.
 */
#include "layer/activation.h"

static fv_status setup(fvi_setup *node)
{
    return fvi_activation_setup(node, FVI_TANH, 0, 0);
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
    .setup = setup,
    .forward = fvi_activation_forward,
    .backward = fvi_activation_backward_by_output,
};
