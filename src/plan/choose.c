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

fv_status fvi_plan_choose(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->node_count; i++)
        if (plan->node[i].runs && (!plan->node[i].dropped || fvi_plan_undoes(plan, i)))
            FV_TRY(choose_node(plan, i));
    return FV_OK;
}
