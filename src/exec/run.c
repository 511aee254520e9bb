/* SPDX-License-Identifier: Apache-2.0
 *
 * run.c - forward and backward: loops over the steps of the plan. Nothing here knows a layer type or allocates.
 */
#include <math.h>

#include "base/clock.h"
#include "base/float_mode.h"
#include "exec/exec_internal.h"
#include "exec/look.h"

/* Under AddressSanitizer only the storages alive at a step may be touched; elsewhere this costs a comparison. */
static void guard_arena(const fv_session *session, int32_t index)
{
    const fv_plan *plan = session->plan;
    if (fvi_arena_gap() == 0)
        return;
    fvi_poison(session->arena, plan->bytes.arena);
    for (int32_t i = 0; i < plan->storage_count; i++) {
        const fvi_storage *storage = &plan->storage[i];
        if (storage->first <= index && index <= storage->last)
            fvi_unpoison(session->arena + storage->offset, storage->bytes);
    }
}

static void unguard_arena(const fv_session *session)
{
    if (fvi_arena_gap() != 0)
        fvi_unpoison(session->arena, session->plan->bytes.arena);
}

static void clear_borders(const fv_session *session, const fvi_step *step)
{
    const fv_plan *plan = session->plan;
    for (int32_t i = 0; i < step->clear_count; i++) {
        const fvi_view view =
            fvi_plan_storage_view(plan, plan->clear[step->clear_first + i], session->arena, session->n);
        fvi_view_clear_border(&view, plan->storage[plan->clear[step->clear_first + i]].dtype, 0, session->n);
    }
}

static void announce(const fv_session *session, int32_t first, int32_t count)
{
    for (int32_t i = 0; session->ready != NULL && i < count; i++)
        session->ready(session->ready_user, first + i);
}

/* Hands the step what is to be told of its output by. */
static void begin_watch(fv_session *session, int32_t index)
{
    const fv_plan *plan = session->plan;
    fvi_call *watcher = &session->call[index + 1];
    session->call[index].watch = plan->nodes[plan->step[index + 1].node].layer->gather(watcher);
}

/* What it returns unless FV_OK has its message in the context. */
static fv_status take(fv_session *session, const fv_gradient *gradients, int32_t count)
{
    const fv_status status = count > 0 ? session->take(session->take_user, gradients, count) : FV_OK;
    return status == FV_OK ? FV_OK : fvi_fail_in(&session->message, status, "%s", fv_context_message(session->context));
}

/* The step's gradient of parameter 0, some rows at a time. */
static fv_status run_rows(fv_session *session, int32_t index)
{
    const fvi_step *step = &session->plan->step[index];
    const fvi_node *node = &session->plan->nodes[step->node];
    fvi_call *call = &session->call[index];
    const int64_t rows = node->param[0].shape.size[0], length = fv_shape_elements(&node->param[0].shape) / rows;
    for (int64_t first = 0; first < rows; first += step->rows) {
        call->first_row = (int32_t)first;
        call->rows = rows - first < step->rows ? (int32_t)(rows - first) : step->rows;
        FV_TRY(step->run(call));
        const fv_gradient gradient = { .parameter = node->first_param,
                                       .values = call->dparam[0],
                                       .first = first * length,
                                       .count = call->rows * length };
        FV_TRY(take(session, &gradient, 1));
    }
    return FV_OK;
}

/* The last of steps that run as one computes all. */
static fv_status run_chain(fv_session *session, int32_t index)
{
    const fvi_step *step = &session->plan->step[index];
    fvi_call *first = &session->call[index - (step - fvi_plan_chain_first(step))];
    return step->chain != NULL ? session->plan->nodes[step->node].layer->forward_chain(step->chain, first) : FV_OK;
}

static fv_status run_step(fv_session *session, int32_t index)
{
    const fvi_step *step = &session->plan->step[index];
    const double start = session->profiling ? fvi_seconds() : 0;
    guard_arena(session, index);
    clear_borders(session, step);
    if (index + 1 < session->plan->step_count && session->plan->step[index + 1].gathered != FVI_NONE)
        begin_watch(session, index);
    if (session->plan->packs_in_steps && step->pack != NULL)
        step->pack(&session->call[index]);
    const fv_status status = step->chained           ? run_chain(session, index)
                             : step->staging != NULL ? fvi_run_staged(session, index)
                             : step->rows > 0        ? run_rows(session, index)
                                                     : step->run(&session->call[index]);
    if (session->profiling) {
        session->seconds[index] += fvi_seconds() - start;
        session->calls[index]++;
    }
    session->executed = index + 1;
    return status;
}

static fv_status run_steps(fv_session *session, int32_t first, int32_t end)
{
    fv_status status = FV_OK;
    for (int32_t i = first; i < end && status == FV_OK; i++) {
        status = run_step(session, i);
        if (status == FV_OK)
            announce(session, session->plan->step[i].ready, session->plan->step[i].ready_count);
        if (status == FV_OK)
            status =
                take(session, session->handed + session->plan->step[i].hand_first, session->plan->step[i].hand_count);
    }
    unguard_arena(session);
    return status;
}

