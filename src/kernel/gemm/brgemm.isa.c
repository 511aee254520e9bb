/* SPDX-License-Identifier: Apache-2.0
 *
 * brgemm.isa.c - the batch-reduce GEMM on a register tile of P points x V vectors, in compiler vector types.
 * The tile is an array of vectors that the compiler keeps in registers, because P and V are constants in an
 * always-inline function: P*V accumulators, V weights and one broadcast must fit (16 registers, or 32 for AVX-512 and
 * NEON). Points lie at a run-time stride, so one kernel serves every channel count, stride and slice.
 */
#include <stdbool.h>

#include "base/parts.h"
#include "base/simd.h"
#include "kernel/gemm/brgemm.h"

/* Points per tile: as many as the registers hold, for 2 vectors and for 1; fewer where size counts, which changes no bit. */
#if defined(FVI_INFERENCE_ONLY) && defined(FVI_SIMD_AVX512)
#define POINTS_2 8
#define POINTS_1 8
#elif defined(FVI_INFERENCE_ONLY) && defined(FVI_SIMD_AVX2)
#define POINTS_2 6
#define POINTS_1 6
#elif defined(FVI_INFERENCE_ONLY)
#define POINTS_2 4
#define POINTS_1 4
#elif defined(FVI_SIMD_AVX512)
#define POINTS_2 14
#define POINTS_1 16
#elif defined(FVI_SIMD_NEON)
#define POINTS_2 12
#define POINTS_1 16
#elif defined(FVI_SIMD_AVX2)
#define POINTS_2 6
#define POINTS_1 12
#elif defined(FVI_SIMD_TWICE_AVX2)
#define POINTS_2 4
#define POINTS_1 6
#else
#define POINTS_2 4
#define POINTS_1 8
#endif

#define LANES FVI_ISA_LANES
#define FETCH_RUN_MIN 32
/* Steps in a loop's body, so that counting takes few instructions beside the FMAs. Loads may not move from one step
 * to an earlier one: gcc would hoist them until registers spill. */
#if defined(FVI_SIMD_AVX2)
#define UNROLL 4
#else
#define UNROLL 1
#endif
#define KEEP_ORDER(pointer) __asm__ volatile("" : "+r"(pointer)::"memory")

/* Where point p of a tile lies: groups of three share a base, so that three strides (0, 1, 2) and few registers address
 * all. */
#define BASES ((FVI_BRGEMM_MAX_POINTS + 2) / 3)

/* acc += x*w in acc's own register: in an unrolled body gcc would rather keep the sum elsewhere, and copy it back. */
FVI_INLINE void add_product(fvi_vf *acc, fvi_vf x, fvi_vf w)
{
#if defined(FVI_SIMD_AVX2)
    __asm__("vfmadd231ps %2, %1, %0" : "+x"(*acc) : "x"(x), "x"(w));
#else
    *acc = fvi_vf_fma(x, w, *acc);
#endif
}

FVI_INLINE void step(fvi_vf *acc, const int points, const int vectors, const float *const *base, ptrdiff_t x_point,
                     ptrdiff_t q, const float *w)
{
    fvi_vf weight[FVI_BRGEMM_MAX_VECTORS];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++)
        weight[v] = fvi_vf_load(w + v * LANES);
#pragma GCC unroll 16
    for (int p = 0; p < points; p++) {
        const fvi_vf x = fvi_vf_splat(base[p / 3][(p % 3) * x_point + q]);
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
            add_product(&acc[p * vectors + v], x, weight[v]);
    }
}

/* plus: at the tile. */
FVI_INLINE void end_tile(fvi_vf *acc, const int points, const int vectors, const fvi_tile_end *end, const float *plus,
                         int32_t last)
{
    const fvi_vmask mask = fvi_vmask_first((size_t)last);
    const int32_t whole = last == LANES ? vectors : vectors - 1;
    if (plus != NULL) {
#pragma GCC unroll 16
        for (int p = 0; p < points; p++) {
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) {
                const float *at = plus + p * end->plus_point + v * LANES;
                acc[p * vectors + v] += v < whole ? fvi_vf_load(at) : fvi_vf_load_masked(at, mask);
            }
        }
    }
    if (end->clamps) {
        const fvi_vf low = fvi_vf_splat(end->low), high = fvi_vf_splat(end->high);
#pragma GCC unroll 32
        for (int i = 0; i < points * vectors; i++)
            acc[i] = fvi_vf_min(high, fvi_vf_max(low, acc[i]));
    }
}

