/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_direct_weights.c - backward by weights on the outer form of the batch-reduce GEMM.
 * dw and db are cut into sets of blocks of output channels (1x1: and slices of input channels), and the rows of dy into a
 * fixed number of parts. A task owns one (part, set, slice). Band of rows by band it copies dy's channels to contiguous memory, block by block, summing the bias
 * gradient on the way, and adds the products with x into private accumulators of the packed order [r][s][c][lane]. Where
 * pixels of x lie far apart, a chunk of each is copied as well, and used for every block of the set. Parts are then
 * summed pairwise along a fixed tree and written as OIHW. The parts depend on the shape of an image and on the n of the
 * call, never on threads, and a sum runs over its pixels in order however the bands lie: same bits for any number of
 * threads.
 */
#include <string.h>

#include "base/checked.h"
#include "kernel/conv/conv2d_direct.h"

#define BAND_PIXELS 112 /* summed over per pass of the micro-kernel: a chunk of x and a block of dy share an L1 */
#define BAND_PIXELS_MAX (2 * BAND_PIXELS)
#define CHUNK_FLOATS 48                    /* of x per pixel, copied together */
#define COPY_FLOATS (BAND_PIXELS_MAX * 64) /* the worker's copy of x */
#define PACK_FLOATS (4 * 1024)             /* a band that spans more floats of x than this is copied */
#define SET_FLOATS (160 * 1024)            /* accumulators of a task: they stream, so an L2 may be a little smaller */
#define SLICE_FLOATS (80 * 1024) /* accumulators of a task of a 1x1 kernel, which can be cut by channels as well */
#define SET_BLOCKS 8
/* One set of all blocks if no more than these, and parts enough: x is copied once, dy of a pixel is one stretch. */
#define SET_BLOCKS_ALL 16
#define AHEAD_FLOATS (32 * 1024) /* x of the next band is prefetched into the L2 if it has no more than these */
#define WRITE_CHANNELS 16
#define TASKS_WANTED 16     /* (part, set) pairs, when the pixels suffice */
#define PART_PIXELS_MIN 512 /* a part costs a sum over all weights */

/* Where dy and x lie and how the work is cut; see weights_cut(). All strides in floats. */
typedef struct weights_call {
    const fvi_conv2d_shape *shape;
    const fvi_brgemm *gemm;
    const fvi_view *x, *dy;
    float *dw, *db;
    bool one_pixel;            /* an image of dy is one pixel, so images are the pixels of one row */
    int32_t channels, filters; /* per group */
    int32_t blocks, set, sets; /* blocks per group, per task; sets per group */
    int32_t slices, slice;     /* of the channels of a 1x1 kernel: a task computes one; channels in a slice */
    bool merged;               /* pixels of all rows and images continue each other: bands do not end with a row */
    int32_t segments, run;     /* columns of taps and channels, as in the micro-kernel's forward form */
    int32_t chunk;             /* floats of a run taken at a time */
    bool pack;                 /* copy chunks of x */
    bool chunks_ahead;         /* prefetch x chunk by chunk, since a band of it is large */
    int32_t window;            /* tap columns that share a copied chunk: 1, or s */
    ptrdiff_t x_pixel, x_row, dy_pixel, dy_row; /* x: from output to output */
    int32_t parts;
    int64_t rows;       /* rows of dy in the call: n * oh, or 1 */
    int32_t row_pixels; /* ow, or n */
    int32_t band_rows, band_columns;
    size_t slot_floats;                /* accumulators of one block, and its db */
    size_t band_floats, worker_floats; /* dy of one block; all that a worker needs */
    float *workers, *slots;            /* scratch; a slot per (block, part), or per worker and block of a set */
} weights_call;

static int32_t smaller(int64_t a, int64_t b)
{
    return (int32_t)(a < b ? a : b);
}

