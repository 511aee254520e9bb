/* SPDX-License-Identifier: Apache-2.0
 *
 * euclidean_loss.c - the sum of squared differences to the batch's values, or half of it.
 *
 *   loss = sum over c,h,w of (x - t)^2         dx = 2 * (x - t)
 *   half: 1/2 of that sum                      dx = x - t
 */
#include "layer/loss.h"
#include "layer/split.h"

static const char type[] = "euclidean_loss";

static const fvi_attribute attributes[] = {
    { .name = "weight",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_loss_options, weight),
      .count = 1,
      .low = 1e-9,
      .high = 1e9,
      .fallback = "1",
      .help = "factor in the total loss" },
    { .name = "half",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_loss_options, half),
      .count = 1,
      .fallback = "false",
      .help = "half of the sum of squares" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    node->out = (fv_image_shape){ 1, 1, 1 };
    return FV_OK;
}

/* Scratch: losses[n]. */
static fv_status setup(fvi_setup *node)
{
    return fvi_loss_scratch(node, type, &node->scratch_bytes);
}

static double factor_of(const fvi_call *call)
{
    return ((const fv_loss_options *)call->options)->half ? 0.5 : 1.0;
}

/* Targets of pixel (h, w) of a sample: channel c is `plane` floats further on. */
static const float *target(const fvi_call *call, const fvi_view *x, size_t sample, int32_t h, int32_t w)
{
    const size_t plane = (size_t)x->h * (size_t)x->w;
    return call->batch->values + sample * plane * (size_t)x->c + (size_t)h * (size_t)x->w + (size_t)w;
}

static void forward_samples(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fvi_view *x = &call->x[0];
    double *losses = call->scratch;
    for (size_t i = first; i < first + count; i++) {
        double sum = 0;
        for (int32_t h = 0; h < x->h; h++)
            for (int32_t w = 0; w < x->w; w++)
                sum += call->kernels->squared_difference((size_t)x->c, fvi_view_at(x, call->dtype, (int32_t)i, h, w),
                                                         target(call, x, i, h, w), (ptrdiff_t)x->h * x->w);
        losses[i] = sum * factor_of(call);
    }
}

static size_t sample_elements(const fvi_view *x)
{
    return (size_t)x->h * (size_t)x->w * (size_t)x->c;
}

static fv_status forward(fvi_call *call)
{
    if (!call->batch || !call->batch->values)
        return fvi_fail_in(call->message, FV_ERR_ARGUMENT, "%s '%s': the batch has no target values", type, call->name);
    FV_TRY(fvi_loss_check_weights(call, type));
    fvi_split_items(call->context, (size_t)call->n, sample_elements(&call->x[0]), forward_samples, call);
    fvi_loss_finish(call, call->scratch);
    return FV_OK;
}

static void backward_samples(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fvi_view *x = &call->x[0], *dx = &call->dx[0];
    for (size_t i = first; i < first + count; i++) {
        const double factor = 2.0 * factor_of(call) * call->scale * fvi_loss_weight(call) * fvi_sample_weight(call, i);
        for (int32_t h = 0; h < x->h; h++)
            for (int32_t w = 0; w < x->w; w++)
                call->kernels->difference((size_t)x->c, factor, fvi_view_at(x, call->dtype, (int32_t)i, h, w),
                                          target(call, x, i, h, w), (ptrdiff_t)x->h * x->w,
                                          fvi_view_at(dx, call->dtype, (int32_t)i, h, w));
    }
}

static fv_status backward(fvi_call *call)
{
    if (call->dx[0].data)
        fvi_split_items(call->context, (size_t)call->n, sample_elements(&call->x[0]), backward_samples, call);
    return FV_OK;
}

const fvi_layer fvi_layer_euclidean_loss = {
    .name = "euclidean_loss",
    .formula = "loss = weight * sum of (x - t)^2, with half: weight * 1/2 of it",
    .options_size = sizeof(fv_loss_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .is_loss = true,
    .backward_reads = FVI_READS_INPUT,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = backward,
};
