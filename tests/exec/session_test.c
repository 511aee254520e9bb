/* SPDX-License-Identifier: Apache-2.0
 *
 * session_test.c - what a session promises: memory, batches of any size, reading values, the gradient hook, errors.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/graphs.h"
#include "support/test.h"

FV_TEST(session, gradients_of_branches_match_central_differences)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = test_branches(context);
    fv_gradient_check_result result;
    const fv_gradient_check_options options = { .seed = 3, .samples = 3, .elements = -1 };
    assert_int_equal(fv_gradient_check(graph, &options, &result), FV_OK);
    print_message("worst %.2g at %s; %lld checked, %lld skipped\n", result.worst, result.worst_name,
                  (long long)result.checked, (long long)result.skipped);
    assert_true(result.worst < 2e-6);
    assert_true(result.checked > 8 * result.skipped);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

FV_TEST(session, allocates_what_the_plan_says_and_nothing_later)
{
    static const fv_mode modes[] = { FV_TRAIN, FV_EVALUATE, FV_PREDICT };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, 5, 1);
    for (size_t i = 0; i < 3; i++) {
        test_run run = test_start(graph, &(fv_plan_options){ .batch = 5, .mode = modes[i] });
        fv_session_destroy(run.session);
        const fv_plan_memory memory = fv_plan_memory_bytes(run.plan);
        const size_t before = allocator.bytes;
        assert_int_equal(fv_session_create(&run.session, run.plan, run.params), FV_OK);
        assert_int_equal(allocator.bytes - before, memory.total);
        assert_true(memory.total >= memory.arena + memory.packed + memory.gradients);
        assert_int_equal(memory.gradients > 0, modes[i] == FV_TRAIN);
        assert_int_equal(fv_session_forward(run.session, &batch, NULL), FV_OK);
        const long long calls = allocator.made;
        for (int32_t step = 0; step < 3; step++) {
            batch.n = 5 - step;
            assert_int_equal(fv_session_forward(run.session, &batch, NULL), FV_OK);
            if (modes[i] == FV_TRAIN)
                assert_int_equal(fv_session_backward(run.session, batch.n), FV_OK);
            fv_session_params_changed(run.session);
        }
        assert_int_equal(allocator.made, calls);
        batch.n = 5;
        test_end(&run);
    }
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

static void compare_short_batches(const fv_graph *graph, fv_dtype dtype)
{
    fv_batch batch = test_batch(graph, 7, 1);
    test_run large = test_start(graph, &(fv_plan_options){ .batch = 7, .dtype = dtype });
    assert_int_equal(fv_session_step(large.session, &batch, NULL), FV_OK); /* leaves its traces in memory */
    for (int32_t n = 1; n < 7; n++) {
        test_run small = test_start(graph, &(fv_plan_options){ .batch = n, .dtype = dtype });
        const fv_batch part = test_batch_part(graph, &batch, 7 - n, n);
        fv_step_result a, b;
        char one[17], two[17];
        assert_int_equal(fv_session_step(large.session, &part, &a), FV_OK);
        assert_int_equal(fv_session_step(small.session, &part, &b), FV_OK);
        assert_memory_equal(&a, &b, sizeof a);
        assert_true(a.weight == n);
        fv_params_hash(fv_session_gradients(large.session), one);
        fv_params_hash(fv_session_gradients(small.session), two);
        assert_string_equal(one, two);
        test_end(&small);
    }
    test_end(&large);
    test_batch_release(&batch);
}

/* The samples of the call decide the order of every sum, not the plan's batch: the same bits. */
FV_TEST(session, a_short_batch_equals_a_plan_of_that_size)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *branches = test_branches(context), *lenet = NULL;
    assert_int_equal(fv_zoo_build(&lenet, context, "lenet5"), FV_OK);
    compare_short_batches(branches, FV_F64);
    compare_short_batches(branches, FV_F32);
    compare_short_batches(lenet, FV_F32);
    fv_graph_destroy(branches);
    fv_graph_destroy(lenet);
    fv_context_destroy(context);
}

