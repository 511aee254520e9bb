/* SPDX-License-Identifier: Apache-2.0
 *
 * precision_test.c - training in bf16: it learns, gives the same weights for any number of threads, goes on from a copy of the
 * weights as it would have, and takes the memory that was told; measuring in bf16 gives nearly what float32 gives.
 */
#include <math.h>
#include <string.h>

#include "support/allocator.h"
#include "train/small_run.h"

enum { IMAGES = 96, BATCH = 16 };

typedef struct run {
    fv_context *context;
    fv_graph *graph;
    fv_dataset *data;
    fv_params *params;
    fv_trainer *trainer;
} run;

static run start(int32_t threads, int32_t blocks, fv_dtype dtype)
{
    run r = { 0 };
    const fv_context_options options = { .threads = threads, .emulate_bf16 = true };
    assert_int_equal(fv_context_create(&r.context, &options), FV_OK);
    r.graph = small_graph(r.context, true);
    r.data = small_dataset(r.context, IMAGES, 1, SMALL_CLASSES, 5);
    r.params = small_params(r.graph, FV_F32);
    const fv_train_options train = { .epochs = 4,
                                     .batch = BATCH,
                                     .blocks = blocks,
                                     .schedule = { .kind = FV_SCHEDULE_CONSTANT, .rate = 0.05 },
                                     .optimizer = { .momentum = 0.9 },
                                     .dtype = dtype,
                                     .preprocess = fv_preprocess_fit(r.graph, r.data) };
    assert_int_equal(fv_trainer_create(&r.trainer, r.graph, r.params, r.data, r.data, &train), FV_OK);
    return r;
}

static void stop(run *r)
{
    fv_trainer_destroy(r->trainer);
    fv_params_destroy(r->params);
    fv_dataset_destroy(r->data);
    fv_graph_destroy(r->graph);
    fv_context_destroy(r->context);
}

static fv_epoch_record epoch(const run *r)
{
    fv_epoch_record record;
    if (fv_trainer_epoch(r->trainer, &record) != FV_OK)
        fail_msg("%s", fv_trainer_message(r->trainer));
    return record;
}

FV_TEST(precision, learns_as_float32_does)
{
    run wide = start(1, 1, FV_F32), half = start(1, 1, FV_BF16);
    fv_epoch_record a, b;
    for (int32_t i = 0; i < 4; i++) {
        a = epoch(&wide);
        b = epoch(&half);
        assert_string_not_equal(a.weights_hash, b.weights_hash);
    }
    assert_true(b.test_accuracy == 1.0 && a.test_accuracy == 1.0);
    stop(&wide);
    stop(&half);
}

FV_TEST(precision, threads_give_the_same_weights)
{
    for (int32_t blocks = 1; blocks <= 3; blocks += 2) {
        run one = start(1, blocks, FV_BF16), two = start(test_threads(2), blocks, FV_BF16);
        const fv_epoch_record a = epoch(&one), b = epoch(&two);
        assert_string_equal(a.weights_hash, b.weights_hash);
        assert_true(a.test_loss == b.test_loss);
        stop(&one);
        stop(&two);
    }
}

/* Weights are all that lasts, and they are float32: measuring from a copy of them is measuring what was trained. */
FV_TEST(precision, measuring_in_bf16_is_near_float32)
{
    run r = start(1, 1, FV_BF16);
    fv_evaluation half, wide;
    const fv_epoch_record record = epoch(&r);
    const fv_preprocess preprocess = fv_preprocess_fit(r.graph, r.data);
    fv_params *copy = NULL;
    assert_int_equal(fv_params_create(&copy, r.graph, FV_F32), FV_OK);
    assert_int_equal(fv_params_copy(copy, r.params), FV_OK);
    assert_int_equal(fv_evaluate(r.context, copy, r.data, &preprocess, BATCH, FV_BF16, &half), FV_OK);
    assert_int_equal(fv_evaluate(r.context, copy, r.data, &preprocess, BATCH, FV_F32, &wide), FV_OK);
    assert_true(half.loss == record.test_loss);
    assert_true(half.loss != wide.loss);
    assert_true(fabs(half.loss - wide.loss) < 0.02 * wide.loss); /* ten roundings of 2^-9 */
    fv_evaluation_release(r.context, &half);
    fv_evaluation_release(r.context, &wide);
    fv_params_destroy(copy);
    stop(&r);
}

/* Told before anything is made, and counted; activations take most of it, so it is clearly less than float32's. */
FV_TEST(precision, takes_the_memory_that_was_told)
{
    test_allocator counter;
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    fv_memory told, wide;
    test_allocator_reset(&counter);
    const fv_context_options context_options = { .threads = 2,
                                                 .emulate_bf16 = true,
                                                 .allocator = test_allocator_callbacks(&counter) };
    assert_int_equal(fv_context_create(&context, &context_options), FV_OK);
    assert_int_equal(fv_zoo_build(&graph, context, "cifar-resnet-20"), FV_OK);
    fv_train_options options = { .batch = 64, .optimizer = { .momentum = 0.9 } };
    assert_int_equal(fv_training_memory(graph, &options, &wide), FV_OK);
    options.dtype = FV_BF16;
    assert_int_equal(fv_training_memory(graph, &options, &told), FV_OK);
    assert_true((double)told.session < 0.65 * (double)wide.session);
    assert_int_equal(told.parameters, wide.parameters);
    fv_plan *plan = NULL;
    fv_params *params = NULL;
    fv_session *session = NULL;
    const fv_plan_options plan_options = { .batch = 64, .dtype = FV_BF16, .hand_over = true };
    assert_int_equal(fv_plan_create(&plan, graph, &plan_options), FV_OK);
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    const size_t before = atomic_load(&counter.in_use);
    assert_int_equal(fv_session_create(&session, plan, params), FV_OK);
    const size_t seen = atomic_load(&counter.in_use) - before;
    assert_true((double)seen > 0.98 * (double)told.session && (double)seen < 1.02 * (double)told.session);
    fv_session_destroy(session);
    fv_params_destroy(params);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(precision, other_dtypes_are_refused)
{
    run r = start(1, 1, FV_F32);
    fv_trainer *trainer = NULL;
    const fv_train_options options = { .dtype = FV_F64, .preprocess = fv_preprocess_fit(r.graph, r.data) };
    assert_int_equal(fv_trainer_create(&trainer, r.graph, r.params, r.data, NULL, &options), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(r.context), "f64"));
    stop(&r);
}

FV_TESTS(precision, learns_as_float32_does, threads_give_the_same_weights, measuring_in_bf16_is_near_float32,
         takes_the_memory_that_was_told, other_dtypes_are_refused)
