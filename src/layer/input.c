/* SPDX-License-Identifier: Apache-2.0
 *
 * input.c - where images enter. The session writes its view from the batch, so there is nothing to run.
 */
#include "fovea/graph.h"
#include "layer/layers.h"

static const fvi_attribute attributes[] = {
    { .name = "shape",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_input_options, shape),
      .count = 3,
      .low = 1,
      .high = 65535,
      .required = true,
      .help = "channels, rows, columns of an image; a vector of C features is C, 1, 1" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    const fv_input_options *options = node->options;
    node->out = (fv_image_shape){ options->shape[0], options->shape[1], options->shape[2] };
    return FV_OK;
}

static fv_status nothing(fvi_call *call)
{
    (void)call;
    return FV_OK;
}

const fvi_layer fvi_layer_input = {
    .name = "input",
    .formula = "y = the images of the batch",
    .options_size = sizeof(fv_input_options),
    .attributes = attributes,
    .is_input = true,
    .infer = infer,
    .forward = nothing,
    .backward = FVI_TRAINS(nothing),
};
