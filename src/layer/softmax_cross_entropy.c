/* SPDX-License-Identifier: Apache-2.0
 *
 * softmax_cross_entropy.c - softmax and cross-entropy as one layer, on class scores.
 *
 *   loss = sum over k of q[k] * (log(sum over j of exp(x[j])) - x[k])
 *   dx   = p * sum(q) - q, with p = softmax(x)
 *   q[k] = class_weights[k] * ((1 - label_smoothing)*t[k] + label_smoothing/classes)
 *
 * t is 1 at the class, or the soft labels of the batch. Smoothing: Szegedy et al. 2016 (arXiv:1512.00567), section 7. The
 * logarithm of the sum is taken after subtracting the largest score, so nothing overflows or underflows for any finite
 * scores. p is kept from forward; backward is one subtraction.
 */
#include "layer/loss.h"

static const char type[] = "softmax_cross_entropy";

static const fvi_attribute attributes[] = {
    { .name = "weight",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_softmax_cross_entropy_options, weight),
      .count = 1,
      .low = 1e-9,
      .high = 1e9,
      .fallback = "1",
      .help = "factor in the total loss" },
    { .name = "label_smoothing",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_softmax_cross_entropy_options, label_smoothing),
      .count = 1,
      .low = 0,
      .high = 1,
      .fallback = "0",
      .help = "the part of each target that is spread over all classes" },
    { .name = "class_weights",
      .type = FVI_ATTRIBUTE_REALS,
      .offset = offsetof(fv_softmax_cross_entropy_options, class_weights),
      .count = 1,
      .low = 0,
      .high = 1e9,
      .fallback = "ones",
      .help = "one factor for each class" },
    { .name = "positions",
      .type = FVI_ATTRIBUTE_BOOL,
      .offset = offsetof(fv_softmax_cross_entropy_options, positions),
      .count = 1,
      .fallback = "false",
      .help = "classify each position of an image, against soft labels, and add up; else one vector of scores" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    const fv_softmax_cross_entropy_options *options = node->options;
    const int32_t weights = options->class_weights.count, classes = node->in[0].c;
    if (weights != 0 && weights != classes)
        return fvi_fail(node->context, FV_ERR_SHAPE, "%s '%s': %d class_weights for %d classes", type, node->name,
                        weights, classes);
    return options->positions ? fvi_infer_loss(node) : fvi_infer_scores(node, type);
}

static fv_status setup(fvi_setup *node)
{
    return fvi_loss_keep_probabilities(node, type);
}

static fvi_target target(const fvi_call *call, const fvi_loss_position *at)
{
    const fv_softmax_cross_entropy_options *options = call->options;
    fvi_target target = fvi_loss_target(call, at);
    target.smoothing = options->label_smoothing;
    target.class_weights = options->class_weights.count > 0 ? options->class_weights.values : NULL;
    return target;
}

static double value(const fvi_call *call, const fvi_loss_position *at)
{
    const size_t classes = (size_t)call->x[0].c;
    const void *x = fvi_loss_at(call, &call->x[0], at);
    const fvi_target wanted = target(call, at);
    double log_sum = 0;
    call->kernels->softmax(1, classes, 0, x, 0, fvi_loss_probabilities(call, at), &log_sum);
    return call->kernels->cross_entropy(classes, &wanted, x, log_sum);
}

static fv_status forward(fvi_call *call)
{
    FV_TRY(fvi_loss_check_classes(call, type, true, "soft labels"));
    return fvi_loss_forward(call, value);
}

static void gradient(const fvi_call *call, const fvi_loss_position *at, double factor)
{
    const fvi_target wanted = target(call, at);
    call->kernels->cross_entropy_backward((size_t)call->x[0].c, &wanted, factor, fvi_loss_probabilities(call, at),
                                          fvi_loss_at(call, &call->dx[0], at));
}

static fv_status backward(fvi_call *call)
{
    return fvi_loss_backward(call, gradient);
}

static const fvi_stage stages[] = {
    { "log-softmax", "l[c] = x[c] - max - log(sum over k of exp(x[k] - max))", "x" },
    { "target", "t[c]: the class, or soft labels, smoothed", "" },
    { "loss", "-weight * sum over c of t[c] * l[c]", "log-softmax target" },
    { 0 },
};

const fvi_layer fvi_layer_softmax_cross_entropy = {
    .name = "softmax_cross_entropy",
    .onnx_op = "SoftmaxCrossEntropyLoss",
    .formula = "loss = weight * -log(softmax(x)[class]), or weight * -sum of t * log(softmax(x)) for soft labels t",
    .inside = stages,
    .options_size = sizeof(fv_softmax_cross_entropy_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .is_loss = true,
    .backward_reads = FVI_READS_SAVED,
    .infer = infer,
    .setup = setup,
    .forward = FVI_TRAINS(forward),
    .backward = FVI_TRAINS(backward),
};
