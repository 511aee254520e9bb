/* SPDX-License-Identifier: Apache-2.0
 *
 * layer_norm.c - each pixel's channels to mean 0 and variance 1 (Ba et al. 2016, arXiv:1607.06450), as in ConvNeXt (Liu et al. 2022,
 * arXiv:2201.03545) and for vectors. Over channels, rows and columns together: group_norm with one group. Formulas of backward: there, with a
 * pixel for a group. Means and variances are computed again in backward: the pixel is in cache then.
 */
#include <string.h>

#include "base/checked.h"
#include "fovea/graph.h"
#include "kernel/channel/channel.h"
#include "kernel/norm/pixel.h"
#include "layer/layers.h"
#include "layer/split.h"

static const fvi_attribute attributes[] = {
    { .name = "epsilon",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_layer_norm_options, epsilon),
      .count = 1,
      .low = 1e-12,
      .high = 1,
      .fallback = "1e-5",
      .help = "added to the variance" },
    { .name = "no_scale",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_layer_norm_options, no_scale),
      .count = 1,
      .fallback = "false",
      .help = "weight is 1, and not a parameter" },
    { .name = "no_shift",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_layer_norm_options, no_shift),
      .count = 1,
      .fallback = "false",
      .help = "bias is 0, and not a parameter" },
    { .name = "scale_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_layer_norm_options, scale_init),
      .count = 1,
      .fallback = "constant 1",
      .help = "how weights start" },
    { .name = "shift_init",
      .type = FVI_ATTRIBUTE_INIT,
      .offset = offsetof(fv_layer_norm_options, shift_init),
      .count = 1,
      .fallback = "constant 0",
      .help = "how biases start" },
    { 0 },
};

static fvi_declared_param vector_of(const fvi_infer *node, const char *suffix, const fv_initializer *start,
                                    double otherwise)
{
    return (fvi_declared_param){
        .suffix = suffix,
        .shape = { .rank = 1, .size = { node->in[0].c } },
        .fan_in = 1,
        .fan_out = 1,
        .initializer =
            start->kind != FV_INIT_DEFAULT ? *start : (fv_initializer){ .kind = FV_INIT_CONSTANT, .value = otherwise },
        .trained = true,
    };
}

static fv_status infer(fvi_infer *node)
{
    const fv_layer_norm_options *options = node->options;
    node->out = node->in[0];
    node->param_count = 0;
    if (!options->no_scale)
        node->param[node->param_count++] = vector_of(node, "weight", &options->scale_init, 1);
    if (!options->no_shift)
        node->param[node->param_count++] = vector_of(node, "bias", &options->shift_init, 0);
    return FV_OK;
}

/* Scratch of backward: dscale and dshift of each image in double, [2][n][c]. */
static fv_status setup(fvi_setup *node)
{
    size_t sums = 0;
    if (!node->backward)
        return FV_OK;
    if (!fvi_size_multiply((size_t)node->batch, (size_t)node->in[0].c, &sums) ||
        !fvi_size_multiply(sums, 2 * sizeof(double), &node->scratch_bytes))
        return fvi_fail(node->context, FV_ERR_SHAPE, "layer_norm '%s': sums of %d channels for batch %d overflow",
                        node->name, node->in[0].c, node->batch);
    return FV_OK;
}

static fvi_pixel_run run_of(const fvi_call *call)
{
    const fv_layer_norm_options *options = call->options;
    const fvi_view *x = &call->x[0];
    return (fvi_pixel_run){ .pixels = (size_t)x->w,
                            .channels = (size_t)x->c,
                            .x = x->pixel_stride,
                            .epsilon = options->epsilon == 0 ? 1e-5 : options->epsilon,
                            .scale = options->no_scale ? NULL : call->param[0],
                            .shift = options->no_shift ? NULL : call->param[options->no_scale ? 0 : 1] };
}

static void forward_rows(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fvi_view *x = &call->x[0];
    fvi_pixel_run run = run_of(call);
    run.y = call->y.pixel_stride;
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)x->h), h = (int32_t)(row % (size_t)x->h);
        (call->dtype == FV_F64 ? fvi_pixel_norm_f64 : fvi_pixel_norm_f32)(&run, fvi_view_at(x, call->dtype, n, h, 0),
                                                                          fvi_view_at(&call->y, call->dtype, n, h, 0));
    }
}

static fv_status forward(fvi_call *call)
{
    const fvi_view *x = &call->x[0];
    fvi_split_items(call->context, (size_t)call->n * (size_t)x->h, (size_t)x->w * (size_t)x->c, forward_rows, call);
    return FV_OK;
}

static void backward_images(const void *argument, size_t first, size_t count)
{
    const fvi_call *call = argument;
    const fvi_view *x = &call->x[0], *dy = &call->dy, *dx = &call->dx[0];
    const size_t channels = (size_t)x->c;
    fvi_pixel_run run = run_of(call);
    run.dy = dy->pixel_stride;
    run.y = dx->pixel_stride;
    for (size_t image = first; image < first + count; image++) {
        const int32_t n = (int32_t)image;
        double *dscale = (double *)call->scratch + image * channels, *dshift = dscale + (size_t)call->n * channels;
        memset(dscale, 0, channels * sizeof *dscale);
        memset(dshift, 0, channels * sizeof *dshift);
        for (int32_t h = 0; h < x->h; h++)
            (call->dtype == FV_F64 ? fvi_pixel_norm_backward_f64 : fvi_pixel_norm_backward_f32)(
                &run, fvi_view_at(x, call->dtype, n, h, 0), fvi_view_at(dy, call->dtype, n, h, 0),
                dx->data ? fvi_view_at(dx, call->dtype, n, h, 0) : NULL, dscale, dshift);
    }
}

static fv_status backward(fvi_call *call)
{
    const fvi_view *x = &call->x[0];
    const fv_layer_norm_options *options = call->options;
    const double *dscale = call->scratch, *dshift = dscale + (size_t)call->n * (size_t)x->c;
    fvi_split_items(call->context, (size_t)call->n, (size_t)x->h * (size_t)x->w * (size_t)x->c, backward_images, call);
    if (!options->no_scale)
        fvi_channel_total(call->dtype, call->n, x->c, dscale, call->dparam[0]);
    if (!options->no_shift)
        fvi_channel_total(call->dtype, call->n, x->c, dshift, call->dparam[options->no_scale ? 0 : 1]);
    return FV_OK;
}

static const fvi_stage stages[] = {
    { "mean", "m: of each pixel's channels", "x" },
    { "variance", "v: likewise", "x mean" },
    { "normalised", "n[c] = (x[c] - m) / sqrt(v + epsilon)", "x mean variance" },
    { "scaled", "y[c] = weight[c] * n[c] + bias[c]", "normalised" },
    { 0 },
};

const fvi_layer fvi_layer_layer_norm = {
    .name = "layer_norm",
    .onnx_op = "LayerNormalization",
    .formula = "y = weight[c] * (x - m) / sqrt(v + epsilon) + bias[c], m and v of the channels of the pixel",
    .inside = stages,
    .options_size = sizeof(fv_layer_norm_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .dx_over_dy = true,
    .backward_reads = FVI_READS_INPUT,
    .infer = infer,
    .setup = setup,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
