/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_bf16_weights.c - backward by weights: dw[k,c,r,s] is a sum over pixels, so here a pair is one channel of two pixels.
 * A task has a block of outputs, some channels of one kernel cell and a range of images. Group by group of pixels it pairs up
 * its channels of x and its outputs of dy in scratch, which costs little beside their products, and adds to its sums in cache.
 * Where that makes few tasks, several ranges of images have sums of their own, which are added up in order afterwards.
 */
#include <string.h>

#include "kernel/bf16/conv2d_bf16_internal.h"

enum { PAIRS = 64, CHANNELS = 256, LARGEST_BLOCK = 32 };

/* What one worker has. */
typedef struct weights_scratch {
    int32_t x[PAIRS * CHANNELS], dy[PAIRS * LARGEST_BLOCK];
    float sum[CHANNELS * LARGEST_BLOCK], bias[LARGEST_BLOCK];
    uint16_t cell[2][CHANNELS];
} weights_scratch;

static size_t blocks_of(const fvi_conv2d_bf16 *plan)
{
    return ((size_t)plan->shape.k + plan->dot->outputs - 1) / plan->dot->outputs;
}

static size_t pieces_of(const fvi_conv2d_bf16 *plan) /* of the channels */
{
    return ((size_t)plan->shape.c + CHANNELS - 1) / CHANNELS;
}

static size_t tasks_of(const fvi_conv2d_bf16 *plan) /* for one range of images */
{
    return blocks_of(plan) * pieces_of(plan) * (size_t)plan->shape.r * (size_t)plan->shape.s;
}

static size_t gradients_of(const fvi_conv2d_bf16 *plan) /* dw, and behind it db */
{
    return (size_t)plan->shape.k * ((size_t)plan->shape.c * (size_t)plan->shape.r * (size_t)plan->shape.s + 1);
}

static size_t worker_bytes(void)
{
    return fvi_round_up(sizeof(weights_scratch), 64);
}

size_t fvi_conv2d_bf16_weights_bytes(fvi_conv2d_bf16 *plan)
{
    const size_t wanted = (FVI_BF16_FEWEST_TASKS + tasks_of(plan) - 1) / tasks_of(plan);
    plan->parts = (int32_t)wanted; /* whatever the batch, so that a smaller one gives the same bits */
    const size_t parts = plan->parts > 1 ? (size_t)plan->parts * gradients_of(plan) * sizeof(float) : 0;
    return (size_t)plan->threads * worker_bytes() + parts;
}

typedef struct weights_job {
    const fvi_conv2d_bf16 *plan;
    fvi_bf16_window x, dy;
    int32_t images;
    float *dw, *db; /* of the whole batch; db NULL: not wanted */
    char *workers;
    float *parts; /* [parts][gradients_of()] */
} weights_job;

/* Channels [first, first + count) of a cell of two pixels, side by side; `second` false: there is only the first. */
static void pair_cells(const weights_job *job, weights_scratch *scratch, const fvi_bf16_window *window, size_t q,
                       bool second, const int32_t tap[2], size_t first, size_t count, int32_t *to)
{
    const uint16_t *half[2];
    for (int side = 0; side < 2; side++) {
        const bool is_bf16 = window->view->is_bf16;
        const void *cell = side == 0 || second ? fvi_bf16_cell(window, q + (size_t)side, tap[0], tap[1]) : NULL;
        half[side] = scratch->cell[side];
        if (cell != NULL)
            cell = fvi_bf16_at(cell, is_bf16, first);
        if (cell != NULL && is_bf16)
            half[side] = cell;
        else
            fvi_bf16_read(job->plan->convert, is_bf16, cell, count, scratch->cell[side]);
    }
    job->plan->dot->pair(count, half[0], half[1], to);
}

/* db of these pixels: the sums of what dy is rounded to. */
static void add_bias(weights_scratch *scratch, size_t pairs, size_t block, size_t count)
{
    for (size_t p = 0; p < pairs; p++) {
        for (size_t k = 0; k < count; k++) {
            const uint32_t both = (uint32_t)scratch->dy[p * block + k];
            scratch->bias[k] += fvi_bf16_to_float((uint16_t)both);
            scratch->bias[k] += fvi_bf16_to_float((uint16_t)(both >> 16));
        }
    }
}

/* One task's part of the gradient. */
typedef struct weights_tile {
    size_t output, outputs, channel, channels;
    int32_t tap[2];
    bool has_bias;
} weights_tile;

static void sum_group(const weights_job *job, weights_scratch *scratch, const weights_tile *tile, size_t q,
                      size_t pixels)
{
    static const int32_t only[2] = { 0, 0 };
    const fvi_bf16_dot *dot = job->plan->dot;
    const size_t pairs = (pixels + 1) / 2;
    for (size_t p = 0; p < pairs; p++) {
        int32_t *dy = scratch->dy + p * dot->outputs;
        pair_cells(job, scratch, &job->x, q + 2 * p, 2 * p + 1 < pixels, tile->tap, tile->channel, tile->channels,
                   scratch->x + p * tile->channels);
        pair_cells(job, scratch, &job->dy, q + 2 * p, 2 * p + 1 < pixels, only, tile->output, tile->outputs, dy);
        memset(dy + tile->outputs, 0, (dot->outputs - tile->outputs) * sizeof *dy);
    }
    const fvi_bf16_sums arguments = { .x = scratch->x,
                                      .dy = scratch->dy,
                                      .sum = scratch->sum,
                                      .x_pairs = tile->channels,
                                      .pairs = pairs,
                                      .inputs = tile->channels };
    dot->sums(&arguments);
    if (tile->has_bias)
        add_bias(scratch, pairs, dot->outputs, tile->outputs);
}

