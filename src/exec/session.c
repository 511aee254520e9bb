/* SPDX-License-Identifier: Apache-2.0
 *
 * session.c - makes a session: one allocation, every step's call filled in, so that running is a loop (run.c).
 */
#include <string.h>

#include "base/checked.h"
#include "exec/exec_internal.h"
#include "graph/params_internal.h"

/* The tables that calls point into, handed out in the order of the steps. */
typedef struct session_tables {
    fvi_view *view;
    void **value, **gradient; /* [parameters] */
} session_tables;

static fvi_view shape_only(fvi_view view)
{
    view.data = NULL;
    return view;
}

static void fill_views(fv_session *session, const fvi_step *step, fvi_call *call, session_tables *tables)
{
    const fv_plan *plan = session->plan;
    const int32_t batch = plan->options.batch;
    fvi_view *x = tables->view, *dx = x + step->input_count;
    tables->view += (step->staging != NULL ? 4 : 2) * step->input_count;
    for (int32_t j = 0; j < step->input_count; j++) {
        x[j] = fvi_plan_view(plan, step->x[j], session->arena, batch);
        dx[j] = shape_only(x[j]);
        if (step->dx[j] != FVI_NONE)
            dx[j] = fvi_plan_view(plan, step->dx[j], session->arena, batch);
        if (j >= step->reads_x)
            x[j] = shape_only(x[j]);
    }
    call->x = x;
    call->dx = dx;
    call->y = fvi_plan_view(plan, step->y, session->arena, batch);
    if (!step->reads_y && step->kind != FVI_STEP_ACCUMULATE)
        call->y = shape_only(call->y);
    call->dy = fvi_plan_view(plan, step->dy, session->arena, batch);
    call->plus = fvi_plan_view(plan, step->plus, session->arena, batch);
}

static void *storage_of(const fv_session *session, int32_t storage)
{
    return storage != FVI_NONE ? session->arena + session->plan->storage[storage].offset : NULL;
}

static void *packed_of(const fv_session *session, const fvi_step *step)
{
    const fvi_plan_node *planned = &session->plan->node[step->node];
    const bool backward = step->kind == FVI_STEP_BACKWARD || step->kind == FVI_STEP_BACKWARD_DATA;
    if (session->plan->packs_in_steps)
        return storage_of(session, step->packed);
    return session->packed + (backward ? planned->packed_backward_offset : planned->packed_offset);
}

/* Steps that are not staged have all tensors alike. */
static fv_dtype step_dtype(const fv_plan *plan, const fvi_step *step)
{
    const bool builtin = step->kind == FVI_STEP_INPUT || step->kind == FVI_STEP_ACCUMULATE;
    if (!builtin || step->staging != NULL)
        return fvi_plan_arithmetic(plan);
    return plan->storage[plan->tensor[step->y].storage].dtype;
}

static void fill_call(fv_session *session, int32_t index, session_tables *tables)
{
    const fv_plan *plan = session->plan;
    const fvi_step *step = &plan->step[index];
    const fvi_node *node = &plan->nodes[step->node];
    const fvi_plan_node *planned = &plan->node[step->node];
    fvi_call *call = &session->call[index];
    *call = (fvi_call){
        .context = session->context,
        .kernels = plan->kernels,
        .name = node->name,
        .message = &session->message,
        .options = node->options,
        .prepared = planned->setup.prepared,
        .dtype = step_dtype(plan, step),
        .training = fvi_plan_trains(plan) && !node->frozen,
        .stream = fvi_hash_text(node->name),
        .input_count = step->input_count,
        .param = tables->value + node->first_param,
        .dparam = tables->gradient + node->first_param,
        .packed = packed_of(session, step),
        .scratch = storage_of(session, step->scratch),
        .gathered = storage_of(session, step->gathered),
        .fused = planned->fused,
    };
    if (planned->affine != FV_NO_VALUE)
        call->affine_param = tables->value + plan->nodes[planned->affine].first_param;
    call->saved = storage_of(session, planned->saved);
    session->views[index] = tables->view;
    fill_views(session, step, call, tables);
}

