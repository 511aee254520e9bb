/* SPDX-License-Identifier: Apache-2.0
 *
 * repeat.c - activations that are not kept for backward but computed again, bit for bit, from what is kept. Always those whose
 * layer can do so for little (layer.h: repeat): batch normalisation, from its input and statistics; its input is what its own backward
 * pass reads later than whoever reads its output. Under a memory limit also those that limit.c names, by forward once
 * more. Such a storage ends with its last reader of the forward steps; a second one, its copy, begins before the first backward
 * step that reads it, or before another repeated step does: what is repeated may be repeated from, and a chain of
 * such values is a segment.
 *
 * Chen et al. 2016 (arXiv:1604.06174) for the idea, Pleiss et al. 2017 (arXiv:1707.06990) for DenseNets, where it turns
 * memory that is quadratic in the depth of a block into linear.
 */
#include <string.h>

#include "plan/plan_internal.h"

static bool lies_in(const fv_plan *plan, int32_t tensor, int32_t storage)
{
    return tensor != FVI_NONE && plan->tensor[tensor].storage == storage;
}

static bool overlap(const fvi_tensor *a, const fvi_tensor *b)
{
    return a->storage == b->storage && a->channel < b->channel + b->c && b->channel < a->channel + a->c;
}

/* Whether backward step i looks at what lies in a storage. */
static bool reads(const fv_plan *plan, int32_t i, int32_t storage)
{
    const fvi_step *step = &plan->step[i];
    if (step->reads_y && lies_in(plan, step->y, storage))
        return true;
    for (int32_t j = 0; j < step->reads_x; j++)
        if (lies_in(plan, step->x[j], storage))
            return true;
    return false;
}

/* The first backward step that reads a storage, or step_count; *last: the last one, or FVI_NONE. */
static int32_t first_reader(const fv_plan *plan, int32_t storage, int32_t *last)
{
    int32_t first = plan->step_count;
    *last = FVI_NONE;
    for (int32_t i = plan->forward_count; i < plan->step_count; i++) {
        if (!reads(plan, i, storage))
            continue;
        first = first == plan->step_count ? i : first;
        *last = i;
    }
    return first;
}

/* What is known of each storage while it is decided. */
typedef struct repetition {
    int32_t first, last; /* backward steps that read it: the first (step_count: none) and the last one (FVI_NONE) */
    int32_t when;        /* the backward step before which it is written again */
    int32_t copy;        /* storage, or FVI_NONE: it is kept */
} repetition;

static bool is_again(const repetition *r)
{
    return r->copy != FVI_NONE;
}

/* Whether the input `x` of a forward step can be had when that is repeated at step `when`: nobody has written over it, and it is
 * kept so long in any case, or repeated itself. */
static bool input_stays(const fv_plan *plan, int32_t step, int32_t x, int32_t when, const repetition *of)
{
    const fvi_tensor *tensor = &plan->tensor[x];
    for (int32_t i = step + 1; i < plan->forward_count; i++)
        if (plan->step[i].y != FVI_NONE && overlap(&plan->tensor[plan->step[i].y], tensor))
            return false;
    return is_again(&of[tensor->storage]) || of[tensor->storage].last >= when;
}

/* Whether all that is written into a storage can be written once more at step `when`. */
static bool can_repeat(const fv_plan *plan, int32_t storage, int32_t when, const repetition *of)
{
    const bool asked = plan->recompute != NULL && plan->recompute[storage];
    bool written = false;
    for (int32_t i = 0; i < plan->forward_count; i++) {
        const fvi_step *step = &plan->step[i];
        if (!lies_in(plan, step->y, storage))
            continue;
        written = true;
        if (step->kind != FVI_STEP_FORWARD || (!asked && plan->nodes[step->node].layer->repeat == NULL))
            return false;
        for (int32_t j = 0; j < step->input_count; j++) {
            const bool own = lies_in(plan, step->x[j], storage);
            if (own ? !asked : !input_stays(plan, i, step->x[j], when, of))
                return false;
        }
    }
    return written;
}