/* Parts are summed apart, so float64 is compared to rounding: 200 terms of 2^-53. */
static const double rounding = 200 * 1.1e-16;

FV_TEST(session, parts_of_a_batch_add_up)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, 6, 2);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 6, .dtype = FV_F64 });
    fv_params *sum = NULL, *gradients = fv_session_gradients(run.session);
    assert_int_equal(fv_params_create(&sum, graph, FV_F64), FV_OK);
    double loss = 0;
    for (int32_t first = 0; first < 6; first += 2) {
        const fv_batch part = test_batch_part(graph, &batch, first, 2);
        fv_step_result result;
        assert_int_equal(fv_session_forward(run.session, &part, &result), FV_OK);
        assert_int_equal(fv_session_backward(run.session, 6), FV_OK);
        loss += result.loss;
        for (size_t i = 0; i < fv_params_block_elements(sum); i++)
            ((double *)fv_params_data(sum))[i] += ((double *)fv_params_data(gradients))[i];
    }
    fv_step_result whole;
    assert_int_equal(fv_session_step(run.session, &batch, &whole), FV_OK);
    assert_true(fabs(whole.loss - loss) <= rounding * loss);
    assert_true(test_params_error(sum, gradients) <= rounding);
    fv_params_destroy(sum);
    test_end(&run);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* A weight of 2 counts a sample twice, a weight of 0 leaves it out. */
FV_TEST(session, sample_weights_repeat_and_leave_out)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, 4, 2);
    enum { IMAGE = 3 * 81 };
    double *images = (double *)(uintptr_t)batch.images;
    int32_t *classes = (int32_t *)(uintptr_t)batch.classes;
    memcpy(images + 3 * IMAGE, images + 2 * IMAGE, IMAGE * sizeof *images);
    classes[3] = classes[2];
    test_run weighted = test_start(graph, &(fv_plan_options){ .batch = 4, .dtype = FV_F64 });
    test_run plain = test_start(graph, &(fv_plan_options){ .batch = 4, .dtype = FV_F64 });
    fv_batch three = test_batch_part(graph, &batch, 0, 3);
    three.weights = (const float[]){ 0, 1, 2 };
    const fv_batch repeated = test_batch_part(graph, &batch, 1, 3);
    fv_step_result a, b;
    assert_int_equal(fv_session_step(weighted.session, &three, &a), FV_OK);
    assert_int_equal(fv_session_step(plain.session, &repeated, &b), FV_OK);
    assert_true(a.weight == 3 && fabs(a.loss - b.loss) <= rounding * b.loss);
    assert_true(test_params_error(fv_session_gradients(weighted.session), fv_session_gradients(plain.session)) <=
                rounding);
    three.weights = (const float[]){ 1, -1, 1 };
    assert_int_equal(fv_session_forward(weighted.session, &three, NULL), FV_ERR_ARGUMENT);
    three.weights = (const float[]){ 0, 0, 0 };
    assert_int_equal(fv_session_step(weighted.session, &three, NULL), FV_ERR_ARGUMENT); /* no mean of nothing */
    test_end(&weighted);
    test_end(&plain);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

static void train_and_hash(const char *network, int32_t threads, char hash[17])
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, threads);
    fv_graph *graph = NULL;
    assert_int_equal(fv_zoo_build(&graph, context, network), FV_OK);
    fv_batch batch = test_batch(graph, 13, 4);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 13 });
    fv_optimizer *optimizer = NULL;
    const fv_optimizer_options options = { .momentum = 0.9, .weight_decay = 1e-3 };
    assert_int_equal(fv_optimizer_create(&optimizer, run.params, &options), FV_OK);
    for (int32_t step = 0; step < 3; step++) {
        const fv_batch part = test_batch_part(graph, &batch, step, 13 - step);
        assert_int_equal(fv_session_step(run.session, &part, NULL), FV_OK);
        assert_int_equal(fv_optimizer_update(optimizer, fv_session_gradients(run.session), 0.02), FV_OK);
        fv_session_params_changed(run.session);
    }
    fv_params_hash(run.params, hash);
    fv_optimizer_destroy(optimizer);
    test_end(&run);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(session, bits_do_not_depend_on_threads)
{
    static const char *const networks[] = { "lenet5", "convnetjs-mnist", "convnetjs-cifar10" };
    for (size_t i = 0; i < 3; i++) {
        char one[17], more[17];
        train_and_hash(networks[i], 1, one);
        for (int32_t threads = 2; threads <= 4; threads++) {
            train_and_hash(networks[i], threads, more);
            assert_string_equal(one, more);
        }
    }
}

