/* SPDX-License-Identifier: Apache-2.0
 *
 * steps.c - the list of steps and the tensors that they read and write. Forward in the order of the nodes, backward in
 * the reverse order; where a value has several readers their gradients are added up one after the other in that order,
 * so that the sum's bits are fixed: by the step that computes one where its layer can (adds_dx), else by a step of its own.
 */
#include <assert.h>
#include <string.h>

#include "plan/plan_internal.h"

static fv_value root_of_input(const fv_plan *plan, fv_value value, int32_t input)
{
    return plan->node[value].inputs[input];
}

static int32_t new_storage(fv_plan *plan, fv_image_shape shape, size_t bytes)
{
    assert(plan->storage_count < plan->storage_capacity);
    plan->storage[plan->storage_count] = (fvi_storage){
        .h = shape.h,
        .w = shape.w,
        .c = shape.c,
        .dtype = plan->options.dtype == FV_I8 ? FV_F32 : plan->options.dtype,
        .bytes = bytes,
        .first = INT32_MAX,
        .last = FVI_NONE,
        .copy_of = FVI_NONE,
    };
    return plan->storage_count++;
}

static int32_t new_tensor(fv_plan *plan, int32_t storage, int32_t channel, int32_t c)
{
    assert(plan->tensor_count < plan->tensor_capacity);
    plan->tensor[plan->tensor_count] = (fvi_tensor){ .storage = storage, .channel = channel, .c = c };
    return plan->tensor_count++;
}

/* The storage of a root's value: in bytes, where the graph says so. */
static int32_t new_activation(fv_plan *plan, fv_value root)
{
    const int32_t index = new_storage(plan, plan->nodes[root].out, 0);
    const fv_quantized *stored = fvi_plan_stored(plan, root);
    if (stored != NULL) {
        plan->storage[index].dtype = FV_U8;
        plan->storage[index].scale = stored->scale;
        plan->storage[index].zero_point = stored->zero_point;
    }
    return index;
}

/* Owners of a class come after its members, so going backwards each member finds its owner's tensor made. */
static void make_activations(fv_plan *plan)
{
    for (int32_t i = plan->node_count - 1; i >= 0; i--) {
        fvi_plan_node *node = &plan->node[i];
        const fv_image_shape shape = plan->nodes[i].out;
        if (!node->runs || node->dropped)
            continue;
        if (node->setup.saved_bytes > 0)
            node->saved = new_storage(plan, (fv_image_shape){ 0 }, node->setup.saved_bytes);
        if (plan->nodes[i].layer->is_loss || node->slice_of != FV_NO_VALUE)
            continue;
        if (node->into == FV_NO_VALUE) {
            node->tensor = new_tensor(plan, new_activation(plan, i), 0, shape.c);
        } else {
            const fvi_tensor whole = plan->tensor[plan->node[node->into].tensor];
            node->tensor = new_tensor(plan, whole.storage, whole.channel + node->into_channel, shape.c);
        }
    }
    for (int32_t i = 0; i < plan->node_count; i++) { /* a slice comes after what it is a slice of */
        fvi_plan_node *node = &plan->node[i];
        if (node->slice_of == FV_NO_VALUE)
            continue;
        const fvi_tensor whole = plan->tensor[plan->node[node->slice_of].tensor];
        node->tensor = new_tensor(plan, whole.storage, whole.channel + node->setup.first_channel, plan->nodes[i].out.c);
    }
}

/* A step with room for the tensors of its inputs, all FVI_NONE. */
static fv_status new_step(fv_plan *plan, fvi_step_kind kind, fv_value node, int32_t input_count, fvi_step **out)
{
    assert(plan->step_count < plan->step_capacity);
    fvi_step *step = &plan->step[plan->step_count];
    *step = (fvi_step){ .kind = kind,
                        .node = node,
                        .input_count = input_count,
                        .y = FVI_NONE,
                        .dy = FVI_NONE,
                        .plus = FVI_NONE,
                        .gathered = FVI_NONE };
    FV_TRY(fvi_plan_allocate(plan, (size_t)input_count, sizeof *step->x, (void **)&step->x));
    FV_TRY(fvi_plan_allocate(plan, (size_t)input_count, sizeof *step->dx, (void **)&step->dx));
    for (int32_t j = 0; j < input_count; j++)
        step->x[j] = step->dx[j] = FVI_NONE;
    plan->step_count++;
    *out = step;
    return FV_OK;
}

