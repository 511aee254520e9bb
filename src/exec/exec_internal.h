/* SPDX-License-Identifier: Apache-2.0
 *
 * exec_internal.h - what the files of this folder share.
 *
 *   session.c        making a session, reading values
 *   run.c            forward, backward: the loops over the steps
 *   staged.c         steps that compute in float32 on values in bf16; reading such values
 *   score.c          counting correct answers, sample weights
 *   builtin_steps.c  the steps that are no layer's: the input's reorder, the adding up of gradients
 */
#ifndef FVI_EXEC_INTERNAL_H
#define FVI_EXEC_INTERNAL_H

#include "plan/session_layout.h"

/* Runs a step that has fvi_step.staging. */
fv_status fvi_run_staged(fv_session *session, int32_t index);
/* A tensor's values in the order n, c, h, w, in the dtype of the plan's arithmetic, to out. */
void fvi_read_tensor(const fv_session *session, int32_t tensor, void *out);
/* Element c of a pixel, of bytes the byte. */
double fvi_element(const void *pixel, fv_dtype dtype, int32_t c);

/* Sum of the sample weights; n without weights. */
double fvi_batch_weight(const fv_batch *batch);
/* Samples whose largest output (the first of equals, in the order c, h, w) is their class. */
int64_t fvi_count_correct(const fv_session *session, const fv_batch *batch);

#endif
