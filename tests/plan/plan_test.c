/* SPDX-License-Identifier: Apache-2.0
 *
 * plan_test.c - what a plan decides: pruning, views, places, reorders, lifetimes; and that it fails cleanly.
 */
#include <string.h>

#include "plan/plan_internal.h"
#include "support/graphs.h"
#include "support/test.h"

static fv_plan *make_plan(const fv_graph *graph, fv_plan_options options)
{
    fv_plan *plan = NULL;
    if (fv_plan_create(&plan, graph, &options) != FV_OK)
        fail_msg("%s", fv_context_message(fv_graph_context(graph)));
    return plan;
}

/* Steps of a layer with a pass. */
static int32_t count_steps(const fv_plan *plan, const char *layer, const char *pass)
{
    int32_t count = 0;
    for (int32_t i = 0; i < fv_plan_step_count(plan); i++) {
        const fv_step_info step = fv_plan_step(plan, i);
        count += (layer == NULL || strcmp(step.layer, layer) == 0) && strcmp(step.pass, pass) == 0;
    }
    return count;
}

static void check_storages(const fv_plan *plan)
{
    for (int32_t i = 0; i < plan->storage_count; i++) {
        const fvi_storage *a = &plan->storage[i];
        assert_true(a->bytes > 0 && a->offset % 64 == 0 && a->first <= a->last);
        assert_true(a->offset + a->bytes <= plan->bytes.arena);
        for (int32_t j = 0; j < i; j++) {
            const fvi_storage *b = &plan->storage[j];
            const bool apart_in_time = a->last < b->first || b->last < a->first;
            const bool apart_in_space = a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset;
            assert_true(apart_in_time || apart_in_space);
        }
    }
}