static void set_activations(const fv_plan *plan, fvi_step *step)
{
    for (int32_t j = 0; j < step->input_count; j++)
        step->x[j] = plan->node[root_of_input(plan, step->node, j)].tensor;
    step->y = plan->node[step->node].tensor;
}

static fv_status add_forward(fv_plan *plan, fv_value value)
{
    const fvi_layer *layer = plan->nodes[value].layer;
    fvi_step *step = NULL;
    FV_TRY(new_step(plan, layer->is_input ? FVI_STEP_INPUT : FVI_STEP_FORWARD, value, plan->node[value].input_count,
                    &step));
    step->run = layer->is_input ? fvi_step_input : layer->forward;
    step->reads_x = step->input_count;
    step->reads_y = true;
    set_activations(plan, step);
    plan->reorders += layer->is_input || layer->is_view;
    return FV_OK;
}

/* One more gradient for a root: the first one's memory takes the sum. */
static fv_status contribute(fv_plan *plan, fv_value root, int32_t tensor)
{
    fvi_plan_node *node = &plan->node[root];
    if (node->gradient == FVI_NONE) {
        node->gradient = tensor;
        return FV_OK;
    }
    fvi_step *step = NULL;
    FV_TRY(new_step(plan, FVI_STEP_ACCUMULATE, root, 0, &step));
    step->run = fvi_step_accumulate;
    step->y = node->gradient;
    step->dy = tensor;
    return FV_OK;
}

static bool same_place(const fv_plan *plan, int32_t a, int32_t b)
{
    return plan->tensor[a].storage == plan->tensor[b].storage;
}

/* Whether the step that computes dx[0] adds what the root's gradient is so far, rather than a step behind it. The gradient is then
 * where dx[0] is. */
static bool adds_up(fv_plan *plan, fvi_step *step, fv_value root)
{
    fvi_plan_node *node = &plan->node[root];
    const int32_t dx = step->dx[0], sum = node->gradient;
    const bool may = plan->fuses && plan->options.dtype != FV_BF16 && plan->nodes[step->node].layer->adds_dx;
    if (!may || sum == FVI_NONE || same_place(plan, dx, sum))
        return false;
    const fvi_storage *a = &plan->storage[plan->tensor[dx].storage], *b = &plan->storage[plan->tensor[sum].storage];
    if (a->h != b->h || a->w != b->w || plan->tensor[dx].c != plan->tensor[sum].c)
        return false;
    step->plus = sum;
    node->gradient = dx;
    return true;
}

/* The gradient of a concatenation is its inputs' gradients side by side already. */
static fv_status split_joined(fv_plan *plan, fv_value value)
{
    const fvi_tensor whole = plan->tensor[plan->node[value].gradient];
    for (int32_t j = 0; j < plan->nodes[value].input_count; j++) {
        const fv_value root = root_of_input(plan, value, j);
        if (plan->node[root].has_gradient)
            FV_TRY(contribute(plan, root,
                              new_tensor(plan, whole.storage, whole.channel + plan->node[root].into_channel,
                                         plan->nodes[root].out.c)));
    }
    return FV_OK;
}

/* Whether the gradient of input j is dy itself: of a summand behind the layer dy without its activation, which the layer
 * leaves there; else of input 0, where the layer can write over dy and no summand needs that. */
