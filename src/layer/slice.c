/* SPDX-License-Identifier: Apache-2.0
 *
 * slice.c - some of the channels, rows and columns, perhaps with a step or backwards. Neighbouring channels lie side by side in every
 * pixel: of these alone the planner lets readers look at the input's memory, and the step runs backward only. The gradient of
 * what is left out is zero.
 */
#include <stdlib.h>

#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/move.h"
#include "layer/part.h"
#include "layer/split.h"

static const fvi_attribute attributes[] = {
    { .name = "first",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_slice_options, first),
      .count = 1,
      .low = 0,
      .high = 16777216,
      .fallback = "0",
      .help = "the first channel, counted from 0" },
    { .name = "count",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_slice_options, count),
      .count = 1,
      .low = 1,
      .high = 16777216,
      .fallback = "all that follow",
      .help = "channels" },
    { .name = "step",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_slice_options, step),
      .count = 1,
      .low = -65535,
      .high = 65535,
      .fallback = "1",
      .help = "from one channel to the next; below 0 backwards" },
    { .name = "rows",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_slice_options, rows),
      .count = 3,
      .low = -65535,
      .high = 16777216,
      .fallback = "all",
      .help = "first, count, step of the rows" },
    { .name = "columns",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_slice_options, columns),
      .count = 3,
      .low = -65535,
      .high = 16777216,
      .fallback = "all",
      .help = "first, count, step of the columns" },
    { 0 },
};

/* What is taken of one axis. */
typedef struct axis_slice {
    int32_t first, count, step;
} axis_slice;

/* Fills in what is left out, for an axis of this size; false: it takes what is not there. */
static bool resolve(axis_slice *slice, int32_t size)
{
    slice->step = slice->step == 0 ? 1 : slice->step;
    if (slice->first < 0 || slice->first >= size || slice->count < 0)
        return false;
    const int32_t onwards = slice->step > 0 ? size - 1 - slice->first : slice->first;
    slice->count = slice->count == 0 ? onwards / abs(slice->step) + 1 : slice->count;
    return slice->count - 1 <= onwards / abs(slice->step);
}

typedef struct slices {
    axis_slice c, h, w;
} slices;

static slices given(const fv_slice_options *options)
{
    const int32_t *rows = options->rows, *columns = options->columns;
    return (slices){ .c = { options->first, options->count, options->step },
                     .h = { rows[0], rows[1], rows[2] },
                     .w = { columns[0], columns[1], columns[2] } };
}

static fv_status check(const fvi_infer *node, axis_slice *slice, int32_t size, const char *what)
{
    const axis_slice asked = *slice;
    if (resolve(slice, size))
        return FV_OK;
    const int64_t last = asked.first + ((int64_t)(asked.count < 1 ? 1 : asked.count) - 1) * slice->step;
    return fvi_fail(node->context, FV_ERR_SHAPE,
                    "slice '%s': %s %d to %lld are asked for, but the input has %s 0 to %d", node->name, what,
                    asked.first, (long long)last, what, size - 1);
}

static fv_status infer(fvi_infer *node)
{
    slices s = given(node->options);
    const fv_image_shape in = node->in[0];
    FV_TRY(check(node, &s.c, in.c, "channels"));
    FV_TRY(check(node, &s.h, in.h, "rows"));
    FV_TRY(check(node, &s.w, in.w, "columns"));
    node->out = (fv_image_shape){ s.c.count, s.h.count, s.w.count };
    node->reach = (fvi_reach){ .size = { 1, 1 }, .step = { s.h.step, s.w.step }, .first = { s.h.first, s.w.first } };
    node->reach.whole = s.h.step < 0 || s.w.step < 0; /* no cell in order */
    return FV_OK;
}

static slices slices_of(const void *options, fv_image_shape in)
{
    slices s = given(options); /* infer() has checked them */
    resolve(&s.c, in.c);
    resolve(&s.h, in.h);
    resolve(&s.w, in.w);
    return s;
}

static fv_status setup(fvi_setup *node)
{
    const slices s = slices_of(node->options, node->in[0]);
    const bool whole = node->in[0].h == node->out.h && node->in[0].w == node->out.w && s.h.step == 1 && s.w.step == 1;
    node->first_channel = whole && s.c.step == 1 ? s.c.first : -1;
    return FV_OK;
}

/* The elements of `whole` that are taken. */
static fvi_walk taken(const fvi_call *call, const fvi_view *whole)
{
    const slices s = slices_of(call->options, (fv_image_shape){ whole->c, whole->h, whole->w });
    fvi_walk walk = fvi_walk_of(whole);
    walk.data = (char *)fvi_view_at(whole, call->dtype, 0, s.h.first, s.w.first) +
                (size_t)s.c.first * fv_dtype_size(call->dtype);
    walk.row *= s.h.step;
    walk.column *= s.w.step;
    walk.channel *= s.c.step;
    return walk;
}

static fv_status forward(fvi_call *call)
{
    const fvi_walk from = taken(call, &call->x[0]), to = fvi_walk_of(&call->y);
    fvi_move(call, (fv_image_shape){ call->y.c, call->y.h, call->y.w }, &from, &to);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    const fvi_view *dy = &call->dy, *dx = &call->dx[0];
    if (!dx->data)
        return FV_OK;
    const slices s = slices_of(call->options, (fv_image_shape){ dx->c, dx->h, dx->w });
    if (s.c.step == 1 && s.h.step == 1 && s.w.step == 1) {
        fvi_part_put(call, dy, dx, (fv_image_shape){ s.c.first, s.h.first, s.w.first }, 0.0);
        return FV_OK;
    }
    const fvi_walk from = fvi_walk_of(dy), to = taken(call, dx);
    fvi_split_fill(call->context, call->dtype, dx, 0.0);
    fvi_move(call, (fv_image_shape){ dy->c, dy->h, dy->w }, &from, &to);
    return FV_OK;
}

const fvi_layer fvi_layer_slice = {
    .name = "slice",
    .onnx_op = "Slice",
    .formula = "y[c,i,j] = x[first + c*step, i, j] for c below count, and likewise of rows and columns",
    .options_size = sizeof(fv_slice_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .slices = true,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
