/* SPDX-License-Identifier: Apache-2.0
 *
 * pixel_gemm.isa.c - sums of products on a register tile of K output channels x V vectors of pixels.
 * The tile is an array of vectors that the compiler keeps in registers, because K and V are constants in an always-inline
 * function: K*V accumulators, the smaller of K weights and V vectors of x, and one more of the other kind must fit.
 * Channels last is reached by transposing 4x4 blocks within 128-bit lanes, the same step in every instruction set: four
 * outputs of a pixel are one store, and what is left of them stores of 2 and 1 floats, so nothing beside them is written.
 */
#include "kernel/gemm/pixel_gemm.h"
#include "base/parts.h"
#include "base/simd.h"

#define LANES FVI_ISA_LANES
#define ROWS FVI_PIXEL_GEMM_ROWS
#define MOST_VECTORS FVI_PIXEL_GEMM_VECTORS
/* Groups of three outputs share a base, so that few registers address all. */
#define BASES ((FVI_PIXEL_GEMM_OUTPUTS + 2) / 3)

typedef float quarter __attribute__((vector_size(16)));
typedef double doubles __attribute__((vector_size(16)));
typedef double two_floats __attribute__((aligned(4), may_alias)); /* moved together, never computed with */
typedef float quarter_unaligned __attribute__((vector_size(16), aligned(4), may_alias));

/* An address that the compiler does not take apart again into base and index, which would be an addition in every term. */
FVI_INLINE const float *opaque(const float *address)
{
    __asm__("" : "+r"(address));
    return address;
}

/* A vector from memory that is used more than once: kept in a register, where gcc 12 would otherwise read it for each of two
 * uses, and loads are what a tile has least of. */
FVI_INLINE fvi_vf load_once(const float *from)
{
    fvi_vf v = fvi_vf_load(from);
#if defined(FVI_SIMD_AVX512)
    __asm__("" : "+v"(v));
#elif defined(FVI_SIMD_AVX2)
    __asm__("" : "+x"(v));
#endif
    return v;
}

/* In each 128 bits: LOW a0 b0 a1 b1, HIGH a2 b2 a3 b3, LOW_HALVES a0 a1 b0 b1, HIGH_HALVES a2 a3 b2 b3, EVENS a0 a2 b0 b2,
 * ODDS a1 a3 b1 b3. */
#if LANES == 4
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define LOW_HALVES(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6)
#define ODDS(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7)
#elif LANES == 8
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW_HALVES(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2, 8, 10, 4, 6, 12, 14)
#define ODDS(a, b) __builtin_shufflevector(a, b, 1, 3, 9, 11, 5, 7, 13, 15)
#else
#define LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HIGH(a, b) __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define LOW_HALVES(a, b) __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HIGH_HALVES(a, b) __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define EVENS(a, b) __builtin_shufflevector(a, b, 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30)
#define ODDS(a, b) __builtin_shufflevector(a, b, 1, 3, 17, 19, 5, 7, 21, 23, 9, 11, 25, 27, 13, 15, 29, 31)
#endif

/* In each 128 bits: lane j of vector i and lane i of vector j change places. */
FVI_INLINE void transpose(fvi_vf v[4])
{
    const fvi_vf low01 = LOW(v[0], v[1]), high01 = HIGH(v[0], v[1]);
    const fvi_vf low23 = LOW(v[2], v[3]), high23 = HIGH(v[2], v[3]);
    v[0] = LOW_HALVES(low01, low23);
    v[1] = HIGH_HALVES(low01, low23);
    v[2] = LOW_HALVES(high01, high23);
    v[3] = HIGH_HALVES(high01, high23);
}

/* 128 bits of v, number `at`, a constant. */
FVI_INLINE quarter part(fvi_vf v, const int at)
{
#if LANES == 4
    (void)at;
    return v;
#elif defined(FVI_SIMD_AVX2)
    return (quarter)(at == 0 ? _mm256_castps256_ps128((__m256)v) : _mm256_extractf128_ps((__m256)v, 1));
#else
    switch (at) {
    case 0:
        return __builtin_shufflevector(v, v, 0, 1, 2, 3);
    case 1:
        return __builtin_shufflevector(v, v, 4, 5, 6, 7);
    case 2:
        return __builtin_shufflevector(v, v, 8, 9, 10, 11);
    default:
        return __builtin_shufflevector(v, v, 12, 13, 14, 15);
    }
#endif
}

