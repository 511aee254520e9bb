/* SPDX-License-Identifier: Apache-2.0
 *
 * population.c - batch normalisation's statistics over a whole data set, by the final weights: Ioffe & Szegedy 2015
 * (arXiv:1502.03167), algorithm 2, steps 8 to 11. Batches are processed as while training; each batch's mean and its variance with
 * the factor m/(m-1) are averaged, weighted by the batch's images.
 */
#include "train/train_internal.h"

/* What one run over the data holds. */
typedef struct population {
    fv_context *context;
    fv_params *params, *sums; /* sums: float64 */
    fv_loader *loader;
    fv_plan *plan;
    fv_session *session;
} population;

static bool has_statistics(const fv_params *params)
{
    for (int32_t i = 0; i < fv_params_count(params); i++)
        if (fv_params_info(params, i).momentum > 0)
            return true;
    return false;
}

static void add_observed(population *p, int32_t images)
{
    fv_params *observed = fv_session_gradients(p->session);
    for (int32_t i = 0; i < fv_params_count(observed); i++) {
        const fv_param_info info = fv_params_info(observed, i);
        const float *values = fv_params_values(observed, i);
        double *sum = fv_params_values(p->sums, i);
        for (int64_t j = 0; info.momentum > 0 && j < info.elements; j++)
            sum[j] += images * (double)values[j];
    }
}

static void store_means(population *p, int64_t images)
{
    for (int32_t i = 0; i < fv_params_count(p->params); i++) {
        const fv_param_info info = fv_params_info(p->params, i);
        const double *sum = fv_params_values(p->sums, i);
        float *values = fv_params_values(p->params, i);
        for (int64_t j = 0; info.momentum > 0 && j < info.elements; j++)
            values[j] = (float)(sum[j] / (double)images);
    }
}

static fv_status run_batches(population *p)
{
    int64_t images = 0;
    fv_loader_start(p->loader, 0, 0);
    for (;;) {
        fv_batch batch;
        fv_status status = fv_loader_next(p->loader, &batch);
        if (status != FV_OK)
            return fvi_fail(p->context, status, "population statistics: %s", fv_loader_message(p->loader));
        if (batch.n == 0 || (batch.n == 1 && images > 0)) /* one image may have no variance */
            break;
        status = fv_session_forward(p->session, &batch, NULL);
        if (status == FV_OK)
            status = fv_session_observe(p->session);
        if (status != FV_OK)
            return fvi_fail(p->context, status, "population statistics: %s", fv_session_message(p->session));
        add_observed(p, batch.n);
        images += batch.n;
    }
    if (images > 0)
        store_means(p, images);
    return FV_OK;
}

static fv_status run_population(population *p, const fv_dataset *dataset, const fv_preprocess *preprocess,
                                int32_t batch)
{
    const fv_graph *graph = fv_params_graph(p->params);
    const fv_plan_options plan = { .batch = batch, .mode = FV_TRAIN };
    const fv_loader_options loader = { .batch = batch, .preprocess = *preprocess };
    FV_TRY(fv_params_create(&p->sums, graph, FV_F64));
    FV_TRY(fv_loader_create(&p->loader, p->context, dataset, &loader));
    FV_TRY(fv_plan_create(&p->plan, graph, &plan));
    FV_TRY(fv_session_create(&p->session, p->plan, p->params));
    return run_batches(p);
}

fv_status fv_population_statistics(fv_params *params, const fv_dataset *dataset, const fv_preprocess *preprocess,
                                   int32_t batch)
{
    population p = { .context = fv_graph_context(fv_params_graph(params)), .params = params };
    if (fv_params_dtype(params) != FV_F32)
        return fvi_fail(p.context, FV_ERR_ARGUMENT, "population statistics: the values are %s, f32 is needed",
                        fv_dtype_name(fv_params_dtype(params)));
    if (batch < 1)
        return fvi_fail(p.context, FV_ERR_ARGUMENT, "population statistics: batch %d is not at least 1", batch);
    if (!has_statistics(params))
        return FV_OK;
    FV_TRY(fvi_check_data(fv_params_graph(params), dataset, preprocess));
    const fv_status status = run_population(&p, dataset, preprocess, batch);
    fv_session_destroy(p.session);
    fv_plan_destroy(p.plan);
    fv_loader_destroy(p.loader);
    fv_params_destroy(p.sums);
    return status;
}
