/* SPDX-License-Identifier: Apache-2.0
 *
 * hard_sigmoid.c - the sigmoid in three straight pieces (MobileNet v3, Howard et al. 2019, section 5.2). The gradient is 0 where y is
 * 0 or 1.
 */
#include "layer/activation.h"

static fvi_activation formula(const void *options)
{
    (void)options;
    return (fvi_activation){ .kind = FVI_HARD_SIGMOID };
}

const fvi_layer fvi_layer_hard_sigmoid = {
    .name = "hard_sigmoid",
    .onnx_op = "HardSigmoid",
    .formula = "y = min(max(x + 3, 0), 6) / 6",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .in_place = true,
    .backward_reads = FVI_READS_OUTPUT,
    .activation = formula,
    .infer = fvi_infer_same,
    .setup = fvi_activation_setup,
    .forward = fvi_activation_forward,
    .backward = fvi_activation_backward_by_output,
};
