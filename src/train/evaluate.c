/* SPDX-License-Identifier: Apache-2.0
 *
 * evaluate.c - measures a network on a data set: loss, accuracy, confusion matrix, every sample's answer.
 */
#include <string.h>

#include "base/clock.h"
#include "train/train_internal.h"

struct fvi_evaluator {
    fv_context *context;
    const fv_graph *graph;
    const fv_dataset *dataset;
    fv_loader *loader;
    fv_plan *plan;
    fv_session *session;
    bool has_loss, gives_probabilities;
    bool answers, gives_answers; /* each output answers yes or no; it is a sigmoid already */
    int64_t classes;
    float *scores; /* [batch][classes] */
};

static fv_status evaluator_fill(fvi_evaluator *evaluator, fv_params *params, const fv_preprocess *preprocess,
                                int32_t batch, fv_dtype dtype, bool skip_bad)
{
    const fv_plan_options plan = { .batch = batch, .mode = FV_EVALUATE, .dtype = dtype };
    const fv_loader_options loader = { .batch = batch, .preprocess = *preprocess, .skip_bad = skip_bad };
    FV_TRY(fv_loader_create(&evaluator->loader, evaluator->context, evaluator->dataset, &loader));
    FV_TRY(fv_plan_create(&evaluator->plan, evaluator->graph, &plan));
    FV_TRY(fv_session_create(&evaluator->session, evaluator->plan, params));
    const size_t bytes = (size_t)batch * (size_t)evaluator->classes * sizeof *evaluator->scores;
    evaluator->scores = fvi_allocate(evaluator->context, bytes);
    if (evaluator->scores == NULL)
        return fvi_out_of_memory(evaluator->context, "scores of a batch", bytes);
    return FV_OK;
}

static bool has_type(const fv_graph *graph, const char *type)
{
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++)
        if (strcmp(fv_graph_node(graph, i).type, type) == 0)
            return true;
    return false;
}

fv_status fvi_evaluator_create(fvi_evaluator **out, fv_params *params, const fv_dataset *dataset,
                               const fv_preprocess *preprocess, int32_t batch, fv_dtype dtype, bool skip_bad)
{
    const fv_graph *graph = fv_params_graph(params);
    fv_context *context = fv_graph_context(graph);
    *out = NULL;
    if (batch < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT, "evaluation: batch %d is not at least 1", batch);
    FV_TRY(fvi_check_data(graph, dataset, preprocess));
    fvi_evaluator *evaluator = fvi_allocate_zeroed(context, 1, sizeof *evaluator);
    if (evaluator == NULL)
        return fvi_out_of_memory(context, "evaluation", sizeof *evaluator);
    evaluator->context = context;
    evaluator->graph = graph;
    evaluator->dataset = dataset;
    evaluator->has_loss = fvi_graph_has_loss(graph);
    evaluator->gives_probabilities = fvi_graph_gives_probabilities(graph);
    evaluator->answers = has_type(graph, "binary_cross_entropy");
    evaluator->gives_answers = strcmp(fv_graph_node(graph, fv_graph_output(graph)).type, "sigmoid") == 0;
    evaluator->classes = fvi_graph_classes(graph);
    const fv_status status = evaluator_fill(evaluator, params, preprocess, batch, dtype, skip_bad);
    if (status != FV_OK) {
        fvi_evaluator_destroy(evaluator);
        return status;
    }
    *out = evaluator;
    return FV_OK;
}

void fvi_evaluator_destroy(fvi_evaluator *evaluator)
{
    if (evaluator == NULL)
        return;
    fvi_release(evaluator->context, evaluator->scores);
    fv_session_destroy(evaluator->session);
    fv_plan_destroy(evaluator->plan);
    fv_loader_destroy(evaluator->loader);
    fvi_release(evaluator->context, evaluator);
}

