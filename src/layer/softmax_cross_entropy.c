/* SPDX-License-Identifier: Apache-2.0
 *
 * softmax_cross_entropy.c - softmax and cross-entropy as one layer, on class scores.
 *
 *   loss = log(sum over k of exp(x[k])) * sum over k of t[k] - sum over k of t[k] * x[k]
 *   dx   = p - t, with p = softmax(x)
 *
 * t is 1 at the class, or the soft labels of the batch. The logarithm of the sum is taken after subtracting the largest score,
 * so nothing overflows or underflows for any finite scores. p is kept from forward; backward is one subtraction.
 */
#include "base/checked.h"
#include "layer/loss.h"
#include "layer/split.h"

static const char type[] = "softmax_cross_entropy";

static const fvi_attribute attributes[] = {
    { .name = "weight",
      .type = FVI_ATTRIBUTE_REAL,
      .offset = offsetof(fv_loss_options, weight),
      .count = 1,
      .low = 1e-9,
      .high = 1e9,
      .fallback = "1",
      .help = "factor in the total loss" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    const fv_image_shape in = node->in[0];
    if (in.h != 1 || in.w != 1)
        return fvi_fail(node->context, FV_ERR_SHAPE,
                        "%s '%s': needs one score per class, got an image %dx%dx%d; put a dense layer before it", type,
                        node->name, in.c, in.h, in.w);
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
    if (!batch || (!batch->classes && !batch->values))
        return fvi_fail_in(call->message, FV_ERR_ARGUMENT,
                           "%s '%s': the batch has no targets; give classes, or soft labels as values", type,
                           call->name);
    if (batch->classes && batch->values)
        return fvi_fail_in(call->message, FV_ERR_ARGUMENT, "%s '%s': the batch has both classes and values; give one",
                           type, call->name);
    for (int32_t i = 0; batch->classes && i < call->n; i++)
        if (batch->classes[i] < 0 || batch->classes[i] >= classes)
            return fvi_fail_in(call->message, FV_ERR_ARGUMENT,
                               "%s '%s': sample %d has class %d, which is not in 0 to %d: there are %d scores", type,
                               call->name, i, batch->classes[i], classes - 1, classes);
    return fvi_loss_check_weights(call, type);
}

typedef struct entropy_pass {
    const fvi_call *call;
    char *probabilities;
    double *losses;
    size_t row_bytes;
} entropy_pass;

static double score(const fvi_call *call, const void *row, int32_t k)
{
    return call->dtype == FV_F64 ? ((const double *)row)[k] : (double)((const float *)row)[k];
}

static double sample_loss(const fvi_call *call, size_t sample, const void *x, double log_sum)
{
    const int32_t classes = call->x[0].c;
    if (call->batch->classes)
        return log_sum - score(call, x, call->batch->classes[sample]);
    const float *soft = call->batch->values + sample * (size_t)classes;
    double loss = 0;
    for (int32_t k = 0; k < classes; k++)
        loss += (double)soft[k] * (log_sum - score(call, x, k));
    return loss;
}

static void forward_samples(const void *argument, size_t first, size_t count)
{
    const entropy_pass *pass = argument;
    const fvi_call *call = pass->call;
    const size_t classes = (size_t)call->x[0].c;
    for (size_t i = first; i < first + count; i++) {
        const void *x = fvi_view_at(&call->x[0], call->dtype, (int32_t)i, 0, 0);
        double log_sum = 0;
        call->kernels->softmax(1, classes, 0, x, 0, pass->probabilities + i * pass->row_bytes, &log_sum);
        pass->losses[i] = sample_loss(call, i, x, log_sum);
    }
}

static fv_status forward(fvi_call *call)
{
    FV_TRY(check_targets(call));
    const size_t losses_bytes = fvi_round_up((size_t)call->n * sizeof(double), 64);
    const size_t classes = (size_t)call->x[0].c;
    const entropy_pass pass = {
        .call = call,
        .probabilities = call->saved ? call->saved : (char *)call->scratch + losses_bytes,
        .losses = call->scratch,
        .row_bytes = classes * fv_dtype_size(call->dtype),
    };
    fvi_split_items(call->context, (size_t)call->n, classes, forward_samples, &pass);
    fvi_loss_finish(call, pass.losses);
    return FV_OK;
}

static void backward_samples(const void *argument, size_t first, size_t count)
{
    const entropy_pass *pass = argument;
    const fvi_call *call = pass->call;
    const fv_batch *batch = call->batch;
    const size_t classes = (size_t)call->dx[0].c;
    for (size_t i = first; i < first + count; i++) {
        const double factor = call->scale * fvi_loss_weight(call) * fvi_sample_weight(call, i);
        call->kernels->cross_entropy_backward(classes, factor, pass->probabilities + i * pass->row_bytes,
                                              batch->classes ? batch->classes[i] : 0,
                                              batch->classes ? NULL : batch->values + i * classes,
                                              fvi_view_at(&call->dx[0], call->dtype, (int32_t)i, 0, 0));
    }
}

static fv_status backward(fvi_call *call)
{
    if (!call->dx[0].data)
        return FV_OK;
    const size_t classes = (size_t)call->dx[0].c;
    const entropy_pass pass = { .call = call,
                                .probabilities = call->saved,
                                .row_bytes = classes * fv_dtype_size(call->dtype) };
    fvi_split_items(call->context, (size_t)call->n, classes, backward_samples, &pass);
    return FV_OK;
}

const fvi_layer fvi_layer_softmax_cross_entropy = {
    .name = "softmax_cross_entropy",
    .onnx_op = "SoftmaxCrossEntropyLoss",
    .formula = "loss = weight * -log(softmax(x)[class]), or weight * -sum of t * log(softmax(x)) for soft labels t",
    .options_size = sizeof(fv_loss_options),
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