FVI_INLINE fvi_vf join(const quarter *parts)
{
#if LANES == 4
    return parts[0];
#elif defined(FVI_SIMD_AVX2)
    return (fvi_vf)_mm256_insertf128_ps(_mm256_castps128_ps256((__m128)parts[0]), (__m128)parts[1], 1);
#elif LANES == 8
    return __builtin_shufflevector(parts[0], parts[1], 0, 1, 2, 3, 4, 5, 6, 7);
#else
    typedef float half __attribute__((vector_size(32)));
    const half low = __builtin_shufflevector(parts[0], parts[1], 0, 1, 2, 3, 4, 5, 6, 7);
    const half high = __builtin_shufflevector(parts[2], parts[3], 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#endif
}

FVI_INLINE void store_part(float *to, quarter v, const int count)
{
    if (count == 4) {
        *(quarter_unaligned *)to = v;
        return;
    }
    if (count >= 2) {
        typedef float pair __attribute__((vector_size(8), aligned(4), may_alias));
        *(pair *)to = (pair){ v[0], v[1] };
    }
    if (count % 2 == 1)
        to[count - 1] = v[count - 1];
}

FVI_INLINE double load_two(const float *from)
{
    return *(const two_floats *)from;
}

FVI_INLINE quarter load_part(const float *from, const int count)
{
    if (count == 4)
        return (quarter) * (const quarter_unaligned *)from;
    const quarter v = { from[0], count > 1 ? from[1] : 0.0f, count > 2 ? from[2] : 0.0f, 0.0f };
    return v;
}

/* One vector of pixels of two outputs. */
FVI_INLINE void store_pairs(fvi_vf a, fvi_vf b, float *y, ptrdiff_t y_pixel)
{
    const fvi_vf low = LOW(a, b), high = HIGH(a, b);
#pragma GCC unroll 4
    for (int at = 0; at < LANES / 4; at++) {
        const doubles first = (doubles)part(low, at), second = (doubles)part(high, at);
        *(two_floats *)(y + 4 * at * y_pixel) = first[0];
        *(two_floats *)(y + (4 * at + 1) * y_pixel) = first[1];
        *(two_floats *)(y + (4 * at + 2) * y_pixel) = second[0];
        *(two_floats *)(y + (4 * at + 3) * y_pixel) = second[1];
    }
}

/* One vector of pixels of K outputs, `step` vectors apart in acc, to channels last. */
FVI_INLINE void store_pixels(const fvi_vf *acc, const int outputs, const int step, float *y, ptrdiff_t y_pixel)
{
    if (outputs == 1 && y_pixel == 1) {
        fvi_vf_store(y, acc[0]);
        return;
    }
#pragma GCC unroll 2
    for (int first = 0; first < outputs; first += 4) {
        const int count = outputs - first < 4 ? outputs - first : 4;
        if (count == 2) {
            store_pairs(acc[first * step], acc[(first + 1) * step], y + first, y_pixel);
            return;
        }
        fvi_vf v[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            v[k] = acc[(first + (k < count ? k : count - 1)) * step];
        transpose(v);
#pragma GCC unroll 4
        for (int at = 0; at < LANES / 4; at++) {
#pragma GCC unroll 4
            for (int i = 0; i < 4; i++)
                store_part(y + (4 * at + i) * y_pixel + first, part(v[i], at), count);
        }
    }
}

/* One term: acc[k*vectors + v] += x[v] * w[k]. The side with fewer vectors stays in registers. */
FVI_INLINE void step(fvi_vf *acc, const int outputs, const int vectors, const float *x, const float *w)
{
    if (vectors <= outputs) {
        fvi_vf value[MOST_VECTORS];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            value[v] = load_once(x + v * LANES);
#pragma GCC unroll 8
        for (int k = 0; k < outputs; k++) {
            const fvi_vf weight = fvi_vf_splat(w[k]);
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                acc[k * vectors + v] = fvi_vf_fma(value[v], weight, acc[k * vectors + v]);
        }
        return;
    }
    fvi_vf weight[FVI_PIXEL_GEMM_OUTPUTS];
#pragma GCC unroll 8
    for (int k = 0; k < outputs; k++)
        weight[k] = fvi_vf_splat(w[k]);
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) {
        const fvi_vf value = load_once(x + v * LANES);
#pragma GCC unroll 8
        for (int k = 0; k < outputs; k++)
            acc[k * vectors + v] = fvi_vf_fma(value, weight[k], acc[k * vectors + v]);
    }
}

FVI_INLINE void forward(const fvi_pixel_gemm_forward *a, const int outputs, const int vectors)
{
    const int32_t last = a->pixels - vectors * LANES;
    for (int32_t begin = 0; begin < a->pixels; begin += vectors * LANES) {
        const int32_t at = begin < last ? begin : last;
        const float *x = opaque(a->x + at), *w = a->w;
        fvi_vf acc[FVI_PIXEL_GEMM_OUTPUTS * MOST_VECTORS];
#pragma GCC unroll 8
        for (int k = 0; k < outputs; k++) {
            const fvi_vf init = fvi_vf_splat(a->init[k]);
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                acc[k * vectors + v] = init;
        }
        for (const int32_t *offset = a->offset, *end = offset + a->terms; offset < end; offset++) {
            step(acc, outputs, vectors, x + *offset, w);
            w += outputs;
        }
        float *y = a->y + at * a->y_pixel;
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            store_pixels(acc + v, outputs, vectors, y + v * LANES * a->y_pixel, a->y_pixel);
    }
}

/* One row of taps of x, which rows first ... first+rows-1 of the tile read, row first + i of it its taps at w - i*row_terms. */
FVI_INLINE void row_of_taps(fvi_vf *acc, const int rows, const int vectors, const float *x, const int32_t *offset,
                            int32_t terms, const float *w)
{
    for (int32_t t = 0; t < terms; t++) {
        fvi_vf weight[ROWS];
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++)
            weight[i] = fvi_vf_splat(w[t - i * terms]);
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) {
            const fvi_vf value = load_once(x + offset[t] + v * LANES);
#pragma GCC unroll 4
            for (int i = 0; i < rows; i++)
                acc[i * vectors + v] = fvi_vf_fma(value, weight[i], acc[i * vectors + v]);
        }
    }
}