/* Cuts the accumulators of a set's blocks into slices that an L2 holds beside the data that passes. */
static void cut_channels(weights_call *call)
{
    call->slices = 1;
    call->slice = call->channels;
    if (call->shape->r * call->shape->s > 1)
        return;
    const int32_t points = call->gemm->points[FVI_BRGEMM_MAX_VECTORS - 1], chunk = CHUNK_FLOATS / points * points;
    const size_t wanted = 1 + (size_t)call->set * call->slot_floats / SLICE_FLOATS;
    if (wanted < 2)
        return;
    call->slice =
        fvi_conv2d_ceil(fvi_conv2d_ceil(call->channels, smaller((int64_t)wanted, call->channels)), chunk) * chunk;
    call->slices = fvi_conv2d_ceil(call->channels, call->slice);
}

/* The part of the cut that needs no data; n images. */
static weights_call weights_cut(const fvi_conv2d_plan *plan, int32_t n)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    weights_call call = { .shape = shape, .gemm = plan->pass[FVI_BACKWARD_WEIGHTS].kernel };
    const size_t width = (size_t)(FVI_BRGEMM_MAX_VECTORS * call.gemm->lanes);
    call.channels = shape->c / shape->groups;
    call.filters = shape->k / shape->groups;
    call.slot_floats = ((size_t)shape->r * (size_t)shape->s * (size_t)call.channels + 1) * width;
    call.blocks = fvi_conv2d_block_count(call.gemm, call.filters);
    const int64_t pixels = (int64_t)n * shape->oh * shape->ow;
    const int32_t fit =
        SET_FLOATS / call.slot_floats < 2 ? 2 : smaller(SET_FLOATS / (int64_t)call.slot_floats, SET_BLOCKS_ALL);
    const bool all = call.blocks <= fit && pixels >= (int64_t)TASKS_WANTED * PART_PIXELS_MIN;
    const bool sliced = shape->r * shape->s == 1;
    call.sets = all ? 1 : fvi_conv2d_ceil(call.blocks, sliced ? SET_BLOCKS : smaller(fit, SET_BLOCKS));
    call.set = fvi_conv2d_ceil(call.blocks, call.sets);
    call.sets = fvi_conv2d_ceil(call.blocks, call.set);
    cut_channels(&call);

    call.one_pixel = shape->oh == 1 && shape->ow == 1;
    call.rows = call.one_pixel ? 1 : (int64_t)n * shape->oh;
    call.row_pixels = call.one_pixel ? n : shape->ow;
    const int64_t tasks = (int64_t)call.sets * call.slices * shape->groups;
    const int64_t wanted = (TASKS_WANTED + tasks - 1) / tasks;
    const int64_t most = call.rows * call.row_pixels / PART_PIXELS_MIN;
    call.parts = smaller(wanted < most ? wanted : most, call.rows);
    if (call.parts < 1)
        call.parts = 1;
    const int32_t cuts = fvi_conv2d_ceil(call.row_pixels, BAND_PIXELS_MAX);
    call.band_columns = fvi_conv2d_ceil(call.row_pixels, cuts);
    const int32_t most_rows = call.row_pixels < BAND_PIXELS ? BAND_PIXELS / call.row_pixels : 1;
    call.band_rows = fvi_conv2d_ceil(shape->oh, fvi_conv2d_ceil(shape->oh, most_rows));
    call.band_floats = BAND_PIXELS_MAX * width;
    call.worker_floats = call.band_floats * (size_t)call.set + COPY_FLOATS;
    return call;
}

static size_t slot_count(const fvi_conv2d_plan *plan, const weights_call *call)
{
    return call->parts == 1 ? (size_t)plan->threads * (size_t)call->set
                            : (size_t)call->parts * (size_t)call->blocks * (size_t)call->shape->groups;
}

const char *fvi_conv2d_direct_accept_weights(fvi_conv2d_plan *plan)
{
    /* A smaller n can have one part, and so slots per worker, where the plan's n has fewer. */
    const weights_call call = weights_cut(plan, plan->shape.n);
    const size_t threads = (size_t)plan->threads, at_least = threads * (size_t)call.set;
    const size_t slots = slot_count(plan, &call);
    plan->pass[FVI_BACKWARD_WEIGHTS].scratch_bytes =
        ((slots > at_least ? slots : at_least) * call.slot_floats + threads * call.worker_floats) * sizeof(float);
    fvi_conv2d_direct_border(plan, FVI_BACKWARD_WEIGHTS);
    return NULL;
}

