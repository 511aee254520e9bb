/* SPDX-License-Identifier: Apache-2.0
 *
 * activation.c - element-wise activations: one pass over the elements, in the longest runs that the views allow.
 */
#include "layer/activation.h"

#include "layer/split.h"

static void forward_run(const void *argument, size_t count, void *const *at)
{
    const fvi_call *call = argument;
    call->kernels->activation(call->prepared, count, at[0], at[1]);
}

static void backward_run(const void *argument, size_t count, void *const *at)
{
    const fvi_call *call = argument;
    call->kernels->activation_backward(call->prepared, count, at[0], at[1], at[2]);
}

fv_status fvi_infer_same(fvi_infer *node)
{
    node->out = node->in[0];
    return FV_OK;
}

fv_status fvi_activation_setup(fvi_setup *node)
{
    fvi_activation *formula = fvi_arena_allocate(node->arena, sizeof *formula);
    if (!formula)
        return fvi_out_of_memory(node->context, "activation", sizeof *formula);
    *formula = node->layer->activation(node->options);
    node->prepared = formula;
    return FV_OK;
}

fv_status fvi_activation_forward(fvi_call *call)
{
    const fvi_view *const views[] = { &call->x[0], &call->y };
    fvi_split_runs(call->context, call->dtype, views, 2, forward_run, call);
    return FV_OK;
}

static fv_status backward_by(fvi_call *call, const fvi_view *values)
{
    const fvi_view *const views[] = { values, &call->dy, &call->dx[0] };
    if (call->dx[0].data)
        fvi_split_runs(call->context, call->dtype, views, 3, backward_run, call);
    return FV_OK;
}

fv_status fvi_activation_backward_by_output(fvi_call *call)
{
    return backward_by(call, &call->y);
}

fv_status fvi_activation_backward_by_input(fvi_call *call)
{
    return backward_by(call, &call->x[0]);
}
