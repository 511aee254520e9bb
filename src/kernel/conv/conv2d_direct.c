/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_direct.c - convolution on the batch-reduce GEMM, forward and backward by data.
 * Both gather: an output pixel sums over taps and channels of the input around it. Backward by data gathers from dy with
 * turned, transposed weights; with a stride, the outputs of each parity form a convolution of their own with stride 1
 * and a subset of the taps (sub-pixel decomposition), written to every stride-th pixel of dx.
 * Borders are physical zeros, so no loop knows an edge. A 1x1 kernel and a dense layer only merge loops.
 * Every output value is one chain of FMAs, so how work is cut never shows in the bits.
 */
#include "kernel/conv/conv2d_direct.h"

/* Floats of input that one unit of work should walk over: a good part of an L2 with room for the weights. */
#define UNIT_FLOATS (40 * 1024)
#define UNIT_PIXELS_MIN 96
#define TASK_WORK 65536.0 /* multiplications that are worth a task of their own: some microseconds */

typedef fvi_conv2d_gather gather;

static int32_t smaller(int64_t a, int64_t b)
{
    return (int32_t)(a < b ? a : b);
}

/* Adjacent loops whose strides continue each other become one: an image of a 1x1 convolution is one long row, and the
 * images of a dense layer are pixels. */
static void merge_outputs(gather *g)
{
    const int32_t rows = g->h;
    if (g->w == 1) {
        g->w = g->h;
        g->x_pixel = g->x_row;
        g->y_pixel = g->y_row;
        g->h = 1;
    } else if (g->h > 1 && g->x_row == g->w * g->x_pixel && g->y_row == g->w * g->y_pixel) {
        g->w *= g->h;
        g->h = 1;
    }
    if (g->h != 1)
        return;
    if (rows > 1)
        g->in_rows = 0;
    if (g->w == 1) {
        g->w = g->n;
        g->x_pixel = g->x_image;
        g->y_pixel = g->y_image;
        g->n = 1;
    } else if (g->x_image == g->w * g->x_pixel && g->y_image == g->w * g->y_pixel &&
               (int64_t)g->n * g->w <= INT32_MAX) {
        g->w *= g->n;
        g->n = 1;
    }
}

/* Taps whose input is contiguous become one run. */
static void merge_taps(gather *g, int32_t rows, int32_t columns)
{
    g->rows = rows;
    g->segments = columns;
    g->run = g->reduced;
    if (g->segments > 0 && (g->segments == 1 || g->tap_column == g->run)) {
        g->run *= g->segments;
        g->segments = 1;
        if (g->rows > 0 && (g->rows == 1 || g->tap_row == g->run)) {
            g->in_rows = g->rows > 1 ? 0 : g->in_rows;
            g->run *= g->rows;
            g->rows = 1;
        }
    }
}

/* Sizes of nearly equal blocks of at most `most`, at least `chunks` of them: the larger size. */
static int32_t even_block(int32_t count, int64_t most, int64_t chunks)
{
    const int64_t needed = most < count ? (count + most - 1) / most : 1;
    const int32_t cuts = smaller(needed > chunks ? needed : chunks, count);
    return fvi_conv2d_ceil(count, cuts);
}

/* How many rows of taps lie in the image for output row i, and which is the first. */
static int32_t taps_inside(const gather *g, int32_t i, int32_t *first)
{
    if (g->in_rows == 0)
        return g->rows;
    return fvi_conv2d_taps_inside(g->in_first + (int64_t)i * g->in_step, g->in_tap, g->in_rows, g->rows, first);
}

/* More than a sixteenth of the rows of taps lie outside: only gathering in place skips them. */
static bool skips_many(const gather *g)
{
    int64_t inside = 0;
    for (int32_t i = 0; i < g->h; i++) {
        int32_t first = 0;
        inside += taps_inside(g, i, &first);
    }
    return 16 * inside < 15 * (int64_t)g->h * g->rows;
}

/* Cuts the work into units of pixels that an L2 holds the input of, no fewer than the threads want as long as a unit is
 * worth a task, and when those are too few into parts of the outputs. n, h and w are at least 1. */
