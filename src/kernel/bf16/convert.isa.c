/* SPDX-License-Identifier: Apache-2.0
 *
 * convert.isa.c - rows from float32 to bfloat16 and back. AVX-512 BF16 has an instruction for rounding; elsewhere it is integer
 * arithmetic on the bits, with the same results (base/bf16.h).
 */
#include "base/simd.h"
#include "kernel/bf16/bf16.h"

enum { LANES = FVI_ISA_LANES };

typedef uint16_t bf16_vector __attribute__((vector_size(2 * FVI_ISA_LANES)));
typedef uint32_t bits_vector __attribute__((vector_size(4 * FVI_ISA_LANES)));
typedef uint16_t bf16_unaligned __attribute__((vector_size(2 * FVI_ISA_LANES), aligned(2), may_alias));

FVI_INLINE bf16_vector narrow_vector(fvi_vf x)
{
#if defined(__AVX512BF16__)
    return (bf16_vector)_mm512_cvtneps_pbh((__m512)x);
#else
    const fvi_vi bits = fvi_vf_bits(x), magnitude = bits & 0x7fffffff;
    const fvi_vi rounded = bits + 0x7fff + (fvi_vi)((bits_vector)bits >> 16 & 1);
    const fvi_vi nan = magnitude > 0x7f800000, small = magnitude < 0x00800000;
    fvi_vi chosen = fvi_vi_select(nan, bits | 0x00400000, rounded);
    chosen = fvi_vi_select(small, bits & INT32_MIN, chosen);
    return __builtin_convertvector((bits_vector)chosen >> 16, bf16_vector);
#endif
}

static void narrow(size_t count, const float *from, uint16_t *to)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        *(bf16_unaligned *)(to + i) = (bf16_unaligned)narrow_vector(fvi_vf_load(from + i));
    for (; i < count; i++)
        to[i] = fvi_bf16_from_float(from[i]);
}

FVI_INLINE fvi_vf widen_vector(const uint16_t *from)
{
    const bf16_vector x = (bf16_vector) * (const bf16_unaligned *)from;
    return (fvi_vf)(__builtin_convertvector(x, bits_vector) << 16);
}

static void widen(size_t count, const uint16_t *from, float *to)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(to + i, widen_vector(from + i));
    for (; i < count; i++)
        to[i] = fvi_bf16_to_float(from[i]);
}

static void add(size_t count, const uint16_t *a, const uint16_t *b, uint16_t *y)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        *(bf16_unaligned *)(y + i) = (bf16_unaligned)narrow_vector(widen_vector(a + i) + widen_vector(b + i));
    for (; i < count; i++)
        y[i] = fvi_bf16_from_float(fvi_bf16_to_float(a[i]) + fvi_bf16_to_float(b[i]));
}

#define FVI_QUOTE(text) #text
#define FVI_QUOTE_EXPANDED(text) FVI_QUOTE(text)

extern const fvi_bf16_kernels FVI_ISA_NAME(fvi_bf16);
const fvi_bf16_kernels FVI_ISA_NAME(fvi_bf16) = {
    .name = FVI_QUOTE_EXPANDED(FVI_ISA_SUFFIX),
    .narrow = narrow,
    .widen = widen,
    .add = add,
};
