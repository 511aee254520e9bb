/* SPDX-License-Identifier: Apache-2.0
 *
 * log_softmax.c - logarithms of probabilities, over the channels of each pixel, exact where the probabilities underflow. Before a
 * cross-entropy use softmax_cross_entropy on the scores instead.
 */
#include "kernel/norm/pixel.h"
#include "layer/activation.h"
#include "layer/split.h"

static void forward_rows(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fvi_view *x = &call->x[0], *y = &call->y;
    const fvi_pixel_run run = {
        .pixels = (size_t)y->w, .channels = (size_t)y->c, .x = x->pixel_stride, .y = y->pixel_stride
    };
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)y->h), h = (int32_t)(row % (size_t)y->h);
        (call->dtype == FV_F64 ? fvi_log_softmax_f64 : fvi_log_softmax_f32)(&run, fvi_view_at(x, call->dtype, n, h, 0),
                                                                            fvi_view_at(y, call->dtype, n, h, 0));
    }
}

static void backward_rows(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fvi_view *y = &call->y, *dy = &call->dy, *dx = &call->dx[0];
    const fvi_pixel_run run = { .pixels = (size_t)y->w,
                                .channels = (size_t)y->c,
                                .x = y->pixel_stride,
                                .dy = dy->pixel_stride,
                                .y = dx->pixel_stride };
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)y->h), h = (int32_t)(row % (size_t)y->h);
        (call->dtype == FV_F64 ? fvi_log_softmax_backward_f64 : fvi_log_softmax_backward_f32)(
            &run, fvi_view_at(y, call->dtype, n, h, 0), fvi_view_at(dy, call->dtype, n, h, 0),
            fvi_view_at(dx, call->dtype, n, h, 0));
    }
}

static void each_row(const fvi_call *call, fvi_items_fn *work)
{
    fvi_split_items(call->context, (size_t)call->n * (size_t)call->y.h, (size_t)call->y.w * (size_t)call->y.c, work,
                    call);
}

static fv_status forward(fvi_call *call)
{
    each_row(call, forward_rows);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    if (call->dx[0].data)
        each_row(call, backward_rows);
    return FV_OK;
}

const fvi_layer fvi_layer_log_softmax = {
    .name = "log_softmax",
    .onnx_op = "LogSoftmax",
    .formula = "y[c] = x[c] - log(sum over k of exp(x[k])), for each pixel",
    .options_size = sizeof(fv_plain_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .in_place = true,
    .backward_reads = FVI_READS_OUTPUT,
    .infer = fvi_infer_same,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