/* All sums of the network have fewer than 3 * 81 + 36 * 4 + 13 * 9 terms. */
FV_TEST(session, float32_is_near_float64)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, 3, 1);
    test_run exact = test_start(graph, &(fv_plan_options){ .batch = 3, .dtype = FV_F64 });
    assert_int_equal(fv_session_step(exact.session, &batch, NULL), FV_OK);
    for (int32_t reference = 0; reference < 2; reference++) {
        test_run fast = test_start(graph, &(fv_plan_options){ .batch = 3, .reference = reference == 1 });
        assert_int_equal(fv_session_step(fast.session, &batch, NULL), FV_OK);
        const double error = test_params_error(fv_session_gradients(fast.session), fv_session_gradients(exact.session));
        print_message("float32%s: error %.2g\n", reference == 1 ? " reference" : "", error);
        assert_true(error <= 504 * 6e-8);
        test_end(&fast);
    }
    test_end(&exact);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(session, image_order_and_dtype_do_not_matter)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, 2, 1);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 2, .mode = FV_PREDICT });
    enum { COUNT = 2 * 3 * 81 };
    double nhwc[COUNT];
    float nhwc_float[COUNT], nchw_float[COUNT], back[COUNT];
    for (size_t n = 0; n < 2; n++)
        for (size_t c = 0; c < 3; c++)
            for (size_t p = 0; p < 81; p++)
                nhwc[(n * 81 + p) * 3 + c] = ((const double *)batch.images)[(n * 3 + c) * 81 + p];
    for (size_t i = 0; i < COUNT; i++) {
        nhwc_float[i] = (float)nhwc[i];
        nchw_float[i] = (float)((const double *)batch.images)[i];
    }
    const fv_batch forms[] = {
        { .n = 2, .images = batch.images, .dtype = FV_F64, .order = FV_NCHW },
        { .n = 2, .images = nhwc, .dtype = FV_F64, .order = FV_NHWC },
        { .n = 2, .images = nchw_float, .dtype = FV_F32, .order = FV_NCHW },
        { .n = 2, .images = nhwc_float, .dtype = FV_F32, .order = FV_NHWC },
    };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(fv_session_forward(run.session, &forms[i], NULL), FV_OK);
        assert_int_equal(fv_session_read(run.session, test_node(graph, "image"), back, COUNT), FV_OK);
        assert_memory_equal(back, nchw_float, sizeof back);
    }
    test_end(&run);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

typedef struct hook_record {
    fv_session *session;
    int32_t seen[32], order[32], count;
} hook_record;

static void note_gradient(void *user, int32_t parameter)
{
    hook_record *record = user;
    record->seen[parameter]++;
    record->order[record->count++] = parameter;
}

