/* SPDX-License-Identifier: Apache-2.0
 *
 * rate_test.h - a learning rate for a run: the range test of Smith 2015 (arXiv:1506.01186, section 3.3). Some steps are trained with a
 * rate that rises from step to step by one factor; the rates at which the loss falls are the ones to train with.
 */
#ifndef FOVEA_RATE_TEST_H
#define FOVEA_RATE_TEST_H

#include "fovea/trainer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fv_rate_test_options {
    double low, high; /* the first rate and the last; 0 means 1e-6 and 10 */
    int32_t steps;    /* 0 means 100, at least 10 */
    double give_up;   /* the test ends where the loss, smoothed, is so many times the lowest one; 0 means 4 */
} fv_rate_test_options;

/* One step: its rate, the loss of its batch before the update, and the mean of the losses around it. */
typedef struct fv_rate_point {
    double rate, loss, smoothed;
} fv_rate_point;

typedef struct fv_rate_test {
    fv_rate_point *points; /* [count], rates rising; owned, released by fv_rate_test_release() */
    int32_t count;
    int32_t lowest;   /* index of the lowest smoothed loss */
    int32_t steepest; /* where it falls fastest against the logarithm of the rate; -1: it never falls */
    bool
        diverged; /* the test ended before the last rate: behind points[count - 1] the loss was not finite, or had risen too far */
    double
        rate; /* to begin with: a tenth of that at `lowest`, beyond which training gets worse within steps; 0: the loss never falls */
} fv_rate_test;

/* Trains a copy of params, which stay as they are, with the batches and the optimizer of `options`, whose schedule is not followed; in float32 or
 * bfloat16 as they say. The first steps of a run are measured, so params are best the initial ones. Smoothing: the mean over the twentieth of the
 * steps before and as many behind. Errors: those of fv_trainer_create(); FV_ERR_ARGUMENT for options out of range; FV_ERR_NUMERIC when the first
 * ten steps are not finite. The graph's context tells. */
FV_API fv_status fv_rate_test_run(fv_rate_test *out, const fv_params *params, const fv_dataset *train,
                                  const fv_train_options *options, const fv_rate_test_options *test);
FV_API void fv_rate_test_release(fv_context *context, fv_rate_test *test);

#ifdef __cplusplus
}
#endif

#endif
