/* SPDX-License-Identifier: Apache-2.0
 *
 * cpu.c - detection of CPU features.
 * x86: CPUID and XGETBV as in Intel's Software Developer's Manual, volume 1, chapters 13.3 and 15.2. A feature whose
 * registers the system does not save counts as absent. aarch64: the auxiliary vector; NEON is part of the base.
 */
#include "base/cpu.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

static const struct {
    uint32_t feature;
    const char *name;
} features[] = {
    { FVI_CPU_SSE42, "sse4.2" },
    { FVI_CPU_AVX, "avx" },
    { FVI_CPU_F16C, "f16c" },
    { FVI_CPU_FMA, "fma" },
    { FVI_CPU_AVX2, "avx2" },
    { FVI_CPU_AVX512F, "avx512f" },
    { FVI_CPU_AVX512DQ, "avx512dq" },
    { FVI_CPU_AVX512BW, "avx512bw" },
    { FVI_CPU_AVX512VL, "avx512vl" },
    { FVI_CPU_AVX512_VNNI, "avx512_vnni" },
    { FVI_CPU_AVX512_BF16, "avx512_bf16" },
    { FVI_CPU_NEON, "neon" },
    { FVI_CPU_DOTPROD, "dotprod" },
    { FVI_CPU_BF16, "bf16" },
    { FVI_CPU_SVE, "sve" },
    { FVI_CPU_AVX_VNNI, "avx_vnni" },
};
enum { FEATURES = sizeof features / sizeof features[0] };

static const char *const isa_names[] = { "baseline", "avx2", "avx512", "avx512_bf16", "neon" };
enum { ISAS = sizeof isa_names / sizeof isa_names[0] };

static uint32_t when(bool condition, fvi_cpu_feature feature)
{
    return condition ? (uint32_t)feature : 0;
}

static bool bit(uint32_t word, int index)
{
    return (word >> index & 1) != 0;
}

uint32_t fvi_cpu_decode(const fvi_cpuid *id)
{
    const bool osxsave = bit(id->leaf1_ecx, 27);
    const bool ymm = osxsave && (id->xcr0 & 0x6) == 0x6; /* XMM and YMM state */
    const bool zmm = ymm && (id->xcr0 & 0xe0) == 0xe0;   /* opmask, upper halves, upper registers */
    const bool avx = ymm && bit(id->leaf1_ecx, 28);
    const bool avx512f = zmm && avx && bit(id->leaf7_ebx, 16);
    return when(bit(id->leaf1_ecx, 20), FVI_CPU_SSE42) | when(avx, FVI_CPU_AVX) |
           when(avx && bit(id->leaf1_ecx, 29), FVI_CPU_F16C) | when(avx && bit(id->leaf1_ecx, 12), FVI_CPU_FMA) |
           when(avx && bit(id->leaf7_ebx, 5), FVI_CPU_AVX2) | when(avx512f, FVI_CPU_AVX512F) |
           when(avx512f && bit(id->leaf7_ebx, 17), FVI_CPU_AVX512DQ) |
           when(avx512f && bit(id->leaf7_ebx, 30), FVI_CPU_AVX512BW) |
           when(avx512f && bit(id->leaf7_ebx, 31), FVI_CPU_AVX512VL) |
           when(avx512f && bit(id->leaf7_ecx, 11), FVI_CPU_AVX512_VNNI) |
           when(avx512f && bit(id->leaf7_1_eax, 5), FVI_CPU_AVX512_BF16) |
           when(avx && bit(id->leaf7_1_eax, 4), FVI_CPU_AVX_VNNI);
}

#if defined(__x86_64__)
uint32_t fvi_cpu_features(void)
{
    fvi_cpuid id = { 0 };
    uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx))
        id.leaf1_ecx = ecx;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        id.leaf7_ebx = ebx;
        id.leaf7_ecx = ecx;
        if (eax >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx))
            id.leaf7_1_eax = eax;
    }
    if (bit(id.leaf1_ecx, 27)) {
        uint32_t low = 0, high = 0;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        id.xcr0 = (uint64_t)high << 32 | low;
    }
    return fvi_cpu_decode(&id);
}

