/* SPDX-License-Identifier: Apache-2.0
 *
 * assign_memory.c - how long each storage lives, how large it is with its border, whose border has to be cleared.
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
        if (step->chain != NULL)
            touch(plan, fvi_plan_chain_first(step)->x[0], i);
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
    if (storage->nowhere)
        memset(storage->border, 0, sizeof storage->border);
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

static fv_status size_storages(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->storage_count; i++)
        FV_TRY(size_storage(plan, &plan->storage[i]));
    return FV_OK;
}

static bool overlap(const fvi_storage *a, const fvi_storage *b)
{
    return a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

typedef struct place {
    size_t offset;
    int32_t storage;
} place;

static int by_offset(const void *left, const void *right)
{
    const place *a = left, *b = right;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return a->storage - b->storage;
}

/* Which storages overlap another one: one before them that ends later than they begin, or the next one. */
static fv_status find_shared(fv_plan *plan)
{
    place *places = NULL;
    const int32_t count = plan->storage_count;
    FV_TRY(fvi_plan_allocate(plan, (size_t)count, sizeof *places, (void **)&places));
    for (int32_t i = 0; i < count; i++)
        places[i] = (place){ plan->storage[i].offset, i };
    qsort(places, (size_t)count, sizeof *places, by_offset);
    size_t end = 0;
    for (int32_t i = 0; i < count; i++) {
        fvi_storage *storage = &plan->storage[places[i].storage];
        const size_t own_end = storage->offset + storage->bytes;
        storage->shared = storage->offset < end || (i + 1 < count && places[i + 1].offset < own_end);
        end = own_end > end ? own_end : end;
    }
    return FV_OK;
}

static bool loses_zeros(const fvi_storage *storage)
{
    return storage->shared && (storage->border[0] | storage->border[1] | storage->border[2] | storage->border[3]) != 0;
}

/* Only memory that something else uses at other times can lose its zeros: sessions start with zeroed memory, and nobody
 * writes into a border. */
static fv_status find_clears(fv_plan *plan)
{
    FV_TRY(find_shared(plan));
    FV_TRY(fvi_plan_allocate(plan, (size_t)plan->storage_count, sizeof *plan->clear, (void **)&plan->clear));
    for (int32_t i = 0; i < plan->step_count; i++)
        plan->step[i].clear_count = 0;
    for (int32_t j = 0; j < plan->storage_count; j++)
        if (loses_zeros(&plan->storage[j]) && plan->storage[j].first < plan->step_count)
            plan->step[plan->storage[j].first].clear_count++;
    int32_t count = 0;
    for (int32_t i = 0; i < plan->step_count; i++) {
        plan->step[i].clear_first = count;
        count += plan->step[i].clear_count;
        plan->step[i].clear_count = 0;
    }
    for (int32_t j = 0; j < plan->storage_count; j++) {
        if (!loses_zeros(&plan->storage[j]) || plan->storage[j].first >= plan->step_count)
            continue;
        fvi_step *step = &plan->step[plan->storage[j].first];
        plan->clear[step->clear_first + step->clear_count++] = j;
    }
    return FV_OK;
}

static bool tensors_overlap(const fvi_tensor *a, const fvi_tensor *b)
{
    return a->storage == b->storage && a->channel < b->channel + b->c && b->channel < a->channel + a->c;
}

int32_t fvi_plan_clobbered(const fv_plan *plan, fv_value root)
{
    if (plan->node[root].tensor == FVI_NONE)
        return FVI_NONE;
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
    FV_TRY(size_storages(plan));
    FV_TRY(fvi_plan_place_storages(plan));
    return find_clears(plan);
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
        .is_u8 = s->dtype == FV_U8,
        .scale = s->scale,
        .zero_point = s->zero_point,
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
