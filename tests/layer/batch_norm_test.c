/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm_test.c - what batch normalisation promises beyond its gradient: accuracy far from zero, running statistics, ghost
 * batches, invariance to the scale of the weights before it, and what it refuses.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "support/graphs.h"
#include "support/test.h"
#include "support/values.h"

enum { CHANNELS = 3, SIZE = 5, PIXELS = SIZE * SIZE, MOST = 8, IMAGE = CHANNELS * PIXELS };

typedef struct fixture {
    test_allocator allocator;
    fv_context *context;
    fv_graph *graph;
    fv_value normalised;
    test_run run;
    fv_optimizer *optimizer;
    double images[MOST * IMAGE];
    float values[MOST * IMAGE]; /* targets */
    fv_batch batch;
} fixture;

/* image -> batch_norm -> squares against random targets. vector: the image is a vector of IMAGE features. */
static fixture *start(fv_batch_norm_options options, fv_plan_options plan, bool vector)
{
    fixture *f = calloc(1, sizeof *f);
    const fv_input_options input = { .shape = { vector ? IMAGE : CHANNELS, vector ? 1 : SIZE, vector ? 1 : SIZE } };
    fv_value loss = FV_NO_VALUE;
    f->context = test_context(&f->allocator, 2);
    options.name = "norm";
    assert_int_equal(fv_graph_create(&f->graph, f->context, "norms"), FV_OK);
    assert_int_equal(fv_graph_add_input(f->graph, &input, &f->normalised), FV_OK);
    assert_int_equal(fv_graph_add_batch_norm(f->graph, f->normalised, &options, &f->normalised), FV_OK);
    assert_int_equal(fv_graph_add_euclidean_loss(f->graph, f->normalised, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(f->graph, f->normalised), FV_OK);
    plan.batch = MOST;
    f->run = test_start(f->graph, &plan);
    test_fill(f->images, MOST * IMAGE, 3, -1, 1);
    double targets[MOST * IMAGE];
    test_fill(targets, MOST * IMAGE, 4, -1, 1);
    for (int i = 0; i < MOST * IMAGE; i++)
        f->values[i] = (float)targets[i];
    f->batch = (fv_batch){ .n = MOST, .images = f->images, .dtype = FV_F64, .values = f->values };
    return f;
}

static void end(fixture *f)
{
    fv_optimizer_destroy(f->optimizer);
    test_end(&f->run);
    fv_graph_destroy(f->graph);
    fv_context_destroy(f->context);
    assert_int_equal(f->allocator.live, 0);
    free(f);
}

static void step(fixture *f, const fv_batch *batch)
{
    if (fv_session_step(f->run.session, batch, NULL) != FV_OK)
        fail_msg("%s", fv_session_message(f->run.session));
}

/* Mean, and variance by m-1, of channel c over samples [first, last). */
static void moments(const fixture *f, int c, int first, int last, double *mean, double *variance)
{
    const double m = (last - first) * PIXELS;
    *mean = *variance = 0;
    for (int n = first; n < last; n++)
        for (int p = 0; p < PIXELS; p++)
            *mean += f->images[n * IMAGE + c * PIXELS + p] / m;
    for (int n = first; n < last; n++)
        for (int p = 0; p < PIXELS; p++)
            *variance += pow(f->images[n * IMAGE + c * PIXELS + p] - *mean, 2) / (m - 1);
}

static double *value_of(fv_params *params, const char *name)
{
    const int32_t index = fv_params_find(params, name);
    assert_true(index >= 0);
    return fv_params_values(params, index);
}

/* Inputs rounded to float32 around 1e4: their own grid is 2^-10 wide, and the sums of a naive one-pass variance would be
 * wrong by 1e8 * 2^-24 = 6, six times the variance. Here sums are of differences from a mean of their own: with m = 200 of them
 * the variance is good to m * 2^-24 relative (Higham 2002, 4.2), and y, of magnitude 4, to some 10 roundings more. */
FV_TEST(batch_norm, is_accurate_far_from_zero)
{
    fixture *f = start((fv_batch_norm_options){ 0 }, (fv_plan_options){ .dtype = FV_F32 }, false);
    static float y[MOST * IMAGE];
    for (int i = 0; i < MOST * IMAGE; i++)
        f->images[i] = (double)(float)(1e4 + sqrt(3) * f->images[i]);
    step(f, &f->batch);
    assert_int_equal(fv_session_read(f->run.session, f->normalised, y, MOST * IMAGE), FV_OK);
    const float *weight = fv_params_values(f->run.params, 0), *bias = fv_params_values(f->run.params, 1);
    fv_params *gradients = fv_session_gradients(f->run.session);
    for (int c = 0; c < CHANNELS; c++) {
        double mean, variance;
        const double m = MOST * PIXELS;
        moments(f, c, 0, MOST, &mean, &variance);
        assert_true(variance > 0.9 && variance < 1.1);
        const float *observed = fv_params_values(gradients, fv_params_find(gradients, "norm.running_var"));
        assert_true(fabs((double)observed[c] - variance) <= m * 0x1p-24 * variance);
        const double rstd = 1 / sqrt(variance * (m - 1) / m + 1e-5);
        for (int n = 0; n < MOST; n++)
            for (int p = 0; p < PIXELS; p++) {
                const int i = n * IMAGE + c * PIXELS + p;
                const double exact = (double)weight[c] * (f->images[i] - mean) * rstd + (double)bias[c];
                assert_true(fabs((double)y[i] - exact) <= (m + 10) * 0x1p-24 * 4);
            }
    }
    end(f);
}

/* PyTorch: running = (1 - momentum) * running + momentum * observed, the variance by m-1; and nothing else, though the
 * optimizer has momentum and decay. */
FV_TEST(batch_norm, running_statistics_follow_the_rule)
{
    const double momentum = 0.3;
    const fv_optimizer_options sgd = { .momentum = 0.9, .weight_decay = 0.5 };
    fixture *f = start((fv_batch_norm_options){ .momentum = momentum }, (fv_plan_options){ .dtype = FV_F64 }, false);
    double expected[2][CHANNELS], mean, variance;
    memcpy(expected[0], value_of(f->run.params, "norm.running_mean"), sizeof expected[0]);
    memcpy(expected[1], value_of(f->run.params, "norm.running_var"), sizeof expected[1]);
    assert_int_equal(fv_optimizer_create(&f->optimizer, f->run.params, &sgd), FV_OK);
    for (int round = 0; round < 3; round++) {
        test_fill(f->images, MOST * IMAGE, 30 + (uint64_t)round, -1, 1 + round);
        step(f, &f->batch);
        assert_int_equal(fv_optimizer_update(f->optimizer, fv_session_gradients(f->run.session), 0.1), FV_OK);
        fv_session_params_changed(f->run.session);
        for (int c = 0; c < CHANNELS; c++) {
            moments(f, c, 0, MOST, &mean, &variance);
            expected[0][c] = (1 - momentum) * expected[0][c] + momentum * mean;
            expected[1][c] = (1 - momentum) * expected[1][c] + momentum * variance;
            assert_true(fabs(value_of(f->run.params, "norm.running_mean")[c] - expected[0][c]) < 1e-13);
            assert_true(fabs(value_of(f->run.params, "norm.running_var")[c] - expected[1][c]) < 1e-13);
        }
    }
    end(f);
}

/* A NaN in the batch reaches neither weights nor statistics. */
FV_TEST(batch_norm, a_bad_statistic_stops_the_update)
{
    fixture *f = start((fv_batch_norm_options){ 0 }, (fv_plan_options){ .dtype = FV_F64 }, false);
    char before[17], after[17];
    assert_int_equal(fv_optimizer_create(&f->optimizer, f->run.params, NULL), FV_OK);
    step(f, &f->batch);
    value_of(fv_session_gradients(f->run.session), "norm.running_var")[1] = (double)NAN;
    fv_params_hash(f->run.params, before);
    assert_int_equal(fv_optimizer_update(f->optimizer, fv_session_gradients(f->run.session), 0.1), FV_ERR_NUMERIC);
    assert_non_null(strstr(fv_context_message(f->context), "norm.running_var"));
    fv_params_hash(f->run.params, after);
    assert_string_equal(before, after);
    end(f);
}

/* With `ghost`, each group of images is normalised as if it were a batch of its own. */
FV_TEST(batch_norm, ghost_batches_are_batches)
{
    fixture *whole = start((fv_batch_norm_options){ .ghost = 3 }, (fv_plan_options){ .dtype = FV_F64 }, false);
    fixture *part = start((fv_batch_norm_options){ 0 }, (fv_plan_options){ .dtype = FV_F64 }, false);
    static double y[2][MOST * IMAGE];
    step(whole, &whole->batch); /* 8 images: two groups of 4 */
    assert_int_equal(fv_session_read(whole->run.session, whole->normalised, y[0], MOST * IMAGE), FV_OK);
    for (int g = 0; g < 2; g++) {
        fv_batch half = part->batch;
        half.n = MOST / 2;
        half.images = part->images + g * MOST / 2 * IMAGE;
        half.values = part->values + g * MOST / 2 * IMAGE;
        step(part, &half);
        assert_int_equal(fv_session_read(part->run.session, part->normalised, y[1], MOST * IMAGE), FV_OK);
        assert_memory_equal(y[1], y[0] + g * MOST / 2 * IMAGE, sizeof y[0] / 2);
    }
    for (int c = 0; c < CHANNELS; c++) {
        double mean[2], variance[2];
        moments(whole, c, 0, 4, &mean[0], &variance[0]);
        moments(whole, c, 4, 8, &mean[1], &variance[1]);
        fv_params *observed = fv_session_gradients(whole->run.session);
        assert_true(fabs(value_of(observed, "norm.running_mean")[c] - (mean[0] + mean[1]) / 2) < 1e-14);
        assert_true(fabs(value_of(observed, "norm.running_var")[c] - (variance[0] + variance[1]) / 2) < 1e-13);
    }
    end(whole);
    end(part);
}

/* In blocks of 2, 2, 2 and 1 images the statistics are the mean of the blocks', weighted by their images. */
FV_TEST(batch_norm, blocks_give_the_weighted_mean)
{
    fixture *f = start((fv_batch_norm_options){ 0 }, (fv_plan_options){ .dtype = FV_F64 }, false);
    static const int first[] = { 0, 1, 3, 5, 7 }; /* 7 * b / 4 */
    fv_params *sum = NULL;
    fv_blocks *blocks = NULL;
    f->batch.n = 7;
    assert_int_equal(fv_params_create(&sum, f->graph, FV_F64), FV_OK);
    assert_int_equal(fv_blocks_create(&blocks, f->run.session, 4), FV_OK);
    assert_int_equal(fv_blocks_gradients(blocks, &f->batch, 0, 4, 7, sum, NULL), FV_OK);
    for (int c = 0; c < CHANNELS; c++) {
        double expected[2] = { 0 };
        for (int b = 0; b < 4; b++) {
            double mean, variance;
            moments(f, c, first[b], first[b + 1], &mean, &variance);
            expected[0] += mean * (first[b + 1] - first[b]) / 7;
            expected[1] += variance * (first[b + 1] - first[b]) / 7;
        }
        assert_true(fabs(value_of(sum, "norm.running_mean")[c] - expected[0]) < 1e-14);
        assert_true(fabs(value_of(sum, "norm.running_var")[c] - expected[1]) < 1e-13);
    }
    fv_blocks_destroy(blocks);
    fv_params_destroy(sum);
    end(f);
}

FV_TEST(batch_norm, one_value_is_refused_in_training_only)
{
    fixture *f = start((fv_batch_norm_options){ 0 }, (fv_plan_options){ .dtype = FV_F32 }, true);
    f->batch.n = 1;
    assert_int_equal(fv_session_step(f->run.session, &f->batch, NULL), FV_ERR_SHAPE);
    assert_non_null(strstr(fv_session_message(f->run.session), "'norm'"));
    assert_non_null(strstr(fv_session_message(f->run.session), "one value"));
    fv_session_set_training(f->run.session, false);
    step(f, &f->batch);
    end(f);
    f = start((fv_batch_norm_options){ .ghost = 1 }, (fv_plan_options){ .dtype = FV_F32 }, true);
    assert_int_equal(fv_session_step(f->run.session, &f->batch, NULL), FV_ERR_SHAPE);
    end(f);
    f = start((fv_batch_norm_options){ 0 }, (fv_plan_options){ .dtype = FV_F32 }, false);
    f->batch.n = 1; /* 25 values for each channel */
    step(f, &f->batch);
    end(f);
}

/* The inference form by its formula, in a plan that predicts and in one that trains but was told not to; its statistics stay. */
static void check_inference(fixture *f, bool update)
{
    static double y[MOST * IMAGE];
    if (update)
        fv_session_set_training(f->run.session, false);
    fv_batch batch = f->batch;
    batch.values = update ? f->values : NULL;
    batch.n = 1;
    assert_int_equal(fv_session_forward(f->run.session, &batch, NULL), FV_OK);
    assert_int_equal(fv_session_read(f->run.session, f->normalised, y, IMAGE), FV_OK);
    const double *w = value_of(f->run.params, "norm.weight"), *b = value_of(f->run.params, "norm.bias");
    const double *mean = value_of(f->run.params, "norm.running_mean"),
                 *var = value_of(f->run.params, "norm.running_var");
    for (int i = 0; i < IMAGE; i++) {
        const int c = i / PIXELS;
        assert_true(fabs(y[i] - (w[c] * (f->images[i] - mean[c]) / sqrt(var[c] + 1e-5) + b[c])) < 1e-14);
    }
    if (!update)
        return;
    double before[CHANNELS];
    memcpy(before, mean, sizeof before);
    assert_int_equal(fv_session_backward(f->run.session, 1), FV_OK);
    assert_int_equal(fv_optimizer_create(&f->optimizer, f->run.params, NULL), FV_OK);
    assert_int_equal(fv_optimizer_update(f->optimizer, fv_session_gradients(f->run.session), 0.1), FV_OK);
    assert_memory_equal(before, value_of(f->run.params, "norm.running_mean"), sizeof before);
}

FV_TEST(batch_norm, inference_uses_running_statistics)
{
    fixture *f = start((fv_batch_norm_options){ 0 }, (fv_plan_options){ .dtype = FV_F64, .mode = FV_PREDICT }, false);
    check_inference(f, false);
    end(f);
    f = start((fv_batch_norm_options){ 0 }, (fv_plan_options){ .dtype = FV_F64 }, false);
    check_inference(f, true);
    end(f);
}

/* image -> conv without bias -> batch_norm -> loss: BN(aWx) = BN(Wx) for a > 0 (Ioffe & Szegedy 2015, section 3.3), hence
 * <W, dL/dW> = 0 for each filter: the loss does not change along W. epsilon spoils both by epsilon / variance, here 1e-12. */
FV_TEST(batch_norm, the_scale_of_the_weights_does_not_matter)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = NULL;
    fv_value x = FV_NO_VALUE, loss = FV_NO_VALUE;
    const fv_conv2d_options conv = { .name = "conv", .filters = 4, .kernel = { 3, 3 } };
    const fv_batch_norm_options norm = { .epsilon = 1e-12 };
    const fv_plan_options plan = { .batch = 6, .dtype = FV_F64 };
    fv_step_result first, second;
    assert_int_equal(fv_graph_create(&graph, context, "scales"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 2, 6, 6 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_conv2d_batch_norm(graph, x, &conv, &norm, &x), FV_OK);
    assert_int_equal(fv_graph_add_relu(graph, x, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .units = 3 }, &x), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, x, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    test_run run = test_start(graph, &plan);
    assert_int_equal(fv_params_find(run.params, "conv.bias"), -1);
    fv_batch batch = test_batch(graph, 6, 5);
    assert_int_equal(fv_session_step(run.session, &batch, &first), FV_OK);
    double *w = value_of(run.params, "conv.weight"), *dw = value_of(fv_session_gradients(run.session), "conv.weight");
    for (int k = 0; k < 4; k++) {
        double product = 0, magnitude = 0;
        for (int i = 18 * k; i < 18 * (k + 1); i++) {
            product += w[i] * dw[i];
            magnitude += fabs(w[i] * dw[i]);
        }
        assert_true(magnitude > 1e-4);
        assert_true(fabs(product) < 1e-10 * magnitude);
    }
    for (int i = 0; i < 4 * 18; i++)
        w[i] *= i / 18 == 2 ? 0.25 : 7.0;
    fv_session_params_changed(run.session);
    assert_int_equal(fv_session_forward(run.session, &batch, &second), FV_OK);
    assert_true(fabs(first.loss - second.loss) < 1e-10 * fabs(first.loss));
    test_batch_release(&batch);
    test_end(&run);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

FV_TEST(batch_norm, statistics_are_hashed_and_not_counted_as_trainable)
{
    fixture *f = start((fv_batch_norm_options){ 0 }, (fv_plan_options){ .dtype = FV_F64 }, false);
    char before[17], after[17];
    assert_int_equal(fv_graph_parameters(f->graph), 2 * CHANNELS);
    assert_int_equal(fv_params_count(f->run.params), 4);
    fv_params_hash(f->run.params, before);
    value_of(f->run.params, "norm.running_var")[2] += 1;
    fv_params_hash(f->run.params, after);
    assert_string_not_equal(before, after);
    end(f);
}

FV_TEST(batch_norm, initial_statistics_are_zero_and_one)
{
    fixture *f = start((fv_batch_norm_options){ 0 }, (fv_plan_options){ .dtype = FV_F64 }, false);
    fv_params_initialize(f->run.params, 1);
    for (int c = 0; c < CHANNELS; c++) {
        assert_true(value_of(f->run.params, "norm.weight")[c] == 1 && value_of(f->run.params, "norm.bias")[c] == 0);
        assert_true(value_of(f->run.params, "norm.running_mean")[c] == 0);
        assert_true(value_of(f->run.params, "norm.running_var")[c] == 1);
    }
    for (int32_t i = 0; i < 4; i++)
        assert_false(fv_params_info(f->run.params, i).decayed);
    end(f);
}

FV_TESTS(batch_norm, is_accurate_far_from_zero, running_statistics_follow_the_rule, a_bad_statistic_stops_the_update,
         ghost_batches_are_batches, blocks_give_the_weighted_mean, one_value_is_refused_in_training_only,
         inference_uses_running_statistics, the_scale_of_the_weights_does_not_matter,
         statistics_are_hashed_and_not_counted_as_trainable, initial_statistics_are_zero_and_one)
