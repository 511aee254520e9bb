/* SPDX-License-Identifier: Apache-2.0
 *
 * upsample.c - a larger image by a whole factor: each pixel repeated, or bilinear with pixels as areas (align_corners false
 * in PyTorch, half_pixel in ONNX): output i looks at the position (i + 1/2)/factor - 1/2, not before the first pixel's
 * centre nor behind the last one's. Forward is cut by output rows. Backward is the transposed map: repeated pixels by
 * input rows, bilinear ones by images, since neighbouring outputs share inputs.
 */
#include <string.h>

#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/split.h"

static const fvi_attribute attributes[] = {
    { .name = "factor",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_upsample_options, factor),
      .count = 2,
      .low = 1,
      .high = 65535,
      .required = true,
      .help = "output rows and columns for each of the input; one number for both" },
    { .name = "bilinear",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_upsample_options, bilinear),
      .count = 1,
      .fallback = "false",
      .help = "interpolate between the four nearest pixels; else repeat each pixel" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    const fv_upsample_options *options = node->options;
    const fv_image_shape in = node->in[0];
    const int64_t h = (int64_t)in.h * options->factor[0], w = (int64_t)in.w * options->factor[1];
    if (h > INT32_MAX || w > INT32_MAX)
        return fvi_fail(node->context, FV_ERR_SHAPE, "upsample '%s': %dx%d pixels times %dx%d are too many", node->name,
                        in.h, in.w, options->factor[0], options->factor[1]);
    node->out = (fv_image_shape){ in.c, (int32_t)h, (int32_t)w };
    for (int axis = 0; axis < 2; axis++) {
        node->reach.size[axis] = options->bilinear && options->factor[axis] > 1 ? 2 : 1;
        node->reach.step[axis] = 1.0 / options->factor[axis];
        node->reach.first[axis] = 1 - node->reach.size[axis];
    }
    return FV_OK;
}

/* One axis of the bilinear map: output i is (1 - part) * input[first] + part * input[second]. */
typedef struct axis_taps {
    int32_t first, second;
    double part;
} axis_taps;

static axis_taps taps_of(int32_t output, int32_t factor, int32_t inputs)
{
    const double position = (output + 0.5) / factor - 0.5;
    axis_taps taps = { .part = position < 0 ? 0 : position };
    taps.first = (int32_t)taps.part;
    taps.part -= taps.first;
    taps.second = taps.first + 1 < inputs ? taps.first + 1 : taps.first;
    return taps;
}

/* The four inputs of one output pixel and their weights. */
typedef struct pixel_taps {
    void *at[4];
    double weight[4];
} pixel_taps;

static pixel_taps pixel_taps_of(const fvi_call *call, const fvi_view *x, int32_t n, axis_taps row, axis_taps column)
{
    const pixel_taps taps = {
        .at = { fvi_view_at(x, call->dtype, n, row.first, column.first),
                fvi_view_at(x, call->dtype, n, row.first, column.second),
                fvi_view_at(x, call->dtype, n, row.second, column.first),
                fvi_view_at(x, call->dtype, n, row.second, column.second) },
        .weight = { (1 - row.part) * (1 - column.part), (1 - row.part) * column.part, row.part * (1 - column.part),
                    row.part * column.part },
    };
    return taps;
}

static void bilinear_row(const fvi_call *call, int32_t n, int32_t oy)
{
    const int32_t *factor = ((const fv_upsample_options *)call->options)->factor;
    const fvi_view *x = &call->x[0];
    const axis_taps row = taps_of(oy, factor[0], x->h);
    for (int32_t ox = 0; ox < call->y.w; ox++) {
        const pixel_taps taps = pixel_taps_of(call, x, n, row, taps_of(ox, factor[1], x->w));
        call->kernels->blend((size_t)x->c, taps.weight, (const void *const *)taps.at,
                             fvi_view_at(&call->y, call->dtype, n, oy, ox));
    }
}

