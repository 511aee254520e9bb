/* SPDX-License-Identifier: Apache-2.0
 *
 * tuning_test.c - choices by measurement: each convolution is timed once, what is known is kept to, other algorithms give the
 * same results up to rounding, and memory that runs out leaves nothing behind.
 */
#include <string.h>

#include "plan/trial.h"
#include "plan/tuning.h"
#include "support/graphs.h"
#include "support/test.h"

static fv_plan *plan_lenet(fv_context *context, fv_graph **graph, int32_t batch)
{
    fv_plan *plan = NULL;
    assert_int_equal(fv_zoo_build(graph, context, "lenet5"), FV_OK);
    assert_int_equal(fv_plan_create(&plan, *graph, &(fv_plan_options){ .batch = batch }), FV_OK);
    return plan;
}

static const char *algorithm_of(const fv_plan *plan, const char *layer, const char *pass)
{
    for (int32_t i = 0; i < fv_plan_step_count(plan); i++) {
        const fv_step_info step = fv_plan_step(plan, i);
        if (strcmp(step.layer, layer) == 0 && strcmp(step.pass, pass) == 0)
            return step.algorithm;
    }
    return NULL;
}

static void count_choice(void *user, const fv_tuning_choice *choice)
{
    assert_true(choice->measured && choice->timed[0] != '\0');
    *(int *)user += 1;
}

FV_TEST(tuning, each_problem_is_timed_once)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, test_threads(2));
    fv_tuning *tuning = NULL, *second = NULL;
    fv_graph *graph = NULL;
    int heard = 0;
    assert_int_equal(fv_tuning_create(&tuning, context, &(fv_tuning_options){ .level = FV_TUNE_FAST }), FV_OK);
    assert_int_equal(fv_tuning_create(&second, context, NULL), FV_ERR_STATE);
    assert_null(second);
    fv_tuning_on_choice(tuning, count_choice, &heard);
    fv_plan *plan = plan_lenet(context, &graph, 8);
    const int32_t count = fv_tuning_count(tuning);
    assert_true(count > 0);
    assert_int_equal(heard, count);
    assert_int_equal(fv_tuning_unmeasured(tuning), 0);
    for (int32_t i = 0; i < count; i++) {
        const fv_tuning_choice choice = fv_tuning_get(tuning, i);
        fvi_conv2d_shape shape;
        assert_null(fvi_conv2d_parse(choice.problem, &shape));
        assert_true(shape.n <= 8);
        assert_non_null(strstr(choice.timed, choice.algorithm));
    }
    assert_null(fv_tuning_get(tuning, count).problem);
    assert_null(fv_tuning_get(tuning, -1).problem);
    fv_plan *again = NULL;
    assert_int_equal(fv_plan_create(&again, graph, &(fv_plan_options){ .batch = 8 }), FV_OK);
    assert_int_equal(fv_tuning_count(tuning), count);
    fv_tuning_destroy(tuning);
    assert_non_null(strstr(fv_plan_step(plan, 1).timed, " ms\n")); /* plans outlive it */
    fv_plan_destroy(again);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* The slowest choice there is, where the cost model would take another. */
static void insist(fv_tuning *tuning, const char *problem, fvi_pass pass, const char *algorithm)
{
    fvi_choice choice = { .pass = pass, .count = 1 };
    assert_null(fvi_conv2d_parse(problem, &choice.shape));
    choice.candidate[0].name = fvi_tuning_algorithm(tuning, algorithm);
    assert_non_null(choice.candidate[0].name);
    assert_int_equal(fvi_tuning_add(tuning, &choice), FV_OK);
}

FV_TEST(tuning, known_choices_are_kept_to)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_tuning *tuning = NULL;
    fv_graph *graph = NULL, *other = NULL;
    fv_plan *estimated = plan_lenet(context, &graph, 4);
    assert_string_not_equal(algorithm_of(estimated, "conv2", "forward"), "reference");
    assert_int_equal(fv_tuning_create(&tuning, context, NULL), FV_OK);
    insist(tuning, "n4c6h14k16r5", FVI_FORWARD, "reference");
    insist(tuning, "n4c6h14k16r5", FVI_BACKWARD_WEIGHTS, "reference");
    fv_plan *plan = plan_lenet(context, &other, 4);
    assert_string_equal(algorithm_of(plan, "conv2", "forward"), "reference");
    assert_string_equal(algorithm_of(plan, "conv2", "backward_weights"), "reference");
    assert_string_not_equal(algorithm_of(plan, "conv2", "backward_data"), "reference");
    assert_string_not_equal(algorithm_of(plan, "conv1", "forward"), "reference");
    assert_int_equal(fv_tuning_count(tuning), 2); /* off: nothing was measured */
    assert_null(fvi_tuning_algorithm(tuning, "abacus"));
    fv_plan_destroy(plan);
    fv_plan_destroy(estimated);
    fv_graph_destroy(other);
    fv_graph_destroy(graph);
    fv_tuning_destroy(tuning);
    fv_context_destroy(context);
}

