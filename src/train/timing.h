/* SPDX-License-Identifier: Apache-2.0
 *
 * timing.h - repeats a call until its time is known.
 */
#ifndef FVI_TIMING_H
#define FVI_TIMING_H

#include "base/base.h"
#include "fovea/bench.h"

enum { FVI_TIMING_RUNS = 512 };

typedef struct fvi_timing {
    double median, first_quartile, third_quartile; /* seconds of one call */
    int32_t runs;
} fvi_timing;

typedef fv_status fvi_timed_fn(void *argument);

/* Calls once to warm up, then in runs of as many calls as take 1 ms, for about `seconds` or FVI_TIMING_RUNS runs, at least 5.
 * Ends at the first call that fails. */
fv_status fvi_time(fvi_timed_fn *call, void *argument, double seconds, fvi_timing *timing);
/* The same for what has just been called: no warm-up, at least one run. */
fv_status fvi_time_again(fvi_timed_fn *call, void *argument, double seconds, fvi_timing *timing);
/* (third quartile - first quartile) / median */
double fvi_timing_spread(const fvi_timing *timing);

/* Measures the peak once more, keeps the best so far in out, and sets every pass's share of it. Called before, between and
 * after what is timed: a neighbour on the machine may spoil one measurement, hardly all. */
void fvi_bench_watch_peak(fv_context *context, fv_bench_result *out);

#endif
