/* SPDX-License-Identifier: Apache-2.0
 *
 * dot.isa.c - the 8-bit kernels of one instruction set. Products of bytes are summed
 *   four at a time where there is an instruction for it: VPDPBUSD (AVX-512 VNNI, AVX-VNNI: u8 * s8), SDOT (s8 * s8, so that 128 is
 *     taken off the activations first, which the sum's start makes good); the 16 lanes of "wide" spell it out;
 *   else two at a time, as numbers of 16 bits: VPMADDWD (AVX-512, AVX2, SSE2), SMULL and ADDP (NEON). VPMADDUBSW would read bytes as
 *     they are, but saturates at 16 bits: 255*127 twice does not fit.
 * None of these can overflow: a pair is at most 2*255*127, a quad twice that, and sums are of at most FVI_INT8_TERMS_MOST products.
 */
#include "kernel/int8/int8.h"

#include "base/simd.h"

#if defined(__SSE2__) && !defined(__AVX2__)
#include <emmintrin.h>
#endif

enum { LANES = FVI_ISA_LANES, VECTORS = FVI_INT8_VECTORS, ROWS = FVI_INT8_ROWS };

#if defined(__AVX512VNNI__) || defined(__AVXVNNI__) || defined(__ARM_FEATURE_DOTPROD) || defined(FVI_SIMD_TWICE_AVX2)
#define GROUP 4
#else
#define GROUP 2
#endif
#if defined(__ARM_FEATURE_DOTPROD)
#define X_OFFSET 128
#else
#define X_OFFSET 0
#endif

/* acc + the products of the two numbers of 16 bits in each lane */
FVI_INLINE fvi_vi dot_pair(fvi_vi acc, fvi_vi x, fvi_vi w)
{
#if defined(__AVX512BW__) && FVI_ISA_LANES == 16
    return acc + (fvi_vi)_mm512_madd_epi16((__m512i)x, (__m512i)w);
#elif defined(__AVX2__) && FVI_ISA_LANES == 8
    return acc + (fvi_vi)_mm256_madd_epi16((__m256i)x, (__m256i)w);
#elif defined(__SSE2__) && FVI_ISA_LANES == 4
    return acc + (fvi_vi)_mm_madd_epi16((__m128i)x, (__m128i)w);
#elif defined(FVI_SIMD_NEON)
    const int16x8_t a = (int16x8_t)x, b = (int16x8_t)w;
    return acc + (fvi_vi)vpaddq_s32(vmull_s16(vget_low_s16(a), vget_low_s16(b)), vmull_high_s16(a, b));
#else
    return acc + (x << 16 >> 16) * (w << 16 >> 16) + (x >> 16) * (w >> 16);
#endif
}

/* acc + the products of the numbers in each lane, of which there are GROUP */
FVI_INLINE fvi_vi dot(fvi_vi acc, fvi_vi x, fvi_vi w)
{
#if defined(__AVX512VNNI__) && FVI_ISA_LANES == 16
    return (fvi_vi)_mm512_dpbusd_epi32((__m512i)acc, (__m512i)x, (__m512i)w);
#elif defined(__AVXVNNI__) && FVI_ISA_LANES == 8
    return (fvi_vi)_mm256_dpbusd_avx_epi32((__m256i)acc, (__m256i)x, (__m256i)w);
#elif defined(__ARM_FEATURE_DOTPROD)
    return (fvi_vi)vdotq_s32((int32x4_t)acc, (int8x16_t)x, (int8x16_t)w);
#elif GROUP == 4
    acc += (x & 255) * (w << 24 >> 24);
    acc += (x >> 8 & 255) * (w << 16 >> 24);
    acc += (x >> 16 & 255) * (w << 8 >> 24);
    return acc + (x >> 24 & 255) * (w >> 24);
#else
    return dot_pair(acc, x, w);
#endif
}

FVI_INLINE fvi_vi splat_group(const char *x)
{
    int32_t bits;
    memcpy(&bits, x, sizeof bits);
    return fvi_vi_splat(bits);
}