/* Address of pixel `column` of row `row` of dy, and of the first tap's x for it. */
static const float *dy_at(const weights_call *call, int64_t row, int32_t column)
{
    if (call->one_pixel)
        return (const float *)call->dy->data + column * call->dy->image_stride;
    return fvi_conv2d_pixel(call->dy, (int32_t)(row / call->shape->oh), (int32_t)(row % call->shape->oh), column);
}

static const float *x_at(const weights_call *call, int64_t row, int32_t column)
{
    const fvi_conv2d_shape *shape = call->shape;
    if (call->one_pixel)
        return fvi_conv2d_pixel(call->x, column, -shape->pad[0], -shape->pad[1]);
    return fvi_conv2d_pixel(call->x, (int32_t)(row / shape->oh),
                            (int32_t)(row % shape->oh) * shape->stride[0] - shape->pad[0],
                            column * shape->stride[1] - shape->pad[1]);
}

/* A task's place in memory and in the loops. */
typedef struct band {
    int64_t row;
    int32_t column, rows, columns;
} band;

/* Memory that the calls of a band prefetch little by little: `groups` times `count` items. Strides in floats. */
typedef struct ahead {
    const float *at;
    ptrdiff_t step, group_step;
    int32_t count, groups, lines;
    int32_t item, group; /* the next */
    int32_t per_tile;
} ahead;

typedef struct part_work {
    const weights_call *call;
    int32_t group, first_block, block_count;
    int32_t slice, first, end; /* channels of the slice: [first, end) */
    float *slots;              /* of the set's blocks, slot_stride apart */
    size_t slot_stride;
    float *dy, *x; /* the worker's copies */
    band at;
    ahead next_dy, next_x;  /* of the next band, not yet prefetched; x of a large band is prefetched chunk by chunk */
    const float *next_band; /* of x, or NULL */
} part_work;

static fvi_conv2d_block block_of(const part_work *work, int32_t index)
{
    return fvi_conv2d_block_at(work->call->gemm, work->call->filters, work->first_block + index);
}

/* Copies the band's pixels of each block of the set; the first slice's task adds them to db. */
static void copy_dy(const part_work *work)
{
    const weights_call *call = work->call;
    const size_t taps = (size_t)call->shape->r * (size_t)call->shape->s * (size_t)call->channels;
    const bool sums = call->db != NULL && work->slice == 0;
    const bool narrow = block_of(work, work->block_count - 1).count < FVI_BRGEMM_MAX_VECTORS * call->gemm->lanes;
    const int32_t whole = work->block_count - narrow;
    for (int32_t i = 0; i < work->block_count; i++) {
        const fvi_conv2d_block block = block_of(work, i);
        fvi_brgemm_copy copy = { .from_pixel = call->dy_pixel,
                                 .to = work->dy + (size_t)i * call->band_floats,
                                 .sum = sums ? work->slots + (size_t)i * work->slot_stride + taps * (size_t)block.width
                                             : NULL,
                                 .pixels = work->at.columns,
                                 .count = block.count };
        if (!sums && whole > 1 && i == 0) { /* whole blocks together: a pixel's lie side by side */
            copy.blocks = whole;
            copy.to_block = (ptrdiff_t)call->band_floats;
            i = whole - 1;
        }
        for (int32_t row = 0; row < work->at.rows; row++) {
            copy.from = dy_at(call, work->at.row + row, work->at.column) + work->group * call->filters + block.first;
            call->gemm->copy(&copy);
            copy.to += (ptrdiff_t)copy.pixels * block.width;
        }
    }
}