static void cut(gather *g, int32_t threads)
{
    if (!fvi_conv2d_copied_pays(g) || skips_many(g))
        g->scratch = NULL;
    if (g->scratch != NULL) {
        fvi_conv2d_copied_cut(g, threads);
        return;
    }
    const int64_t per_pixel = (int64_t)g->reduced * g->groups;
    const int64_t pixels = UNIT_FLOATS / per_pixel > UNIT_PIXELS_MIN ? UNIT_FLOATS / per_pixel : UNIT_PIXELS_MIN;
    const int64_t image = (int64_t)g->h * g->w;
    const double work = (double)g->n * (double)image * g->groups * g->outputs * g->rows * g->segments * g->run;
    const int64_t wanted = threads == 1 ? 1 : smaller(1 + (int64_t)(work / TASK_WORK), 4 * (int64_t)threads);
    const int32_t blocks = fvi_conv2d_block_count(g->gemm, g->outputs);
    /* One long row: rather parts of the outputs than of the pixels, since each part of the pixels reads all weights. */
    g->column_block = even_block(g->w, pixels, g->n == 1 && g->h == 1 ? (wanted + blocks - 1) / blocks : 1);
    g->row_block = g->column_block < g->w ? 1 : even_block(g->h, 1 + (pixels - 1) / g->w, 1);
    g->image_block = g->row_block < g->h || g->column_block < g->w ? 1 : even_block(g->n, 1 + pixels / image, wanted);
    g->units = fvi_conv2d_ceil(g->n, g->image_block) * fvi_conv2d_ceil(g->h, g->row_block) *
               fvi_conv2d_ceil(g->w, g->column_block);
    const int64_t tasks = (int64_t)g->units * g->groups;
    g->output_parts = smaller(blocks, (wanted + tasks - 1) / tasks);
}

/* Computes `count` pixels of a row: tiles of nearly equal size, none larger than the registers hold, so that no small
 * rest waits on the latency of the FMAs. */
void fvi_conv2d_direct_row(const fvi_brgemm *gemm, fvi_brgemm_forward *call, int32_t vectors, int32_t count)
{
    const int32_t tiles = fvi_conv2d_ceil(count, gemm->points[vectors - 1]);
    const int32_t points = count / tiles, larger = count % tiles;
    if (larger > 0) {
        call->tiles = larger;
        gemm->forward[vectors - 1][points](call);
        call->x += (ptrdiff_t)larger * (points + 1) * call->x_point;
        call->y += (ptrdiff_t)larger * (points + 1) * call->y_point;
        if (call->end.plus != NULL)
            call->end.plus += (ptrdiff_t)larger * (points + 1) * call->end.plus_point;
    }
    call->tiles = tiles - larger;
    gemm->forward[vectors - 1][points - 1](call);
}

typedef struct unit_range {
    int32_t image, image_end, row, row_end, column, column_end;
} unit_range;

static unit_range unit_at(const gather *g, int32_t unit)
{
    const int32_t columns = fvi_conv2d_ceil(g->w, g->column_block), rows = fvi_conv2d_ceil(g->h, g->row_block);
    unit_range at;
    at.column = unit % columns * g->column_block;
    at.row = unit / columns % rows * g->row_block;
    at.image = unit / columns / rows * g->image_block;
    at.column_end = smaller((int64_t)at.column + g->column_block, g->w);
    at.row_end = smaller((int64_t)at.row + g->row_block, g->h);
    at.image_end = smaller((int64_t)at.image + g->image_block, g->n);
    return at;
}

/* Whether tiles can do the epilogue before they store. Merged loops count pixels as y does, so the summand must lie as densely. */
static void choose_end(gather *g)
{
    const fvi_conv2d_epilogue *epilogue = g->epilogue;
    if (epilogue == NULL || !fvi_conv2d_clamp(epilogue->activation, &g->end))
        return;
    const fvi_view *summand = epilogue->summand;
    g->ends = summand == NULL || (g->h == summand->h && g->w == summand->w) ||
              (summand->row_stride == summand->w * summand->pixel_stride &&
               summand->image_stride == summand->h * summand->row_stride);
    g->end.plus_point = summand != NULL ? summand->pixel_stride : 0;
}

static const float *summand_at(const gather *g, size_t pixel, int32_t channel)
{
    const fvi_view *summand = g->epilogue->summand;
    if (summand == NULL)
        return NULL;
    const size_t w = (size_t)summand->w, h = (size_t)summand->h;
    return fvi_conv2d_pixel(summand, (int32_t)(pixel / w / h), (int32_t)(pixel / w % h), (int32_t)(pixel % w)) +
           channel;
}

