/* SPDX-License-Identifier: Apache-2.0
 *
 * kernels.c - which table of kernels a plan uses.
 */
#include "kernel/kernels.h"
#include "base/parts.h"

extern const fvi_kernels fvi_kernels_reference_f32, fvi_kernels_reference_f64;
#if defined(__x86_64__)
extern const fvi_kernels fvi_kernels_f32_baseline, fvi_kernels_f32_avx2, fvi_kernels_f32_avx512;
#elif defined(__aarch64__)
extern const fvi_kernels fvi_kernels_f32_neon;
#else
extern const fvi_kernels fvi_kernels_f32_baseline;
#endif

static const fvi_kernels *vector_kernels(fvi_isa isa)
{
#if defined(__x86_64__)
    switch (isa) {
    case FVI_ISA_AVX512:
    case FVI_ISA_AVX512_BF16:
        return &fvi_kernels_f32_avx512;
    case FVI_ISA_AVX2:
        return &fvi_kernels_f32_avx2;
    default:
        return FVI_INFERS_ONLY ? &fvi_kernels_reference_f32 : &fvi_kernels_f32_baseline; /* small before fast */
    }
#elif defined(__aarch64__)
    (void)isa;
    return &fvi_kernels_f32_neon;
#else
    (void)isa;
    return &fvi_kernels_f32_baseline;
#endif
}

const fvi_kernels *fvi_kernels_for(fv_dtype dtype, fvi_isa isa, bool reference)
{
    if (dtype == FV_F64)
        return FVI_DOUBLE(&fvi_kernels_reference_f64);
    return reference ? &fvi_kernels_reference_f32 : vector_kernels(isa);
}
