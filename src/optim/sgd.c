/* SPDX-License-Identifier: Apache-2.0
 *
 * sgd.c - stochastic gradient descent with momentum, as in optimizer.h.
 * A step is two passes over fixed chunks of the parameter block: the first looks for values that are not finite while
 * it takes the norm, the second updates. Nothing is written before the first is done, so a bad gradient never reaches
 * the weights, nor a bad mean the running statistics. A third pass shortens the rows of parameters with a largest norm.
 */
#include <math.h>

#include "base/checked.h"
#include "fovea/optimizer.h"
#include "graph/params_internal.h"
#include "optim/max_norm.h"
#include "optim/sgd_kernels.h"

enum { CHUNK = 16384 }; /* elements of a task: a multiple of 16 */

/* A range of the block that lies in one parameter. */
typedef struct update_chunk {
    size_t first, count;
    int32_t param;
    double squares; /* of the gradient, from the last check */
} update_chunk;

struct fv_optimizer {
    fv_context *context;
    fv_params *params, *velocity;
    fv_sgd_options options;
    update_chunk *chunk;
    size_t chunk_count;
};

/* One pass over all chunks. */
typedef struct update_pass {
    fv_optimizer *optimizer;
    const void *gradients;
    double rate;
} update_pass;

static size_t chunks_of(const fv_param_info *info)
{
    return info->trained || info->momentum > 0 ? ((size_t)info->elements + CHUNK - 1) / CHUNK : 0;
}

static fv_status make_chunks(fv_optimizer *optimizer)
{
    const int32_t params = fv_params_count(optimizer->params);
    size_t count = 0;
    for (int32_t i = 0; i < params; i++) {
        const fv_param_info info = fv_params_info(optimizer->params, i);
        count += chunks_of(&info);
    }
    optimizer->chunk = fvi_allocate_zeroed(optimizer->context, count, sizeof *optimizer->chunk);
    if (optimizer->chunk == NULL)
        return fvi_out_of_memory(optimizer->context, "optimizer", count * sizeof *optimizer->chunk);
    for (int32_t i = 0; i < params; i++) {
        const fv_param_info info = fv_params_info(optimizer->params, i);
        const size_t elements = fvi_round_up((size_t)info.elements, FVI_PARAM_ALIGNMENT);
        for (size_t j = 0; j < chunks_of(&info); j++) {
            const size_t first = j * CHUNK, left = elements - first;
            optimizer->chunk[optimizer->chunk_count++] =
                (update_chunk){ .first = info.offset + first, .count = left < CHUNK ? left : CHUNK, .param = i };
        }
    }
    return FV_OK;
}

static fv_status check_options(fv_context *context, const fv_sgd_options *options)
{
    if (!(options->momentum >= 0 && options->momentum < 1))
        return fvi_fail(context, FV_ERR_ARGUMENT, "sgd: momentum is %g, but must be at least 0 and below 1",
                        options->momentum);
    if (!(options->weight_decay >= 0 && isfinite(options->weight_decay)))
        return fvi_fail(context, FV_ERR_ARGUMENT, "sgd: weight_decay is %g, but must be at least 0",
                        options->weight_decay);
    return FV_OK;
}

fv_status fv_optimizer_create_sgd(fv_optimizer **out, fv_params *params, const fv_sgd_options *options)
{
    *out = NULL;
    fv_context *context = fv_graph_context(fv_params_graph(params));
    const fv_sgd_options given = options != NULL ? *options : (fv_sgd_options){ 0 };
    FV_TRY(check_options(context, &given));
    fv_optimizer *optimizer = fvi_allocate_zeroed(context, 1, sizeof *optimizer);
    if (optimizer == NULL)
        return fvi_out_of_memory(context, "optimizer", sizeof *optimizer);
    optimizer->context = context;
    optimizer->params = params;
    optimizer->options = given;
    fv_status status = fv_params_create(&optimizer->velocity, fv_params_graph(params), fv_params_dtype(params));
    if (status == FV_OK)
        status = make_chunks(optimizer);
    if (status != FV_OK) {
        fv_optimizer_destroy(optimizer);
        return status;
    }
    *out = optimizer;
    return FV_OK;
}

void fv_optimizer_destroy(fv_optimizer *optimizer)
{
    if (optimizer == NULL)
        return;
    fv_params_destroy(optimizer->velocity);
    fvi_release(optimizer->context, optimizer->chunk);
    fvi_release(optimizer->context, optimizer);
}