static void write_tile(const weights_job *job, const weights_scratch *scratch, const weights_tile *tile, float *dw,
                       float *db)
{
    const fvi_conv2d_shape *shape = &job->plan->shape;
    const size_t area = (size_t)shape->r * (size_t)shape->s, block = job->plan->dot->outputs;
    const size_t at = (size_t)tile->tap[0] * (size_t)shape->s + (size_t)tile->tap[1];
    for (size_t k = 0; k < tile->outputs; k++) {
        float *to = dw + ((tile->output + k) * (size_t)shape->c + tile->channel) * area + at;
        for (size_t c = 0; c < tile->channels; c++)
            to[c * area] = scratch->sum[c * block + k];
    }
    if (tile->has_bias && db != NULL)
        memcpy(db + tile->output, scratch->bias, tile->outputs * sizeof *db);
}

static weights_tile tile_of(const weights_job *job, size_t index)
{
    const fvi_conv2d_shape *shape = &job->plan->shape;
    const size_t block = job->plan->dot->outputs, pieces = pieces_of(job->plan);
    const size_t c = (size_t)shape->c, k = (size_t)shape->k, area = (size_t)shape->r * (size_t)shape->s;
    const size_t cell = index % (pieces * area), at = cell / pieces;
    weights_tile tile = {
        .output = index / (pieces * area) * block,
        .channel = cell % pieces * CHANNELS,
        .tap = { (int32_t)(at / (size_t)shape->s), (int32_t)(at % (size_t)shape->s) },
        .has_bias = cell == 0,
    };
    tile.outputs = k - tile.output < block ? k - tile.output : block;
    tile.channels = c - tile.channel < CHANNELS ? c - tile.channel : CHANNELS;
    return tile;
}

static void weights_task(void *argument, size_t index, int32_t worker)
{
    const weights_job *job = argument;
    const fvi_conv2d_bf16 *plan = job->plan;
    weights_scratch *scratch = (weights_scratch *)(void *)(job->workers + (size_t)worker * worker_bytes());
    const size_t part = index / tasks_of(plan), parts = (size_t)plan->parts, images = (size_t)job->images;
    const size_t area = (size_t)plan->shape.oh * (size_t)plan->shape.ow;
    const size_t end = images * (part + 1) / parts * area;
    const weights_tile tile = tile_of(job, index % tasks_of(plan));
    memset(scratch->sum, 0, tile.channels * plan->dot->outputs * sizeof(float));
    memset(scratch->bias, 0, sizeof scratch->bias);
    for (size_t q = images * part / parts * area; q < end; q += 2 * PAIRS)
        sum_group(job, scratch, &tile, q, end - q < 2 * PAIRS ? end - q : 2 * PAIRS);
    if (parts == 1) {
        write_tile(job, scratch, &tile, job->dw, job->db);
        return;
    }
    float *dw = job->parts + part * gradients_of(plan);
    write_tile(job, scratch, &tile, dw, dw + gradients_of(plan) - (size_t)plan->shape.k);
}

enum { SUM_ELEMENTS = 16384 };

static void sum_parts(void *argument, size_t index, int32_t worker)
{
    const weights_job *job = argument;
    const size_t all = gradients_of(job->plan), weights = all - (size_t)job->plan->shape.k;
    const size_t first = index * SUM_ELEMENTS, end = all - first < SUM_ELEMENTS ? all : first + SUM_ELEMENTS;
    (void)worker;
    for (size_t i = first; i < end; i++) {
        float sum = job->parts[i];
        for (size_t part = 1; part < (size_t)job->plan->parts; part++)
            sum += job->parts[part * all + i];
        if (i < weights)
            job->dw[i] = sum;
        else if (job->db != NULL)
            job->db[i - weights] = sum;
    }
}

void fvi_conv2d_bf16_backward_weights(const fvi_conv2d_bf16 *plan, fv_context *context, const fvi_view *x,
                                      const fvi_view *dy, float *dw, float *db, void *scratch)
{
    weights_job job = {
        .plan = plan,
        .x = fvi_bf16_forward_window(plan, x),
        .dy = { .view = dy, .taps = { 1, 1 }, .step = { 1, 1 }, .rows = plan->shape.oh, .columns = plan->shape.ow },
        .images = x->n,
        .dw = dw,
        .db = db,
        .workers = scratch,
        .parts = (float *)(void *)((char *)scratch + (size_t)plan->threads * worker_bytes()),
    };
    fvi_parallel(context, (size_t)plan->parts * tasks_of(plan), weights_task, &job);
    if (plan->parts > 1)
        fvi_parallel(context, (gradients_of(plan) + SUM_ELEMENTS - 1) / SUM_ELEMENTS, sum_parts, &job);
}
