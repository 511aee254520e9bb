/* SPDX-License-Identifier: Apache-2.0
 *
 * timing.c - repeats a call until its time is known. The median ignores what else the machine does now and then; the
 * quartiles say how much that was.
 */
#include "train/timing.h"

#include <stdlib.h>

#include "base/clock.h"
#include "kernel/peak.h"

enum { LEAST_RUNS = 5 };
static const double shortest_run = 1e-3; /* seconds: far above the clock's grain */

static int by_value(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The value below which a share of the sorted values lies, between two of them. */
static double quantile(const double *sorted, int32_t count, double share)
{
    const double place = share * (count - 1);
    const int32_t below = (int32_t)place;
    const int32_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

static fv_status run(fvi_timed_fn *call, void *argument, int64_t calls, double *seconds)
{
    const double start = fvi_seconds();
    for (int64_t i = 0; i < calls; i++)
        FV_TRY(call(argument));
    *seconds = fvi_seconds() - start;
    return FV_OK;
}

/* A run is so many calls that the clock is fine enough. */
static int64_t calls_of_a_run(double once)
{
    return once < shortest_run ? (int64_t)(shortest_run / (once > 1e-9 ? once : 1e-9)) + 1 : 1;
}

static fv_status time_runs(fvi_timed_fn *call, void *argument, double seconds, int32_t least, fvi_timing *timing)
{
    double sample[FVI_TIMING_RUNS], once = 0;
    int32_t runs = 0;
    *timing = (fvi_timing){ 0 };
    const double start = fvi_seconds();
    FV_TRY(run(call, argument, 1, &once));
    const int64_t calls = calls_of_a_run(once);
    if (calls == 1)
        sample[runs++] = once;
    while (runs < FVI_TIMING_RUNS && (runs < least || fvi_seconds() - start < seconds)) {
        FV_TRY(run(call, argument, calls, &sample[runs]));
        sample[runs++] /= (double)calls;
    }
    qsort(sample, (size_t)runs, sizeof sample[0], by_value);
    timing->median = quantile(sample, runs, 0.5);
    timing->first_quartile = quantile(sample, runs, 0.25);
    timing->third_quartile = quantile(sample, runs, 0.75);
    timing->runs = runs;
    return FV_OK;
}

fv_status fvi_time(fvi_timed_fn *call, void *argument, double seconds, fvi_timing *timing)
{
    FV_TRY(call(argument)); /* pages are touched, threads woken, weights packed */
    return time_runs(call, argument, seconds, LEAST_RUNS, timing);
}

fv_status fvi_time_again(fvi_timed_fn *call, void *argument, double seconds, fvi_timing *timing)
{
    return time_runs(call, argument, seconds, 1, timing);
}

double fvi_timing_spread(const fvi_timing *timing)
{
    return timing->median > 0 ? (timing->third_quartile - timing->first_quartile) / timing->median : 0;
}

void fvi_bench_watch_peak(fv_context *context, fv_bench_result *out)
{
    const double peak = fvi_peak_gflops(context);
    if (peak > out->peak_gflops)
        out->peak_gflops = peak;
    for (int32_t i = 0; i < out->pass_count; i++)
        out->passes[i].share_of_peak = out->passes[i].gflops / out->peak_gflops;
}
