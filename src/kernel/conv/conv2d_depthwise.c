/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_depthwise.c - depthwise convolution and convolution in small groups, forward and backward by data.
 * The direct algorithm gives each group tiles of its own, so a group of one output wastes all lanes but one; here lanes run over
 * the channels of several groups (depthwise.h). Backward by data gathers from dy as the direct algorithm does: one
 * convolution of stride 1 for each parity class of dx. Every output is one chain of FMAs in the order of taps and
 * channels, so how work is cut never shows in the bits.
 */
#include "kernel/conv/conv2d_depthwise.h"

#include <string.h>

#define TASK_WORK 131072 /* multiplications worth a task of their own, in vectors' lanes */
#define TASKS_A_THREAD 8
#define CLASSES_TOGETHER 4            /* parity classes of backward by data whose rows are walked together */
#define LINE 16                       /* floats of a cache line */
#define PAST_CACHES (4 * 1024 * 1024) /* floats that do not stay in a cache */

static int32_t smaller(int64_t a, int64_t b)
{
    return (int32_t)(a < b ? a : b);
}

int fvi_conv2d_depthwise_map(int32_t lanes, int32_t reduced, int32_t outputs)
{
    if (reduced == 1 && outputs == 1)
        return FVI_LANES_SAME;
    if (outputs % lanes == 0)
        return outputs == lanes ? FVI_LANES_ONE : -1;
    if (lanes % outputs == 0 && reduced == outputs && outputs <= 4)
        return FVI_LANES_QUARTET;
    if (lanes % outputs == 0 && reduced <= outputs)
        return FVI_LANES_CHOSEN;
    return reduced == 1 || outputs == 1 ? FVI_LANES_GATHERED : -1;
}

static size_t packed_floats(const fvi_conv2d_shape *shape, int32_t lanes, bool turned)
{
    const int32_t outputs = turned ? shape->c : shape->k;
    const size_t reduced = (size_t)((turned ? shape->k : shape->c) / shape->groups);
    return (size_t)fvi_conv2d_ceil(outputs, lanes) * (size_t)lanes * reduced * (size_t)shape->r * (size_t)shape->s;
}

const char *fvi_conv2d_depthwise_accept(fvi_conv2d_plan *plan, fvi_pass pass)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    const fvi_depthwise *kernels = plan->pass[pass].kernel;
    const bool turned = pass == FVI_BACKWARD_DATA;
    const int32_t channels = shape->c / shape->groups, filters = shape->k / shape->groups;
    if (shape->groups == 1)
        return "for convolutions in groups";
    const int map = fvi_conv2d_depthwise_map(kernels->lanes, turned ? filters : channels, turned ? channels : filters);
    if (map < 0)
        return "the groups fill vectors by themselves, or fit in none";
    if (map == FVI_LANES_ONE && pass != FVI_BACKWARD_WEIGHTS && shape->c / shape->groups > 1)
        return "the direct algorithm is faster where a group fills a vector";
    plan->pass[pass].tile[0] = map;
    fvi_conv2d_direct_border(plan, pass);
    if (pass == FVI_BACKWARD_WEIGHTS)
        fvi_conv2d_depthwise_accept_weights(plan);
    else
        plan->pass[pass].packed_bytes = packed_floats(shape, kernels->lanes, turned) * sizeof(float);
    return NULL;
}

typedef struct pack_call {
    const fvi_conv2d_shape *shape;
    const float *w;
    float *packed;
    int32_t lanes;
    bool turned; /* backward by data: outputs are the input channels */
} pack_call;

/* The weight between output `output` and input c of its group, at a tap. */
static float weight_of(const pack_call *call, int32_t output, int32_t c, size_t tap)
{
    const fvi_conv2d_shape *shape = call->shape;
    const size_t taps = (size_t)shape->r * (size_t)shape->s;
    const int32_t channels = shape->c / shape->groups, filters = shape->k / shape->groups;
    if (!call->turned)
        return call->w[((size_t)output * (size_t)channels + (size_t)c) * taps + tap];
    const int32_t filter = output / channels * filters + c;
    return call->w[((size_t)filter * (size_t)channels + (size_t)(output % channels)) * taps + tap];
}

