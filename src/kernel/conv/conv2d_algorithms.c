/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_algorithms.c - the ordered table of each instruction set: the first entry that accepts a problem does it.
 * One line adds an algorithm; the reference stays last and takes everything.
 */
#include "base/parts.h"
#include "kernel/conv/conv2d_internal.h"
#include "kernel/conv/depthwise.h"
#include "kernel/gemm/brgemm.h"
#include "kernel/gemm/dense_gemm.h"
#include "kernel/gemm/pixel_gemm.h"
#include "kernel/winograd/winograd.h"

/* Transposed convolutions predict by the backward pass by data. */
#define ALL_PASSES                                                                                                     \
    ((1u << FVI_FORWARD) | (1u << FVI_BACKWARD_DATA) | (FVI_INFERS_ONLY ? 0 : 1u << FVI_BACKWARD_WEIGHTS))

#define ENTRY(entry_name, family, suffix, descriptor)                                                                  \
    {                                                                                                                  \
        .name = entry_name, .kernel = descriptor, .passes = ALL_PASSES, .accept = family##_accept##suffix,             \
        .pack = family##_pack##suffix, .forward = family##_forward##suffix,                                            \
        .backward_data = family##_backward_data##suffix,                                                               \
        .backward_weights = FVI_TRAINS(family##_backward_weights##suffix),                                             \
    }
#define DENSE(isa) ENTRY("dense_" #isa, fvi_conv2d_dense, , &fvi_dense_gemm_##isa)
#define DEPTHWISE(isa) ENTRY("depthwise_" #isa, fvi_conv2d_depthwise, , &fvi_depthwise_##isa)
#define DIRECT(isa) ENTRY("direct_" #isa, fvi_conv2d_direct, , &fvi_brgemm_##isa)
#define PIXELS(isa) ENTRY("pixels_" #isa, fvi_conv2d_pixels, , &fvi_pixel_gemm_##isa)
#define WINOGRAD(isa) ENTRY("winograd_" #isa, fvi_conv2d_winograd, , &fvi_winograd_##isa)
#define REFERENCE(dtype) ENTRY("reference", fvi_conv2d_reference, _##dtype, NULL)
#define ALL(isa) DENSE(isa), DEPTHWISE(isa), PIXELS(isa), WINOGRAD(isa), DIRECT(isa), REFERENCE(f32)

static const fvi_conv2d_algorithm double_table[] = { REFERENCE(f64) };
#if defined(__x86_64__)
#ifdef FVI_INFERENCE_ONLY /* for its size: who has no AVX2 gets the one that does all */
static const fvi_conv2d_algorithm baseline_table[] = { DENSE(baseline), DIRECT(baseline), REFERENCE(f32) };
#else
static const fvi_conv2d_algorithm baseline_table[] = { ALL(baseline) };
#endif
static const fvi_conv2d_algorithm avx2_table[] = { ALL(avx2) };
static const fvi_conv2d_algorithm avx512_table[] = { ALL(avx512) };
#elif defined(__aarch64__)
static const fvi_conv2d_algorithm neon_table[] = { ALL(neon) };
#else
static const fvi_conv2d_algorithm baseline_table[] = { ALL(baseline) };
#endif

#define TABLE(table) (*count = sizeof table / sizeof table[0], table)

const fvi_conv2d_algorithm *fvi_conv2d_algorithms(fvi_isa isa, fv_dtype dtype, size_t *count)
{
    (void)isa;
    if (dtype == FV_F64)
        return TABLE(double_table);
#if defined(__x86_64__)
    if (isa == FVI_ISA_AVX512 || isa == FVI_ISA_AVX512_BF16)
        return TABLE(avx512_table);
    return isa == FVI_ISA_AVX2 ? TABLE(avx2_table) : TABLE(baseline_table);
#elif defined(__aarch64__)
    return TABLE(neon_table);
#else
    return TABLE(baseline_table);
#endif
}
