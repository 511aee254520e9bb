/* SPDX-License-Identifier: Apache-2.0
 *
 * expand.c - an image repeated along axes of size 1. Backward is a sum over these. add and its like need no such layer: they repeat their
 * later inputs themselves.
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/reduce.h"

static const fvi_attribute attributes[] = {
    { .name = "shape",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_expand_options, shape),
      .count = 3,
      .low = 0,
      .high = 16777216,
      .fallback = "the input's",
      .help = "channels, rows, columns of the output, 0 the input's own; where that is another it must be 1" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    const int32_t *shape = ((const fv_expand_options *)node->options)->shape;
    const fv_image_shape in = node->in[0];
    node->out = (fv_image_shape){ shape[0] == 0 ? in.c : shape[0], shape[1] == 0 ? in.h : shape[1],
                                  shape[2] == 0 ? in.w : shape[2] };
    if (!fvi_reduces(node->out, in))
        return fvi_fail(node->context, FV_ERR_SHAPE,
                        "expand '%s': %dx%dx%d cannot be repeated to %dx%dx%d; only sizes of 1 change", node->name,
                        in.c, in.h, in.w, node->out.c, node->out.h, node->out.w);
    node->reach.whole = node->out.h != in.h || node->out.w != in.w;
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    return node->backward ? fvi_reduce_setup(node, node->out, node->in[0], &node->scratch_bytes) : FV_OK;
}

static fv_status forward(fvi_call *call)
{
    fvi_repeat(call, &call->x[0], 1, &call->y);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    if (call->dx[0].data)
        fvi_reduce(call, &call->dy, NULL, 1, &call->dx[0], call->scratch);
    return FV_OK;
}

const fvi_layer fvi_layer_expand = {
    .name = "expand",
    .onnx_op = "Expand",
    .formula = "y[c,i,j] = x[c,i,j], where an axis of size 1 is repeated",
    .options_size = sizeof(fv_expand_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