/* Packing belongs to the step that reads what is packed, also in the profile. */
static void pack(fv_session *session)
{
    const fv_plan *plan = session->plan;
    for (int32_t i = 0; i < plan->step_count && !plan->packs_in_steps && !session->is_packed; i++) {
        const fvi_step *step = &plan->step[i];
        if (step->pack == NULL || step->kind == FVI_STEP_REPEAT) /* forward's */
            continue;
        const double start = session->profiling ? fvi_seconds() : 0;
        step->pack(&session->call[i]);
        if (session->profiling)
            session->seconds[i] += fvi_seconds() - start;
    }
    session->is_packed = true;
}

/* Views are made for the largest batch: the strides stay, the number of images is the call's. */
static void set_samples(fv_session *session, int32_t n)
{
    if (session->n == n)
        return;
    session->n = n;
    for (int32_t i = 0; i < session->plan->step_count; i++) {
        fvi_call *call = &session->call[i];
        fvi_view *views = session->views[i];
        call->n = call->y.n = call->dy.n = call->plus.n = n;
        for (int32_t j = 0; j < 2 * call->input_count; j++)
            views[j].n = n;
    }
}

static fv_status check_batch(fv_session *session, const fv_batch *batch)
{
    const fv_plan *plan = session->plan;
    fvi_message *message = &session->message;
    if (batch->n < 1 || batch->n > plan->options.batch)
        return fvi_fail_in(message, FV_ERR_ARGUMENT, "batch of %d samples: the plan takes 1 to %d", batch->n,
                           plan->options.batch);
    if (batch->images == NULL)
        return fvi_fail_in(message, FV_ERR_ARGUMENT, "batch of %d samples without images", batch->n);
    if ((batch->dtype != FV_F32 && batch->dtype != FV_F64) || (batch->order != FV_NCHW && batch->order != FV_NHWC))
        return fvi_fail_in(message, FV_ERR_ARGUMENT,
                           "batch of %s images in order %d: f32 or f64, NCHW or NHWC are possible",
                           fv_dtype_name(batch->dtype), (int)batch->order);
    const fvi_node *output = &plan->nodes[fv_graph_output(plan->graph)];
    const int32_t classes = output->out.c * output->out.h * output->out.w;
    for (int32_t i = 0; batch->classes != NULL && i < batch->n; i++)
        if (batch->classes[i] < 0 || batch->classes[i] >= classes)
            return fvi_fail_in(message, FV_ERR_ARGUMENT,
                               "sample %d of the batch has class %d, but '%s' gives scores for 0 to %d", i,
                               batch->classes[i], output->name, classes - 1);
    return FV_OK;
}

static bool all_finite(const fvi_view *view, fv_dtype dtype)
{
    for (int32_t n = 0; n < view->n; n++) {
        for (int32_t h = 0; h < view->h; h++) {
            for (int32_t w = 0; w < view->w; w++) {
                const void *pixel = fvi_view_at(view, dtype, n, h, w);
                for (int32_t c = 0; c < view->c; c++)
                    if (!isfinite(fvi_element(pixel, dtype, c)))
                        return false;
            }
        }
    }
    return true;
}

/* Runs forward again, looking at each result, to name the layer where the first NaN or infinity appears. */
static fv_status fail_not_finite(fv_session *session, const char *loss)
{
    const fv_plan *plan = session->plan;
    for (int32_t i = 0; i < plan->forward_count; i++) {
        FV_TRY(run_step(session, i));
        const fvi_view *y = &session->call[i].y;
        const fvi_node *node = &plan->nodes[plan->step[i].node];
        unguard_arena(session);
        if (y->data != NULL && !all_finite(y, plan->storage[plan->tensor[plan->step[i].y].storage].dtype))
            return fvi_fail_in(&session->message, FV_ERR_NUMERIC,
                               "%s: a NaN or an infinity, first in the output of %s '%s'", loss, node->layer->name,
                               node->name);
    }
    return fvi_fail_in(&session->message, FV_ERR_NUMERIC, "%s '%s' is not finite, though all its inputs are", "loss",
                       loss);
}

static fv_status sum_losses(fv_session *session, double *loss)
{
    const fv_plan *plan = session->plan;
    *loss = 0;
    for (int32_t i = 0; i < plan->forward_count; i++) {
        if (!plan->nodes[plan->step[i].node].layer->is_loss)
            continue;
        *loss += session->call[i].loss;
        if (!isfinite(session->call[i].loss))
            return fail_not_finite(session, session->call[i].name);
    }
    return FV_OK;
}

