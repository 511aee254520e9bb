/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_pixels_weights.c - backward by weights for few channels: dw[k][t] is a sum over pixels, so the lanes are
 * neighbouring pixels, each with a partial sum of its own, and a tile is K output channels x T terms (channels and taps).
 * The rows of dy are cut into bands (units), these into a fixed number of parts. For each unit the rows of x that it reads
 * and its rows of dy are copied to planes of the same pitch, so that all its pixels are one run: the columns between
 * the end of a row of dy and the next one are zeros. Every tile walks over that run. The bias gradient is one more term, on a plane
 * of ones. At the end of a part the lanes are summed along a tree, then the parts pairwise. Parts depend on the shape of
 * an image and the n of the call, never on threads: same bits for any number of them.
 * The zeros between rows are multiplied by pixels of x, which shows only when x is not finite.
 */
#include <string.h>

#include "kernel/conv/conv2d_pixels.h"

#define UNIT_FLOATS (6 * 1024) /* of x and dy: they share an L1 with the accumulators */
#define UNIT_FLOATS_MAX (32 * 1024)
#define SUM_FLOATS_MAX (128 * 1024) /* accumulators of a worker */
#define PARTS_MAX 16
#define PART_PIXELS_MIN 512 /* a part costs a sum over all weights */
#define OUTPUTS_MAX 64
#define STRIDE_MAX 4

typedef struct weights_call {
    const fvi_conv2d_shape *shape;
    const fvi_pixel_gemm *gemm;
    int32_t terms;                    /* c*r*s in the order of OIHW, and one for the bias */
    int32_t tile_outputs, tile_terms; /* largest tile */
    double vector_cycles;             /* estimate for a vector of pixels */
    int32_t columns, shared;  /* of x, that a row of dy reads; zeros at their end that the next row begins with */
    int32_t pitch;            /* of a row of dy, and of the x that it reads through one tap */
    int32_t unit_rows, units; /* rows of dy in a unit, units of an image */
    size_t x_plane, d_plane;  /* floats of one channel (and, of x, one parity of rows and columns) */
    size_t x_floats, d_floats, sum_floats, list_floats, result_floats;
    /* Known when called. */
    const fvi_view *x, *dy;
    float *dw, *db;
    int32_t parts;
    int32_t *offsets;
    float *results, *workers;
} weights_call;

static int32_t rows_read(const fvi_conv2d_shape *shape, int32_t rows)
{
    return (rows - 1) * shape->stride[0] + (shape->r - 1) * shape->dilation[0] + 1;
}

static void choose_tile(weights_call *call)
{
    const fvi_pixel_gemm *gemm = call->gemm;
    const int32_t filters = call->shape->k;
    double least = 0;
    for (int32_t outputs = 1; outputs <= gemm->outputs && outputs <= filters; outputs++) {
        for (int32_t terms = 1; terms <= gemm->vectors[outputs - 1] && terms <= call->terms; terms++) {
            double sum = 0;
            for (int32_t i = 0; i < fvi_conv2d_ceil(filters, outputs); i++) {
                const int32_t count = fvi_conv2d_even_span(filters, outputs, i).count;
                for (int32_t t = 0; t < fvi_conv2d_ceil(call->terms, terms); t++)
                    sum += fvi_conv2d_pixel_term_cycles(gemm, count, fvi_conv2d_even_span(call->terms, terms, t).count);
            }
            if (least > 0 && sum > least)
                continue;
            least = sum;
            call->vector_cycles = sum;
            call->tile_outputs = outputs;
            call->tile_terms = terms;
        }
    }
}

