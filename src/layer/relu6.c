/* SPDX-License-Identifier: Apache-2.0
 *
 * relu6.c - ReLU that stops at 6 (Krizhevsky 2010; MobileNet v2, Sandler et al. 2018). The gradient is 0 where y is 0 or 6.
 */
#include "layer/activation.h"

static fvi_activation formula(const void *options)
{
    (void)options;
    return (fvi_activation){ .kind = FVI_RELU6 };
}

const fvi_layer fvi_layer_relu6 = {
    .name = "relu6",
    .formula = "y = min(max(x, 0), 6)",
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
