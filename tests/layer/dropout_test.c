/* SPDX-License-Identifier: Apache-2.0
 *
 * dropout_test.c - what masks depend on and what not, how many values they keep, and that both forms agree in expectation.
 */
#include <math.h>
#include <string.h>

#include "support/graphs.h"
#include "support/test.h"

enum { CHANNELS = 4, SIZE = 5, PIXELS = SIZE * SIZE, IMAGE = CHANNELS * PIXELS, SAMPLES = 12 };

typedef struct fixture {
    test_allocator allocator;
    fv_context *context;
    fv_graph *graph;
    fv_value dropped;
    test_run run;
    double images[SAMPLES * IMAGE];
    float values[SAMPLES * IMAGE];
    uint64_t samples[SAMPLES];
    fv_batch batch;
} fixture;

/* image (all ones) -> dropout 'name' -> squares against 0. */
static fixture *start(const char *name, fv_dropout_options options, int32_t threads)
{
    fixture *f = calloc(1, sizeof *f);
    const fv_plan_options plan = { .batch = SAMPLES, .dtype = FV_F64, .input_gradient = true };
    fv_value loss = FV_NO_VALUE;
    f->context = test_context(&f->allocator, threads);
    options.name = name;
    assert_int_equal(fv_graph_create(&f->graph, f->context, "drops"), FV_OK);
    assert_int_equal(
        fv_graph_add_input(f->graph, &(fv_input_options){ .shape = { CHANNELS, SIZE, SIZE } }, &f->dropped), FV_OK);
    assert_int_equal(fv_graph_add_dropout(f->graph, f->dropped, &options, &f->dropped), FV_OK);
    assert_int_equal(fv_graph_add_euclidean_loss(f->graph, f->dropped, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(f->graph, f->dropped), FV_OK);
    f->run = test_start(f->graph, &plan);
    for (int i = 0; i < SAMPLES * IMAGE; i++)
        f->images[i] = 1;
    for (int i = 0; i < SAMPLES; i++)
        f->samples[i] = (uint64_t)(i * 7 + 3);
    f->batch =
        (fv_batch){ .n = SAMPLES, .images = f->images, .dtype = FV_F64, .values = f->values, .samples = f->samples };
    return f;
}

static void end(fixture *f)
{
    test_end(&f->run);
    fv_graph_destroy(f->graph);
    fv_context_destroy(f->context);
    assert_int_equal(f->allocator.live, 0);
    free(f);
}

/* Forward; y (n*IMAGE) is what came out. */
static void run(fixture *f, const fv_batch *batch, double *y)
{
    if (fv_session_forward(f->run.session, batch, NULL) != FV_OK)
        fail_msg("%s", fv_session_message(f->run.session));
    assert_int_equal(fv_session_read(f->run.session, f->dropped, y, SAMPLES * IMAGE), FV_OK);
}

static const fv_dropout_options half = { .drop = 0.5 };

FV_TEST(dropout, masks_do_not_depend_on_threads)
{
    static double expected[SAMPLES * IMAGE], y[SAMPLES * IMAGE];
    for (int32_t threads = 1; threads <= test_threads(4); threads++) {
        fixture *f = start("drop", half, threads);
        run(f, &f->batch, threads == 1 ? expected : y);
        if (threads > 1)
            assert_memory_equal(y, expected, sizeof y);
        end(f);
    }
}

/* Any cut of the batch, any order, explicit numbers or counted ones: a sample's mask stays. */
FV_TEST(dropout, masks_belong_to_samples)
{
    static double whole[SAMPLES * IMAGE], y[SAMPLES * IMAGE];
    fixture *f = start("drop", half, 2);
    run(f, &f->batch, whole);
    for (int cut = 1; cut < SAMPLES; cut++) {
        fv_batch part = f->batch;
        part.n = SAMPLES - cut;
        part.samples = f->samples + cut;
        run(f, &part, y);
        assert_memory_equal(y, whole + cut * IMAGE, sizeof(double) * (size_t)part.n * IMAGE);
    }
    fv_batch counted = f->batch;
    counted.samples = NULL;
    counted.first_sample = f->samples[5];
    run(f, &counted, y);
    assert_memory_equal(y, whole + 5 * IMAGE, sizeof(double) * IMAGE);
    assert_memory_equal(y + 7 * IMAGE, whole + 6 * IMAGE, sizeof(double) * IMAGE); /* numbers 38 + 7 */
    end(f);
}

/* Gradients of a batch in blocks come from the masks of the whole batch: dx = 2/n * y * mask, read through the input's. */
FV_TEST(dropout, blocks_draw_the_same_masks)
{
    static double y[SAMPLES * IMAGE];
    fixture *f = start("drop", half, 2);
    fv_step_result whole, sum;
    fv_params *gradients = NULL;
    run(f, &f->batch, y);
    assert_int_equal(fv_session_forward(f->run.session, &f->batch, &whole), FV_OK);
    assert_int_equal(fv_params_create(&gradients, f->graph, FV_F64), FV_OK);
    for (int32_t count = 1; count <= SAMPLES; count++) {
        fv_blocks *blocks = NULL;
        assert_int_equal(fv_blocks_create(&blocks, f->run.session, count), FV_OK);
        assert_int_equal(fv_blocks_gradients(blocks, &f->batch, 0, count, SAMPLES, gradients, &sum), FV_OK);
        assert_true(sum.loss == whole.loss); /* a sum of fours: exact */
        fv_blocks_destroy(blocks);
    }
    fv_params_destroy(gradients);
    end(f);
}

FV_TEST(dropout, seed_epoch_sample_and_name_change_the_mask)
{
    static double first[SAMPLES * IMAGE], y[SAMPLES * IMAGE];
    fixture *f = start("drop", half, 1);
    run(f, &f->batch, first);
    assert_memory_not_equal(first, first + IMAGE, sizeof(double) * IMAGE);
    fv_batch later = f->batch;
    later.epoch = 1;
    run(f, &later, y);
    assert_memory_not_equal(y, first, sizeof(double) * IMAGE);
    fv_session_set_seed(f->run.session, 8);
    run(f, &f->batch, y);
    assert_memory_not_equal(y, first, sizeof(double) * IMAGE);
    end(f);
    f = start("other", half, 1);
    run(f, &f->batch, y);
    assert_memory_not_equal(y, first, sizeof(double) * IMAGE);
    end(f);
}

/* k kept of N draws lies within 5 deviations of N(1-p) but once in two million; draws are fixed, so this holds or not for good. */
static void check_rate(double drop, bool channels, int epochs)
{
    static double y[SAMPLES * IMAGE];
    fixture *f = start("drop", (fv_dropout_options){ .drop = drop, .channels = channels }, 1);
    const double keep = 1 - drop, draws = (double)epochs * SAMPLES * (channels ? CHANNELS : IMAGE);
    double kept = 0;
    for (int epoch = 0; epoch < epochs; epoch++) {
        f->batch.epoch = (uint64_t)epoch;
        run(f, &f->batch, y);
        for (int i = 0; i < SAMPLES * IMAGE; i++) {
            assert_true(y[i] == 0 || y[i] == 1 / keep);
            if (channels)
                assert_true(y[i] == y[i - i % PIXELS]);
            kept += (y[i] != 0) / (double)(channels ? PIXELS : 1);
        }
    }
    assert_true(fabs(kept - draws * keep) <= 5 * sqrt(draws * keep * drop));
    end(f);
}

FV_TEST(dropout, keeps_as_many_as_it_should)
{
    check_rate(0.5, false, 50);
    check_rate(0.1, false, 50);
    check_rate(0.8, false, 50);
    check_rate(0.4, true, 200);
}

FV_TEST(dropout, zero_and_inference_do_nothing)
{
    static double y[SAMPLES * IMAGE];
    fixture *f = start("drop", (fv_dropout_options){ 0 }, 1);
    run(f, &f->batch, y);
    assert_memory_equal(y, f->images, sizeof y);
    end(f);
    f = start("drop", half, 1);
    fv_session_set_training(f->run.session, false);
    run(f, &f->batch, y);
    assert_memory_equal(y, f->images, sizeof y);
    end(f);
}

/* The mean of N masks of ones: inverted 1 +- 5 sqrt(p/(1-p)/N), classic 1-p +- 5 sqrt(p(1-p)/N); classic at inference 1-p. */
FV_TEST(dropout, both_forms_agree_in_expectation)
{
    static double y[SAMPLES * IMAGE];
    const double drop = 0.3, draws = 40.0 * SAMPLES * IMAGE;
    for (int classic = 0; classic <= 1; classic++) {
        fixture *f = start("drop", (fv_dropout_options){ .drop = drop, .classic = classic != 0 }, 1);
        double mean = 0;
        for (int epoch = 0; epoch < 40; epoch++) {
            f->batch.epoch = (uint64_t)epoch;
            run(f, &f->batch, y);
            for (int i = 0; i < SAMPLES * IMAGE; i++)
                mean += y[i] / draws;
        }
        fv_session_set_training(f->run.session, false);
        run(f, &f->batch, y);
        assert_true(y[0] == (classic ? 1 - drop : 1));
        const double deviation = sqrt(drop * (1 - drop) / draws) / (classic ? 1 : 1 - drop);
        assert_true(fabs(mean - y[0]) <= 5 * deviation);
        end(f);
    }
}

/* Backward draws the mask that forward drew. */
FV_TEST(dropout, backward_uses_the_mask_of_forward)
{
    static double y[SAMPLES * IMAGE], dx[SAMPLES * IMAGE];
    fixture *f = start("drop", half, 2);
    f->batch.epoch = 5;
    assert_int_equal(fv_session_step(f->run.session, &f->batch, NULL), FV_OK);
    assert_int_equal(fv_session_read_input_gradient(f->run.session, dx, SAMPLES * IMAGE), FV_OK);
    run(f, &f->batch, y);
    for (int i = 0; i < SAMPLES * IMAGE; i++)
        assert_true(fabs(dx[i] - 2 * y[i] * (y[i] != 0 ? 2 : 0) / SAMPLES) < 1e-15);
    end(f);
}

FV_TESTS(dropout, masks_do_not_depend_on_threads, masks_belong_to_samples, blocks_draw_the_same_masks,
         seed_epoch_sample_and_name_change_the_mask, keeps_as_many_as_it_should, zero_and_inference_do_nothing,
         both_forms_agree_in_expectation, backward_uses_the_mask_of_forward)