/* acc += the band's products for `count` consecutive floats of x: tiles of nearly equal size. */
static void run_points(const fvi_brgemm *gemm, fvi_brgemm_outer *outer, int32_t vectors, int32_t count)
{
    const int32_t tiles = fvi_conv2d_ceil(count, gemm->points[vectors - 1]);
    const int32_t points = count / tiles, larger = count % tiles;
    if (larger > 0) {
        outer->tiles = larger;
        gemm->outer[vectors - 1][points](outer);
        outer->x += (ptrdiff_t)larger * (points + 1);
        outer->acc += (ptrdiff_t)larger * (points + 1) * vectors * gemm->lanes;
        for (int i = 0; i < 2; i++)
            outer->fetch[i].at += larger * outer->fetch[i].items * outer->fetch[i].step;
    }
    outer->tiles = tiles - larger;
    gemm->outer[vectors - 1][points - 1](outer);
}

/* The share of a call of so many tiles. */
static fvi_brgemm_fetch take(ahead *next, int32_t tiles)
{
    fvi_brgemm_fetch share = { 0 };
    if (next->group == next->groups)
        return share;
    share.at = next->at + next->group * next->group_step + next->item * next->step;
    share.step = next->step;
    share.lines = next->lines;
    share.items = next->per_tile;
    next->item += next->per_tile * tiles;
    if (next->item >= next->count) {
        next->item = 0;
        next->group++;
    }
    return share;
}

/* Spreads it over `tiles` tiles, in calls of `tiles_call`. */
static void spread(ahead *next, int64_t tiles, int32_t tiles_call)
{
    next->item = next->group = 0;
    /* A call takes from one group only, so the last of a group takes less than it could. */
    const int64_t calls = tiles / tiles_call, calls_group = calls / (next->groups > 0 ? next->groups : 1);
    const int64_t share = calls_group > 0 ? calls_group * tiles_call : tiles_call;
    next->per_tile = (int32_t)((next->count + share - 1) / share);
}

/* Copies `rows` rows of the chunk at x for the band's columns, for all tap columns of the window: from pixel to pixel of
 * x when several taps share them, else from output to output. Returns the pixels of a copied row. */
static int32_t copy_x(const part_work *work, const float *x, int32_t rows, int32_t count, int32_t width)
{
    const weights_call *call = work->call;
    const fvi_conv2d_shape *shape = call->shape;
    fvi_brgemm_copy copy = { .from_pixel = call->x_pixel, .to = work->x, .pixels = work->at.columns, .count = count };
    if (call->window > 1) {
        copy.from_pixel = call->x->pixel_stride;
        copy.pixels = (copy.pixels - 1) * shape->stride[1] + (shape->s - 1) * shape->dilation[1] + 1;
    }
    for (int32_t row = 0; row < rows; row++) {
        copy.from = x + row * call->x_row;
        call->gemm->copy(&copy);
        copy.to += (ptrdiff_t)copy.pixels * width;
    }
    return copy.pixels;
}

/* Plans the prefetch of the chunk at `x`, or of none, during the calls of one. */
static void look_at_chunk(part_work *work, const float *x, int32_t tiles, int32_t rows)
{
    const weights_call *call = work->call;
    work->next_x = (ahead){ 0 };
    if (x == NULL)
        return;
    const int32_t shift = (int32_t)((uintptr_t)x / sizeof(float) % 16);
    work->next_x = (ahead){ .at = x - shift,
                            .step = call->x_pixel,
                            .group_step = call->x_row,
                            .count = work->at.columns,
                            .groups = rows,
                            .lines = fvi_conv2d_ceil(shift + call->chunk, 16) };
    spread(&work->next_x, (int64_t)tiles * work->block_count * call->window, tiles);
}

/* One chunk of x, at `x`, with every block of the set; the one at `next` or NULL follows. rows: those of the band from `first` on for which x is inside
 * the image; offset: of the chunk in the order [r][s][c]. */
