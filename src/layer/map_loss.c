/* SPDX-License-Identifier: Apache-2.0
 *
 * map_loss.c - the loss of LeNet-5 (LeCun et al. 1998, section II.C, equation 9): maximum likelihood with a competitive term, by
 * which the probability of the right class is maximised a posteriori (MAP) among the classes and a "rubbish" class of the
 * constant penalty j. With scores x (minus the penalties; layer rbf):
 *
 *   loss = log(exp(-j) + sum over k of exp(x[k])) - x[class]
 *   dx   = p - t        p[k] = exp(x[k]) / (exp(-j) + sum over i of exp(x[i])), t: 1 at the class
 *
 * The largest of all exponents is subtracted first, so nothing overflows for any finite scores and j. p is kept from forward.
 */
#include "base/math.h"
#include "layer/loss.h"

static const char type[] = "map_loss";

#define DEFAULT_J 1.0

static const fvi_attribute attributes[] = {
    { .name = "weight",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_map_loss_options, weight),
      .count = 1,
      .low = 1e-9,
      .high = 1e9,
      .fallback = "1",
      .help = "factor in the total loss" },
    { .name = "j",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_map_loss_options, j),
      .count = 1,
      .low = 1e-6,
      .high = 1e6,
      .fallback = "1",
      .help = "penalty of the rubbish class: penalties far above it are not pushed further up" },
    { 0 },
};

static double j_of(const fvi_call *call)
{
    const fv_map_loss_options *options = call->options;
    return options->j == 0 ? DEFAULT_J : options->j;
}

static fv_status infer(fvi_infer *node)
{
    const fv_image_shape in = node->in[0];
    if (in.h != 1 || in.w != 1)
        return fvi_fail(node->context, FV_ERR_SHAPE,
                        "%s '%s': needs one score per class, got an image %dx%dx%d; put rbf or a dense layer before it",
                        type, node->name, in.c, in.h, in.w);
    node->out = (fv_image_shape){ 1, 1, 1 };
    return FV_OK;
}

static fv_status setup(fvi_setup *node)
{
    return fvi_loss_keep_probabilities(node, type);
}

/* log(exp(a) + exp(b)) */
static double add_logarithms(double a, double b)
{
    const double larger = a > b ? a : b, smaller = a > b ? b : a;
    return larger + fvi_log(1 + fvi_exp(smaller - larger));
}

static void scale_row(const fvi_call *call, void *row, double factor)
{
    for (int32_t k = 0; k < call->x[0].c; k++) {
        if (call->dtype == FV_F64)
            ((double *)row)[k] *= factor;
        else
            ((float *)row)[k] *= (float)factor;
    }
}

static double score(const fvi_call *call, const void *row, int32_t k)
{
    return call->dtype == FV_F64 ? ((const double *)row)[k] : (double)((const float *)row)[k];
}

static double value(const fvi_call *call, const fvi_loss_position *at)
{
    const void *x = fvi_loss_at(call, &call->x[0], at);
    void *p = fvi_loss_probabilities(call, at);
    double log_sum = 0;
    call->kernels->softmax(1, (size_t)call->x[0].c, 0, x, 0, p, &log_sum);
    const double all = add_logarithms(log_sum, -j_of(call));
    scale_row(call, p, fvi_exp(log_sum - all)); /* the classes' share, the rest is rubbish */
    return all - score(call, x, call->batch->classes[at->sample]);
}

static fv_status forward(fvi_call *call)
{
    FV_TRY(fvi_loss_check_classes(call, type, false, NULL));
    return fvi_loss_forward(call, value);
}

static void gradient(const fvi_call *call, const fvi_loss_position *at, double factor)
{
    const fvi_target target = { .label = call->batch->classes[at->sample] };
    call->kernels->cross_entropy_backward((size_t)call->x[0].c, &target, factor, fvi_loss_probabilities(call, at),
                                          fvi_loss_at(call, &call->dx[0], at));
}

static fv_status backward(fvi_call *call)
{
    return fvi_loss_backward(call, gradient);
}

const fvi_layer fvi_layer_map_loss = {
    .name = "map_loss",
    .formula = "loss = weight * (log(exp(-j) + sum over k of exp(x[k])) - x[class]), x: scores, minus the penalties",
    .options_size = sizeof(fv_map_loss_options),
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
