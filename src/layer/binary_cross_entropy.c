/* SPDX-License-Identifier: Apache-2.0
 *
 * binary_cross_entropy.c - sigmoid and cross-entropy as one layer: each score on its own answers yes or no.
 *
 *   loss = sum over c,h,w of -t*log(s) - (1 - t)*log(1 - s), s = sigmoid(x)
 *        = sum of max(x, 0) - x*t + log(1 + exp(-|x|)), which neither overflows nor cancels
 *   dx   = s - t
 *
 * t are the batch's values, in the order c, h, w, or 1 at the sample's class and 0 elsewhere.
 */
#include "layer/loss.h"

static const char type[] = "binary_cross_entropy";

static const fvi_attribute attributes[] = {
    { .name = "weight",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_binary_cross_entropy_options, weight),
      .count = 1,
      .low = 1e-9,
      .high = 1e9,
      .fallback = "1",
      .help = "factor in the total loss" },
    { 0 },
};

static fv_status setup(fvi_setup *node)
{
    return fvi_loss_scratch(node, type, &node->scratch_bytes);
}

static double value(const fvi_call *call, const fvi_loss_position *at)
{
    const fvi_target target = fvi_loss_target(call, at);
    return call->kernels->binary_cross_entropy((size_t)call->x[0].c, &target, fvi_loss_at(call, &call->x[0], at));
}

static fv_status forward(fvi_call *call)
{
    FV_TRY(fvi_loss_check_classes(call, type, true, "targets from 0 to 1"));
    return fvi_loss_forward(call, value);
}

static void gradient(const fvi_call *call, const fvi_loss_position *at, double factor)
{
    const fvi_target target = fvi_loss_target(call, at);
    call->kernels->binary_cross_entropy_backward(
        (size_t)call->x[0].c, &target, factor, fvi_loss_at(call, &call->x[0], at), fvi_loss_at(call, &call->dx[0], at));
}

static fv_status backward(fvi_call *call)
{
    return fvi_loss_backward(call, gradient);
}

const fvi_layer fvi_layer_binary_cross_entropy = {
    .name = "binary_cross_entropy",
    .formula = "loss = weight * sum of -t*log(sigmoid(x)) - (1 - t)*log(1 - sigmoid(x))",
    .options_size = sizeof(fv_binary_cross_entropy_options),
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