static void check_chunk(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const update_pass *pass = argument;
    update_chunk *chunk = &pass->optimizer->chunk[index];
    if (fv_params_dtype(pass->optimizer->params) == FV_F32)
        chunk->squares = fvi_sum_of_squares_f32(chunk->count, (const float *)pass->gradients + chunk->first);
    else
        chunk->squares = fvi_sum_of_squares_f64(chunk->count, (const double *)pass->gradients + chunk->first);
}

/* No learning rate, no decay, no velocity. */
static void update_statistic(const update_pass *pass, const update_chunk *chunk, double momentum)
{
    void *values = fv_params_data(pass->optimizer->params);
    if (fv_params_dtype(pass->optimizer->params) == FV_F32)
        fvi_average_update_f32(chunk->count, momentum, (const float *)pass->gradients + chunk->first,
                               (float *)values + chunk->first);
    else
        fvi_average_update_f64(chunk->count, momentum, (const double *)pass->gradients + chunk->first,
                               (double *)values + chunk->first);
}

static void update_one(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const update_pass *pass = argument;
    fv_optimizer *optimizer = pass->optimizer;
    const update_chunk *chunk = &optimizer->chunk[index];
    const fv_param_info info = fv_params_info(optimizer->params, chunk->param);
    const fvi_sgd_rates rates = {
        .rate = pass->rate,
        .momentum = optimizer->options.momentum,
        .decay = info.decayed ? optimizer->options.weight_decay : 0,
    };
    const size_t first = chunk->first;
    if (!info.trained) {
        update_statistic(pass, chunk, info.momentum);
        return;
    }
    void *v = fv_params_data(optimizer->velocity), *w = fv_params_data(optimizer->params);
    if (fv_params_dtype(optimizer->params) == FV_F32)
        fvi_sgd_update_f32(chunk->count, &rates, (const float *)pass->gradients + first, (float *)v + first,
                           (float *)w + first);
    else
        fvi_sgd_update_f64(chunk->count, &rates, (const double *)pass->gradients + first, (double *)v + first,
                           (double *)w + first);
}

/* A chunk's sum of squares may overflow though its values are finite; only the values themselves decide. */
static bool chunk_finite(const fv_optimizer *optimizer, const update_chunk *chunk, const void *gradients)
{
    for (size_t i = chunk->first; i < chunk->first + chunk->count; i++)
        if (fv_params_dtype(optimizer->params) == FV_F32 ? !isfinite(((const float *)gradients)[i])
                                                         : !isfinite(((const double *)gradients)[i]))
            return false;
    return true;
}

static fv_status check_finite(const fv_optimizer *optimizer, const void *gradients)
{
    for (size_t i = 0; i < optimizer->chunk_count; i++) {
        const update_chunk *chunk = &optimizer->chunk[i];
        if (!isfinite(chunk->squares) && !chunk_finite(optimizer, chunk, gradients))
            return fvi_fail(optimizer->context, FV_ERR_NUMERIC,
                            "the %s of '%s' holds a NaN or an infinity; weights are as before the step (a smaller "
                            "learning rate may help)",
                            fv_params_info(optimizer->params, chunk->param).trained ? "gradient" : "new value",
                            fv_params_info(optimizer->params, chunk->param).name);
    }
    return FV_OK;
}

fv_status fv_optimizer_update(fv_optimizer *optimizer, const fv_params *gradients, double rate)
{
    if (!isfinite(rate))
        return fvi_fail(optimizer->context, FV_ERR_ARGUMENT, "sgd: the learning rate is %g", rate);
    if (fv_params_dtype(gradients) != fv_params_dtype(optimizer->params) ||
        fv_params_block_elements(gradients) != fv_params_block_elements(optimizer->params))
        return fvi_fail(optimizer->context, FV_ERR_SHAPE, "sgd: %zu gradients of %s for %zu parameters of %s",
                        fv_params_block_elements(gradients), fv_dtype_name(fv_params_dtype(gradients)),
                        fv_params_block_elements(optimizer->params), fv_dtype_name(fv_params_dtype(optimizer->params)));
    update_pass pass = { .optimizer = optimizer, .gradients = fvi_params_read(gradients), .rate = rate };
    fvi_parallel(optimizer->context, optimizer->chunk_count, check_chunk, &pass);
    FV_TRY(check_finite(optimizer, pass.gradients));
    fvi_parallel(optimizer->context, optimizer->chunk_count, update_one, &pass);
    fvi_limit_norms(optimizer->params);
    return FV_OK;
}

fv_params *fv_optimizer_velocity(fv_optimizer *optimizer)
{
    return optimizer->velocity;
}
