/* SPDX-License-Identifier: Apache-2.0
 *
 * reduce_mean.c - the mean over some axes, which stay with size 1. Over pixels it is global_average_pool.
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/reduce.h"

static const char *const overs[] = { "pixels", "channels", "all", "rows", "columns", NULL };

static const fvi_attribute attributes[] = {
    { .name = "over",
      .type = FVI_ATTRIBUTE_ENUM,
      .offset = offsetof(fv_reduce_mean_options, over),
      .count = 1,
      .fallback = "pixels",
      .words = overs,
      .help =
          "pixels (c x 1 x 1 is left), channels (1 x h x w), all (1 x 1 x 1), rows (c x 1 x w), columns (c x h x 1)" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    const fv_reduce_over over = ((const fv_reduce_mean_options *)node->options)->over;
    const fv_image_shape in = node->in[0];
    const bool all = over == FV_OVER_ALL, c = all || over == FV_OVER_CHANNELS;
    const bool h = all || over == FV_OVER_PIXELS || over == FV_OVER_ROWS,
               w = all || over == FV_OVER_PIXELS || over == FV_OVER_COLUMNS;
    node->out = (fv_image_shape){ c ? 1 : in.c, h ? 1 : in.h, w ? 1 : in.w };
    node->reach.whole = h || w;
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    return fvi_reduce_setup(node, node->in[0], node->out, &node->scratch_bytes);
}

static double factor_of(const fvi_view *whole, const fvi_view *part)
{
    return (double)part->c / whole->c * ((double)part->h / whole->h) * ((double)part->w / whole->w);
}

static fv_status forward(fvi_call *call)
{
    fvi_reduce(call, &call->x[0], NULL, factor_of(&call->x[0], &call->y), &call->y, call->scratch);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    if (call->dx[0].data)
        fvi_repeat(call, &call->dy, factor_of(&call->dx[0], &call->dy), &call->dx[0]);
    return FV_OK;
}

const fvi_layer fvi_layer_reduce_mean = {
    .name = "reduce_mean",
    .onnx_op = "ReduceMean",
    .formula = "y = the mean of x over the axes named, which get size 1",
    .options_size = sizeof(fv_reduce_mean_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
