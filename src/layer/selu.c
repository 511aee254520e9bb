/* SPDX-License-Identifier: Apache-2.0
 *
 * selu.c - scaled exponential linear unit (Klambauer et al. 2017, arXiv:1706.02515, equation 2), whose two numbers make mean 0 and
 * variance 1 a fixed point. The gradient at x = 0 is scale*alpha.
 */
#include "layer/activation.h"

/* The paper's equation 14 to as many digits as a double has, from its appendix A: alpha01 and lambda01. */
static const double alpha = 1.6732632423543772848, scale = 1.0507009873554804934;

static fvi_activation formula(const void *options)
{
    (void)options;
    return (fvi_activation){ .kind = FVI_SELU, .a = scale * alpha, .b = scale };
}

const fvi_layer fvi_layer_selu = {
    .name = "selu",
    .onnx_op = "Selu",
    .formula = "y = 1.0507009873554805*x where x > 0, 1.0507009873554805*1.6732632423543772*(exp(x) - 1) elsewhere",
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
