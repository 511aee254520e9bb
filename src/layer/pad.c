/* SPDX-License-Identifier: Apache-2.0
 *
 * pad.c - rows, columns and channels of one value around an image. Where only channels are added, the planner lets the
 * input's producer write into its slice of the wider pixels, and just the new channels are filled: with average_pool2d
 * of kernel 1 and stride 2 before it this is the shortcut "option A" of He et al. 2015 (arXiv:1512.03385), section 3.3.
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/part.h"

static const fvi_attribute attributes[] = {
    { .name = "pad",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_pad_options, pad),
      .count = 4,
      .low = 0,
      .high = 65535,
      .fallback = "0",
      .help = "rows and columns added: top, left, bottom, right; or rows, columns; or one number for all" },
    { .name = "channels",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_pad_options, channels),
      .count = 2,
      .low = 0,
      .high = 16777216,
      .fallback = "0",
      .help = "channels added: before, after; one number for both" },
    { .name = "value",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_pad_options, value),
      .count = 1,
      .low = -1e30,
      .high = 1e30,
      .fallback = "0",
      .help = "of what is added" },
    { 0 },
};

static fv_image_shape place(const fv_pad_options *options)
{
    return (fv_image_shape){ .c = options->channels[0], .h = options->pad[0], .w = options->pad[1] };
}

static fv_status infer(fvi_infer *node)
{
    const fv_pad_options *options = node->options;
    const fv_image_shape in = node->in[0];
    const int64_t c = (int64_t)in.c + options->channels[0] + options->channels[1],
                  h = (int64_t)in.h + options->pad[0] + options->pad[2],
                  w = (int64_t)in.w + options->pad[1] + options->pad[3];
    if (c > INT32_MAX || h > INT32_MAX || w > INT32_MAX)
        return fvi_fail(node->context, FV_ERR_SHAPE, "pad '%s': an output of %lldx%lldx%lld is too large; pad less",
                        node->name, (long long)c, (long long)h, (long long)w);
    node->out = (fv_image_shape){ (int32_t)c, (int32_t)h, (int32_t)w };
    node->reach = (fvi_reach){ .size = { 1, 1 }, .step = { 1, 1 }, .first = { -options->pad[0], -options->pad[1] } };
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    const fv_pad_options *options = node->options;
    const bool channels_only = node->in[0].h == node->out.h && node->in[0].w == node->out.w;
    node->first_channel = channels_only ? options->channels[0] : -1;
    return FV_OK;
}

static fv_status forward(fvi_call *call)
{
    const fv_pad_options *options = call->options;
    fvi_part_put(call, &call->x[0], &call->y, place(options), options->value);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    if (call->dx[0].data)
        fvi_part_get(call, &call->dy, &call->dx[0], place(call->options));
    return FV_OK;
}

const fvi_layer fvi_layer_pad = {
    .name = "pad",
    .onnx_op = "Pad",
    .formula = "y[c,i,j] = x[c - before, i - top, j - left] where that is inside x, else value",
    .options_size = sizeof(fv_pad_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .joins = true,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
