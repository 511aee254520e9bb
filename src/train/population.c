/* SPDX-License-Identifier: Apache-2.0
 *
 * population.c - batch normalisation's statistics over a whole data set, by the final weights: Ioffe & Szegedy 2015
 * (arXiv:1502.03167), algorithm 2, steps 8 to 11. Batches are processed as while training; each batch's mean and its variance with
 * the factor m/(m-1) are averaged, weighted by the batch's images.
 */
#include "train/train_internal.h"

struct fvi_population {
    fv_context *context;
    fv_params *params;
    fv_loader *loader;
    double *sums; /* of every statistic's values, one behind the other */
};

/* Values of the statistics. */
static size_t statistics(const fv_params *params)
{
    size_t count = 0;
    for (int32_t i = 0; i < fv_params_count(params); i++)
        if (fv_params_info(params, i).momentum > 0)
            count += (size_t)fv_params_info(params, i).elements;
    return count;
}

fv_status fvi_population_create(fvi_population **out, fv_params *params, const fv_dataset *dataset,
                                const fv_preprocess *preprocess, int32_t batch, bool skip_bad)
{
    fv_context *context = fv_graph_context(fv_params_graph(params));
    const size_t values = statistics(params);
    const fv_loader_options loader = { .batch = batch, .preprocess = *preprocess, .skip_bad = skip_bad };
    *out = NULL;
    if (values == 0)
        return FV_OK;
    fvi_population *population = fvi_allocate_zeroed(context, 1, sizeof *population);
    if (population == NULL)
        return fvi_out_of_memory(context, "population statistics", sizeof *population);
    population->context = context;
    population->params = params;
    population->sums = fvi_allocate(context, values * sizeof *population->sums);
    fv_status status = population->sums != NULL
                           ? fv_loader_create(&population->loader, context, dataset, &loader)
                           : fvi_out_of_memory(context, "population statistics", values * sizeof *population->sums);
    if (status != FV_OK) {
        fvi_population_destroy(population);
        return status;
    }
    *out = population;
    return FV_OK;
}

void fvi_population_destroy(fvi_population *population)
{
    if (population == NULL)
        return;
    fv_loader_destroy(population->loader);
    fvi_release(population->context, population->sums);
    fvi_release(population->context, population);
}

static void add_observed(const fvi_population *p, fv_params *observed, int32_t images)
{
    double *sum = p->sums;
    for (int32_t i = 0; i < fv_params_count(observed); i++) {
        const fv_param_info info = fv_params_info(observed, i);
        const float *values = fv_params_values(observed, i);
        for (int64_t j = 0; info.momentum > 0 && j < info.elements; j++)
            *sum++ += images * (double)values[j];
    }
}

static void store_means(const fvi_population *p, int64_t images)
{
    const double *sum = p->sums;
    for (int32_t i = 0; i < fv_params_count(p->params); i++) {
        const fv_param_info info = fv_params_info(p->params, i);
        float *values = fv_params_values(p->params, i);
        for (int64_t j = 0; info.momentum > 0 && j < info.elements; j++)
            values[j] = (float)(*sum++ / (double)images);
    }
}

fv_status fvi_population_run(fvi_population *p, fv_session *session)
{
    int64_t images = 0;
    const size_t values = statistics(p->params);
    for (size_t i = 0; i < values; i++)
        p->sums[i] = 0;
    fv_session_params_changed(session);
    fv_loader_start(p->loader, 0, 0);
    for (;;) {
        fv_batch batch;
        fv_status status = fv_loader_next(p->loader, &batch);
        if (status != FV_OK)
            return fvi_fail(p->context, status, "population statistics: %s", fv_loader_message(p->loader));
        if (batch.n == 0)
            break;
        if (batch.n == 1 && images > 0) /* one image may have no variance */
            continue;
        status = fv_session_forward(session, &batch, NULL);
        if (status == FV_OK)
            status = fv_session_observe(session);
        if (status != FV_OK)
            return fvi_fail(p->context, status, "population statistics: %s", fv_session_message(session));
        add_observed(p, fv_session_gradients(session), batch.n);
        images += batch.n;
    }
    if (images > 0)
        store_means(p, images);
    return FV_OK;
}

static fv_status run_alone(fvi_population *population, int32_t batch)
{
    const fv_plan_options options = { .batch = batch, .mode = FV_TRAIN };
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    fv_status status = fv_plan_create(&plan, fv_params_graph(population->params), &options);
    if (status == FV_OK)
        status = fv_session_create(&session, plan, population->params);
    if (status == FV_OK)
        status = fvi_population_run(population, session);
    fv_session_destroy(session);
    fv_plan_destroy(plan);
    return status;
}

fv_status fv_population_statistics(fv_params *params, const fv_dataset *dataset, const fv_preprocess *preprocess,
                                   int32_t batch)
{
    fv_context *context = fv_graph_context(fv_params_graph(params));
    fvi_population *population = NULL;
    if (fv_params_dtype(params) != FV_F32)
        return fvi_fail(context, FV_ERR_ARGUMENT, "population statistics: the values are %s, f32 is needed",
                        fv_dtype_name(fv_params_dtype(params)));
    if (batch < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT, "population statistics: batch %d is not at least 1", batch);
    if (!fvi_graph_has_statistics(fv_params_graph(params)))
        return FV_OK;
    FV_TRY(fvi_check_data(fv_params_graph(params), dataset, preprocess));
    FV_TRY(fvi_population_create(&population, params, dataset, preprocess, batch, false));
    const fv_status status = run_alone(population, batch);
    fvi_population_destroy(population);
    return status;
}
