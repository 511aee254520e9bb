/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo_case.c - see zoo_case.h.
 */
#include "support/zoo_case.h"

#include <math.h>
#include <string.h>

#include "support/test.h"

#include "base/random.h"

static fv_context *open_context(int32_t threads)
{
    const fv_context_options options = { .threads = threads };
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    return context;
}

static fv_graph *build(fv_context *context, const char *name, const fv_zoo_options *options)
{
    fv_graph *graph = NULL;
    if (fv_zoo_build_with(&graph, context, name, options) != FV_OK)
        fail_msg("%s: %s", name, fv_context_message(context));
    return graph;
}

void zoo_assert_counts(const zoo_count *counts)
{
    fv_context *context = open_context(1);
    for (; counts->name != NULL; counts++) {
        fv_graph *graph = build(context, counts->name, NULL);
        if (fv_graph_parameters(graph) != counts->parameters)
            fail_msg("%s: %lld parameters, expected %lld", counts->name, (long long)fv_graph_parameters(graph),
                     (long long)counts->parameters);
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
}

void zoo_assert_stages(const char *name, const zoo_stage *stages)
{
    fv_context *context = open_context(1);
    fv_graph *graph = build(context, name, NULL);
    for (; stages->layer != NULL; stages++) {
        int32_t i = 0;
        while (i < fv_graph_node_count(graph) && strcmp(fv_graph_node(graph, i).name, stages->layer) != 0)
            i++;
        const fv_image_shape out = fv_graph_node(graph, i).output;
        if (out.c != stages->c || out.h != stages->h || out.w != stages->w)
            fail_msg("%s, layer '%s': %dx%dx%d, expected %dx%dx%d", name, stages->layer, (int)out.c, (int)out.h,
                     (int)out.w, (int)stages->c, (int)stages->h, (int)stages->w);
    }
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

typedef struct steps {
    double first, last; /* loss */
    char hash[17];
} steps;

static steps train(const char *name, const fv_zoo_options *options, int32_t batch, double rate, int32_t threads)
{
    enum { STEPS = 4, MOST = 64 };
    steps result = { 0 };
    fv_context *context = open_context(threads);
    fv_graph *graph = build(context, name, options);
    fv_params *params = NULL;
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    fv_optimizer *optimizer = NULL;
    const fv_plan_options plan_options = { .batch = batch, .mode = FV_TRAIN };
    const fv_sgd_options sgd = { .momentum = 0 };
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    fv_params_initialize(params, 1);
    if (fv_plan_create(&plan, graph, &plan_options) != FV_OK || fv_session_create(&session, plan, params) != FV_OK ||
        fv_optimizer_create_sgd(&optimizer, params, &sgd) != FV_OK)
        fail_msg("%s: %s", name, fv_context_message(context));
    const fv_image_shape in = fv_graph_node(graph, fv_graph_input(graph)).output;
    const int32_t classes = fv_graph_node(graph, fv_graph_output(graph)).output.c;
    const size_t count = (size_t)batch * (size_t)in.c * (size_t)in.h * (size_t)in.w;
    float *images = malloc(count * sizeof *images);
    int32_t labels[MOST];
    assert_true(images != NULL && batch <= MOST);
    fvi_random random = fvi_random_start(5, FVI_PURPOSE_TEST, 0);
    for (size_t i = 0; i < count; i++)
        images[i] = (float)(2 * fvi_random_uniform(&random) - 1);
    for (int32_t i = 0; i < batch; i++)
        labels[i] = i % classes;
    const fv_batch data = { .n = batch, .images = images, .dtype = FV_F32, .order = FV_NHWC, .classes = labels };
    for (int step = 0; step < STEPS; step++) {
        fv_step_result loss;
        if (fv_session_step(session, &data, &loss) != FV_OK)
            fail_msg("%s, step %d: %s", name, step, fv_session_message(session));
        if (step == 0)
            result.first = loss.loss / loss.weight;
        result.last = loss.loss / loss.weight;
        assert_int_equal(fv_optimizer_update(optimizer, fv_session_gradients(session), rate), FV_OK);
        fv_session_params_changed(session);
    }
    fv_params_hash(params, result.hash);
    free(images);
    fv_optimizer_destroy(optimizer);
    fv_session_destroy(session);
    fv_plan_destroy(plan);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return result;
}

void zoo_assert_learns(const char *name, const fv_zoo_options *options, int32_t batch, double rate)
{
    const steps one = train(name, options, batch, rate, 1), two = train(name, options, batch, rate, 2);
    if (!isfinite(one.first) || !isfinite(one.last) || !(one.last < one.first))
        fail_msg("%s: the loss goes from %g to %g", name, one.first, one.last);
    if (strcmp(one.hash, two.hash) != 0)
        fail_msg("%s: weights %s with one thread, %s with two", name, one.hash, two.hash);
}