/* Classes whose probability is above that of `own`, and equal ones before it: what fvi_largest() gives has rank 0. */
static int32_t rank_of(const float *probabilities, int64_t classes, int32_t own)
{
    int32_t rank = 0;
    for (int64_t i = 0; i < classes; i++)
        rank += probabilities[i] > probabilities[own] || (probabilities[i] == probabilities[own] && i < own);
    return rank;
}

/* Scores of one sample as details. */
static void add_answer(const fvi_evaluator *evaluator, int64_t sample, int32_t own, const float *scores,
                       fv_evaluation *details)
{
    const int32_t predicted = fvi_largest(scores, evaluator->classes);
    details->predicted[sample] = predicted;
    details->confidence[sample] = scores[predicted];
    details->rank[sample] = rank_of(scores, evaluator->classes, own);
    details->own[sample] = scores[own];
    details->confusion[own * evaluator->classes + predicted]++;
}

/* Values to come close to. */
static void add_values(const fvi_evaluator *evaluator, const fv_batch *batch, fv_evaluation *details)
{
    const float yes = evaluator->gives_answers ? 0.5f : 0.0f; /* a sigmoid, or its argument */
    for (int32_t i = 0; i < batch->n; i++) {
        const float *y = evaluator->scores + i * evaluator->classes, *t = batch->values + i * evaluator->classes;
        double squares = 0;
        for (int64_t k = 0; k < evaluator->classes; k++) {
            fv_target_sums *sums = &details->target[k];
            const double error = (double)y[k] - (double)t[k];
            squares += error * error;
            sums->errors += error < 0 ? -error : error;
            sums->squares += error * error;
            sums->values += (double)t[k];
            sums->squares_of_values += (double)t[k] * (double)t[k];
            sums->yes += t[k] > 0.5f;
            sums->told += y[k] > yes;
            sums->right += t[k] > 0.5f && y[k] > yes;
        }
        details->error[fv_loader_index(evaluator->loader, i)] = squares / (double)evaluator->classes;
    }
}

/* Adds the batch that was just run to the sums and, if asked, to the details. */
static fv_status add_batch(fvi_evaluator *evaluator, const fv_batch *batch, const fv_step_result *result,
                           fvi_measure *measure, int64_t *correct, fv_evaluation *details)
{
    float *scores = evaluator->scores;
    const int64_t classes = evaluator->classes;
    measure->loss += result->loss;
    if (details == NULL && (evaluator->has_loss || batch->classes == NULL)) {
        *correct += batch->classes != NULL ? result->correct : 0;
        return FV_OK;
    }
    FV_TRY(fv_session_read(evaluator->session, fv_graph_output(evaluator->graph), scores,
                           (size_t)batch->n * (size_t)classes));
    if (batch->classes == NULL) {
        if (batch->values != NULL)
            add_values(evaluator, batch, details);
        return FV_OK;
    }
    if (!evaluator->gives_probabilities)
        fvi_scores_to_probabilities(batch->n, classes, scores);
    for (int32_t i = 0; i < batch->n; i++, scores += classes) {
        *correct += fvi_largest(scores, classes) == batch->classes[i];
        if (!evaluator->has_loss)
            measure->loss += fvi_cross_entropy(scores[batch->classes[i]]);
        if (details != NULL)
            add_answer(evaluator, fv_loader_index(evaluator->loader, i), batch->classes[i], scores, details);
    }
    return FV_OK;
}

static fv_status fail_from(fv_context *context, fv_status status, const char *message)
{
    return fvi_fail(context, status, "%s", message);
}