FV_TEST(plan, auxiliary_heads_run_in_training_only)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = NULL;
    fv_value x, scores, aside, loss;
    assert_int_equal(fv_graph_create(&graph, context, "two heads"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 4, 1, 1 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .name = "aside", .units = 2 }, &aside), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, aside, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .name = "main", .units = 2 }, &scores), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, scores, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, scores), FV_OK);
    static const int32_t heads[] = { [FV_TRAIN] = 2, [FV_EVALUATE] = 1, [FV_PREDICT] = 1 };
    static const int32_t losses[] = { [FV_TRAIN] = 2, [FV_EVALUATE] = 1, [FV_PREDICT] = 0 };
    for (int mode = FV_TRAIN; mode <= FV_PREDICT; mode++) {
        fv_plan *plan = make_plan(graph, (fv_plan_options){ .mode = (fv_mode)mode });
        assert_int_equal(count_steps(plan, "main", "forward"), 1);
        assert_int_equal(count_steps(plan, "aside", "forward"), heads[mode] - 1);
        /* the input, the heads, the losses */
        assert_int_equal(count_steps(plan, NULL, "forward") + count_steps(plan, NULL, "reorder"),
                         1 + heads[mode] + losses[mode]);
        fv_plan_destroy(plan);
    }
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(plan, storages_alive_together_never_overlap)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    static const char *const networks[] = { "lenet5", "convnetjs-mnist", "convnetjs-cifar10", NULL };
    for (size_t i = 0; i < 4; i++) {
        fv_graph *graph = NULL;
        if (networks[i] != NULL)
            assert_int_equal(fv_zoo_build(&graph, context, networks[i]), FV_OK);
        else
            graph = test_branches(context);
        size_t bytes[3];
        for (int mode = FV_TRAIN; mode <= FV_PREDICT; mode++) {
            fv_plan *plan =
                make_plan(graph, (fv_plan_options){ .batch = 8, .mode = (fv_mode)mode, .input_gradient = mode == 0 });
            check_storages(plan);
            bytes[mode] = fv_plan_memory_bytes(plan).arena;
            fv_plan_destroy(plan);
        }
        assert_true(bytes[FV_PREDICT] < bytes[FV_TRAIN]);
        assert_true(bytes[FV_PREDICT] <= bytes[FV_EVALUATE]);
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

FV_TEST(plan, prediction_leaves_out_the_loss)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_branches(context);
    fv_plan *train = make_plan(graph, (fv_plan_options){ 0 }),
            *predict = make_plan(graph, (fv_plan_options){ .mode = FV_PREDICT });
    assert_int_equal(fv_plan_get_options(train).batch, 1);
    assert_int_equal(count_steps(train, "loss", "forward"), 1);
    assert_int_equal(count_steps(train, "loss", "backward"), 1);
    assert_int_equal(count_steps(predict, "loss", "forward"), 0);
    assert_int_equal(count_steps(predict, NULL, "backward"), 0);
    assert_int_equal(count_steps(predict, NULL, "forward") + count_steps(predict, NULL, "reorder"),
                     fv_plan_step_count(predict));
    fv_plan_destroy(train);
    fv_plan_destroy(predict);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(plan, views_and_joins_cost_no_step)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_branches(context);
    fv_plan *plan = make_plan(graph, (fv_plan_options){ .batch = 2 });
    static const char *const free_layers[] = { "join", "same", "flatten" };
    for (int32_t i = 0; i < fv_plan_step_count(plan); i++)
        for (size_t j = 0; j < 3; j++)
            assert_string_not_equal(fv_plan_step(plan, i).layer, free_layers[j]);
    assert_int_equal(fv_plan_reorder_count(plan), 1); /* the input's */
    assert_int_equal(count_steps(plan, NULL, "reorder"), 1);
    /* ra has four readers: b, c, sum, e. Three gradients are added to the first: by b and c themselves, which are convolutions. */
    assert_int_equal(count_steps(plan, "ra", "accumulate"), 1);
    assert_int_equal(count_steps(plan, NULL, "accumulate"), 1);
    fv_plan_destroy(plan);
    plan = make_plan(graph, (fv_plan_options){ .batch = 2, .no_fusion = true });
    assert_int_equal(count_steps(plan, "ra", "accumulate"), 3);
    assert_int_equal(count_steps(plan, NULL, "accumulate"), 3);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(plan, results_are_written_over_inputs_that_nobody_needs)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_branches(context);
    fv_plan *plan = make_plan(graph, (fv_plan_options){ .batch = 2, .no_fusion = true });
    const fv_value a = test_node(graph, "a"), ra = test_node(graph, "ra"), c = test_node(graph, "c"),
                   e = test_node(graph, "e");
    assert_int_equal(plan->node[a].into, ra);
    assert_int_equal(plan->node[c].into, test_node(graph, "sum"));
    assert_int_equal(plan->node[test_node(graph, "sum")].into, test_node(graph, "rs"));
    assert_int_equal(plan->node[test_node(graph, "rs")].into, test_node(graph, "join"));
    assert_int_equal(plan->node[test_node(graph, "rs")].into_channel, 5);
    assert_int_equal(plan->node[ra].into, FV_NO_VALUE); /* four readers */
    assert_int_equal(plan->node[e].into_channel, 9);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* image -> conv -> relu -> flatten -> loss by values: nobody takes the image in place of the vector. */
static fv_graph *flattened(fv_context *context)
{
    fv_graph *graph = NULL;
    fv_value x = FV_NO_VALUE, loss = FV_NO_VALUE;
    assert_int_equal(fv_graph_create(&graph, context, "flattened"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 2, 4, 3 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(graph, x, &(fv_conv2d_options){ .filters = 3 }, &x), FV_OK);
    assert_int_equal(fv_graph_add_flatten(graph, x, &x), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, x, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    return graph;
}

FV_TEST(plan, a_flatten_that_moves_data_is_counted)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = flattened(context);
    fv_plan *plan = make_plan(graph, (fv_plan_options){ .batch = 2 });
    assert_int_equal(fv_plan_reorder_count(plan), 2);
    assert_int_equal(count_steps(plan, "flatten1", "reorder"), 1);
    assert_int_equal(count_steps(plan, "flatten1", "backward"), 1);
    fv_gradient_check_result result;
    assert_int_equal(fv_gradient_check(graph, &(fv_gradient_check_options){ .elements = -1 }, &result), FV_OK);
    assert_true(result.worst < 1e-6);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* concat(x, x, y): x cannot be in two places, so the layer copies. */
FV_TEST(plan, a_join_with_a_repeated_input_copies)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = NULL;
    fv_value image = FV_NO_VALUE, x = FV_NO_VALUE, y = FV_NO_VALUE, join = FV_NO_VALUE, loss = FV_NO_VALUE;
    assert_int_equal(fv_graph_create(&graph, context, "twice"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 2, 3, 3 } }, &image), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(graph, image, &(fv_conv2d_options){ .name = "x", .filters = 3 }, &x), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(graph, image, &(fv_conv2d_options){ .name = "y", .filters = 2 }, &y), FV_OK);
    assert_int_equal(fv_graph_add_concat(graph, (fv_value[]){ x, x, y }, 3, &join), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, join, &(fv_dense_options){ .units = 3 }, &join), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, join, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, join), FV_OK);
    fv_plan *plan = make_plan(graph, (fv_plan_options){ .batch = 2 });
    assert_int_equal(count_steps(plan, "concat1", "forward"), 1);
    assert_int_equal(count_steps(plan, "x", "accumulate"), 1);
    check_storages(plan);
    fv_gradient_check_result result;
    assert_int_equal(fv_gradient_check(graph, &(fv_gradient_check_options){ .elements = -1 }, &result), FV_OK);
    assert_true(result.worst < 1e-6);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(plan, steps_tell_what_they_are)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = NULL;
    assert_int_equal(fv_zoo_build(&graph, context, "lenet5"), FV_OK);
    fv_plan *plan = make_plan(graph, (fv_plan_options){ .batch = 4 });
    int64_t forward = 0, backward = 0;
    for (int32_t i = 0; i < fv_plan_step_count(plan); i++) {
        const fv_step_info step = fv_plan_step(plan, i);
        assert_non_null(step.layer);
        assert_non_null(step.algorithm);
        assert_non_null(step.refused);
        forward += strcmp(step.pass, "forward") == 0 ? step.multiply_adds : 0;
        backward += strcmp(step.pass, "backward_weights") == 0 ? step.multiply_adds : 0;
    }
    assert_int_equal(forward, fv_graph_multiply_adds(graph));
    assert_int_equal(backward, forward);
    assert_int_equal(count_steps(plan, "conv1", "backward_data"), 0); /* nobody wants the image's gradient */
    assert_int_equal(count_steps(plan, "conv2", "backward_data"), 1);
    assert_null(fv_plan_step(plan, -1).layer);
    assert_null(fv_plan_step(plan, fv_plan_step_count(plan)).layer);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(plan, bad_options_are_named)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_branches(context), *open = NULL;
    fv_plan *plan = NULL;
    static const fv_plan_options bad[] = {
        { .batch = -1 }, { .batch = 1 << 30 }, { .dtype = FV_I8 }, { .dtype = FV_U8 }, { .mode = (fv_mode)3 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(fv_plan_create(&plan, graph, &bad[i]), FV_ERR_ARGUMENT);
        assert_null(plan);
        assert_non_null(strstr(fv_context_message(context), "'branches'"));
    }
    assert_int_equal(fv_graph_create(&open, context, "open"), FV_OK);
    assert_int_equal(fv_plan_create(&plan, open, NULL), FV_ERR_STATE);
    fv_graph_destroy(open);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    fv_plan_destroy(NULL);
    assert_int_equal(allocator.live, 0);
}

