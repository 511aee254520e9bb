/* SPDX-License-Identifier: Apache-2.0
 *
 * explain.c - a plan as others see it: its steps, their algorithms, its memory.
 */
#include "plan/plan_internal.h"

fv_plan_memory fv_plan_memory_bytes(const fv_plan *plan)
{
    return plan->bytes;
}

const fv_graph *fv_plan_graph(const fv_plan *plan)
{
    return plan->graph;
}

fv_plan_options fv_plan_get_options(const fv_plan *plan)
{
    return plan->options;
}

int32_t fv_plan_step_count(const fv_plan *plan)
{
    return plan->step_count;
}

int32_t fv_plan_reorder_count(const fv_plan *plan)
{
    return plan->reorders;
}

static const char *pass_name(const fv_plan *plan, const fvi_step *step)
{
    switch (step->kind) {
    case FVI_STEP_INPUT:
        return "reorder";
    case FVI_STEP_FORWARD:
        return plan->nodes[step->node].layer->is_view ? "reorder" : "forward";
    case FVI_STEP_REPEAT:
        return "repeat";
    case FVI_STEP_BACKWARD:
        return "backward";
    case FVI_STEP_BACKWARD_WEIGHTS:
        return "backward_weights";
    case FVI_STEP_BACKWARD_DATA:
        return "backward_data";
    case FVI_STEP_ACCUMULATE:
        break;
    }
    return "accumulate";
}

int32_t fvi_plan_answer(const fvi_step *step)
{
    switch (step->kind) {
    case FVI_STEP_FORWARD:
        return 0;
    case FVI_STEP_BACKWARD:
    case FVI_STEP_BACKWARD_DATA:
        return 1;
    case FVI_STEP_BACKWARD_WEIGHTS:
        return 2;
    case FVI_STEP_INPUT:
    case FVI_STEP_REPEAT:
    case FVI_STEP_ACCUMULATE:
        break;
    }
    return -1;
}

/* What forward leaves for backward at this step: `saved`, and the output if its memory outlives the forward steps. */
static size_t bytes_saved(const fv_plan *plan, const fvi_step *step)
{
    const fvi_plan_node *node = &plan->node[step->node];
    size_t bytes = 0;
    if (step->kind != FVI_STEP_FORWARD && step->kind != FVI_STEP_INPUT)
        return 0;
    if (node->saved != FVI_NONE && plan->storage[node->saved].last >= plan->forward_count)
        bytes += plan->storage[node->saved].bytes;
    if (node->tensor != FVI_NONE && node->into == FV_NO_VALUE) {
        const fvi_storage *storage = &plan->storage[plan->tensor[node->tensor].storage];
        if (fvi_plan_trains(plan) && storage->last >= plan->forward_count)
            bytes += storage->bytes;
    }
    return bytes;
}

static size_t tensor_bytes(const fv_plan *plan, int32_t tensor)
{
    if (tensor == FVI_NONE)
        return 0;
    const fvi_tensor *t = &plan->tensor[tensor];
    const fvi_storage *storage = &plan->storage[t->storage];
    return (size_t)plan->options.batch * (size_t)storage->h * (size_t)storage->w * (size_t)t->c *
           fv_dtype_size(storage->dtype);
}

static size_t param_bytes(const fv_plan *plan, fv_value value)
{
    size_t bytes = 0;
    for (int32_t i = 0; value != FV_NO_VALUE && i < plan->nodes[value].param_count; i++)
        bytes += (size_t)fv_shape_elements(&plan->nodes[value].param[i].shape) *
                 (i == 0 && plan->node[value].setup.takes_u8 ? 1 : fv_dtype_size(fvi_plan_arithmetic(plan)));
    return bytes;
}

static size_t bytes_moved(const fv_plan *plan, const fvi_step *step)
{
    size_t bytes = tensor_bytes(plan, step->dy);
    if (step->kind == FVI_STEP_ACCUMULATE)
        return bytes + 2 * tensor_bytes(plan, step->y);
    for (int32_t j = 0; j < step->input_count; j++)
        bytes += (j < step->reads_x ? tensor_bytes(plan, step->x[j]) : 0) + tensor_bytes(plan, step->dx[j]);
    if (step->reads_y)
        bytes += tensor_bytes(plan, step->y);
    bytes += tensor_bytes(plan, step->plus);
    return bytes + param_bytes(plan, step->node) + param_bytes(plan, plan->node[step->node].affine);
}

fv_step_info fv_plan_step(const fv_plan *plan, int32_t index)
{
    if (index < 0 || index >= plan->step_count)
        return (fv_step_info){ 0 };
    const fvi_step *step = &plan->step[index];
    const fvi_node *node = &plan->nodes[step->node];
    const fvi_setup *setup = &plan->node[step->node].setup;
    const fv_value last = plan->node[step->node].last; /* whose value it is, for a gradient */
    const char *together = plan->node[step->node].together;
    fv_step_info info = {
        .layer = step->kind == FVI_STEP_ACCUMULATE ? plan->nodes[last].name : node->name,
        .fused = together != NULL && step->kind != FVI_STEP_ACCUMULATE ? together : "",
        .type = node->layer->name,
        .pass = pass_name(plan, step),
        .refused = "",
        .timed = "",
        .algorithm = plan->options.reference ? "reference" : "vector",
        .widened = step->staging != NULL ? step->staging->images : 0,
        .bytes_saved = bytes_saved(plan, step),
        .bytes_moved = bytes_moved(plan, step),
        .bytes_again = step->kind == FVI_STEP_REPEAT ? tensor_bytes(plan, step->y) : 0,
        .updates = plan->handed != NULL ? step->hand_count : 0,
        .rows = step->rows,
    };
    const bool forward_again = step->kind == FVI_STEP_REPEAT && node->layer->repeat == NULL;
    const int32_t answer = forward_again ? 0 : fvi_plan_answer(step);
    if (answer >= 0) {
        info.multiply_adds = step->chained && step->chain == NULL ? 0 : node->multiply_adds;
        for (const fvi_step *other = fvi_plan_chain_first(step); other < step; other++)
            info.multiply_adds += plan->nodes[other->node].multiply_adds;
        if (setup->algorithm[answer] != NULL)
            info.algorithm = setup->algorithm[answer];
        if (setup->refused[answer] != NULL)
            info.refused = setup->refused[answer];
        if (setup->timed[answer] != NULL)
            info.timed = setup->timed[answer];
    }
    if (step->chained)
        info.algorithm = step->chain != NULL ? "bands" : "in bands";
    return info;
}
