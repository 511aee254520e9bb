/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_direct_weights.c - backward by weights on the outer form of the batch-reduce GEMM.
 * dw and db are cut into blocks of output channels, and the rows of dy into a fixed number of parts. A task owns one
 * (part, block): it copies a band of dy rows of its channels to contiguous memory, summing the bias gradient on the way,
 * and adds the products with x into a private accumulator of the packed order [r][s][c][lane]. Parts are then summed
 * pairwise along a fixed tree and written as OIHW. The parts depend on the shape of an image and on the n of the call,
 * never on threads, and a sum runs over its pixels in order however the bands lie: same bits for any number of threads.
 */
#include <string.h>

#include "base/checked.h"
#include "kernel/conv/conv2d_direct.h"

#define BAND_PIXELS 224     /* summed over per pass of the micro-kernel */
#define TASKS_WANTED 16     /* (part, block) pairs, when the pixels suffice */
#define PART_PIXELS_MIN 512 /* a part costs a sum over all weights */

/* Where dy and x lie and how the work is cut; see weights_cut(). All strides in floats. */
typedef struct weights_call {
    const fvi_conv2d_shape *shape;
    const fvi_brgemm *gemm;
    const fvi_view *x, *dy;
    float *dw, *db;
    int32_t channels, filters, blocks; /* per group */
    int32_t segments, run;             /* columns of taps and channels, as in the micro-kernel's forward form */
    int32_t parts;
    int64_t rows;        /* rows of dy in the call: n * oh, or 1 when an image of dy is one pixel */
    int32_t row_pixels;  /* pixels of a row: ow, or n */
    int32_t band_rows, band_columns;
    size_t slot_floats, band_floats;
    float *bands, *slots; /* scratch: a band per worker; a slot per task, or per worker when there is one part */
} weights_call;

/* The part of the cut that needs no data; n images. */
static weights_call weights_cut(const fvi_conv2d_plan *plan, int32_t n)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    weights_call call = { .shape = shape, .gemm = plan->pass[FVI_BACKWARD_WEIGHTS].kernel };
    call.channels = shape->c / shape->groups;
    call.filters = shape->k / shape->groups;
    call.blocks = fvi_conv2d_block_count(call.gemm, call.filters);
    const bool one_pixel = shape->oh == 1 && shape->ow == 1;
    call.rows = one_pixel ? 1 : (int64_t)n * shape->oh;
    call.row_pixels = one_pixel ? n : shape->ow;
    const int64_t tasks = (int64_t)call.blocks * shape->groups;
    const int64_t wanted = (TASKS_WANTED + tasks - 1) / tasks;
    const int64_t most = call.rows * call.row_pixels / PART_PIXELS_MIN;
    const int64_t parts = wanted < most ? wanted : most;
    call.parts = parts < 1 ? 1 : parts > call.rows ? (int32_t)call.rows : (int32_t)parts;
    const int32_t cuts = fvi_conv2d_ceil(call.row_pixels, 2 * BAND_PIXELS);
    call.band_columns = fvi_conv2d_ceil(call.row_pixels, cuts);
    call.band_rows = cuts > 1 ? 1 : BAND_PIXELS / call.row_pixels;
    if (call.band_rows < 1)
        call.band_rows = 1;
    const size_t width = (size_t)(FVI_BRGEMM_MAX_VECTORS * call.gemm->lanes);
    call.band_floats = (size_t)call.band_rows * (size_t)call.band_columns * width;
    call.slot_floats = ((size_t)shape->r * (size_t)shape->s * (size_t)call.channels + 1) * width;
    return call;
}

static size_t slot_count(const fvi_conv2d_plan *plan, const weights_call *call)
{
    return call->parts == 1 ? (size_t)plan->threads
                            : (size_t)call->parts * (size_t)call->blocks * (size_t)call->shape->groups;
}

const char *fvi_conv2d_direct_accept_weights(fvi_conv2d_plan *plan)
{
    /* A smaller n can have one part, and so a slot per worker, where the plan's n has fewer slots than workers; and it
     * can have wider bands only for one-pixel images, where n is the row. */
    const weights_call call = weights_cut(plan, plan->shape.n);
    size_t slots = slot_count(plan, &call);
    if (slots < (size_t)plan->threads)
        slots = (size_t)plan->threads;
    size_t band = call.band_floats;
    const size_t widest = (size_t)(2 * BAND_PIXELS * FVI_BRGEMM_MAX_VECTORS * call.gemm->lanes);
    if (band < widest)
        band = widest;
    plan->pass[FVI_BACKWARD_WEIGHTS].scratch_bytes =
        (slots * call.slot_floats + (size_t)plan->threads * band) * sizeof(float);
    fvi_conv2d_direct_border(plan, FVI_BACKWARD_WEIGHTS);
    return NULL;
}