/* What a repeated step reads that is repeated too is there before it. */
static void order(const fv_plan *plan, repetition *of)
{
    for (bool moved = true; moved;) {
        moved = false;
        for (int32_t i = plan->forward_count - 1; i >= 0; i--) {
            const fvi_step *step = &plan->step[i];
            if (step->y == FVI_NONE || !is_again(&of[plan->tensor[step->y].storage]))
                continue;
            const int32_t when = of[plan->tensor[step->y].storage].when;
            for (int32_t j = 0; j < step->input_count; j++) {
                repetition *input = &of[plan->tensor[step->x[j]].storage];
                if (!is_again(input) || input->when <= when)
                    continue;
                input->when = when;
                moved = true;
            }
        }
    }
}

/* What fv_session_read() promises to find stays. */
static bool is_promised(const fv_plan *plan, int32_t storage)
{
    const fv_value input = fv_graph_input(plan->graph), output = plan->node[fv_graph_output(plan->graph)].root;
    return lies_in(plan, plan->node[input].tensor, storage) || lies_in(plan, plan->node[output].tensor, storage);
}

/* The same channels of the copy of a tensor's storage; of a storage without a copy the tensor itself. */
static int32_t in_copy(fv_plan *plan, int32_t tensor, const repetition *of)
{
    if (tensor == FVI_NONE || !is_again(&of[plan->tensor[tensor].storage]))
        return tensor;
    plan->tensor[plan->tensor_count] = plan->tensor[tensor];
    plan->tensor[plan->tensor_count].storage = of[plan->tensor[tensor].storage].copy;
    return plan->tensor_count++;
}

/* Copies of the arrays with room for what is added; what they hold stays where it is. */
static fv_status make_room(fv_plan *plan, int32_t storages)
{
    int32_t views = 0;
    for (int32_t i = 0; i < plan->step_count; i++)
        views += plan->step[i].input_count + 1;
    fvi_storage *storage = NULL;
    fvi_tensor *tensor = NULL;
    const size_t storage_count = (size_t)(plan->storage_count + storages);
    const size_t tensor_count = (size_t)plan->tensor_count + (size_t)views;
    FV_TRY(fvi_plan_allocate(plan, storage_count, sizeof *storage, (void **)&storage));
    FV_TRY(fvi_plan_allocate(plan, tensor_count, sizeof *tensor, (void **)&tensor));
    memcpy(storage, plan->storage, (size_t)plan->storage_count * sizeof *storage);
    memcpy(tensor, plan->tensor, (size_t)plan->tensor_count * sizeof *tensor);
    plan->storage = storage;
    plan->storage_capacity = (int32_t)storage_count;
    plan->tensor = tensor;
    plan->tensor_capacity = (int32_t)tensor_count;
    return FV_OK;
}

/* Backward steps see the copies. */
static void redirect(fv_plan *plan, const repetition *of)
{
    for (int32_t i = plan->forward_count; i < plan->step_count; i++) {
        fvi_step *step = &plan->step[i];
        if (step->kind == FVI_STEP_ACCUMULATE) /* of gradients */
            continue;
        for (int32_t j = 0; j < step->reads_x; j++)
            step->x[j] = in_copy(plan, step->x[j], of);
        if (step->reads_y)
            step->y = in_copy(plan, step->y, of);
    }
}

static fv_status add_repeated(fv_plan *plan, fvi_step *steps, int32_t *count, const fvi_step *forward,
                              const repetition *of)
{
    const fvi_layer *layer = plan->nodes[forward->node].layer;
    fvi_step *step = &steps[(*count)++];
    const int32_t *x = forward->x;
    *step = *forward;
    step->kind = FVI_STEP_REPEAT;
    step->run = layer->repeat != NULL ? layer->repeat : layer->forward;
    step->y = in_copy(plan, forward->y, of);
    step->ready = step->ready_count = 0;
    FV_TRY(fvi_plan_allocate(plan, (size_t)step->input_count, sizeof *step->x, (void **)&step->x));
    FV_TRY(fvi_plan_allocate(plan, (size_t)step->input_count, sizeof *step->dx, (void **)&step->dx));
    for (int32_t j = 0; j < step->input_count; j++) {
        step->x[j] = in_copy(plan, x[j], of);
        step->dx[j] = FVI_NONE;
    }
    return FV_OK;
}

