/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_bands.c - an inverted residual in bands of rows. A task takes a band of one image's output rows. For each block of the
 * head's channels it computes the rows that the band reads, [row][column][channel of the block], zeros left and right, which an L1 or
 * L2 holds; filters them to [pixel][channel] of the band; and when all blocks are done, computes the tail from that. Rows that two
 * bands read are computed twice. Every number is the chain of FMAs that it is elsewhere (conv2d_direct.c, conv2d_depthwise.c).
 */
#include "kernel/conv/conv2d_bands.h"

#include <string.h>

#include "base/checked.h"
#include "kernel/conv/conv2d_depthwise.h"

/* Floats of a band's depthwise output: half of an L2 of 512 KB. */
#define BAND_FLOATS (64 * 1024)
/* Multiplications that are worth a task of their own. */
#define TASK_WORK 262144
/* What is gained by staying in a cache is lost to more work than this. */
#define MOST_OVERHEAD 1.2

static bool is_named(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static int32_t pitch_of(const fvi_conv2d_shape *middle)
{
    const int32_t last = (middle->ow - 1) * middle->stride[1] + middle->s - 1 - middle->pad[1];
    const int32_t right = last >= middle->w ? last - middle->w + 1 : 0;
    return middle->pad[1] + middle->w + right;
}

static int32_t width_of(const fvi_brgemm *gemm)
{
    return FVI_BRGEMM_MAX_VECTORS * gemm->lanes;
}

static const char *refuse(const fvi_conv2d_plan *const plan[3], const fvi_activation *const activation[3])
{
    const fvi_conv2d_shape *head = &plan[0]->shape, *middle = &plan[1]->shape, *tail = &plan[2]->shape;
    fvi_tile_end end;
    for (int i = 0; i < 3; i++)
        if (!fvi_conv2d_clamp(activation[i], &end))
            return "an activation that no micro-kernel has";
    if (!is_named(plan[0]->pass[FVI_FORWARD].algorithm, "direct_") ||
        !is_named(plan[1]->pass[FVI_FORWARD].algorithm, "depthwise_") ||
        !is_named(plan[2]->pass[FVI_FORWARD].algorithm, "direct_"))
        return "other algorithms";
    if (head->groups != 1 || tail->groups != 1 || plan[1]->pass[FVI_FORWARD].tile[0] != FVI_LANES_SAME)
        return "groups";
    if (tail->r != 1 || tail->s != 1 || tail->stride[0] != 1 || tail->stride[1] != 1 ||
        (tail->pad[0] | tail->pad[1] | tail->pad[2] | tail->pad[3]) != 0)
        return "the last convolution is not 1x1 of stride 1";
    if (middle->dilation[0] != 1 || middle->dilation[1] != 1)
        return "dilated";
    return NULL;
}

static int64_t work_of(const fvi_conv2d_shape *shape)
{
    return (int64_t)shape->oh * shape->ow * shape->k * (shape->c / shape->groups) * shape->r * shape->s;
}

static int32_t common_divisor(int32_t a, int32_t b)
{
    while (b != 0) {
        const int32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* No fewer bands than memory wants, and enough for the threads, but none too small. */
static int32_t cuts_of(const fvi_conv2d_bands *bands, const fvi_conv2d_plan *const plan[3], int32_t n)
{
    const int32_t rows = plan[1]->shape.oh, needed = fvi_conv2d_ceil(rows, bands->rows), threads = plan[0]->threads;
    const int64_t work = work_of(&plan[0]->shape) + work_of(&plan[1]->shape) + work_of(&plan[2]->shape);
    const int32_t worth = 1 + (int32_t)(work / TASK_WORK < rows - 1 ? work / TASK_WORK : rows - 1);
    const int32_t wanted = n < 8 * threads ? threads / common_divisor(n, threads) : 1;
    const int32_t cuts = wanted < worth ? wanted : worth;
    const int32_t even = fvi_conv2d_ceil(needed, cuts) * cuts;
    return even < rows ? even : rows;
}

/* Rows that are computed twice, and threads that wait for the last band: multiplications of the busiest thread over an even share of
 * all. */
static double overhead(const fvi_conv2d_bands *bands, const fvi_conv2d_plan *const plan[3])
{
    const fvi_conv2d_shape *middle = &plan[1]->shape;
    const int32_t n = plan[0]->shape.n, cuts = cuts_of(bands, plan, n);
    const int64_t tasks = (int64_t)n * cuts, threads = plan[0]->threads;
    const double rounds = (double)((tasks + threads - 1) / threads);
    const double rows = fvi_conv2d_ceil(middle->oh, cuts);
    const double read = (rows - 1) * middle->stride[0] + middle->r - middle->pad[0]; /* a band at an edge */
    const double whole = (double)work_of(&plan[0]->shape), rest = (double)(work_of(middle) + work_of(&plan[2]->shape));
    const double band = whole * (read < middle->h ? read / middle->h : 1) + rest * rows / middle->oh;
    return rounds * (double)threads * band / ((double)n * (whole + rest));
}

const char *fvi_conv2d_bands_accept(fvi_conv2d_bands *bands, const fvi_conv2d_plan *const plan[3],
                                    const fvi_activation *const activation[3])
{
    const char *reason = refuse(plan, activation);
    if (reason != NULL)
        return reason;
    const fvi_conv2d_shape *middle = &plan[1]->shape;
    const fvi_brgemm *gemm = plan[0]->pass[FVI_FORWARD].kernel;
    const size_t row = (size_t)middle->ow * (size_t)middle->k;
    const size_t rows = BAND_FLOATS / row > 1 ? BAND_FLOATS / row : 1;
    bands->rows = rows < (size_t)middle->oh ? (int32_t)rows : middle->oh;
    const size_t read = (size_t)(bands->rows - 1) * (size_t)middle->stride[0] + (size_t)middle->r;
    bands->narrow_floats = fvi_round_up(read * (size_t)pitch_of(middle) * (size_t)width_of(gemm), 16);
    bands->filtered_floats = fvi_round_up((size_t)bands->rows * row, 16);
    if (overhead(bands, plan) > MOST_OVERHEAD)
        return "too few rows for the threads";
    bands->scratch_bytes = (size_t)plan[0]->threads * (bands->narrow_floats + bands->filtered_floats) * sizeof(float);
    return NULL;
}

typedef struct bands_call {
    const fvi_conv2d_bands *bands;
    const fvi_conv2d_part *part;
    const fvi_view *x, *y, *summand;
    fvi_tile_end end[3];
    int32_t cuts; /* bands of an image */
    float *scratch;
} bands_call;

/* Rows [first, last) of the depthwise output, and what they read of the head's. */
typedef struct band {
    int32_t n, first, last, top, begin, end; /* top: row of the head's output at row 0 of the block, perhaps negative */
    float *narrow, *filtered;
} band;

static int32_t clip(int32_t value, int32_t most)
{
    return value < 0 ? 0 : value < most ? value : most;
}

/* Init of a block of outputs. */
static void read_bias(const fvi_conv2d_part *part, fvi_conv2d_block block, float *init)
{
    memset(init, 0, FVI_BRGEMM_MAX_WIDTH * sizeof *init);
    if (part->bias != NULL)
        memcpy(init, (const float *)part->bias + block.first, (size_t)block.count * sizeof *init);
}

static void head_rows(const bands_call *call, const band *at, fvi_conv2d_block block)
{
    const fvi_conv2d_part *part = &call->part[0];
    const fvi_conv2d_shape *shape = &part->plan->shape, *middle = &call->part[1].plan->shape;
    const fvi_brgemm *gemm = part->plan->pass[FVI_FORWARD].kernel;
    const fvi_view *x = call->x;
    const int32_t width = width_of(gemm), pitch = pitch_of(middle);
    float init[FVI_BRGEMM_MAX_WIDTH] __attribute__((aligned(64)));
    read_bias(part, block, init);
    const ptrdiff_t tap_column = shape->dilation[1] * x->pixel_stride, tap_row = shape->dilation[0] * x->row_stride;
    const bool joined = shape->s == 1 || tap_column == shape->c;
    const size_t row_weights = (size_t)shape->s * (size_t)shape->c;
    const float *w = (const float *)part->packed + (size_t)block.first * (size_t)shape->r * row_weights;
    for (int32_t i = at->begin; i < at->end; i++) {
        int32_t tap = 0;
        const int32_t rows =
            fvi_conv2d_taps_inside(i * shape->stride[0] - shape->pad[0], shape->dilation[0], shape->h, shape->r, &tap);
        fvi_brgemm_forward tile = {
            .init = init,
            .w = w + (size_t)tap * row_weights * (size_t)block.width,
            .x = fvi_conv2d_pixel(x, at->n, i * shape->stride[0] - shape->pad[0], -shape->pad[1]) + tap * tap_row,
            .y = at->narrow + ((ptrdiff_t)(i - at->top) * pitch + middle->pad[1]) * width,
            .x_point = shape->stride[1] * x->pixel_stride,
            .x_row = tap_row,
            .x_segment = tap_column,
            .y_point = width,
            .rows = rows,
            .segments = joined ? 1 : shape->s,
            .run = joined ? shape->s * shape->c : shape->c,
            .last = block.last,
            .end = call->end[0]
        };
        fvi_conv2d_direct_row(gemm, &tile, block.vectors, shape->ow);
    }
}

static void filter_rows(const bands_call *call, const band *at, fvi_conv2d_block block)
{
    const fvi_conv2d_part *part = &call->part[1];
    const fvi_conv2d_shape *shape = &part->plan->shape;
    const fvi_depthwise *kernels = part->plan->pass[FVI_FORWARD].kernel;
    const int32_t width = FVI_BRGEMM_MAX_VECTORS * kernels->lanes, pitch = pitch_of(shape);
    const size_t vector = (size_t)shape->r * (size_t)shape->s * (size_t)kernels->lanes;
    fvi_depthwise_forward row = { .bias = part->bias != NULL ? (const float *)part->bias + block.first : NULL,
                                  .x_point = (ptrdiff_t)shape->stride[1] * width,
                                  .x_row = (ptrdiff_t)pitch * width,
                                  .x_column = width,
                                  .y_point = shape->k,
                                  .w_vector = vector,
                                  .points = shape->ow,
                                  .columns = shape->s,
                                  .inputs = block.count,
                                  .outputs = block.count,
                                  .outputs_per_group = 1,
                                  .reduced = 1,
                                  .end = call->end[1] };
    const float *w = (const float *)part->packed + (size_t)(block.first / kernels->lanes) * vector;
    for (int32_t i = at->first; i < at->last; i++) {
        const int32_t in = i * shape->stride[0] - shape->pad[0];
        int32_t tap = 0;
        row.rows = fvi_conv2d_taps_inside(in, 1, shape->h, shape->r, &tap);
        row.w = w + (size_t)tap * (size_t)shape->s * (size_t)kernels->lanes;
        row.x = at->narrow + (ptrdiff_t)(in + tap - at->top) * pitch * width;
        row.y = at->filtered + (ptrdiff_t)(i - at->first) * shape->ow * shape->k + block.first;
        kernels->forward[FVI_LANES_SAME](&row);
    }
}

static bool rows_join(const fvi_view *view)
{
    return view->row_stride == view->w * view->pixel_stride;
}

static void tail_rows(const bands_call *call, const band *at, fvi_conv2d_block block)
{
    const fvi_conv2d_part *part = &call->part[2];
    const fvi_conv2d_shape *shape = &part->plan->shape;
    const fvi_brgemm *gemm = part->plan->pass[FVI_FORWARD].kernel;
    const fvi_view *y = call->y, *summand = call->summand;
    float init[FVI_BRGEMM_MAX_WIDTH] __attribute__((aligned(64)));
    read_bias(part, block, init);
    const bool joined = rows_join(y) && (summand == NULL || rows_join(summand));
    const int32_t step = joined ? at->last - at->first : 1;
    for (int32_t i = at->first; i < at->last; i += step) {
        fvi_brgemm_forward tile = { .init = init,
                                    .w = (const float *)part->packed + (size_t)block.first * (size_t)shape->c,
                                    .x = at->filtered + (ptrdiff_t)(i - at->first) * shape->ow * shape->c,
                                    .y = (float *)y->data + at->n * y->image_stride + i * y->row_stride + block.first,
                                    .x_point = shape->c,
                                    .y_point = y->pixel_stride,
                                    .rows = 1,
                                    .segments = 1,
                                    .run = shape->c,
                                    .last = block.last,
                                    .end = call->end[2] };
        if (summand != NULL) {
            tile.end.plus = fvi_conv2d_pixel(summand, at->n, i, 0) + block.first;
            tile.end.plus_point = summand->pixel_stride;
        }
        fvi_conv2d_direct_row(gemm, &tile, block.vectors, step * shape->ow);
    }
}

static void band_task(void *argument, size_t index, int32_t worker)
{
    const bands_call *call = argument;
    const fvi_conv2d_shape *middle = &call->part[1].plan->shape;
    const fvi_brgemm *gemm = call->part[0].plan->pass[FVI_FORWARD].kernel;
    const int32_t cut = (int32_t)(index % (size_t)call->cuts);
    band at = { .n = (int32_t)(index / (size_t)call->cuts),
                .first = (int32_t)((int64_t)middle->oh * cut / call->cuts),
                .last = (int32_t)((int64_t)middle->oh * (cut + 1) / call->cuts) };
    at.top = at.first * middle->stride[0] - middle->pad[0];
    at.begin = clip(at.top, middle->h);
    at.end = clip((at.last - 1) * middle->stride[0] - middle->pad[0] + middle->r, middle->h);
    at.narrow = call->scratch + (size_t)worker * (call->bands->narrow_floats + call->bands->filtered_floats);
    at.filtered = at.narrow + call->bands->narrow_floats;
    memset(at.narrow, 0, call->bands->narrow_floats * sizeof *at.narrow); /* of which left and right stay */
    const int32_t blocks = fvi_conv2d_block_count(gemm, middle->k);
    for (int32_t b = 0; b < blocks; b++) {
        head_rows(call, &at, fvi_conv2d_block_at(gemm, middle->k, b));
        filter_rows(call, &at, fvi_conv2d_block_at(gemm, middle->k, b));
    }
    const int32_t outputs = call->part[2].plan->shape.k;
    for (int32_t b = 0; b < fvi_conv2d_block_count(gemm, outputs); b++)
        tail_rows(call, &at, fvi_conv2d_block_at(gemm, outputs, b));
}

void fvi_conv2d_bands_forward(const fvi_conv2d_bands *bands, fv_context *context, const fvi_conv2d_part part[3],
                              const fvi_view *x, const fvi_view *y, void *scratch)
{
    bands_call call = { .bands = bands, .part = part, .x = x, .y = y, .scratch = scratch };
    const fvi_conv2d_plan *const plan[3] = { part[0].plan, part[1].plan, part[2].plan };
    for (int i = 0; i < 3; i++)
        if (part[i].epilogue != NULL)
            fvi_conv2d_clamp(part[i].epilogue->activation, &call.end[i]);
    call.summand = part[2].epilogue != NULL ? part[2].epilogue->summand : NULL;
    call.cuts = cuts_of(bands, plan, x->n);
    fvi_parallel(context, (size_t)x->n * (size_t)call.cuts, band_task, &call);
}
