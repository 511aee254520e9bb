/* SPDX-License-Identifier: Apache-2.0
 *
 * activation.c - element-wise activations: one pass over the elements, in the longest runs that the views allow.
 */
#include "layer/activation.h"

#include "layer/split.h"

typedef struct activation_pass {
    fvi_activation_fn *forward;
    fvi_activation_backward_fn *backward;
    double a, b;
} activation_pass;

static void forward_run(const void *argument, size_t count, void *const *at)
{
    const activation_pass *pass = argument;
    pass->forward(count, pass->a, pass->b, at[0], at[1]);
}

static void backward_run(const void *argument, size_t count, void *const *at)
{
    const activation_pass *pass = argument;
    pass->backward(count, pass->a, pass->b, at[0], at[1], at[2]);
}

fv_status fvi_infer_same(fvi_infer *node)
{
    node->out = node->in[0];
    return FV_OK;
}

fv_status fvi_activation_forward(fvi_call *call, fvi_activation kind, double a, double b)
{
    const activation_pass pass = { .forward = call->kernels->activation[kind], .a = a, .b = b };
    const fvi_view *const views[] = { &call->x[0], &call->y };
    fvi_split_runs(call->context, call->dtype, views, 2, forward_run, &pass);
    return FV_OK;
}

fv_status fvi_activation_backward(fvi_call *call, fvi_activation kind, double a, double b)
{
    const activation_pass pass = { .backward = call->kernels->activation_backward[kind], .a = a, .b = b };
    const fvi_view *const views[] = { &call->y, &call->dy, &call->dx[0] };
    if (call->dx[0].data)
        fvi_split_runs(call->context, call->dtype, views, 3, backward_run, &pass);
    return FV_OK;
}
