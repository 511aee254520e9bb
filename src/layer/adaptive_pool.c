/* SPDX-License-Identifier: Apache-2.0
 *
 * adaptive_pool.c - average pooling to a given size. The windows are PyTorch's: along an axis of n pixels, output i of m sees
 * the pixels from floor(i*n/m) to ceil((i+1)*n/m) - 1, so where m does not divide n neighbours overlap by a pixel. Where it
 * does, this is average pooling with kernel and stride n/m, and runs as that.
 */
#include <string.h>

#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/pool_pass.h"
#include "layer/split.h"

static const fvi_attribute attributes[] = {
    { .name = "size",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_adaptive_average_pool_options, size),
      .count = 2,
      .low = 1,
      .high = 65535,
      .required = true,
      .help = "rows and columns of the output; one number for both" },
    { 0 },
};

/* Pixels [first, first + count) along an axis. */
typedef struct span {
    int32_t first, count;
} span;

static span span_of(int32_t output, int32_t outputs, int32_t inputs)
{
    const int64_t first = (int64_t)output * inputs / outputs;
    const int64_t end = ((int64_t)(output + 1) * inputs + outputs - 1) / outputs;
    return (span){ (int32_t)first, (int32_t)(end - first) };
}

static double largest_window(int32_t outputs, int32_t inputs)
{
    int32_t largest = 0;
    for (int32_t i = 0; i < outputs; i++) {
        const span window = span_of(i, outputs, inputs);
        largest = window.count > largest ? window.count : largest;
    }
    return largest;
}

static fv_status infer(fvi_infer *node)
{
    const fv_adaptive_average_pool_options *options = node->options;
    const int32_t in[2] = { node->in[0].h, node->in[0].w };
    node->out = (fv_image_shape){ node->in[0].c, options->size[0], options->size[1] };
    for (int axis = 0; axis < 2; axis++) {
        node->reach.size[axis] = largest_window(options->size[axis], in[axis]);
        node->reach.step[axis] = (double)in[axis] / options->size[axis];
    }
    return FV_OK;
}

/* prepared stays NULL where the windows are unequal. */
static fv_status setup(fvi_setup *node)
{
    const fv_image_shape in = node->in[0], out = node->out;
    if (in.h % out.h != 0 || in.w % out.w != 0)
        return FV_OK;
    const int32_t rows = in.h / out.h, columns = in.w / out.w;
    const fvi_pool_plan plan = { .shape = { .h = in.h,
                                            .w = in.w,
                                            .c = in.c,
                                            .oh = out.h,
                                            .ow = out.w,
                                            .kernel = { rows, columns },
                                            .stride = { rows, columns } } };
    return fvi_pool_setup(node, &plan);
}

/* Row `item % oh` of image `item / oh`: each output is a pooling of one window. */
static void average_rows(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fvi_view *x = &call->x[0], *y = &call->y;
    for (size_t item = first; item < first + count; item++) {
        const int32_t n = (int32_t)(item / (size_t)y->h), oy = (int32_t)(item % (size_t)y->h);
        const span rows = span_of(oy, y->h, x->h);
        for (int32_t ox = 0; ox < y->w; ox++) {
            const span columns = span_of(ox, y->w, x->w);
            const fvi_pool_shape window = { .h = rows.count,
                                            .w = columns.count,
                                            .c = x->c,
                                            .oh = 1,
                                            .ow = 1,
                                            .kernel = { rows.count, columns.count },
                                            .stride = { rows.count, columns.count },
                                            .x_row = x->row_stride,
                                            .x_pixel = x->pixel_stride,
                                            .y_row = y->row_stride,
                                            .y_pixel = y->pixel_stride };
            call->kernels->average_pool_row(&window, 0, fvi_view_at(x, call->dtype, n, rows.first, columns.first),
                                            fvi_view_at(y, call->dtype, n, oy, ox));
        }
    }
}

static void spread_window(const fvi_call *call, int32_t n, span rows, span columns, const void *dy)
{
    const fvi_view *dx = &call->dx[0];
    const double share = 1.0 / ((double)rows.count * columns.count);
    for (int32_t h = rows.first; h < rows.first + rows.count; h++)
        for (int32_t w = columns.first; w < columns.first + columns.count; w++)
            call->kernels->scale_add((size_t)dx->c, share, dy, fvi_view_at(dx, call->dtype, n, h, w));
}

/* One image after the other: neighbouring windows share pixels. */
static void spread_images(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fvi_view *dx = &call->dx[0], *dy = &call->dy;
    for (size_t image = first; image < first + count; image++) {
        const int32_t n = (int32_t)image;
        for (int32_t h = 0; h < dx->h; h++)
            for (int32_t w = 0; w < dx->w; w++)
                memset(fvi_view_at(dx, call->dtype, n, h, w), 0, (size_t)dx->c * fv_dtype_size(call->dtype));
        for (int32_t oy = 0; oy < dy->h; oy++)
            for (int32_t ox = 0; ox < dy->w; ox++)
                spread_window(call, n, span_of(oy, dy->h, dx->h), span_of(ox, dy->w, dx->w),
                              fvi_view_at(dy, call->dtype, n, oy, ox));
    }
}

static fv_status forward(fvi_call *call)
{
    const fvi_view *x = &call->x[0];
    if (call->prepared)
        return fvi_pool_average_forward(call);
    const size_t row = ((size_t)x->h / (size_t)call->y.h + 1) * (size_t)x->w * (size_t)x->c;
    fvi_split_items(call->context, (size_t)call->n * (size_t)call->y.h, row, average_rows, call);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    const fvi_view *dx = &call->dx[0];
    if (call->prepared)
        return fvi_pool_average_backward(call);
    if (dx->data)
        fvi_split_items(call->context, (size_t)call->n, (size_t)dx->h * (size_t)dx->w * (size_t)dx->c, spread_images,
                        call);
    return FV_OK;
}

const fvi_layer fvi_layer_adaptive_average_pool = {
    .name = "adaptive_average_pool",
    .formula = "y[c,i,j] = the mean of x[c] from row floor(i*H/h) to before ceil((i+1)*H/h), likewise columns",
    .options_size = sizeof(fv_adaptive_average_pool_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
