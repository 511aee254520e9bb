/* SPDX-License-Identifier: Apache-2.0
 *
 * simd.h - vectors of FVI_ISA_LANES floats or 32-bit integers, for *.isa.c sources.
 * Thin: the types are GCC vector extensions, so + - * / & | << and comparisons are written as operators; here is only
 * what those cannot say (memory, partial vectors, FMA, selection, sums). Intrinsics where the instruction set has one,
 * plain C otherwise, with the same results; only fvi_vf_fma rounds differently without FMA (baseline).
 * Comparison of vectors gives fvi_vi with all bits set where true.
 */
#ifndef FVI_SIMD_H
#define FVI_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/isa.h"

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#if defined(__AVX512F__) && FVI_ISA_LANES == 16
#define FVI_SIMD_AVX512 1
#elif defined(__AVX2__) && FVI_ISA_LANES == 16
#define FVI_SIMD_TWICE_AVX2 1 /* "wide": each vector is two of AVX2's */
#elif defined(__AVX2__) && FVI_ISA_LANES == 8
#define FVI_SIMD_AVX2 1
#elif defined(__ARM_NEON) && defined(__aarch64__) && FVI_ISA_LANES == 4
#define FVI_SIMD_NEON 1
#endif

#define FVI_INLINE static inline __attribute__((always_inline, unused))

typedef float fvi_vf __attribute__((vector_size(4 * FVI_ISA_LANES)));
typedef int32_t fvi_vi __attribute__((vector_size(4 * FVI_ISA_LANES)));
/* The same vectors at any address of a float or int32. */
typedef float fvi_vf_unaligned __attribute__((vector_size(4 * FVI_ISA_LANES), aligned(4), may_alias));
typedef int32_t fvi_vi_unaligned __attribute__((vector_size(4 * FVI_ISA_LANES), aligned(4), may_alias));

FVI_INLINE fvi_vf fvi_vf_splat(float x)
{
    return x - (fvi_vf){ 0 };
}

FVI_INLINE fvi_vi fvi_vi_splat(int32_t x)
{
    return x - (fvi_vi){ 0 };
}

/* Loads and stores of whole vectors, at any address that is a multiple of 4. */
FVI_INLINE fvi_vf fvi_vf_load(const float *from)
{
    return (fvi_vf) * (const fvi_vf_unaligned *)from;
}

FVI_INLINE void fvi_vf_store(float *to, fvi_vf v)
{
    *(fvi_vf_unaligned *)to = (fvi_vf_unaligned)v;
}

/* A store past the caches, for much memory that is not read soon; `to` is aligned to a vector. fvi_stream_end() must follow before
 * another thread reads it. */
FVI_INLINE void fvi_vf_stream(float *to, fvi_vf v)
{
#if defined(__AVX512F__) && FVI_ISA_LANES == 16
    _mm512_stream_ps(to, (__m512)v);
#elif defined(__AVX2__) && FVI_ISA_LANES == 8
    _mm256_stream_ps(to, (__m256)v);
#else
    fvi_vf_store(to, v);
#endif
}

FVI_INLINE void fvi_stream_end(void)
{
#if defined(__AVX2__)
    _mm_sfence();
#endif
}

FVI_INLINE fvi_vi fvi_vi_load(const int32_t *from)
{
    return (fvi_vi) * (const fvi_vi_unaligned *)from;
}

FVI_INLINE void fvi_vi_store(int32_t *to, fvi_vi v)
{
    *(fvi_vi_unaligned *)to = (fvi_vi_unaligned)v;
}

/* Reinterpretation of the bits. */
FVI_INLINE fvi_vi fvi_vf_bits(fvi_vf v)
{
    return (fvi_vi)v;
}

FVI_INLINE fvi_vf fvi_vf_from_bits(fvi_vi v)
{
    return (fvi_vf)v;
}

/* Conversion of values: towards zero (values must fit), and exact or rounded to nearest. */
FVI_INLINE fvi_vi fvi_vf_truncate(fvi_vf v)
{
    return __builtin_convertvector(v, fvi_vi);
}

FVI_INLINE fvi_vf fvi_vi_to_float(fvi_vi v)
{
    return __builtin_convertvector(v, fvi_vf);
}

/* The first `count` lanes (0 to FVI_ISA_LANES). Make it once outside a loop. Memory beyond them is neither read nor
 * written, so it may end there. */
#if defined(FVI_SIMD_AVX512)
typedef __mmask16 fvi_vmask;

FVI_INLINE fvi_vmask fvi_vmask_first(size_t count)
{
    return (fvi_vmask)((1u << count) - 1u);
}

FVI_INLINE fvi_vf fvi_vf_load_masked(const float *from, fvi_vmask mask) /* other lanes: 0 */
{
    return (fvi_vf)_mm512_maskz_loadu_ps(mask, from);
}

