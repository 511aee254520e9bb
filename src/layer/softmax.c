/* SPDX-License-Identifier: Apache-2.0
 *
 * softmax.c - probabilities from scores, over the channels of each pixel. Before a cross-entropy use softmax_cross_entropy on
 * the scores instead: one pass, and exact where probabilities underflow.
 */
#include "layer/activation.h"
#include "layer/split.h"

typedef struct softmax_pass {
    const fvi_call *call;
    bool backward;
} softmax_pass;

/* Image rows: pixels of one row lie pixel_stride apart. */
static void rows(const void *argument, size_t first, size_t count)
{
    const softmax_pass *pass = argument;
    const fvi_call *call = pass->call;
    const fvi_view *y = &call->y;
    const size_t columns = (size_t)y->w, channels = (size_t)y->c;
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)y->h), h = (int32_t)(row % (size_t)y->h);
        void *out = fvi_view_at(y, call->dtype, n, h, 0);
        if (pass->backward)
            call->kernels->softmax_backward(columns, channels, y->pixel_stride, out, call->dy.pixel_stride,
                                            fvi_view_at(&call->dy, call->dtype, n, h, 0), call->dx[0].pixel_stride,
                                            fvi_view_at(&call->dx[0], call->dtype, n, h, 0));
        else
            call->kernels->softmax(columns, channels, call->x[0].pixel_stride,
                                   fvi_view_at(&call->x[0], call->dtype, n, h, 0), y->pixel_stride, out, NULL);
    }
}

static void run(fvi_call *call, bool backward_pass)
{
    const softmax_pass pass = { .call = call, .backward = backward_pass };
    fvi_split_items(call->context, (size_t)call->n * (size_t)call->y.h, (size_t)call->y.w * (size_t)call->y.c, rows,
                    &pass);
}

static fv_status forward(fvi_call *call)
{
    run(call, false);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    if (call->dx[0].data)
        run(call, true);
    return FV_OK;
}

static const fvi_stage stages[] = {
    { "largest", "m = max over c of x[c]", "x" },
    { "exponential", "e[c] = exp(x[c] - m)", "x largest" },
    { "sum", "s = sum over c of e[c]", "exponential" },
    { "softmax", "y[c] = e[c] / s", "exponential sum" },
    { 0 },
};

const fvi_layer fvi_layer_softmax = {
    .name = "softmax",
    .onnx_op = "Softmax",
    .formula = "y[c] = exp(x[c]) / sum over k of exp(x[k]), for each pixel",
    .inside = stages,
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .in_place = true,
    .backward_reads = FVI_READS_OUTPUT,
    .infer = fvi_infer_same,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