static void multiply_chunk(part_work *work, const float *x, const float *next, int32_t first, int32_t rows,
                           size_t offset, int32_t count)
{
    const weights_call *call = work->call;
    fvi_brgemm_outer outer = {
        .x_row = call->x_row, .x_pixel = call->x_pixel, .rows = rows, .pixels = work->at.columns
    };
    const float *from = x;
    const int32_t width = fvi_conv2d_ceil(count, call->gemm->lanes) * call->gemm->lanes;
    if (call->pack) {
        outer.x_row = (ptrdiff_t)copy_x(work, x, rows, count, width) * width;
        outer.x_pixel = call->window > 1 ? (ptrdiff_t)call->shape->stride[1] * width : width;
        from = work->x;
    }
    const int32_t tiles = fvi_conv2d_ceil(count, call->gemm->points[FVI_BRGEMM_MAX_VECTORS - 1]);
    if (call->chunks_ahead)
        look_at_chunk(work, next, tiles, rows);
    for (int32_t s = 0; s < call->window; s++) {
        for (int32_t i = 0; i < work->block_count; i++) {
            const fvi_conv2d_block block = block_of(work, i);
            outer.fetch[0] = take(&work->next_dy, tiles);
            outer.fetch[1] = take(&work->next_x, tiles);
            outer.x = from + (ptrdiff_t)s * call->shape->dilation[1] * width;
            outer.d = work->dy + (size_t)i * call->band_floats + (ptrdiff_t)first * work->at.columns * block.width;
            outer.acc = work->slots + (size_t)i * work->slot_stride +
                        (offset + (size_t)s * (size_t)call->channels) * (size_t)block.width;
            run_points(call->gemm, &outer, block.vectors, count);
        }
    }
}

/* How many of the band's rows meet the image at tap row r, and the first of them: the others would multiply zeros. */
static int32_t rows_inside(const part_work *work, int32_t r, int32_t *first)
{
    const fvi_conv2d_shape *shape = work->call->shape;
    if (work->call->one_pixel)
        return work->at.rows;
    const int64_t i = work->at.row % shape->oh;
    const int64_t top = i * shape->stride[0] + (int64_t)r * shape->dilation[0] - shape->pad[0];
    const int64_t begin = top < 0 ? (-top + shape->stride[0] - 1) / shape->stride[0] : 0;
    const int64_t end = top < shape->h ? (shape->h - top + shape->stride[0] - 1) / shape->stride[0] : 0;
    const int32_t last = smaller(end, work->at.rows);
    *first = smaller(begin, last);
    return last - *first;
}

static void multiply_band(part_work *work)
{
    const weights_call *call = work->call;
    const fvi_conv2d_shape *shape = call->shape;
    const float *x = x_at(call, work->at.row, work->at.column) + (ptrdiff_t)work->group * call->channels;
    const size_t row_taps = (size_t)shape->s * (size_t)call->channels;
    const bool single = shape->r * shape->s == 1;
    const int32_t begin = single ? work->first : 0, end = single ? work->end : call->run;
    for (int32_t r = 0; r < shape->r; r++) {
        int32_t first = 0;
        const int32_t rows = rows_inside(work, r, &first);
        for (int32_t segment = 0; rows > 0 && segment < call->segments; segment++) {
            const float *tap = x + (ptrdiff_t)r * shape->dilation[0] * call->x->row_stride +
                               (ptrdiff_t)segment * shape->dilation[1] * call->x->pixel_stride + first * call->x_row;
            const size_t offset = (size_t)r * row_taps + (size_t)segment * (size_t)call->run;
            for (int32_t q = begin; q < end; q += call->chunk) {
                const int32_t after = q + call->chunk;
                const float *next = after < end                         ? tap + after
                                    : single && work->next_band != NULL ? work->next_band + begin
                                                                        : NULL;
                multiply_chunk(work, tap + q, next, first, rows, offset + (size_t)q, smaller(call->chunk, end - q));
            }
        }
    }
}