static void finish(const gather *g, size_t pixel, size_t pixels, int32_t channel, int32_t channels)
{
    if (g->ends)
        fvi_conv2d_tell(g->epilogue, pixel, pixels, channels);
    else if (g->epilogue != NULL)
        fvi_conv2d_finish(g->epilogue, g->whole, pixel, pixels, channel, channels);
}

/* One block of outputs over a unit's pixels: the weights stay, the pixels pass. */
static void run_block(const gather *g, unit_range at, int32_t group, fvi_conv2d_block block)
{
    float init[FVI_BRGEMM_MAX_WIDTH] __attribute__((aligned(64))) = { 0 };
    for (int32_t lane = 0; g->bias != NULL && lane < block.count; lane++)
        init[lane] = g->bias[group * g->outputs + block.first + lane];
    fvi_brgemm_forward call = { .init = init,
                                .x_point = g->x_pixel,
                                .y_point = g->y_pixel,
                                .x_row = g->tap_row,
                                .x_segment = g->tap_column,
                                .segments = g->segments,
                                .run = g->run,
                                .last = block.last };
    const size_t row_weights = (size_t)g->segments * (size_t)g->run;
    const float *w = g->packed + (size_t)group * g->packed_group + (size_t)block.first * (size_t)g->rows * row_weights;
    for (int32_t n = at.image; n < at.image_end; n++) {
        for (int32_t i = at.row; i < at.row_end; i++) {
            int32_t tap = 0;
            call.rows = taps_inside(g, i, &tap);
            call.w = w + (size_t)tap * row_weights * (size_t)block.width;
            call.x = g->x + n * g->x_image + i * g->x_row + at.column * g->x_pixel + (ptrdiff_t)group * g->reduced +
                     tap * g->tap_row;
            call.y = g->y + n * g->y_image + i * g->y_row + at.column * g->y_pixel + (ptrdiff_t)group * g->outputs +
                     block.first;
            /* merged loops count pixels in the same order */
            const size_t pixel = ((size_t)n * (size_t)g->h + (size_t)i) * (size_t)g->w + (size_t)at.column;
            const int32_t channel = group * g->outputs + block.first, count = at.column_end - at.column;
            if (g->ends) {
                call.end = g->end;
                call.end.plus = summand_at(g, pixel, channel);
            }
            fvi_conv2d_direct_row(g->gemm, &call, block.vectors, count);
            finish(g, pixel, (size_t)count, channel, block.count);
        }
    }
}

/* Task index: unit, then group, then part of the outputs. */
static size_t task_count(const gather *g)
{
    return (size_t)g->units * (size_t)g->groups * (size_t)g->output_parts;
}

static void run_task(const gather *g, size_t index, int32_t worker)
{
    if (g->scratch != NULL) {
        fvi_conv2d_copied_task(g, index, worker);
        return;
    }
    const int32_t part = (int32_t)(index % (size_t)g->output_parts);
    const int32_t group = (int32_t)(index / (size_t)g->output_parts % (size_t)g->groups);
    const unit_range at = unit_at(g, (int32_t)(index / (size_t)g->output_parts / (size_t)g->groups));
    const int32_t blocks = fvi_conv2d_block_count(g->gemm, g->outputs);
    const int32_t end = (int32_t)((int64_t)blocks * (part + 1) / g->output_parts);
    for (int32_t block = (int32_t)((int64_t)blocks * part / g->output_parts); block < end; block++)
        run_block(g, at, group, fvi_conv2d_block_at(g->gemm, g->outputs, block));
}

static gather forward_gather(const fvi_conv2d_plan *plan, const fvi_view *x, const float *packed, const float *bias,
                             const fvi_view *y, float *scratch)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    gather g = { .gemm = plan->pass[FVI_FORWARD].kernel,
                 .n = x->n,
                 .h = shape->oh,
                 .w = shape->ow,
                 .packed = packed,
                 .bias = bias,
                 .groups = shape->groups,
                 .reduced = shape->c / shape->groups,
                 .outputs = shape->k / shape->groups };
    g.x = fvi_conv2d_pixel(x, 0, -shape->pad[0], -shape->pad[1]);
    g.x_image = x->image_stride;
    g.x_row = shape->stride[0] * x->row_stride;
    g.x_pixel = shape->stride[1] * x->pixel_stride;
    g.in_rows = shape->h;
    g.in_first = -shape->pad[0];
    g.in_step = shape->stride[0];
    g.in_tap = shape->dilation[0];
    g.tap_row = shape->dilation[0] * x->row_stride;
    g.tap_column = shape->dilation[1] * x->pixel_stride;
    g.y = y->data;
    g.y_image = y->image_stride;
    g.y_row = y->row_stride;
    g.y_pixel = y->pixel_stride;
    g.packed_group =
        fvi_conv2d_packed_width(g.gemm, g.outputs) * (size_t)g.reduced * (size_t)shape->r * (size_t)shape->s;
    merge_taps(&g, shape->r, shape->s);
    merge_outputs(&g);
    g.scratch = scratch;
    cut(&g, plan->threads);
    return g;
}

