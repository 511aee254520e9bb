/* SPDX-License-Identifier: Apache-2.0
 *
 * watch.c - which steps need not read their input for sums, because the step right before them writes it and can tell of each part
 * while that is in cache (layer.h: gather, shows_y): batch normalisations behind convolutions. Only where the tensor is too large to
 * be in a cache still when its reader comes: sums take caches and time from the convolution's tasks (docs/performance.md).
 */
#include "plan/plan_internal.h"

#define CACHED_BYTES ((size_t)16 << 20) /* half of a common L3: what it may hold of one tensor beside others */

static bool same_tensor(const fv_plan *plan, int32_t a, int32_t b)
{
    if (a == FVI_NONE || b == FVI_NONE)
        return false;
    const fvi_tensor *first = &plan->tensor[a], *second = &plan->tensor[b];
    return first->storage == second->storage && first->channel == second->channel && first->c == second->c;
}

static bool is_large(const fv_plan *plan, int32_t tensor)
{
    const fvi_storage *storage = &plan->storage[plan->tensor[tensor].storage];
    const double pixels = (double)plan->options.batch * storage->h * storage->w;
    return pixels * plan->tensor[tensor].c * (double)fv_dtype_size(plan->options.dtype) > (double)CACHED_BYTES;
}

/* Whether step i reads for its sums just what the step before it shows. */
static bool watches(const fv_plan *plan, int32_t i)
{
    const fvi_step *step = &plan->step[i], *before = &plan->step[i - 1];
    const fvi_layer *layer = plan->nodes[before->node].layer;
    if (plan->nodes[step->node].layer->gather == NULL || plan->nodes[step->node].frozen)
        return false;
    return step->kind == FVI_STEP_FORWARD && before->kind == FVI_STEP_FORWARD && layer->shows_y &&
           same_tensor(plan, before->y, step->x[0]) && is_large(plan, before->y);
}

fv_status fvi_plan_watch(fv_plan *plan)
{
    const bool may = plan->fuses && fvi_plan_trains(plan) && plan->options.dtype != FV_BF16;
    FV_TRY(fvi_plan_more_storages(plan, plan->forward_count));
    for (int32_t i = 1; i < plan->forward_count && may; i++) {
        const size_t bytes = plan->node[plan->step[i].node].setup.gathered_bytes;
        if (!watches(plan, i))
            continue;
        if (bytes > SIZE_MAX / 8)
            return fvi_plan_too_large(plan);
        plan->step[i].gathered = fvi_plan_add_bytes(plan, bytes, i - 1, i);
    }
    return FV_OK;
}
