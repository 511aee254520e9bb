/* SPDX-License-Identifier: Apache-2.0
 *
 * step_memory.c - memory that a single step needs for itself: its scratch, and where weights are packed right before the step
 * that reads them, those. Both lie in the arena as storages that live for that step alone, so that they take the room
 * of activations that are not there then. Weights that are packed ahead have memory of their own.
 */
#include <string.h>

#include "base/checked.h"
#include "plan/plan_internal.h"

fv_status fvi_plan_more_storages(fv_plan *plan, int32_t count)
{
    fvi_storage *storage = NULL;
    const size_t capacity = (size_t)(plan->storage_count + count);
    FV_TRY(fvi_plan_allocate(plan, capacity, sizeof *storage, (void **)&storage));
    memcpy(storage, plan->storage, (size_t)plan->storage_count * sizeof *storage);
    plan->storage = storage;
    plan->storage_capacity = (int32_t)capacity;
    return FV_OK;
}

int32_t fvi_plan_add_bytes(fv_plan *plan, size_t bytes, int32_t first, int32_t last)
{
    plan->storage[plan->storage_count] =
        (fvi_storage){ .bytes = bytes, .first = first, .last = last, .copy_of = FVI_NONE };
    return plan->storage_count++;
}

static void find_packing(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->step_count; i++) {
        fvi_step *step = &plan->step[i];
        const fvi_layer *layer = plan->nodes[step->node].layer;
        if (step->kind == FVI_STEP_FORWARD || step->kind == FVI_STEP_REPEAT)
            step->pack = layer->pack;
        else if (step->kind == FVI_STEP_BACKWARD || step->kind == FVI_STEP_BACKWARD_DATA)
            step->pack = layer->pack_backward;
    }
}

/* Weights packed ahead, one behind the other. */
static fv_status pack_ahead(fv_plan *plan, size_t bytes, size_t *offset)
{
    if (bytes > SIZE_MAX / 8 || plan->bytes.packed > SIZE_MAX / 4)
        return fvi_plan_too_large(plan);
    *offset = plan->bytes.packed;
    plan->bytes.packed += fvi_round_up(bytes, 64);
    return FV_OK;
}

static fv_status place_packed(fv_plan *plan)
{
    for (int32_t i = 0; i < plan->node_count && !plan->packs_in_steps; i++) {
        fvi_plan_node *node = &plan->node[i];
        if (!node->runs || node->dropped || node->joined)
            continue;
        FV_TRY(pack_ahead(plan, node->setup.packed_bytes, &node->packed_offset));
        FV_TRY(pack_ahead(plan, node->setup.packed_backward_bytes, &node->packed_backward_offset));
    }
    return FV_OK;
}

static size_t packed_of(const fv_plan *plan, const fvi_step *step)
{
    const fvi_setup *setup = &plan->node[step->node].setup;
    if (!plan->packs_in_steps || step->pack == NULL)
        return 0;
    return step->kind == FVI_STEP_FORWARD || step->kind == FVI_STEP_REPEAT ? setup->packed_bytes
                                                                           : setup->packed_backward_bytes;
}

static size_t scratch_of(const fv_plan *plan, const fvi_step *step)
{
    const fvi_setup *setup = &plan->node[step->node].setup;
    if (step->kind == FVI_STEP_ACCUMULATE || step->kind == FVI_STEP_INPUT)
        return 0;
    const int32_t pass = step->kind == FVI_STEP_FORWARD || step->kind == FVI_STEP_REPEAT ? 0
                         : step->kind == FVI_STEP_BACKWARD_WEIGHTS                       ? 2
                                                                                         : 1;
    if (step->chain != NULL && step->chain_scratch > setup->scratch_bytes)
        return step->chain_scratch;
    return setup->pass_scratch_bytes[pass] > 0 && !fvi_plan_mixes(plan) ? setup->pass_scratch_bytes[pass]
                                                                        : setup->scratch_bytes;
}

static fv_status place_of_step(fv_plan *plan, int32_t index)
{
    fvi_step *step = &plan->step[index];
    const size_t packed = packed_of(plan, step);
    const size_t scratch = step->staging != NULL ? step->staging->end : scratch_of(plan, step);
    if (packed > SIZE_MAX / 8 || scratch > SIZE_MAX / 8)
        return fvi_plan_too_large(plan);
    step->packed = packed > 0 ? fvi_plan_add_bytes(plan, packed, index, index) : FVI_NONE;
    step->scratch = scratch > 0 ? fvi_plan_add_bytes(plan, scratch, index, index) : FVI_NONE;
    if (packed + scratch > plan->bytes.scratch)
        plan->bytes.scratch = packed + scratch;
    return FV_OK;
}

fv_status fvi_plan_step_memory(fv_plan *plan)
{
    find_packing(plan);
    FV_TRY(place_packed(plan));
    FV_TRY(fvi_plan_more_storages(plan, 2 * plan->step_count));
    for (int32_t i = 0; i < plan->step_count; i++)
        FV_TRY(place_of_step(plan, i));
    return FV_OK;
}
