/* SPDX-License-Identifier: Apache-2.0
 *
 * update_kernels.c - which table of update kernels an optimizer uses.
 */
#include "optim/update_kernels.h"

extern const fvi_update_kernels fvi_update_kernels_reference_f32, fvi_update_kernels_reference_f64;
#if defined(__x86_64__)
extern const fvi_update_kernels fvi_update_kernels_f32_baseline, fvi_update_kernels_f32_avx2,
    fvi_update_kernels_f32_avx512;
#elif defined(__aarch64__)
extern const fvi_update_kernels fvi_update_kernels_f32_neon;
#else
extern const fvi_update_kernels fvi_update_kernels_f32_baseline;
#endif

static const fvi_update_kernels *vector_kernels(fvi_isa isa)
{
#if defined(__x86_64__)
    switch (isa) {
    case FVI_ISA_AVX512:
    case FVI_ISA_AVX512_BF16:
        return &fvi_update_kernels_f32_avx512;
    case FVI_ISA_AVX2:
        return &fvi_update_kernels_f32_avx2;
    default:
        return &fvi_update_kernels_f32_baseline;
    }
#elif defined(__aarch64__)
    (void)isa;
    return &fvi_update_kernels_f32_neon;
#else
    (void)isa;
    return &fvi_update_kernels_f32_baseline;
#endif
}

const fvi_update_kernels *fvi_update_kernels_for(fv_dtype dtype, fvi_isa isa, bool reference)
{
    if (dtype == FV_F64)
        return &fvi_update_kernels_reference_f64;
    return reference ? &fvi_update_kernels_reference_f32 : vector_kernels(isa);
}