static void forward_task(void *argument, size_t index, int32_t worker)
{
    run_task(argument, index, worker);
}

void fvi_conv2d_direct_forward(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x, const void *packed,
                               const void *bias, const fvi_conv2d_epilogue *epilogue, const fvi_view *y, void *scratch)
{
    gather g = forward_gather(plan, x, packed, bias, y, scratch);
    g.epilogue = epilogue;
    g.whole = y;
    choose_end(&g);
    fvi_parallel(context, task_count(&g), forward_task, &g);
}

typedef struct backward_call {
    const fvi_conv2d_plan *plan;
    fvi_conv2d_shape shape; /* fvi_conv2d_backward_shape() */
    int32_t classes[2];     /* parities with outputs: rows, columns */
    const fvi_view *dy, *dx;
    const float *packed;
    float *scratch;
    const fvi_conv2d_epilogue *epilogue; /* with one class; or NULL */
    size_t tasks;                        /* of the class with the most outputs, parity 0; the others have no more */
} backward_call;

/* The convolution that computes the pixels of dx with these parities. Its units may be none. */
static gather class_gather(const backward_call *call, int32_t row_parity, int32_t column_parity)
{
    const fvi_conv2d_shape *shape = &call->shape;
    const fvi_conv2d_taps rows = fvi_conv2d_backward_taps(shape, 0, row_parity);
    const fvi_conv2d_taps columns = fvi_conv2d_backward_taps(shape, 1, column_parity);
    const fvi_view *dy = call->dy, *dx = call->dx;
    gather g = { .gemm = call->plan->pass[FVI_BACKWARD_DATA].kernel,
                 .n = dy->n,
                 .h = rows.outputs,
                 .w = columns.outputs,
                 .groups = shape->groups,
                 .reduced = shape->k / shape->groups,
                 .outputs = shape->c / shape->groups,
                 .epilogue = call->epilogue,
                 .whole = dx };
    g.x = fvi_conv2d_pixel(dy, 0, rows.offset, columns.offset);
    g.x_image = dy->image_stride;
    g.x_row = dy->row_stride;
    g.x_pixel = dy->pixel_stride;
    g.in_rows = shape->oh;
    g.in_first = rows.offset;
    g.in_step = 1;
    g.in_tap = rows.advance;
    g.tap_row = rows.advance * dy->row_stride;
    g.tap_column = columns.advance * dy->pixel_stride;
    g.y = (float *)dx->data + row_parity * dx->row_stride + column_parity * dx->pixel_stride;
    g.y_image = dx->image_stride;
    g.y_row = shape->stride[0] * dx->row_stride;
    g.y_pixel = shape->stride[1] * dx->pixel_stride;
    g.packed_group =
        fvi_conv2d_packed_width(g.gemm, g.outputs) * (size_t)g.reduced * (size_t)rows.count * (size_t)columns.count;
    merge_taps(&g, rows.count, columns.count);
    if (g.h == 0 || g.w == 0)
        return g;
    merge_outputs(&g);
    g.scratch = call->scratch;
    choose_end(&g);
    cut(&g, call->plan->threads);
    return g;
}

static void backward_task(void *argument, size_t index, int32_t worker)
{
    const backward_call *call = argument;
    const size_t class = index / call->tasks;
    const int32_t row_parity = (int32_t)(class / (size_t)call->classes[1]);
    const int32_t column_parity = (int32_t)(class % (size_t)call->classes[1]);
    gather g = class_gather(call, row_parity, column_parity);
    if (g.units == 0 || index % call->tasks >= task_count(&g))
        return;
    const size_t per_tap = fvi_conv2d_packed_width(g.gemm, g.outputs) * (size_t)g.reduced * (size_t)g.groups;
    g.packed = call->packed + per_tap * fvi_conv2d_taps_before(&call->shape, row_parity, column_parity);
    run_task(&g, index % call->tasks, worker);
}

