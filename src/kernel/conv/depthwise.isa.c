/* SPDX-License-Identifier: Apache-2.0
 *
 * depthwise.isa.c - depthwise convolution and small groups with lanes over output channels, in compiler vector types.
 * Forward keeps P points of one vector of outputs in registers and walks the taps; backward by weights keeps taps and walks
 * the pixels. The lane map is a constant in always-inline functions, so each of them is a kernel of its own.
 */
#include <stdbool.h>

#include "base/parts.h"
#include "base/simd.h"
#include "kernel/conv/depthwise.h"

#define LANES FVI_ISA_LANES
/* Points of a tile: an accumulator each, beside a weight; where inputs are chosen among lanes also a vector of inputs each,
 * which the compiler loads once for all channels of a group. */
#if defined(FVI_SIMD_TWICE_AVX2) || (LANES == 4 && !defined(FVI_SIMD_NEON))
#define POINTS_MAX 6
#define POINTS_CHOSEN 3
#else
#define POINTS_MAX 12
#define POINTS_CHOSEN 6
#endif
#define POINTS_GATHERED 3
#define POINTS_PARTIAL 3
/* Vectors of a depthwise tile, a cache line where that many registers are to be had, and then its points. */
#define VECTORS (LANES == 16 ? 1 : 2)
#define POINTS_PAIR 6
/* Pixels of backward by weights between which all channels are walked: their lines, of four rows, fit into an L1. */
#define PIXELS_MAX 28
#define LINE 16 /* floats */
/* Channels of a group that backward by weights sums at once for three tap columns. */
#if defined(FVI_SIMD_AVX512) || defined(FVI_SIMD_NEON)
#define REDUCED_TILE 4
#else
#define REDUCED_TILE 2
#endif

FVI_INLINE int points_of(fvi_lane_map map, int vectors)
{
    if (vectors > 1)
        return POINTS_PAIR;
    if (map == FVI_LANES_GATHERED)
        return POINTS_GATHERED;
    return map == FVI_LANES_QUARTET || map == FVI_LANES_CHOSEN ? POINTS_CHOSEN : POINTS_MAX;
}

/* Lines to be fetched evenly over so many steps: memory is to be busy all the time. */
typedef struct cursor {
    const float *at;
    int64_t lines, steps, due;
} cursor;

FVI_INLINE cursor make_cursor(const float *at, int32_t lines, int64_t steps)
{
    return (cursor){ .at = at, .lines = steps > 0 ? lines : 0, .steps = steps, .due = steps - 1 };
}

/* The next step's. */
FVI_INLINE void fetch(cursor *from, const int writes)
{
    for (from->due += from->lines; from->due >= from->steps; from->due -= from->steps) {
        if (writes)
            __builtin_prefetch(from->at, 1, 3);
        else
            __builtin_prefetch(from->at, 0, 2);
        from->at += LINE;
    }
}

/* What reading the inputs of one vector of outputs takes. */
typedef struct reader {
    int32_t base;        /* first input of the vector */
    fvi_vmask mask;      /* of the inputs from base on */
    fvi_vi chosen;       /* lane of input c = 0 in the vector loaded at base */
    int32_t lane[LANES]; /* gathered: its distance from base */
} reader;

/* Lane j of a vector that begins with a group: the same for all vectors, since groups do not straddle them. */
FVI_INLINE fvi_vi choose_lanes(fvi_lane_map map, int32_t outputs_per_group, int32_t reduced)
{
    int32_t lane[LANES] = { 0 };
    for (int32_t j = 0; (map == FVI_LANES_QUARTET || map == FVI_LANES_CHOSEN) && j < LANES; j++)
        lane[j] = j / outputs_per_group * reduced;
    return fvi_vi_load(lane);
}

/* First input of the vector that begins at output `first`. */
FVI_INLINE int32_t first_input(fvi_lane_map map, int32_t first, int32_t outputs_per_group, int32_t reduced)
{
    if (map == FVI_LANES_SAME || map == FVI_LANES_QUARTET)
        return first;
    return map == FVI_LANES_ONE ? first / LANES * reduced : first / outputs_per_group * reduced;
}

FVI_INLINE reader make_reader(fvi_lane_map map, bool whole, fvi_vi chosen, int32_t first, int32_t inputs,
                              int32_t outputs, int32_t outputs_per_group, int32_t reduced)
{
    reader made = { .base = first_input(map, first, outputs_per_group, reduced), .chosen = chosen };
    if (!whole)
        made.mask = fvi_vmask_first((size_t)(inputs - made.base < LANES ? inputs - made.base : LANES));
    for (int32_t j = 0; map == FVI_LANES_GATHERED && j < LANES; j++) {
        const int32_t output = first + j < outputs ? first + j : outputs - 1;
        made.lane[j] = output / outputs_per_group * reduced - made.base;
    }
    return made;
}