/* Under AddressSanitizer the gap behind each part catches who runs over its end. */
static void guard_parts(const fv_session *session, const fvi_session_layout *layout)
{
    const fv_plan_memory bytes = session->plan->bytes;
    const char *base = (const char *)session;
    const size_t gap = fvi_arena_gap();
    if (gap == 0)
        return;
    fvi_poison(base + layout->packed - gap, gap); /* behind the gradients */
    fvi_poison(base + layout->packed + bytes.packed, layout->arena - layout->packed - bytes.packed);
}

static void *gradient_of(const fv_session *session, int32_t parameter)
{
    if (session->gradients != NULL)
        return fv_params_values(session->gradients, parameter);
    return session->plan->gradient_storage != NULL ? storage_of(session, session->plan->gradient_storage[parameter])
                                                   : NULL;
}

static void fill_session(fv_session *session, const fvi_session_layout *layout)
{
    char *base = (char *)session;
    const fv_plan *plan = session->plan;
    const int32_t params = fvi_graph_param_count(plan->graph);
    session->call = (fvi_call *)(void *)(base + layout->call);
    session->views = (fvi_view **)(void *)(base + layout->step_views);
    session->seconds = (double *)(void *)(base + layout->seconds);
    session->calls = (int64_t *)(void *)(base + layout->calls);
    session->packed = base + layout->packed;
    session->arena = base + layout->arena;
    if (fvi_plan_trains(plan) && !plan->options.hand_over)
        session->gradients = fvi_params_place(base + layout->gradients, plan->graph, fvi_plan_arithmetic(plan));
    session_tables tables = { .view = (fvi_view *)(void *)(base + layout->views),
                              .value = (void **)(void *)(base + layout->values) };
    tables.gradient = tables.value + params;
    for (int32_t i = 0; i < params; i++) {
        tables.value[i] = fv_params_values(session->params, i);
        tables.gradient[i] = gradient_of(session, i);
    }
    session->handed = (fv_gradient *)(void *)(base + layout->handed);
    for (int32_t i = 0; i < plan->handed_count; i++)
        session->handed[i] = (fv_gradient){ .parameter = plan->handed[i], .values = tables.gradient[plan->handed[i]] };
    for (int32_t i = 0; i < plan->step_count; i++)
        fill_call(session, i, &tables);
    guard_parts(session, layout);
}

static fv_status check_params(const fv_plan *plan, const fv_params *params)
{
    const fv_graph *graph = fv_params_graph(params);
    if (graph != plan->graph)
        return fvi_fail(plan->context, FV_ERR_ARGUMENT,
                        "session: the plan is for graph '%s', the parameters are for %s '%s'",
                        fv_graph_name(plan->graph),
                        strcmp(fv_graph_name(plan->graph), fv_graph_name(graph)) == 0 ? "another one named" : "graph",
                        fv_graph_name(graph));
    if (fv_params_dtype(params) != fvi_plan_arithmetic(plan))
        return fvi_fail(plan->context, FV_ERR_ARGUMENT,
                        "session of graph '%s': the plan computes in %s, the parameters are %s", fv_graph_name(graph),
                        fv_dtype_name(fvi_plan_arithmetic(plan)), fv_dtype_name(fv_params_dtype(params)));
    return FV_OK;
}

fv_status fv_session_create(fv_session **out, const fv_plan *plan, fv_params *params)
{
    *out = NULL;
    FV_TRY(check_params(plan, params));
    fvi_session_layout layout = { 0 };
    FV_TRY(fvi_session_lay_out(plan, &layout));
    fv_session *session = fvi_allocate_zeroed(plan->context, 1, layout.total);
    if (session == NULL)
        return fvi_out_of_memory(plan->context, "session", layout.total);
    session->context = plan->context;
    session->plan = plan;
    session->params = params;
    fill_session(session, &layout);
    *out = session;
    return FV_OK;
}

void fv_session_destroy(fv_session *session)
{
    if (session == NULL)
        return;
    if (fvi_arena_gap() > 0)
        fvi_unpoison(session, session->plan->bytes.total);
    fvi_release(session->context, session);
}

const char *fv_session_message(const fv_session *session)
{
    return session->message.text;
}

void fv_session_params_changed(fv_session *session)
{
    session->is_packed = false;
}

void fv_session_set_training(fv_session *session, bool training)
{
    for (int32_t i = 0; i < session->plan->step_count; i++)
        session->call[i].training =
            training && fvi_plan_trains(session->plan) && !session->plan->nodes[session->plan->step[i].node].frozen;
}

