/* SPDX-License-Identifier: Apache-2.0
 *
 * crop.c - an image without some of its outer rows and columns. The gradient of what is cut off is zero.
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/part.h"

static const fvi_attribute attributes[] = {
    { .name = "crop",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_crop_options, crop),
      .count = 4,
      .low = 0,
      .high = 65535,
      .fallback = "0",
      .help = "rows and columns removed: top, left, bottom, right; or rows, columns; or one number for all" },
    { 0 },
};

static fv_image_shape place(const fv_crop_options *options)
{
    return (fv_image_shape){ .h = options->crop[0], .w = options->crop[1] };
}

static fv_status infer(fvi_infer *node)
{
    const fv_crop_options *options = node->options;
    const fv_image_shape in = node->in[0];
    const int32_t rows = options->crop[0] + options->crop[2], columns = options->crop[1] + options->crop[3];
    if (rows >= in.h || columns >= in.w)
        return fvi_fail(node->context, FV_ERR_SHAPE,
                        "crop '%s': %d rows and %d columns cannot be removed from %dx%d; at least one must be left",
                        node->name, rows, columns, in.h, in.w);
    node->out = (fv_image_shape){ in.c, in.h - rows, in.w - columns };
    node->reach = (fvi_reach){ .size = { 1, 1 }, .step = { 1, 1 }, .first = { options->crop[0], options->crop[1] } };
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

const fvi_layer fvi_layer_crop = {
    .name = "crop",
    .onnx_op = "Slice",
    .formula = "y[c,i,j] = x[c, i + top, j + left]",
    .options_size = sizeof(fv_crop_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