void fvi_cpu_name(char *text, size_t size)
{
    uint32_t word[13] = { 0 }, eax = 0, ebx = 0, ecx = 0, edx = 0; /* one more: a NUL */
    for (uint32_t leaf = 0; leaf < 3; leaf++)
        __get_cpuid(0x80000002u + leaf, &word[4 * leaf], &word[4 * leaf + 1], &word[4 * leaf + 2], &word[4 * leaf + 3]);
    __get_cpuid(1, &eax, &ebx, &ecx, &edx);
    snprintf(text, size, "%s %08x", (const char *)word, (unsigned)eax);
}

#elif defined(__aarch64__) && defined(__linux__)
uint32_t fvi_cpu_features(void)
{
    /* Bits of Linux's asm/hwcap.h, written out because older headers lack some. */
    const unsigned long capabilities = getauxval(AT_HWCAP), more = getauxval(AT_HWCAP2);
    return FVI_CPU_NEON | when((capabilities >> 20 & 1) != 0, FVI_CPU_DOTPROD) |
           when((capabilities >> 22 & 1) != 0, FVI_CPU_SVE) | when((more >> 14 & 1) != 0, FVI_CPU_BF16);
}

#elif defined(__aarch64__)
uint32_t fvi_cpu_features(void)
{
    return FVI_CPU_NEON;
}

#else
uint32_t fvi_cpu_features(void)
{
    return 0;
}
#endif

#if defined(__aarch64__)
void fvi_cpu_name(char *text, size_t size)
{
    snprintf(text, size, "aarch64");
}
#elif !defined(__x86_64__)
void fvi_cpu_name(char *text, size_t size)
{
    snprintf(text, size, "cpu");
}
#endif

const char *fvi_cpu_feature_name(uint32_t feature)
{
    for (size_t i = 0; i < FEATURES; i++)
        if (features[i].feature == feature)
            return features[i].name;
    return NULL;
}

void fv_cpu_features(char *text, size_t size)
{
    const uint32_t found = fvi_cpu_features();
    size_t used = 0;
    if (size == 0)
        return;
    for (size_t i = 0; i < FEATURES; i++) {
        const char *name = features[i].name;
        const char *space = used > 0 ? " " : "";
        if ((found & features[i].feature) == 0)
            continue;
        if (used + strlen(space) + strlen(name) + 1 > size)
            break;
        memcpy(text + used, space, strlen(space));
        memcpy(text + used + strlen(space), name, strlen(name));
        used += strlen(space) + strlen(name);
    }
    text[used] = '\0';
}

const char *fvi_isa_name(fvi_isa isa)
{
    return isa_names[isa];
}

bool fvi_isa_from_name(const char *name, fvi_isa *isa)
{
    for (size_t i = 0; i < ISAS; i++)
        if (strcmp(isa_names[i], name) == 0) {
            *isa = (fvi_isa)i;
            return true;
        }
    return false;
}

bool fvi_isa_runs(fvi_isa isa, uint32_t has)
{
    const uint32_t avx2 = FVI_CPU_AVX2 | FVI_CPU_FMA;
    const uint32_t avx512 = avx2 | FVI_CPU_AVX512F | FVI_CPU_AVX512DQ | FVI_CPU_AVX512BW | FVI_CPU_AVX512VL;
    const uint32_t needs[ISAS] = { 0, avx2, avx512, avx512 | FVI_CPU_AVX512_BF16, FVI_CPU_NEON };
#if defined(__x86_64__)
    const bool built = isa != FVI_ISA_NEON;
#elif defined(__aarch64__)
    const bool built = isa == FVI_ISA_NEON;
#else
    const bool built = isa == FVI_ISA_BASELINE;
#endif
    return built && (has & needs[isa]) == needs[isa];
}

fvi_isa fvi_isa_best(uint32_t has)
{
    static const fvi_isa best_first[] = { FVI_ISA_AVX512_BF16, FVI_ISA_AVX512, FVI_ISA_AVX2, FVI_ISA_NEON };
    for (size_t i = 0; i < sizeof best_first / sizeof best_first[0]; i++)
        if (fvi_isa_runs(best_first[i], has))
            return best_first[i];
    return FVI_ISA_BASELINE;
}
