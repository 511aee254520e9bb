/* SPDX-License-Identifier: Apache-2.0
 *
 * hand_over.c - gradients of parameters that do not outlive the backward pass (fv_plan_options.hand_over): each lies in the
 * arena from the step that computes it to the one behind which it is handed over, which is behind the last step that
 * reads the layer's parameters, since whoever takes it may write them. Small ones wait for each other, so that the update
 * of many is one pass over all threads.
 * Of a large one whose rows can be computed apart, some rows at a time are computed, handed over and forgotten: there is
 * never memory for all.
 * Gradients that no step computes are zeros: their memory is nobody else's.
 */
#include "base/checked.h"
#include "plan/plan_internal.h"

enum { TOGETHER = 1 << 20 }; /* bytes of gradients that are worth a call: they are still in a cache */

enum { AT_A_TIME = 8 << 20, ROWS = 16 }; /* bytes of one gradient; rows are a multiple */

int32_t fvi_plan_rows_at_a_time(const fv_plan *plan, fv_value value)
{
    if (!plan->options.hand_over || !plan->node[value].setup.weights_by_rows || plan->options.dtype == FV_BF16)
        return 0;
    const fv_shape *shape = &plan->nodes[value].param[0].shape;
    const int64_t bytes = fv_shape_elements(shape) / shape->size[0] * (int64_t)fv_dtype_size(plan->options.dtype);
    const int64_t rows = (AT_A_TIME / bytes + ROWS - 1) / ROWS * ROWS;
    return rows > 0 && rows < shape->size[0] ? (int32_t)rows : rows == 0 && ROWS < shape->size[0] ? ROWS : 0;
}

/* The steps that matter for one node's parameters. */
typedef struct param_uses {
    int32_t computed; /* first backward step that writes its gradients, or FVI_NONE */
    int32_t last;     /* that reads the parameters */
} param_uses;

static void note_use(param_uses *uses, fv_value node, int32_t step)
{
    if (node != FV_NO_VALUE)
        uses[node].last = step;
}

static fv_status find_uses(fv_plan *plan, param_uses **out)
{
    param_uses *uses = NULL;
    FV_TRY(fvi_plan_allocate(plan, (size_t)plan->node_count, sizeof *uses, (void **)&uses));
    for (int32_t i = 0; i < plan->node_count; i++)
        uses[i] = (param_uses){ .computed = FVI_NONE, .last = FVI_NONE };
    for (int32_t i = 0; i < plan->step_count; i++) {
        const fvi_step *step = &plan->step[i];
        if (step->kind == FVI_STEP_ACCUMULATE)
            continue;
        note_use(uses, step->node, i);
        note_use(uses, plan->node[step->node].affine, i);
        const bool computes = step->kind == FVI_STEP_BACKWARD || step->kind == FVI_STEP_BACKWARD_WEIGHTS;
        if (computes && step->ready_count > 0 && uses[step->node].computed == FVI_NONE)
            uses[step->node].computed = i;
    }
    *out = uses;
    return FV_OK;
}

static bool is_updated(const fvi_declared_param *param)
{
    return param->trained || param->momentum > 0;
}

/* A frozen layer that computes all gradients in one pass writes those of its parameters, too: nobody takes them. */
static bool is_written(const fvi_node *node, const fvi_declared_param *param)
{
    return is_updated(param) || (node->frozen && node->layer->backward_weights == NULL);
}

/* Makes the storages of a node's gradients, from step `first` on; *bytes grows by them. */
static fv_status make_storages(fv_plan *plan, fv_value value, int32_t first, size_t *bytes)
{
    const fvi_node *node = &plan->nodes[value];
    for (int32_t j = 0; j < node->param_count; j++) {
        size_t size = 0;
        if (!is_written(node, &node->param[j]))
            continue;
        const int32_t rows = j == 0 ? plan->step[first].rows : 0;
        const size_t elements = (size_t)fv_shape_elements(&node->param[j].shape);
        const size_t alive = rows > 0 ? elements / (size_t)node->param[j].shape.size[0] * (size_t)rows : elements;
        if (!fvi_size_multiply(alive, fv_dtype_size(fvi_plan_arithmetic(plan)), &size) || size > SIZE_MAX / 8)
            return fvi_plan_too_large(plan);
        plan->gradient_storage[node->first_param + j] = fvi_plan_add_bytes(plan, size, first, plan->step_count);
        *bytes += is_updated(&node->param[j]) ? size : 0;
    }
    return FV_OK;
}

/* Adds a node's parameters to those that are handed over behind step `step`. */
static void hand_over(fv_plan *plan, fv_value value, int32_t step, int32_t alive_until)
{
    const fvi_node *node = &plan->nodes[value];
    for (int32_t j = 0; j < node->param_count; j++) {
        if (!is_written(node, &node->param[j]))
            continue;
        fvi_storage *storage = &plan->storage[plan->gradient_storage[node->first_param + j]];
        if (!is_updated(&node->param[j])) {
            storage->last = storage->first;
            continue;
        }
        if (j == 0 && plan->step[storage->first].rows > 0) { /* handed over within its step */
            storage->last = storage->first;
            continue;
        }
        storage->last = alive_until;
        plan->handed[plan->handed_count++] = node->first_param + j;
        plan->step[step].hand_count++;
    }
}

/* Step by step: what is complete waits until there is enough of it, or until the end. */
static fv_status hand_over_computed(fv_plan *plan, const param_uses *uses, fv_value *waiting)
{
    int32_t count = 0;
    size_t bytes = 0;
    for (int32_t i = plan->forward_count; i < plan->step_count; i++) {
        const fv_value node = plan->step[i].node;
        plan->step[i].hand_first = plan->handed_count;
        if (plan->step[i].kind != FVI_STEP_ACCUMULATE && uses[node].last == i && uses[node].computed != FVI_NONE) {
            FV_TRY(make_storages(plan, node, uses[node].computed, &bytes));
            waiting[count++] = node;
        }
        if (bytes < TOGETHER && i < plan->step_count - 1)
            continue;
        for (int32_t j = 0; j < count; j++)
            hand_over(plan, waiting[j], i, i);
        count = 0;
        bytes = 0;
    }
    return FV_OK;
}

fv_status fvi_plan_hand_over(fv_plan *plan)
{
    const int32_t params = fvi_graph_param_count(plan->graph);
    param_uses *uses = NULL;
    fv_value *waiting = NULL;
    if (!fvi_plan_trains(plan) || !plan->options.hand_over)
        return FV_OK;
    FV_TRY(find_uses(plan, &uses));
    FV_TRY(fvi_plan_allocate(plan, (size_t)plan->node_count, sizeof *waiting, (void **)&waiting));
    FV_TRY(fvi_plan_allocate(plan, (size_t)params, sizeof *plan->handed, (void **)&plan->handed));
    FV_TRY(fvi_plan_allocate(plan, (size_t)params, sizeof *plan->gradient_storage, (void **)&plan->gradient_storage));
    FV_TRY(fvi_plan_more_storages(plan, params));
    for (int32_t i = 0; i < params; i++)
        plan->gradient_storage[i] = FVI_NONE;
    FV_TRY(hand_over_computed(plan, uses, waiting));
    for (int32_t i = 0; i < plan->node_count; i++) {
        if (uses[i].computed != FVI_NONE || plan->nodes[i].frozen)
            continue;
        FV_TRY(make_storages(plan, i, 0, &(size_t){ 0 }));
        hand_over(plan, i, plan->step_count - 1, plan->step_count);
    }
    return FV_OK;
}
