/* SPDX-License-Identifier: Apache-2.0
 *
 * choose.c - tells each layer what it will run on and keeps its answers.
 */
#include "plan/plan_internal.h"

static bool input_wants_gradient(const fv_plan *plan, fv_value value)
{
    for (int32_t j = 0; j < plan->node[value].input_count; j++)
        if (plan->node[plan->node[value].inputs[j]].has_gradient)
            return true;
    return false;
}

/* The shapes as the layer will see them: a dropped flatten shows the image behind it. */
static fv_status resolved_shapes(fv_plan *plan, fv_value value, const fv_image_shape **out)
{
    const fvi_plan_node *node = &plan->node[value];
    fv_image_shape *in = NULL;
    FV_TRY(fvi_plan_allocate(plan, (size_t)node->input_count, sizeof *in, (void **)&in));
    for (int32_t j = 0; j < node->input_count; j++)
        in[j] = plan->nodes[node->inputs[j]].out;
    *out = in;
    return FV_OK;
}

/* The scales of a node's weights where it may compute on bytes. */
static const fv_quantized *computed_on_bytes(const fv_plan *plan, fv_value value)
{
    const fv_quantized *quantized = plan->nodes[value].quantized;
    if (plan->options.dtype != FV_I8 || quantized == NULL || quantized->weight_scale == NULL ||
        fvi_plan_stored(plan, plan->node[value].inputs[0]) == NULL)
        return NULL;
    return quantized;
}

static bool keeps_bytes(const fv_plan *plan, fv_value value)
{
    return plan->node[value].input_count > 0 && fvi_plan_stored(plan, value) != NULL &&
           fvi_plan_stored_alike(plan, value, plan->node[value].inputs[0]);
}

static fv_status choose_node(fv_plan *plan, fv_value value)
{
    const fvi_node *node = &plan->nodes[value];
    fvi_setup *setup = &plan->node[value].setup;
    const fv_image_shape *in = NULL;
    FV_TRY(resolved_shapes(plan, value, &in));
    plan->node[value].piece = fvi_plan_piece(plan, value);
    *setup = (fvi_setup){
        .context = plan->context,
        .arena = plan->memory,
        .layer = node->layer,
        .name = node->name,
        .options = node->options,
        .in = in,
        .input_count = plan->node[value].input_count,
        .out = node->out,
        .dtype = fvi_plan_arithmetic(plan),
        .reference = plan->options.reference,
        .backward = fvi_plan_trains(plan) && (node->layer->is_loss || plan->node[value].has_gradient),
        .wants_dx = input_wants_gradient(plan, value),
        .batch = plan->node[value].piece,
        .fused = plan->node[value].fused,
        .mixed = plan->options.dtype == FV_BF16,
        .quantized = computed_on_bytes(plan, value),
        .keeps_bytes = keeps_bytes(plan, value),
        .images = plan->options.batch,
        .backward_reads = node->layer->backward_reads,
    };
    if (setup->fused != NULL && setup->fused->activation != NULL)
        setup->backward_reads |= FVI_READS_OUTPUT;
    if (node->layer->setup == NULL)
        return FV_OK;
    FV_TRY(node->layer->setup(setup));
    return fvi_plan_saved_bytes(plan, value, &setup->saved_bytes);
}

/* Whether f' is 0 or 1: then it does not matter whether gradients are added up before or behind it. */
static bool is_gate(const fvi_activation *activation)
{
    return activation != NULL && (activation->kind == FVI_RELU || activation->kind == FVI_RELU6);
}

/* A gate in front of a max pooling alone is undone over the pooled gradient, which is several times smaller, by the pooled
 * values, which whoever reads them keeps in any case: where a window's largest value passed, the gate was open. So backward needs
 * the values before the pooling no more. */
static void undo_behind(fv_plan *plan, fv_value value)
{
    fvi_plan_node *node = &plan->node[value];
    if (!plan->nodes[value].layer->selects || !node->setup.wants_dx)
        return;
    fvi_plan_node *leader = &plan->node[node->inputs[0]];
    if (leader->consumers != 1 || !fvi_plan_undoes(plan, leader->last) || !is_gate(leader->fused->activation))
        return;
    node->undone_for = node->inputs[0];
    node->setup.backward_reads |= FVI_READS_OUTPUT;
    leader->undone_behind = true;
    leader->setup.backward_reads &= ~(uint32_t)FVI_READS_OUTPUT;
}

fv_status fvi_plan_choose(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->node_count; i++)
        if (plan->node[i].runs && (!plan->node[i].dropped || fvi_plan_undoes(plan, i)))
            FV_TRY(choose_node(plan, i));
    for (int32_t i = 0; i < plan->node_count && fvi_plan_trains(plan); i++)
        if (plan->node[i].runs && !plan->node[i].dropped)
            undo_behind(plan, i);
    return FV_OK;
}