/* Address of pixel `column` of row `row` of dy, and of the first tap's x for it. */
static const float *dy_at(const weights_call *call, int64_t row, int32_t column)
{
    const fvi_view *dy = call->dy;
    if (call->shape->oh == 1 && call->shape->ow == 1)
        return (const float *)dy->data + column * dy->image_stride;
    return fvi_conv2d_pixel(dy, (int32_t)(row / call->shape->oh), (int32_t)(row % call->shape->oh), column);
}

static const float *x_at(const weights_call *call, int64_t row, int32_t column)
{
    const fvi_conv2d_shape *shape = call->shape;
    if (shape->oh == 1 && shape->ow == 1)
        return fvi_conv2d_pixel(call->x, column, -shape->pad[0], -shape->pad[1]);
    return fvi_conv2d_pixel(call->x, (int32_t)(row / shape->oh),
                            (int32_t)(row % shape->oh) * shape->stride[0] - shape->pad[0],
                            column * shape->stride[1] - shape->pad[1]);
}

typedef struct band {
    int64_t row;
    int32_t column, rows, columns;
} band;

/* Copies a band's channels [first, first + count) of dy to rows of `width` floats, zeros behind, and adds them to db. */
static void copy_band(const weights_call *call, band at, int32_t channel, fvi_conv2d_block block, float *restrict to,
                      float *restrict db)
{
    const ptrdiff_t pixel =
        call->shape->oh == 1 && call->shape->ow == 1 ? call->dy->image_stride : call->dy->pixel_stride;
    for (int32_t row = 0; row < at.rows; row++) {
        const float *from = dy_at(call, at.row + row, at.column) + channel;
        for (int32_t column = 0; column < at.columns; column++, from += pixel, to += block.width) {
            for (int32_t lane = 0; lane < block.count; lane++)
                to[lane] = from[lane];
            for (int32_t lane = block.count; lane < block.width; lane++)
                to[lane] = 0.0f;
            for (int32_t lane = 0; lane < block.width; lane++)
                db[lane] += to[lane];
        }
    }
}

/* acc += the band's products for `count` consecutive floats of x: tiles of nearly equal size. */
static void run_points(const weights_call *call, fvi_brgemm_outer *outer, int32_t vectors, int32_t count)
{
    const int32_t tiles = fvi_conv2d_ceil(count, call->gemm->points[vectors - 1]);
    const int32_t points = count / tiles, larger = count % tiles;
    if (larger > 0) {
        outer->tiles = larger;
        call->gemm->outer[vectors - 1][points](outer);
        outer->x += (ptrdiff_t)larger * (points + 1);
        outer->acc += (ptrdiff_t)larger * (points + 1) * vectors * call->gemm->lanes;
    }
    outer->tiles = tiles - larger;
    call->gemm->outer[vectors - 1][points - 1](outer);
}

static void multiply_band(const weights_call *call, band at, int32_t group, fvi_conv2d_block block, const float *copy,
                          float *acc)
{
    const fvi_conv2d_shape *shape = call->shape;
    const bool one_pixel = shape->oh == 1 && shape->ow == 1;
    const float *x = x_at(call, at.row, at.column) + (ptrdiff_t)group * call->channels;
    fvi_brgemm_outer outer = { .d = copy, .x_row = shape->stride[0] * call->x->row_stride,
                               .x_pixel = one_pixel ? call->x->image_stride : shape->stride[1] * call->x->pixel_stride,
                               .rows = at.rows, .pixels = at.columns };
    for (int32_t r = 0; r < shape->r; r++) {
        for (int32_t segment = 0; segment < call->segments; segment++) {
            outer.x = x + (ptrdiff_t)r * shape->dilation[0] * call->x->row_stride +
                      (ptrdiff_t)segment * shape->dilation[1] * call->x->pixel_stride;
            outer.acc = acc;
            run_points(call, &outer, block.vectors, call->run);
            acc += (ptrdiff_t)call->run * block.width;
        }
    }
}