/* The steps with those that repeat, each before the first that reads what it writes. */
static fv_status insert(fv_plan *plan, const repetition *of)
{
    fvi_step *steps = NULL;
    int32_t count = 0;
    FV_TRY(fvi_plan_allocate(plan, (size_t)(plan->step_count + plan->forward_count), sizeof *steps, (void **)&steps));
    for (int32_t i = 0; i < plan->step_count; i++) {
        for (int32_t f = 0; f < plan->forward_count && i >= plan->forward_count; f++) {
            const fvi_step *forward = &plan->step[f];
            if (forward->y == FVI_NONE)
                continue;
            const repetition *written = &of[plan->tensor[forward->y].storage];
            if (is_again(written) && written->when == i)
                FV_TRY(add_repeated(plan, steps, &count, forward, of));
        }
        steps[count++] = plan->step[i];
    }
    plan->step = steps;
    plan->step_count = plan->step_capacity = count;
    return FV_OK;
}

/* A value that backward does not read, but that one named by limit.c is computed from, is repeated for that: of two
 * normalised values whose sum is kept, the one that is only a summand. */
static void repeat_summands(const fv_plan *plan, int32_t step, int32_t when, repetition *of, int32_t *added)
{
    for (int32_t j = 1; j < plan->step[step].input_count; j++) {
        const int32_t x = plan->step[step].x[j], storage = x != FVI_NONE ? plan->tensor[x].storage : FVI_NONE;
        if (storage == FVI_NONE || is_again(&of[storage]) || of[storage].last != FVI_NONE ||
            !can_repeat(plan, storage, when, of))
            continue;
        of[storage].when = when;
        of[storage].copy = plan->storage_count + (*added)++;
    }
}

/* In the order in which they are written, which is the order of the steps. */
static int32_t choose(const fv_plan *plan, repetition *of)
{
    int32_t added = 0;
    for (int32_t i = 0; i < plan->forward_count; i++) {
        const int32_t tensor = plan->step[i].y, storage = tensor != FVI_NONE ? plan->tensor[tensor].storage : FVI_NONE;
        if (storage == FVI_NONE || is_again(&of[storage]) || is_promised(plan, storage))
            continue;
        of[storage].when = of[storage].first;
        if (of[storage].last == FVI_NONE)
            continue;
        if (plan->recompute != NULL && plan->recompute[storage])
            repeat_summands(plan, i, of[storage].first, of, &added);
        if (can_repeat(plan, storage, of[storage].first, of))
            of[storage].copy = plan->storage_count + added++;
    }
    order(plan, of);
    return added;
}

fv_status fvi_plan_repeat(fv_plan *plan)
{
    const int32_t room = plan->storage_count;
    repetition *of = NULL;
    if (!fvi_plan_trains(plan) || plan->options.no_repeat || plan->options.reference)
        return FV_OK;
    FV_TRY(fvi_plan_allocate(plan, 2 * (size_t)room, sizeof *of, (void **)&of)); /* also of the copies: kept */
    for (int32_t s = 0; s < 2 * room; s++)
        of[s].copy = FVI_NONE;
    for (int32_t s = 0; s < room; s++)
        of[s].first = first_reader(plan, s, &of[s].last);
    const int32_t added = choose(plan, of);
    if (added == 0)
        return FV_OK;
    FV_TRY(make_room(plan, added));
    for (int32_t s = 0; s < room; s++) {
        if (!is_again(&of[s]))
            continue;
        plan->storage[of[s].copy] = plan->storage[s];
        plan->storage[of[s].copy].copy_of = s;
    }
    plan->storage_count += added;
    redirect(plan, of);
    return insert(plan, of);
}
