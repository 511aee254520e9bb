/* SPDX-License-Identifier: Apache-2.0
 *
 * euclidean_loss.c - the sum of squared differences to the batch's values, or half of it.
 *
 *   loss = sum over c,h,w of (x - t)^2         dx = 2 * (x - t)
 *   half: 1/2 of that sum                      dx = x - t
 */
#include "layer/loss.h"

static const char type[] = "euclidean_loss";

static const fvi_attribute attributes[] = {
    { .name = "weight",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_euclidean_loss_options, weight),
      .count = 1,
      .low = 1e-9,
      .high = 1e9,
      .fallback = "1",
      .help = "factor in the total loss" },
    { .name = "half",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_euclidean_loss_options, half),
      .count = 1,
      .fallback = "false",
      .help = "half of the sum of squares" },
    { 0 },
};

/* Scratch: losses[n]. */
static fv_status setup(fvi_setup *node)
{
    return fvi_loss_scratch(node, type, &node->scratch_bytes);
}

static double factor_of(const fvi_call *call)
{
    return ((const fv_euclidean_loss_options *)call->options)->half ? 0.5 : 1.0;
}

static double value(const fvi_call *call, const fvi_loss_position *at)
{
    const fvi_target target = fvi_loss_target(call, at);
    return factor_of(call) * call->kernels->squared_difference((size_t)call->x[0].c, fvi_loss_at(call, &call->x[0], at),
                                                               target.values, target.stride);
}

static fv_status forward(fvi_call *call)
{
    FV_TRY(fvi_loss_check_values(call, type));
    return fvi_loss_forward(call, value);
}

static void gradient(const fvi_call *call, const fvi_loss_position *at, double factor)
{
    const fvi_target target = fvi_loss_target(call, at);
    call->kernels->difference((size_t)call->x[0].c, 2.0 * factor_of(call) * factor, fvi_loss_at(call, &call->x[0], at),
                              target.values, target.stride, fvi_loss_at(call, &call->dx[0], at));
}

static fv_status backward(fvi_call *call)
{
    return fvi_loss_backward(call, gradient);
}

const fvi_layer fvi_layer_euclidean_loss = {
    .name = "euclidean_loss",
    .formula = "loss = weight * sum of (x - t)^2, with half: weight * 1/2 of it",
    .options_size = sizeof(fv_euclidean_loss_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .is_loss = true,
    .backward_reads = FVI_READS_INPUT,
    .infer = fvi_infer_loss,
    .setup = setup,
    .forward = FVI_TRAINS(forward),
    .backward = FVI_TRAINS(backward),
};