/* All bands of one part for one block of one group. A band stays within an image. */
static void run_part(const weights_call *call, int32_t part, int32_t group, fvi_conv2d_block block, float *copy,
                     float *slot)
{
    const int64_t begin = call->rows * part / call->parts, end = call->rows * (part + 1) / call->parts;
    const size_t taps = (size_t)call->shape->r * (size_t)call->shape->s * (size_t)call->channels;
    float *db = slot + taps * (size_t)block.width;
    memset(slot, 0, (taps + 1) * (size_t)block.width * sizeof(float));
    const int32_t image_rows = call->rows == 1 ? 1 : call->shape->oh;
    for (int64_t row = begin; row < end;) {
        const int64_t left = end - row, in_image = image_rows - row % image_rows;
        band at = { .row = row, .rows = call->band_rows };
        if (at.rows > left)
            at.rows = (int32_t)left;
        if (at.rows > in_image)
            at.rows = (int32_t)in_image;
        for (at.column = 0; at.column < call->row_pixels; at.column += call->band_columns) {
            const int32_t rest = call->row_pixels - at.column;
            at.columns = rest < call->band_columns ? rest : call->band_columns;
            copy_band(call, at, group * call->filters + block.first, block, copy, db);
            multiply_band(call, at, group, block, copy, slot);
        }
        row += at.rows;
    }
}

/* From [r][s][c][lane] to OIHW. */
static void write_block(const weights_call *call, int32_t group, fvi_conv2d_block block, const float *slot)
{
    const fvi_conv2d_shape *shape = call->shape;
    const size_t taps = (size_t)shape->r * (size_t)shape->s, channels = (size_t)call->channels;
    const size_t first = (size_t)(group * call->filters + block.first), width = (size_t)block.width;
    for (size_t lane = 0; lane < (size_t)block.count; lane++) {
        float *to = call->dw + (first + lane) * channels * taps;
        for (size_t c = 0; c < channels; c++)
            for (size_t tap = 0; tap < taps; tap++)
                *to++ = slot[(tap * channels + c) * width + lane];
        if (call->db != NULL)
            call->db[first + lane] = slot[taps * channels * width + lane];
    }
}

/* Task index: group, then block, then part. */
static void part_task(void *argument, size_t index, int32_t worker)
{
    const weights_call *call = argument;
    const int32_t part = (int32_t)(index % (size_t)call->parts);
    const size_t owner = index / (size_t)call->parts;
    const int32_t group = (int32_t)(owner / (size_t)call->blocks);
    const fvi_conv2d_block block =
        fvi_conv2d_block_at(call->gemm, call->filters, (int32_t)(owner % (size_t)call->blocks));
    float *slot = call->slots + (call->parts == 1 ? (size_t)worker : index) * call->slot_floats;
    run_part(call, part, group, block, call->bands + (size_t)worker * call->band_floats, slot);
    if (call->parts == 1)
        write_block(call, group, block, slot);
}

static void sum_task(void *argument, size_t owner, int32_t worker)
{
    (void)worker;
    const weights_call *call = argument;
    float *slots = call->slots + owner * (size_t)call->parts * call->slot_floats;
    const int32_t group = (int32_t)(owner / (size_t)call->blocks);
    const fvi_conv2d_block block =
        fvi_conv2d_block_at(call->gemm, call->filters, (int32_t)(owner % (size_t)call->blocks));
    const size_t count = ((size_t)call->shape->r * (size_t)call->shape->s * (size_t)call->channels + 1) *
                         (size_t)block.width;
    for (int32_t step = 1; step < call->parts; step *= 2) {
        for (int32_t part = 0; part + step < call->parts; part += 2 * step) {
            float *to = slots + (size_t)part * call->slot_floats;
            const float *from = to + (size_t)step * call->slot_floats;
            for (size_t i = 0; i < count; i++)
                to[i] += from[i];
        }
    }
    write_block(call, group, block, slots);
}

void fvi_conv2d_direct_backward_weights(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x,
                                        const fvi_view *dy, void *dw, void *db, void *scratch)
{
    weights_call call = weights_cut(plan, dy->n);
    call.x = x;
    call.dy = dy;
    call.dw = dw;
    call.db = db;
    call.slots = scratch;
    call.bands = call.slots + slot_count(plan, &call) * call.slot_floats;
    const bool contiguous = plan->shape.s == 1 ||
                            (x->pixel_stride == call.channels && plan->shape.dilation[1] == 1);
    call.segments = contiguous ? 1 : plan->shape.s;
    call.run = contiguous ? call.channels * plan->shape.s : call.channels;
    const size_t owners = (size_t)call.blocks * (size_t)plan->shape.groups;
    fvi_parallel(context, owners * (size_t)call.parts, part_task, &call);
    if (call.parts > 1)
        fvi_parallel(context, owners, sum_task, &call);
}