FV_TEST(session, each_gradient_is_announced_once_when_complete)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, 2, 1);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 2 });
    hook_record record = { .session = run.session };
    fv_session_on_gradient(run.session, note_gradient, &record);
    assert_int_equal(fv_session_step(run.session, &batch, NULL), FV_OK);
    assert_int_equal(record.count, fv_params_count(run.params));
    for (int32_t i = 0; i < record.count; i++)
        assert_int_equal(record.seen[i], 1);
    assert_int_equal(record.order[0], fv_params_find(run.params, "fc.weight"));
    assert_int_equal(record.order[record.count - 1], fv_params_find(run.params, "a.bias"));
    test_end(&run);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(session, reads_values_while_their_memory_is_theirs)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, 2, 1);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 2, .dtype = FV_F64 });
    double joined[2 * 13 * 81], pooled[2 * 13 * 9], part[2 * 5 * 81];
    assert_int_equal(fv_session_read(run.session, 0, joined, 1000), FV_ERR_STATE);
    assert_int_equal(fv_session_forward(run.session, &batch, NULL), FV_OK);
    assert_int_equal(fv_session_read(run.session, test_node(graph, "same"), joined, 2 * 13 * 81), FV_OK);
    assert_int_equal(fv_session_read(run.session, test_node(graph, "pool"), pooled, 2 * 13 * 9), FV_OK);
    assert_int_equal(fv_session_read(run.session, test_node(graph, "tb"), part, 2 * 5 * 81), FV_OK);
    for (size_t n = 0; n < 2; n++) {
        assert_memory_equal(joined + n * 13 * 81, part + n * 5 * 81, sizeof(double) * 5 * 81);
        for (size_t c = 0; c < 13; c++) {
            double sum = 0;
            for (size_t i = 0; i < 9; i++)
                sum += joined[(n * 13 + c) * 81 + i / 3 * 9 + i % 3];
            assert_true(fabs(sum / 9 - pooled[(n * 13 + c) * 9]) < 1e-14);
        }
    }
    assert_int_equal(fv_session_read(run.session, test_node(graph, "pool"), pooled, 2 * 13 * 9 - 1), FV_ERR_ARGUMENT);
    assert_int_equal(fv_session_read(run.session, test_node(graph, "loss"), pooled, 2), FV_ERR_ARGUMENT);
    assert_int_equal(fv_session_read(run.session, 99, pooled, 2), FV_ERR_ARGUMENT);
    /* The convolution's output was written over by its activation. */
    assert_int_equal(fv_session_read(run.session, test_node(graph, "a"), joined, 2 * 13 * 81), FV_ERR_STATE);
    assert_non_null(strstr(fv_session_message(run.session), "'a'"));
    assert_int_equal(fv_session_read_input_gradient(run.session, joined, 1000), FV_ERR_STATE);
    test_end(&run);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(session, modes_compute_the_same_output)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, 4, 1);
    float output[3][16];
    for (int mode = FV_TRAIN; mode <= FV_PREDICT; mode++) {
        test_run run = test_start(graph, &(fv_plan_options){ .batch = 4, .mode = (fv_mode)mode });
        fv_step_result result;
        assert_int_equal(fv_session_forward(run.session, &batch, &result), FV_OK);
        assert_int_equal(fv_session_forward(run.session, &batch, &result), FV_OK);
        assert_int_equal(result.loss > 0, mode != FV_PREDICT);
        assert_int_equal(fv_session_read(run.session, fv_graph_output(graph), output[mode], 16), FV_OK);
        assert_memory_equal(output[mode], output[0], sizeof output[0]);
        if (mode != FV_TRAIN)
            assert_int_equal(fv_session_backward(run.session, 4), FV_ERR_STATE);
        test_end(&run);
    }
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(session, correct_answers_are_counted_first_of_equals)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = NULL;
    fv_value image = FV_NO_VALUE, flat = FV_NO_VALUE;
    assert_int_equal(fv_graph_create(&graph, context, "scores"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 2, 1, 2 } }, &image), FV_OK);
    assert_int_equal(fv_graph_add_flatten(graph, image, &flat), FV_OK);
    assert_int_equal(fv_graph_finish(graph, flat), FV_OK);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 3, .mode = FV_PREDICT });
    const float images[] = { 1, 3, 3, 0, 0, 0, 0, 0, -4, -3, -2, -1 };
    const int32_t classes[] = { 1, 0, 2 };
    const fv_batch batch = { .n = 3, .images = images, .classes = classes };
    fv_step_result result;
    assert_int_equal(fv_session_forward(run.session, &batch, &result), FV_OK);
    assert_int_equal(result.correct, 2);
    assert_true(result.weight == 3);
    test_end(&run);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Of soft labels the largest, the first of equals, stands for the class; values to come close to have none. */
