/* SPDX-License-Identifier: Apache-2.0
 *
 * pad.c - rows, columns and channels around an image: of one value, or the image mirrored or its edge repeated. Where only channels are
 * added, the planner lets the input's producer write into its slice of the wider pixels, and just the new channels are filled: with
 * average_pool2d of kernel 1 and stride 2 before it this is the shortcut "option A" of He et al. 2015 (arXiv:1512.03385), section 3.3.
 */
#include <string.h>

#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/part.h"
#include "layer/split.h"

static const char *const modes[] = { "constant", "reflect", "edge", NULL };

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
    { .name = "mode",
      .type = FVI_ATTRIBUTE_ENUM,
      .offset = offsetof(fv_pad_options, mode),
      .count = 1,
      .fallback = "constant",
      .words = modes,
      .help = "constant (value), reflect (the image mirrored, its edge once), edge (the nearest pixel)" },
    { 0 },
};

static fv_image_shape place(const fv_pad_options *options)
{
    return (fv_image_shape){ .c = options->channels[0], .h = options->pad[0], .w = options->pad[1] };
}

static fv_status check_mode(const fvi_infer *node)
{
    const fv_pad_options *options = node->options;
    const fv_image_shape in = node->in[0];
    if (options->mode != FV_PAD_CONSTANT && (options->channels[0] > 0 || options->channels[1] > 0))
        return fvi_fail(node->context, FV_ERR_ARGUMENT,
                        "pad '%s': mode %s adds rows and columns; channels are added by mode constant only", node->name,
                        modes[options->mode]);
    for (int side = 0; side < 4 && options->mode == FV_PAD_REFLECT; side++) {
        const int32_t size = side % 2 == 0 ? in.h : in.w;
        if (options->pad[side] >= size)
            return fvi_fail(node->context, FV_ERR_SHAPE,
                            "pad '%s': %d cannot be reflected of %d %s; at most %d, one less than there are",
                            node->name, options->pad[side], size, side % 2 == 0 ? "rows" : "columns", size - 1);
    }
    return FV_OK;
}

static fv_status infer(fvi_infer *node)
{
    const fv_pad_options *options = node->options;
    const fv_image_shape in = node->in[0];
    const int64_t c = (int64_t)in.c + options->channels[0] + options->channels[1],
                  h = (int64_t)in.h + options->pad[0] + options->pad[2],
                  w = (int64_t)in.w + options->pad[1] + options->pad[3];
    FV_TRY(check_mode(node));
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
    const bool channels_only =
        node->in[0].h == node->out.h && node->in[0].w == node->out.w && options->mode == FV_PAD_CONSTANT;
    node->first_channel = channels_only ? options->channels[0] : -1;
    return FV_OK;
}

/* The row or column of an image of this size that stands at place i, which may lie outside. */
static int32_t source(fv_pad_mode mode, int32_t i, int32_t size)
{
    if (mode == FV_PAD_EDGE)
        return i < 0 ? 0 : i < size ? i : size - 1;
    return i < 0 ? -i : i < size ? i : 2 * (size - 1) - i;
}

static void image_rows(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fv_pad_options *options = call->options;
    const fvi_view *x = &call->x[0], *y = &call->y;
    const size_t bytes = (size_t)x->c * fv_dtype_size(call->dtype);
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)y->h), h = (int32_t)(row % (size_t)y->h);
        const int32_t from = source(options->mode, h - options->pad[0], x->h);
        for (int32_t w = 0; w < y->w; w++)
            memcpy(fvi_view_at(y, call->dtype, n, h, w),
                   fvi_view_at(x, call->dtype, n, from, source(options->mode, w - options->pad[1], x->w)), bytes);
    }
}

/* One row of dx: every row of dy that shows it, in order. */
static void gradient_rows(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fv_pad_options *options = call->options;
    const fvi_view *dx = &call->dx[0], *dy = &call->dy;
    const size_t c = (size_t)dx->c;
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)dx->h), to = (int32_t)(row % (size_t)dx->h);
        for (int32_t w = 0; w < dx->w; w++)
            memset(fvi_view_at(dx, call->dtype, n, to, w), 0, c * fv_dtype_size(call->dtype));
        for (int32_t h = 0; h < dy->h; h++) {
            if (source(options->mode, h - options->pad[0], dx->h) != to)
                continue;
            for (int32_t w = 0; w < dy->w; w++) {
                void *sum = fvi_view_at(dx, call->dtype, n, to, source(options->mode, w - options->pad[1], dx->w));
                call->kernels->add(c, sum, fvi_view_at(dy, call->dtype, n, h, w), sum);
            }
        }
    }
}

static fv_status forward(fvi_call *call)
{
    const fv_pad_options *options = call->options;
    const fvi_view *y = &call->y;
    if (options->mode == FV_PAD_CONSTANT)
        fvi_part_put(call, &call->x[0], y, place(options), options->value);
    else
        fvi_split_items(call->context, (size_t)call->n * (size_t)y->h, (size_t)y->w * (size_t)y->c, image_rows, call);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    const fvi_view *dx = &call->dx[0];
    if (!dx->data)
        return FV_OK;
    if (((const fv_pad_options *)call->options)->mode == FV_PAD_CONSTANT)
        fvi_part_get(call, &call->dy, dx, place(call->options));
    else
        fvi_split_items(call->context, (size_t)call->n * (size_t)dx->h, (size_t)dx->w * (size_t)dx->c, gradient_rows,
                        call);
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