FVI_INLINE void store_tile(const fvi_vf *acc, const int points, const int vectors, float *y, ptrdiff_t y_point,
                           int32_t last)
{
#pragma GCC unroll 16
    for (int p = 0; p < points; p++) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors - 1; v++)
            fvi_vf_store(y + p * y_point + v * LANES, acc[p * vectors + v]);
    }
    float *const end = y + (vectors - 1) * LANES;
    if (last == LANES) {
#pragma GCC unroll 16
        for (int p = 0; p < points; p++)
            fvi_vf_store(end + p * y_point, acc[p * vectors + vectors - 1]);
        return;
    }
#pragma GCC unroll 16
    for (int p = 0; p < points; p++)
        fvi_vf_store_pieces(end + p * y_point, acc[p * vectors + vectors - 1], last);
}

FVI_INLINE void forward(const fvi_brgemm_forward *a, const int points, const int vectors)
{
    const ptrdiff_t x_point = a->x_point;
    const int width = vectors * LANES;
    const float *x_tile = a->x, *plus = a->end.plus;
    float *y = a->y;
    const ptrdiff_t run = a->run;
    /* A single long run (1x1, dense) meets each pixel once: its next tile and its output are fetched meanwhile. With
     * several rows of taps the pixels come back, and hardware keeps up. */
    const bool fetch = vectors > 1 && a->rows == 1 && a->segments == 1 && run >= FETCH_RUN_MIN;
    const ptrdiff_t ahead = (points - 1) * x_point + run;
    const ptrdiff_t advance = fetch ? points * x_point / run : 0;
    for (int32_t tile = 0; tile < a->tiles; tile++) {
        fvi_vf acc[FVI_BRGEMM_MAX_VECTORS * FVI_BRGEMM_MAX_POINTS];
        if (a->init == NULL) {
#pragma GCC unroll 16
            for (int p = 0; p < points; p++)
#pragma GCC unroll 2
                for (int v = 0; v < vectors; v++)
                    acc[p * vectors + v] = fvi_vf_load(y + p * a->y_point + v * LANES);
        } else {
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) {
                const fvi_vf init = fvi_vf_load(a->init + v * LANES);
#pragma GCC unroll 16
                for (int p = 0; p < points; p++)
                    acc[p * vectors + v] = init;
            }
        }
        const float *w = a->w;
        for (int p = 0; fetch && p < points; p++)
            for (int line = 0; line < (width + 15) / 16; line++)
                __builtin_prefetch(y + p * a->y_point + 16 * line, 1, 3);
        for (int p = 0; fetch && plus != NULL && p < points; p++)
            for (int line = 0; line < (width + 15) / 16; line++)
                __builtin_prefetch(plus + p * a->end.plus_point + 16 * line, 0, 3);
        for (int32_t row = 0; row < a->rows; row++) {
            for (int32_t segment = 0; segment < a->segments; segment++) {
                const float *base[BASES];
#pragma GCC unroll 6
                for (int b = 0; b < (points + 2) / 3; b++)
                    base[b] = x_tile + row * a->x_row + segment * a->x_segment + 3 * b * x_point;
                ptrdiff_t q = 0;
                if (fetch) {
                    const float *next = base[0] + ahead;
                    for (; q + UNROLL <= run; q += UNROLL) {
                        __builtin_prefetch(next, 0, 3);
                        if (UNROLL > 1)
                            __builtin_prefetch(next + UNROLL / 2 * advance, 0, 3);
                        next += UNROLL * advance;
#pragma GCC unroll 4
                        for (int i = 0; i < UNROLL; i++) {
                            step(acc, points, vectors, base, x_point, q + i, w + i * width);
                            KEEP_ORDER(w);
                        }
                        w += UNROLL * width;
                    }
                } else {
                    for (; q + UNROLL <= run; q += UNROLL) {
#pragma GCC unroll 4
                        for (int i = 0; i < UNROLL; i++) {
                            step(acc, points, vectors, base, x_point, q + i, w + i * width);
                            KEEP_ORDER(w);
                        }
                        w += UNROLL * width;
                    }
                }
                for (; q < run; q++) {
                    step(acc, points, vectors, base, x_point, q, w);
                    w += width;
                }
            }
        }
        if (a->end.clamps || plus != NULL)
            end_tile(acc, points, vectors, &a->end, plus, a->last);
        if (plus != NULL)
            plus += points * a->end.plus_point;
        store_tile(acc, points, vectors, y, a->y_point, a->last);
        x_tile += points * x_point;
        y += points * a->y_point;
    }
}