FV_TEST(session, correct_answers_of_soft_labels)
{
    static const float images[] = { 1, 3, 2, 0, 0, 0, -4, -3, -2 };
    static const float labels[] = { 0.3f, 0.7f, 0, 0.5f, 0, 0.5f, 0.6f, 0.3f, 0.1f }; /* 1 of 1; 0 of 0; 0, not 2 */
    for (int soft = 0; soft < 2; soft++) {
        test_allocator allocator;
        fv_context *context = test_context(&allocator, 1);
        fv_graph *graph = NULL;
        fv_value image = FV_NO_VALUE, loss = FV_NO_VALUE;
        assert_int_equal(fv_graph_create(&graph, context, "scores"), FV_OK);
        assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 3, 1, 1 } }, &image), FV_OK);
        if (soft)
            assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, image, NULL, &loss), FV_OK);
        else
            assert_int_equal(fv_graph_add_euclidean_loss(graph, image, NULL, &loss), FV_OK);
        assert_int_equal(fv_graph_finish(graph, image), FV_OK);
        test_run run = test_start(graph, &(fv_plan_options){ .batch = 3 });
        const fv_batch batch = { .n = 3, .images = images, .values = labels };
        fv_step_result result;
        assert_int_equal(fv_session_forward(run.session, &batch, &result), FV_OK);
        assert_int_equal(result.correct, soft ? 2 : 0);
        test_end(&run);
        fv_graph_destroy(graph);
        fv_context_destroy(context);
    }
}

FV_TEST(session, bad_calls_are_named)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_branches(context);
    fv_batch good = test_batch(graph, 2, 1), bad = good;
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 2 });
    assert_int_equal(fv_session_backward(run.session, 1), FV_ERR_STATE);
    bad.n = 3;
    assert_int_equal(fv_session_forward(run.session, &bad, NULL), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_session_message(run.session), "3"));
    bad.n = 0;
    assert_int_equal(fv_session_forward(run.session, &bad, NULL), FV_ERR_ARGUMENT);
    bad = good;
    bad.images = NULL;
    assert_int_equal(fv_session_forward(run.session, &bad, NULL), FV_ERR_ARGUMENT);
    bad = good;
    bad.classes = (const int32_t[]){ 0, 4 };
    assert_int_equal(fv_session_forward(run.session, &bad, NULL), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_session_message(run.session), "class 4"));
    bad.classes = NULL;
    assert_int_equal(fv_session_forward(run.session, &bad, NULL), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_session_message(run.session), "loss"));
    assert_int_equal(fv_session_backward(run.session, 1), FV_ERR_STATE);
    assert_int_equal(fv_session_forward(run.session, &good, NULL), FV_OK);
    assert_int_equal(fv_session_backward(run.session, 0), FV_ERR_ARGUMENT);
    assert_int_equal(fv_session_backward(run.session, 1), FV_OK);
    assert_int_equal(fv_session_backward(run.session, 1), FV_ERR_STATE);
    fv_params *other = NULL;
    fv_session *session = run.session;
    assert_int_equal(fv_params_create(&other, graph, FV_F64), FV_OK);
    assert_int_equal(fv_session_create(&session, run.plan, other), FV_ERR_ARGUMENT);
    assert_null(session);
    fv_params_destroy(other);
    test_end(&run);
    test_batch_release(&good);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(session, a_value_that_is_not_finite_is_traced_to_its_layer)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, 2, 1);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 2 });
    ((float *)fv_params_values(run.params, fv_params_find(run.params, "c.bias")))[1] = NAN;
    fv_session_params_changed(run.session);
    assert_int_equal(fv_session_step(run.session, &batch, NULL), FV_ERR_NUMERIC);
    assert_non_null(strstr(fv_session_message(run.session), "'c'"));
    assert_int_equal(fv_session_backward(run.session, 2), FV_ERR_STATE);
    test_end(&run);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(session, profile_covers_every_step)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, 2, 1);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 2 });
    int64_t calls = 7;
    assert_int_equal(fv_session_step(run.session, &batch, NULL), FV_OK);
    assert_true(fv_session_step_seconds(run.session, 0, &calls) == 0 && calls == 0);
    fv_session_profile(run.session, true);
    for (int32_t i = 0; i < 2; i++)
        assert_int_equal(fv_session_step(run.session, &batch, NULL), FV_OK);
    for (int32_t i = 0; i < fv_plan_step_count(run.plan); i++) {
        assert_true(fv_session_step_seconds(run.session, i, &calls) >= 0);
        assert_int_equal(calls, 2);
    }
    assert_true(fv_session_step_seconds(run.session, -1, &calls) == 0 && calls == 0);
    test_end(&run);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Two heads on one trunk, as GoogLeNet has three. */
