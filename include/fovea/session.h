/* SPDX-License-Identifier: Apache-2.0
 *
 * session.h - runs a plan on values: forward, backward, gradients. No allocation after the first call.
 */
#ifndef FOVEA_SESSION_H
#define FOVEA_SESSION_H

#include "fovea/batch.h"
#include "fovea/params.h"
#include "fovea/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The memory and state of one run of a plan. One thread at a time. */
typedef struct fv_session fv_session;

/* Creates a session owned by the caller, released by fv_session_destroy(). Borrows plan and params, which must outlive it;
 * params has the plan's dtype (of bf16: float32) and is read at each forward call (call fv_session_params_changed() after writing it). */
FV_API fv_status fv_session_create(fv_session **out, const fv_plan *plan, fv_params *params);
FV_API void fv_session_destroy(fv_session *session);
FV_API const char *fv_session_message(const fv_session *session);
/* Weights are packed again before the next forward call. fv_optimizer_update() users call it after each update. */
FV_API void fv_session_params_changed(fv_session *session);

/* A plan for training runs in training mode (batch norm by the statistics of the batch, dropout drops) until told otherwise:
 * with false, forward and backward treat batch norm and dropout as inference does, and statistics stay. Other plans
 * always infer. */
FV_API void fv_session_set_training(fv_session *session, bool training);
/* The seed of random masks (fv_batch says what else they depend on); 0 at creation. */
FV_API void fv_session_set_seed(fv_session *session, uint64_t seed);

typedef struct fv_step_result {
    double loss;   /* weighted sum over the samples of the batch, not divided; 0 where the plan has no loss */
    double weight; /* sum of the sample weights: the divisor of a mean */
    int64_t
        correct; /* samples whose largest score is their class, or of soft labels of softmax_cross_entropy the largest; else 0 */
} fv_step_result;

/* Runs forward on batch->n <= plan's batch samples. FV_ERR_ARGUMENT: n out of range, a class outside the output's range
 * (named), a missing target. FV_ERR_NUMERIC: the loss is not finite; the message names the layer where that began. result may be NULL.
 * The batch's targets and weights must stay until backward is done. */
FV_API fv_status fv_session_forward(fv_session *session, const fv_batch *batch, fv_step_result *result);
/* Runs backward after forward: gradients of (sum of weighted losses) / divisor by every parameter, written to
 * fv_session_gradients(). divisor: usually result.weight of the whole batch, so that parts of a batch add up. */
FV_API fv_status fv_session_backward(fv_session *session, double divisor);
/* forward and backward with divisor = result.weight. */
FV_API fv_status fv_session_step(fv_session *session, const fv_batch *batch, fv_step_result *result);
/* Writes what the last forward call in training mode observed (batch norm's means and variances) into the slots of
 * the statistics in fv_session_gradients(), as backward does too. FV_ERR_STATE before such a call, and of plans with hand_over. */
FV_API fv_status fv_session_observe(fv_session *session);
/* The gradients, in the layout of params. Borrowed; overwritten by the next backward. NULL unless the plan trains, and
 * with hand_over. */
FV_API fv_params *fv_session_gradients(fv_session *session);
/* Called from the thread that runs backward, as soon as gradient `parameter` (index in params) is complete. */
typedef void fv_gradient_ready_fn(void *user, int32_t parameter);
FV_API void fv_session_on_gradient(fv_session *session, fv_gradient_ready_fn *ready, void *user);

/* For plans with hand_over: called from the thread that runs backward with gradients that are complete, when nothing of this
 * backward pass reads those parameters any more, so that it may write them. Each parameter that is trained or a statistic comes once, a
 * large one in several calls, some rows in each; gradients[i].values is borrowed until the call returns. What it returns unless FV_OK ends the backward pass, with the message of the
 * context; parameters that were handed over before are as it left them. */
typedef fv_status fv_gradients_fn(void *user, const fv_gradient *gradients, int32_t count);
FV_API void fv_session_on_gradients(fv_session *session, fv_gradients_fn *take, void *user);

/* One loss of the last forward, by its node: weighted and summed over the samples; result.loss is the sum of all. 0 for a
 * node that is no loss or did not run. */
FV_API double fv_session_loss(const fv_session *session, fv_value loss);

/* Copies a value of the last forward (order n, c, h, w; plan's dtype, of bf16 float32; n as in that call) to out, which has room for `elements`.
 * The output and the input can always be read; values between only while their memory is still theirs (FV_ERR_STATE). */
FV_API fv_status fv_session_read(fv_session *session, fv_value value, void *out, size_t elements);
/* The same for the gradient by the input (plan with input_gradient). */
FV_API fv_status fv_session_read_input_gradient(fv_session *session, void *out, size_t elements);

/* Seconds per step since the last reset, summed, in the order of fv_plan_step(); measured only while profiling is on. */
FV_API void fv_session_profile(fv_session *session, bool on);
FV_API double fv_session_step_seconds(const fv_session *session, int32_t step, int64_t *calls);

#ifdef __cplusplus
}
#endif

#endif
