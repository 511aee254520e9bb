/* SPDX-License-Identifier: Apache-2.0
 *
 * loss.c - weights and sums of losses. The sum over samples is in double and in their order.
 */
#include "layer/loss.h"

#include "base/checked.h"

double fvi_loss_weight(const fvi_call *call)
{
    const fv_loss_options *options = call->options;
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

fv_status fvi_loss_scratch(fvi_setup *node, const char *type, size_t *bytes)
{
    if (!fvi_size_multiply((size_t)node->batch, sizeof(double), bytes) || *bytes > SIZE_MAX - 64)
        return fvi_fail(node->context, FV_ERR_SHAPE, "%s '%s': batch %d overflows", type, node->name, node->batch);
    *bytes = fvi_round_up(*bytes, 64);
    return FV_OK;
}