typedef struct heads {
    fv_graph *graph;
    fv_value main_loss, side_loss;
} heads;

static heads make_heads(fv_context *context, double main_weight, double side_weight)
{
    heads h = { .main_loss = FV_NO_VALUE, .side_loss = FV_NO_VALUE };
    fv_value x = FV_NO_VALUE, trunk = FV_NO_VALUE, side = FV_NO_VALUE, scores = FV_NO_VALUE;
    assert_int_equal(fv_graph_create(&h.graph, context, "heads"), FV_OK);
    assert_int_equal(fv_graph_add_input(h.graph, &(fv_input_options){ .shape = { 3, 9, 9 } }, &x), FV_OK);
    assert_int_equal(
        fv_graph_add_conv2d(h.graph, x, &(fv_conv2d_options){ .name = "trunk", .filters = 4, .kernel = { 3, 3 } }, &x),
        FV_OK);
    assert_int_equal(fv_graph_add_silu(h.graph, x, &trunk), FV_OK);
    assert_int_equal(fv_graph_add_dense(h.graph, trunk, &(fv_dense_options){ .name = "side", .units = 4 }, &side),
                     FV_OK);
    assert_int_equal(fv_graph_add_dense(h.graph, trunk, &(fv_dense_options){ .name = "fc", .units = 4 }, &scores),
                     FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(
                         h.graph, scores, &(fv_softmax_cross_entropy_options){ .weight = main_weight }, &h.main_loss),
                     FV_OK);
    const fv_hinge_loss_options hinge = { .name = "side_loss", .weight = side_weight };
    assert_int_equal(fv_graph_add_hinge_loss(h.graph, side, &hinge, &h.side_loss), FV_OK);
    assert_int_equal(fv_graph_finish(h.graph, scores), FV_OK);
    return h;
}

/* Gradients of one step of a graph as doubles; the caller frees them. */
static double *step_gradients(const heads *h, const fv_batch *batch, fv_step_result *result, double losses[2])
{
    test_run run = test_start(h->graph, &(fv_plan_options){ .batch = batch->n, .dtype = FV_F64 });
    assert_int_equal(fv_session_step(run.session, batch, result), FV_OK);
    losses[0] = fv_session_loss(run.session, h->main_loss);
    losses[1] = fv_session_loss(run.session, h->side_loss);
    const size_t bytes = fv_params_block_elements(run.params) * sizeof(double);
    double *copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, fv_params_data(fv_session_gradients(run.session)), bytes);
    test_end(&run);
    return copy;
}

