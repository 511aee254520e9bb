/* SPDX-License-Identifier: Apache-2.0
 *
 * pool2d.c - max and average pooling over windows, and over the whole image: four descriptors, one geometry.
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/pool_pass.h"
#include "layer/window.h"

/* One table: average pooling reads it from the start, max pooling, which has no count_padding, from the second entry on. */
static const fvi_attribute attributes[] = {
    { .name = "count_padding",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_pool2d_options, count_padding),
      .count = 1,
      .fallback = "false",
      .help = "divide by all cells of the window, padding included; else by those inside the image" },
    { .name = "kernel",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_pool2d_options, kernel),
      .count = 2,
      .low = 1,
      .high = 65535,
      .required = true,
      .help = "rows and columns of the window; one number for both" },
    { .name = "stride",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_pool2d_options, stride),
      .count = 2,
      .low = 1,
      .high = 65535,
      .fallback = "the kernel's size",
      .help = "pixels from one window to the next, down and across" },
    { .name = "padding",
      .type = FVI_ATTRIBUTE_ENUM,
      .offset = offsetof(fv_pool2d_options, padding),
      .count = 1,
      .fallback = "explicit",
      .words = fvi_padding_words,
      .help = "explicit (see pad), valid (none), same (output = input/stride), full (every overlap)" },
    { .name = "pad",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_pool2d_options, pad),
      .count = 4,
      .low = 0,
      .high = 65535,
      .fallback = "0",
      .help = "cells around the image: top, left, bottom, right, each smaller than the kernel" },
    { .name = "ceil",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_pool2d_options, ceil),
      .count = 1,
      .fallback = "false",
      .help = "round the output size up: the last window may hang over the edge" },
    { 0 },
};

static fv_status resolve(fv_context *context, const char *type, const char *name, const fv_pool2d_options *options,
                         fv_image_shape in, fvi_window *window)
{
    *window = (fvi_window){
        .kernel = { options->kernel[0], options->kernel[1] },
        .stride = { options->stride[0] ? options->stride[0] : options->kernel[0],
                    options->stride[1] ? options->stride[1] : options->kernel[1] },
        .dilation = { 1, 1 },
        .padding = options->padding,
        .ceil = options->ceil,
        .pooling = true,
        .pad = { options->pad[0], options->pad[1], options->pad[2], options->pad[3] },
        .in = { in.h, in.w },
    };
    return fvi_window_resolve(context, type, name, window);
}

static fv_status infer(fvi_infer *node)
{
    fvi_window window;
    FV_TRY(resolve(node->context, node->layer->name, node->name, node->options, node->in[0], &window));
    node->out = (fv_image_shape){ node->in[0].c, window.out[0], window.out[1] };
    node->reach = fvi_window_reach(&window);
    return FV_OK;
}

static fv_status max_infer(fvi_infer *node)
{
    const fv_pool2d_options *options = node->options;
    FV_TRY(infer(node));
    return fvi_pool_check_taps(node, options->kernel[0], options->kernel[1]);
}

static fv_status setup(fvi_setup *node)
{
    const fv_pool2d_options *options = node->options;
    const fv_image_shape in = node->in[0];
    fvi_window window;
    FV_TRY(resolve(node->context, node->layer->name, node->name, options, in, &window));
    const fvi_pool_plan plan = { .shape = {
                                     .h = in.h,
                                     .w = in.w,
                                     .c = in.c,
                                     .oh = window.out[0],
                                     .ow = window.out[1],
                                     .kernel = { window.kernel[0], window.kernel[1] },
                                     .stride = { window.stride[0], window.stride[1] },
                                     .pad = { window.pad[0], window.pad[1], window.pad[2], window.pad[3] },
                                     .count_padding = options->count_padding,
                                 } };
    return fvi_pool_setup(node, &plan);
}

/* Global pooling: one window, the image. */
static fv_status global_infer(fvi_infer *node)
{
    node->out = (fv_image_shape){ node->in[0].c, 1, 1 };
    node->reach.whole = true;
    return FV_OK;
}

static fv_status global_max_infer(fvi_infer *node)
{
    FV_TRY(global_infer(node));
    return fvi_pool_check_taps(node, node->in[0].h, node->in[0].w);
}

static fv_status global_setup(fvi_setup *node)
{
    const fv_image_shape in = node->in[0];
    const fvi_pool_plan plan = { .shape = { .h = in.h,
                                            .w = in.w,
                                            .c = in.c,
                                            .oh = 1,
                                            .ow = 1,
                                            .kernel = { in.h, in.w },
                                            .stride = { in.h, in.w } } };
    return fvi_pool_setup(node, &plan);
}

const fvi_layer fvi_layer_max_pool2d = {
    .name = "max_pool2d",
    .onnx_op = "MaxPool",
    .formula =
        "y[c,i,j] = the largest of the window's cells inside the image; its gradient goes to the first of equals",
    .options_size = sizeof(fv_pool2d_options),
    .attributes = attributes + 1,
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_SAVED,
    .selects = true,
    .infer = max_infer,
    .setup = setup,
    .forward = fvi_pool_max_forward,
    .backward = FVI_TRAINS(fvi_pool_max_backward),
};

const fvi_layer fvi_layer_average_pool2d = {
    .name = "average_pool2d",
    .onnx_op = "AveragePool",
    .formula = "y[c,i,j] = the mean of the window's cells; its gradient is spread equally",
    .options_size = sizeof(fv_pool2d_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .setup = setup,
    .forward = fvi_pool_average_forward,
    .backward = FVI_TRAINS(fvi_pool_average_backward),
};

const fvi_layer fvi_layer_global_max_pool = {
    .name = "global_max_pool",
    .onnx_op = "GlobalMaxPool",
    .formula = "y[c] = the largest of all x[c,i,j]; its gradient goes to the first of equals",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .backward_reads = FVI_READS_SAVED,
    .infer = global_max_infer,
    .setup = global_setup,
    .forward = fvi_pool_max_forward,
    .backward = FVI_TRAINS(fvi_pool_max_backward),
};

const fvi_layer fvi_layer_global_average_pool = {
    .name = "global_average_pool",
    .onnx_op = "GlobalAveragePool",
    .formula = "y[c] = the mean of all x[c,i,j]",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = global_infer,
    .setup = global_setup,
    .forward = fvi_pool_average_forward,
    .backward = FVI_TRAINS(fvi_pool_average_backward),
};
