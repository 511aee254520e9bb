/* SPDX-License-Identifier: Apache-2.0
 *
 * freeze_test.c - frozen layers: which they are, that they compute as in inference, that what learns gets the gradients it would get
 * beside layers in inference, and that nothing is computed below.
 */
#include <stdlib.h>
#include <string.h>

#include "support/graphs.h"
#include "support/test.h"

static test_allocator allocator;

/* conv1 - bn1 - relu - conv2 - bn2 - prelu - global pool - fc. */
static fv_graph *make(fv_context *context, const char *patterns)
{
    fv_value x = FV_NO_VALUE;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 3, 9, 9 }, &x);
    x = test_add(graph, "conv2d", &x, 1, &(fv_conv2d_options){ .name = "conv1", .filters = 16, .kernel = { 3, 3 } });
    x = test_add(graph, "batch_norm", &x, 1, &(fv_batch_norm_options){ .name = "bn1" });
    x = test_add(graph, "relu", &x, 1, NULL);
    x = test_add(graph, "conv2d", &x, 1, &(fv_conv2d_options){ .name = "conv2", .filters = 8, .kernel = { 3, 3 } });
    x = test_add(graph, "batch_norm", &x, 1, &(fv_batch_norm_options){ .name = "bn2" });
    x = test_add(graph, "prelu", &x, 1, &(fv_prelu_options){ .name = "act" });
    x = test_add(graph, "global_average_pool", &x, 1, NULL);
    x = test_add(graph, "dense", &x, 1, &(fv_dense_options){ .name = "fc", .units = 4 });
    test_add(graph, "softmax_cross_entropy", &x, 1, NULL);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    if (patterns != NULL && fv_graph_freeze(graph, patterns) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    return graph;
}

typedef struct taken {
    fv_params *gradients;
    int32_t count;
} taken;

static fv_status take(void *user, const fv_gradient *gradients, int32_t count)
{
    taken *all = user;
    for (int32_t i = 0; i < count; i++) {
        const fv_param_info info = fv_params_info(all->gradients, gradients[i].parameter);
        assert_false(info.frozen);
        assert_true(info.trained || info.momentum > 0);
        float *to = fv_params_values(all->gradients, gradients[i].parameter);
        const int64_t elements = gradients[i].count > 0 ? gradients[i].count : info.elements;
        memcpy(to + gradients[i].first, gradients[i].values, (size_t)elements * sizeof(float));
        all->count++;
    }
    return FV_OK;
}

/* Frozen batch norm beside layers that learn: the same as all batch norm in inference. */
static void check_gradients(fv_plan_options options)
{
    fv_context *context = test_context(&allocator, test_threads(2));
    fv_graph *whole = make(context, NULL), *part = make(context, "conv1,bn1,bn2,act");
    options.batch = 5;
    test_run wanted = test_start(whole, &(fv_plan_options){ .batch = 5, .reference = true }),
             run = test_start(part, &options);
    fv_batch batch = test_batch(part, 5, 3);
    fv_step_result expected, result;
    taken all = { .gradients = NULL };
    char before[17], after[17];
    assert_int_equal(fv_params_create(&all.gradients, part, FV_F32), FV_OK);
    fv_session_set_training(wanted.session, false);
    fv_session_on_gradients(run.session, take, &all);
    assert_int_equal(fv_params_copy(run.params, wanted.params), FV_OK);
    fv_params_hash(run.params, before);
    assert_int_equal(fv_session_step(wanted.session, &batch, &expected), FV_OK);
    if (fv_session_step(run.session, &batch, &result) != FV_OK)
        fail_msg("%s", fv_session_message(run.session));
    fv_params_hash(run.params, after);
    assert_string_equal(before, after);
    /* Sums of some hundred products in float32, in another order: 2^-23 times their number, with room. */
    assert_true(result.loss - expected.loss < 1e-4 && expected.loss - result.loss < 1e-4);
    fv_params *gradients = options.hand_over ? all.gradients : fv_session_gradients(run.session);
    int32_t compared = 0;
    for (int32_t i = 0; i < fv_params_count(run.params); i++) {
        const fv_param_info info = fv_params_info(run.params, i);
        if (!info.trained)
            continue;
        const double error =
            test_tensor_error(fv_params_values(gradients, i), FV_F32,
                              fv_params_values(fv_session_gradients(wanted.session), i), FV_F32, (size_t)info.elements);
        if (error > 1e-4)
            fail_msg("gradient of %s: %g", info.name, error);
        compared++;
    }
    assert_int_equal(compared, 4); /* conv2, fc */
    if (options.hand_over)
        assert_int_equal(all.count, 4);
    fv_params_destroy(all.gradients);
    test_batch_release(&batch);
    test_end(&run);
    test_end(&wanted);
    fv_graph_destroy(part);
    fv_graph_destroy(whole);
    fv_context_destroy(context);
}

FV_TEST(freeze, what_learns_gets_its_gradients)
{
    check_gradients((fv_plan_options){ .reference = true });
    check_gradients((fv_plan_options){ 0 });
    check_gradients((fv_plan_options){ .keep_packed = true });
    check_gradients((fv_plan_options){ .hand_over = true });
    check_gradients((fv_plan_options){ .no_fusion = true });
}

FV_TEST(freeze, nothing_is_computed_below_what_learns)
{
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = make(context, "*,!fc");
    fv_plan *plan = NULL;
    assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = 4, .hand_over = true }), FV_OK);
    for (int32_t i = 0; i < fv_plan_step_count(plan); i++) {
        const fv_step_info step = fv_plan_step(plan, i);
        if (strncmp(step.pass, "backward", 8) == 0)
            assert_true(strcmp(step.layer, "fc") == 0 || strncmp(step.type, "softmax", 7) == 0);
        assert_string_not_equal(step.layer, "bn1"); /* folded into the convolution before it */
        assert_string_not_equal(step.layer, "bn2");
    }
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(freeze, layers_are_chosen_whole)
{
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = make(context, "*.weight, bn[12].bias");
    fv_params *params = NULL;
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    const fv_param_info conv = fv_params_info(params, fv_params_find(params, "conv1.weight")),
                        norm = fv_params_info(params, fv_params_find(params, "bn1.bias")),
                        mean = fv_params_info(params, fv_params_find(params, "bn1.running_mean")),
                        slopes = fv_params_info(params, fv_params_find(params, "act.weight"));
    assert_true(conv.trained && !conv.frozen); /* its bias does not match */
    assert_true(!norm.trained && norm.frozen && slopes.frozen);
    assert_true(mean.momentum == 0);
    assert_int_equal(fv_graph_node(graph, test_node(graph, "bn1")).parameters, 32);
    fv_params_destroy(params);
    assert_int_equal(fv_graph_freeze(graph, "fc,norm"), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "'norm' matches no parameter"));
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(freeze, what_learns_gets_its_gradients, nothing_is_computed_below_what_learns, layers_are_chosen_whole)
