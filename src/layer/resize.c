/* SPDX-License-Identifier: Apache-2.0
 *
 * resize.c - an image of other sizes: the nearest pixel, or bilinear between four, at the places that ONNX's Resize defines (operator set
 * 19, coordinate_transformation_mode and nearest_mode). Larger or smaller; nothing is averaged, so halving an image leaves pixels
 * out. Which inputs an output looks at is computed once, in setup. Forward is cut by output rows, backward, its transposed map,
 * by images. By whole factors upsample does the same.
 */
#include <math.h>
#include <string.h>

#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/split.h"

static const char *const coordinate_words[] = { "half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel",
                                                NULL };
static const char *const nearest_words[] = { "round_prefer_floor", "floor", NULL };

static const fvi_attribute attributes[] = {
    { .name = "size",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_resize_options, size),
      .count = 2,
      .low = 1,
      .high = 65535,
      .fallback = "by factor",
      .help = "output rows and columns; one number for both" },
    { .name = "factor",
      .type = FVI_ATTRIBUTE_REALS,
      .offset = offsetof(fv_resize_options, factor),
      .count = 1,
      .low = 1e-4,
      .high = 65535,
      .fallback = "by size",
      .help = "of rows and columns, two numbers; sizes are rounded down" },
    { .name = "bilinear",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_resize_options, bilinear),
      .count = 1,
      .fallback = "false",
      .help = "interpolate between the four nearest pixels; else take the nearest" },
    { .name = "coordinates",
      .type = FVI_ATTRIBUTE_ENUM,
      .offset = offsetof(fv_resize_options, coordinates),
      .count = 1,
      .fallback = "half_pixel",
      .words = coordinate_words,
      .help = "where output i looks: half_pixel (i + 1/2)/s - 1/2, align_corners i*(input - 1)/(output - 1), "
              "asymmetric i/s; "
              "pytorch_half_pixel as half_pixel, but 0 for an output of one" },
    { .name = "nearest",
      .type = FVI_ATTRIBUTE_ENUM,
      .offset = offsetof(fv_resize_options, nearest),
      .count = 1,
      .fallback = "round_prefer_floor",
      .words = nearest_words,
      .help = "the nearest pixel: rounded with halves down, or floor" },
    { 0 },
};

/* Of rows (axis 0) or columns. */
static double factor_of(const fv_resize_options *options, int axis, int32_t in, int32_t out)
{
    return options->size[axis] != 0 ? (double)out / in : options->factor.values[axis];
}

static fv_status out_size(const fvi_infer *node, int axis, int32_t in, int32_t *out)
{
    const fv_resize_options *options = node->options;
    const double size = options->size[axis] != 0 ? options->size[axis] : floor(in * options->factor.values[axis]);
    if (size < 1 || size > INT32_MAX)
        return fvi_fail(node->context, FV_ERR_SHAPE, "resize '%s': %d %s times %g are %.0f, not in 1 to %d", node->name,
                        in, axis == 0 ? "rows" : "columns", options->factor.values[axis], size, INT32_MAX);
    *out = (int32_t)size;
    return FV_OK;
}

static fv_status infer(fvi_infer *node)
{
    const fv_resize_options *options = node->options;
    const fv_image_shape in = node->in[0];
    const bool sized = options->size[0] != 0 && options->size[1] != 0;
    if (sized == (options->factor.count > 0) || (!sized && options->factor.count != 2) ||
        (!sized && options->size[0] != options->size[1]))
        return fvi_fail(node->context, FV_ERR_ARGUMENT,
                        "resize '%s': give either size, rows and columns, or factor, two numbers", node->name);
    node->out.c = in.c;
    FV_TRY(out_size(node, 0, in.h, &node->out.h));
    FV_TRY(out_size(node, 1, in.w, &node->out.w));
    for (int axis = 0; axis < 2; axis++) {
        node->reach.size[axis] = options->bilinear ? 2 : 1;
        node->reach.step[axis] =
            axis == 0 ? 1 / factor_of(options, 0, in.h, node->out.h) : 1 / factor_of(options, 1, in.w, node->out.w);
        node->reach.first[axis] = 1 - node->reach.size[axis];
    }
    return FV_OK;
}

/* Output i of an axis is (1 - part) * input[first] + part * input[second]. */
typedef struct axis_taps {
    int32_t first, second;
    double part;
} axis_taps;

typedef struct resize_plan {
    axis_taps *row, *column;
} resize_plan;