/* One vector of outputs for a set of taps: [tap row][tap column][reduced][lane]. */
static void pack_taps(const pack_call *call, fvi_conv2d_taps rows, fvi_conv2d_taps columns, int32_t first, float *to)
{
    const fvi_conv2d_shape *shape = call->shape;
    const int32_t outputs = call->turned ? shape->c : shape->k;
    const int32_t reduced = (call->turned ? shape->k : shape->c) / shape->groups;
    for (int32_t r = 0; r < rows.count; r++)
        for (int32_t s = 0; s < columns.count; s++) {
            const int32_t row = rows.first + r * rows.step, column = columns.first + s * columns.step;
            const size_t tap = (size_t)row * (size_t)shape->s + (size_t)column;
            for (int32_t c = 0; c < reduced; c++)
                for (int32_t lane = 0; lane < call->lanes; lane++)
                    *to++ = first + lane < outputs ? weight_of(call, first + lane, c, tap) : 0.0f;
        }
}

/* A task packs one vector of outputs. In memory: [parity class][vector][tap row][tap column][reduced][lane]. */
static void pack_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const pack_call *call = argument;
    const fvi_conv2d_shape *shape = call->shape;
    const int32_t outputs = call->turned ? shape->c : shape->k;
    const size_t per_tap = (size_t)((call->turned ? shape->k : shape->c) / shape->groups) * (size_t)call->lanes;
    const size_t vectors = (size_t)fvi_conv2d_ceil(outputs, call->lanes);
    const int32_t first = (int32_t)index * call->lanes;
    if (!call->turned) {
        const fvi_conv2d_taps rows = { .count = shape->r, .step = 1 }, columns = { .count = shape->s, .step = 1 };
        const size_t taps = (size_t)shape->r * (size_t)shape->s;
        pack_taps(call, rows, columns, first, call->packed + index * taps * per_tap);
        return;
    }
    const fvi_conv2d_shape turned = fvi_conv2d_backward_shape(shape);
    for (int32_t a = 0; a < turned.stride[0] && a < turned.h; a++) {
        const fvi_conv2d_taps rows = fvi_conv2d_backward_taps(&turned, 0, a);
        for (int32_t b = 0; b < turned.stride[1] && b < turned.w; b++) {
            const fvi_conv2d_taps columns = fvi_conv2d_backward_taps(&turned, 1, b);
            const size_t taps = (size_t)rows.count * (size_t)columns.count;
            const size_t before = fvi_conv2d_taps_before(&turned, a, b) * vectors;
            pack_taps(call, rows, columns, first, call->packed + (before + index * taps) * per_tap);
        }
    }
}

void fvi_conv2d_depthwise_pack(const fvi_conv2d_plan *plan, fv_context *context, fvi_pass pass, const void *w,
                               void *packed)
{
    const fvi_depthwise *kernels = plan->pass[pass].kernel;
    const fvi_conv2d_shape *shape = &plan->shape;
    pack_call call = {
        .shape = shape, .w = w, .packed = packed, .lanes = kernels->lanes, .turned = pass == FVI_BACKWARD_DATA
    };
    const int32_t outputs = call.turned ? shape->c : shape->k;
    fvi_parallel(context, (size_t)fvi_conv2d_ceil(outputs, call.lanes), pack_task, &call);
}

/* One gathering convolution: rows of outputs, each a call of the micro-kernel. Strides in floats. */
typedef struct gather {
    const fvi_depthwise *kernels;
    fvi_depthwise_forward row; /* all but x and y, for output row 0 of image 0 */
    int32_t map, n, h;
    const float *x;
    float *y;
    ptrdiff_t x_image, x_row, y_image, y_row;
    int32_t in_rows, in_first, in_step, in_tap; /* output row i reads input rows in_first + i*in_step + a*in_tap */
    bool fetches_x, fetches_y;                  /* what the next row needs */
    const fvi_conv2d_epilogue *epilogue;        /* or NULL */
    const fvi_view *whole;                      /* of the epilogue: y */
    bool ends;                                  /* the rows do the epilogue themselves, by row.end */
} gather;