static bool is_over_dy(const fv_plan *plan, const fvi_step *step, int32_t j)
{
    const fvi_plan_node *node = &plan->node[step->node];
    const fvi_layer *layer = plan->nodes[step->node].layer;
    const int32_t summand = node->fused != NULL ? node->fused->summand : 0;
    if (summand > 0 && plan->node[node->inputs[summand]].has_gradient)
        return j == summand;
    return j == 0 && (layer->in_place || layer->dx_over_dy);
}

/* Where step writes the gradient of its input j: over dy where the layer can, in the slice of dy where a join would
 * only copy it from, else to a storage of its own. */
static int32_t gradient_tensor(fv_plan *plan, const fvi_step *step, int32_t j)
{
    const fvi_setup *setup = &plan->node[step->node].setup;
    const int32_t slice = fvi_plan_joined_channel(plan, step->node, j);
    if (slice != FVI_NONE) {
        const fvi_tensor whole = plan->tensor[step->dy];
        return new_tensor(plan, whole.storage, whole.channel + slice, setup->in[j].c);
    }
    if (step->dy != FVI_NONE && is_over_dy(plan, step, j) && memcmp(&setup->in[j], &setup->out, sizeof setup->out) == 0)
        return step->dy;
    return new_tensor(plan, new_storage(plan, setup->in[j], 0), 0, setup->in[j].c);
}

/* Fills in a backward step. data: it computes the gradients by the inputs. */
static fv_status fill_backward(fv_plan *plan, fvi_step *step, bool data)
{
    const uint32_t backward_reads = plan->node[step->node].setup.backward_reads;
    set_activations(plan, step);
    const bool reads = step->kind != FVI_STEP_BACKWARD_DATA; /* of two parts only the weights' reads activations */
    step->reads_x = reads && (backward_reads & FVI_READS_INPUT) != 0 ? plan->nodes[step->node].input_count : 0;
    step->reads_y = reads && (backward_reads & FVI_READS_OUTPUT) != 0 &&
                    plan->node[step->node].undone_for == FV_NO_VALUE; /* the step before has read it */
    step->dy = plan->node[step->node].gradient;
    for (int32_t j = step->input_count - 1; data && j >= 0; j--) /* a summand's before that of input 0 */
        if (plan->node[root_of_input(plan, step->node, j)].has_gradient)
            step->dx[j] = gradient_tensor(plan, step, j);
    for (int32_t j = 0; data && j < step->input_count; j++)
        if (step->dx[j] != FVI_NONE && (j > 0 || !adds_up(plan, step, root_of_input(plan, step->node, 0))))
            FV_TRY(contribute(plan, root_of_input(plan, step->node, j), step->dx[j]));
    return FV_OK;
}

static void announce(fv_plan *plan, fvi_step *step)
{
    const fvi_node *node = &plan->nodes[step->node];
    step->ready = node->first_param;
    step->ready_count = node->param_count;
    for (int32_t j = 0; j < node->param_count; j++)
        plan->announced[node->first_param + j] = true;
}

bool fvi_plan_undoes(const fv_plan *plan, fv_value value)
{
    const fvi_plan_node *leader = &plan->node[plan->node[value].root];
    return fvi_plan_trains(plan) && leader->learns && leader->last == value && leader->fused != NULL &&
           leader->fused->activation != NULL && plan->nodes[plan->node[value].root].layer->backward_weights != NULL;
}

/* The activation at the end of a leader's chain, over the gradient of `over`: of what the leader computes, or of what was
 * selected from that. */
static fv_status add_undoing(fv_plan *plan, fv_value leader, fv_value over)
{
    const fv_value value = plan->node[leader].last;
    fvi_step *step = NULL;
    FV_TRY(new_step(plan, FVI_STEP_BACKWARD, value, 1, &step));
    step->run = plan->nodes[value].layer->backward;
    step->x[0] = step->y = plan->node[over].tensor;
    step->reads_y = true;
    step->dy = step->dx[0] = plan->node[over].gradient;
    return FV_OK;
}

