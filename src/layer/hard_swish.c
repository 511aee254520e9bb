/* SPDX-License-Identifier: Apache-2.0
 *
 * hard_swish.c - x times the hard sigmoid of x (MobileNet v3, Howard et al. 2019, section 5.2).
 */
#include "layer/activation.h"

static fvi_activation formula(const void *options)
{
    (void)options;
    return (fvi_activation){ .kind = FVI_HARD_SWISH };
}

const fvi_layer fvi_layer_hard_swish = {
    .name = "hard_swish",
    .onnx_op = "HardSwish",
    .formula = "y = x * min(max(x + 3, 0), 6) / 6",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_INPUT,
    .activation = formula,
    .infer = fvi_infer_same,
    .setup = fvi_activation_setup,
    .forward = fvi_activation_forward,
    .backward = FVI_TRAINS(fvi_activation_backward_by_input),
};
