/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_direct_copied.c - the gathering convolution of conv2d_direct.c from copies in cache, for long sums and short rows:
 * the terms of some pixels, a piece of the sum at a time, are copied side by side and multiplied by all blocks of weights, and the
 * sums go on with the next piece. So tiles are whole whatever the length of a row, no two pixels of a tile meet in one set
 * of an L1, as those 4 KB apart do, and a piece of a block of weights stays in an L1 (Goto & van de Geijn 2008, "Anatomy of
 * high-performance matrix multiplication"). Each sum stays one chain: the bits are those of gathering in place.
 */
#include <string.h>

#include "kernel/conv/conv2d_direct.h"

#define PIECE_TERMS 256  /* of a sum: 16 KB of a block of weights */
#define UNIT_PIXELS 96   /* about: their piece and their sums share an L2 */
#define PART_OUTPUTS 512 /* most whose sums wait for the next piece */
#define TERMS_MIN 256    /* below, copying and keeping sums costs more than it can save; so with */
#define OUTPUTS_MIN 64
#define PIXELS_MIN 24
#define SUMS_MIN 8        /* that a tile must have: two FMAs start in a cycle and take four */
#define TASK_WORK 65536.0 /* multiplications that are worth a task of their own */

static int32_t smaller(int64_t a, int64_t b)
{
    return (int32_t)(a < b ? a : b);
}

/* Pixels of a unit: whole tiles. */
static int32_t unit_pixels(const fvi_brgemm *gemm)
{
    const int32_t points = gemm->points[FVI_BRGEMM_MAX_VECTORS - 1];
    return fvi_conv2d_ceil(UNIT_PIXELS, points) * points;
}

static int32_t piece_terms(int64_t terms)
{
    const int64_t pieces = (terms + PIECE_TERMS - 1) / PIECE_TERMS, piece = (terms + pieces - 1) / pieces;
    return (int32_t)((piece + 15) / 16 * 16);
}

size_t fvi_conv2d_copied_floats(const fvi_brgemm *gemm, size_t terms, int32_t outputs, int32_t groups)
{
    if (groups > 1 || terms < TERMS_MIN || outputs < OUTPUTS_MIN)
        return 0;
    const size_t part = (size_t)smaller(outputs, PART_OUTPUTS) + (size_t)(FVI_BRGEMM_MAX_VECTORS * gemm->lanes);
    return (size_t)unit_pixels(gemm) * (PIECE_TERMS + part);
}

bool fvi_conv2d_copied_pays(const fvi_conv2d_gather *g)
{
    const size_t terms = (size_t)g->rows * (size_t)g->segments * (size_t)g->run;
    if (fvi_conv2d_copied_floats(g->gemm, terms, g->outputs, g->groups) == 0 ||
        (int64_t)g->n * g->h * g->w < PIXELS_MIN)
        return false;
    /* In place: the smallest tile of a row. */
    const int32_t smallest = g->w / fvi_conv2d_ceil(g->w, g->gemm->points[FVI_BRGEMM_MAX_VECTORS - 1]);
    return smallest * FVI_BRGEMM_MAX_VECTORS < SUMS_MIN;
}

void fvi_conv2d_copied_cut(fvi_conv2d_gather *g, int32_t threads)
{
    const int64_t pixels = (int64_t)g->n * g->h * g->w, terms = (int64_t)g->rows * g->segments * g->run;
    const int32_t most = unit_pixels(g->gemm), points = g->gemm->points[FVI_BRGEMM_MAX_VECTORS - 1];
    const int32_t blocks = fvi_conv2d_block_count(g->gemm, g->outputs);
    g->units = (int32_t)((pixels + most - 1) / most);
    g->column_block = fvi_conv2d_ceil((int32_t)((pixels + g->units - 1) / g->units), points) * points;
    g->units = (int32_t)((pixels + g->column_block - 1) / g->column_block);
    const double work = (double)pixels * (double)terms * g->outputs;
    const int64_t wanted = threads == 1 ? 1 : smaller(1 + (int64_t)(work / TASK_WORK), 4 * (int64_t)threads);
    const int32_t most_blocks = PART_OUTPUTS / (FVI_BRGEMM_MAX_VECTORS * g->gemm->lanes);
    const int32_t needed = fvi_conv2d_ceil(blocks, most_blocks), more = (int32_t)((wanted + g->units - 1) / g->units);
    g->output_parts = smaller(needed > more ? needed : more, blocks);
}

/* Where output pixel `pixel` of all of the call's lies. */
typedef struct place {
    int32_t image, row, column;
} place;

static place place_of(const fvi_conv2d_gather *g, int64_t pixel)
{
    const int64_t row = pixel / g->w;
    return (place){ .image = (int32_t)(row / g->h), .row = (int32_t)(row % g->h), .column = (int32_t)(pixel % g->w) };
}

/* Pixels from this one to the end of its row, `left` at most; and the place behind them. */
static int32_t row_of(const fvi_conv2d_gather *g, place *at, int32_t left)
{
    const int32_t count = smaller(g->w - at->column, left);
    at->column += count;
    if (at->column == g->w) {
        at->column = 0;
        at->image += ++at->row == g->h;
        at->row = at->row == g->h ? 0 : at->row;
    }
    return count;
}

/* Copies terms [from, from + count) of a unit's pixels. */
static void copy_piece(const fvi_conv2d_gather *g, int64_t pixel, int32_t pixels, int32_t from, int32_t count,
                       float *to)
{
    place at = place_of(g, pixel);
    for (int32_t done = 0; done < pixels;) {
        const float *row = g->x + at.image * g->x_image + at.row * g->x_row + at.column * g->x_pixel;
        const int32_t columns = row_of(g, &at, pixels - done);
        for (int32_t term = from; term < from + count;) {
            const int32_t tap = term / g->run, q = term % g->run, length = smaller(g->run - q, from + count - term);
            const float *x = row + tap / g->segments * g->tap_row + tap % g->segments * g->tap_column + q;
            float *out = to + (ptrdiff_t)done * count + (term - from);
            for (int32_t column = 0; column < columns; column++, x += g->x_pixel, out += count)
                memcpy(out, x, (size_t)length * sizeof(float));
            term += length;
        }
        done += columns;
    }
}

/* Asks for the places of a block's outputs, and what is added to them, before they are needed. */
static void expect_outputs(const fvi_conv2d_gather *g, int64_t pixel, int32_t pixels, fvi_conv2d_block block)
{
    place at = place_of(g, pixel);
    for (int32_t done = 0; done < pixels;) {
        const float *y = g->y + at.image * g->y_image + at.row * g->y_row + at.column * g->y_pixel + block.first;
        const int32_t columns = row_of(g, &at, pixels - done);
        for (int32_t column = 0; column < columns; column++, y += g->y_pixel)
            for (int32_t lane = 0; lane < block.count; lane += 16)
                __builtin_prefetch(y + lane, 1, 2);
        done += columns;
    }
}

static void write_block(const fvi_conv2d_gather *g, int64_t pixel, int32_t pixels, fvi_conv2d_block block,
                        const float *sums)
{
    place at = place_of(g, pixel);
    for (int32_t done = 0; done < pixels;) {
        float *y = g->y + at.image * g->y_image + at.row * g->y_row + at.column * g->y_pixel + block.first;
        const int32_t columns = row_of(g, &at, pixels - done);
        for (int32_t column = 0; column < columns; column++, y += g->y_pixel, sums += block.width)
            memcpy(y, sums, (size_t)block.count * sizeof(float));
        if (g->epilogue != NULL)
            fvi_conv2d_finish(g->epilogue, g->whole, (size_t)(pixel + done), (size_t)columns, block.first, block.count);
        done += columns;
    }
}

/* Some pixels and a piece of their sums. */
typedef struct step {
    int64_t pixel;
    int32_t pixels;
    int32_t from, count;
} step;

/* The worker's memory, and what a task's steps share. */
typedef struct work {
    const fvi_conv2d_gather *g;
    int32_t terms, begin, end; /* blocks of outputs */
    float *copies, *sums;
} work;

static void multiply_block(const work *w, const step *at, int32_t index)
{
    const fvi_conv2d_gather *g = w->g;
    const fvi_conv2d_block block = fvi_conv2d_block_at(g->gemm, g->outputs, index);
    const int32_t first = fvi_conv2d_block_at(g->gemm, g->outputs, w->begin).first;
    const bool last = at->from + at->count == w->terms;
    float init[FVI_BRGEMM_MAX_WIDTH] __attribute__((aligned(64))) = { 0 };
    for (int32_t lane = 0; g->bias != NULL && lane < block.count; lane++)
        init[lane] = g->bias[block.first + lane];
    float *const sums = w->sums + (ptrdiff_t)(block.first - first) * at->pixels;
    if (last)
        expect_outputs(g, at->pixel, at->pixels, block);
    fvi_brgemm_forward call = { .x = w->copies,
                                .w = g->packed + (size_t)block.first * (size_t)w->terms +
                                     (size_t)at->from * (size_t)block.width,
                                .init = at->from == 0 ? init : NULL,
                                .y = sums,
                                .x_point = at->count,
                                .y_point = block.width,
                                .rows = 1,
                                .segments = 1,
                                .run = at->count,
                                .last = g->gemm->lanes };
    fvi_conv2d_direct_row(g->gemm, &call, block.vectors, at->pixels);
    if (last)
        write_block(g, at->pixel, at->pixels, block, sums);
}

void fvi_conv2d_copied_task(const fvi_conv2d_gather *g, size_t index, int32_t worker)
{
    const int32_t part = (int32_t)(index % (size_t)g->output_parts);
    const int64_t pixel = (int64_t)(index / (size_t)g->output_parts) * g->column_block;
    const int32_t blocks = fvi_conv2d_block_count(g->gemm, g->outputs);
    work w = { .g = g,
               .terms = g->rows * g->segments * g->run,
               .begin = (int32_t)((int64_t)blocks * part / g->output_parts),
               .end = (int32_t)((int64_t)blocks * (part + 1) / g->output_parts) };
    w.copies = g->scratch + (size_t)worker * fvi_conv2d_copied_floats(g->gemm, (size_t)w.terms, g->outputs, 1);
    w.sums = w.copies + (size_t)unit_pixels(g->gemm) * PIECE_TERMS;
    step at = { .pixel = pixel, .pixels = smaller(g->column_block, (int64_t)g->n * g->h * g->w - pixel) };
    const int32_t piece = piece_terms(w.terms);
    for (; at.from < w.terms; at.from += at.count) {
        at.count = smaller(piece, w.terms - at.from);
        copy_piece(g, at.pixel, at.pixels, at.from, at.count, w.copies);
        for (int32_t i = w.begin; i < w.end; i++)
            multiply_block(&w, &at, i);
    }
}