FV_TEST(plan, training_without_a_loss_is_refused)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = NULL;
    fv_value x = FV_NO_VALUE;
    fv_plan *plan = NULL;
    assert_int_equal(fv_graph_create(&graph, context, "lossless"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 1, 2, 2 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_relu(graph, x, &x), FV_OK);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    assert_int_equal(fv_plan_create(&plan, graph, NULL), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "no loss"));
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Everything from the graph to the session, with the allocator failing at each call in turn. */
static bool build_all(fv_context *context, test_allocator *allocator, int64_t succeed)
{
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    fv_optimizer *optimizer = NULL;
    test_allocator_fail_after(allocator, succeed);
    fv_status status = fv_zoo_build(&graph, context, "convnetjs-mnist");
    if (status == FV_OK)
        status = fv_params_create(&params, graph, FV_F32);
    if (status == FV_OK)
        status = fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = 2 });
    if (status == FV_OK)
        status = fv_session_create(&session, plan, params);
    if (status == FV_OK)
        status = fv_optimizer_create(&optimizer, params, NULL);
    test_allocator_succeed(allocator);
    assert_true(status == FV_OK || status == FV_ERR_MEMORY);
    assert_int_equal(optimizer != NULL, status == FV_OK);
    if (status != FV_OK)
        assert_non_null(strstr(fv_context_message(context), "memory"));
    fv_optimizer_destroy(optimizer);
    fv_session_destroy(session);
    fv_plan_destroy(plan);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    return status == FV_OK;
}

FV_TEST(plan, every_allocation_may_fail)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    const long long live = allocator.live;
    int64_t succeed = 0;
    while (!build_all(context, &allocator, succeed)) {
        assert_int_equal(allocator.live, live);
        succeed++;
    }
    assert_int_equal(allocator.live, live);
    assert_true(succeed > 5);
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

FV_TESTS(plan, auxiliary_heads_run_in_training_only, storages_alive_together_never_overlap,
         prediction_leaves_out_the_loss, views_and_joins_cost_no_step,
         results_are_written_over_inputs_that_nobody_needs, a_flatten_that_moves_data_is_counted,
         a_join_with_a_repeated_input_copies, steps_tell_what_they_are, bad_options_are_named,
         training_without_a_loss_is_refused, every_allocation_may_fail)
