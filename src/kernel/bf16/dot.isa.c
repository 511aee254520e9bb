/* SPDX-License-Identifier: Apache-2.0
 *
 * dot.isa.c - products of bfloat16 numbers summed in float32, two at a time: what AVX-512 BF16's VDPBF16PS does. A lane of a vector
 * of 32 bits holds a pair; y[l] += x.high[l]*w.high[l], then y[l] += x.low[l]*w.low[l], each rounded once, as Intel's
 * manual describes the instruction. Elsewhere the same by two FMAs on the halves (without FMA, baseline: rounded once too, since
 * a product of two 8-bit mantissas is exact in float32).
 * Two forms: rows of pairs along the inputs times packed weights (forward, backward by data), and sums over pairs of
 * pixels (backward by weights). Diagram: docs/kernel-contract.md.
 */
#include "kernel/bf16/dot.h"
#include "base/simd.h"

enum { LANES = FVI_ISA_LANES, VECTORS = FVI_BF16_VECTORS, ROWS = FVI_BF16_ROWS };

/* acc + x.high*w.high + x.low*w.low */
FVI_INLINE fvi_vf dot(fvi_vf acc, fvi_vi x, fvi_vi w)
{
#if defined(__AVX512BF16__)
    return (fvi_vf)_mm512_dpbf16_ps((__m512)acc, (__m512bh)x, (__m512bh)w);
#else
    const fvi_vi high = fvi_vi_splat((int32_t)0xffff0000);
    acc = fvi_vf_fma(fvi_vf_from_bits(x & high), fvi_vf_from_bits(w & high), acc);
    return fvi_vf_fma(fvi_vf_from_bits(x << 16), fvi_vf_from_bits(w << 16), acc);
#endif
}

FVI_INLINE fvi_vi splat_pair(const uint16_t *pair)
{
    int32_t bits;
    memcpy(&bits, pair, sizeof bits);
    return fvi_vi_splat(bits);
}

FVI_INLINE void rows_tile(const fvi_bf16_rows *a, int rows)
{
    fvi_vf acc[ROWS][VECTORS];
    const int32_t *w = a->w;
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            acc[i][v] = fvi_vf_load((a->init != NULL ? a->init : a->y + i * a->y_row) + v * LANES);
    for (size_t p = 0; p < a->pairs; p++, w += VECTORS * LANES) {
        fvi_vi weight[VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            weight[v] = fvi_vi_load(w + v * LANES);
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++) {
            const fvi_vi x = splat_pair(a->x + i * a->x_row + 2 * (ptrdiff_t)p);
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++)
                acc[i][v] = dot(acc[i][v], x, weight[v]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            fvi_vf_store(a->y + i * a->y_row + v * LANES, acc[i][v]);
}

static void rows(const fvi_bf16_rows *arguments)
{
    fvi_bf16_rows a = *arguments;
    for (; a.rows >= ROWS; a.rows -= ROWS, a.x += ROWS * a.x_row, a.y += ROWS * a.y_row)
        rows_tile(&a, ROWS);
    for (; a.rows > 0; a.rows--, a.x += a.x_row, a.y += a.y_row)
        rows_tile(&a, 1);
}

FVI_INLINE void sums_tile(const fvi_bf16_sums *a, int inputs)
{
    fvi_vf acc[ROWS][VECTORS];
#pragma GCC unroll 8
    for (int i = 0; i < inputs; i++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            acc[i][v] = fvi_vf_load(a->sum + (i * VECTORS + v) * LANES);
    for (size_t p = 0; p < a->pairs; p++) {
        const int32_t *d = a->dy + p * VECTORS * LANES, *x = a->x + p * a->x_pairs;
        fvi_vi gradient[VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            gradient[v] = fvi_vi_load(d + v * LANES);
#pragma GCC unroll 8
        for (int i = 0; i < inputs; i++)
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++)
                acc[i][v] = dot(acc[i][v], fvi_vi_splat(x[i]), gradient[v]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < inputs; i++)
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            fvi_vf_store(a->sum + (i * VECTORS + v) * LANES, acc[i][v]);
}

static void sums(const fvi_bf16_sums *arguments)
{
    fvi_bf16_sums a = *arguments;
    for (; a.inputs >= ROWS; a.inputs -= ROWS, a.x += ROWS, a.sum += ROWS * VECTORS * LANES)
        sums_tile(&a, ROWS);
    for (; a.inputs > 0; a.inputs--, a.x++, a.sum += VECTORS * LANES)
        sums_tile(&a, 1);
}

static void pair(size_t count, const uint16_t *low, const uint16_t *high, int32_t *to)
{
    typedef uint16_t half_vector __attribute__((vector_size(2 * FVI_ISA_LANES)));
    typedef uint16_t half_unaligned __attribute__((vector_size(2 * FVI_ISA_LANES), aligned(2), may_alias));
    typedef uint32_t whole_vector __attribute__((vector_size(4 * FVI_ISA_LANES)));
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const half_vector a = (half_vector) * (const half_unaligned *)(low + i);
        const half_vector b = (half_vector) * (const half_unaligned *)(high + i);
        fvi_vi_store(to + i, (fvi_vi)(__builtin_convertvector(a, whole_vector) |
                                      __builtin_convertvector(b, whole_vector) << 16));
    }
    for (; i < count; i++)
        to[i] = (int32_t)((uint32_t)low[i] | (uint32_t)high[i] << 16);
}

_Static_assert(FVI_BF16_VECTORS *FVI_ISA_LANES <= FVI_BF16_OUTPUTS_MOST, "room in packing");

#define FVI_QUOTE(text) #text
#define FVI_QUOTE_EXPANDED(text) FVI_QUOTE(text)

extern const fvi_bf16_dot FVI_ISA_NAME(fvi_bf16_dot);
const fvi_bf16_dot FVI_ISA_NAME(fvi_bf16_dot) = {
    .name = "bf16_" FVI_QUOTE_EXPANDED(FVI_ISA_SUFFIX),
    .outputs = VECTORS * LANES,
    .rows = rows,
    .sums = sums,
    .pair = pair,
};
