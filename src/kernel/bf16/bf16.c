/* SPDX-License-Identifier: Apache-2.0
 *
 * bf16.c - which table of bfloat16 kernels a plan uses, and whether it may.
 */
#include "kernel/bf16/bf16.h"

#include "base/parts.h"

#if defined(__x86_64__)
extern const fvi_bf16_kernels fvi_bf16_baseline, fvi_bf16_avx2, fvi_bf16_avx512, fvi_bf16_avx512_bf16;
#elif defined(__aarch64__)
extern const fvi_bf16_kernels fvi_bf16_neon;
#else
extern const fvi_bf16_kernels fvi_bf16_baseline;
#endif

const fvi_bf16_kernels *fvi_bf16_kernels_for(fvi_isa isa)
{
    if (FVI_INFERS_ONLY)
        return NULL;
#if defined(__x86_64__)
    switch (isa) {
    case FVI_ISA_AVX512_BF16:
        return &fvi_bf16_avx512_bf16;
    case FVI_ISA_AVX512:
        return &fvi_bf16_avx512;
    case FVI_ISA_AVX2:
        return &fvi_bf16_avx2;
    default:
        return &fvi_bf16_baseline;
    }
#elif defined(__aarch64__)
    (void)isa;
    return &fvi_bf16_neon;
#else
    (void)isa;
    return &fvi_bf16_baseline;
#endif
}

const char *fvi_bf16_refused(const fv_context *context)
{
    if (fvi_context_isa(context) == FVI_ISA_AVX512_BF16 || fvi_context_emulates_bf16(context))
        return NULL;
    return "needs a CPU with AVX-512 BF16, which this one has not (or FOVEA_ISA holds it back): compute in f32, or ask "
           "for "
           "emulation, which gives the same roundings slowly (fv_context_options.emulate_bf16, --precision "
           "bf16-emulated, "
           "FOVEA_BF16=emulated)";
}
