/* SPDX-License-Identifier: Apache-2.0
 *
 * dropout.isa.c - random masks in float32: Philox4x32-10 (src/base/random.c) on one block of four draws in each lane, then the
 * masks, a vector at a time. The draws and bits of dropout.real.c.
 */
#include "base/random.h"
#include "kernel/vector.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { LANES = FVI_ISA_LANES, DRAWS = 256, ROUNDS = 10 };

typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef uint32_t words_unaligned __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint64_t products __attribute__((vector_size(4 * LANES)));

/* The low halves of a times m. */
FVI_INLINE products multiply_low(products a, uint32_t m)
{
#if defined(FVI_SIMD_AVX512)
    return (products)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64((long long)m));
#elif defined(FVI_SIMD_AVX2)
    return (products)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x((long long)m));
#elif defined(__SSE2__) && FVI_ISA_LANES == 4
    return (products)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x((long long)m));
#else
    return (a & UINT32_MAX) * m;
#endif
}

/* Both halves of the products of all words with m. */
FVI_INLINE void multiply(words a, uint32_t m, words *high, words *low)
{
    const products even = multiply_low((products)a, m), odd = multiply_low((products)a >> 32, m);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "the even words are the low halves here"
#endif
    *high = (words)((even >> 32) | (odd & ~(products){ 0 } << 32));
    *low = (words)((even & UINT32_MAX) | (odd << 32));
}

/* Draws [4*block, 4*(block + LANES)). */
FVI_INLINE void draw_blocks(const fvi_random *random, uint64_t block, uint32_t *draws)
{
    uint32_t word[4][LANES];
    for (uint32_t i = 0; i < LANES; i++) {
        word[0][i] = (uint32_t)(block + i);
        word[1][i] = (uint32_t)((block + i) >> 32);
    }
    const words zero = { 0 };
    words c0 = (words) * (const words_unaligned *)word[0], c1 = (words) * (const words_unaligned *)word[1];
    words c2 = zero + (uint32_t)random->stream, c3 = zero + (uint32_t)(random->stream >> 32);
    uint32_t k0 = random->key[0], k1 = random->key[1];
    for (int round = 0; round < ROUNDS; round++) {
        words high0, low0, high2, low2;
        multiply(c0, UINT32_C(0xD2511F53), &high0, &low0);
        multiply(c2, UINT32_C(0xCD9E8D57), &high2, &low2);
        c0 = high2 ^ c1 ^ k0;
        c1 = low2;
        c2 = high0 ^ c3 ^ k1;
        c3 = low0;
        k0 += UINT32_C(0x9E3779B9);
        k1 += UINT32_C(0xBB67AE85);
    }
    *(words_unaligned *)word[0] = (words_unaligned)c0;
    *(words_unaligned *)word[1] = (words_unaligned)c1;
    *(words_unaligned *)word[2] = (words_unaligned)c2;
    *(words_unaligned *)word[3] = (words_unaligned)c3;
    for (size_t i = 0; i < LANES; i++)
        for (size_t w = 0; w < 4; w++)
            draws[4 * i + w] = word[w][i];
}

/* Where the draws are: at[0] is draw `position`; whole blocks before and behind it. */
typedef struct draw_buffer {
    uint32_t draws[DRAWS + 4 * LANES + 4];
} draw_buffer;

static const uint32_t *draw(const fvi_random *random, uint64_t position, size_t count, draw_buffer *buffer)
{
    const size_t skipped = (size_t)(position % 4);
    for (size_t i = 0; i < skipped + count; i += 4 * LANES)
        draw_blocks(random, (position + i) / 4, buffer->draws + i);
    return buffer->draws + skipped;
}

FVI_INLINE fvi_vf mask(fvi_vf x, const uint32_t *draws, words drop, fvi_vf factor)
{
    const fvi_vf zero = { 0 };
    return fvi_vf_select((fvi_vi)((words) * (const words_unaligned *)draws < drop), zero, x * factor);
}

/* count at most DRAWS; reads up to LANES - 1 draws beyond. */
FVI_INLINE void mask_run(size_t count, const uint32_t *draws, words drop, fvi_vf factor, const float *x, float *y)
{
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(y + i, mask(fvi_vf_load(x + i), draws + i, drop, factor));
    if (i < count)
        fvi_vf_store_first(y + i, mask(fvi_vf_load_first(x + i, count - i), draws + i, drop, factor), count - i);
}

void FVI_ISA_NAME(fvi_dropout_f32)(size_t count, const fvi_random *random, uint64_t position, uint32_t drop,
                                   double scale, const void *x, void *y)
{
    const fvi_vf factor = fvi_vf_splat((float)scale);
    const words zero = { 0 };
    draw_buffer buffer;
    for (size_t done = 0; done < count; done += DRAWS) {
        const size_t part = count - done < DRAWS ? count - done : DRAWS;
        const uint32_t *draws = draw(random, position + done, part, &buffer);
        mask_run(part, draws, zero + drop, factor, (const float *)x + done, (float *)y + done);
    }
}

void FVI_ISA_NAME(fvi_dropout_channels_f32)(size_t pixels, size_t channels, const fvi_random *random, uint32_t drop,
                                            double scale, ptrdiff_t x_stride, const void *x, ptrdiff_t y_stride,
                                            void *y)
{
    const fvi_vf factor = fvi_vf_splat((float)scale);
    const words zero = { 0 };
    draw_buffer buffer;
    for (size_t done = 0; done < channels; done += DRAWS) {
        const size_t part = channels - done < DRAWS ? channels - done : DRAWS;
        const uint32_t *draws = draw(random, done, part, &buffer);
        for (size_t i = 0; i < pixels; i++)
            mask_run(part, draws, zero + drop, factor, (const float *)x + (ptrdiff_t)i * x_stride + (ptrdiff_t)done,
                     (float *)y + (ptrdiff_t)i * y_stride + (ptrdiff_t)done);
    }
}
