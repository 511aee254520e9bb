/* SPDX-License-Identifier: Apache-2.0
 *
 * int8.c - which table of 8-bit kernels runs. Dot-product instructions are no instruction set of their own here (base/cpu.h): where the CPU
 * has them beside the one that is used, they are taken, since results do not differ.
 */
#include "kernel/int8/int8.h"

#include "base/cpu.h"
#include "base/parts.h"

#if defined(__x86_64__)
extern const fvi_int8_kernels fvi_int8_baseline, fvi_int8_avx2, fvi_int8_avxvnni, fvi_int8_avx512, fvi_int8_avx512vnni;
#elif defined(__aarch64__)
extern const fvi_int8_kernels fvi_int8_neon, fvi_int8_neondot;
#else
extern const fvi_int8_kernels fvi_int8_baseline;
#endif

const fvi_int8_kernels *fvi_int8_kernels_for(fvi_isa isa, uint32_t features)
{
    if (FVI_INFERS_ONLY)
        return NULL;
#if defined(__x86_64__)
    switch (isa) {
    case FVI_ISA_AVX512_BF16:
    case FVI_ISA_AVX512:
        return (features & FVI_CPU_AVX512_VNNI) != 0 ? &fvi_int8_avx512vnni : &fvi_int8_avx512;
    case FVI_ISA_AVX2:
        return (features & FVI_CPU_AVX_VNNI) != 0 ? &fvi_int8_avxvnni : &fvi_int8_avx2;
    default:
        return &fvi_int8_baseline;
    }
#elif defined(__aarch64__)
    (void)isa;
    return (features & FVI_CPU_DOTPROD) != 0 ? &fvi_int8_neondot : &fvi_int8_neon;
#else
    (void)isa;
    (void)features;
    return &fvi_int8_baseline;
#endif
}

const fvi_int8_kernels *fvi_int8_kernels_of(const fv_context *context)
{
    return fvi_int8_kernels_for(fvi_context_isa(context), fvi_context_features(context));
}
