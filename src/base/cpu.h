/* SPDX-License-Identifier: Apache-2.0
 *
 * cpu.h - which instructions this CPU has and the system lets us use, and how many processors we may use.
 */
#ifndef FVI_CPU_H
#define FVI_CPU_H

#include "base/base.h"

/* One bit each; fvi_cpu_feature_name() gives the name. */
typedef enum fvi_cpu_feature {
    FVI_CPU_SSE42 = 1u << 0,
    FVI_CPU_AVX = 1u << 1,
    FVI_CPU_F16C = 1u << 2,
    FVI_CPU_FMA = 1u << 3,
    FVI_CPU_AVX2 = 1u << 4,
    FVI_CPU_AVX512F = 1u << 5,
    FVI_CPU_AVX512DQ = 1u << 6,
    FVI_CPU_AVX512BW = 1u << 7,
    FVI_CPU_AVX512VL = 1u << 8,
    FVI_CPU_AVX512_VNNI = 1u << 9,
    FVI_CPU_AVX512_BF16 = 1u << 10,
    FVI_CPU_NEON = 1u << 11,
    FVI_CPU_DOTPROD = 1u << 12,
    FVI_CPU_BF16 = 1u << 13,
    FVI_CPU_SVE = 1u << 14,
    FVI_CPU_AVX_VNNI = 1u << 15
} fvi_cpu_feature;

/* What x86 tells about itself: registers of CPUID leaf 1, of leaf 7 subleaves 0 and 1, and XCR0 (0 without OSXSAVE). */
typedef struct fvi_cpuid {
    uint32_t leaf1_ecx, leaf7_ebx, leaf7_ecx, leaf7_1_eax;
    uint64_t xcr0;
} fvi_cpuid;

/* The features of an x86 CPU. A vector feature counts only where the system saves its registers (XCR0). */
uint32_t fvi_cpu_decode(const fvi_cpuid *id);
/* The features of this CPU. */
uint32_t fvi_cpu_features(void);
/* The same, looked up once for a context. */
uint32_t fvi_context_features(const fv_context *context);
/* What this CPU calls itself, with its family, model and stepping in hexadecimal where it tells them: "AMD EPYC 00a00f11";
 * elsewhere the architecture. Written to text (size bytes, cut if too short). */
void fvi_cpu_name(char *text, size_t size);
/* "avx2", ...: a static string, or NULL for something that is not one feature. */
const char *fvi_cpu_feature_name(uint32_t feature);

/* "baseline", "avx2", "avx512", "avx512_bf16", "neon": static strings. */
const char *fvi_isa_name(fvi_isa isa);
/* False when no instruction set has this name. */
bool fvi_isa_from_name(const char *name, fvi_isa *isa);
/* Whether this build has kernels for isa that a CPU with these features can run. */
bool fvi_isa_runs(fvi_isa isa, uint32_t features);
/* The best that fvi_isa_runs(). */
fvi_isa fvi_isa_best(uint32_t features);

#endif