static size_t whole_lines(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

/* Rows of x and dy lie `pitch` apart, x in a plane for each parity of its rows and columns. The padding behind a row is also
 * the padding before the next one. */
static void lay_columns(weights_call *call)
{
    const fvi_conv2d_shape *shape = call->shape;
    const int32_t stride = shape->stride[1];
    call->columns = (shape->ow - 1) * stride + (shape->s - 1) * shape->dilation[1] + 1;
    const int32_t behind = call->columns - shape->pad[1] - shape->w;
    const int32_t shared = stride > 1 || behind < 0 ? 0 : fvi_conv2d_smaller(behind, shape->pad[1]);
    call->pitch = fvi_conv2d_ceil(call->columns, stride) - shared;
    if (call->pitch < shape->ow)
        call->pitch = shape->ow;
}

static void lay_unit(weights_call *call, int32_t rows)
{
    const fvi_conv2d_shape *shape = call->shape;
    const size_t lanes = (size_t)call->gemm->lanes, pitch = (size_t)call->pitch;
    const size_t parities = (size_t)shape->stride[0] * (size_t)shape->stride[1];
    call->unit_rows = rows;
    /* Behind its last row a plane is read and written a row and a vector further. */
    const size_t x_rows = (size_t)fvi_conv2d_ceil(rows_read(shape, rows), shape->stride[0]);
    call->x_plane = whole_lines((x_rows + 1) * pitch + (size_t)call->columns + lanes);
    call->d_plane = whole_lines((size_t)rows * pitch + lanes);
    call->x_floats = call->x_plane * parities * (size_t)shape->c;
    call->d_floats = call->d_plane * (size_t)shape->k;
}

/* All that does not depend on the data. Returns NULL or why this algorithm cannot do it. */
static const char *lay_out(weights_call *call, const fvi_conv2d_plan *plan)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    *call = (weights_call){ .shape = shape, .gemm = plan->pass[FVI_BACKWARD_WEIGHTS].kernel };
    if (shape->groups > 1)
        return "has groups";
    if (shape->stride[0] > STRIDE_MAX || shape->stride[1] > STRIDE_MAX)
        return "a stride is over 4";
    if (shape->k > OUTPUTS_MAX)
        return "over 64 outputs: they fill vectors";
    const int64_t terms = (int64_t)shape->c * shape->r * shape->s + 1, lanes = call->gemm->lanes;
    if (terms * shape->k * lanes > SUM_FLOATS_MAX)
        return "too many weights for sums of one a lane";
    const int64_t columns =
        (int64_t)shape->ow * shape->stride[1] + (int64_t)(shape->s - 1) * shape->dilation[1] + 3 * lanes;
    const int64_t rows = (int64_t)(shape->r - 1) * shape->dilation[0] + shape->stride[0] + 1;
    if (columns * shape->k > UNIT_FLOATS_MAX || columns * rows * shape->c > UNIT_FLOATS_MAX)
        return "rows are too long to copy";
    call->terms = (int32_t)terms;
    choose_tile(call);
    lay_columns(call);
    lay_unit(call, shape->oh);
    while (call->unit_rows > 1 && call->x_floats + call->d_floats > UNIT_FLOATS)
        lay_unit(call, fvi_conv2d_ceil(call->unit_rows, 2));
    call->units = fvi_conv2d_ceil(shape->oh, call->unit_rows);
    call->sum_floats = whole_lines((size_t)terms * (size_t)shape->k * (size_t)lanes);
    call->result_floats = whole_lines((size_t)terms * (size_t)shape->k);
    call->list_floats = whole_lines((size_t)terms);
    return NULL;
}

static const char *refuse_cost(const weights_call *call)
{
    const fvi_conv2d_shape *shape = call->shape;
    const int64_t copied = (int64_t)call->columns * shape->stride[0] * shape->c + (int64_t)shape->ow * shape->k;
    const fvi_conv2d_cost cost = {
        .pixels = call->vector_cycles * call->pitch / call->gemm->lanes + fvi_conv2d_copy_cycles(copied),
        .channels =
            shape->ow * fvi_conv2d_channel_weights_cycles(call->gemm->channels, shape->k, shape->r, shape->s * shape->c)
    };
    return fvi_conv2d_refuse_cost(cost);
}

/* One more plane of x is all ones. */
static size_t worker_floats(const weights_call *call)
{
    return call->x_floats + call->x_plane + call->d_floats + call->sum_floats + call->result_floats;
}

const char *fvi_conv2d_pixels_accept_weights(fvi_conv2d_plan *plan)
{
    weights_call call;
    const char *reason = lay_out(&call, plan);
    if (reason == NULL && !plan->asked_for)
        reason = refuse_cost(&call);
    if (reason != NULL)
        return reason;
    plan->pass[FVI_BACKWARD_WEIGHTS].scratch_bytes =
        (call.list_floats + PARTS_MAX * call.result_floats + (size_t)plan->threads * worker_floats(&call)) *
        sizeof(float);
    fvi_conv2d_direct_border(plan, FVI_BACKWARD_WEIGHTS);
    return NULL;
}