/* The form on several rows of one output: a vector of x that several rows read is loaded once. */
FVI_INLINE void forward_rows(const fvi_pixel_gemm_forward *a, const int vectors)
{
    const int32_t last = a->pixels - vectors * LANES, terms = a->row_terms, taps = a->terms / terms;
    for (int32_t begin = 0; begin < a->pixels; begin += vectors * LANES) {
        const int32_t at = begin < last ? begin : last;
        const float *x = opaque(a->x + at), *w = a->w;
        const int32_t *offset = a->offset;
        fvi_vf acc[ROWS * MOST_VECTORS];
        const fvi_vf init = fvi_vf_splat(a->init[0]);
#pragma GCC unroll 32
        for (int i = 0; i < ROWS * vectors; i++)
            acc[i] = init;
#pragma GCC unroll 4
        for (int i = 1; i < ROWS; i++, offset += terms, w += terms)
            row_of_taps(acc, i, vectors, x, offset, terms, w);
        for (int32_t tap = ROWS - 1; tap < taps; tap++, offset += terms, w += terms)
            row_of_taps(acc, ROWS, vectors, x, offset, terms, w);
#pragma GCC unroll 4
        for (int i = 1; i < ROWS; i++, offset += terms)
            row_of_taps(acc + i * vectors, ROWS - i, vectors, x, offset, terms, w - terms);
        float *y = a->y + at * a->y_pixel;
#pragma GCC unroll 4
        for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++)
                store_pixels(acc + i * vectors + v, 1, 1, y + i * a->y_row + v * LANES * a->y_pixel, a->y_pixel);
    }
}

FVI_INLINE void outer(const fvi_pixel_gemm_outer *a, const int outputs, const int terms)
{
    const ptrdiff_t d_output = a->d_output;
    const int32_t *offset = a->offset;
    float *out = a->acc;
    for (int32_t tile = 0; tile < a->tiles; tile++, offset += terms, out += outputs * terms * LANES) {
        fvi_vf acc[FVI_PIXEL_GEMM_OUTPUTS * MOST_VECTORS];
#pragma GCC unroll 64
        for (int i = 0; i < outputs * terms; i++)
            acc[i] = fvi_vf_load(out + i * LANES);
        const float *x[MOST_VECTORS], *d[BASES];
#pragma GCC unroll 8
        for (int t = 0; t < terms; t++)
            x[t] = a->x + offset[t];
#pragma GCC unroll 8
        for (int i = 0; i < (outputs + 2) / 3; i++)
            d[i] = a->d + 3 * i * d_output;
        for (int32_t v = 0; v < a->vectors; v++) {
            if (terms <= outputs) {
                fvi_vf value[MOST_VECTORS];
#pragma GCC unroll 8
                for (int t = 0; t < terms; t++)
                    value[t] = load_once(x[t]);
#pragma GCC unroll 8
                for (int k = 0; k < outputs; k++) {
                    const fvi_vf slope = load_once(d[k / 3] + (k % 3) * d_output);
#pragma GCC unroll 8
                    for (int t = 0; t < terms; t++)
                        acc[t * outputs + k] = fvi_vf_fma(value[t], slope, acc[t * outputs + k]);
                }
            } else {
                fvi_vf slope[FVI_PIXEL_GEMM_OUTPUTS];
#pragma GCC unroll 8
                for (int k = 0; k < outputs; k++)
                    slope[k] = fvi_vf_load(d[k / 3] + (k % 3) * d_output);
#pragma GCC unroll 8
                for (int t = 0; t < terms; t++) {
                    const fvi_vf value = load_once(x[t]);
#pragma GCC unroll 8
                    for (int k = 0; k < outputs; k++)
                        acc[t * outputs + k] = fvi_vf_fma(value, slope[k], acc[t * outputs + k]);
                }
            }
#pragma GCC unroll 8
            for (int t = 0; t < terms; t++)
                x[t] += LANES;
#pragma GCC unroll 8
            for (int i = 0; i < (outputs + 2) / 3; i++)
                d[i] += LANES;
        }
#pragma GCC unroll 64
        for (int i = 0; i < outputs * terms; i++)
            fvi_vf_store(out + i * LANES, acc[i]);
    }
}

