/* SPDX-License-Identifier: Apache-2.0
 *
 * concat.c - channels side by side. Channels last, so each input is a slice of the output's pixels: a planner that lets the
 * producers write there makes this step free, and then the memory is the same and nothing is copied here.
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/split.h"

static fv_status infer(fvi_infer *node)
{
    const fv_image_shape first = node->in[0];
    int64_t channels = 0;
    for (int32_t i = 0; i < node->input_count; i++) {
        if (node->in[i].h != first.h || node->in[i].w != first.w)
            return fvi_fail(node->context, FV_ERR_SHAPE,
                            "concat '%s': input %d has %dx%d pixels, but input 1 has %dx%d; they must be equal",
                            node->name, i + 1, node->in[i].h, node->in[i].w, first.h, first.w);
        channels += node->in[i].c;
    }
    if (channels > INT32_MAX)
        return fvi_fail(node->context, FV_ERR_SHAPE, "concat '%s': %lld channels are too many", node->name,
                        (long long)channels);
    node->out = (fv_image_shape){ (int32_t)channels, first.h, first.w };
    return FV_OK;
}

static fvi_view slice(const fvi_view *view, fv_dtype dtype, int32_t from, int32_t channels)
{
    return fvi_view_part(view, dtype, (fv_image_shape){ .c = from },
                         (fv_image_shape){ .c = channels, .h = view->h, .w = view->w });
}

static fv_status forward(fvi_call *call)
{
    int32_t from = 0;
    for (int32_t i = 0; i < call->input_count; i++) {
        const fvi_view part = slice(&call->y, call->dtype, from, call->x[i].c);
        fvi_split_copy(call->context, call->dtype, &call->x[i], &part);
        from += call->x[i].c;
    }
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    int32_t from = 0;
    for (int32_t i = 0; i < call->input_count; i++) {
        const fvi_view part = slice(&call->dy, call->dtype, from, call->dx[i].c);
        if (call->dx[i].data)
            fvi_split_copy(call->context, call->dtype, &part, &call->dx[i]);
        from += call->dx[i].c;
    }
    return FV_OK;
}

const fvi_layer fvi_layer_concat = {
    .name = "concat",
    .onnx_op = "Concat",
    .formula = "y = the channels of x1, then those of x2, ...",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .joins = true,
    .infer = infer,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