/* Plans what the calls of this band prefetch for the band that begins at (row, column), taken to be of the same size. */
static void look_ahead(part_work *work, int64_t row, int32_t column, bool none)
{
    const weights_call *call = work->call;
    const fvi_conv2d_shape *shape = call->shape;
    work->next_dy = work->next_x = (ahead){ 0 };
    work->next_band = NULL;
    if (none)
        return;
    const int32_t run = call->slices > 1 ? work->end - work->first : call->run;
    const int32_t tiles = fvi_conv2d_ceil(smaller(call->chunk, run), call->gemm->points[FVI_BRGEMM_MAX_VECTORS - 1]);
    const int64_t calls =
        (int64_t)shape->r * call->segments * fvi_conv2d_ceil(run, call->chunk) * call->window * work->block_count;
    const int32_t filters = block_of(work, work->block_count - 1).first - block_of(work, 0).first +
                            block_of(work, work->block_count - 1).count;
    const float *dy = dy_at(call, row, column) + work->group * call->filters + block_of(work, 0).first;
    if (call->dy_pixel <= filters + filters / 4) {
        const ptrdiff_t floats = (work->at.rows - 1) * call->dy_row + work->at.columns * call->dy_pixel;
        work->next_dy =
            (ahead){ .at = dy, .step = 16, .count = fvi_conv2d_ceil((int32_t)floats, 16), .groups = 1, .lines = 1 };
    } else {
        work->next_dy = (ahead){ .at = dy,
                                 .step = call->dy_pixel,
                                 .group_step = call->dy_row,
                                 .count = work->at.columns,
                                 .groups = work->at.rows,
                                 .lines = fvi_conv2d_ceil(filters, 16) };
    }
    spread(&work->next_dy, calls * tiles, tiles);
    work->next_band = x_at(call, row, column) + (ptrdiff_t)work->group * call->channels;
    if (call->chunks_ahead)
        return;
    if (call->x->pixel_stride <= call->channels + call->channels / 4 && shape->stride[0] <= shape->r &&
        shape->stride[1] <= shape->s && call->slices == 1) {
        const ptrdiff_t floats = (work->at.rows - 1) * call->x_row + work->at.columns * call->x_pixel;
        work->next_x = (ahead){
            .at = work->next_band, .step = 16, .count = fvi_conv2d_ceil((int32_t)floats, 16), .groups = 1, .lines = 1
        };
    } else {
        work->next_x = (ahead){ .at = work->next_band + work->first,
                                .step = call->x_pixel,
                                .group_step = call->x_row,
                                .count = work->at.columns,
                                .groups = work->at.rows,
                                .lines = fvi_conv2d_ceil(run, 16) };
    }
    spread(&work->next_x, calls * tiles, tiles);
}

/* One band; its place is set. The next begins at (row, column) unless there is none. */
static void run_band(part_work *work, int64_t row, int32_t column, bool none)
{
    look_ahead(work, row, column, none);
    copy_dy(work);
    multiply_band(work);
}

/* Zeros in the slice's accumulators, and by the first slice's task in the sums for db. */
static void clear_slot(const part_work *work, int32_t index)
{
    const weights_call *call = work->call;
    const size_t width = (size_t)block_of(work, index).width;
    const size_t taps = (size_t)call->shape->r * (size_t)call->shape->s, rows = taps * (size_t)call->channels;
    float *slot = work->slots + (size_t)index * work->slot_stride;
    const size_t first = (size_t)work->first, end = call->slices > 1 ? (size_t)work->end : rows;
    memset(slot + first * width, 0, (end - first) * width * sizeof(float));
    if (work->slice == 0)
        memset(slot + rows * width, 0, width * sizeof(float));
}

/* All bands of one part for the blocks of a set. A band stays within an image. */
static void run_part(part_work *work, int32_t part)
{
    const weights_call *call = work->call;
    const int64_t begin = call->rows * part / call->parts, end = call->rows * (part + 1) / call->parts;
    for (int32_t i = 0; i < work->block_count; i++)
        clear_slot(work, i);
    if (call->merged) {
        work->at = (band){ .row = begin, .rows = 1 };
        const int64_t pixels = (end - begin) * call->row_pixels;
        for (int64_t pixel = 0; pixel < pixels; pixel += work->at.columns) {
            work->at.column = (int32_t)pixel;
            work->at.columns = smaller(BAND_PIXELS, pixels - pixel);
            const int64_t next = pixel + work->at.columns;
            run_band(work, begin, (int32_t)next, next == pixels);
        }
        return;
    }
    const int32_t image_rows = call->one_pixel ? 1 : call->shape->oh;
    for (int64_t row = begin; row < end;) {
        const int64_t left = end - row, in_image = image_rows - row % image_rows;
        work->at.row = row;
        work->at.rows = smaller(call->band_rows, left < in_image ? left : in_image);
        row += work->at.rows;
        for (int32_t column = 0; column < call->row_pixels; column += call->band_columns) {
            work->at.column = column;
            work->at.columns = smaller(call->band_columns, call->row_pixels - column);
            const bool last = column + work->at.columns >= call->row_pixels;
            run_band(work, last ? row : work->at.row, last ? 0 : column + work->at.columns, last && row == end);
        }
    }
}