static double position(const fv_resize_options *options, double factor, int32_t i, int32_t in, int32_t out)
{
    switch (options->coordinates) {
    case FV_RESIZE_ALIGN_CORNERS:
        return out == 1 ? 0 : (double)i * (in - 1) / (out - 1);
    case FV_RESIZE_ASYMMETRIC:
        return i / factor;
    case FV_RESIZE_PYTORCH_HALF_PIXEL:
        return out == 1 ? 0 : (i + 0.5) / factor - 0.5;
    case FV_RESIZE_HALF_PIXEL:
        break;
    }
    return (i + 0.5) / factor - 0.5;
}

static int32_t inside(double index, int32_t in)
{
    return index < 0 ? 0 : index > in - 1 ? in - 1 : (int32_t)index;
}

static axis_taps taps_of(const fv_resize_options *options, double factor, int32_t i, int32_t in, int32_t out)
{
    const double at = position(options, factor, i, in, out);
    if (!options->bilinear) {
        const int32_t nearest = inside(options->nearest == FV_RESIZE_FLOOR ? floor(at) : ceil(at - 0.5), in);
        return (axis_taps){ nearest, nearest, 0 };
    }
    return (axis_taps){ inside(floor(at), in), inside(floor(at) + 1, in), at - floor(at) };
}

static fv_status setup(fvi_setup *node)
{
    const fv_resize_options *options = node->options;
    const fv_image_shape in = node->in[0], out = node->out;
    resize_plan *plan = fvi_arena_allocate(node->arena, sizeof *plan);
    const size_t bytes = ((size_t)out.h + (size_t)out.w) * sizeof(axis_taps);
    axis_taps *taps = plan != NULL ? fvi_arena_allocate(node->arena, bytes) : NULL;
    if (taps == NULL)
        return fvi_out_of_memory(node->context, "resize's plan", sizeof *plan + bytes);
    *plan = (resize_plan){ .row = taps, .column = taps + out.h };
    for (int32_t i = 0; i < out.h; i++)
        plan->row[i] = taps_of(options, factor_of(options, 0, in.h, out.h), i, in.h, out.h);
    for (int32_t i = 0; i < out.w; i++)
        plan->column[i] = taps_of(options, factor_of(options, 1, in.w, out.w), i, in.w, out.w);
    node->prepared = plan;
    return FV_OK;
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

static void forward_rows(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fvi_view *x = &call->x[0], *y = &call->y;
    const resize_plan *plan = call->prepared;
    const bool bilinear = ((const fv_resize_options *)call->options)->bilinear;
    const size_t c = (size_t)x->c, bytes = c * fv_dtype_size(call->dtype);
    for (size_t item = first; item < first + count; item++) {
        const int32_t n = (int32_t)(item / (size_t)y->h), h = (int32_t)(item % (size_t)y->h);
        for (int32_t w = 0; w < y->w; w++) {
            const pixel_taps taps = pixel_taps_of(call, x, n, plan->row[h], plan->column[w]);
            void *to = fvi_view_at(y, call->dtype, n, h, w);
            if (bilinear)
                call->kernels->blend(c, taps.weight, (const void *const *)taps.at, to);
            else
                memcpy(to, taps.at[0], bytes);
        }
    }
}

static fv_status forward(fvi_call *call)
{
    const fvi_view *y = &call->y;
    fvi_split_items(call->context, (size_t)call->n * (size_t)y->h, (size_t)y->w * (size_t)y->c, forward_rows, call);
    return FV_OK;
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
    const fvi_view *dx = &call->dx[0], *dy = &call->dy;
    const resize_plan *plan = call->prepared;
    const size_t c = (size_t)dx->c;
    for (size_t image = first; image < first + count; image++) {
        clear_image(call, (int32_t)image);
        for (int32_t h = 0; h < dy->h; h++)
            for (int32_t w = 0; w < dy->w; w++) {
                const pixel_taps taps = pixel_taps_of(call, dx, (int32_t)image, plan->row[h], plan->column[w]);
                const void *up = fvi_view_at(dy, call->dtype, (int32_t)image, h, w);
                for (int32_t i = 0; i < 4; i++)
                    if (taps.weight[i] != 0) /* all but the first of the nearest pixel */
                        call->kernels->scale_add(c, taps.weight[i], up, taps.at[i]);
            }
    }
}

static fv_status backward(fvi_call *call)
{
    const fvi_view *dy = &call->dy;
    if (call->dx[0].data)
        fvi_split_items(call->context, (size_t)call->n, (size_t)dy->h * (size_t)dy->w * (size_t)dy->c, spread_images,
                        call);
    return FV_OK;
}

const fvi_layer fvi_layer_resize = {
    .name = "resize",
    .onnx_op = "Resize",
    .formula = "y[c,i,j] = x[c, p(i), q(j)], the nearest pixel to these places or bilinear between four",
    .options_size = sizeof(fv_resize_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
