/* SPDX-License-Identifier: Apache-2.0
 *
 * exec_internal.h - what the files of this folder share.
 *
 *   session.c        making a session, reading values
 *   run.c            forward, backward: the loops over the steps
 *   score.c          counting correct answers, sample weights
 *   builtin_steps.c  the steps that are no layer's: the input's reorder, the adding up of gradients
 */
#ifndef FVI_EXEC_INTERNAL_H
#define FVI_EXEC_INTERNAL_H

#include "plan/session_layout.h"

/* Sum of the sample weights; n without weights. */
double fvi_batch_weight(const fv_batch *batch);
/* Samples whose largest output (the first of equals, in the order c, h, w) is their class. */
int64_t fvi_count_correct(const fv_session *session, const fv_batch *batch);

#endif
