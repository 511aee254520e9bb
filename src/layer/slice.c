/* SPDX-License-Identifier: Apache-2.0
 *
 * slice.c - some of the channels. Channels last, so they lie side by side in every pixel: the planner lets readers look at
 * the input's memory, and the step runs backward only. The gradient of the other channels is zero.
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/part.h"

static const fvi_attribute attributes[] = {
    { .name = "first",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_slice_options, first),
      .count = 1,
      .low = 0,
      .high = 16777216,
      .fallback = "0",
      .help = "the first channel, counted from 0" },
    { .name = "count",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_slice_options, count),
      .count = 1,
      .low = 1,
      .high = 16777216,
      .required = true,
      .help = "channels" },
    { 0 },
};

static fv_image_shape place(const fv_slice_options *options)
{
    return (fv_image_shape){ .c = options->first };
}

static fv_status infer(fvi_infer *node)
{
    const fv_slice_options *options = node->options;
    const fv_image_shape in = node->in[0];
    if (options->first + options->count > in.c)
        return fvi_fail(node->context, FV_ERR_SHAPE,
                        "slice '%s': channels %d to %d are asked for, but the input has channels 0 to %d", node->name,
                        options->first, options->first + options->count - 1, in.c - 1);
    node->out = (fv_image_shape){ options->count, in.h, in.w };
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    node->first_channel = place(node->options).c;
    return FV_OK;
}

static fv_status forward(fvi_call *call)
{
    fvi_part_get(call, &call->x[0], &call->y, place(call->options));
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    if (call->dx[0].data)
        fvi_part_put(call, &call->dy, &call->dx[0], place(call->options), 0.0);
    return FV_OK;
}

const fvi_layer fvi_layer_slice = {
    .name = "slice",
    .onnx_op = "Slice",
    .formula = "y[c,i,j] = x[first + c, i, j] for c below count",
    .options_size = sizeof(fv_slice_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .slices = true,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
