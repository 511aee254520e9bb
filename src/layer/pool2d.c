/* SPDX-License-Identifier: Apache-2.0
 *
 * pool2d.c - max and average pooling: two descriptors, one geometry. Forward is cut by output rows, backward by images.
 * Max pooling keeps the winning tap of each output (one byte, two for windows of more than 256 cells), so that backward
 * reads neither input nor output.
 */
#include "base/checked.h"
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/split.h"
#include "layer/window.h"

enum { MAX_TAPS = 65536, MAX_NARROW_TAPS = 256 };

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

static fv_status infer_pool(fvi_infer *node, const char *type)
{
    fvi_window window;
    FV_TRY(resolve(node->context, type, node->name, node->options, node->in[0], &window));
    node->out = (fv_image_shape){ node->in[0].c, window.out[0], window.out[1] };
    return FV_OK;
}

/* The geometry, with strides still unknown, in the plan's arena. */
static fv_status setup_pool(fvi_setup *node, const char *type)
{
    const fv_pool2d_options *options = node->options;
    const fv_image_shape in = node->in[0];
    fvi_window window;
    FV_TRY(resolve(node->context, type, node->name, options, in, &window));
    fvi_pool_shape *shape = fvi_arena_allocate(node->arena, sizeof *shape);
    if (!shape)
        return fvi_out_of_memory(node->context, "a pooling's geometry", sizeof *shape);
    *shape = (fvi_pool_shape){
        .h = in.h,
        .w = in.w,
        .c = in.c,
        .oh = window.out[0],
        .ow = window.out[1],
        .kernel = { window.kernel[0], window.kernel[1] },
        .stride = { window.stride[0], window.stride[1] },
        .pad = { window.pad[0], window.pad[1], window.pad[2], window.pad[3] },
        .count_padding = options->count_padding,
        .wide_index = (int64_t)window.kernel[0] * window.kernel[1] > MAX_NARROW_TAPS,
    };
    node->prepared = shape;
    return FV_OK;
}

/* One pass of either pooling. */
typedef struct pool_pass {
    const fvi_call *call;
    fvi_pool_shape shape;
    size_t index_row; /* bytes of one output row of the index, 0: none is kept */
} pool_pass;

static pool_pass make_pass(const fvi_call *call, const fvi_view *x, const fvi_view *y)
{
    pool_pass pass = { .call = call, .shape = *(const fvi_pool_shape *)call->prepared };
    pass.shape.x_row = x->row_stride;
    pass.shape.x_pixel = x->pixel_stride;
    pass.shape.y_row = y->row_stride;
    pass.shape.y_pixel = y->pixel_stride;
    if (call->saved)
        pass.index_row = (size_t)pass.shape.ow * (size_t)pass.shape.c * (pass.shape.wide_index ? 2 : 1);
    return pass;
}

static const void *read_image(const fvi_call *call, const fvi_view *view, size_t image)
{
    return fvi_view_at(view, call->dtype, (int32_t)image, 0, 0);
}

static void max_rows(const void *argument, size_t first, size_t count)
{
    const pool_pass *pass = argument;
    const fvi_call *call = pass->call;
    const size_t rows = (size_t)pass->shape.oh;
    for (size_t row = first; row < first + count; row++) {
        char *index = pass->index_row ? (char *)call->saved + row * pass->index_row : NULL;
        call->kernels->max_pool_row(&pass->shape, (int32_t)(row % rows), read_image(call, &call->x[0], row / rows),
                                    fvi_view_at(&call->y, call->dtype, (int32_t)(row / rows), 0, 0), index);
    }
}

static void average_rows(const void *argument, size_t first, size_t count)
{
    const pool_pass *pass = argument;
    const fvi_call *call = pass->call;
    const size_t rows = (size_t)pass->shape.oh;
    for (size_t row = first; row < first + count; row++)
        call->kernels->average_pool_row(&pass->shape, (int32_t)(row % rows), read_image(call, &call->x[0], row / rows),
                                        fvi_view_at(&call->y, call->dtype, (int32_t)(row / rows), 0, 0));
}

