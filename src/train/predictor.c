/* SPDX-License-Identifier: Apache-2.0
 *
 * predictor.c - class probabilities for images.
 */
#include "train/train_internal.h"

struct fv_predictor {
    fv_context *context;
    const fv_graph *graph;
    fv_plan *plan;
    fv_session *session;
    int32_t classes;
};

static fv_status predictor_fill(fv_predictor *predictor, fv_params *params, const fv_predictor_options *given)
{
    const fv_plan_options options = { .batch = given->batch, .mode = FV_PREDICT, .dtype = given->dtype };
    if (fv_params_dtype(params) != FV_F32)
        return fvi_fail(predictor->context, FV_ERR_ARGUMENT, "predictor: the values are %s, f32 is needed",
                        fv_dtype_name(fv_params_dtype(params)));
    FV_TRY(fv_plan_create(&predictor->plan, predictor->graph, &options));
    return fv_session_create(&predictor->session, predictor->plan, params);
}

fv_status fv_predictor_create(fv_predictor **out, fv_params *params, int32_t batch)
{
    *out = NULL;
    if (batch < 1)
        return fvi_fail(fv_graph_context(fv_params_graph(params)), FV_ERR_ARGUMENT,
                        "predictor: batch %d is not at least 1", batch);
    return fv_predictor_create_with(out, params, &(fv_predictor_options){ .batch = batch });
}

fv_status fv_predictor_create_with(fv_predictor **out, fv_params *params, const fv_predictor_options *options)
{
    const fv_predictor_options given = options != NULL ? *options : (fv_predictor_options){ 0 };
    const fv_graph *graph = fv_params_graph(params);
    fv_context *context = fv_graph_context(graph);
    *out = NULL;
    fv_predictor *predictor = fvi_allocate_zeroed(context, 1, sizeof *predictor);
    if (predictor == NULL)
        return fvi_out_of_memory(context, "predictor", sizeof *predictor);
    predictor->context = context;
    predictor->graph = graph;
    predictor->classes = (int32_t)fvi_graph_classes(graph);
    const fv_status status = predictor_fill(predictor, params, &given);
    if (status != FV_OK) {
        fv_predictor_destroy(predictor);
        return status;
    }
    *out = predictor;
    return FV_OK;
}

void fv_predictor_destroy(fv_predictor *predictor)
{
    if (predictor == NULL)
        return;
    fv_session_destroy(predictor->session);
    fv_plan_destroy(predictor->plan);
    fvi_release(predictor->context, predictor);
}

int32_t fv_predictor_classes(const fv_predictor *predictor)
{
    return predictor->classes;
}

fv_status fv_predictor_run(fv_predictor *predictor, const fv_batch *batch, float *probabilities)
{
    fv_batch images = *batch;
    images.classes = NULL;
    images.values = NULL;
    images.weights = NULL;
    FV_TRY(fv_session_forward(predictor->session, &images, NULL));
    FV_TRY(fv_session_read(predictor->session, fv_graph_output(predictor->graph), probabilities,
                           (size_t)batch->n * (size_t)predictor->classes));
    if (!fvi_graph_gives_probabilities(predictor->graph))
        fvi_scores_to_probabilities(batch->n, predictor->classes, probabilities);
    return FV_OK;
}

const char *fv_predictor_message(const fv_predictor *predictor)
{
    return fv_session_message(predictor->session);
}
