/* SPDX-License-Identifier: Apache-2.0
 *
 * silu.c - x times the sigmoid of x (Elfwing et al. 2017, arXiv:1702.03118; "swish" of Ramachandran et al. 2017 with beta = 1).
 */
#include "layer/activation.h"

static fvi_activation formula(const void *options)
{
    (void)options;
    return (fvi_activation){ .kind = FVI_SILU };
}

const fvi_layer fvi_layer_silu = {
    .name = "silu",
    .formula = "y = x / (1 + exp(-x))",
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
