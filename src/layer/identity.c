/* SPDX-License-Identifier: Apache-2.0
 *
 * identity.c - y = x: a name for a value, or a place where a branch ends. The planner usually drops it.
 */
#include "layer/activation.h"
#include "layer/split.h"

static fv_status forward(fvi_call *call)
{
    fvi_split_copy(call->context, call->dtype, &call->x[0], &call->y);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    if (call->dx[0].data)
        fvi_split_copy(call->context, call->dtype, &call->dy, &call->dx[0]);
    return FV_OK;
}

const fvi_layer fvi_layer_identity = {
    .name = "identity",
    .onnx_op = "Identity",
    .formula = "y = x",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .in_place = true,
    .is_view = true,
    .infer = fvi_infer_same,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
