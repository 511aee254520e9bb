/* SPDX-License-Identifier: Apache-2.0
 *
 * tanh.c - hyperbolic tangent.
 */
#include "layer/activation.h"

static fvi_activation formula(const void *options)
{
    (void)options;
    return (fvi_activation){ .kind = FVI_TANH };
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
    .activation = formula,
    .infer = fvi_infer_same,
    .setup = fvi_activation_setup,
    .forward = fvi_activation_forward,
    .backward = FVI_TRAINS(fvi_activation_backward_by_output),
};