/* Channels [from, to) from [r][s][c][lane] to OIHW. */
static void write_block(const weights_call *call, int32_t group, fvi_conv2d_block block, const float *slot,
                        int32_t from, int32_t to_channel)
{
    const fvi_conv2d_shape *shape = call->shape;
    const size_t taps = (size_t)shape->r * (size_t)shape->s, channels = (size_t)call->channels;
    const size_t first = (size_t)(group * call->filters + block.first), width = (size_t)block.width;
    const size_t last = (size_t)to_channel;
    for (size_t begin = (size_t)from; begin < last; begin += WRITE_CHANNELS) { /* few enough to stay in an L1 */
        const size_t end = begin + WRITE_CHANNELS < last ? begin + WRITE_CHANNELS : last;
        for (size_t lane = 0; lane < (size_t)block.count; lane++) {
            float *to = call->dw + ((first + lane) * channels + begin) * taps;
            for (size_t c = begin; c < end; c++)
                for (size_t tap = 0; tap < taps; tap++)
                    *to++ = slot[(tap * channels + c) * width + lane];
        }
    }
    for (size_t lane = 0; call->db != NULL && from == 0 && lane < (size_t)block.count; lane++)
        call->db[first + lane] = slot[taps * channels * width + lane];
}

/* Task index: group, then part, then set, then slice: tasks that run together share dy or x. */
static void part_task(void *argument, size_t index, int32_t worker)
{
    const weights_call *call = argument;
    const int32_t slice = (int32_t)(index % (size_t)call->slices);
    const int32_t set = (int32_t)(index / (size_t)call->slices % (size_t)call->sets);
    const size_t rest = index / (size_t)call->slices / (size_t)call->sets;
    const int32_t part = (int32_t)(rest % (size_t)call->parts), group = (int32_t)(rest / (size_t)call->parts);
    part_work work = { .call = call, .group = group, .first_block = set * call->set, .slice = slice };
    work.first = slice * call->slice;
    work.end = smaller(work.first + call->slice, call->channels);
    work.block_count = smaller(call->set, call->blocks - work.first_block);
    work.dy = call->workers + (size_t)worker * call->worker_floats;
    work.x = work.dy + (size_t)call->set * call->band_floats;
    if (call->parts == 1) {
        work.slots = call->slots + (size_t)worker * (size_t)call->set * call->slot_floats;
        work.slot_stride = call->slot_floats;
    } else {
        const size_t owner = (size_t)group * (size_t)call->blocks + (size_t)work.first_block;
        work.slots = call->slots + (owner * (size_t)call->parts + (size_t)part) * call->slot_floats;
        work.slot_stride = (size_t)call->parts * call->slot_floats;
    }
    run_part(&work, part);
    for (int32_t i = 0; call->parts == 1 && i < work.block_count; i++)
        write_block(call, group, block_of(&work, i), work.slots + (size_t)i * work.slot_stride, work.first, work.end);
}

static void sum_task(void *argument, size_t owner, int32_t worker)
{
    (void)worker;
    const weights_call *call = argument;
    float *slots = call->slots + owner * (size_t)call->parts * call->slot_floats;
    const int32_t group = (int32_t)(owner / (size_t)call->blocks);
    const fvi_conv2d_block block =
        fvi_conv2d_block_at(call->gemm, call->filters, (int32_t)(owner % (size_t)call->blocks));
    const size_t count =
        ((size_t)call->shape->r * (size_t)call->shape->s * (size_t)call->channels + 1) * (size_t)block.width;
    for (int32_t step = 1; step < call->parts; step *= 2) {
        for (int32_t part = 0; part + step < call->parts; part += 2 * step) {
            float *to = slots + (size_t)part * call->slot_floats;
            const float *from = to + (size_t)step * call->slot_floats;
            for (size_t i = 0; i < count; i++)
                to[i] += from[i];
        }
    }
    write_block(call, group, block, slots, 0, call->channels);
}

