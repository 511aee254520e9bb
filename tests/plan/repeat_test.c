/* SPDX-License-Identifier: Apache-2.0
 *
 * repeat_test.c - activations that are computed again instead of kept: the same bits everywhere, less memory, and nothing that
 * could have changed in between is relied on.
 */
#include <string.h>

#include "plan/plan_internal.h"
#include "support/graphs.h"
#include "support/test.h"
#include "support/zoo.h"

enum { IMAGES = 4 };

static const struct {
    const char *name;
    fv_zoo_options options;
    double most; /* of the arena without repeating */
} networks[] = {
    { "cifar-resnet-20", { .classes = 5, .input = { 3, 13, 11 } }, 0.9 },
    { "cifar-preresnet-20", { .classes = 5, .input = { 3, 13, 11 } }, 0.9 },
    { "cifar-densenet-40-12", { .classes = 5, .input = { 3, 12, 12 } }, 0.4 },
    { "mobilenet-v2", { .classes = 5, .input = { 3, 33, 35 } }, 0.8 },
    { "googlenet-bn", { .classes = 5, .input = { 3, 64, 64 }, .no_auxiliary = true }, 0.9 },
    { "resnet-50", { .classes = 5, .input = { 3, 33, 33 } }, 0.9 },
};
enum { NETWORKS = sizeof networks / sizeof networks[0] };

static test_run step(const fv_graph *graph, bool no_repeat, fv_step_result *result)
{
    test_run run = test_start(graph, &(fv_plan_options){ .batch = IMAGES + 1, .no_repeat = no_repeat });
    fv_batch batch = test_batch(graph, IMAGES, 7);
    if (fv_session_step(run.session, &batch, result) != FV_OK)
        fail_msg("%s", fv_session_message(run.session));
    test_batch_release(&batch);
    return run;
}

/* The arena without what steps need for themselves, which on small images is much of it. */
static double activations(const fv_plan *plan)
{
    const fv_plan_memory memory = fv_plan_memory_bytes(plan);
    return (double)(memory.arena - memory.scratch);
}

FV_TEST(repeat, gives_the_same_bits_in_less_memory)
{
    for (size_t i = 0; i < NETWORKS; i++) {
        test_allocator allocator;
        fv_context *context = test_context(&allocator, test_threads(2));
        fv_graph *graph = test_zoo_build(context, networks[i].name, &networks[i].options);
        fv_step_result kept_result, result;
        test_run kept = step(graph, true, &kept_result), again = step(graph, false, &result);
        assert_true(kept_result.loss == result.loss);
        fv_params *a = fv_session_gradients(kept.session), *b = fv_session_gradients(again.session);
        for (int32_t p = 0; p < fv_params_count(a); p++)
            if (memcmp(fv_params_values(a, p), fv_params_values(b, p),
                       (size_t)fv_params_info(a, p).elements * sizeof(float)) != 0)
                fail_msg("%s: the gradient of %s differs", networks[i].name, fv_params_info(a, p).name);
        const double share = activations(again.plan) / activations(kept.plan);
        if (!(share < networks[i].most))
            fail_msg("%s: the arena is %.3f of what it is without repeating", networks[i].name, share);
        test_end(&kept);
        test_end(&again);
        fv_graph_destroy(graph);
        fv_context_destroy(context);
    }
}

static int32_t repeated(const fv_plan *plan)
{
    int32_t count = 0;
    for (int32_t i = 0; i < fv_plan_step_count(plan); i++)
        count += strcmp(fv_plan_step(plan, i).pass, "repeat") == 0;
    return count;
}

/* conv - batch_norm - relu - conv, and on to scores; with_pool: the normalised values are read by a pooling alone. */
static fv_plan *plan_of(fv_context *context, fv_graph **graph, const char *reader, fv_mode mode, bool no_repeat)
{
    fv_value x = FV_NO_VALUE;
    fv_plan *plan = NULL;
    assert_int_equal(fv_graph_create(graph, context, "chain"), FV_OK);
    assert_int_equal(fv_graph_add_input(*graph, &(fv_input_options){ .shape = { 2, 9, 9 } }, &x), FV_OK);
    const fv_conv2d_options convolution = { .filters = 6, .kernel = { 3, 3 } };
    x = test_add(*graph, "conv2d", &x, 1, &convolution);
    x = test_add(*graph, "batch_norm", &x, 1, NULL);
    x = strcmp(reader, "conv2d") == 0 ? test_add(*graph, reader, &x, 1, &convolution)
                                      : test_add(*graph, reader, &x, 1, NULL);
    x = test_add(*graph, "global_average_pool", &x, 1, NULL);
    x = test_add(*graph, "dense", &x, 1, &(fv_dense_options){ .units = 3 });
    test_add(*graph, "softmax_cross_entropy", &x, 1, NULL);
    assert_int_equal(fv_graph_finish(*graph, x), FV_OK);
    assert_int_equal(
        fv_plan_create(&plan, *graph, &(fv_plan_options){ .batch = 3, .mode = mode, .no_repeat = no_repeat }), FV_OK);
    return plan;
}

FV_TEST(repeat, only_what_backward_reads_and_only_in_training)
{
    static const struct {
        const char *reader;
        fv_mode mode;
        bool no_repeat;
        int32_t repeats;
    } cases[] = {
        { "conv2d", FV_TRAIN, false, 1 },   { "conv2d", FV_TRAIN, true, 0 },
        { "conv2d", FV_PREDICT, false, 0 }, { "global_average_pool", FV_TRAIN, false, 0 }, /* nobody reads it again */
        { "prelu", FV_TRAIN, false, 1 },                                                   /* reads its input */
        { "silu", FV_TRAIN, false, 0 }, /* too, but runs with the normalisation, which computes that input again */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        test_allocator allocator;
        fv_context *context = test_context(&allocator, 1);
        fv_graph *graph = NULL;
        fv_plan *plan = plan_of(context, &graph, cases[i].reader, cases[i].mode, cases[i].no_repeat);
        if (repeated(plan) != cases[i].repeats)
            fail_msg("case %zu: %d repeated steps", i, repeated(plan));
        fv_plan_destroy(plan);
        fv_graph_destroy(graph);
        fv_context_destroy(context);
    }
}

/* What is added to the second normalised value is the first one, which is not kept either: each copy that a repeated step
 * reads was written by a repeated step before it. */
FV_TEST(repeat, what_is_repeated_from_is_there)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_zoo_build(context, "cifar-resnet-20", &(fv_zoo_options){ .classes = 3 });
    fv_plan *plan = NULL;
    int32_t chained = 0;
    assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = 2 }), FV_OK);
    for (int32_t i = plan->forward_count; i < plan->step_count; i++) {
        const fvi_step *step = &plan->step[i];
        for (int32_t j = 0; step->kind == FVI_STEP_REPEAT && j < step->input_count; j++) {
            const int32_t storage = plan->tensor[step->x[j]].storage;
            bool written = plan->storage[storage].copy_of == FVI_NONE;
            chained += !written;
            for (int32_t k = plan->forward_count; k < i; k++)
                written |= plan->step[k].kind == FVI_STEP_REPEAT && plan->tensor[plan->step[k].y].storage == storage;
            assert_true(written);
            for (int32_t s = 0; s < plan->storage_count; s++) /* and not what has a copy */
                assert_int_not_equal(plan->storage[s].copy_of, storage);
        }
    }
    assert_true(chained > 0);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(repeat, gives_the_same_bits_in_less_memory, only_what_backward_reads_and_only_in_training,
         what_is_repeated_from_is_there)