FVI_INLINE void outer_step(fvi_vf *acc, const int points, const int vectors, const float *x, const float *d)
{
    fvi_vf weight[FVI_BRGEMM_MAX_VECTORS];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++)
        weight[v] = fvi_vf_load(d + v * LANES);
#pragma GCC unroll 16
    for (int p = 0; p < points; p++) {
        const fvi_vf value = fvi_vf_splat(x[p]);
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++)
            add_product(&acc[p * vectors + v], value, weight[v]);
    }
}

FVI_INLINE const float *fetch_items(const fvi_brgemm_fetch *fetch, const float *at)
{
    for (int32_t item = 0; item < fetch->items; item++, at += fetch->step)
        for (int32_t line = 0; line < fetch->lines; line++)
            __builtin_prefetch(at + 16 * line, 0, 2); /* into the L2: it is copied from there */
    return at;
}

FVI_INLINE void outer(const fvi_brgemm_outer *a, const int points, const int vectors)
{
    const int width = vectors * LANES;
    const ptrdiff_t x_pixel = a->x_pixel;
    const int32_t pixels = a->pixels;
    const float *x_tile = a->x, *first = a->fetch[0].at, *second = a->fetch[1].at;
    float *out = a->acc;
    for (int32_t tile = 0; tile < a->tiles; tile++) {
        fvi_vf acc[FVI_BRGEMM_MAX_VECTORS * FVI_BRGEMM_MAX_POINTS];
#pragma GCC unroll 32
        for (int i = 0; i < points * vectors; i++)
            acc[i] = fvi_vf_load(out + i * LANES);
        for (int i = 0; i < points * width; i += 16) /* the next tile's */
            __builtin_prefetch(out + points * width + i, 1, 3);
        first = fetch_items(&a->fetch[0], first);
        second = fetch_items(&a->fetch[1], second);
        const float *d = a->d;
        for (int32_t row = 0; row < a->rows; row++) {
            const float *x = x_tile + row * a->x_row;
            int32_t left = pixels;
            for (; left >= UNROLL; left -= UNROLL) {
#pragma GCC unroll 4
                for (int i = 0; i < UNROLL; i++) {
                    outer_step(acc, points, vectors, x, d + i * width);
                    x += x_pixel;
                    KEEP_ORDER(x);
                }
                d += UNROLL * width;
            }
            for (; left > 0; left--, x += x_pixel, d += width)
                outer_step(acc, points, vectors, x, d);
        }
#pragma GCC unroll 32
        for (int i = 0; i < points * vectors; i++)
            fvi_vf_store(out + i * LANES, acc[i]);
        x_tile += points;
        out += points * width;
    }
}

/* Pixels of `whole` vectors and `rest` floats. */
FVI_INLINE void copy_vectors(const fvi_brgemm_copy *a, const int32_t whole, const int32_t rest)
{
    const fvi_vmask mask = fvi_vmask_first((size_t)rest);
    const ptrdiff_t from_pixel = a->from_pixel, to_pixel = (whole + (rest > 0)) * LANES;
    const float *from = a->from;
    float *to = a->to;
    for (int32_t pixel = 0; pixel < a->pixels; pixel++, from += from_pixel, to += to_pixel) {
#pragma GCC unroll 8
        for (int32_t v = 0; v < whole; v++)
            fvi_vf_store(to + v * LANES, fvi_vf_load(from + v * LANES));
        if (rest > 0)
            fvi_vf_store(to + whole * LANES, fvi_vf_load_masked(from + whole * LANES, mask));
    }
}

/* The counts that bands of 1x1 convolutions have get loops of their own: without, counting takes as long as copying. */
static void copy_pixels(const fvi_brgemm_copy *a)
{
    const int32_t whole = a->count / LANES, rest = a->count % LANES;
    if (rest > 0)
        copy_vectors(a, whole, rest);
    else if (whole == 1)
        copy_vectors(a, 1, 0);
    else if (whole == 2)
        copy_vectors(a, 2, 0);
    else if (whole == 3)
        copy_vectors(a, 3, 0);
    else if (whole == 4)
        copy_vectors(a, 4, 0);
    else if (whole == 6)
        copy_vectors(a, 6, 0);
    else
        copy_vectors(a, whole, 0);
}

