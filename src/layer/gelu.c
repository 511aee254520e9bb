/* SPDX-License-Identifier: Apache-2.0
 *
 * gelu.c - Gaussian error linear unit (Hendrycks & Gimpel 2016, arXiv:1606.08415), exact or by tanh.
 */
#include "layer/activation.h"

static const fvi_attribute attributes[] = {
    { .name = "tanh_form",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_gelu_options, tanh_form),
      .count = 1,
      .fallback = "false",
      .help = "the approximation by tanh instead of erf" },
    { 0 },
};

static fvi_activation formula(const void *given)
{
    const fv_gelu_options *options = given;
    return (fvi_activation){ .kind = options->tanh_form ? FVI_GELU_TANH : FVI_GELU };
}

const fvi_layer fvi_layer_gelu = {
    .name = "gelu",
    .onnx_op = "Gelu",
    .formula = "y = x * Phi(x), Phi the distribution function of N(0, 1); tanh_form: y = x/2 * (1 + tanh(sqrt(2/pi)*(x "
               "+ 0.044715*x^3)))",
    .options_size = sizeof(fv_gelu_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_INPUT,
    .activation = formula,
    .infer = fvi_infer_same,
    .setup = fvi_activation_setup,
    .forward = fvi_activation_forward,
    .backward = FVI_TRAINS(fvi_activation_backward_by_input),
};