FVI_INLINE fvi_vf load_inputs(const reader *from, bool whole, const float *x)
{
    return whole ? fvi_vf_load(x) : fvi_vf_load_masked(x, from->mask);
}

/* The inputs of the lanes for reduced channel c; x: at the reader's base. whole: a whole vector may be loaded there. */
FVI_INLINE fvi_vf read_lanes(fvi_lane_map map, const reader *from, bool whole, const float *x, int32_t c)
{
    switch (map) {
    case FVI_LANES_SAME:
        return load_inputs(from, whole, x);
    case FVI_LANES_QUARTET:
        return fvi_vf_pick_in_four(load_inputs(from, whole, x), from->chosen + fvi_vi_splat(c));
    case FVI_LANES_CHOSEN:
        return fvi_vf_pick(load_inputs(from, whole, x), from->chosen + fvi_vi_splat(c));
    case FVI_LANES_ONE:
        return fvi_vf_splat(x[c]);
    case FVI_LANES_GATHERED:
        break;
    }
    float lane[LANES] __attribute__((aligned(64)));
    for (int j = 0; j < LANES; j++)
        lane[j] = x[from->lane[j] + c];
    return fvi_vf_load(lane);
}

/* `points` points of `vectors` vectors from registers to y. count: channels of y from the first vector on. */
FVI_INLINE void store_tile(const fvi_depthwise_forward *a, const int points, const int vectors, const fvi_vf *acc,
                           float *y, int32_t count)
{
    if (count < LANES) {
        const fvi_vmask mask = fvi_vmask_first((size_t)count);
#pragma GCC unroll 12
        for (int p = 0; p < points; p++)
            fvi_vf_store_masked(y + p * a->y_point, acc[p], mask);
        return;
    }
    if (vectors == VECTORS && a->past_caches) {
#pragma GCC unroll 12
        for (int i = 0; i < points * vectors; i++)
            fvi_vf_stream(y + i / vectors * a->y_point + i % vectors * LANES, acc[i]);
        return;
    }
#pragma GCC unroll 12
    for (int i = 0; i < points * vectors; i++)
        fvi_vf_store(y + i / vectors * a->y_point + i % vectors * LANES, acc[i]);
}

/* vectors: 1, or more if whole. */
FVI_INLINE void forward_tile(const fvi_depthwise_forward *a, fvi_lane_map map, const reader *from, bool whole,
                             const int points, const int vectors, const float *x, const float *w, const fvi_vf *init,
                             float *y, int32_t count)
{
    fvi_vf acc[POINTS_MAX > 2 * POINTS_PAIR ? POINTS_MAX : 2 * POINTS_PAIR];
    const int32_t reduced = map == FVI_LANES_SAME ? 1 : a->reduced;
#pragma GCC unroll 12
    for (int i = 0; i < points * vectors; i++)
        acc[i] = init[i % vectors];
    for (int32_t row = 0; row < a->rows; row++) {
        const float *tap = x + row * a->x_row;
        for (int32_t column = 0; column < a->columns; column++, tap += a->x_column) {
            for (int32_t c = 0; c < reduced; c++, w += LANES) {
#pragma GCC unroll 2
                for (int v = 0; v < vectors; v++) {
                    const fvi_vf weight = fvi_vf_load(w + v * (ptrdiff_t)a->w_vector);
#pragma GCC unroll 12
                    for (int p = 0; p < points; p++)
                        acc[p * vectors + v] =
                            fvi_vf_fma(read_lanes(map, from, whole, tap + p * a->x_point + v * LANES, c), weight,
                                       acc[p * vectors + v]);
                }
            }
        }
    }
    if (a->end.clamps) {
        const fvi_vf low = fvi_vf_splat(a->end.low), high = fvi_vf_splat(a->end.high);
#pragma GCC unroll 12
        for (int i = 0; i < points * vectors; i++)
            acc[i] = fvi_vf_min(high, fvi_vf_max(low, acc[i]));
    }
    store_tile(a, points, vectors, acc, y, count);
}

