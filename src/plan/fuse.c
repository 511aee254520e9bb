/* SPDX-License-Identifier: Apache-2.0
 *
 * fuse.c - which nodes become a part of another's step, so that the values between them never reach memory: a *leader* (a
 * convolution, a batch normalisation) and the chain behind it, of at most one affine map for each channel (an inference
 * batch normalisation), one sum and one activation, in this order. Who may lead and who may follow is said by descriptors
 * (layer.h: fuses, affine, sums, activation).
 *
 * A follower is dropped as a view is: the last one's value lies in the leader's tensor. The leader runs where the last
 * of its chain stood, since what it adds may come later than itself.
 *
 * Conditions: each value between has one reader, and is not the network's output. In training the leader must be able
 * to undo the chain (fuses_training), or the planner undoes an activation over the gradient before the leader's backward
 * pass, as the layer itself would have done; and f' must be had from the output, unless the leader computes its input again.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "plan/plan_internal.h"

/* Whether a node computes as in inference and nothing comes back to it: also what lies below all that learns, in a plan that trains. */
static bool infers(const fv_plan *plan, fv_value value)
{
    return !fvi_plan_trains(plan) || !plan->node[value].learns;
}

static uint32_t may_fuse(const fv_plan *plan, fv_value value)
{
    const fvi_layer *layer = plan->nodes[value].layer;
    return infers(plan, value) ? layer->fuses : layer->fuses_training;
}

/* Whether a root is read once, by a node of its own: whatever is in between need not exist. */
static bool is_inner(const fv_plan *plan, fv_value root)
{
    return plan->node[root].consumers == 1 && root != plan->node[fv_graph_output(plan->graph)].root;
}

/* The node that reads this root, which is_inner(); FV_NO_VALUE when it is fused already. */
static fv_value reader_of(const fv_plan *plan, fv_value root)
{
    for (int32_t i = root + 1; i < plan->node_count; i++) {
        const fvi_plan_node *node = &plan->node[i];
        for (int32_t j = 0; node->runs && !node->dropped && j < node->input_count; j++)
            if (node->inputs[j] == root)
                return i;
    }
    return FV_NO_VALUE;
}

/* Whether a node is one affine map for each channel in inference. */
static bool is_affine(const fv_plan *plan, fv_value value)
{
    const fvi_layer *layer = plan->nodes[value].layer;
    return layer->affine != NULL && (layer->is_affine == NULL || layer->is_affine(plan->nodes[value].options));
}

/* The convolution that would absorb this affine map, or the value itself. */
static fv_value leader_before(const fv_plan *plan, fv_value value)
{
    const fv_value x = plan->node[value].input_count == 1 ? plan->node[value].inputs[0] : FV_NO_VALUE;
    const bool absorbed = infers(plan, value) && is_affine(plan, value) && x != FV_NO_VALUE &&
                          (may_fuse(plan, x) & FVI_FUSES_AFFINE) != 0 && is_inner(plan, x);
    return absorbed ? x : value;
}

/* The sum at `reader` of `current` and another value that is there before it, for the leader of `current`. Of two that could
 * take it the later one does: then the other summand exists by then. */
static bool takes_sum(const fv_plan *plan, fv_value current, fv_value reader, fv_value *summand)
{
    const fvi_plan_node *node = &plan->node[reader];
    const fv_image_shape *in = plan->nodes[reader].in;
    if (!plan->nodes[reader].layer->sums || node->input_count != 2)
        return false;
    if (in[0].c != in[1].c || in[0].h != in[1].h || in[0].w != in[1].w) /* one is repeated */
        return false;
    const fv_value other = node->inputs[0] == current ? node->inputs[1] : node->inputs[0];
    if (other > current && is_inner(plan, other) && plan->node[other].last == other &&
        (may_fuse(plan, leader_before(plan, other)) & FVI_FUSES_SUM) != 0)
        return false;
    *summand = other;
    return true;
}

/* In training f' must come from y, which is what backward finds, or from what the leader computes again. */
static bool takes_activation(const fv_plan *plan, fv_value leader, fv_value reader, bool sums)
{
    const fvi_layer *layer = plan->nodes[reader].layer;
    if (layer->activation == NULL)
        return false;
    if (infers(plan, leader))
        return true;
    const bool by_output = layer->in_place && layer->backward_reads == FVI_READS_OUTPUT;
    if (!sums && (may_fuse(plan, leader) & FVI_FUSES_BY_INPUT) != 0)
        return true;
    return by_output &&
           (plan->nodes[leader].layer->backward != NULL || plan->nodes[leader].layer->backward_weights != NULL);
}

static fv_status make_fused(fv_plan *plan, fv_value leader)
{
    fvi_plan_node *node = &plan->node[leader];
    if (node->fused == NULL)
        FV_TRY(fvi_plan_allocate(plan, 1, sizeof *node->fused, (void **)&node->fused));
    return FV_OK;
}

static fv_status fuse_affine(fv_plan *plan, fv_value leader, fv_value reader)
{
    FV_TRY(make_fused(plan, leader));
    plan->node[leader].fused->affine = plan->nodes[reader].layer;
    plan->node[leader].fused->affine_options = plan->nodes[reader].options;
    plan->node[leader].affine = reader;
    return FV_OK;
}

static fv_status fuse_sum(fv_plan *plan, fv_value leader, fv_value summand)
{
    fvi_plan_node *node = &plan->node[leader];
    fv_value *inputs = NULL;
    FV_TRY(make_fused(plan, leader));
    FV_TRY(fvi_plan_allocate(plan, (size_t)node->input_count + 1, sizeof *inputs, (void **)&inputs));
    memcpy(inputs, node->inputs, (size_t)node->input_count * sizeof *inputs);
    inputs[node->input_count] = summand;
    node->inputs = inputs;
    node->fused->summand = node->input_count++;
    return FV_OK;
}

