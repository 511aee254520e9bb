/* SPDX-License-Identifier: Apache-2.0
 *
 * simd_test.c - runs the checks of simd_cases.isa.c with each instruction set that this CPU has.
 */
#include "simd_cases.h"
#include "support/test.h"

static void must_be_right(const char *wrong)
{
    if (wrong != NULL)
        fail_msg("%s", wrong);
}

#if defined(__x86_64__)
FV_TEST(simd, baseline)
{
    must_be_right(fvi_simd_cases_baseline());
}

FV_TEST(simd, avx2)
{
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        test_skip("this CPU has no AVX2");
    must_be_right(fvi_simd_cases_avx2());
}

FV_TEST(simd, wide)
{
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        test_skip("this CPU has no AVX2");
    must_be_right(fvi_simd_cases_wide());
}

FV_TEST(simd, avx512)
{
    if (!__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512vl"))
        test_skip("this CPU has no AVX-512");
    must_be_right(fvi_simd_cases_avx512());
}

FV_TESTS(simd, baseline, avx2, wide, avx512)
#elif defined(__aarch64__)
FV_TEST(simd, neon)
{
    must_be_right(fvi_simd_cases_neon());
}

FV_TESTS(simd, neon)
#else
FV_TEST(simd, baseline)
{
    must_be_right(fvi_simd_cases_baseline());
}

FV_TESTS(simd, baseline)
#endif
