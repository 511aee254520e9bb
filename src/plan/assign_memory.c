/* SPDX-License-Identifier: Apache-2.0
 *
 * assign_memory.c - how long each storage lives, how large it is with its border, and where in the arena it lies.
 * Placement: one after the other, each into the smallest gap that fits among the storages alive at the same time (Pisarchyk &
 * Lee 2020, arXiv:2001.03288, "greedy by size"), in several orders, of which the best stays. Two storages never share a byte
 * while both live.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "plan/plan_internal.h"

static void touch_storage(fv_plan *plan, int32_t storage, int32_t step)
{
    fvi_storage *touched = &plan->storage[storage];
    if (step < touched->first)
        touched->first = step;
    if (step > touched->last)
        touched->last = step;
}

static void touch(fv_plan *plan, int32_t tensor, int32_t step)
{
    if (tensor != FVI_NONE)
        touch_storage(plan, plan->tensor[tensor].storage, step);
}

static void find_lifetimes(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->step_count; i++) {
        const fvi_step *step = &plan->step[i];
        for (int32_t j = 0; j < step->input_count; j++) {
            if (j < step->reads_x)
                touch(plan, step->x[j], i);
            touch(plan, step->dx[j], i);
        }
        if (step->reads_y || step->kind == FVI_STEP_ACCUMULATE)
            touch(plan, step->y, i);
        touch(plan, step->dy, i);
        touch(plan, step->plus, i);
        if (step->kind != FVI_STEP_ACCUMULATE && plan->node[step->node].saved != FVI_NONE)
            touch_storage(plan, plan->node[step->node].saved, i);
    }
    /* What fv_session_read() promises to find. */
    const fv_value input = fv_graph_input(plan->graph), output = plan->node[fv_graph_output(plan->graph)].root;
    touch(plan, plan->node[output].tensor, plan->step_count);
    touch(plan, plan->node[input].tensor, plan->step_count);
    if (plan->options.input_gradient)
        touch(plan, plan->node[input].gradient, plan->step_count);
}

static void widen(fv_plan *plan, int32_t tensor, const int32_t border[4])
{
    if (tensor != FVI_NONE && plan->storage[plan->tensor[tensor].storage].dtype != fvi_plan_arithmetic(plan))
        return; /* the border is around the copy in scratch */
    for (int32_t side = 0; tensor != FVI_NONE && side < 4; side++) {
        int32_t *wide = &plan->storage[plan->tensor[tensor].storage].border[side];
        if (border[side] > *wide)
            *wide = border[side];
    }
}

static void find_borders(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->node_count; i++) {
        const fvi_plan_node *node = &plan->node[i];
        if (!node->runs || node->dropped || node->joined)
            continue;
        for (int32_t j = 0; j < plan->nodes[i].input_count; j++)
            widen(plan, plan->node[node->inputs[j]].tensor, node->setup.input_border);
        widen(plan, node->gradient, node->setup.gradient_border);
    }
    for (int32_t i = 0; i < plan->storage_count; i++)
        if (plan->storage[i].copy_of != FVI_NONE)
            memcpy(plan->storage[i].border, plan->storage[plan->storage[i].copy_of].border,
                   sizeof plan->storage[i].border);
}

fv_status fvi_plan_too_large(const fv_plan *plan)
{
    return fvi_fail(plan->context, FV_ERR_MEMORY,
                    "plan of graph '%s' at batch %d: its bytes overflow; take a smaller batch",
                    fv_graph_name(plan->graph), plan->options.batch);
}

static fv_status size_storage(const fv_plan *plan, fvi_storage *storage)
{
    if (storage->c > 0) {
        const size_t rows = (size_t)storage->h + (size_t)storage->border[0] + (size_t)storage->border[2];
        const size_t columns = (size_t)storage->w + (size_t)storage->border[1] + (size_t)storage->border[3];
        if (!fvi_size_multiply(rows, columns, &storage->image_elements) ||
            !fvi_size_multiply(storage->image_elements, (size_t)storage->c, &storage->image_elements) ||
            !fvi_size_multiply(storage->image_elements, (size_t)plan->options.batch, &storage->bytes) ||
            !fvi_size_multiply(storage->bytes, fv_dtype_size(storage->dtype), &storage->bytes))
            return fvi_plan_too_large(plan);
    }
    if (storage->bytes > SIZE_MAX / 4)
        return fvi_plan_too_large(plan);
    storage->bytes = fvi_round_up(storage->bytes, 64);
    return FV_OK;
}