fv_status fvi_evaluator_run(fvi_evaluator *evaluator, fvi_measure *measure, fv_evaluation *details, atomic_int *stop)
{
    int64_t correct = 0;
    fv_batch batch;
    fv_step_result result;
    memset(measure, 0, sizeof *measure);
    fv_session_params_changed(evaluator->session);
    fv_loader_start(evaluator->loader, 0, 0);
    const double start = fvi_seconds();
    for (;;) {
        if (stop != NULL && atomic_load(stop) != 0)
            return fail_from(evaluator->context, FV_ERR_INTERRUPTED, "stopped on request");
        fv_status status = fv_loader_next(evaluator->loader, &batch);
        if (status != FV_OK)
            return fail_from(evaluator->context, status, fv_loader_message(evaluator->loader));
        if (batch.n == 0)
            break;
        status = fv_session_forward(evaluator->session, &batch, &result);
        if (status == FV_OK)
            status = add_batch(evaluator, &batch, &result, measure, &correct, details);
        if (status != FV_OK)
            return fail_from(evaluator->context, status, fv_session_message(evaluator->session));
        measure->samples += batch.n;
    }
    measure->seconds = fvi_seconds() - start;
    if (measure->samples > 0) {
        measure->loss /= (double)measure->samples;
        measure->accuracy = (double)correct / (double)measure->samples;
    }
    return FV_OK;
}

static fv_status evaluation_allocate(fv_context *context, fv_evaluation *out, int32_t values, int64_t outputs)
{
    const size_t count = (size_t)out->count;
    bool good = true;
    if (values > 0) {
        out->targets = (int32_t)outputs;
        out->target = fvi_allocate_zeroed(context, (size_t)outputs, sizeof *out->target);
        out->error = fvi_allocate_zeroed(context, count, sizeof *out->error);
        good = out->target != NULL && out->error != NULL;
    } else {
        out->classes = (int32_t)outputs;
        out->confusion = fvi_allocate_zeroed(context, (size_t)(outputs * outputs), sizeof *out->confusion);
        out->predicted = fvi_allocate_zeroed(context, count, sizeof *out->predicted);
        out->confidence = fvi_allocate_zeroed(context, count, sizeof *out->confidence);
        out->rank = fvi_allocate_zeroed(context, count, sizeof *out->rank);
        out->own = fvi_allocate_zeroed(context, count, sizeof *out->own);
        good = out->confusion != NULL && out->predicted != NULL && out->confidence != NULL && out->rank != NULL &&
               out->own != NULL;
    }
    for (size_t i = 0; good && i < count; i++) {
        if (values > 0)
            out->error[i] = -1;
        else
            out->predicted[i] = -1;
    }
    return good ? FV_OK : fvi_out_of_memory(context, "evaluation of every sample", count * 16);
}

fv_status fvi_evaluator_details(fvi_evaluator *evaluator, fv_context *context, fv_evaluation *out)
{
    fvi_measure measure;
    *out = (fv_evaluation){ .count = fv_dataset_count(evaluator->dataset), .answers = evaluator->answers };
    fv_status status =
        evaluation_allocate(context, out, fv_dataset_target_count(evaluator->dataset), evaluator->classes);
    if (status == FV_OK)
        status = fvi_evaluator_run(evaluator, &measure, out, NULL);
    if (status != FV_OK) {
        fv_evaluation_release(context, out);
        return status;
    }
    out->samples = measure.samples;
    out->accuracy = measure.accuracy;
    out->loss = measure.loss;
    out->images_per_second = measure.seconds > 0 ? (double)measure.samples / measure.seconds : 0;
    return FV_OK;
}

fv_status fv_evaluate(fv_context *context, fv_params *params, const fv_dataset *dataset,
                      const fv_preprocess *preprocess, int32_t batch, fv_dtype dtype, fv_evaluation *out)
{
    fvi_evaluator *evaluator = NULL;
    *out = (fv_evaluation){ 0 };
    FV_TRY(fvi_evaluator_create(&evaluator, params, dataset, preprocess, batch, dtype, false));
    const fv_status status = fvi_evaluator_details(evaluator, context, out);
    fvi_evaluator_destroy(evaluator);
    return status;
}

void fv_evaluation_release(fv_context *context, fv_evaluation *evaluation)
{
    fvi_release(context, evaluation->confusion);
    fvi_release(context, evaluation->predicted);
    fvi_release(context, evaluation->confidence);
    fvi_release(context, evaluation->rank);
    fvi_release(context, evaluation->own);
    fvi_release(context, evaluation->target);
    fvi_release(context, evaluation->error);
    *evaluation = (fv_evaluation){ 0 };
}