/* A vector of pixels of two channels. */
FVI_INLINE void copy_pairs(const float *from, ptrdiff_t from_pixel, float *to, ptrdiff_t to_channel)
{
    quarter even[LANES / 4], odd[LANES / 4];
#pragma GCC unroll 4
    for (int at = 0; at < LANES / 4; at++) {
        const float *pixel = from + 4 * at * from_pixel;
        even[at] = (quarter)(doubles){ load_two(pixel), load_two(pixel + from_pixel) };
        odd[at] = (quarter)(doubles){ load_two(pixel + 2 * from_pixel), load_two(pixel + 3 * from_pixel) };
    }
    const fvi_vf first = join(even), second = join(odd);
    fvi_vf_store(to, EVENS(first, second));
    fvi_vf_store(to + to_channel, ODDS(first, second));
}

/* A vector of pixels of `count` channels, at most four. */
FVI_INLINE void copy_block(const float *from, ptrdiff_t from_pixel, float *to, ptrdiff_t to_channel, const int count)
{
    fvi_vf v[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        quarter parts[LANES / 4];
#pragma GCC unroll 4
        for (int at = 0; at < LANES / 4; at++)
            parts[at] = load_part(from + (4 * at + i) * from_pixel, count);
        v[i] = join(parts);
    }
    transpose(v);
#pragma GCC unroll 4
    for (int c = 0; c < count; c++)
        fvi_vf_store(to + c * to_channel, v[c]);
}

/* Rows of at least a vector of pixels; the last vector is moved back to end with the row. */
FVI_INLINE void copy_channels(const fvi_pixel_gemm_copy *a, int32_t first, const int count)
{
    const ptrdiff_t from_pixel = a->from_pixel, to_channel = a->to_channel;
    const int32_t pixels = a->pixels, last = pixels - LANES;
    const float *from = a->from + first;
    float *to = a->to + first * to_channel;
    for (int32_t row = 0; row < a->rows; row++, from += a->from_row, to += a->to_row) {
        for (int32_t p = 0; p < pixels; p += LANES) {
            const ptrdiff_t at = p < last ? p : last;
            if (count == 2)
                copy_pairs(from + at * from_pixel, from_pixel, to + at, to_channel);
            else
                copy_block(from + at * from_pixel, from_pixel, to + at, to_channel, count);
        }
    }
}

FVI_INLINE void copy_plane(const fvi_pixel_gemm_copy *a)
{
    const int32_t last = a->pixels - LANES;
    const float *from = a->from;
    float *to = a->to;
    for (int32_t row = 0; row < a->rows; row++, from += a->from_row, to += a->to_row)
        for (int32_t p = 0; p < a->pixels; p += LANES) {
            const ptrdiff_t at = p < last ? p : last;
            fvi_vf_store(to + at, fvi_vf_load(from + at));
        }
}

static void copy_few(const fvi_pixel_gemm_copy *a)
{
    for (int32_t row = 0; row < a->rows; row++)
        for (int32_t p = 0; p < a->pixels; p++)
            for (int32_t c = 0; c < a->channels; c++)
                a->to[row * a->to_row + c * a->to_channel + p] = a->from[row * a->from_row + p * a->from_pixel + c];
}

static void copy(const fvi_pixel_gemm_copy *a)
{
    if (a->pixels < LANES) {
        copy_few(a);
        return;
    }
    if (a->channels == 1 && a->from_pixel == 1) {
        copy_plane(a);
        return;
    }
    int32_t first = 0;
    for (; first + 4 <= a->channels; first += 4)
        copy_channels(a, first, 4);
    if (a->channels - first == 1)
        copy_channels(a, first, 1);
    else if (a->channels - first == 2)
        copy_channels(a, first, 2);
    else if (a->channels - first == 3)
        copy_channels(a, first, 3);
}