static fv_status add_backward_weights(fv_plan *plan, fv_value value)
{
    fvi_step *step = NULL;
    FV_TRY(new_step(plan, FVI_STEP_BACKWARD_WEIGHTS, value, plan->nodes[value].input_count, &step));
    step->run = plan->nodes[value].layer->backward_weights;
    step->rows = fvi_plan_rows_at_a_time(plan, value);
    announce(plan, step);
    return fill_backward(plan, step, false);
}

static fv_status add_backward_data(fv_plan *plan, fv_value value)
{
    fvi_step *step = NULL;
    FV_TRY(new_step(plan, FVI_STEP_BACKWARD_DATA, value, plan->nodes[value].input_count, &step));
    step->run = plan->nodes[value].layer->backward_data;
    return fill_backward(plan, step, true);
}

static fv_status add_backward(fv_plan *plan, fv_value value)
{
    const fvi_node *node = &plan->nodes[value];
    const fvi_layer *layer = node->layer;
    const bool data = plan->node[value].setup.wants_dx;
    fvi_step *step = NULL;
    if (layer->backward_weights == NULL) {
        if (!data && !fvi_plan_learns_itself(plan, value))
            return FV_OK;
        if (plan->node[value].undone_for != FV_NO_VALUE)
            FV_TRY(add_undoing(plan, plan->node[value].undone_for, value));
        FV_TRY(new_step(plan, FVI_STEP_BACKWARD, value, plan->node[value].input_count, &step));
        step->run = layer->backward;
        announce(plan, step);
        return fill_backward(plan, step, data);
    }
    if (fvi_plan_undoes(plan, plan->node[value].last) && !plan->node[value].undone_behind)
        FV_TRY(add_undoing(plan, value, value));
    /* Weights that are updated while their gradients are computed are not needed by then. */
    const bool weights_last = fvi_plan_rows_at_a_time(plan, value) > 0;
    for (int32_t part = 0; part < 2; part++)
        if (weights_last != (part == 1) && data)
            FV_TRY(add_backward_data(plan, value));
        else if (weights_last == (part == 1) && fvi_plan_learns_itself(plan, value))
            FV_TRY(add_backward_weights(plan, value));
    return FV_OK;
}

/* Upper bounds of all counts, so that nothing grows while the steps are made. */
static fv_status make_room(fv_plan *plan)
{
    int32_t inputs = 0, params = 0;
    for (int32_t i = 0; i < plan->node_count; i++) {
        inputs += plan->nodes[i].input_count;
        params += plan->nodes[i].param_count;
    }
    plan->step_capacity = 3 * plan->node_count + inputs; /* forward, two backward; an accumulation for each input */
    plan->tensor_capacity = plan->node_count + inputs;
    plan->storage_capacity = 2 * plan->node_count + inputs;
    FV_TRY(fvi_plan_allocate(plan, (size_t)plan->step_capacity, sizeof *plan->step, (void **)&plan->step));
    FV_TRY(fvi_plan_allocate(plan, (size_t)plan->tensor_capacity, sizeof *plan->tensor, (void **)&plan->tensor));
    FV_TRY(fvi_plan_allocate(plan, (size_t)plan->storage_capacity, sizeof *plan->storage, (void **)&plan->storage));
    return fvi_plan_allocate(plan, (size_t)params, sizeof *plan->announced, (void **)&plan->announced);
}

fv_status fvi_plan_steps(fv_plan *plan)
{
    FV_TRY(make_room(plan));
    make_activations(plan);
    for (int32_t i = 0; i < plan->order_count; i++)
        if (!plan->node[plan->order[i]].joined && plan->node[plan->order[i]].slice_of == FV_NO_VALUE)
            FV_TRY(add_forward(plan, plan->order[i]));
    plan->forward_count = plan->step_count;
    for (int32_t i = plan->order_count - 1; i >= 0 && fvi_plan_trains(plan); i--) {
        const fv_value value = plan->order[i];
        if (plan->nodes[value].layer->is_input || !plan->node[value].setup.backward)
            continue;
        FV_TRY(plan->node[value].joined ? split_joined(plan, value) : add_backward(plan, value));
    }
    return FV_OK;
}
