/* SPDX-License-Identifier: Apache-2.0
 *
 * peak.h - what this machine's multiply-adds can reach at most: the measure of every kernel (docs/performance.md).
 */
#ifndef FVI_PEAK_H
#define FVI_PEAK_H

#include "base/base.h"

/* Measures now: 10^9 float32 operations (a multiplication and an addition each count) a second, with the context's
 * instruction set on all its threads at once, from registers. The best of several bursts, about 10 ms together. */
double fvi_peak_gflops(fv_context *context);

/* One burst on one thread: `rounds` times FVI_PEAK_CHAINS FMAs of vectors; returns something that depends on all. */
#define FVI_PEAK_CHAINS 12
float fvi_peak_burst_baseline(int64_t rounds);
float fvi_peak_burst_avx2(int64_t rounds);
float fvi_peak_burst_avx512(int64_t rounds);
float fvi_peak_burst_neon(int64_t rounds);

#endif