static void sum(size_t count, const float *from, float *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = fvi_vf_sum(fvi_vf_load(from + i * LANES));
}

/* Vectors per tile of 1, 2, ... outputs: as many as the registers hold. */
#if defined(FVI_SIMD_TWICE_AVX2) || defined(FVI_INFERENCE_ONLY) /* of the latter for its size */
#define OUTPUTS 4
#define TILES(entry) UP_TO_3(entry, 1) UP_TO_2(entry, 2) UP_TO_2(entry, 3) UP_TO_1(entry, 4)
#define VECTORS 3, 2, 2, 1
#define ROW_VECTORS 2
#define ROW_TILES(entry) UP_TO_2(entry, 1)
#elif defined(FVI_SIMD_AVX512) || defined(FVI_SIMD_NEON)
#define OUTPUTS 8
#define TILES(entry)                                                                                                   \
    UP_TO_6(entry, 1)                                                                                                  \
    UP_TO_6(entry, 2)                                                                                                  \
    UP_TO_6(entry, 3) UP_TO_6(entry, 4) UP_TO_5(entry, 5) UP_TO_4(entry, 6) UP_TO_3(entry, 7) UP_TO_3(entry, 8)
#define VECTORS 6, 6, 6, 6, 5, 4, 3, 3
#define ROW_VECTORS 6
#define ROW_TILES(entry) UP_TO_6(entry, 1)
#else
#define OUTPUTS 6
#define TILES(entry)                                                                                                   \
    UP_TO_6(entry, 1) UP_TO_6(entry, 2) UP_TO_4(entry, 3) UP_TO_3(entry, 4) UP_TO_2(entry, 5) UP_TO_2(entry, 6)
#define VECTORS 6, 6, 4, 3, 2, 2
#define ROW_VECTORS 4
#define ROW_TILES(entry) UP_TO_4(entry, 1)
#endif

#define UP_TO_1(entry, k) entry(k, 1)
#define UP_TO_2(entry, k) UP_TO_1(entry, k) entry(k, 2)
#define UP_TO_3(entry, k) UP_TO_2(entry, k) entry(k, 3)
#define UP_TO_4(entry, k) UP_TO_3(entry, k) entry(k, 4)
#define UP_TO_5(entry, k) UP_TO_4(entry, k) entry(k, 5)
#define UP_TO_6(entry, k) UP_TO_5(entry, k) entry(k, 6)

/* One function per tile size. */
#define KERNEL(outputs, vectors)                                                                                       \
    static void forward_##outputs##x##vectors(const fvi_pixel_gemm_forward *arguments)                                 \
    {                                                                                                                  \
        forward(arguments, outputs, vectors);                                                                          \
    }                                                                                                                  \
    static void outer_##outputs##x##vectors(const fvi_pixel_gemm_outer *arguments)                                     \
    {                                                                                                                  \
        outer(arguments, outputs, vectors);                                                                            \
    }
#define ROWS_KERNEL(outputs, vectors)                                                                                  \
    static void rows_##vectors(const fvi_pixel_gemm_forward *arguments)                                                \
    {                                                                                                                  \
        forward_rows(arguments, vectors);                                                                              \
    }

TILES(KERNEL)
ROW_TILES(ROWS_KERNEL)

#define FORWARD_NAME(outputs, vectors) [outputs - 1][vectors - 1] = forward_##outputs##x##vectors,
#define OUTER_NAME(outputs, vectors) [outputs - 1][vectors - 1] = FVI_TRAINS(outer_##outputs##x##vectors),
#define ROWS_NAME(outputs, vectors) [vectors - 1] = rows_##vectors,
#define TEXT(x) #x
#define TEXT_EXPANDED(x) TEXT(x)

extern const fvi_brgemm FVI_ISA_NAME(fvi_brgemm);

const fvi_pixel_gemm FVI_ISA_NAME(fvi_pixel_gemm) = {
    .name = TEXT_EXPANDED(FVI_ISA_SUFFIX),
    .lanes = LANES,
    .channels = &FVI_ISA_NAME(fvi_brgemm),
    .outputs = OUTPUTS,
    .vectors = { VECTORS },
    .row_vectors = ROW_VECTORS,
    .forward = { TILES(FORWARD_NAME) },
    .rows = { ROW_TILES(ROWS_NAME) },
    .outer = { TILES(OUTER_NAME) },
    .copy = copy,
    .sum = sum,
};