/* One vector of outputs, or several, over a tile of any size up to points_of(); not whole: one, up to POINTS_PARTIAL. */
FVI_INLINE void forward_vector(const fvi_depthwise_forward *a, fvi_lane_map map, bool whole, const int vectors,
                               fvi_vi chosen, int32_t points, const float *x, float *y, int32_t first)
{
    const int32_t left = a->outputs - first;
    const reader from = make_reader(map, whole, chosen, first, a->inputs, a->outputs, a->outputs_per_group, a->reduced);
    const float *w = a->w + (size_t)(first / LANES) * a->w_vector;
    fvi_vf init[2] = { { 0 } };
    for (int v = 0; a->bias != NULL && v < vectors; v++)
        init[v] =
            left >= LANES ? fvi_vf_load(a->bias + first + v * LANES) : fvi_vf_load_first(a->bias + first, (size_t)left);
    x += from.base;
    y += first;
#define TILE(count)                                                                                                    \
    case count:                                                                                                        \
        if (count <= points_of(map, vectors) && (whole || count <= POINTS_PARTIAL))                                    \
            forward_tile(a, map, &from, whole, count, vectors, x, w, init, y, left);                                   \
        break;
    switch (points) {
        TILE(1)
        TILE(2)
        TILE(3)
        TILE(4)
        TILE(5)
        TILE(6)
#if POINTS_MAX > 6
        TILE(7)
        TILE(8)
        TILE(9)
        TILE(10)
        TILE(11)
        TILE(12)
#endif
    default:
        break;
    }
#undef TILE
}

/* A vector of which some outputs or inputs do not exist: few points at a time, to keep the program small. */
FVI_INLINE void forward_partial(const fvi_depthwise_forward *a, fvi_lane_map map, fvi_vi chosen, int32_t points,
                                const float *x, float *y, int32_t first)
{
    for (int32_t p = 0; p < points; p += POINTS_PARTIAL)
        forward_vector(a, map, false, 1, chosen, points - p < POINTS_PARTIAL ? points - p : POINTS_PARTIAL,
                       x + p * a->x_point, y + p * a->y_point, first);
}

/* Tiles of nearly equal size; within a tile all channels, so that a pixel's memory is walked from end to end. */
FVI_INLINE void forward_tiles(const fvi_depthwise_forward *a, fvi_lane_map map, const int vectors)
{
    const int32_t most = points_of(map, vectors), tiles = (a->points + most - 1) / most;
    const int64_t steps = (int64_t)tiles * ((a->outputs + vectors * LANES - 1) / (vectors * LANES));
    const fvi_vi chosen = choose_lanes(map, a->outputs_per_group, a->reduced);
    cursor next_x = make_cursor(a->ahead.x, a->ahead.x_lines, steps);
    cursor next_y = make_cursor(a->ahead.y, a->ahead.y_lines, steps);
    for (int32_t tile = 0; tile < tiles; tile++) {
        const int32_t begin = (int32_t)((int64_t)a->points * tile / tiles);
        const int32_t end = (int32_t)((int64_t)a->points * (tile + 1) / tiles);
        const float *x = a->x + begin * a->x_point;
        float *y = a->y + begin * a->y_point;
        for (int32_t first = 0; first < a->outputs; first += vectors * LANES) {
            const int32_t base = first_input(map, first, a->outputs_per_group, a->reduced);
            fetch(&next_x, 0);
            fetch(&next_y, 1);
            if (first + vectors * LANES <= a->outputs && base + vectors * LANES <= a->inputs) {
                forward_vector(a, map, true, vectors, chosen, end - begin, x, y, first);
                continue;
            }
            for (int32_t v = first; v < first + vectors * LANES && v < a->outputs; v += LANES) {
                if (vectors > 1 && v + LANES <= a->outputs)
                    forward_vector(a, map, true, 1, chosen, end - begin, x, y, v);
                else
                    forward_partial(a, map, chosen, end - begin, x, y, v);
            }
        }
    }
    if (a->past_caches)
        fvi_stream_end();
}

/* A row that one tile holds reads its weights once; so a line of channels a tile only where there are more. */
FVI_INLINE void forward(const fvi_depthwise_forward *a, fvi_lane_map map)
{
    if (map == FVI_LANES_SAME && VECTORS > 1 && (a->points > POINTS_MAX || a->past_caches))
        forward_tiles(a, map, VECTORS);
    else
        forward_tiles(a, map, 1);
}