static fv_status fuse_activation(fv_plan *plan, fv_value leader, fv_value reader)
{
    fvi_activation *formula = NULL;
    FV_TRY(make_fused(plan, leader));
    FV_TRY(fvi_plan_allocate(plan, 1, sizeof *formula, (void **)&formula));
    *formula = plan->nodes[reader].layer->activation(plan->nodes[reader].options);
    plan->node[leader].fused->activation = formula;
    return FV_OK;
}

/* Absorbs `reader` if it may be the next of the chain, which it then ends. */
static fv_status try_next(fv_plan *plan, fv_value leader, fv_value current, fv_value reader, bool *absorbed)
{
    const uint32_t may = may_fuse(plan, leader);
    const fvi_fused *fused = plan->node[leader].fused;
    const bool acts = fused != NULL && fused->activation != NULL, sums = fused != NULL && fused->summand > 0;
    const bool scales = fused != NULL && fused->affine != NULL;
    fv_value summand = FV_NO_VALUE;
    *absorbed = true;
    if ((may & FVI_FUSES_AFFINE) != 0 && !acts && !sums && !scales && is_affine(plan, reader))
        return fuse_affine(plan, leader, reader);
    if ((may & FVI_FUSES_SUM) != 0 && !acts && !sums && takes_sum(plan, current, reader, &summand))
        return fuse_sum(plan, leader, summand);
    if ((may & FVI_FUSES_ACTIVATION) != 0 && !acts && takes_activation(plan, leader, reader, sums))
        return fuse_activation(plan, leader, reader);
    *absorbed = false;
    return FV_OK;
}

/* Everybody who saw `reader` sees the leader. */
static void absorb(fv_plan *plan, fv_value leader, fv_value reader)
{
    plan->node[reader].dropped = true;
    plan->node[leader].last = reader;
    plan->node[leader].consumers = plan->node[reader].consumers;
    for (int32_t i = 0; i < plan->node_count; i++) {
        plan->node[i].root = plan->node[i].root == reader ? leader : plan->node[i].root;
        for (int32_t j = 0; j < plan->node[i].input_count && !plan->node[i].dropped; j++) {
            fv_value *input = &plan->node[i].inputs[j];
            *input = *input == reader ? leader : *input;
        }
    }
    plan->node[reader].root = leader;
}

static fv_status fuse_behind(fv_plan *plan, fv_value leader)
{
    bool absorbed = true;
    while (absorbed && is_inner(plan, leader)) {
        const fv_value reader = reader_of(plan, leader);
        if (reader == FV_NO_VALUE || plan->node[reader].last != reader || infers(plan, leader) != infers(plan, reader))
            return FV_OK;
        FV_TRY(try_next(plan, leader, leader, reader, &absorbed));
        if (absorbed)
            absorb(plan, leader, reader);
    }
    return FV_OK;
}

/* A value is the leader's tensor if it is the last of the chain or a view of that; the others are nowhere. */
static void find_hidden(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->node_count; i++) {
        fvi_plan_node *node = &plan->node[i];
        const fv_value last = plan->node[node->root].last;
        if (last == node->root || i == last)
            continue;
        node->hidden = i < last || plan->node[plan->nodes[i].inputs[0]].hidden;
    }
}

/* Names of the chain, in the order in which it is computed, which is that of the nodes. */
static fv_status name_chain(fv_plan *plan, fv_value leader)
{
    size_t length = 1;
    char *text = NULL;
    for (int pass = 0; pass < 2; pass++) {
        char *to = text;
        for (int32_t i = leader + 1; i <= plan->node[leader].last; i++) {
            const char *name = plan->nodes[i].name;
            if (plan->node[i].root != leader || plan->nodes[i].layer->is_view)
                continue;
            if (pass == 0)
                length += strlen(name) + 2;
            else
                to += snprintf(to, length - (size_t)(to - text), to > text ? ", %s" : "%s", name);
        }
        if (pass == 0)
            FV_TRY(fvi_plan_allocate(plan, length, 1, (void **)&text));
    }
    plan->node[leader].together = text;
    return FV_OK;
}

/* Through which nodes gradients may have to come: from something that learns on. */
static void find_learning(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->node_count; i++) {
        const fvi_node *node = &plan->nodes[i];
        plan->node[i].learns = fvi_plan_learns_itself(plan, i) || node->layer->is_loss ||
                               (node->layer->is_input && plan->options.input_gradient);
        for (int32_t j = 0; j < node->input_count; j++)
            plan->node[i].learns |= plan->node[node->inputs[j]].learns;
    }
}

fv_status fvi_plan_fuse(fv_plan *plan)
{
    find_learning(plan);
    for (int32_t i = 0; i < plan->node_count && plan->fuses; i++)
        if (plan->node[i].runs && !plan->node[i].dropped && may_fuse(plan, i) != 0)
            FV_TRY(fuse_behind(plan, i));
    find_hidden(plan);
    FV_TRY(fvi_plan_allocate(plan, (size_t)plan->node_count, sizeof *plan->order, (void **)&plan->order));
    for (int32_t i = 0; i < plan->node_count; i++) {
        const fv_value root = plan->node[i].root;
        const fv_value here = plan->node[root].last == i ? root : i;
        if (!plan->node[here].runs || plan->node[here].dropped || plan->node[here].last != i)
            continue;
        if (here != i)
            FV_TRY(name_chain(plan, here));
        plan->node[here].position = plan->order_count;
        plan->order[plan->order_count++] = here;
    }
    return FV_OK;
}
