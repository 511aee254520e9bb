/* SPDX-License-Identifier: Apache-2.0
 *
 * peak.isa.c - independent chains of FMAs, enough to hide their latency, and nothing else.
 */
#include "kernel/peak.h"
#include "base/simd.h"

float FVI_ISA_NAME(fvi_peak_burst)(int64_t rounds);

float FVI_ISA_NAME(fvi_peak_burst)(int64_t rounds)
{
    fvi_vf acc[FVI_PEAK_CHAINS];
#pragma GCC unroll 12
    for (int i = 0; i < FVI_PEAK_CHAINS; i++)
        acc[i] = fvi_vf_splat((float)i);
    /* Through volatile, or the compiler would see the fixed point of a*0.5 + 0.5. */
    volatile float half = 0.5f;
    const fvi_vf factor = fvi_vf_splat(half), term = fvi_vf_splat(half);
    for (int64_t round = 0; round < rounds; round++) {
#pragma GCC unroll 12
        for (int i = 0; i < FVI_PEAK_CHAINS; i++)
            acc[i] = fvi_vf_fma(acc[i], factor, term);
    }
    fvi_vf sum = acc[0];
#pragma GCC unroll 12
    for (int i = 1; i < FVI_PEAK_CHAINS; i++)
        sum += acc[i];
    return fvi_vf_sum(sum);
}