FVI_INLINE void rows_tile(const fvi_int8_rows *a, int rows)
{
    fvi_vi acc[ROWS][VECTORS];
    const int32_t *w = a->w;
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            acc[i][v] = fvi_vi_load((a->init != NULL ? a->init : a->y + (size_t)i * a->y_row) + v * LANES);
    for (size_t segment = 0; segment < a->segments; segment++) {
        const char *from = a->x + segment * a->x_segment;
        for (size_t p = 0; p < a->steps; p++, w += VECTORS * LANES) {
            fvi_vi weight[VECTORS];
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++)
                weight[v] = fvi_vi_load(w + v * LANES);
#pragma GCC unroll 8
            for (int i = 0; i < rows; i++) {
                const fvi_vi x = splat_group(from + (size_t)i * a->x_row + 4 * p);
#pragma GCC unroll 2
                for (int v = 0; v < VECTORS; v++)
                    acc[i][v] = dot(acc[i][v], x, weight[v]);
            }
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            fvi_vi_store(a->y + (size_t)i * a->y_row + v * LANES, acc[i][v]);
}

static void rows(const fvi_int8_rows *arguments)
{
    fvi_int8_rows a = *arguments;
    for (; a.rows >= ROWS; a.rows -= ROWS, a.x += ROWS * a.x_row, a.y += ROWS * a.y_row)
        rows_tile(&a, ROWS);
    if (a.rows >= 4) {
        rows_tile(&a, 4);
        a.rows -= 4, a.x += 4 * a.x_row, a.y += 4 * a.y_row;
    }
    if (a.rows >= 2) {
        rows_tile(&a, 2);
        a.rows -= 2, a.x += 2 * a.x_row, a.y += 2 * a.y_row;
    }
    if (a.rows > 0)
        rows_tile(&a, 1);
}

typedef uint8_t bytes_vector __attribute__((vector_size(FVI_ISA_LANES)));
typedef uint8_t bytes_unaligned __attribute__((vector_size(FVI_ISA_LANES), aligned(1), may_alias));

FVI_INLINE fvi_vi load_bytes(const uint8_t *from)
{
    return __builtin_convertvector((bytes_vector) * (const bytes_unaligned *)from, fvi_vi);
}

FVI_INLINE void store_bytes(uint8_t *to, fvi_vi v)
{
    *(bytes_unaligned *)to = (bytes_unaligned) __builtin_convertvector(v, bytes_vector);
}

/* The first `count` lanes, which is less than LANES. */
FVI_INLINE fvi_vi load_bytes_first(const uint8_t *from, size_t count)
{
    uint8_t lane[FVI_ISA_LANES] = { 0 };
    for (size_t i = 0; i < count; i++)
        lane[i] = from[i];
    return load_bytes(lane);
}

FVI_INLINE void store_bytes_first(uint8_t *to, fvi_vi v, size_t count)
{
    uint8_t lane[FVI_ISA_LANES];
    const uint8_t *from = lane;
    store_bytes(lane, v);
#pragma GCC unroll 4
    for (size_t part = 8; part > 0; part /= 2)
        if (part < LANES && (count & part) != 0) {
            memcpy(to, from, part);
            to += part;
            from += part;
        }
}

static void depthwise(const fvi_int8_deep *a)
{
    for (size_t j = 0; j < a->pixels; j++) {
        const ptrdiff_t x = (ptrdiff_t)j * a->x_step;
        for (size_t c = 0; c < a->channels; c += LANES) {
            fvi_vi acc = fvi_vi_load(a->init + c);
            const int32_t *w = a->w + c;
            for (size_t t = 0; t < a->taps; t += 2, w += a->channels) {
                const uint8_t *low = a->x[t] + x + c, *high = t + 1 < a->taps ? a->x[t + 1] + x + c : low; /* times 0 */
                acc = dot_pair(acc, load_bytes(low) | load_bytes(high) << 16, fvi_vi_load(w));
            }
            fvi_vi_store(a->y + j * a->channels + c, acc);
        }
    }
}

static void spread(size_t count, const uint8_t *restrict from, void *restrict to)
{
#if GROUP == 4
    uint8_t *y = to;
    for (size_t i = 0; i < count; i++)
        y[i] = from[i] ^ X_OFFSET;
#else
    int16_t *y = to;
    for (size_t i = 0; i < count; i++)
        y[i] = from[i];
#endif
}

static void spread_value(size_t count, uint8_t value, void *to)
{
#if GROUP == 4
    memset(to, value ^ X_OFFSET, count);
#else
    int16_t *y = to;
    for (size_t i = 0; i < count; i++)
        y[i] = value;
#endif
}

static void pack(size_t count, const int8_t *const w[4], int32_t *to)
{
    for (size_t k = 0; k < count; k++) {
        uint32_t bits = 0;
        for (int j = 0; j < GROUP; j++)
            bits |= ((uint32_t)(int32_t)w[j][k] & (GROUP == 4 ? 0xffu : 0xffffu)) << (32 / GROUP * j);
        memcpy(to + k, &bits, sizeof bits);
    }
}

/* Rounds to whole numbers, halves to even: of magnitudes below 2^22 adding this leaves no room for fractions. */
FVI_INLINE fvi_vi round_even(fvi_vf v)
{
    const float room = 12582912.0f; /* 1.5 * 2^23 */
    return fvi_vf_bits(v + fvi_vf_splat(room)) - fvi_vf_bits(fvi_vf_splat(room));
}

/* NaN gives low: the comparisons of fvi_vf_max and min are false then. */
FVI_INLINE fvi_vi to_byte(fvi_vf t, int32_t zero, int32_t lowest)
{
    const fvi_vf low = fvi_vf_splat((float)(lowest - zero)), high = fvi_vf_splat((float)(255 - zero));
    return round_even(fvi_vf_min(fvi_vf_max(t, low), high)) + fvi_vi_splat(zero);
}

FVI_INLINE fvi_vf scaled(fvi_vi sum, fvi_vf factor, fvi_vf bias)
{
    return fvi_vi_to_float(sum) * factor + bias;
}

static void ends(const fvi_int8_run *run, const fvi_int8_ends *e, const int32_t *sums, uint8_t *y)
{
    const fvi_vf inverse = fvi_vf_splat(e->inverse);
    for (size_t k = 0; k < run->channels; k += LANES) {
        const size_t left = run->channels - k;
        const fvi_vf factor = fvi_vf_load(e->factor + k), bias = fvi_vf_load(e->bias + k);
        for (size_t i = 0; i < run->pixels; i++) {
            const fvi_vf t = scaled(fvi_vi_load(sums + i * run->row + k), factor, bias);
            const fvi_vi q = to_byte(t * inverse, e->zero, e->lowest);
            uint8_t *to = y + (ptrdiff_t)i * run->y_step + (ptrdiff_t)k;
            if (left >= LANES)
                store_bytes(to, q);
            else
                store_bytes_first(to, q, left);
        }
    }
}

static void scale(const fvi_int8_run *run, const fvi_int8_ends *e, const int32_t *sums, float *y)
{
    for (size_t i = 0; i < run->pixels; i++, sums += run->row, y += run->row)
        for (size_t k = 0; k < run->channels; k += LANES) {
            const size_t left = run->channels - k;
            const fvi_vf t = scaled(fvi_vi_load(sums + k), fvi_vf_load(e->factor + k), fvi_vf_load(e->bias + k));
            if (left >= LANES)
                fvi_vf_store(y + k, t);
            else
                fvi_vf_store_first(y + k, t, left);
        }
}

static void quantize(size_t count, float inverse, int32_t zero, const float *x, uint8_t *q)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        store_bytes(q + i, to_byte(fvi_vf_load(x + i) * fvi_vf_splat(inverse), zero, 0));
    if (i < count)
        store_bytes_first(q + i, to_byte(fvi_vf_load_first(x + i, count - i) * fvi_vf_splat(inverse), zero, 0),
                          count - i);
}

