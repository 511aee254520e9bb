/* SPDX-License-Identifier: Apache-2.0
 *
 * cpu_test.c - features as the system allows them, names, and the choice of an instruction set.
 */
#include "base/cpu.h"

#include <string.h>

#include "support/test.h"

/* All that this file's features need, as a CPU with everything would tell it. */
static const fvi_cpuid everything = { .leaf1_ecx = 1u << 12 | 1u << 20 | 1u << 27 | 1u << 28 | 1u << 29,
                                      .leaf7_ebx = 1u << 5 | 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31,
                                      .leaf7_ecx = 1u << 11,
                                      .leaf7_1_eax = 1u << 5,
                                      .xcr0 = 0xe7 };

FV_TEST(cpu, features_without_saved_registers_do_not_count)
{
    fvi_cpuid id = everything;
    const uint32_t all = fvi_cpu_decode(&id);
    assert_int_equal(all, (1u << 11) - 1); /* the eleven of x86 */
    id.xcr0 = 0x7;                         /* the system saves AVX but not AVX-512 */
    const uint32_t avx = fvi_cpu_decode(&id);
    assert_int_equal(avx, FVI_CPU_SSE42 | FVI_CPU_AVX | FVI_CPU_F16C | FVI_CPU_FMA | FVI_CPU_AVX2);
    id.xcr0 = 0x3;
    assert_int_equal(fvi_cpu_decode(&id), FVI_CPU_SSE42);
    id = everything;
    id.leaf1_ecx &= ~(1u << 27); /* no XGETBV: XCR0 means nothing */
    assert_int_equal(fvi_cpu_decode(&id), FVI_CPU_SSE42);
}

#if defined(__x86_64__)
FV_TEST(cpu, agrees_with_the_compilers_detection)
{
    const uint32_t features = fvi_cpu_features();
    __builtin_cpu_init();
    assert_int_equal((features & FVI_CPU_AVX2) != 0, __builtin_cpu_supports("avx2") != 0);
    assert_int_equal((features & FVI_CPU_FMA) != 0, __builtin_cpu_supports("fma") != 0);
    assert_int_equal((features & FVI_CPU_AVX512F) != 0, __builtin_cpu_supports("avx512f") != 0);
    assert_int_equal((features & FVI_CPU_AVX512BW) != 0, __builtin_cpu_supports("avx512bw") != 0);
}

FV_TEST(cpu, the_best_instruction_set_runs)
{
    const uint32_t avx2 = FVI_CPU_AVX2 | FVI_CPU_FMA;
    const uint32_t avx512 = avx2 | FVI_CPU_AVX512F | FVI_CPU_AVX512DQ | FVI_CPU_AVX512BW | FVI_CPU_AVX512VL;
    assert_int_equal(fvi_isa_best(0), FVI_ISA_BASELINE);
    assert_int_equal(fvi_isa_best(FVI_CPU_AVX2), FVI_ISA_BASELINE); /* AVX2 without FMA */
    assert_int_equal(fvi_isa_best(avx2), FVI_ISA_AVX2);
    assert_int_equal(fvi_isa_best(avx512 & ~(uint32_t)FVI_CPU_AVX512VL), FVI_ISA_AVX2);
    assert_int_equal(fvi_isa_best(avx512), FVI_ISA_AVX512);
    assert_int_equal(fvi_isa_best(avx512 | FVI_CPU_AVX512_BF16), FVI_ISA_AVX512_BF16);
    assert_false(fvi_isa_runs(FVI_ISA_NEON, avx512));
}
#else
FV_TEST(cpu, agrees_with_the_compilers_detection)
{
    test_skip("the compiler detects features on x86-64 only");
}

FV_TEST(cpu, the_best_instruction_set_runs)
{
    assert_true(fvi_isa_runs(fvi_isa_best(fvi_cpu_features()), fvi_cpu_features()));
}
#endif

FV_TEST(cpu, names)
{
    const fvi_isa all[] = { FVI_ISA_BASELINE, FVI_ISA_AVX2, FVI_ISA_AVX512, FVI_ISA_AVX512_BF16, FVI_ISA_NEON };
    for (size_t i = 0; i < 5; i++) {
        fvi_isa found = FVI_ISA_BASELINE;
        assert_true(fvi_isa_from_name(fvi_isa_name(all[i]), &found));
        assert_int_equal(found, all[i]);
    }
    fvi_isa unchanged = FVI_ISA_AVX2;
    assert_false(fvi_isa_from_name("AVX2", &unchanged));
    assert_int_equal(unchanged, FVI_ISA_AVX2);
    assert_string_equal(fvi_cpu_feature_name(FVI_CPU_AVX512_BF16), "avx512_bf16");
    assert_null(fvi_cpu_feature_name(FVI_CPU_AVX2 | FVI_CPU_FMA));
}

FV_TEST(cpu, the_list_of_features_is_cut_between_words)
{
    char whole[512], cut[512];
    fv_cpu_features(whole, sizeof whole);
    for (size_t size = 1; size <= strlen(whole) + 1; size++) {
        memset(cut, '?', sizeof cut);
        fv_cpu_features(cut, size);
        assert_true(strlen(cut) < size);
        assert_memory_equal(cut, whole, strlen(cut));
        assert_true(whole[strlen(cut)] == ' ' || whole[strlen(cut)] == '\0' || cut[0] == '\0');
        assert_true(cut[size] == '?');
    }
    fv_cpu_features(NULL, 0);
}

FV_TESTS(cpu, features_without_saved_registers_do_not_count, agrees_with_the_compilers_detection,
         the_best_instruction_set_runs, names, the_list_of_features_is_cut_between_words)
