/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_direct_weights.c - backward by weights on the outer form of the batch-reduce GEMM.
 * dw and db are cut into sets of blocks of output channels, and the rows of dy into a fixed number of parts. A task owns
 * one (part, set). Band of rows by band it copies dy's channels to contiguous memory, block by block, summing the bias
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
    int32_t blocks, set, sets; /* blocks per group, per task; tasks per group */
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
    call.sets = all ? 1 : fvi_conv2d_ceil(call.blocks, smaller(fit, SET_BLOCKS));
    call.set = fvi_conv2d_ceil(call.blocks, call.sets);
    call.sets = fvi_conv2d_ceil(call.blocks, call.set);

    call.one_pixel = shape->oh == 1 && shape->ow == 1;
    call.rows = call.one_pixel ? 1 : (int64_t)n * shape->oh;
    call.row_pixels = call.one_pixel ? n : shape->ow;
    const int64_t tasks = (int64_t)call.sets * shape->groups;
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

/* Memory that the calls of a band prefetch for the next one. Even: a stretch of which each call takes as much and each
 * step of the micro-kernel as much; otherwise a line of each pixel. Strides in floats. */
typedef struct ahead {
    const float *at;
    int32_t calls; /* left */
    bool even;
    ptrdiff_t per_call;
    ptrdiff_t row, pixel, tile; /* unless even */
} ahead;

typedef struct part_work {
    const weights_call *call;
    int32_t group, first_block, block_count;
    float *slots; /* of the set's blocks, slot_stride apart */
    size_t slot_stride;
    float *dy, *x; /* the worker's copies */
    band at;
    ahead next_dy, next_x; /* of the next band, not yet prefetched; x of a large band is prefetched chunk by chunk */
} part_work;

static fvi_conv2d_block block_of(const part_work *work, int32_t index)
{
    return fvi_conv2d_block_at(work->call->gemm, work->call->filters, work->first_block + index);
}

/* Copies the band's pixels of each block of the set, and adds them to db. */
static void copy_dy(const part_work *work)
{
    const weights_call *call = work->call;
    const size_t taps = (size_t)call->shape->r * (size_t)call->shape->s * (size_t)call->channels;
    for (int32_t i = 0; i < work->block_count; i++) {
        const fvi_conv2d_block block = block_of(work, i);
        fvi_brgemm_copy copy = { .from_pixel = call->dy_pixel,
                                 .to = work->dy + (size_t)i * call->band_floats,
                                 .sum = work->slots + (size_t)i * work->slot_stride + taps * (size_t)block.width,
                                 .pixels = work->at.columns,
                                 .count = block.count };
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
        outer->next += larger * outer->next_tile;
    }
    outer->tiles = tiles - larger;
    gemm->outer[vectors - 1][points - 1](outer);
}

/* Lets a call of so many tiles prefetch its share. */
static void prefetch_share(ahead *next, fvi_brgemm_outer *outer, int32_t tiles)
{
    outer->next = next->at;
    if (next->even) {
        const ptrdiff_t steps = (ptrdiff_t)outer->rows * outer->pixels;
        outer->next_pixel = (next->per_call + tiles * steps - 1) / (tiles * steps);
        outer->next_row = outer->next_pixel * outer->pixels;
        outer->next_tile = outer->next_pixel * steps;
    } else {
        outer->next_pixel = next->pixel;
        outer->next_row = next->row;
        outer->next_tile = next->tile;
    }
    next->at += next->per_call;
    next->calls--;
}