/* Rows of a task, of all images' one after the other: enough work, and then few tasks a thread, since neighbours read the same rows. */
static int32_t rows_of_task(const gather *g, int32_t threads)
{
    const fvi_depthwise_forward *row = &g->row;
    const int64_t work = (int64_t)row->points * row->outputs * row->reduced * (row->rows * row->columns + 1);
    const int64_t least = 1 + TASK_WORK / (work > 0 ? work : 1), rows = (int64_t)g->n * g->h;
    const int64_t many = rows / ((int64_t)threads * TASKS_A_THREAD);
    return smaller(least > many ? least : many, rows > 0 ? rows : 1);
}

/* How many rows of taps lie in the image for output row i, and which is the first. */
static int32_t taps_inside(const gather *g, int32_t i, int32_t *first)
{
    return fvi_conv2d_taps_inside(g->in_first + (int64_t)i * g->in_step, g->in_tap, g->in_rows, g->row.rows, first);
}

/* The last input row that output row i reads, or would. */
static int64_t last_read(const gather *g, int32_t i)
{
    return g->in_first + (int64_t)i * g->in_step + (int64_t)(g->row.rows - 1) * g->in_tap;
}

/* What row i of image n reads that the row before it does not, and what it writes. */
static fvi_depthwise_ahead need_of(const gather *g, int32_t n, int32_t i)
{
    fvi_depthwise_ahead need = { 0 };
    const int32_t end = smaller(last_read(g, i) + 1, g->in_rows);
    const int32_t begin = i == 0 || end < g->in_step ? 0 : end - g->in_step;
    if (g->fetches_x && begin < end) {
        const ptrdiff_t in_row = g->x_row / g->in_step;
        need.x = g->x + n * g->x_image + (begin - g->in_first) * in_row;
        need.x_lines = (int32_t)((end - begin) * in_row / LINE);
    }
    if (g->fetches_y) {
        need.y = g->y + n * g->y_image + i * g->y_row;
        need.y_lines = (int32_t)(g->row.points * g->row.y_point / LINE);
    }
    return need;
}

/* Row i of image n; ahead: what to fetch meanwhile. */
static void run_row(const gather *g, int32_t n, int32_t i, const fvi_depthwise_ahead *ahead)
{
    fvi_depthwise_forward call = g->row;
    int32_t first = 0;
    call.rows = taps_inside(g, i, &first);
    call.w += first * (ptrdiff_t)g->row.columns * g->row.reduced * g->kernels->lanes;
    call.x = g->x + n * g->x_image + i * g->x_row + first * call.x_row;
    call.y = g->y + n * g->y_image + i * g->y_row;
    call.ahead = *ahead;
    g->kernels->forward[g->map](&call);
    const size_t pixel = ((size_t)n * (size_t)g->h + (size_t)i) * (size_t)g->row.points;
    if (g->ends)
        fvi_conv2d_tell(g->epilogue, pixel, (size_t)g->row.points, g->row.outputs);
    else
        fvi_conv2d_finish(g->epilogue, g->whole, pixel, (size_t)g->row.points, 0, g->row.outputs);
}

/* Rows [begin, end) of the images' one after the other, `h` an image, of several gathers in turn. */
static void run_rows(const gather *gathers, int32_t count, int32_t h, int64_t begin, int64_t end)
{
    for (int64_t row = begin; row < end; row++) {
        const int32_t n = (int32_t)(row / h), i = (int32_t)(row % h);
        const int32_t next_n = (int32_t)((row + 1) / h), next_i = (int32_t)((row + 1) % h);
        for (int32_t c = 0; c < count; c++) {
            const gather *g = &gathers[c];
            const bool goes_on = row + 1 < end && next_i < g->h;
            const fvi_depthwise_ahead ahead = goes_on ? need_of(g, next_n, next_i) : (fvi_depthwise_ahead){ 0 };
            if (i < g->h)
                run_row(g, n, i, &ahead);
        }
    }
}

/* Whether both together hardly stay in an L3; where they do, fetching costs more than it gives. */
static bool is_worth_fetching(const fvi_view *x, const fvi_view *y)
{
    const int64_t floats = (int64_t)x->n * ((int64_t)x->h * x->w * x->c + (int64_t)y->h * y->w * y->c);
    return floats >= PAST_CACHES;
}