FV_TEST(tuning, when_the_time_is_up_the_estimate_decides)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_tuning *tuning = NULL;
    fv_graph *graph = NULL;
    const fv_tuning_options options = { .level = FV_TUNE_FAST, .seconds = 1e-9 };
    assert_int_equal(fv_tuning_create(&tuning, context, &options), FV_OK);
    fv_plan *plan = plan_lenet(context, &graph, 4);
    assert_true(fv_tuning_count(tuning) <= 1);
    assert_true(fv_tuning_unmeasured(tuning) > 0);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_tuning_destroy(tuning);
    fv_context_destroy(context);
}

FV_TEST(tuning, large_batches_are_timed_on_some_of_their_images)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, test_threads(2));
    fv_tuning *tuning = NULL;
    fv_graph *graph = NULL;
    assert_int_equal(fv_tuning_create(&tuning, context, &(fv_tuning_options){ .level = FV_TUNE_FAST }), FV_OK);
    assert_int_equal(fv_zoo_build(&graph, context, "convnetjs-cifar10"), FV_OK);
    fv_plan *plan = NULL;
    assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = 4096, .mode = FV_PREDICT }), FV_OK);
    for (int32_t i = 0; i < fv_tuning_count(tuning); i++) {
        fvi_conv2d_shape shape;
        assert_null(fvi_conv2d_parse(fv_tuning_get(tuning, i).problem, &shape));
        const bool dense = shape.oh == 1 && shape.ow == 1; /* so little work that all images are timed */
        assert_true((shape.n < 4096 || dense) && shape.n >= 2);
        assert_string_equal(fv_tuning_get(tuning, i).pass, "forward");
    }
    assert_true(fv_tuning_count(tuning) >= 3);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_tuning_destroy(tuning);
    fv_context_destroy(context);
}

FV_TEST(tuning, running_out_of_memory_leaves_nothing)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = NULL;
    fv_status status = FV_ERR_MEMORY;
    const fv_image_shape small = { 2, 6, 6 };
    fv_value x = FV_NO_VALUE, y = FV_NO_VALUE;
    assert_int_equal(fv_graph_create(&graph, context, "small"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { small.c, small.h, small.w } }, &x),
                     FV_OK);
    const fv_conv2d_options convolution = { .filters = 3, .kernel = { 3, 3 } };
    assert_int_equal(fv_graph_add(graph, "conv2d", &x, 1, &convolution, &y), FV_OK);
    assert_int_equal(fv_graph_finish(graph, y), FV_OK);
    for (long long successes = 0; status != FV_OK; successes++) {
        fv_tuning *tuning = NULL;
        fv_plan *plan = NULL;
        const long long live = atomic_load(&allocator.live);
        test_allocator_fail_after(&allocator, successes);
        status = fv_tuning_create(&tuning, context, &(fv_tuning_options){ .level = FV_TUNE_FAST });
        if (status == FV_OK)
            status = fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = 2, .mode = FV_PREDICT });
        test_allocator_succeed(&allocator);
        assert_true(status == FV_OK || status == FV_ERR_MEMORY);
        assert_true((plan != NULL) == (status == FV_OK));
        fv_plan_destroy(plan);
        fv_tuning_destroy(tuning);
        assert_int_equal(atomic_load(&allocator.live), live);
        assert_true(successes < 1000);
    }
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(tuning, the_machine_is_a_name_for_a_file)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    char text[192], cut[8];
    fv_tuning_machine(context, text, sizeof text);
    fv_tuning_machine(context, cut, sizeof cut);
    assert_int_equal(strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-"), strlen(text));
    assert_non_null(strstr(text, fv_context_isa(context)));
    assert_non_null(strstr(text, "-1-threads-"));
    assert_int_equal(strlen(cut), sizeof cut - 1);
    assert_int_equal(strncmp(cut, text, sizeof cut - 1), 0);
    fv_context_destroy(context);
}

FV_TESTS(tuning, each_problem_is_timed_once, known_choices_are_kept_to, when_the_time_is_up_the_estimate_decides,
         large_batches_are_timed_on_some_of_their_images, running_out_of_memory_leaves_nothing,
         the_machine_is_a_name_for_a_file)