/* Where row a and column b of x, counted from the first that a unit reads, lie in a plane of channel 0. */
static size_t x_place(const weights_call *call, int32_t a, int32_t b)
{
    const int32_t *stride = call->shape->stride;
    const size_t parity = (size_t)(a % stride[0] * stride[1] + b % stride[1]);
    return parity * call->x_plane + (size_t)(a / stride[0]) * (size_t)call->pitch + (size_t)(b / stride[1]);
}

/* Copies what rows [begin, begin + rows) of dy in image n read of x, and these rows of dy. */
static void copy_unit(const weights_call *call, int32_t n, int32_t begin, int32_t rows, float *x, float *d)
{
    const fvi_conv2d_shape *shape = call->shape;
    const int32_t *stride = shape->stride;
    const int32_t all = rows_read(shape, rows);
    fvi_pixel_gemm_copy copy = { .from_row = stride[0] * call->x->row_stride,
                                 .from_pixel = stride[1] * call->x->pixel_stride,
                                 .to_row = call->pitch,
                                 .to_channel = (ptrdiff_t)call->x_plane * stride[0] * stride[1],
                                 .channels = shape->c };
    for (int32_t a = 0; a < stride[0] && a < all; a++) {
        for (int32_t b = 0; b < stride[1] && b < call->columns; b++) {
            copy.from = fvi_conv2d_pixel(call->x, n, begin * stride[0] - shape->pad[0] + a, b - shape->pad[1]);
            copy.to = x + x_place(call, a, b);
            copy.rows = fvi_conv2d_ceil(all - a, stride[0]);
            copy.pixels = fvi_conv2d_ceil(call->columns - b, stride[1]);
            call->gemm->copy(&copy);
        }
    }
    copy = (fvi_pixel_gemm_copy){ .from = fvi_conv2d_pixel(call->dy, n, begin, 0),
                                  .from_row = call->dy->row_stride,
                                  .from_pixel = call->dy->pixel_stride,
                                  .to = d,
                                  .to_row = call->pitch,
                                  .to_channel = (ptrdiff_t)call->d_plane,
                                  .rows = rows,
                                  .pixels = shape->ow,
                                  .channels = shape->k };
    call->gemm->copy(&copy);
    /* A unit of more rows may have left its pixels there. */
    for (int32_t k = 0; rows < call->unit_rows && k < shape->k; k++)
        memset(d + (size_t)k * call->d_plane + (size_t)rows * (size_t)call->pitch, 0,
               (size_t)call->gemm->lanes * sizeof *d);
}

/* Adds the products of the copied pixels of `rows` rows to the sums. */
static void multiply_unit(const weights_call *call, int32_t rows, const float *x, const float *d, float *sums)
{
    const int32_t lanes = call->gemm->lanes, filters = call->shape->k;
    const int32_t tiles = fvi_conv2d_ceil(call->terms, call->tile_terms);
    const int32_t small = call->terms / tiles, larger = call->terms % tiles;
    for (int32_t b = 0; b < fvi_conv2d_ceil(filters, call->tile_outputs); b++) {
        const fvi_conv2d_span block = fvi_conv2d_even_span(filters, call->tile_outputs, b);
        fvi_pixel_gemm_outer outer = { .x = x,
                                       .d = d + (size_t)block.first * call->d_plane,
                                       .offset = call->offsets,
                                       .acc = sums + (size_t)block.first * (size_t)call->terms * (size_t)lanes,
                                       .d_output = (ptrdiff_t)call->d_plane,
                                       .vectors = fvi_conv2d_ceil((rows - 1) * call->pitch + call->shape->ow, lanes),
                                       .tiles = larger };
        if (larger > 0) {
            call->gemm->outer[block.count - 1][small](&outer);
            outer.offset += larger * (small + 1);
            outer.acc += (ptrdiff_t)larger * (small + 1) * block.count * lanes;
        }
        outer.tiles = tiles - larger;
        call->gemm->outer[block.count - 1][small - 1](&outer);
    }
}