/* Whether y is too large for whoever reads it next to find in a cache, and can be written in whole lines. */
static bool goes_past_caches(const gather *g, const fvi_view *y)
{
    const bool lines = (uintptr_t)g->y % 64 == 0 && y->pixel_stride % LINE == 0 && y->row_stride % LINE == 0 &&
                       y->image_stride % LINE == 0 && y->c % LINE == 0;
    const bool unread = g->epilogue == NULL || (g->ends && g->epilogue->watch == NULL);
    return lines && unread && (int64_t)y->n * y->h * y->w * y->c >= PAST_CACHES;
}

/* Whether tiles can do the epilogue before they store: a clamp, no sum. */
static void choose_end(gather *g)
{
    const fvi_conv2d_epilogue *epilogue = g->epilogue;
    fvi_tile_end end = { 0 };
    g->ends = epilogue != NULL && epilogue->summand == NULL && fvi_conv2d_clamp(epilogue->activation, &end);
    if (g->ends)
        g->row.end = end;
}

/* Gathers whose rows are walked together, in tasks. */
typedef struct walk {
    const gather *gathers;
    int32_t count, h, block;
    int64_t rows;
} walk;

static void walk_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const walk *w = argument;
    const int64_t begin = (int64_t)index * w->block, end = begin + w->block;
    run_rows(w->gathers, w->count, w->h, begin, end < w->rows ? end : w->rows);
}

/* gathers[0] has the most rows. */
static void walk_all(fv_context *context, const gather *gathers, int32_t count)
{
    walk w = { .gathers = gathers, .count = count, .h = gathers->h, .rows = (int64_t)gathers->n * gathers->h };
    w.block = rows_of_task(gathers, fv_context_threads(context));
    fvi_parallel(context, (size_t)((w.rows + w.block - 1) / w.block), walk_task, &w);
}

void fvi_conv2d_depthwise_forward(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x,
                                  const void *packed, const void *bias, const fvi_conv2d_epilogue *epilogue,
                                  const fvi_view *y, void *scratch)
{
    (void)scratch;
    const fvi_conv2d_shape *shape = &plan->shape;
    const fvi_depthwise *kernels = plan->pass[FVI_FORWARD].kernel;
    gather g = { .kernels = kernels, .map = plan->pass[FVI_FORWARD].tile[0], .n = x->n, .h = shape->oh };
    g.row = (fvi_depthwise_forward){ .w = packed,
                                     .bias = bias,
                                     .x_point = shape->stride[1] * x->pixel_stride,
                                     .x_row = shape->dilation[0] * x->row_stride,
                                     .x_column = shape->dilation[1] * x->pixel_stride,
                                     .y_point = y->pixel_stride,
                                     .points = shape->ow,
                                     .rows = shape->r,
                                     .columns = shape->s,
                                     .inputs = shape->c,
                                     .outputs = shape->k,
                                     .outputs_per_group = shape->k / shape->groups,
                                     .reduced = shape->c / shape->groups };
    g.row.w_vector = (size_t)shape->r * (size_t)shape->s * (size_t)g.row.reduced * (size_t)kernels->lanes;
    g.x = fvi_conv2d_pixel(x, 0, -shape->pad[0], -shape->pad[1]);
    g.x_image = x->image_stride;
    g.x_row = shape->stride[0] * x->row_stride;
    g.y = y->data;
    g.y_image = y->image_stride;
    g.y_row = y->row_stride;
    g.in_rows = shape->h;
    g.in_first = -shape->pad[0];
    g.in_step = shape->stride[0];
    g.in_tap = shape->dilation[0];
    g.epilogue = epilogue;
    g.whole = y;
    choose_end(&g);
    g.row.past_caches = goes_past_caches(&g, y);
    g.fetches_x = is_worth_fetching(x, y) && x->pixel_stride == x->c;
    g.fetches_y = is_worth_fetching(x, y) && y->pixel_stride == y->c && !g.row.past_caches;
    walk_all(context, &g, 1);
}

typedef struct backward_call {
    const fvi_conv2d_plan *plan;
    fvi_conv2d_shape shape; /* fvi_conv2d_backward_shape() */
    int32_t classes[2];     /* parities with outputs: rows, columns */
    const fvi_view *dy, *dx;
    const float *packed;
    const fvi_conv2d_epilogue *epilogue; /* with one class; or NULL */
} backward_call;

