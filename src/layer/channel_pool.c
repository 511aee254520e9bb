/* SPDX-License-Identifier: Apache-2.0
 *
 * channel_pool.c - pooling along the third axis: windows of neighbouring channels at one pixel. The same kernels as
 * pool2d.c, shown an image row whose "rows" are its pixels and whose "columns" are the channels.
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/pool_pass.h"
#include "layer/window.h"

static const fvi_attribute attributes[] = {
    { .name = "size",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_channel_pool_options, size),
      .count = 1,
      .low = 1,
      .high = 65535,
      .required = true,
      .help = "channels of the window" },
    { .name = "stride",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_channel_pool_options, stride),
      .count = 1,
      .low = 1,
      .high = 65535,
      .fallback = "size",
      .help = "channels from one window to the next" },
    { .name = "pad",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_channel_pool_options, pad),
      .count = 1,
      .low = 0,
      .high = 65535,
      .fallback = "0",
      .help = "cells before the first channel and behind the last, fewer than size; they never win nor count" },
    { 0 },
};

/* Axis 0: pixels of a row, left alone; axis 1: channels. */
static fv_status resolve(fv_context *context, const char *type, const char *name,
                         const fv_channel_pool_options *options, fv_image_shape in, fvi_window *window)
{
    *window = (fvi_window){
        .kernel = { 1, options->size },
        .stride = { 1, options->stride ? options->stride : options->size },
        .dilation = { 1, 1 },
        .pooling = true,
        .pad = { 0, options->pad, 0, options->pad },
        .in = { in.w, in.c },
    };
    return fvi_window_resolve(context, type, name, window);
}

static fv_status infer(fvi_infer *node)
{
    fvi_window window;
    FV_TRY(resolve(node->context, node->layer->name, node->name, node->options, node->in[0], &window));
    node->out = (fv_image_shape){ window.out[1], node->in[0].h, node->in[0].w };
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    const fv_image_shape in = node->in[0];
    fvi_window window;
    FV_TRY(resolve(node->context, node->layer->name, node->name, node->options, in, &window));
    const fvi_pool_plan plan = { .channels = true,
                                 .shape = {
                                     .h = in.w,
                                     .w = in.c,
                                     .c = 1,
                                     .oh = in.w,
                                     .ow = window.out[1],
                                     .kernel = { 1, window.kernel[1] },
                                     .stride = { 1, window.stride[1] },
                                     .pad = { 0, window.pad[1], 0, window.pad[3] },
                                 } };
    return fvi_pool_setup(node, &plan);
}

const fvi_layer fvi_layer_channel_max_pool = {
    .name = "channel_max_pool",
    .formula = "y[k,i,j] = the largest of x[c,i,j] for c from k*stride - pad on, size of them; gradient to the first",
    .options_size = sizeof(fv_channel_pool_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_SAVED,
    .infer = infer,
    .setup = setup,
    .forward = fvi_pool_max_forward,
    .backward = FVI_TRAINS(fvi_pool_max_backward),
};

const fvi_layer fvi_layer_channel_average_pool = {
    .name = "channel_average_pool",
    .formula = "y[k,i,j] = the mean of x[c,i,j] for c from k*stride - pad on, size of them, those that exist",
    .options_size = sizeof(fv_channel_pool_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .setup = setup,
    .forward = fvi_pool_average_forward,
    .backward = FVI_TRAINS(fvi_pool_average_backward),
};
