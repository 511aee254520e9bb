/* SPDX-License-Identifier: Apache-2.0
 *
 * hinge_loss.c - the multi-class hinge of support vector machines (Weston & Watkins 1999): every wrong class should score at
 * least `margin` below the right one, y.
 *
 *   loss = sum over j != y of v[j], v[j] = max(0, margin + x[j] - x[y]); squared: of v[j]^2
 *   dx[j] = 1 where v[j] > 0 (squared: 2*v[j]), dx[y] = -(the sum of the others)
 */
#include "layer/loss.h"

static const char type[] = "hinge_loss";

static const fvi_attribute attributes[] = {
    { .name = "weight",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_hinge_loss_options, weight),
      .count = 1,
      .low = 1e-9,
      .high = 1e9,
      .fallback = "1",
      .help = "factor in the total loss" },
    { .name = "margin",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_hinge_loss_options, margin),
      .count = 1,
      .low = 1e-6,
      .high = 1e6,
      .fallback = "1",
      .help = "how far below the right score a wrong one costs nothing" },
    { .name = "squared",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_hinge_loss_options, squared),
      .count = 1,
      .fallback = "false",
      .help = "add up the squares" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    return fvi_infer_scores(node, type);
}

static fv_status setup(fvi_setup *node)
{
    return fvi_loss_scratch(node, type, &node->scratch_bytes);
}

static fvi_hinge hinge(const fvi_call *call, const fvi_loss_position *at)
{
    const fv_hinge_loss_options *options = call->options;
    return (fvi_hinge){ .label = call->batch->classes[at->sample],
                        .margin = options->margin == 0 ? 1.0 : options->margin,
                        .squared = options->squared };
}

static double value(const fvi_call *call, const fvi_loss_position *at)
{
    const fvi_hinge wanted = hinge(call, at);
    return call->kernels->hinge((size_t)call->x[0].c, &wanted, fvi_loss_at(call, &call->x[0], at));
}

static fv_status forward(fvi_call *call)
{
    FV_TRY(fvi_loss_check_classes(call, type, false, NULL));
    return fvi_loss_forward(call, value);
}

static void gradient(const fvi_call *call, const fvi_loss_position *at, double factor)
{
    const fvi_hinge wanted = hinge(call, at);
    call->kernels->hinge_backward((size_t)call->x[0].c, &wanted, factor, fvi_loss_at(call, &call->x[0], at),
                                  fvi_loss_at(call, &call->dx[0], at));
}

static fv_status backward(fvi_call *call)
{
    return fvi_loss_backward(call, gradient);
}

const fvi_layer fvi_layer_hinge_loss = {
    .name = "hinge_loss",
    .formula = "loss = weight * sum over j but class of max(0, margin + x[j] - x[class]), with squared: of its square",
    .options_size = sizeof(fv_hinge_loss_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .is_loss = true,
    .backward_reads = FVI_READS_INPUT,
    .infer = infer,
    .setup = setup,
    .forward = FVI_TRAINS(forward),
    .backward = FVI_TRAINS(backward),
};
