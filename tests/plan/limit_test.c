/* SPDX-License-Identifier: Apache-2.0
 *
 * limit_test.c - plans under a memory limit: they keep to it, the bits of a step are those without, and what cannot be reached is
 * refused with what can.
 */
#include <stdlib.h>
#include <string.h>

#include "fovea/fovea.h"
#include "support/graphs.h"
#include "support/test.h"
#include "support/zoo.h"

enum { IMAGES = 3 };

static const struct {
    const char *name;
    fv_zoo_options options;
    bool less; /* than without: not where dense blocks, whose channels are one storage, or weights take most */
} networks[] = {
    { "cifar-resnet-20", { .classes = 5, .input = { 3, 32, 32 } }, true },
    { "cifar-densenet-40-12", { .classes = 5, .input = { 3, 16, 16 } }, false },
    { "googlenet-bn", { .classes = 5, .input = { 3, 64, 64 }, .no_auxiliary = true }, true },
    { "small-alexnet", { .classes = 5 }, false },
};
enum { NETWORKS = sizeof networks / sizeof networks[0] };

/* Gradients of one step, and what fv_plan_memory told. */
static size_t step(const fv_graph *graph, size_t limit, char hash[17])
{
    test_run run = test_start(graph, &(fv_plan_options){ .batch = IMAGES, .memory_limit = limit });
    fv_batch batch = test_batch(graph, IMAGES, 7);
    for (int32_t i = 0; i < 2; i++)
        if (fv_session_step(run.session, &batch, NULL) != FV_OK)
            fail_msg("%s", fv_session_message(run.session));
    fv_params_hash(fv_session_gradients(run.session), hash);
    const size_t bytes = fv_plan_memory_bytes(run.plan).total;
    test_batch_release(&batch);
    test_end(&run);
    return bytes;
}

/* What a refusal tells. */
static size_t least_of(const fv_graph *graph, fv_context *context)
{
    fv_plan *plan = NULL;
    assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = IMAGES, .memory_limit = 1000 }),
                     FV_ERR_MEMORY);
    assert_null(plan);
    const char *told = strstr(fv_context_message(context), "but ");
    assert_non_null(told);
    return (size_t)strtoull(told + 4, NULL, 10);
}

FV_TEST(limit, is_kept_with_the_same_bits)
{
    for (size_t i = 0; i < NETWORKS; i++) {
        test_allocator allocator;
        fv_context *context = test_context(&allocator, test_threads(2));
        fv_graph *graph = test_zoo_build(context, networks[i].name, &networks[i].options);
        char free_hash[17], hash[17];
        const size_t free_bytes = step(graph, 0, free_hash);
        const size_t limit = least_of(graph, context), bytes = step(graph, limit, hash);
        print_message("%s: %zu bytes, the least is %zu\n", networks[i].name, free_bytes, limit);
        if (bytes > limit || (networks[i].less && limit >= free_bytes))
            fail_msg("%s: %zu bytes, the limit is %zu, without one %zu", networks[i].name, bytes, limit, free_bytes);
        if (strcmp(free_hash, hash) != 0)
            fail_msg("%s: other gradients", networks[i].name);
        fv_graph_destroy(graph);
        fv_context_destroy(context);
    }
}

/* Masks are drawn once more from their counters. */
FV_TEST(limit, dropout_drops_the_same_again)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_value x = FV_NO_VALUE;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 3, 24, 24 }, &x);
    for (int32_t i = 0; i < 6; i++) {
        x = test_add(graph, "conv2d", &x, 1,
                     &(fv_conv2d_options){ .filters = 16, .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } });
        x = test_add(graph, "relu", &x, 1, NULL);
        x = test_add(graph, "dropout", &x, 1, NULL);
    }
    x = test_add(graph, "global_average_pool", &x, 1, NULL);
    x = test_add(graph, "dense", &x, 1, &(fv_dense_options){ .units = 4 });
    test_add(graph, "softmax_cross_entropy", &x, 1, NULL);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    char free_hash[17], hash[17];
    const size_t free_bytes = step(graph, 0, free_hash), limit = least_of(graph, context);
    assert_true(limit < free_bytes && step(graph, limit, hash) <= limit);
    assert_string_equal(free_hash, hash);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(limit, what_cannot_be_reached_is_refused_with_what_can)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_zoo_build(context, "cifar-resnet-20", &(fv_zoo_options){ .classes = 5 });
    fv_plan *plan = NULL;
    const size_t least = least_of(graph, context);
    assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = IMAGES, .memory_limit = least }), FV_OK);
    assert_true(fv_plan_memory_bytes(plan).total <= least);
    fv_plan_destroy(plan);
    plan = NULL;
    assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .mode = FV_PREDICT, .memory_limit = 1000 }),
                     FV_ERR_MEMORY);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(limit, is_kept_with_the_same_bits, dropout_drops_the_same_again,
         what_cannot_be_reached_is_refused_with_what_can)
