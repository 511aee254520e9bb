/* SPDX-License-Identifier: Apache-2.0
 *
 * hand_over_test.c - gradients that are handed over in the backward pass: every parameter once, the bits of a separate update,
 * less memory; and what a plan that hands over refuses.
 */
#include <string.h>

#include "plan/plan_internal.h"
#include "support/graphs.h"
#include "support/test.h"
#include "support/zoo.h"

enum { IMAGES = 3, STEPS = 2 };

static const struct {
    const char *name;
    fv_zoo_options options;
    double most; /* of the session's memory with all gradients kept */
} networks[] = {
    { "lenet5", { .classes = 5 }, 1.0 },
    { "cifar-resnet-20", { .classes = 5, .input = { 3, 13, 11 } }, 1.0 },
    { "googlenet-bn", { .classes = 5, .input = { 3, 64, 64 } }, 0.9 },
};
enum { NETWORKS = sizeof networks / sizeof networks[0] };

/* Who takes gradients, and how often each came. */
typedef struct taker {
    fv_optimizer *optimizer;
    int32_t seen[1024];
    fv_status answer;
} taker;

static fv_status take(void *user, const fv_gradient *gradients, int32_t count)
{
    taker *t = user;
    for (int32_t i = 0; i < count; i++)
        t->seen[gradients[i].parameter] += gradients[i].first == 0;
    FV_TRY(fv_optimizer_update_some(t->optimizer, gradients, count, 0.01));
    return t->answer;
}

/* Trains for STEPS steps. Returns the bytes of the session. */
static size_t train(const fv_graph *graph, bool hand_over, char hash[17])
{
    test_run run = test_start(graph, &(fv_plan_options){ .batch = IMAGES, .hand_over = hand_over });
    fv_batch batch = test_batch(graph, IMAGES, 7);
    taker t = { 0 };
    const fv_optimizer_options options = { .momentum = 0.9, .weight_decay = 1e-3 };
    assert_int_equal(fv_optimizer_create(&t.optimizer, run.params, &options), FV_OK);
    fv_session_on_gradients(run.session, take, &t);
    for (int32_t step = 0; step < STEPS; step++) {
        if (fv_session_step(run.session, &batch, NULL) != FV_OK)
            fail_msg("%s", fv_session_message(run.session));
        if (!hand_over)
            assert_int_equal(fv_optimizer_update(t.optimizer, fv_session_gradients(run.session), 0.01), FV_OK);
        fv_session_params_changed(run.session);
    }
    for (int32_t p = 0; hand_over && p < fv_params_count(run.params); p++) {
        const fv_param_info info = fv_params_info(run.params, p);
        if (t.seen[p] != (info.trained || info.momentum > 0 ? STEPS : 0))
            fail_msg("%s came %d times in %d steps", info.name, t.seen[p], STEPS);
    }
    const size_t bytes = fv_plan_memory_bytes(run.plan).total;
    fv_params_hash(run.params, hash);
    fv_optimizer_destroy(t.optimizer);
    test_batch_release(&batch);
    test_end(&run);
    return bytes;
}

FV_TEST(hand_over, gives_the_bits_of_a_separate_update_in_less_memory)
{
    for (size_t i = 0; i < NETWORKS; i++) {
        test_allocator allocator;
        fv_context *context = test_context(&allocator, test_threads(2));
        fv_graph *graph = test_zoo_build(context, networks[i].name, &networks[i].options);
        char apart[17], handed[17];
        const size_t kept = train(graph, false, apart), less = train(graph, true, handed);
        if (strcmp(apart, handed) != 0)
            fail_msg("%s: other weights", networks[i].name);
        if (!((double)less < networks[i].most * (double)kept))
            fail_msg("%s: %zu bytes, %zu with all gradients", networks[i].name, less, kept);
        fv_graph_destroy(graph);
        fv_context_destroy(context);
    }
}

/* A parameter that no loss depends on has a gradient of zeros, and decays all the same. */
FV_TEST(hand_over, what_no_loss_reads_has_a_gradient_of_zeros)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_value x = FV_NO_VALUE;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 2, 5, 5 }, &x);
    const fv_value aside =
        test_add(graph, "conv2d", &x, 1, &(fv_conv2d_options){ .name = "aside", .filters = 3, .kernel = { 5, 5 } });
    x = test_add(graph, "dense", &x, 1, &(fv_dense_options){ .units = 3 });
    test_add(graph, "softmax_cross_entropy", &x, 1, NULL);
    assert_int_equal(fv_graph_finish(graph, aside), FV_OK);
    char apart[17], handed[17];
    train(graph, false, apart);
    train(graph, true, handed);
    assert_string_equal(apart, handed);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Weights of 16 MB and more, whose gradients come some rows at a time; with a bound on their rows. */
FV_TEST(hand_over, rows_of_a_large_one_come_apart)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, test_threads(2));
    fv_value x = FV_NO_VALUE;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 2, 5, 5 }, &x);
    x = test_add(graph, "dense", &x, 1, &(fv_dense_options){ .units = 2100 });
    x = test_add(graph, "relu", &x, 1, NULL);
    x = test_add(graph, "dense", &x, 1, &(fv_dense_options){ .units = 2020, .max_norm = 1.2 });
    x = test_add(graph, "dense", &x, 1, &(fv_dense_options){ .units = 3 });
    test_add(graph, "softmax_cross_entropy", &x, 1, NULL);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    char apart[17], handed[17];
    const size_t kept = train(graph, false, apart), less = train(graph, true, handed);
    assert_string_equal(apart, handed);
    assert_true(less < kept - 8000000); /* of the 17 MB there are 8 at a time */
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(hand_over, needs_somebody_who_takes_and_keeps_nothing)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, IMAGES, 7);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = IMAGES, .hand_over = true });
    assert_null(fv_session_gradients(run.session));
    assert_int_equal(fv_plan_memory_bytes(run.plan).gradients, 0);
    assert_int_equal(fv_session_forward(run.session, &batch, NULL), FV_OK);
    assert_int_equal(fv_session_observe(run.session), FV_ERR_STATE);
    assert_int_equal(fv_session_backward(run.session, IMAGES), FV_ERR_STATE);
    assert_non_null(strstr(fv_session_message(run.session), "fv_session_on_gradients"));
    test_batch_release(&batch);
    test_end(&run);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(hand_over, ends_where_whoever_takes_fails)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, IMAGES, 7);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = IMAGES, .hand_over = true });
    taker t = { .answer = FV_ERR_NUMERIC };
    assert_int_equal(fv_optimizer_create(&t.optimizer, run.params, NULL), FV_OK);
    fv_session_on_gradients(run.session, take, &t);
    assert_int_equal(fv_session_step(run.session, &batch, NULL), FV_ERR_NUMERIC);
    t.answer = FV_OK; /* and the next step works */
    assert_int_equal(fv_session_step(run.session, &batch, NULL), FV_OK);
    fv_optimizer_destroy(t.optimizer);
    test_batch_release(&batch);
    test_end(&run);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(hand_over, gives_the_bits_of_a_separate_update_in_less_memory, what_no_loss_reads_has_a_gradient_of_zeros,
         rows_of_a_large_one_come_apart, needs_somebody_who_takes_and_keeps_nothing, ends_where_whoever_takes_fails)