/* The convolution that computes the pixels of dx with these parities. */
static gather class_gather(const backward_call *call, int32_t row_parity, int32_t column_parity)
{
    const fvi_conv2d_shape *shape = &call->shape;
    const fvi_conv2d_taps rows = fvi_conv2d_backward_taps(shape, 0, row_parity);
    const fvi_conv2d_taps columns = fvi_conv2d_backward_taps(shape, 1, column_parity);
    const fvi_view *dy = call->dy, *dx = call->dx;
    const fvi_depthwise *kernels = call->plan->pass[FVI_BACKWARD_DATA].kernel;
    gather g = {
        .kernels = kernels, .map = call->plan->pass[FVI_BACKWARD_DATA].tile[0], .n = dy->n, .h = rows.outputs
    };
    g.row = (fvi_depthwise_forward){ .x_point = dy->pixel_stride,
                                     .x_row = rows.advance * dy->row_stride,
                                     .x_column = columns.advance * dy->pixel_stride,
                                     .y_point = shape->stride[1] * dx->pixel_stride,
                                     .points = columns.outputs,
                                     .rows = rows.count,
                                     .columns = columns.count,
                                     .inputs = shape->k,
                                     .outputs = shape->c,
                                     .outputs_per_group = shape->c / shape->groups,
                                     .reduced = shape->k / shape->groups };
    const size_t per_tap = (size_t)g.row.reduced * (size_t)kernels->lanes;
    g.row.w_vector = (size_t)rows.count * (size_t)columns.count * per_tap;
    g.row.w = call->packed + fvi_conv2d_taps_before(shape, row_parity, column_parity) * per_tap *
                                 (size_t)fvi_conv2d_ceil(shape->c, kernels->lanes);
    g.x = fvi_conv2d_pixel(dy, 0, rows.offset, columns.offset);
    g.x_image = dy->image_stride;
    g.x_row = dy->row_stride;
    g.y = (float *)dx->data + row_parity * dx->row_stride + column_parity * dx->pixel_stride;
    g.y_image = dx->image_stride;
    g.y_row = shape->stride[0] * dx->row_stride;
    g.in_rows = shape->oh;
    g.in_first = rows.offset;
    g.in_step = 1;
    g.in_tap = rows.advance;
    g.epilogue = call->epilogue;
    g.whole = dx;
    g.row.past_caches = goes_past_caches(&g, dx);
    g.fetches_x = is_worth_fetching(dy, dx) && dy->pixel_stride == dy->c;
    g.fetches_y = is_worth_fetching(dy, dx) && dx->pixel_stride == dx->c && !g.row.past_caches && column_parity == 0;
    return g;
}

void fvi_conv2d_depthwise_backward_data(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *dy,
                                        const void *packed, const fvi_conv2d_epilogue *epilogue, const fvi_view *dx,
                                        void *scratch)
{
    (void)scratch;
    backward_call call = {
        .plan = plan, .shape = fvi_conv2d_backward_shape(&plan->shape), .dy = dy, .dx = dx, .packed = packed
    };
    call.classes[0] = smaller(call.shape.stride[0], call.shape.h);
    call.classes[1] = smaller(call.shape.stride[1], call.shape.w);
    const int64_t classes = (int64_t)call.classes[0] * call.classes[1];
    call.epilogue = classes == 1 ? epilogue : NULL;
    for (int64_t class = 0; class < classes;) {
        gather together[CLASSES_TOGETHER];
        int32_t count = 0, reach = 0;
        for (; class < classes && count < CLASSES_TOGETHER; class ++)
            together[count++] =
                class_gather(&call, (int32_t)(class / call.classes[1]), (int32_t)(class % call.classes[1]));
        for (int32_t c = 1; c < count; c++)
            reach = last_read(&together[c], 0) > last_read(&together[reach], 0) ? c : reach;
        for (int32_t c = 0; c < count; c++)
            together[c].fetches_x &= c == reach;
        walk_all(context, together, count);
    }
    if (classes > 1)
        fvi_conv2d_finish_all(epilogue, context, dx);
}
