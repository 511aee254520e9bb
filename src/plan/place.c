/* SPDX-License-Identifier: Apache-2.0
 *
 * place.c - which values share a storage: a result written over its input, and inputs written right into their slice of
 * a concatenation. Both are links from a root to the root downstream that holds it (fvi_plan_node.into); the last of a
 * chain owns the storage, the chain's members are its *class*. A slice lies in its input (fvi_plan_node.slice_of), which
 * nobody overwrites: the slice is one of its readers, and what is written over a slice would be written over the whole.
 */
#include <string.h>

#include "plan/plan_internal.h"

static fv_value root_of_input(const fv_plan *plan, fv_value value, int32_t input)
{
    return plan->node[value].inputs[input];
}

static fv_value owner(const fv_plan *plan, fv_value root)
{
    while (plan->node[root].into != FV_NO_VALUE)
        root = plan->node[root].into;
    return root;
}

/* Whether backward looks at the activation of this root again. */
static bool read_by_backward(const fv_plan *plan, fv_value root)
{
    if (!fvi_plan_trains(plan))
        return false;
    if ((plan->node[root].setup.backward_reads & FVI_READS_OUTPUT) != 0 && plan->node[root].setup.backward)
        return true;
    for (int32_t i = root + 1; i < plan->node_count; i++) {
        const fvi_plan_node *node = &plan->node[i];
        if (!node->runs || node->dropped || node->joined || !node->setup.backward ||
            (node->setup.backward_reads & FVI_READS_INPUT) == 0)
            continue;
        for (int32_t j = 0; j < plan->nodes[i].input_count; j++)
            if (root_of_input(plan, i, j) == root)
                return true;
    }
    return false;
}

/* Whether nobody but its one reader needs the activation of this root. */
static bool may_be_overwritten(const fv_plan *plan, fv_value root)
{
    return plan->node[root].consumers == 1 && !plan->nodes[root].layer->is_input &&
           root != plan->node[fv_graph_output(plan->graph)].root && !read_by_backward(plan, root);
}

static bool class_may_be_overwritten(const fv_plan *plan, fv_value last)
{
    for (int32_t i = 0; i <= last; i++)
        if (plan->node[i].runs && !plan->node[i].dropped && owner(plan, i) == last && !may_be_overwritten(plan, i))
            return false;
    return true;
}

/* Whether a root's memory is still its own to choose. */
static bool unplaced(const fv_plan *plan, fv_value root)
{
    return plan->node[root].into == FV_NO_VALUE && plan->node[root].slice_of == FV_NO_VALUE;
}

static void place_in_place(fv_plan *plan, fv_value value)
{
    const fv_value x = root_of_input(plan, value, 0);
    const fvi_setup *setup = &plan->node[value].setup;
    if (memcmp(&setup->in[0], &setup->out, sizeof setup->out) != 0 || !unplaced(plan, x) ||
        !fvi_plan_stored_alike(plan, x, value) || !class_may_be_overwritten(plan, x))
        return;
    plan->node[x].into = value;
    plan->node[x].into_channel = 0;
}

static bool begins_with(const fv_plan *plan, fv_value value, fv_value start)
{
    if (plan->nodes[start].input_count > plan->nodes[value].input_count)
        return false;
    for (int32_t j = 0; j < plan->nodes[start].input_count; j++)
        if (root_of_input(plan, value, j) != root_of_input(plan, start, j))
            return false;
    return true;
}

/* A block that grows is written as concat(a, b), concat(a, b, c), ...: a and b lie in the first already. Returns the
 * widest concatenation before `value` that consists of its first inputs, whole and not placed yet, or FV_NO_VALUE. */
static fv_value find_start(const fv_plan *plan, fv_value value)
{
    fv_value start = root_of_input(plan, value, 0);
    do {
        if (plan->node[start].into_channel != 0)
            return FV_NO_VALUE;
        start = plan->node[start].into;
    } while (start != FV_NO_VALUE && plan->node[start].joined && !unplaced(plan, start));
    return start != FV_NO_VALUE && plan->node[start].joined && begins_with(plan, value, start) &&
                   fvi_plan_stored_alike(plan, start, value)
               ? start
               : FV_NO_VALUE;
}

/* Each input goes to its slice unless it lies somewhere already: in another concatenation, in what it is a slice of, under
 * its reader, or in this one a second time. Those are left to the layer's own forward, which copies nothing that is in
 * place; and so are channels that no input fills. */
static void place_join(fv_plan *plan, fv_value value)
{
    const fvi_setup *setup = &plan->node[value].setup;
    int32_t channel = setup->first_channel;
    bool all = channel == 0;
    int32_t first = 0;
    const fv_value start = channel == 0 ? find_start(plan, value) : FV_NO_VALUE;
    if (start != FV_NO_VALUE) {
        plan->node[start].into = value;
        plan->node[start].into_channel = 0;
        first = plan->nodes[start].input_count;
        channel = plan->nodes[start].out.c;
    }
    for (int32_t j = first; j < plan->nodes[value].input_count && channel >= 0; j++) {
        const fv_value x = root_of_input(plan, value, j);
        const bool placed = unplaced(plan, x) && fvi_plan_stored_alike(plan, x, value);
        if (placed) {
            plan->node[x].into = value;
            plan->node[x].into_channel = channel;
        }
        all = all && placed;
        channel += plan->nodes[x].out.c;
    }
    plan->node[value].joined = all && channel == setup->out.c;
}

int32_t fvi_plan_joined_channel(const fv_plan *plan, fv_value value, int32_t j)
{
    int32_t channel = plan->node[value].setup.first_channel;
    if (!plan->nodes[value].layer->joins || channel < 0)
        return FVI_NONE;
    for (int32_t k = 0; k < j; k++)
        channel += plan->nodes[root_of_input(plan, value, k)].out.c;
    const fvi_plan_node *x = &plan->node[root_of_input(plan, value, j)];
    return x->into == value && x->into_channel == channel ? channel : FVI_NONE;
}

void fvi_plan_place(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->node_count; i++) {
        if (!plan->node[i].runs || plan->node[i].dropped)
            continue;
        if (plan->nodes[i].layer->slices && plan->node[i].setup.first_channel >= 0 &&
            fvi_plan_stored_alike(plan, root_of_input(plan, i, 0), i))
            plan->node[i].slice_of = root_of_input(plan, i, 0);
        else if (plan->nodes[i].layer->joins)
            place_join(plan, i);
        else if (plan->nodes[i].layer->in_place && plan->nodes[i].input_count > 0)
            place_in_place(plan, i);
    }
}