FVI_INLINE void fvi_vf_store_masked(float *to, fvi_vf v, fvi_vmask mask)
{
    _mm512_mask_storeu_ps(to, mask, (__m512)v);
}

#elif defined(FVI_SIMD_AVX2)
typedef __m256i fvi_vmask;

FVI_INLINE fvi_vmask fvi_vmask_first(size_t count)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)count), lane);
}

FVI_INLINE fvi_vf fvi_vf_load_masked(const float *from, fvi_vmask mask)
{
    return (fvi_vf)_mm256_maskload_ps(from, mask);
}

FVI_INLINE void fvi_vf_store_masked(float *to, fvi_vf v, fvi_vmask mask)
{
    _mm256_maskstore_ps(to, mask, (__m256)v);
}

#else
typedef size_t fvi_vmask;

FVI_INLINE fvi_vmask fvi_vmask_first(size_t count)
{
    return count;
}

FVI_INLINE fvi_vf fvi_vf_load_masked(const float *from, fvi_vmask mask)
{
    fvi_vf v = { 0 };
    for (size_t lane = 0; lane < mask; lane++)
        v[lane] = from[lane];
    return v;
}

FVI_INLINE void fvi_vf_store_masked(float *to, fvi_vf v, fvi_vmask mask)
{
    for (size_t lane = 0; lane < mask; lane++)
        to[lane] = v[lane];
}
#endif

FVI_INLINE fvi_vf fvi_vf_load_first(const float *from, size_t count)
{
    return fvi_vf_load_masked(from, fvi_vmask_first(count));
}

FVI_INLINE void fvi_vf_store_first(float *to, fvi_vf v, size_t count)
{
    fvi_vf_store_masked(to, v, fvi_vmask_first(count));
}

/* The first `count` lanes, in pieces of 8, 4, 2 and 1: a masked store is slow on some CPUs that have one. */
FVI_INLINE void fvi_vf_store_pieces(float *to, fvi_vf value, int32_t count)
{
#if defined(FVI_SIMD_AVX512)
    fvi_vf_store_first(to, value, (size_t)count);
#else
    float lane[FVI_ISA_LANES] __attribute__((aligned(64)));
    fvi_vf_store(lane, value);
    const float *from = lane;
    if (FVI_ISA_LANES > 8 && (count & 8) != 0) {
        memcpy(to, from, 8 * sizeof(float));
        to += 8;
        from += 8;
    }
    if (FVI_ISA_LANES > 4 && (count & 4) != 0) {
        memcpy(to, from, 4 * sizeof(float));
        to += 4;
        from += 4;
    }
    if ((count & 2) != 0) {
        memcpy(to, from, 2 * sizeof(float));
        to += 2;
        from += 2;
    }
    if ((count & 1) != 0)
        memcpy(to, from, sizeof(float));
#endif
}

#if defined(FVI_SIMD_TWICE_AVX2)
typedef union fvi_vf_halves {
    fvi_vf whole;
    __m256 half[2];
} fvi_vf_halves;
#endif