static void max_images_backward(const void *argument, size_t first, size_t count)
{
    const pool_pass *pass = argument;
    const fvi_call *call = pass->call;
    for (size_t image = first; image < first + count; image++)
        call->kernels->max_pool_backward(&pass->shape, read_image(call, &call->dy, image),
                                         (const char *)call->saved + image * (size_t)pass->shape.oh * pass->index_row,
                                         fvi_view_at(&call->dx[0], call->dtype, (int32_t)image, 0, 0));
}

static void average_images_backward(const void *argument, size_t first, size_t count)
{
    const pool_pass *pass = argument;
    const fvi_call *call = pass->call;
    for (size_t image = first; image < first + count; image++)
        call->kernels->average_pool_backward(&pass->shape, read_image(call, &call->dy, image),
                                             fvi_view_at(&call->dx[0], call->dtype, (int32_t)image, 0, 0));
}

/* Elements of x behind one row of y. */
static size_t row_elements(const fvi_pool_shape *shape)
{
    return (size_t)shape->kernel[0] * (size_t)shape->w * (size_t)shape->c;
}

static size_t image_elements(const fvi_pool_shape *shape)
{
    return (size_t)shape->h * (size_t)shape->w * (size_t)shape->c;
}

/* Max pooling. */
static fv_status max_infer(fvi_infer *node)
{
    const fv_pool2d_options *options = node->options;
    FV_TRY(infer_pool(node, "max_pool2d"));
    if ((int64_t)options->kernel[0] * options->kernel[1] > MAX_TAPS)
        return fvi_fail(node->context, FV_ERR_UNSUPPORTED, "max_pool2d '%s': a window of %dx%d has more than %d cells",
                        node->name, options->kernel[0], options->kernel[1], MAX_TAPS);
    return FV_OK;
}

static fv_status max_setup(fvi_setup *node)
{
    FV_TRY(setup_pool(node, "max_pool2d"));
    if (!node->backward || !node->wants_dx)
        return FV_OK;
    const fvi_pool_shape *shape = node->prepared;
    const size_t outputs = (size_t)shape->oh * (size_t)shape->ow * (size_t)shape->c; /* at most 2^31: infer checked */
    if (!fvi_size_multiply(outputs * (shape->wide_index ? 2 : 1), (size_t)node->batch, &node->saved_bytes))
        return fvi_fail(node->context, FV_ERR_SHAPE, "max_pool2d '%s': batch %d of %zu outputs overflows", node->name,
                        node->batch, outputs);
    return FV_OK;
}

static fv_status max_forward(fvi_call *call)
{
    const pool_pass pass = make_pass(call, &call->x[0], &call->y);
    fvi_split_items(call->context, (size_t)call->n * (size_t)pass.shape.oh, row_elements(&pass.shape), max_rows, &pass);
    return FV_OK;
}

static fv_status max_backward(fvi_call *call)
{
    if (!call->dx[0].data)
        return FV_OK;
    const pool_pass pass = make_pass(call, &call->dx[0], &call->dy);
    fvi_split_items(call->context, (size_t)call->n, image_elements(&pass.shape), max_images_backward, &pass);
    return FV_OK;
}

/* Average pooling. */
static fv_status average_infer(fvi_infer *node)
{
    return infer_pool(node, "average_pool2d");
}

static fv_status average_setup(fvi_setup *node)
{
    return setup_pool(node, "average_pool2d");
}

static fv_status average_forward(fvi_call *call)
{
    const pool_pass pass = make_pass(call, &call->x[0], &call->y);
    fvi_split_items(call->context, (size_t)call->n * (size_t)pass.shape.oh, row_elements(&pass.shape), average_rows,
                    &pass);
    return FV_OK;
}

static fv_status average_backward(fvi_call *call)
{
    if (!call->dx[0].data)
        return FV_OK;
    const pool_pass pass = make_pass(call, &call->dx[0], &call->dy);
    fvi_split_items(call->context, (size_t)call->n, image_elements(&pass.shape), average_images_backward, &pass);
    return FV_OK;
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
    .infer = max_infer,
    .setup = max_setup,
    .forward = max_forward,
    .backward = max_backward,
};

const fvi_layer fvi_layer_average_pool2d = {
    .name = "average_pool2d",
    .onnx_op = "AveragePool",
    .formula = "y[c,i,j] = the mean of the window's cells; its gradient is spread equally",
    .options_size = sizeof(fv_pool2d_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = average_infer,
    .setup = average_setup,
    .forward = average_forward,
    .backward = average_backward,
};
