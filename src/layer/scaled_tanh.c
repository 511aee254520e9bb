/* SPDX-License-Identifier: Apache-2.0
 *
 * scaled_tanh.c - the hyperbolic tangent of LeNet-5 (LeCun et al. 1998, appendix A): 1.7159*tanh(2/3 x), for which f(1) = 1 and
 * f(-1) = -1.
 */
#include "layer/activation.h"

static const fvi_attribute attributes[] = {
    { .name = "amplitude",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_scaled_tanh_options, amplitude),
      .count = 1,
      .low = 1e-6,
      .high = 1e6,
      .fallback = "1.7159",
      .help = "limit at infinity" },
    { .name = "slope",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_scaled_tanh_options, slope),
      .count = 1,
      .low = 1e-6,
      .high = 1e6,
      .fallback = "2/3",
      .help = "factor of x" },
    { 0 },
};

static fvi_activation formula(const void *given)
{
    const fv_scaled_tanh_options *options = given;
    const double amplitude = options->amplitude == 0 ? 1.7159 : options->amplitude;
    const double slope = options->slope == 0 ? 2.0 / 3.0 : options->slope;
    return (fvi_activation){ .kind = FVI_SCALED_TANH, .a = amplitude, .b = slope };
}

const fvi_layer fvi_layer_scaled_tanh = {
    .name = "scaled_tanh",
    .formula = "y = amplitude * tanh(slope*x)",
    .options_size = sizeof(fv_scaled_tanh_options),
    .attributes = attributes,
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
