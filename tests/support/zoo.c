/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo.c - checks that every family of the zoo shares (zoo.h).
 */
#include "support/zoo.h"

#include <math.h>
#include <string.h>

#include "support/test.h"

fv_graph *test_zoo_build(fv_context *context, const char *name, const fv_zoo_options *options)
{
    fv_graph *graph = NULL;
    if (fv_zoo_build_with(&graph, context, name, options) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    return graph;
}

void test_zoo_sizes(const test_zoo_size *sizes, size_t count)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    for (size_t i = 0; i < count; i++) {
        const test_zoo_size *size = &sizes[i];
        const fv_zoo_entry *entry = fv_zoo_find(size->name);
        fv_graph *graph = test_zoo_build(context, size->name, &(fv_zoo_options){ .flags = size->flags });
        const int64_t training = size->training_parameters > 0 ? size->training_parameters : size->parameters;
        if (fv_graph_parameters(graph) != size->parameters || fv_graph_training_parameters(graph) != training)
            fail_msg("%s: %lld parameters, %lld while training; published are %lld and %lld", size->name,
                     (long long)fv_graph_parameters(graph), (long long)fv_graph_training_parameters(graph),
                     (long long)size->parameters, (long long)training);
        const fv_image_shape in = fv_graph_node(graph, fv_graph_input(graph)).output;
        const fv_image_shape out = fv_graph_node(graph, fv_graph_output(graph)).output;
        assert_memory_equal(&in, &entry->input, sizeof in);
        assert_true(out.c == entry->classes && out.h == 1 && out.w == 1);
        fv_graph_destroy(graph);
        graph = test_zoo_build(context, size->name, &(fv_zoo_options){ .flags = size->flags, .no_auxiliary = true });
        assert_int_equal(fv_graph_training_parameters(graph), size->parameters);
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
}

void test_zoo_stages(const char *name, const char *flags, const test_zoo_stage *stages, size_t count)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_zoo_build(context, name, &(fv_zoo_options){ .flags = flags });
    fv_value before = FV_NO_VALUE;
    for (size_t i = 0; i < count; i++) {
        const fv_value node = test_node(graph, stages[i].node);
        const fv_image_shape shape = fv_graph_node(graph, node).output;
        if (shape.c != stages[i].channels || shape.h != stages[i].rows || shape.w != stages[i].columns)
            fail_msg("%s: '%s' is %dx%dx%d, not %dx%dx%d", name, stages[i].node, shape.c, shape.h, shape.w,
                     stages[i].channels, stages[i].rows, stages[i].columns);
        assert_true(node > before);
        before = node;
    }
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

int32_t test_zoo_count(const char *name, const char *type)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_zoo_build(context, name, NULL);
    int32_t count = 0;
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++)
        count += strcmp(fv_graph_node(graph, i).type, type) == 0;
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return count;
}

static double squared_norm(fv_params *gradients)
{
    const float *values = fv_params_data(gradients);
    double sum = 0;
    for (size_t i = 0; i < fv_params_block_elements(gradients); i++)
        sum += (double)values[i] * (double)values[i];
    return sum;
}

/* Loss before and after one step, and the hash of the weights behind it. */
typedef struct lesson {
    double before, after;
    char hash[17];
} lesson;

/* Keeps the gradient of the classifier alone, the last layer with parameters. */
static void keep_classifier(fv_params *gradients)
{
    const int32_t count = fv_params_count(gradients), last = fv_params_info(gradients, count - 1).node;
    for (int32_t i = 0; i < count; i++)
        if (fv_params_info(gradients, i).node != last)
            memset(fv_params_values(gradients, i), 0, (size_t)fv_params_info(gradients, i).elements * sizeof(float));
}

static void take_step(fv_session *session, fv_params *params, const fv_batch *batch, bool classifier, lesson *out)
{
    fv_optimizer *optimizer = NULL;
    fv_step_result result;
    fv_params *gradients = fv_session_gradients(session);
    if (fv_session_step(session, batch, &result) != FV_OK)
        fail_msg("%s", fv_session_message(session));
    assert_true(isfinite(squared_norm(gradients)));
    if (classifier)
        keep_classifier(gradients);
    out->before = result.loss / result.weight;
    assert_int_equal(fv_optimizer_create(&optimizer, params, NULL), FV_OK);
    assert_int_equal(fv_optimizer_update(optimizer, gradients, 0.01 * out->before / squared_norm(gradients)), FV_OK);
    fv_session_params_changed(session);
    if (fv_session_forward(session, batch, &result) != FV_OK) /* with the masks of the first call */
        fail_msg("%s", fv_session_message(session));
    out->after = result.loss / result.weight;
    fv_optimizer_destroy(optimizer);
}

enum { GIB = 1 << 30, MOST_GIB = 16 };

/* From the values of initial, of the same network. */
static lesson learn(const char *name, const fv_zoo_options *options, int32_t n, int32_t threads,
                    const fv_params *initial)
{
    test_allocator allocator;
    lesson result;
    fv_context *context = test_context(&allocator, threads);
    fv_graph *graph = test_zoo_build(context, name, options);
    fv_plan *plan = NULL;
    fv_params *params = NULL;
    fv_session *session = NULL;
    if (fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = n }) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    assert_int_equal(fv_params_copy(params, initial), FV_OK);
    assert_int_equal(fv_session_create(&session, plan, params), FV_OK);
    fv_batch batch = test_batch(graph, n, 7);
    /* Through a hundred layers without shortcuts gradients grow to 1e8, and as much does what float32 rounds: the loss is no smooth
     * function of the first layers' weights, and no step of theirs is sure to lessen it. */
    take_step(session, params, &batch, strcmp(name, "cifar-plain-110") == 0, &result);
    fv_params_hash(params, result.hash);
    if (atomic_load(&allocator.peak) / GIB >= MOST_GIB)
        fail_msg("%s: training %d images took %zu bytes", name, n, atomic_load(&allocator.peak));
    test_batch_release(&batch);
    fv_session_destroy(session);
    fv_params_destroy(params);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return result;
}

void test_zoo_learns(const char *name, const fv_zoo_options *options, int32_t batch)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, test_threads(2));
    fv_graph *graph = test_zoo_build(context, name, options);
    fv_params *initial = NULL; /* drawn once: most of the time of a large network goes there */
    assert_int_equal(fv_params_create(&initial, graph, FV_F32), FV_OK);
    fv_params_initialize(initial, 1);
    const lesson one = learn(name, options, batch, 1, initial),
                 two = learn(name, options, batch, test_threads(2), initial);
    fv_params_destroy(initial);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    if (!isfinite(one.before) || !(one.after < one.before))
        fail_msg("%s: the loss was %g, and %g after a step", name, one.before, one.after);
    assert_string_equal(one.hash, two.hash);
    assert_true(one.after == two.after);
}