static void dequantize(size_t count, float factor, int32_t zero, const uint8_t *q, float *x)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(x + i, fvi_vi_to_float(load_bytes(q + i) - fvi_vi_splat(zero)) * fvi_vf_splat(factor));
    if (i < count)
        fvi_vf_store_first(
            x + i, fvi_vi_to_float(load_bytes_first(q + i, count - i) - fvi_vi_splat(zero)) * fvi_vf_splat(factor),
            count - i);
}

/* The largest of a window's bytes; `count` windows side by side, 16 at most. */
FVI_INLINE void largest_of(const fvi_int8_pool *a, const uint8_t *x, int32_t columns, size_t count, uint8_t *y)
{
    typedef uint8_t bytes __attribute__((vector_size(16)));
    bytes most = { 0 }, found = { 0 };
    for (int32_t r = 0; r < a->rows; r++)
        for (int32_t s = 0; s < columns; s++) {
            memcpy(&found, x + r * a->x_row + s * a->x_step, count);
            const bytes larger = (bytes)(found > most);
            most = (found & larger) | (most & ~larger);
        }
    memcpy(y, &most, count);
}

static void max_pool(const fvi_int8_pool *a)
{
    for (int32_t j = 0; j < a->pixels; j++) {
        const int32_t begin = j * a->stride - a->pad, end = begin + a->columns;
        const int32_t first = begin < 0 ? 0 : begin, columns = (end < a->width ? end : a->width) - first;
        const uint8_t *x = a->x + first * a->x_step;
        uint8_t *y = a->y + j * a->y_step;
        size_t c = 0;
        for (; c + 16 <= a->channels; c += 16)
            largest_of(a, x + c, columns, 16, y + c);
        for (; c + 4 <= a->channels; c += 4)
            largest_of(a, x + c, columns, 4, y + c);
        for (; c < a->channels; c++)
            largest_of(a, x + c, columns, 1, y + c);
    }
}

_Static_assert(FVI_INT8_VECTORS *FVI_ISA_LANES <= FVI_INT8_OUTPUTS_MOST, "room in packing");

#define FVI_QUOTE(text) #text
#define FVI_QUOTE_EXPANDED(text) FVI_QUOTE(text)

extern const fvi_int8_kernels FVI_ISA_NAME(fvi_int8);
const fvi_int8_kernels FVI_ISA_NAME(fvi_int8) = {
    .name = "int8_" FVI_QUOTE_EXPANDED(FVI_ISA_SUFFIX),
    .outputs = VECTORS * LANES,
    .group = GROUP,
    .x_offset = X_OFFSET,
    .element_bytes = 4 / GROUP,
    .rows = rows,
    .depthwise = depthwise,
    .spread = spread,
    .spread_value = spread_value,
    .pack = pack,
    .ends = ends,
    .scale = scale,
    .quantize = quantize,
    .dequantize = dequantize,
    .max_pool = max_pool,
};