void fvi_conv2d_direct_backward_data(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *dy,
                                     const void *packed, const fvi_conv2d_epilogue *epilogue, const fvi_view *dx,
                                     void *scratch)
{
    backward_call call = { .plan = plan,
                           .shape = fvi_conv2d_backward_shape(&plan->shape),
                           .dy = dy,
                           .dx = dx,
                           .packed = packed,
                           .scratch = scratch };
    call.classes[0] = smaller(call.shape.stride[0], call.shape.h);
    call.classes[1] = smaller(call.shape.stride[1], call.shape.w);
    const size_t classes = (size_t)call.classes[0] * (size_t)call.classes[1];
    for (size_t class = 0; class < classes; class ++) {
        const gather g =
            class_gather(&call, (int32_t)(class / (size_t)call.classes[1]), (int32_t)(class % (size_t)call.classes[1]));
        if (g.units > 0 && task_count(&g) > call.tasks)
            call.tasks = task_count(&g);
    }
    call.epilogue = classes == 1 ? epilogue : NULL;
    fvi_parallel(context, call.tasks * classes, backward_task, &call);
    if (classes > 1)
        fvi_conv2d_finish_all(epilogue, context, dx);
}

/* Border that reading inputs [lowest, highest] of an axis of `size` needs. */
static void widen(int32_t *before, int32_t *after, int64_t lowest, int64_t highest, int32_t size)
{
    if (-lowest > *before)
        *before = (int32_t)-lowest;
    if (highest - size + 1 > *after)
        *after = (int32_t)(highest - size + 1);
}

static void backward_border(const fvi_conv2d_shape *shape, int32_t border[4])
{
    for (int axis = 0; axis < 2; axis++) {
        const int32_t classes = smaller(shape->stride[axis], axis == 0 ? shape->h : shape->w);
        for (int32_t parity = 0; parity < classes; parity++) {
            const fvi_conv2d_taps taps = fvi_conv2d_backward_taps(shape, axis, parity);
            if (taps.count > 0 && taps.outputs > 0)
                widen(&border[axis], &border[axis + 2], taps.offset,
                      (int64_t)taps.offset + (int64_t)taps.advance * (taps.count - 1) + taps.outputs - 1,
                      axis == 0 ? shape->oh : shape->ow);
        }
    }
}

void fvi_conv2d_direct_border(fvi_conv2d_plan *plan, fvi_pass pass)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    int32_t *border = plan->pass[pass].border;
    if (pass == FVI_BACKWARD_DATA) {
        const fvi_conv2d_shape turned = fvi_conv2d_backward_shape(shape);
        backward_border(&turned, border);
        return;
    }
    for (int axis = 0; axis < 2; axis++) {
        const int64_t last = (int64_t)((axis == 0 ? shape->oh : shape->ow) - 1) * shape->stride[axis] +
                             (int64_t)((axis == 0 ? shape->r : shape->s) - 1) * shape->dilation[axis] -
                             shape->pad[axis];
        widen(&border[axis], &border[axis + 2], -shape->pad[axis], last, axis == 0 ? shape->h : shape->w);
    }
}

const char *fvi_conv2d_direct_accept(fvi_conv2d_plan *plan, fvi_pass pass)
{
    if (pass == FVI_BACKWARD_WEIGHTS)
        return fvi_conv2d_direct_accept_weights(plan);
    const fvi_conv2d_shape *shape = &plan->shape;
    const int32_t filters = shape->k / shape->groups, channels = shape->c / shape->groups;
    const size_t outputs = fvi_conv2d_packed_width(plan->pass[pass].kernel, pass == FVI_FORWARD ? filters : channels);
    const size_t reduced = (size_t)(pass == FVI_FORWARD ? channels : filters);
    plan->pass[pass].packed_bytes =
        outputs * reduced * (size_t)shape->groups * (size_t)shape->r * (size_t)shape->s * sizeof(float);
    plan->pass[pass].scratch_bytes =
        fvi_conv2d_copied_floats(plan->pass[pass].kernel, reduced * (size_t)shape->r * (size_t)shape->s,
                                 pass == FVI_FORWARD ? filters : channels, shape->groups) *
        (size_t)plan->threads * sizeof(float);
    fvi_conv2d_direct_border(plan, pass);
    return NULL;
}
