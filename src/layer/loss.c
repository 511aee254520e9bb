/* SPDX-License-Identifier: Apache-2.0
 *
 * loss.c - weights, targets and sums of losses. The sum over samples is in double and in their order.
 */
#include "layer/loss.h"

#include "base/checked.h"
#include "layer/split.h"

double fvi_loss_weight(const fvi_call *call)
{
    const fvi_loss_options *options = call->options;
    return options->weight == 0 ? 1.0 : options->weight;
}

double fvi_sample_weight(const fvi_call *call, size_t sample)
{
    return call->batch->weights ? (double)call->batch->weights[sample] : 1.0;
}

fv_status fvi_loss_check_weights(fvi_call *call, const char *type)
{
    for (int32_t i = 0; i < call->n; i++) {
        const double weight = fvi_sample_weight(call, (size_t)i);
        if (!(weight >= 0 && weight - weight == 0))
            return fvi_fail_in(call->message, FV_ERR_ARGUMENT,
                               "%s '%s': sample %d has weight %g; weights must be finite and not negative", type,
                               call->name, i, weight);
    }
    return FV_OK;
}

void fvi_loss_finish(fvi_call *call, double *losses)
{
    const double weight = fvi_loss_weight(call);
    double sum = 0;
    for (int32_t i = 0; i < call->n; i++) {
        const double share = losses[i] * fvi_sample_weight(call, (size_t)i) * weight;
        sum += share;
        if (!call->y.data)
            continue;
        void *y = fvi_view_at(&call->y, call->dtype, i, 0, 0);
        if (call->dtype == FV_F64)
            *(double *)y = share;
        else
            *(float *)y = (float)share;
    }
    call->loss = sum;
}

/* Targets. */
static fv_status check_class(fvi_call *call, const char *type, int32_t sample)
{
    const int32_t class = call->batch->classes[sample], classes = call->x[0].c;
    if (class >= 0 && class < classes)
        return FV_OK;
    return fvi_fail_in(call->message, FV_ERR_ARGUMENT,
                       "%s '%s': sample %d has class %d, which is not in 0 to %d: there are %d scores", type,
                       call->name, sample, class, classes - 1, classes);
}

fv_status fvi_loss_check_classes(fvi_call *call, const char *type, bool values, const char *what)
{
    const fv_batch *batch = call->batch;
    const fvi_view *x = &call->x[0];
    if (!batch || (!batch->classes && !(values && batch->values)))
        return fvi_fail_in(call->message, FV_ERR_ARGUMENT, "%s '%s': the batch has no targets; give classes%s%s%s",
                           type, call->name, values ? ", or " : "", values ? what : "", values ? " as values" : "");
    if (values && batch->classes && batch->values)
        return fvi_fail_in(call->message, FV_ERR_ARGUMENT, "%s '%s': the batch has both classes and values; give one",
                           type, call->name);
    if (batch->classes && (x->h != 1 || x->w != 1))
        return fvi_fail_in(call->message, FV_ERR_ARGUMENT,
                           "%s '%s': the batch has one class for each sample, but the input is an image %dx%dx%d; give "
                           "%s for each position, as values",
                           type, call->name, x->c, x->h, x->w, what);
    for (int32_t i = 0; batch->classes && i < call->n; i++)
        FV_TRY(check_class(call, type, i));
    return fvi_loss_check_weights(call, type);
}

fv_status fvi_loss_check_values(fvi_call *call, const char *type)
{
    if (!call->batch || !call->batch->values)
        return fvi_fail_in(call->message, FV_ERR_ARGUMENT, "%s '%s': the batch has no target values", type, call->name);
    return fvi_loss_check_weights(call, type);
}

fvi_target fvi_loss_target(const fvi_call *call, const fvi_loss_position *at)
{
    const fvi_view *x = &call->x[0];
    const fv_batch *batch = call->batch;
    const size_t plane = (size_t)x->h * (size_t)x->w;
    if (!batch->values)
        return (fvi_target){ .label = batch->classes[at->sample] };
    return (fvi_target){ .values = batch->values + at->sample * plane * (size_t)x->c + (size_t)at->h * (size_t)x->w +
                                   (size_t)at->w,
                         .stride = (ptrdiff_t)plane };
}

void *fvi_loss_at(const fvi_call *call, const fvi_view *view, const fvi_loss_position *at)
{
    return fvi_view_at(view, call->dtype, (int32_t)at->sample, at->h, at->w);
}

