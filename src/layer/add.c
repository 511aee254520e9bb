/* SPDX-License-Identifier: Apache-2.0
 *
 * add.c - the sum of n values of one shape: how branches of a residual network join. Added in the order of the inputs.
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/split.h"

static fv_status infer(fvi_infer *node)
{
    const fv_image_shape first = node->in[0];
    for (int32_t i = 1; i < node->input_count; i++)
        if (node->in[i].c != first.c || node->in[i].h != first.h || node->in[i].w != first.w)
            return fvi_fail(node->context, FV_ERR_SHAPE,
                            "add '%s': input %d has shape %dx%dx%d, but input 1 has %dx%dx%d; they must be equal",
                            node->name, i + 1, node->in[i].c, node->in[i].h, node->in[i].w, first.c, first.h, first.w);
    node->out = first;
    return FV_OK;
}

static void add_run(const void *argument, size_t count, void *const *at)
{
    const fvi_kernels *kernels = argument;
    kernels->add(count, at[0], at[1], at[2]);
}

static fv_status forward(fvi_call *call)
{
    if (call->input_count == 1)
        fvi_split_copy(call->context, call->dtype, &call->x[0], &call->y);
    for (int32_t i = 1; i < call->input_count; i++) {
        const fvi_view *const views[] = { i == 1 ? &call->x[0] : &call->y, &call->x[i], &call->y };
        fvi_split_runs(call->context, call->dtype, views, 3, add_run, call->kernels);
    }
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    for (int32_t i = 0; i < call->input_count; i++)
        if (call->dx[i].data)
            fvi_split_copy(call->context, call->dtype, &call->dy, &call->dx[i]);
    return FV_OK;
}

const fvi_layer fvi_layer_add = {
    .name = "add",
    .onnx_op = "Sum",
    .formula = "y = x1 + x2 + ...; each input's gradient is dy",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .in_place = true,
    .sums = true,
    .infer = infer,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