static void repeat_row(const fvi_call *call, int32_t n, int32_t oy)
{
    const int32_t *factor = ((const fv_upsample_options *)call->options)->factor;
    const fvi_view *x = &call->x[0];
    const size_t bytes = (size_t)x->c * fv_dtype_size(call->dtype);
    for (int32_t ox = 0; ox < call->y.w; ox++)
        memcpy(fvi_view_at(&call->y, call->dtype, n, oy, ox),
               fvi_view_at(x, call->dtype, n, oy / factor[0], ox / factor[1]), bytes);
}

static void forward_rows(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const bool bilinear = ((const fv_upsample_options *)call->options)->bilinear;
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)call->y.h), oy = (int32_t)(row % (size_t)call->y.h);
        if (bilinear)
            bilinear_row(call, n, oy);
        else
            repeat_row(call, n, oy);
    }
}

static fv_status forward(fvi_call *call)
{
    fvi_split_items(call->context, (size_t)call->n * (size_t)call->y.h, (size_t)call->y.w * (size_t)call->y.c,
                    forward_rows, call);
    return FV_OK;
}

/* dx = the sum of the block of dy that repeats it. */
static void sum_block(const fvi_call *call, int32_t n, int32_t h, int32_t w)
{
    const int32_t *factor = ((const fv_upsample_options *)call->options)->factor;
    const size_t c = (size_t)call->dy.c;
    void *sum = fvi_view_at(&call->dx[0], call->dtype, n, h, w);
    memcpy(sum, fvi_view_at(&call->dy, call->dtype, n, h * factor[0], w * factor[1]), c * fv_dtype_size(call->dtype));
    for (int32_t i = 0; i < factor[0]; i++)
        for (int32_t j = i == 0; j < factor[1]; j++)
            call->kernels->add(c, sum, fvi_view_at(&call->dy, call->dtype, n, h * factor[0] + i, w * factor[1] + j),
                               sum);
}

static void sum_rows(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fvi_view *dx = &call->dx[0];
    for (size_t row = first; row < first + count; row++)
        for (int32_t w = 0; w < dx->w; w++)
            sum_block(call, (int32_t)(row / (size_t)dx->h), (int32_t)(row % (size_t)dx->h), w);
}

static void clear_image(const fvi_call *call, int32_t n)
{
    const fvi_view *dx = &call->dx[0];
    for (int32_t h = 0; h < dx->h; h++)
        for (int32_t w = 0; w < dx->w; w++)
            memset(fvi_view_at(dx, call->dtype, n, h, w), 0, (size_t)dx->c * fv_dtype_size(call->dtype));
}

static void spread_images(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const int32_t *factor = ((const fv_upsample_options *)call->options)->factor;
    const fvi_view *dx = &call->dx[0];
    for (size_t image = first; image < first + count; image++) {
        const int32_t n = (int32_t)image;
        clear_image(call, n);
        for (int32_t oy = 0; oy < call->dy.h; oy++) {
            const axis_taps row = taps_of(oy, factor[0], dx->h);
            for (int32_t ox = 0; ox < call->dy.w; ox++) {
                const pixel_taps taps = pixel_taps_of(call, dx, n, row, taps_of(ox, factor[1], dx->w));
                for (int32_t i = 0; i < 4; i++)
                    call->kernels->scale_add((size_t)dx->c, taps.weight[i],
                                             fvi_view_at(&call->dy, call->dtype, n, oy, ox), taps.at[i]);
            }
        }
    }
}

static fv_status backward(fvi_call *call)
{
    const fvi_view *dx = &call->dx[0], *dy = &call->dy;
    const size_t image = (size_t)dy->h * (size_t)dy->w * (size_t)dy->c;
    if (!dx->data)
        return FV_OK;
    if (((const fv_upsample_options *)call->options)->bilinear)
        fvi_split_items(call->context, (size_t)call->n, image, spread_images, call);
    else
        fvi_split_items(call->context, (size_t)call->n * (size_t)dx->h, image / (size_t)dx->h, sum_rows, call);
    return FV_OK;
}

const fvi_layer fvi_layer_upsample = {
    .name = "upsample",
    .onnx_op = "Resize",
    .formula = "y[c,i,j] = x[c, i/rows, j/columns] rounded down, or bilinear at (i + 1/2)/rows - 1/2, likewise j",
    .options_size = sizeof(fv_upsample_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
