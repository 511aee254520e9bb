/* SPDX-License-Identifier: Apache-2.0
 *
 * sigmoid.c - logistic function.
 */
#include "layer/activation.h"

static fv_status setup(fvi_setup *node)
{
    return fvi_activation_setup(node, FVI_SIGMOID, 0, 0);
}

const fvi_layer fvi_layer_sigmoid = {
    .name = "sigmoid",
    .onnx_op = "Sigmoid",
    .formula = "y = 1 / (1 + exp(-x))",
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