void fv_session_set_seed(fv_session *session, uint64_t seed)
{
    for (int32_t i = 0; i < session->plan->step_count; i++)
        session->call[i].seed = seed;
}

fv_params *fv_session_gradients(fv_session *session)
{
    return session->gradients;
}

void fv_session_on_gradient(fv_session *session, fv_gradient_ready_fn *ready, void *user)
{
    session->ready = ready;
    session->ready_user = user;
}

void fv_session_on_gradients(fv_session *session, fv_gradients_fn *take, void *user)
{
    session->take = take;
    session->take_user = user;
}

void fv_session_profile(fv_session *session, bool on)
{
    session->profiling = on;
    memset(session->seconds, 0, (size_t)session->plan->step_count * sizeof *session->seconds);
    memset(session->calls, 0, (size_t)session->plan->step_count * sizeof *session->calls);
}

double fv_session_step_seconds(const fv_session *session, int32_t step, int64_t *calls)
{
    const bool known = step >= 0 && step < session->plan->step_count;
    if (calls != NULL)
        *calls = known ? session->calls[step] : 0;
    return known ? session->seconds[step] : 0;
}

fv_status fv_session_read(fv_session *session, fv_value value, void *out, size_t elements)
{
    const fv_plan *plan = session->plan;
    fvi_message *message = &session->message;
    if (session->n == 0)
        return fvi_fail_in(message, FV_ERR_STATE, "nothing to read: call fv_session_forward() first");
    if (value < 0 || value >= plan->node_count || plan->nodes[value].layer->is_loss)
        return fvi_fail_in(message, FV_ERR_ARGUMENT, "value %d of graph '%s' %s", value, fv_graph_name(plan->graph),
                           value < 0 || value >= plan->node_count ? "does not exist"
                                                                  : "is a loss: step results give it");
    const fvi_node *node = &plan->nodes[value];
    const fvi_plan_node *root = &plan->node[plan->node[value].root];
    if (plan->node[value].hidden)
        return fvi_fail_in(
            message, FV_ERR_STATE,
            "%s '%s': computed together with '%s', so its value is nowhere; plan with no_fusion to read it",
            node->layer->name, node->name, plan->nodes[root->within != FV_NO_VALUE ? root->within : root->last].name);
    if (!plan->node[value].runs || fvi_plan_clobbered(plan, plan->node[value].root) < session->executed)
        return fvi_fail_in(message, FV_ERR_STATE, "%s '%s': %s", node->layer->name, node->name,
                           plan->node[value].runs ? "its memory serves another value by now"
                                                  : "the plan does not compute it");
    const size_t count = (size_t)session->n * (size_t)node->out.c * (size_t)node->out.h * (size_t)node->out.w;
    if (elements < count)
        return fvi_fail_in(message, FV_ERR_ARGUMENT, "%s '%s': %zu elements to read, room for %zu", node->layer->name,
                           node->name, count, elements);
    fvi_read_tensor(session, root->tensor, out);
    return FV_OK;
}

double fv_session_loss(const fv_session *session, fv_value loss)
{
    const fv_plan *plan = session->plan;
    for (int32_t i = 0; i < plan->forward_count; i++)
        if (plan->step[i].node == loss && plan->nodes[loss].layer->is_loss)
            return session->call[i].loss;
    return 0;
}

fv_status fv_session_read_input_gradient(fv_session *session, void *out, size_t elements)
{
    const fv_plan *plan = session->plan;
    const fv_value input = fv_graph_input(plan->graph);
    const fvi_node *node = &plan->nodes[input];
    if (plan->node[input].gradient == FVI_NONE || session->executed < plan->step_count)
        return fvi_fail_in(&session->message, FV_ERR_STATE, "no gradient by the input '%s': %s", node->name,
                           plan->node[input].gradient == FVI_NONE ? "plan with input_gradient, for training"
                                                                  : "call fv_session_backward() first");
    const size_t count = (size_t)session->n * (size_t)node->out.c * (size_t)node->out.h * (size_t)node->out.w;
    if (elements < count)
        return fvi_fail_in(&session->message, FV_ERR_ARGUMENT,
                           "gradient by the input '%s': %zu elements to read, room for %zu", node->name, count,
                           elements);
    fvi_read_tensor(session, plan->node[input].gradient, out);
    return FV_OK;
}