/* How x is walked: in place as one run of taps and channels or a run per tap; or copied in chunks, which the taps of a
 * kernel row share when they overlap. Decided by strides; the sums do not depend on it. */
static void choose_runs(weights_call *call)
{
    const fvi_conv2d_shape *shape = call->shape;
    const bool contiguous = shape->s == 1 || (call->x->pixel_stride == call->channels && shape->dilation[1] == 1);
    call->window = 1;
    call->segments = contiguous ? 1 : shape->s;
    call->run = contiguous ? call->channels * shape->s : call->channels;
    call->chunk = call->slices > 1 ? call->slice : call->run;
    call->pack = call->x_pixel * call->band_columns * call->band_rows > PACK_FLOATS;
    call->chunks_ahead = call->pack && (int64_t)call->slice * call->band_columns * call->band_rows > AHEAD_FLOATS;
    if (!call->pack)
        return;
    const int64_t columns =
        (int64_t)(call->band_columns - 1) * shape->stride[1] + (int64_t)(shape->s - 1) * shape->dilation[1] + 1;
    if (shape->s > 1 && !call->one_pixel && shape->stride[1] == 1 && call->channels >= CHUNK_FLOATS / 3 &&
        columns * call->band_rows * CHUNK_FLOATS <= COPY_FLOATS) {
        call->window = shape->s;
        call->segments = 1;
        call->run = call->channels;
    }
    /* Chunks of whole tiles, so that cutting a run into chunks adds no tile. */
    const int32_t points = call->gemm->points[FVI_BRGEMM_MAX_VECTORS - 1];
    const int32_t tiles = fvi_conv2d_ceil(call->slices > 1 ? call->slice : call->run, points);
    const int32_t most = CHUNK_FLOATS / points;
    call->chunk = points * fvi_conv2d_ceil(tiles, fvi_conv2d_ceil(tiles, most));
}

static bool continues(const fvi_view *view)
{
    return view->row_stride == view->w * view->pixel_stride && view->image_stride == view->h * view->row_stride;
}

void fvi_conv2d_direct_backward_weights(const fvi_conv2d_plan *plan, fv_context *context, const fvi_view *x,
                                        const fvi_view *dy, void *dw, void *db, void *scratch)
{
    const fvi_conv2d_shape *shape = &plan->shape;
    weights_call call = weights_cut(plan, dy->n);
    call.x = x;
    call.dy = dy;
    call.dw = dw;
    call.db = db;
    call.slots = scratch;
    call.workers = call.slots + slot_count(plan, &call) * call.slot_floats;
    call.x_pixel = call.one_pixel ? x->image_stride : shape->stride[1] * x->pixel_stride;
    call.x_row = shape->stride[0] * x->row_stride;
    call.dy_pixel = call.one_pixel ? dy->image_stride : dy->pixel_stride;
    call.dy_row = dy->row_stride;
    call.merged = !call.one_pixel && shape->r * shape->s == 1 && shape->stride[0] == 1 && shape->stride[1] == 1 &&
                  shape->pad[0] == 0 && shape->pad[1] == 0 && continues(x) && continues(dy);
    if (call.merged) {
        call.band_rows = 1;
        call.band_columns = BAND_PIXELS;
    }
    choose_runs(&call);
    const size_t owners = (size_t)shape->groups * (size_t)call.blocks;
    fvi_parallel(context, (size_t)shape->groups * (size_t)call.sets * (size_t)call.slices * (size_t)call.parts,
                 part_task, &call);
    if (call.parts > 1)
        fvi_parallel(context, owners, sum_task, &call);
}