/* Sets what a call prefetches: dy and x of the next band while any is left, else the band's next chunk of x. */
static void set_prefetch(part_work *work, fvi_brgemm_outer *outer, const float *next_x, int32_t count, bool first_block)
{
    const weights_call *call = work->call;
    const int32_t points = call->gemm->points[FVI_BRGEMM_MAX_VECTORS - 1];
    const int32_t tiles = fvi_conv2d_ceil(count, points);
    if (work->next_dy.calls > 0 && !(call->pack && first_block && call->chunks_ahead)) {
        prefetch_share(&work->next_dy, outer, tiles);
    } else if (work->next_x.calls > 0) {
        prefetch_share(&work->next_x, outer, tiles);
    } else {
        outer->next = next_x;
        outer->next_row = call->x_row;
        outer->next_pixel = call->x_pixel;
        outer->next_tile = points;
    }
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

/* One chunk of x, at `x`, with every block of the set. rows: those of the band from `first` on for which x is inside
 * the image; offset: of the chunk in the order [r][s][c]. */
static void multiply_chunk(part_work *work, const float *x, int32_t first, int32_t rows, size_t offset, int32_t count)
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
    for (int32_t s = 0; s < call->window; s++) {
        for (int32_t i = 0; i < work->block_count; i++) {
            const fvi_conv2d_block block = block_of(work, i);
            set_prefetch(work, &outer, x + count, count, s == 0 && i == 0);
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
    for (int32_t r = 0; r < shape->r; r++) {
        int32_t first = 0;
        const int32_t rows = rows_inside(work, r, &first);
        for (int32_t segment = 0; rows > 0 && segment < call->segments; segment++) {
            const float *tap = x + (ptrdiff_t)r * shape->dilation[0] * call->x->row_stride +
                               (ptrdiff_t)segment * shape->dilation[1] * call->x->pixel_stride + first * call->x_row;
            const size_t offset = (size_t)r * row_taps + (size_t)segment * (size_t)call->run;
            for (int32_t q = 0; q < call->run; q += call->chunk)
                multiply_chunk(work, tap + q, first, rows, offset + (size_t)q, smaller(call->chunk, call->run - q));
        }
    }
}

/* Plans what the calls of this band prefetch for the band that begins at (row, column), taken to be of the same size. */
static void look_ahead(part_work *work, int64_t row, int32_t column, bool none)
{
    const weights_call *call = work->call;
    const fvi_conv2d_shape *shape = call->shape;
    work->next_dy.calls = work->next_x.calls = 0;
    if (none)
        return;
    const int32_t calls =
        shape->r * call->segments * fvi_conv2d_ceil(call->run, call->chunk) * call->window * work->block_count;
    const int32_t filters = block_of(work, work->block_count - 1).first - block_of(work, 0).first +
                            block_of(work, work->block_count - 1).count;
    ahead *dy = &work->next_dy, *x = &work->next_x;
    dy->at = dy_at(call, row, column) + work->group * call->filters + block_of(work, 0).first;
    dy->even = call->dy_pixel <= filters + filters / 4;
    dy->pixel = call->dy_pixel;
    dy->row = call->dy_row;
    dy->tile = 0;
    dy->per_call = FVI_BRGEMM_MAX_VECTORS * call->gemm->lanes;
    dy->calls = smaller(calls, work->block_count);
    x->at = x_at(call, row, column) + (ptrdiff_t)work->group * call->channels;
    x->even = shape->stride[0] <= shape->r && shape->stride[1] <= shape->s &&
              call->x->pixel_stride <= call->channels + call->channels / 4;
    const int32_t most = calls - (dy->even ? 1 : dy->calls);
    if (call->chunks_ahead || most < 1)
        x->calls = 0;
    else if (x->even) {
        const ptrdiff_t floats = (work->at.rows - 1) * call->x_row + work->at.columns * call->x_pixel;
        const int32_t share = (int32_t)((int64_t)calls * call->channels / (call->channels + filters));
        x->calls = share < 1 ? 1 : smaller(share, most);
        x->per_call = (floats + x->calls - 1) / x->calls;
    } else {
        const int32_t tiles = fvi_conv2d_ceil(call->chunk, call->gemm->points[FVI_BRGEMM_MAX_VECTORS - 1]);
        x->per_call = (ptrdiff_t)tiles * 16;
        x->calls = smaller(most, fvi_conv2d_ceil(call->channels, tiles * 16));
        x->pixel = call->x_pixel;
        x->row = call->x_row;
        x->tile = 16;
    }
    if (dy->even) {
        dy->calls = calls - x->calls;
        const ptrdiff_t floats = (work->at.rows - 1) * call->dy_row + work->at.columns * call->dy_pixel;
        dy->per_call = (floats + dy->calls - 1) / dy->calls;
    }
}

/* All bands of one part for the blocks of a set. A band stays within an image. */
static void run_part(part_work *work, int32_t part)
{
    const weights_call *call = work->call;
    const int64_t begin = call->rows * part / call->parts, end = call->rows * (part + 1) / call->parts;
    for (int32_t i = 0; i < work->block_count; i++)
        memset(work->slots + (size_t)i * work->slot_stride, 0, call->slot_floats * sizeof(float));
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
            look_ahead(work, last ? row : work->at.row, last ? 0 : column + work->at.columns, last && row == end);
            copy_dy(work);
            multiply_band(work);
        }
    }
}

/* From [r][s][c][lane] to OIHW. */
static void write_block(const weights_call *call, int32_t group, fvi_conv2d_block block, const float *slot)
{
    const fvi_conv2d_shape *shape = call->shape;
    const size_t taps = (size_t)shape->r * (size_t)shape->s, channels = (size_t)call->channels;
    const size_t first = (size_t)(group * call->filters + block.first), width = (size_t)block.width;
    for (size_t begin = 0; begin < channels; begin += WRITE_CHANNELS) { /* few enough to stay in an L1 */
        const size_t end = begin + WRITE_CHANNELS < channels ? begin + WRITE_CHANNELS : channels;
        for (size_t lane = 0; lane < (size_t)block.count; lane++) {
            float *to = call->dw + ((first + lane) * channels + begin) * taps;
            for (size_t c = begin; c < end; c++)
                for (size_t tap = 0; tap < taps; tap++)
                    *to++ = slot[(tap * channels + c) * width + lane];
        }
    }
    for (size_t lane = 0; call->db != NULL && lane < (size_t)block.count; lane++)
        call->db[first + lane] = slot[taps * channels * width + lane];
}

/* Task index: group, then set, then part. */
static void part_task(void *argument, size_t index, int32_t worker)
{
    const weights_call *call = argument;
    const int32_t part = (int32_t)(index % (size_t)call->parts);
    const int32_t set = (int32_t)(index / (size_t)call->parts % (size_t)call->sets);
    const int32_t group = (int32_t)(index / (size_t)call->parts / (size_t)call->sets);
    part_work work = { .call = call, .group = group, .first_block = set * call->set };
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
        write_block(call, group, block_of(&work, i), work.slots + (size_t)i * work.slot_stride);
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
    write_block(call, group, block, slots);
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
    call->chunk = call->run;
    call->pack = call->x_pixel * call->band_columns * call->band_rows > PACK_FLOATS;
    call->chunks_ahead = (int64_t)call->channels * call->band_columns * call->band_rows > AHEAD_FLOATS;
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
    const int32_t tiles = fvi_conv2d_ceil(call->run, points), most = CHUNK_FLOATS / points;
    call->chunk = points * fvi_conv2d_ceil(tiles, fvi_conv2d_ceil(tiles, most));
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
    choose_runs(&call);
    const size_t owners = (size_t)shape->groups * (size_t)call.blocks;
    fvi_parallel(context, (size_t)shape->groups * (size_t)call.sets * (size_t)call.parts, part_task, &call);
    if (call.parts > 1)
        fvi_parallel(context, owners, sum_task, &call);
}
