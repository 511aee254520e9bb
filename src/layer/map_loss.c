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
#include "base/checked.h"
#include "base/math.h"
#include "layer/loss.h"
#include "layer/split.h"

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

/* Scratch: losses[n], then p where no backward pass keeps it. Saved: p[n][classes]. */
static fv_status setup(fvi_setup *node)
{
    size_t probabilities = 0, losses = 0;
    FV_TRY(fvi_loss_scratch(node, type, &losses));
    if (!fvi_size_multiply((size_t)node->batch * fv_dtype_size(node->dtype), (size_t)node->in[0].c, &probabilities) ||
        !fvi_size_add(losses, probabilities, &node->scratch_bytes))
        return fvi_fail(node->context, FV_ERR_SHAPE, "%s '%s': %d samples of %d classes overflow", type, node->name,
                        node->batch, node->in[0].c);
    if (!node->backward)
        return FV_OK;
    node->saved_bytes = probabilities;
    node->scratch_bytes = losses;
    return FV_OK;
}

static fv_status check_targets(fvi_call *call)
{
    const fv_batch *batch = call->batch;
    const int32_t classes = call->x[0].c;
    if (!batch || !batch->classes)
        return fvi_fail_in(call->message, FV_ERR_ARGUMENT, "%s '%s': the batch has no classes", type, call->name);
    for (int32_t i = 0; i < call->n; i++)
        if (batch->classes[i] < 0 || batch->classes[i] >= classes)
            return fvi_fail_in(call->message, FV_ERR_ARGUMENT,
                               "%s '%s': sample %d has class %d, which is not in 0 to %d: there are %d scores", type,
                               call->name, i, batch->classes[i], classes - 1, classes);
    return fvi_loss_check_weights(call, type);
}

typedef struct map_pass {
    const fvi_call *call;
    char *probabilities;
    double *losses;
    size_t row_bytes;
    double j;
} map_pass;

static double score(const fvi_call *call, const void *row, int32_t k)
{
    return call->dtype == FV_F64 ? ((const double *)row)[k] : (double)((const float *)row)[k];
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

static void forward_samples(const void *argument, size_t first, size_t count)
{
    const map_pass *pass = argument;
    const fvi_call *call = pass->call;
    const size_t classes = (size_t)call->x[0].c;
    for (size_t i = first; i < first + count; i++) {
        const void *x = fvi_view_at(&call->x[0], call->dtype, (int32_t)i, 0, 0);
        char *p = pass->probabilities + i * pass->row_bytes;
        double log_sum = 0;
        call->kernels->softmax(1, classes, 0, x, 0, p, &log_sum);
        const double all = add_logarithms(log_sum, -pass->j);
        scale_row(call, p, fvi_exp(log_sum - all)); /* the classes' share, the rest is rubbish */
        pass->losses[i] = all - score(call, x, call->batch->classes[i]);
    }
}

static fv_status forward(fvi_call *call)
{
    FV_TRY(check_targets(call));
    const size_t losses_bytes = fvi_round_up((size_t)call->n * sizeof(double), 64), classes = (size_t)call->x[0].c;
    const map_pass pass = {
        .call = call,
        .probabilities = call->saved ? call->saved : (char *)call->scratch + losses_bytes,
        .losses = call->scratch,
        .row_bytes = classes * fv_dtype_size(call->dtype),
        .j = j_of(call),
    };
    fvi_split_items(call->context, (size_t)call->n, classes, forward_samples, &pass);
    fvi_loss_finish(call, pass.losses);
    return FV_OK;
}

static void backward_samples(const void *argument, size_t first, size_t count)
{
    const map_pass *pass = argument;
    const fvi_call *call = pass->call;
    for (size_t i = first; i < first + count; i++) {
        const double factor = call->scale * fvi_loss_weight(call) * fvi_sample_weight(call, i);
        call->kernels->cross_entropy_backward((size_t)call->dx[0].c, factor, pass->probabilities + i * pass->row_bytes,
                                              call->batch->classes[i], NULL,
                                              fvi_view_at(&call->dx[0], call->dtype, (int32_t)i, 0, 0));
    }
}

static fv_status backward(fvi_call *call)
{
    if (!call->dx[0].data)
        return FV_OK;
    const size_t classes = (size_t)call->dx[0].c;
    const map_pass pass = { .call = call,
                            .probabilities = call->saved,
                            .row_bytes = classes * fv_dtype_size(call->dtype) };
    fvi_split_items(call->context, (size_t)call->n, classes, backward_samples, &pass);
    return FV_OK;
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
    .forward = forward,
    .backward = backward,
};