/* Sums the lanes, and writes [k][terms]. total: a float for each sum. */
static void sum_lanes(const weights_call *call, const float *sums, float *total, float *result)
{
    const int32_t filters = call->shape->k, terms = call->terms;
    call->gemm->sum((size_t)terms * (size_t)filters, sums, total);
    for (int32_t b = 0; b < fvi_conv2d_ceil(filters, call->tile_outputs); b++) {
        const fvi_conv2d_span block = fvi_conv2d_even_span(filters, call->tile_outputs, b);
        for (int32_t t = 0; t < terms; t++)
            for (int32_t k = 0; k < block.count; k++)
                result[(ptrdiff_t)(block.first + k) * terms + t] = *total++;
    }
}

static void part_task(void *argument, size_t index, int32_t worker)
{
    const weights_call *call = argument;
    const int32_t part = (int32_t)index, units = call->units;
    const int64_t all = (int64_t)call->dy->n * units, end = all * (part + 1) / call->parts;
    float *x = call->workers + (size_t)worker * worker_floats(call), *ones = x + call->x_floats;
    float *d = ones + call->x_plane, *sums = d + call->d_floats, *total = sums + call->sum_floats;
    memset(x, 0, (size_t)(total - x) * sizeof *x);
    for (size_t i = 0; i < call->x_plane; i++)
        ones[i] = 1.0f;
    for (int64_t unit = all * part / call->parts; unit < end; unit++) {
        const int32_t begin = (int32_t)(unit % units) * call->unit_rows;
        const int32_t rows = fvi_conv2d_smaller(call->unit_rows, call->shape->oh - begin);
        copy_unit(call, (int32_t)(unit / units), begin, rows, x, d);
        multiply_unit(call, rows, x, d, sums);
    }
    sum_lanes(call, sums, total, call->results + (size_t)part * call->result_floats);
}

/* Adds the parts of one output channel pairwise (0+1, 2+3, then 0+2, ...). */
static void sum_task(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const weights_call *call = argument;
    const size_t terms = (size_t)call->terms;
    float *results = call->results + index * terms;
    for (int32_t step = 1; step < call->parts; step *= 2) {
        for (int32_t part = 0; part + step < call->parts; part += 2 * step) {
            float *to = results + (size_t)part * call->result_floats;
            const float *from = to + (size_t)step * call->result_floats;
            for (size_t t = 0; t < terms; t++)
                to[t] += from[t];
        }
    }
    memcpy(call->dw + index * (terms - 1), results, (terms - 1) * sizeof *results);
    if (call->db != NULL)
        call->db[index] = results[terms - 1];
}

/* Where the x of each term lies, relative to the dy that it is multiplied with. */
static void list_terms(const weights_call *call)
{
    const fvi_conv2d_shape *shape = call->shape;
    const size_t channel = call->x_plane * (size_t)shape->stride[0] * (size_t)shape->stride[1];
    int32_t *to = call->offsets;
    for (int32_t c = 0; c < shape->c; c++)
        for (int32_t r = 0; r < shape->r; r++)
            for (int32_t s = 0; s < shape->s; s++)
                *to++ = (int32_t)((size_t)c * channel + x_place(call, r * shape->dilation[0], s * shape->dilation[1]));
    *to = (int32_t)call->x_floats;
}

void fvi_conv2d_pixels_backward_weights(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x,
                                        const fvi_view *dy, void *dw, void *db, void *scratch)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    weights_call call;
    if (lay_out(&call, plan) != NULL)
        return;
    call.x = x;
    call.dy = dy;
    call.dw = dw;
    call.db = db;
    call.offsets = scratch;
    call.results = (float *)scratch + call.list_floats;
    call.workers = call.results + PARTS_MAX * call.result_floats;
    const int64_t most = (int64_t)dy->n * shape->oh * shape->ow / PART_PIXELS_MIN;
    call.parts = fvi_conv2d_smaller(most < PARTS_MAX ? most : PARTS_MAX, (int64_t)dy->n * call.units);
    if (call.parts < 1)
        call.parts = 1;
    list_terms(&call);
    fvi_parallel(context, (size_t)call.parts, part_task, &call);
    fvi_parallel(context, (size_t)shape->k, sum_task, &call);
}