/* Passes. */
typedef struct loss_pass {
    const fvi_call *call;
    fvi_loss_value_fn *value;
    fvi_loss_gradient_fn *gradient;
    double *losses;
} loss_pass;

static void forward_samples(const void *argument, size_t first, size_t count)
{
    const loss_pass *pass = argument;
    const fvi_view *x = &pass->call->x[0];
    for (size_t i = first; i < first + count; i++) {
        double sum = 0;
        for (int32_t h = 0; h < x->h; h++)
            for (int32_t w = 0; w < x->w; w++)
                sum += pass->value(pass->call, &(fvi_loss_position){ i, h, w });
        pass->losses[i] = sum;
    }
}

static void backward_samples(const void *argument, size_t first, size_t count)
{
    const loss_pass *pass = argument;
    const fvi_call *call = pass->call;
    for (size_t i = first; i < first + count; i++) {
        const double factor = call->scale * fvi_loss_weight(call) * fvi_sample_weight(call, i);
        for (int32_t h = 0; h < call->dx[0].h; h++)
            for (int32_t w = 0; w < call->dx[0].w; w++)
                pass->gradient(call, &(fvi_loss_position){ i, h, w }, factor);
    }
}

static void split_samples(const fvi_call *call, fvi_items_fn *work, const loss_pass *pass)
{
    const fvi_view *x = &call->x[0];
    fvi_split_items(call->context, (size_t)call->n, (size_t)x->h * (size_t)x->w * (size_t)x->c, work, pass);
}

fv_status fvi_loss_forward(fvi_call *call, fvi_loss_value_fn *value)
{
    const loss_pass pass = { .call = call, .value = value, .losses = call->scratch };
    split_samples(call, forward_samples, &pass);
    fvi_loss_finish(call, pass.losses);
    return FV_OK;
}

fv_status fvi_loss_backward(fvi_call *call, fvi_loss_gradient_fn *gradient)
{
    const loss_pass pass = { .call = call, .gradient = gradient };
    if (call->dx[0].data)
        split_samples(call, backward_samples, &pass);
    return FV_OK;
}

fv_status fvi_infer_loss(fvi_infer *node)
{
    node->out = (fv_image_shape){ 1, 1, 1 };
    return FV_OK;
}

fv_status fvi_infer_scores(fvi_infer *node, const char *type)
{
    const fv_image_shape in = node->in[0];
    if (in.h != 1 || in.w != 1)
        return fvi_fail(node->context, FV_ERR_SHAPE,
                        "%s '%s': needs one score per class, got an image %dx%dx%d; put a dense layer before it", type,
                        node->name, in.c, in.h, in.w);
    return fvi_infer_loss(node);
}

fv_status fvi_loss_scratch(fvi_setup *node, const char *type, size_t *bytes)
{
    if (!fvi_size_multiply((size_t)node->batch, sizeof(double), bytes) || *bytes > SIZE_MAX - 64)
        return fvi_fail(node->context, FV_ERR_SHAPE, "%s '%s': batch %d overflows", type, node->name, node->batch);
    *bytes = fvi_round_up(*bytes, 64);
    return FV_OK;
}

fv_status fvi_loss_keep_probabilities(fvi_setup *node, const char *type)
{
    const fv_image_shape in = node->in[0];
    size_t probabilities = (size_t)in.c * (size_t)in.h * (size_t)in.w, losses = 0;
    FV_TRY(fvi_loss_scratch(node, type, &losses));
    if (!fvi_size_multiply((size_t)node->batch * fv_dtype_size(node->dtype), probabilities, &probabilities) ||
        !fvi_size_add(losses, probabilities, &node->scratch_bytes))
        return fvi_fail(node->context, FV_ERR_SHAPE, "%s '%s': %d samples of %dx%dx%d overflow", type, node->name,
                        node->batch, in.c, in.h, in.w);
    if (!node->backward)
        return FV_OK;
    node->saved_bytes = probabilities;
    node->scratch_bytes = losses;
    return FV_OK;
}

void *fvi_loss_probabilities(const fvi_call *call, const fvi_loss_position *at)
{
    const fvi_view *x = &call->x[0];
    const size_t position = (at->sample * (size_t)x->h + (size_t)at->h) * (size_t)x->w + (size_t)at->w;
    char *first = call->saved;
    if (!first)
        first = (char *)call->scratch + fvi_round_up((size_t)call->n * sizeof(double), 64);
    return first + position * (size_t)x->c * fv_dtype_size(call->dtype);
}
