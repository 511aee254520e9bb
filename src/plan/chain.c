/* SPDX-License-Identifier: Apache-2.0
 *
 * chain.c - which three forward steps of an inference plan run as one (fvi_layer.chains), so that the two values between them are
 * nowhere. They stay three steps, each with its parameters; the first two do nothing, and the last computes all.
 */
#include "plan/plan_internal.h"

enum { LINKS = 3 };

/* Whether the value of a step is read by the next step alone, has its memory for itself, and is not asked for. */
static bool is_inner(const fv_plan *plan, const fvi_step *step, const fvi_step *next)
{
    const fvi_plan_node *node = &plan->node[step->node];
    for (int32_t i = 0; i < plan->node_count; i++)
        if (plan->node[i].into == step->node || plan->node[i].slice_of == step->node)
            return false;
    return node->consumers == 1 && node->into == FV_NO_VALUE && node->slice_of == FV_NO_VALUE &&
           next->x[0] == step->y && step->node != plan->node[fv_graph_output(plan->graph)].root;
}

static bool may_chain(const fv_plan *plan, const fvi_step *step)
{
    const fvi_layer *layer = plan->nodes[step->node].layer;
    for (int32_t i = 0; i < LINKS; i++)
        if (step[i].kind != FVI_STEP_FORWARD || plan->nodes[step[i].node].layer != layer || step[i].chained ||
            (i < LINKS - 1 && step[i].input_count != 1))
            return false;
    return layer->chains != NULL && is_inner(plan, &step[0], &step[1]) && is_inner(plan, &step[1], &step[2]);
}

/* Nobody can read the value of this step any more. */
static void hide(fv_plan *plan, const fvi_step *step, const fvi_step *last)
{
    plan->node[step->node].within = plan->node[last->node].last;
    fvi_storage *storage = &plan->storage[plan->tensor[step->y].storage];
    storage->h = storage->w = storage->c = 0;
    storage->bytes = 0;
    storage->nowhere = true;
    for (int32_t i = 0; i < plan->node_count; i++)
        if (plan->node[i].root == step->node)
            plan->node[i].hidden = true;
}

fv_status fvi_plan_chain(fv_plan *plan)
{
    const bool possible = plan->fuses && !fvi_plan_trains(plan) && plan->options.dtype == FV_F32;
    for (int32_t i = 0; possible && i + LINKS <= plan->forward_count; i++) {
        fvi_step *step = &plan->step[i];
        if (!may_chain(plan, step))
            continue;
        const fvi_setup *setup[LINKS] = { NULL };
        const char *reason = NULL;
        for (int32_t j = 0; j < LINKS; j++)
            setup[j] = &plan->node[step[j].node].setup;
        if (!plan->nodes[step->node].layer->chains(setup, &step[LINKS - 1].chain, &step[LINKS - 1].chain_scratch,
                                                   &reason))
            continue;
        for (int32_t j = 0; j < LINKS; j++)
            step[j].chained = true;
        hide(plan, &step[0], &step[LINKS - 1]);
        hide(plan, &step[1], &step[LINKS - 1]);
    }
    return FV_OK;
}

const fvi_step *fvi_plan_chain_first(const fvi_step *step)
{
    return step->chain != NULL ? step - (LINKS - 1) : step;
}
