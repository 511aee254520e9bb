/* SPDX-License-Identifier: Apache-2.0
 *
 * session_layout.c - adds up what a session consists of.
 */
#include "plan/session_layout.h"

#include "base/checked.h"
#include "graph/params_internal.h"

/* Appends a part of `bytes`, with a gap that is poisoned under AddressSanitizer; returns its offset. */
static size_t append(size_t *total, size_t bytes)
{
    const size_t offset = fvi_round_up(*total, 64);
    *total = offset + fvi_round_up(bytes, 64) + fvi_arena_gap();
    return offset;
}

fv_status fvi_session_lay_out(const fv_plan *plan, fvi_session_layout *layout)
{
    size_t views = 0, steps = (size_t)plan->step_count, gradients = 0;
    for (int32_t i = 0; i < plan->step_count; i++)
        views += (plan->step[i].staging != NULL ? 4 : 2) * (size_t)plan->step[i].input_count;
    if (fvi_plan_trains(plan) && !plan->options.hand_over)
        FV_TRY(fvi_params_bytes(plan->graph, fvi_plan_arithmetic(plan), &gradients, NULL));
    const size_t values = 2 * (size_t)fvi_graph_param_count(plan->graph);
    if (gradients > SIZE_MAX / 8 || plan->bytes.arena > SIZE_MAX / 8 || plan->bytes.packed > SIZE_MAX / 8)
        return fvi_fail(plan->context, FV_ERR_MEMORY, "plan of graph '%s': the bytes of a session overflow",
                        fv_graph_name(plan->graph));
    size_t total = sizeof(fv_session);
    layout->call = append(&total, steps * sizeof(fvi_call));
    layout->step_views = append(&total, steps * sizeof(fvi_view *));
    layout->seconds = append(&total, steps * sizeof(double));
    layout->calls = append(&total, steps * sizeof(int64_t));
    layout->views = append(&total, views * sizeof(fvi_view));
    layout->values = append(&total, values * sizeof(void *));
    layout->handed = append(&total, (size_t)plan->handed_count * sizeof(fv_gradient));
    layout->gradients = append(&total, gradients);
    layout->packed = append(&total, plan->bytes.packed);
    layout->arena = append(&total, plan->bytes.arena);
    layout->total = total;
    return FV_OK;
}