/* `columns` taps from x on and `reduced` channels from c on in registers, all pixels of the row. */
FVI_INLINE void weights_tile(const fvi_depthwise_weights *a, fvi_lane_map map, const reader *from, bool whole,
                             const int rows, const int columns, const int reduced, int32_t c, const float *x,
                             const float *dy, float *acc, int32_t count, float *total, cursor *next)
{
    fvi_vf sum[12], all = { 0 };
    const ptrdiff_t row_floats = (ptrdiff_t)a->columns * a->reduced * LANES;
    const ptrdiff_t column_floats = (ptrdiff_t)a->reduced * LANES;
    const fvi_vmask mask = fvi_vmask_first((size_t)(count < LANES ? count : LANES));
#pragma GCC unroll 12
    for (int i = 0; i < rows * columns * reduced; i++)
        sum[i] = fvi_vf_load(acc + i / (columns * reduced) * row_floats + i / reduced % columns * column_floats +
                             i % reduced * LANES);
    for (int32_t pixel = 0; pixel < a->pixels; pixel++) {
        const fvi_vf d = whole ? fvi_vf_load(dy) : fvi_vf_load_masked(dy, mask);
#pragma GCC unroll 12
        for (int i = 0; i < rows * columns * reduced; i++)
            sum[i] = fvi_vf_fma(read_lanes(map, from, whole,
                                           x + i / (columns * reduced) * a->x_row + i / reduced % columns * a->x_column,
                                           c + i % reduced),
                                d, sum[i]);
        all += d;
        dy += a->dy_pixel;
        x += a->x_pixel;
        if (next != NULL) {
            fetch(&next[0], 0);
            fetch(&next[1], 0);
        }
    }
    if (total != NULL)
        fvi_vf_store(total, fvi_vf_load(total) + all);
#pragma GCC unroll 12
    for (int i = 0; i < rows * columns * reduced; i++)
        fvi_vf_store(acc + i / (columns * reduced) * row_floats + i / reduced % columns * column_floats +
                         i % reduced * LANES,
                     sum[i]);
}

/* One tap column or three, and as many channels as the registers hold, up to the last. Returns the channels done. */
FVI_INLINE int32_t weights_channels(const fvi_depthwise_weights *a, fvi_lane_map map, const reader *from, bool whole,
                                    const int columns, int32_t c, const float *x, const float *dy, float *acc,
                                    int32_t count)
{
    const int32_t rest = a->reduced - c;
    if (map == FVI_LANES_SAME || !whole || rest == 1) {
        weights_tile(a, map, from, whole, 1, columns, 1, c, x, dy, acc, count, NULL, NULL);
        return 1;
    }
    if (columns * REDUCED_TILE <= 12 && rest >= REDUCED_TILE) {
        weights_tile(a, map, from, whole, 1, columns, REDUCED_TILE, c, x, dy, acc, count, NULL, NULL);
        return REDUCED_TILE;
    }
    weights_tile(a, map, from, whole, 1, columns, 2, c, x, dy, acc, count, NULL, NULL);
    return 2;
}

/* dy of one vector of outputs; four sums in turn, so that an addition need not wait for the last. */
FVI_INLINE void sum_vector(const fvi_depthwise_weights *a, int32_t first)
{
    const bool whole = a->outputs - first >= LANES;
    const fvi_vmask mask = fvi_vmask_first((size_t)(whole ? LANES : a->outputs - first));
    const ptrdiff_t step = a->dy_pixel;
    const float *at = a->dy + first;
    fvi_vf part[4] = { fvi_vf_load(a->sum + first) };
    int32_t p = 0;
    for (; whole && p + 4 <= a->pixels; p += 4, at += 4 * step) {
        part[0] += fvi_vf_load(at);
        part[1] += fvi_vf_load(at + step);
        part[2] += fvi_vf_load(at + 2 * step);
        part[3] += fvi_vf_load(at + 3 * step);
    }
    for (; p < a->pixels; p++, at += step)
        part[0] += whole ? fvi_vf_load(at) : fvi_vf_load_masked(at, mask);
    fvi_vf_store(a->sum + first, (part[0] + part[1]) + (part[2] + part[3]));
}