FVI_INLINE void copy_and_sum(const fvi_brgemm_copy *a, const int vectors)
{
    const int32_t last = a->count - (vectors - 1) * LANES;
    const fvi_vmask mask = fvi_vmask_first((size_t)last);
    const float *from = a->from;
    float *to = a->to;
    fvi_vf sum[FVI_BRGEMM_MAX_VECTORS];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++)
        sum[v] = fvi_vf_load(a->sum + v * LANES);
    for (int32_t pixel = 0; pixel < a->pixels; pixel++) {
#pragma GCC unroll 2
        for (int v = 0; v < vectors; v++) {
            const float *at = from + v * LANES;
            const fvi_vf value = v < vectors - 1 || last == LANES ? fvi_vf_load(at) : fvi_vf_load_masked(at, mask);
            sum[v] += value;
            fvi_vf_store(to + v * LANES, value);
        }
        from += a->from_pixel;
        to += vectors * LANES;
    }
#pragma GCC unroll 2
    for (int v = 0; v < vectors; v++)
        fvi_vf_store(a->sum + v * LANES, sum[v]);
}

static void copy_blocks(const fvi_brgemm_copy *a)
{
    const int width = FVI_BRGEMM_MAX_VECTORS * LANES;
    const float *from = a->from;
    float *to = a->to;
    for (int32_t pixel = 0; pixel < a->pixels; pixel++, from += a->from_pixel, to += width) {
        const float *at = from;
        float *block = to;
        for (int32_t b = 0; b < a->blocks; b++, at += width, block += a->to_block)
#pragma GCC unroll 2
            for (int v = 0; v < FVI_BRGEMM_MAX_VECTORS; v++)
                fvi_vf_store(block + v * LANES, fvi_vf_load(at + v * LANES));
    }
}

static void copy(const fvi_brgemm_copy *arguments)
{
    if (arguments->blocks > 0)
        copy_blocks(arguments);
    else if (arguments->sum == NULL)
        copy_pixels(arguments);
    else if (arguments->count <= LANES)
        copy_and_sum(arguments, 1);
    else
        copy_and_sum(arguments, 2);
}

/* One function per tile size. */
#define KERNEL(points, vectors)                                                                                        \
    static void forward_##points##x##vectors(const fvi_brgemm_forward *arguments)                                      \
    {                                                                                                                  \
        forward(arguments, points, vectors);                                                                           \
    }                                                                                                                  \
    static void outer_##points##x##vectors(const fvi_brgemm_outer *arguments)                                          \
    {                                                                                                                  \
        outer(arguments, points, vectors);                                                                             \
    }

#define UP_TO_4(entry, v) entry(1, v) entry(2, v) entry(3, v) entry(4, v)
#define UP_TO_6(entry, v) UP_TO_4(entry, v) entry(5, v) entry(6, v)
#define UP_TO_8(entry, v) UP_TO_6(entry, v) entry(7, v) entry(8, v)
#define UP_TO_12(entry, v) UP_TO_8(entry, v) entry(9, v) entry(10, v) entry(11, v) entry(12, v)
#define UP_TO_14(entry, v) UP_TO_12(entry, v) entry(13, v) entry(14, v)
#define UP_TO_16(entry, v) UP_TO_14(entry, v) entry(15, v) entry(16, v)
#define UP_TO_EXPANDED(count, entry, v) UP_TO_##count(entry, v)
#define UP_TO(count, entry, v) UP_TO_EXPANDED(count, entry, v)

UP_TO(POINTS_1, KERNEL, 1)
UP_TO(POINTS_2, KERNEL, 2)

#define FORWARD_NAME(points, vectors) forward_##points##x##vectors,
#define OUTER_NAME(points, vectors) FVI_TRAINS(outer_##points##x##vectors),
#define TEXT(x) #x
#define TEXT_EXPANDED(x) TEXT(x)

const fvi_brgemm FVI_ISA_NAME(fvi_brgemm) = {
    .name = TEXT_EXPANDED(FVI_ISA_SUFFIX),
    .lanes = LANES,
    .points = { POINTS_1, POINTS_2 },
    .forward = { { UP_TO(POINTS_1, FORWARD_NAME, 1) }, { UP_TO(POINTS_2, FORWARD_NAME, 2) } },
    .copy = copy,
    .outer = { { UP_TO(POINTS_1, OUTER_NAME, 1) }, { UP_TO(POINTS_2, OUTER_NAME, 2) } },
};
