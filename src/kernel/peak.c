/* SPDX-License-Identifier: Apache-2.0
 *
 * peak.c - see peak.h.
 */
#include "kernel/peak.h"

#include <time.h>

#define BURST_ROUNDS 40000 /* about 80 microseconds */
#define BURSTS 8           /* per thread and measurement */
#define MEASUREMENTS 16

typedef struct peak_call {
    float (*burst)(int64_t rounds);
    int lanes;
} peak_call;

static peak_call burst_of(fvi_isa isa)
{
    (void)isa;
#if defined(__x86_64__)
    if (isa == FVI_ISA_AVX512 || isa == FVI_ISA_AVX512_BF16)
        return (peak_call){ fvi_peak_burst_avx512, 16 };
    if (isa == FVI_ISA_AVX2)
        return (peak_call){ fvi_peak_burst_avx2, 8 };
#elif defined(__aarch64__)
    return (peak_call){ fvi_peak_burst_neon, 4 };
#endif
#if !defined(__aarch64__)
    return (peak_call){ fvi_peak_burst_baseline, 4 };
#endif
}

static void burst_task(void *argument, size_t index, int32_t worker)
{
    (void)index;
    (void)worker;
    const peak_call *call = argument;
    volatile float sink = call->burst(BURST_ROUNDS); /* a result that is used cannot be skipped */
    (void)sink;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double fvi_peak_gflops(fv_context *context)
{
    peak_call call = burst_of(fvi_context_isa(context));
    const size_t bursts = (size_t)fv_context_threads(context) * BURSTS;
    const double operations = 2.0 * BURST_ROUNDS * FVI_PEAK_CHAINS * call.lanes * (double)bursts;
    double best = 0.0;
    for (int i = 0; i < MEASUREMENTS; i++) {
        const double start = seconds_now();
        fvi_parallel(context, bursts, burst_task, &call);
        const double rate = operations / (seconds_now() - start) * 1e-9;
        if (rate > best)
            best = rate;
    }
    return best;
}