/* a * b + c, rounded once where the instruction set has FMA, twice otherwise. */
FVI_INLINE fvi_vf fvi_vf_fma(fvi_vf a, fvi_vf b, fvi_vf c)
{
#if defined(FVI_SIMD_AVX512)
    return (fvi_vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(FVI_SIMD_TWICE_AVX2)
    const fvi_vf_halves x = { a }, y = { b };
    fvi_vf_halves z = { c };
    z.half[0] = _mm256_fmadd_ps(x.half[0], y.half[0], z.half[0]);
    z.half[1] = _mm256_fmadd_ps(x.half[1], y.half[1], z.half[1]);
    return z.whole;
#elif defined(FVI_SIMD_AVX2)
    return (fvi_vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(FVI_SIMD_NEON)
    return (fvi_vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

/* Square roots, rounded to nearest in every instruction set. */
FVI_INLINE fvi_vf fvi_vf_sqrt(fvi_vf v)
{
#if defined(FVI_SIMD_AVX512)
    return (fvi_vf)_mm512_sqrt_ps((__m512)v);
#elif defined(FVI_SIMD_TWICE_AVX2)
    fvi_vf_halves x = { v };
    x.half[0] = _mm256_sqrt_ps(x.half[0]);
    x.half[1] = _mm256_sqrt_ps(x.half[1]);
    return x.whole;
#elif defined(FVI_SIMD_AVX2)
    return (fvi_vf)_mm256_sqrt_ps((__m256)v);
#elif defined(FVI_SIMD_NEON)
    return (fvi_vf)vsqrtq_f32((float32x4_t)v);
#else
    float lane[FVI_ISA_LANES];
    memcpy(lane, &v, sizeof lane);
    for (int i = 0; i < FVI_ISA_LANES; i++)
        lane[i] = sqrtf(lane[i]);
    memcpy(&v, lane, sizeof v);
    return v;
#endif
}

/* mask ? a : b, lane by lane, for a mask that a comparison gave. */
FVI_INLINE fvi_vf fvi_vf_select(fvi_vi mask, fvi_vf a, fvi_vf b)
{
#if defined(FVI_SIMD_AVX2)
    return (fvi_vf)_mm256_blendv_ps((__m256)b, (__m256)a, (__m256)mask);
#else
    return (fvi_vf)((mask & (fvi_vi)a) | (~mask & (fvi_vi)b));
#endif
}

FVI_INLINE fvi_vi fvi_vi_select(fvi_vi mask, fvi_vi a, fvi_vi b)
{
    return (mask & a) | (~mask & b);
}

/* a > b ? x : y; false where a or b is NaN. */
FVI_INLINE fvi_vf fvi_vf_select_greater(fvi_vf a, fvi_vf b, fvi_vf x, fvi_vf y)
{
#if defined(FVI_SIMD_AVX512)
    const __mmask16 mask = _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ);
    return (fvi_vf)_mm512_mask_blend_ps(mask, (__m512)y, (__m512)x);
#else
    return fvi_vf_select(a > b, x, y);
#endif
}

/* a > b ? a : b and a < b ? a : b, as those C expressions: where either is NaN the result is b. To let a NaN in x
 * through a ReLU, write fvi_vf_max(zero, x). */
FVI_INLINE fvi_vf fvi_vf_max(fvi_vf a, fvi_vf b)
{
#if defined(FVI_SIMD_AVX512)
    return (fvi_vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(FVI_SIMD_AVX2)
    return (fvi_vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return fvi_vf_select(a > b, a, b);
#endif
}

FVI_INLINE fvi_vf fvi_vf_min(fvi_vf a, fvi_vf b)
{
#if defined(FVI_SIMD_AVX512)
    return (fvi_vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(FVI_SIMD_AVX2)
    return (fvi_vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
    return fvi_vf_select(a < b, a, b);
#endif
}

/* Lane i of the result is lane index[i] of v; every index is 0 to LANES-1. */
FVI_INLINE fvi_vf fvi_vf_pick(fvi_vf v, fvi_vi index)
{
#if defined(FVI_SIMD_AVX512)
    return (fvi_vf)_mm512_permutexvar_ps((__m512i)index, (__m512)v);
#elif defined(FVI_SIMD_AVX2)
    return (fvi_vf)_mm256_permutevar8x32_ps((__m256)v, (__m256i)index);
#elif defined(FVI_SIMD_NEON)
    const fvi_vi bytes = index * 0x04040404 + 0x03020100; /* of each lane, from the lowest */
    return (fvi_vf)vqtbl1q_u8((uint8x16_t)v, (uint8x16_t)bytes);
#else
    float from[FVI_ISA_LANES], to[FVI_ISA_LANES];
    int32_t at[FVI_ISA_LANES];
    memcpy(from, &v, sizeof from);
    memcpy(at, &index, sizeof at);
    for (int i = 0; i < FVI_ISA_LANES; i++)
        to[i] = from[at[i]];
    memcpy(&v, to, sizeof to);
    return v;
#endif
}

/* The same where each index lies in the four lanes (0 to 3, 4 to 7, ...) of its own: cheaper on x86. */
FVI_INLINE fvi_vf fvi_vf_pick_in_four(fvi_vf v, fvi_vi index)
{
#if defined(FVI_SIMD_AVX512)
    return (fvi_vf)_mm512_permutevar_ps((__m512)v, (__m512i)index);
#elif defined(FVI_SIMD_TWICE_AVX2)
    union {
        fvi_vi whole;
        __m256i half[2];
    } at = { index };
    fvi_vf_halves x = { v };
    x.half[0] = _mm256_permutevar_ps(x.half[0], at.half[0]);
    x.half[1] = _mm256_permutevar_ps(x.half[1], at.half[1]);
    return x.whole;
#elif defined(FVI_SIMD_AVX2)
    return (fvi_vf)_mm256_permutevar_ps((__m256)v, (__m256i)index);
#else
    return fvi_vf_pick(v, index);
#endif
}

/* The sum of all lanes: lane i + lane i + LANES/2, and so on by halves, in every instruction set. */
FVI_INLINE float fvi_vf_sum(fvi_vf v)
{
#if defined(FVI_SIMD_AVX2)
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
#else
    float lane[FVI_ISA_LANES];
    memcpy(lane, &v, sizeof lane);
    for (int width = FVI_ISA_LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            lane[i] += lane[i + width];
    return lane[0];
#endif
}

/* The largest lane, by the same tree with a > b ? a : b. */
FVI_INLINE float fvi_vf_largest(fvi_vf v)
{
    float lane[FVI_ISA_LANES];
    memcpy(lane, &v, sizeof lane);
    for (int width = FVI_ISA_LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++)
            lane[i] = lane[i] > lane[i + width] ? lane[i] : lane[i + width];
    return lane[0];
}

#endif
