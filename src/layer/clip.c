/* SPDX-License-Identifier: Apache-2.0
 *
 * clip.c - values cut at two limits, relu6 for any limits. The gradient is 0 where y is one of them.
 */
#include "layer/activation.h"

static const fvi_attribute attributes[] = {
    { .name = "low",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_clip_options, low),
      .count = 1,
      .low = -4e38,
      .high = 4e38,
      .fallback = "0",
      .help = "the least value; below -3.5e38 nothing is cut" },
    { .name = "high",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_clip_options, high),
      .count = 1,
      .low = -4e38,
      .high = 4e38,
      .fallback = "0",
      .help = "the largest value; above 3.5e38 nothing is cut" },
    { 0 },
};

static fvi_activation formula(const void *given)
{
    const fv_clip_options *options = given;
    return (fvi_activation){ .kind = FVI_CLIP, .a = options->low, .b = options->high };
}

static fv_status infer(fvi_infer *node)
{
    const fv_clip_options *options = node->options;
    if (!(options->low < options->high))
        return fvi_fail(node->context, FV_ERR_ARGUMENT, "clip '%s': low %g is not below high %g", node->name,
                        options->low, options->high);
    return fvi_infer_same(node);
}

const fvi_layer fvi_layer_clip = {
    .name = "clip",
    .onnx_op = "Clip",
    .formula = "y = min(max(x, low), high)",
    .options_size = sizeof(fv_clip_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .in_place = true,
    .backward_reads = FVI_READS_OUTPUT,
    .activation = formula,
    .infer = infer,
    .setup = fvi_activation_setup,
    .forward = fvi_activation_forward,
    .backward = FVI_TRAINS(fvi_activation_backward_by_output),
};