static fv_status forward(fv_session *session, const fv_batch *batch, fv_step_result *result)
{
    const int32_t steps = session->plan->forward_count;
    set_samples(session, batch->n);
    session->executed = 0;
    for (int32_t i = 0; i < steps; i++)
        session->call[i].batch = batch;
    pack(session);
    FV_TRY(run_steps(session, 0, steps));
    FV_TRY(sum_losses(session, &result->loss));
    session->weight = result->weight = fvi_batch_weight(batch);
    result->correct = fvi_count_correct(session, batch);
    return FV_OK;
}

fv_status fv_session_forward(fv_session *session, const fv_batch *batch, fv_step_result *result)
{
    fv_step_result ignored;
    result = result != NULL ? result : &ignored;
    *result = (fv_step_result){ 0 };
    FV_TRY(check_batch(session, batch));
    session->batch = *batch;
    const fvi_float_mode mode = fvi_float_mode_enter();
    const fv_status status = forward(session, &session->batch, result);
    fvi_float_mode_leave(mode);
    session->forwarded = status == FV_OK;
    return status;
}

static fv_status forward_looked_at(fv_session *session, fvi_look_fn *look, void *user)
{
    const fv_plan *plan = session->plan;
    set_samples(session, session->batch.n);
    session->executed = 0;
    for (int32_t i = 0; i < plan->forward_count; i++)
        session->call[i].batch = &session->batch;
    session->is_packed = false;
    pack(session);
    for (int32_t i = 0; i < plan->forward_count; i++) {
        bool again = true;
        while (again) {
            FV_TRY(run_step(session, i));
            unguard_arena(session);
            again = look(user, plan->step[i].node);
            if (again && plan->step[i].pack != NULL && !plan->packs_in_steps)
                plan->step[i].pack(&session->call[i]);
        }
    }
    return FV_OK;
}

fv_status fvi_session_forward_looked_at(fv_session *session, const fv_batch *batch, fvi_look_fn *look, void *user)
{
    FV_TRY(check_batch(session, batch));
    session->batch = *batch;
    const fvi_float_mode mode = fvi_float_mode_enter();
    const fv_status status = forward_looked_at(session, look, user);
    fvi_float_mode_leave(mode);
    session->is_packed = false; /* parameters may have changed */
    session->forwarded = false;
    return status;
}

static fv_status backward(fv_session *session, double divisor)
{
    const fv_plan *plan = session->plan;
    for (int32_t i = plan->forward_count; i < plan->step_count; i++) {
        session->call[i].batch = &session->batch;
        session->call[i].scale = 1 / divisor;
    }
    for (int32_t i = 0; i < fv_params_count(session->params); i++)
        if (!plan->announced[i]) /* no loss depends on it: its gradient is zero from the start */
            announce(session, i, 1);
    return run_steps(session, plan->forward_count, plan->step_count);
}

fv_status fv_session_backward(fv_session *session, double divisor)
{
    if (!fvi_plan_trains(session->plan))
        return fvi_fail_in(&session->message, FV_ERR_STATE, "backward: the plan was not made for training");
    if (!session->forwarded || session->executed != session->plan->forward_count)
        return fvi_fail_in(&session->message, FV_ERR_STATE,
                           "backward: call fv_session_forward() first, once for each backward");
    if (session->plan->options.hand_over && session->take == NULL)
        return fvi_fail_in(&session->message, FV_ERR_STATE,
                           "backward: the plan hands gradients over; call fv_session_on_gradients() first");
    if (!(fabs(divisor) > 0) || !isfinite(divisor))
        return fvi_fail_in(&session->message, FV_ERR_ARGUMENT, "backward: the divisor %g is zero or not finite",
                           divisor);
    const fvi_float_mode mode = fvi_float_mode_enter();
    const fv_status status = backward(session, divisor);
    fvi_float_mode_leave(mode);
    session->forwarded = false;
    return status;
}

fv_status fv_session_observe(fv_session *session)
{
    const fv_plan *plan = session->plan;
    if (fvi_plan_trains(plan) && plan->options.hand_over)
        return fvi_fail_in(&session->message, FV_ERR_STATE,
                           "observed statistics: the plan hands gradients over; plan without hand_over");
    if (!fvi_plan_trains(plan) || !session->forwarded)
        return fvi_fail_in(&session->message, FV_ERR_STATE,
                           "observed statistics: call fv_session_forward() of a plan for training first");
    for (int32_t i = 0; i < plan->forward_count; i++) {
        const fvi_plan_node *node = &plan->node[plan->step[i].node];
        const fvi_layer *layer = plan->nodes[plan->step[i].node].layer;
        if (layer->observe != NULL && node->setup.backward)
            layer->observe(&session->call[i]);
    }
    return FV_OK;
}

fv_status fv_session_step(fv_session *session, const fv_batch *batch, fv_step_result *result)
{
    FV_TRY(fv_session_forward(session, batch, result));
    return fv_session_backward(session, session->weight);
}