/* A storage in the order of placement: by what, the largest first. */
typedef struct placement {
    double key;
    int32_t storage;
} placement;

static int by_key_descending(const void *left, const void *right)
{
    const placement *a = left, *b = right;
    if (a->key > b->key || a->key < b->key)
        return a->key > b->key ? -1 : 1;
    return a->storage - b->storage; /* a total order: qsort() may not decide */
}

/* Which order leaves the fewest gaps depends on the network: by bytes, by steps alive, by both, by the last step,
 * by the first. */
enum { ORDERS = 5 };

static double key_of(const fvi_storage *storage, int32_t order)
{
    const double bytes = (double)storage->bytes, steps = (double)(storage->last - storage->first + 1);
    const double keys[ORDERS] = { bytes, steps, bytes * steps, storage->last, -storage->first };
    return keys[order];
}

static bool live_together(const fvi_storage *a, const fvi_storage *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* placed[count]: storages that have an offset, in the order of their offsets. Returns the offset for one more: of the first gap that is
 * large enough, or of the smallest. */
static size_t find_gap(const fv_plan *plan, const fvi_storage *storage, const int32_t *placed, int32_t count,
                       bool first)
{
    const size_t need = storage->bytes + fvi_arena_gap();
    size_t end = 0, best = SIZE_MAX, best_room = SIZE_MAX;
    for (int32_t i = 0; i < count; i++) {
        const fvi_storage *other = &plan->storage[placed[i]];
        if (!live_together(storage, other))
            continue;
        if (other->offset >= end && other->offset - end >= need && other->offset - end < best_room) {
            best = end;
            best_room = other->offset - end;
            if (first)
                return best;
        }
        const size_t other_end = other->offset + other->bytes + fvi_arena_gap();
        if (other_end > end)
            end = other_end;
    }
    return best != SIZE_MAX ? best : end;
}

static void insert_by_offset(const fv_plan *plan, int32_t *placed, int32_t count, int32_t storage)
{
    int32_t at = count;
    for (; at > 0 && plan->storage[placed[at - 1]].offset > plan->storage[storage].offset; at--)
        placed[at] = placed[at - 1];
    placed[at] = storage;
}

/* Gives every storage an offset, in that order; *arena: the bytes of all. */
static fv_status place_in_order(fv_plan *plan, placement *order, bool first, int32_t *placed, size_t *arena)
{
    qsort(order, (size_t)plan->storage_count, sizeof *order, by_key_descending);
    *arena = 0;
    for (int32_t i = 0; i < plan->storage_count; i++) {
        fvi_storage *storage = &plan->storage[order[i].storage];
        storage->offset = find_gap(plan, storage, placed, i, first);
        insert_by_offset(plan, placed, i, order[i].storage);
        const size_t end = storage->offset + storage->bytes + fvi_arena_gap();
        if (end > SIZE_MAX / 4)
            return fvi_plan_too_large(plan);
        *arena = end > *arena ? end : *arena;
    }
    return FV_OK;
}

static fv_status place_storages(fv_plan *plan)
{
    placement *order = NULL;
    int32_t *placed = NULL;
    size_t *best = NULL, arena = 0;
    const size_t count = (size_t)plan->storage_count;
    FV_TRY(fvi_plan_allocate(plan, count, sizeof *order, (void **)&order));
    FV_TRY(fvi_plan_allocate(plan, count, sizeof *placed, (void **)&placed));
    FV_TRY(fvi_plan_allocate(plan, count, sizeof *best, (void **)&best));
    for (size_t i = 0; i < count; i++)
        FV_TRY(size_storage(plan, &plan->storage[i]));
    plan->bytes.arena = SIZE_MAX;
    for (int32_t by = 0; by < 2 * ORDERS; by++) {
        for (size_t i = 0; i < count; i++)
            order[i] = (placement){ .key = key_of(&plan->storage[i], by % ORDERS), .storage = (int32_t)i };
        FV_TRY(place_in_order(plan, order, by >= ORDERS, placed, &arena));
        for (size_t i = 0; i < count && arena < plan->bytes.arena; i++)
            best[i] = plan->storage[i].offset;
        plan->bytes.arena = arena < plan->bytes.arena ? arena : plan->bytes.arena;
    }
    for (size_t i = 0; i < count; i++)
        plan->storage[i].offset = best[i];
    return FV_OK;
}

static bool overlap(const fvi_storage *a, const fvi_storage *b)
{
    return a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

/* Only memory that something else uses at other times can lose its zeros: sessions start with zeroed memory, and nobody
 * writes into a border. */
static fv_status find_clears(fv_plan *plan)
{
    FV_TRY(fvi_plan_allocate(plan, (size_t)plan->storage_count, sizeof *plan->clear, (void **)&plan->clear));
    for (int32_t i = 0; i < plan->storage_count; i++)
        for (int32_t j = 0; j < plan->storage_count; j++)
            plan->storage[i].shared |= i != j && overlap(&plan->storage[i], &plan->storage[j]);
    int32_t count = 0;
    for (int32_t i = 0; i < plan->step_count; i++) {
        plan->step[i].clear_first = count;
        for (int32_t j = 0; j < plan->storage_count; j++) {
            const fvi_storage *storage = &plan->storage[j];
            const bool bordered =
                (storage->border[0] | storage->border[1] | storage->border[2] | storage->border[3]) != 0;
            if (storage->shared && bordered && storage->first == i)
                plan->clear[count++] = j;
        }
        plan->step[i].clear_count = count - plan->step[i].clear_first;
    }
    return FV_OK;
}

static bool tensors_overlap(const fvi_tensor *a, const fvi_tensor *b)
{
    return a->storage == b->storage && a->channel < b->channel + b->c && b->channel < a->channel + a->c;
}

/* The first step after its own that writes something else over a root's activation. */
static int32_t find_clobbered(const fv_plan *plan, fv_value root)
{
    const fvi_tensor *tensor = &plan->tensor[plan->node[root].tensor];
    const fvi_storage *storage = &plan->storage[tensor->storage];
    int32_t clobbered = plan->step_count + 1;
    for (int32_t i = 0; i < plan->storage_count; i++) {
        const fvi_storage *other = &plan->storage[i];
        if (i != tensor->storage && overlap(storage, other) && other->first > storage->last && other->first < clobbered)
            clobbered = other->first;
    }
    for (int32_t i = 0; i < plan->forward_count && i < clobbered; i++) {
        const fvi_step *step = &plan->step[i];
        /* A join that runs leaves the inputs alone that lie in their places. */
        if (plan->node[step->node].position > plan->node[root].position && step->y != FVI_NONE &&
            !plan->nodes[step->node].layer->joins && tensors_overlap(&plan->tensor[step->y], tensor))
            clobbered = i;
    }
    return clobbered;
}

fv_status fvi_plan_assign_memory(fv_plan *plan)
{
    find_lifetimes(plan);
    find_borders(plan);
    FV_TRY(place_storages(plan));
    FV_TRY(find_clears(plan));
    for (int32_t i = 0; i < plan->node_count; i++)
        if (plan->node[i].tensor != FVI_NONE)
            plan->node[i].clobbered = find_clobbered(plan, i);
    return FV_OK;
}

fvi_view fvi_plan_storage_view(const fv_plan *plan, int32_t storage, void *arena, int32_t n)
{
    const fvi_storage *s = &plan->storage[storage];
    const ptrdiff_t row = (ptrdiff_t)(s->w + s->border[1] + s->border[3]) * s->c;
    const ptrdiff_t inside = s->border[0] * row + (ptrdiff_t)s->border[1] * s->c;
    const fvi_view view = {
        .data = (char *)arena + s->offset + (size_t)inside * fv_dtype_size(s->dtype),
        .n = n,
        .h = s->h,
        .w = s->w,
        .c = s->c,
        .image_stride = (ptrdiff_t)s->image_elements,
        .row_stride = row,
        .pixel_stride = s->c,
        .border = { s->border[0], s->border[1], s->border[2], s->border[3] },
        .is_bf16 = s->dtype == FV_BF16,
    };
    return view;
}

fvi_view fvi_plan_view(const fv_plan *plan, int32_t tensor, void *arena, int32_t n)
{
    if (tensor == FVI_NONE)
        return (fvi_view){ 0 };
    const fvi_tensor *t = &plan->tensor[tensor];
    fvi_view view = fvi_plan_storage_view(plan, t->storage, arena, n);
    view.data = (char *)view.data + (size_t)t->channel * fv_dtype_size(plan->storage[t->storage].dtype);
    view.c = t->c;
    return view;
}
