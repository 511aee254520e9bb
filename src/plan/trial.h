/* SPDX-License-Identifier: Apache-2.0
 *
 * trial.h - one convolution with everything that its passes read and write, to be run and timed by itself.
 */
#ifndef FVI_TRIAL_H
#define FVI_TRIAL_H

#include "kernel/conv/conv2d.h"

typedef struct fvi_trial {
    fv_context *context;
    fvi_conv2d_plan plan;
    fvi_view x, dx, y, dy;
    float *x_data, *dx_data, *y_data, *dy_data, *w, *bias, *dw, *db;
    void *packed[FVI_PASSES], *scratch[FVI_PASSES];
} fvi_trial;

/* Memory with random values for the passes of plan (float32, copied) that are in `passes`, bits (1 << fvi_pass). On failure
 * there is nothing to close. FV_ERR_MEMORY. */
fv_status fvi_trial_open(fvi_trial *trial, fv_context *context, const fvi_conv2d_plan *plan, uint32_t passes);
void fvi_trial_close(fvi_trial *trial);
/* Runs one of those passes once. */
void fvi_trial_run(fvi_trial *trial, fvi_pass pass);

#endif