/* All taps and channels of one vector of outputs, in tiles of up to twelve sums. */
FVI_INLINE void weights_vector(const fvi_depthwise_weights *a, fvi_lane_map map, bool whole, fvi_vi chosen,
                               int32_t first, cursor *next)
{
    const int32_t left = a->outputs - first;
    const reader from = make_reader(map, whole, chosen, first, a->inputs, a->outputs, a->outputs_per_group, a->reduced);
    const float *x = a->x + from.base, *dy = a->dy + first;
    float *acc = a->acc + (size_t)(first / LANES) * a->acc_vector;
    if (map == FVI_LANES_SAME && whole && a->columns == 3 && (a->rows == 3 || a->rows == 2)) {
        x += a->first * a->x_row;
        acc += 3 * a->first * LANES;
        float *total = a->sum != NULL ? a->sum + first : NULL;
        if (a->rows == 3)
            weights_tile(a, map, &from, whole, 3, 3, 1, 0, x, dy, acc, left, total, next);
        else
            weights_tile(a, map, &from, whole, 2, 3, 1, 0, x, dy, acc, left, total, next);
        return;
    }
    for (int32_t row = a->first; row < a->first + a->rows; row++) {
        for (int32_t column = 0; column < a->columns;) {
            const int32_t columns = a->columns - column;
            const float *tap = x + row * a->x_row + column * a->x_column;
            float *sums = acc + ((ptrdiff_t)row * a->columns + column) * a->reduced * LANES;
            if (map == FVI_LANES_SAME && whole && columns >= 5) {
                weights_tile(a, map, &from, whole, 1, 5, 1, 0, tap, dy, sums, left, NULL, NULL);
                column += 5;
                continue;
            }
            for (int32_t c = 0; c < a->reduced;)
                c += columns >= 3 ? weights_channels(a, map, &from, whole, 3, c, tap, dy, sums + c * LANES, left)
                                  : weights_channels(a, map, &from, whole, 1, c, tap, dy, sums + c * LANES, left);
            column += columns >= 3 ? 3 : 1;
        }
    }
    if (a->sum != NULL)
        sum_vector(a, first);
}

FVI_INLINE void weights(const fvi_depthwise_weights *a, fvi_lane_map map)
{
    const fvi_vi chosen = choose_lanes(map, a->outputs_per_group, a->reduced);
    const int64_t steps = (int64_t)a->pixels * (a->outputs / LANES);
    cursor next[2] = { make_cursor(a->ahead.x, a->ahead.x_lines, steps),
                       make_cursor(a->ahead.y, a->ahead.y_lines, steps) };
    const int32_t parts = map == FVI_LANES_SAME ? (a->pixels + PIXELS_MAX - 1) / PIXELS_MAX : 1;
    for (int32_t i = 0; i < parts; i++) {
        const int32_t begin = (int32_t)((int64_t)a->pixels * i / parts);
        fvi_depthwise_weights part = *a;
        part.x += begin * a->x_pixel;
        part.dy += begin * a->dy_pixel;
        part.pixels = (int32_t)((int64_t)a->pixels * (i + 1) / parts) - begin;
        for (int32_t first = 0; first < a->outputs; first += LANES) {
            const int32_t base = first_input(map, first, a->outputs_per_group, a->reduced);
            if (first + LANES <= a->outputs && base + LANES <= a->inputs)
                weights_vector(&part, map, true, chosen, first, next);
            else
                weights_vector(&part, map, false, chosen, first, NULL);
        }
    }
}

#define MAPPED(name, map)                                                                                              \
    static void forward_##name(const fvi_depthwise_forward *arguments)                                                 \
    {                                                                                                                  \
        forward(arguments, map);                                                                                       \
    }                                                                                                                  \
    static void weights_##name(const fvi_depthwise_weights *arguments)                                                 \
    {                                                                                                                  \
        weights(arguments, map);                                                                                       \
    }

MAPPED(same, FVI_LANES_SAME)
MAPPED(quartet, FVI_LANES_QUARTET)
MAPPED(chosen, FVI_LANES_CHOSEN)
MAPPED(one, FVI_LANES_ONE)
MAPPED(gathered, FVI_LANES_GATHERED)

const fvi_depthwise FVI_ISA_NAME(fvi_depthwise) = {
    .lanes = LANES,
    .forward = { [FVI_LANES_SAME] = forward_same,
                 [FVI_LANES_QUARTET] = forward_quartet,
                 [FVI_LANES_CHOSEN] = forward_chosen,
                 [FVI_LANES_ONE] = forward_one,
                 [FVI_LANES_GATHERED] = forward_gathered },
    .weights = { [FVI_LANES_SAME] = FVI_TRAINS(weights_same),
                 [FVI_LANES_QUARTET] = FVI_TRAINS(weights_quartet),
                 [FVI_LANES_CHOSEN] = FVI_TRAINS(weights_chosen),
                 [FVI_LANES_ONE] = FVI_TRAINS(weights_one),
                 [FVI_LANES_GATHERED] = FVI_TRAINS(weights_gathered) },
};
