/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_depthwise_weights.c - backward by weights of depthwise convolution and of small groups. The rows of dy are cut into a
 * fixed number of parts; a task adds up one part for all channels, row by row, in accumulators of the packed order
 * [vector][tap][reduced][lane] with the bias gradient behind them. Parts are then summed pairwise along a fixed tree and written
 * as OIHW. The parts depend on the n of the call and the rows of an image, never on threads.
 */
#include <string.h>

#include "kernel/conv/conv2d_depthwise.h"

#define PARTS_MAX 32
#define LINE 16 /* floats of a cache line */

typedef struct weights_call {
    const fvi_conv2d_shape *shape;
    const fvi_depthwise *kernels;
    int32_t map, parts, vectors;
    const fvi_view *x, *dy;
    float *dw, *db, *slots;
    size_t vector_floats, slot_floats; /* of one vector's weights; of a part */
} weights_call;

static weights_call weights_cut(const fvi_conv2d_plan *plan, int32_t n)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    weights_call call = { .shape = shape,
                          .kernels = plan->pass[FVI_BACKWARD_WEIGHTS].kernel,
                          .map = plan->pass[FVI_BACKWARD_WEIGHTS].tile[0] };
    const int64_t rows = (int64_t)n * shape->oh;
    call.parts = (int32_t)(rows < PARTS_MAX ? rows : PARTS_MAX);
    call.vectors = fvi_conv2d_ceil(shape->k, call.kernels->lanes);
    call.vector_floats =
        (size_t)(shape->c / shape->groups) * (size_t)shape->r * (size_t)shape->s * (size_t)call.kernels->lanes;
    call.slot_floats = (size_t)call.vectors * (call.vector_floats + (size_t)call.kernels->lanes);
    return call;
}

void fvi_conv2d_depthwise_accept_weights(fvi_conv2d_plan *plan)
{
    const weights_call call = weights_cut(plan, plan->shape.n);
    plan->pass[FVI_BACKWARD_WEIGHTS].scratch_bytes = (size_t)call.parts * call.slot_floats * sizeof(float);
}

/* Tap rows [first, end) of output row i that lie in the image. */
static int32_t taps_inside(const fvi_conv2d_shape *shape, int32_t i, int32_t *first)
{
    const int64_t top = (int64_t)i * shape->stride[0] - shape->pad[0], step = shape->dilation[0];
    const int64_t begin = top < 0 ? (-top + step - 1) / step : 0;
    const int64_t end = top < shape->h ? (shape->h - top + step - 1) / step : 0;
    const int32_t last = (int32_t)(end < shape->r ? end : shape->r);
    *first = (int32_t)(begin < last ? begin : last);
    return last - *first;
}

/* What output row i of image n reads that the row before it does not. */
static fvi_depthwise_ahead need_of(const weights_call *call, int32_t n, int32_t i)
{
    const fvi_conv2d_shape *shape = call->shape;
    fvi_depthwise_ahead need = { 0 };
    const int64_t last = (int64_t)i * shape->stride[0] - shape->pad[0] + (int64_t)(shape->r - 1) * shape->dilation[0];
    const int32_t end = (int32_t)(last < shape->h ? last + 1 : shape->h);
    const int32_t begin = i == 0 || end < shape->stride[0] ? 0 : end - shape->stride[0];
    if (call->x->pixel_stride == shape->c && begin < end) {
        need.x = fvi_conv2d_pixel(call->x, n, begin, 0);
        need.x_lines = (int32_t)((end - begin) * call->x->row_stride / LINE);
    }
    if (call->dy->pixel_stride == shape->k) {
        need.y = fvi_conv2d_pixel(call->dy, n, i, 0);
        need.y_lines = (int32_t)(call->dy->row_stride / LINE);
    }
    return need;
}

