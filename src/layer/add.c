/* SPDX-License-Identifier: Apache-2.0
 *
 * add.c - the sum of n values: how branches of a residual network join. Added in the order of the inputs, of which the first has the
 * whole shape and others may have size 1 along some axes and are repeated there.
 */
#include "fovea/graph.h"
#include "layer/binary.h"
#include "layer/layers.h"
#include "layer/reduce.h"
#include "layer/split.h"

static fv_status infer(fvi_infer *node)
{
    const fv_image_shape first = node->in[0];
    for (int32_t i = 1; i < node->input_count; i++)
        if (!fvi_reduces(first, node->in[i]))
            return fvi_fail(node->context, FV_ERR_SHAPE,
                            "add '%s': input %d has shape %dx%dx%d, but input 1 has %dx%dx%d; each size must be equal, "
                            "or 1",
                            node->name, i + 1, node->in[i].c, node->in[i].h, node->in[i].w, first.c, first.h, first.w);
    node->out = first;
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    for (int32_t i = 1; i < node->input_count; i++) {
        size_t bytes = 0;
        FV_TRY(fvi_binary_setup(node, node->in[i], &bytes));
        node->scratch_bytes = bytes > node->scratch_bytes ? bytes : node->scratch_bytes;
    }
    return FV_OK;
}

static fv_status forward(fvi_call *call)
{
    if (call->input_count == 1)
        fvi_split_copy(call->context, call->dtype, &call->x[0], &call->y);
    for (int32_t i = 1; i < call->input_count; i++)
        fvi_binary_forward(call, FVI_BINARY_ADD, i == 1 ? &call->x[0] : &call->y, &call->x[i], &call->y);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    for (int32_t i = 0; i < call->input_count; i++)
        if (call->dx[i].data)
            fvi_binary_backward_b(call, FVI_BINARY_ADD, NULL, NULL, &call->dx[i]);
    return FV_OK;
}

const fvi_layer fvi_layer_add = {
    .name = "add",
    .onnx_op = "Sum",
    .formula = "y = x1 + x2 + ..., where x2, ... are repeated along axes that have size 1",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .in_place = true,
    .sums = true,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