FV_TEST(session, losses_of_several_heads_add_up)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    const double weights[3][2] = { { 1, 0.3 }, { 1, 0.6 }, { 2, 0.3 } };
    double *gradient[3], losses[3][2];
    size_t count = 0;
    for (int i = 0; i < 3; i++) {
        heads h = make_heads(context, weights[i][0], weights[i][1]);
        fv_batch batch = test_batch(h.graph, 5, 4);
        fv_step_result result;
        fv_params *params = NULL;
        gradient[i] = step_gradients(&h, &batch, &result, losses[i]);
        assert_true(losses[i][0] > 0 && losses[i][1] > 0);
        assert_true(fabs(result.loss - (losses[i][0] + losses[i][1])) <= rounding * result.loss);
        assert_int_equal(fv_params_create(&params, h.graph, FV_F64), FV_OK);
        count = fv_params_block_elements(params);
        fv_params_destroy(params);
        test_batch_release(&batch);
        fv_graph_destroy(h.graph);
    }
    assert_true(fabs(losses[1][1] - 2 * losses[0][1]) <= rounding * losses[1][1]); /* each by its own weight */
    assert_true(fabs(losses[2][0] - 2 * losses[0][0]) <= rounding * losses[2][0]);
    /* g = w1*g1 + w2*g2, so g(1, 0.6) + g(2, 0.3) = 3 * g(1, 0.3). */
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(gradient[0][i]));
    assert_true(largest > 0);
    for (size_t i = 0; i < count; i++)
        assert_true(fabs(gradient[1][i] + gradient[2][i] - 3 * gradient[0][i]) <= rounding * largest);
    for (int i = 0; i < 3; i++)
        free(gradient[i]);
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

FV_TEST(session, prediction_leaves_out_what_only_a_loss_needs)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    heads h = make_heads(context, 1, 0.3);
    for (int mode = FV_TRAIN; mode <= FV_PREDICT; mode++) {
        fv_plan *plan = NULL;
        int heads_and_losses = 0;
        assert_int_equal(fv_plan_create(&plan, h.graph, &(fv_plan_options){ .batch = 2, .mode = (fv_mode)mode }),
                         FV_OK);
        for (int32_t i = 0; i < fv_plan_step_count(plan); i++) {
            const char *name = fv_plan_step(plan, i).layer;
            heads_and_losses += strcmp(name, "side") == 0 || strstr(name, "loss") || strstr(name, "entropy");
        }
        assert_int_equal(heads_and_losses > 0, mode != FV_PREDICT);
        fv_plan_destroy(plan);
    }
    fv_graph_destroy(h.graph);
    fv_context_destroy(context);
}

/* What is counted is the graph's output, whatever the heads say. */
FV_TEST(session, the_output_is_what_counts_as_an_answer)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    heads h = make_heads(context, 1, 0.3);
    fv_batch batch = test_batch(h.graph, 6, 9);
    test_run run = test_start(h.graph, &(fv_plan_options){ .batch = 6, .dtype = FV_F64 });
    fv_step_result result;
    double scores[6][4];
    int64_t correct = 0;
    assert_int_equal(fv_session_forward(run.session, &batch, &result), FV_OK);
    assert_int_equal(fv_session_read(run.session, test_node(h.graph, "fc"), scores, 24), FV_OK);
    for (int i = 0; i < 6; i++) {
        int best = 0;
        for (int k = 1; k < 4; k++)
            best = scores[i][k] > scores[i][best] ? k : best;
        correct += best == batch.classes[i];
    }
    assert_int_equal(result.correct, correct);
    test_end(&run);
    test_batch_release(&batch);
    fv_graph_destroy(h.graph);
    fv_context_destroy(context);
}

FV_TESTS(session, gradients_of_branches_match_central_differences, allocates_what_the_plan_says_and_nothing_later,
         a_short_batch_equals_a_plan_of_that_size, parts_of_a_batch_add_up, sample_weights_repeat_and_leave_out,
         bits_do_not_depend_on_threads, float32_is_near_float64, image_order_and_dtype_do_not_matter,
         each_gradient_is_announced_once_when_complete, reads_values_while_their_memory_is_theirs,
         modes_compute_the_same_output, correct_answers_are_counted_first_of_equals, correct_answers_of_soft_labels,
         bad_calls_are_named, a_value_that_is_not_finite_is_traced_to_its_layer, profile_covers_every_step,
         losses_of_several_heads_add_up, prediction_leaves_out_what_only_a_loss_needs,
         the_output_is_what_counts_as_an_answer)
