/* SPDX-License-Identifier: Apache-2.0
 *
 * softsign.c - y = x / (scale + |x|), the example of docs/adding-a-layer.md (Bergstra et al. 2009).
 */
#include <math.h>

#include "layer/layer.h"
#include "layer/split.h"
#include "support/softsign.h"

static const fvi_attribute attributes[] = {
    { .name = "scale",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(softsign_options, scale),
      .count = 1,
      .low = 1e-6,
      .high = 1e6,
      .fallback = "1",
      .help = "the x at which y is one half" },
    { 0 },
};

static double scale_of(const fvi_call *call)
{
    const softsign_options *options = call->options;
    return options->scale == 0 ? 1.0 : options->scale;
}

static fv_status infer(fvi_infer *node)
{
    node->out = node->in[0];
    return FV_OK;
}

/* Runs: at[0] is x, at[1] is y. */
static void forward_f32(const void *argument, size_t count, void *const *at)
{
    const float scale = (float)*(const double *)argument;
    const float *x = at[0];
    float *y = at[1];
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] / (scale + fabsf(x[i]));
}

static void forward_f64(const void *argument, size_t count, void *const *at)
{
    const double scale = *(const double *)argument, *x = at[0];
    double *y = at[1];
    for (size_t i = 0; i < count; i++)
        y[i] = x[i] / (scale + fabs(x[i]));
}

/* dx = dy * scale / (scale + |x|)^2, which is dy * (1 - |y|)^2 / scale: x is not needed. at: y, dy, dx. */
static void backward_f32(const void *argument, size_t count, void *const *at)
{
    const float scale = (float)*(const double *)argument;
    const float *y = at[0], *dy = at[1];
    float *dx = at[2];
    for (size_t i = 0; i < count; i++)
        dx[i] = dy[i] * (1 - fabsf(y[i])) * (1 - fabsf(y[i])) / scale;
}

static void backward_f64(const void *argument, size_t count, void *const *at)
{
    const double scale = *(const double *)argument, *y = at[0], *dy = at[1];
    double *dx = at[2];
    for (size_t i = 0; i < count; i++)
        dx[i] = dy[i] * (1 - fabs(y[i])) * (1 - fabs(y[i])) / scale;
}

static fv_status forward(fvi_call *call)
{
    const double scale = scale_of(call);
    const fvi_view *const views[] = { &call->x[0], &call->y };
    fvi_split_runs(call->context, call->dtype, views, 2, call->dtype == FV_F64 ? forward_f64 : forward_f32, &scale);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    const double scale = scale_of(call);
    const fvi_view *const views[] = { &call->y, &call->dy, &call->dx[0] };
    if (call->dx[0].data)
        fvi_split_runs(call->context, call->dtype, views, 3, call->dtype == FV_F64 ? backward_f64 : backward_f32,
                       &scale);
    return FV_OK;
}

const fvi_layer fvi_layer_softsign = {
    .name = "softsign",
    .onnx_op = "Softsign",
    .formula = "y = x / (scale + |x|)",
    .options_size = sizeof(softsign_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .in_place = true,
    .backward_reads = FVI_READS_OUTPUT,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