/* Adds the sums of one row to the slot and fetches the next row meanwhile, unless it is the last. */
static void add_row(const weights_call *call, int64_t row, bool last, float *slot)
{
    const fvi_conv2d_shape *shape = call->shape;
    const int32_t n = (int32_t)(row / shape->oh), i = (int32_t)(row % shape->oh);
    fvi_depthwise_weights arguments = { .dy = fvi_conv2d_pixel(call->dy, n, i, 0),
                                        .acc = slot,
                                        .x_pixel = shape->stride[1] * call->x->pixel_stride,
                                        .x_row = shape->dilation[0] * call->x->row_stride,
                                        .x_column = shape->dilation[1] * call->x->pixel_stride,
                                        .dy_pixel = call->dy->pixel_stride,
                                        .acc_vector = call->vector_floats,
                                        .pixels = shape->ow,
                                        .columns = shape->s,
                                        .inputs = shape->c,
                                        .outputs = shape->k,
                                        .outputs_per_group = shape->k / shape->groups,
                                        .reduced = shape->c / shape->groups };
    arguments.x = fvi_conv2d_pixel(call->x, n, i * shape->stride[0] - shape->pad[0], -shape->pad[1]);
    arguments.rows = taps_inside(shape, i, &arguments.first);
    if (!last)
        arguments.ahead = need_of(call, (int32_t)((row + 1) / shape->oh), (int32_t)((row + 1) % shape->oh));
    if (call->db != NULL)
        arguments.sum = slot + (size_t)call->vectors * call->vector_floats;
    call->kernels->weights[call->map](&arguments);
}

static void part_task(void *argument, size_t part, int32_t worker)
{
    (void)worker;
    const weights_call *call = argument;
    const int64_t rows = (int64_t)call->dy->n * call->shape->oh;
    const int64_t end = rows * ((int64_t)part + 1) / call->parts;
    float *slot = call->slots + part * call->slot_floats;
    memset(slot, 0, call->slot_floats * sizeof(float));
    for (int64_t row = rows * (int64_t)part / call->parts; row < end; row++)
        add_row(call, row, row + 1 == end, slot);
}

/* Adds `count` floats at `offset` of all parts along the tree; the sum lies in part 0 then. */
static void add_parts(const weights_call *call, size_t offset, size_t count)
{
    for (int32_t step = 1; step < call->parts; step *= 2)
        for (int32_t part = 0; part + step < call->parts; part += 2 * step) {
            float *to = call->slots + (size_t)part * call->slot_floats + offset;
            const float *from = to + (size_t)step * call->slot_floats;
            for (size_t i = 0; i < count; i++)
                to[i] += from[i];
        }
}

/* A task adds up one vector of outputs and writes it from [tap][reduced][lane] to OIHW. */
static void sum_task(void *argument, size_t vector, int32_t worker)
{
    (void)worker;
    const weights_call *call = argument;
    const fvi_conv2d_shape *shape = call->shape;
    const size_t lanes = (size_t)call->kernels->lanes, channels = (size_t)(shape->c / shape->groups);
    const size_t taps = (size_t)shape->r * (size_t)shape->s, first = vector * lanes, outputs = (size_t)shape->k;
    const size_t bias = (size_t)call->vectors * call->vector_floats + vector * lanes;
    add_parts(call, vector * call->vector_floats, call->vector_floats);
    add_parts(call, bias, lanes);
    const float *from = call->slots + vector * call->vector_floats;
    for (size_t lane = 0; lane < lanes && first + lane < outputs; lane++) {
        for (size_t c = 0; c < channels; c++)
            for (size_t tap = 0; tap < taps; tap++)
                call->dw[((first + lane) * channels + c) * taps + tap] = from[(tap * channels + c) * lanes + lane];
        if (call->db != NULL)
            call->db[first + lane] = call->slots[bias + lane];
    }
}

void fvi_conv2d_depthwise_backward_weights(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x,
                                           const fvi_view *dy, void *dw, void *db, void *scratch)
{
    weights_call call = weights_cut(plan, dy->n);
    call.x = x;
    call.dy = dy;
    call.dw = dw;
    call.db = db;
    call.slots = scratch;
    fvi_parallel(context, (size_t)call.parts, part_task, &call);
    fvi_parallel(context, (size_t)call.vectors, sum_task, &call);
}
