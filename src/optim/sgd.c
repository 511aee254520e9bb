/* SPDX-License-Identifier: Apache-2.0
 *
 * sgd.c - stochastic gradient descent with momentum, as in optimizer.h.
 * A step is two passes over fixed chunks of the parameters: the first looks for values that are not finite, the second
 * updates. Nothing is written before the first is done, so a bad gradient never reaches the weights, nor a bad mean the
 * running statistics. A third pass shortens the rows of parameters with a largest norm.
 */
#include <math.h>

#include "base/checked.h"
#include "fovea/optimizer.h"
#include "graph/params_internal.h"
#include "optim/max_norm.h"
#include "optim/sgd_kernels.h"

enum { CHUNK = 16384 }; /* elements of a task: a multiple of 16 */

/* A range of one parameter, and where its gradient is in the running step. */
typedef struct update_chunk {
    size_t first, count; /* first: in the block */
    const void *gradient;
    int32_t param;
    bool finite;
} update_chunk;

struct fv_optimizer {
    fv_context *context;
    fv_params *params, *velocity;
    const fvi_sgd_kernels *kernels;
    fv_sgd_options options;
    fv_gradient *whole;  /* [parameters] */
    update_chunk *chunk; /* of the running step; room for those of all parameters */
    size_t chunk_count;
};

/* One pass over all chunks. */
typedef struct update_pass {
    fv_optimizer *optimizer;
    double rate;
} update_pass;

static size_t chunks_of(const fv_param_info *info)
{
    return info->trained || info->momentum > 0 ? ((size_t)info->elements + CHUNK - 1) / CHUNK : 0;
}

static fv_status make_room(fv_optimizer *optimizer)
{
    const size_t params = (size_t)fv_params_count(optimizer->params);
    size_t count = 0;
    for (size_t i = 0; i < params; i++) {
        const fv_param_info info = fv_params_info(optimizer->params, (int32_t)i);
        count += chunks_of(&info);
    }
    optimizer->chunk = fvi_allocate_zeroed(optimizer->context, count, sizeof *optimizer->chunk);
    optimizer->whole = fvi_allocate_zeroed(optimizer->context, params, sizeof *optimizer->whole);
    if (optimizer->chunk == NULL || optimizer->whole == NULL)
        return fvi_out_of_memory(optimizer->context, "optimizer", count * sizeof *optimizer->chunk);
    return FV_OK;
}

static void add_chunks(fv_optimizer *optimizer, const fv_gradient *gradient)
{
    const fv_param_info info = fv_params_info(optimizer->params, gradient->parameter);
    const size_t elements = (size_t)(gradient->count > 0 ? gradient->count : info.elements),
                 size = fv_dtype_size(fv_params_dtype(optimizer->params));
    for (size_t j = 0; chunks_of(&info) > 0 && j * CHUNK < elements; j++) {
        const size_t first = j * CHUNK, left = elements - first;
        optimizer->chunk[optimizer->chunk_count++] =
            (update_chunk){ .first = info.offset + (size_t)gradient->first + first,
                            .count = left < CHUNK ? left : CHUNK,
                            .gradient = (const char *)gradient->values + first * size,
                            .param = gradient->parameter };
    }
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
    optimizer->kernels = fvi_sgd_kernels_for(fv_params_dtype(params), fvi_context_isa(context), false);
    fv_status status = fv_params_create(&optimizer->velocity, fv_params_graph(params), fv_params_dtype(params));
    if (status == FV_OK)
        status = make_room(optimizer);
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
    fvi_release(optimizer->context, optimizer->whole);
    fvi_release(optimizer->context, optimizer);
}

static void check_chunk(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const update_pass *pass = argument;
    update_chunk *chunk = &pass->optimizer->chunk[index];
    chunk->finite = pass->optimizer->kernels->finite(chunk->count, chunk->gradient);
}

static void update_chunk_of(void *argument, size_t index, int32_t worker)
{
    (void)worker;
    const update_pass *pass = argument;
    const fv_optimizer *optimizer = pass->optimizer;
    const update_chunk *chunk = &optimizer->chunk[index];
    const fv_param_info info = fv_params_info(optimizer->params, chunk->param);
    const size_t first = chunk->first * fv_dtype_size(fv_params_dtype(optimizer->params));
    char *v = fv_params_data(optimizer->velocity), *w = fv_params_data(optimizer->params);
    const fvi_sgd_rates rates = {
        .rate = pass->rate,
        .momentum = optimizer->options.momentum,
        .decay = info.decayed ? optimizer->options.weight_decay : 0,
    };
    if (info.trained)
        optimizer->kernels->update(chunk->count, &rates, chunk->gradient, v + first, w + first);
    else /* a statistic: no learning rate, no decay, no velocity */
        optimizer->kernels->average(chunk->count, info.momentum, chunk->gradient, w + first);
}

static fv_status check_finite(const fv_optimizer *optimizer)
{
    for (size_t i = 0; i < optimizer->chunk_count; i++) {
        const update_chunk *chunk = &optimizer->chunk[i];
        const fv_param_info info = fv_params_info(optimizer->params, chunk->param);
        if (!chunk->finite)
            return fvi_fail(optimizer->context, FV_ERR_NUMERIC,
                            "the %s of '%s' holds a NaN or an infinity, so it was not updated (a smaller learning rate "
                            "may help)",
                            info.trained ? "gradient" : "new value", info.name);
    }
    return FV_OK;
}

fv_status fv_optimizer_update_some(fv_optimizer *optimizer, const fv_gradient *gradients, int32_t count, double rate)
{
    update_pass pass = { .optimizer = optimizer, .rate = rate };
    if (!isfinite(rate))
        return fvi_fail(optimizer->context, FV_ERR_ARGUMENT, "sgd: the learning rate is %g", rate);
    optimizer->chunk_count = 0;
    for (int32_t i = 0; i < count; i++)
        add_chunks(optimizer, &gradients[i]);
    fvi_parallel(optimizer->context, optimizer->chunk_count, check_chunk, &pass);
    FV_TRY(check_finite(optimizer));
    fvi_parallel(optimizer->context, optimizer->chunk_count, update_chunk_of, &pass);
    for (int32_t i = 0; i < count; i++)
        fvi_limit_norm(optimizer->params, &gradients[i]);
    return FV_OK;
}

fv_status fv_optimizer_update(fv_optimizer *optimizer, const fv_params *gradients, double rate)
{
    const int32_t params = fv_params_count(optimizer->params);
    if (fv_params_dtype(gradients) != fv_params_dtype(optimizer->params) ||
        fv_params_block_elements(gradients) != fv_params_block_elements(optimizer->params))
        return fvi_fail(optimizer->context, FV_ERR_SHAPE, "sgd: %zu gradients of %s for %zu parameters of %s",
                        fv_params_block_elements(gradients), fv_dtype_name(fv_params_dtype(gradients)),
                        fv_params_block_elements(optimizer->params), fv_dtype_name(fv_params_dtype(optimizer->params)));
    const size_t size = fv_dtype_size(fv_params_dtype(gradients));
    for (int32_t i = 0; i < params; i++)
        optimizer->whole[i] = (fv_gradient){ .parameter = i,
                                             .values = (const char *)fvi_params_read(gradients) +
                                                       fv_params_info(gradients, i).offset * size };
    return fv_optimizer_update_some(optimizer, optimizer->whole, params, rate);
}

fv_params *fv_optimizer_velocity(fv_optimizer *optimizer)
{
    return optimizer->velocity;
}
