/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_problem.c - the three passes of one convolution, without a network around it.
 */
#include <stdio.h>
#include <string.h>

#include "fovea/bench.h"
#include "plan/trial.h"
#include "train/timing.h"

typedef struct timed_pass {
    fvi_trial *trial;
    fvi_pass pass;
} timed_pass;

static fv_status run_once(void *argument)
{
    const timed_pass *timed = argument;
    fvi_trial_run(timed->trial, timed->pass);
    return FV_OK;
}

static fv_status measure_passes(fvi_trial *trial, double seconds, fv_bench_result *out)
{
    const fvi_conv2d_shape *s = &trial->plan.shape;
    const double multiply_adds = (double)s->n * s->k * (s->c / s->groups) * s->r * s->s * s->oh * s->ow;
    out->passes = fvi_allocate_zeroed(trial->context, FVI_PASSES, sizeof *out->passes);
    if (out->passes == NULL)
        return fvi_out_of_memory(trial->context, "times", FVI_PASSES * sizeof *out->passes);
    for (int i = 0; i < FVI_PASSES; i++) {
        fvi_timing timing;
        timed_pass timed = { .trial = trial, .pass = (fvi_pass)i };
        fv_bench_pass *pass = &out->passes[out->pass_count++];
        fvi_bench_watch_peak(trial->context, out);
        FV_TRY(fvi_time(run_once, &timed, seconds, &timing));
        fvi_conv2d_format(s, pass->layer, sizeof pass->layer);
        snprintf(pass->pass, sizeof pass->pass, "%s", fvi_conv2d_pass_name((fvi_pass)i));
        snprintf(pass->algorithm, sizeof pass->algorithm, "%s", trial->plan.pass[i].algorithm);
        pass->training = i != FVI_FORWARD;
        pass->seconds = timing.median;
        pass->spread = fvi_timing_spread(&timing);
        pass->gflops = 2e-9 * multiply_adds / timing.median;
    }
    fvi_bench_watch_peak(trial->context, out);
    return FV_OK;
}

fv_status fv_bench_problem(fv_context *context, const char *problem, const char *algorithm, double seconds,
                           fv_bench_result *out)
{
    fvi_conv2d_shape shape;
    fvi_conv2d_plan plan;
    fvi_trial trial;
    memset(out, 0, sizeof *out);
    if (strncmp(problem, "conv:", 5) != 0)
        return fvi_fail(context, FV_ERR_ARGUMENT, "problem '%s': only conv:... is known, as conv:n16c64h56w56k64r3s3p1",
                        problem);
    const char *wrong = fvi_conv2d_parse(problem + 5, &shape);
    if (wrong != NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT, "problem '%s': %s", problem, wrong);
    fvi_conv2d_choose(&plan, &shape, FV_F32, fvi_context_isa(context), fv_context_threads(context), false, algorithm);
    FV_TRY(fvi_trial_open(&trial, context, &plan,
                          1u << FVI_FORWARD | 1u << FVI_BACKWARD_DATA | 1u << FVI_BACKWARD_WEIGHTS));
    const fv_status status = measure_passes(&trial, seconds > 0 ? seconds : 1, out);
    fvi_trial_close(&trial);
    if (status != FV_OK)
        fv_bench_release(context, out);
    return status;
}
