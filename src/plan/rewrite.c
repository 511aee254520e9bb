/* SPDX-License-Identifier: Apache-2.0
 *
 * rewrite.c - which nodes run at all, which are mere views, and through which values gradients flow.
 */
#include <string.h>

#include "plan/plan_internal.h"

static void find_running(fv_plan *plan)
{
    const fv_mode mode = plan->options.mode; /* auxiliary losses only train */
    plan->node[fv_graph_output(plan->graph)].runs = true;
    for (int32_t i = plan->node_count - 1; i >= 0; i--) {
        if (plan->nodes[i].layer->is_loss && (mode == FV_TRAIN || (mode == FV_EVALUATE && !plan->nodes[i].auxiliary)))
            plan->node[i].runs = true;
        for (int32_t j = 0; plan->node[i].runs && j < plan->nodes[i].input_count; j++)
            plan->node[plan->nodes[i].inputs[j]].runs = true;
    }
}

/* Whether everybody who reads value i takes an image in place of the flattened vector. */
static bool all_readers_flatten(const fv_plan *plan, fv_value value)
{
    if (value == fv_graph_output(plan->graph))
        return false;
    for (int32_t i = value + 1; i < plan->node_count; i++)
        for (int32_t j = 0; plan->node[i].runs && j < plan->nodes[i].input_count; j++)
            if (plan->nodes[i].inputs[j] == value && !plan->nodes[i].layer->flattens)
                return false;
    return true;
}

/* A view costs nothing when its elements lie in memory as its readers expect them: always when the shape stays, and
 * where the reader takes the image itself. Otherwise channels-last order has to be changed to c, h, w: a counted
 * reorder. */
static bool can_drop(const fv_plan *plan, fv_value value)
{
    const fvi_node *node = &plan->nodes[value];
    if (!node->layer->is_view || !plan->node[value].runs)
        return false;
    return memcmp(&node->in[0], &node->out, sizeof node->out) == 0 || all_readers_flatten(plan, value);
}

/* Views of views have the first one's root. */
static void find_roots(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->node_count; i++) {
        fvi_plan_node *node = &plan->node[i];
        node->dropped = can_drop(plan, i);
        node->root = node->dropped ? plan->node[plan->nodes[i].inputs[0]].root : i;
        for (int32_t j = 0; j < node->input_count; j++) {
            node->inputs[j] = plan->node[plan->nodes[i].inputs[j]].root;
            plan->node[node->inputs[j]].consumers += node->runs && !node->dropped;
        }
    }
}

bool fvi_plan_learns_itself(const fv_plan *plan, fv_value value)
{
    const fvi_node *node = &plan->nodes[value];
    for (int32_t i = 0; i < node->param_count; i++)
        if (node->param[i].trained || node->param[i].momentum > 0)
            return true;
    return false;
}

/* A gradient is computed where something before the value wants it and a loss behind it gives it. */
void fvi_plan_find_gradients(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->order_count; i++) {
        const fv_value value = plan->order[i];
        fvi_plan_node *node = &plan->node[value];
        node->wants_gradient =
            fvi_plan_learns_itself(plan, value) || (plan->nodes[value].layer->is_input && plan->options.input_gradient);
        for (int32_t j = 0; j < node->input_count; j++)
            node->wants_gradient |= plan->node[node->inputs[j]].wants_gradient;
    }
    for (int32_t i = plan->order_count - 1; i >= 0; i--) {
        const fvi_plan_node *node = &plan->node[plan->order[i]];
        if (!plan->nodes[plan->order[i]].layer->is_loss && !node->has_gradient)
            continue;
        for (int32_t j = 0; j < node->input_count; j++) {
            fvi_plan_node *input = &plan->node[node->inputs[j]];
            input->has_gradient = input->wants_gradient;
        }
    }
}

fv_status fvi_plan_rewrite(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->node_count; i++) {
        fvi_plan_node *node = &plan->node[i];
        node->input_count = plan->nodes[i].input_count;
        FV_TRY(fvi_plan_allocate(plan, (size_t)node->input_count, sizeof *node->inputs, (void **)&node->inputs));
    }
    find_running(plan);
    find_roots(plan);
    return FV_OK;
}
