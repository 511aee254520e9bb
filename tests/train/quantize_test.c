/* SPDX-License-Identifier: Apache-2.0
 *
 * quantize_test.c - networks in 8 bits: every way of storing a value, against float32, the same bits for any number of threads and
 * with or without fusing; what is refused.
 */
#include "fovea/quantize.h"

#include <math.h>
#include <string.h>

#include "support/graphs.h"
#include "train/small_run.h"

enum { IMAGES = 40, BATCH = 7 };

static fv_value add(fv_graph *graph, const char *type, fv_value x, const void *options)
{
    return test_add(graph, type, &x, 1, options);
}

/* A chain and its activation, a residual sum, two readers of one value, a join in place and one that is not, maximum and average pooling, groups,
 * depthwise, a flattened image in front of the dense layer. */
static fv_graph *branches(fv_context *context)
{
    const fv_conv2d_options
        stem = { .name = "stem", .filters = 12, .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } },
        inner = { .name = "inner", .filters = 12, .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } },
        narrow = { .name = "narrow", .filters = 9 },
        grouped = { .name = "grouped", .filters = 6, .kernel = { 3, 3 }, .groups = 3, .pad = { 1, 1, 1, 1 } },
        deep = { .name = "deep", .filters = 15, .kernel = { 3, 3 }, .groups = 15, .pad = { 1, 1, 1, 1 } },
        last = { .name = "last", .filters = 10 };
    const fv_pool2d_options pool = { .name = "pool", .kernel = { 2, 2 } }, mean = { .kernel = { 2, 2 } };
    const fv_dense_options fc = { .name = "fc", .units = SMALL_CLASSES };
    fv_value image = FV_NO_VALUE;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 1, SMALL_SIZE, SMALL_SIZE }, &image);
    const fv_value a = add(graph, "relu", add(graph, "conv2d", image, &stem), NULL);
    const fv_value b = add(graph, "conv2d", a, &inner);
    const fv_value sum = add(graph, "relu", test_add(graph, "add", (fv_value[]){ b, a }, 2, NULL), NULL);
    const fv_value pooled = add(graph, "max_pool2d", sum, &pool);
    const fv_value left = add(graph, "relu", add(graph, "conv2d", pooled, &narrow), NULL);
    const fv_value right = add(graph, "tanh", add(graph, "conv2d", left, &grouped), NULL);
    const fv_value join = test_add(graph, "concat", (fv_value[]){ left, right }, 2, NULL);
    const fv_value d = add(graph, "relu6", add(graph, "conv2d", join, &deep), NULL);
    const fv_value means = add(graph, "average_pool2d", add(graph, "conv2d", d, &last), &mean);
    const fv_value scores = add(graph, "dense", add(graph, "flatten", means, NULL), &fc);
    assert_int_equal(fv_graph_finish(graph, scores), FV_OK);
    return graph;
}

static fv_preprocess plain(void)
{
    return (fv_preprocess){
        .input = { 1, SMALL_SIZE, SMALL_SIZE }, .mean = { 0.2 }, .deviation = { 0.3 }, .classes = SMALL_CLASSES
    };
}

static void images(fv_context *context, const fv_dataset *dataset, float *out)
{
    const fv_preprocess preprocess = plain();
    for (int32_t i = 0; i < BATCH; i++)
        assert_int_equal(fv_preprocess_image(context, &preprocess, fv_dataset_image(dataset, i), preprocess.input,
                                             out + i * SMALL_SIZE * SMALL_SIZE),
                         FV_OK);
}

/* The scores of BATCH images. */
static void run(fv_params *params, fv_plan_options options, const float *given, float *scores)
{
    const fv_graph *graph = fv_params_graph(params);
    const fv_batch batch = { .n = BATCH, .images = given, .order = FV_NHWC };
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    options.batch = BATCH;
    options.mode = FV_PREDICT;
    if (fv_plan_create(&plan, graph, &options) != FV_OK)
        fail_msg("%s", fv_context_message(fv_graph_context(graph)));
    assert_int_equal(fv_session_create(&session, plan, params), FV_OK);
    assert_int_equal(fv_session_forward(session, &batch, NULL), FV_OK);
    assert_int_equal(fv_session_read(session, fv_graph_output(graph), scores, BATCH * SMALL_CLASSES), FV_OK);
    fv_session_destroy(session);
    fv_plan_destroy(plan);
}

/* Decibels; more than 12 values and as many sets of weights are rounded on the way, each at about 40 dB (256 steps over a range of
 * 8 deviations), whose noises add up; twice as many at the worst, and 3 dB for layers that shrink what they are given. */
static void check_signal(const float *exact, const float *found)
{
    const double least = 40 - 10 * log10(4 * 12.0) - 3;
    double signal = 0, noise = 0;
    for (int i = 0; i < BATCH * SMALL_CLASSES; i++) {
        signal += (double)exact[i] * (double)exact[i];
        noise += ((double)exact[i] - (double)found[i]) * ((double)exact[i] - (double)found[i]);
    }
    assert_true(noise > 0);
    if (10 * log10(signal / noise) < least)
        fail_msg("signal to noise %.1f dB, at least %.1f are expected", 10 * log10(signal / noise), least);
}

FV_TEST(quantize, eight_bits_are_near_float32_and_the_same_for_any_plan)
{
    float given[BATCH * SMALL_SIZE * SMALL_SIZE], exact[BATCH * SMALL_CLASSES], scores[BATCH * SMALL_CLASSES],
        other[BATCH * SMALL_CLASSES];
    const fv_preprocess preprocess = plain();
    for (int method = 0; method <= FV_QUANTIZE_MIN_MAX; method++) {
        for (int32_t threads = 1; threads <= 3; threads += 2) {
            fv_context *context = small_context(test_threads(threads));
            fv_graph *graph = branches(context);
            fv_dataset *dataset = small_dataset(context, IMAGES, 1, SMALL_CLASSES, 5);
            fv_params *params = small_params(graph, FV_F32);
            const fv_quantize_options options = { .method = (fv_quantize_method)method,
                                                  .images = 33,
                                                  .batch = BATCH,
                                                  .per_tensor = method == FV_QUANTIZE_MIN_MAX };
            images(context, dataset, given);
            run(params, (fv_plan_options){ 0 }, given, exact);
            if (fv_quantize(params, dataset, &preprocess, &options) != FV_OK)
                fail_msg("%s", fv_context_message(context));
            run(params, (fv_plan_options){ .dtype = FV_I8 }, given, threads == 1 ? scores : other);
            if (threads > 1)
                assert_memory_equal(scores, other, sizeof scores);
            check_signal(exact, scores);
            run(params, (fv_plan_options){ .dtype = FV_I8, .no_fusion = true }, given, other);
            assert_memory_equal(scores, other, sizeof scores);
            fv_params_destroy(params);
            fv_dataset_destroy(dataset);
            fv_graph_destroy(graph);
            fv_context_destroy(context);
        }
    }
}

/* What moves values has its input's scale, so that the bytes need no work. */
FV_TEST(quantize, a_pooling_has_the_scale_of_its_input)
{
    fv_context *context = small_context(1);
    fv_graph *graph = branches(context);
    fv_dataset *dataset = small_dataset(context, IMAGES, 1, SMALL_CLASSES, 5);
    fv_params *params = small_params(graph, FV_F32);
    const fv_preprocess preprocess = plain();
    assert_int_equal(fv_quantize(params, dataset, &preprocess, NULL), FV_OK);
    const fv_quantized pool = fv_graph_quantized(graph, test_node(graph, "pool")),
                       relu = fv_graph_quantized(graph, test_node(graph, "relu2")),
                       fc = fv_graph_quantized(graph, test_node(graph, "fc"));
    assert_true(pool.scale > 0 && pool.scale == relu.scale && pool.zero_point == 0);
    assert_true(fc.scale == 0 && fc.outputs == SMALL_CLASSES && fc.weight_scale != NULL);
    assert_true(fv_graph_is_quantized(graph));
    fv_params_destroy(params);
    fv_dataset_destroy(dataset);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(quantize, a_comparison_tells_accuracy_noise_and_size)
{
    fv_context *context = small_context(1);
    fv_graph *graph[2] = { branches(context), branches(context) };
    fv_dataset *dataset = small_dataset(context, IMAGES, 1, SMALL_CLASSES, 5);
    fv_params *params[2] = { small_params(graph[0], FV_F32), small_params(graph[1], FV_F32) };
    const fv_preprocess preprocess = plain();
    fv_quantize_report report;
    assert_int_equal(fv_quantize(params[1], dataset, &preprocess, NULL), FV_OK);
    if (fv_quantize_compare(&report, params[0], params[1], dataset, &preprocess,
                            &(fv_quantize_measuring){ .seconds = 0.001, .images = 9, .batch = 4 }) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    assert_int_equal(report.samples, IMAGES);
    assert_int_equal(report.layers, 7);
    assert_int_equal(report.batch, 4);
    for (int32_t i = 0; i < report.layers; i++)
        assert_true(report.layer[i].signal > 15 && report.layer[i].signal < 70);
    assert_true(report.bytes[1] < report.bytes[0] && report.bytes[0] == 4 * (size_t)fv_graph_parameters(graph[0]));
    for (int i = 0; i < 2; i++)
        assert_true(report.seconds[i] > 0 && report.accuracy[i] >= 0 && report.loss[i] > 0);
    assert_true(fabs(report.loss[0] - report.loss[1]) < 0.1);
    fv_quantize_report_release(context, &report);
    fv_graph *small = small_graph(context, false);
    fv_params *others = small_params(small, FV_F32);
    assert_int_equal(fv_quantize_compare(&report, params[0], others, dataset, &preprocess, NULL), FV_ERR_ARGUMENT);
    fv_params_destroy(others);
    fv_graph_destroy(small);
    for (int i = 0; i < 2; i++) {
        fv_params_destroy(params[i]);
        fv_graph_destroy(graph[i]);
    }
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
}

FV_TEST(quantize, what_cannot_be_is_refused)
{
    fv_context *context = small_context(1);
    fv_graph *graph = small_graph(context, true);
    fv_dataset *dataset = small_dataset(context, IMAGES, 1, SMALL_CLASSES, 5);
    fv_params *params = small_params(graph, FV_F32);
    const fv_preprocess preprocess = plain();
    fv_plan *plan = NULL;
    const float scales[6] = { 1, 1, NAN, 1, 1, 1 }, good[6] = { 1, 1, 1, 1, 1, 1 };
    const fv_quantized wrong[] = { { .scale = NAN },
                                   { .scale = -1 },
                                   { .scale = INFINITY },
                                   { .scale = 1, .zero_point = 256 },
                                   { .scale = 1, .weight_scale = scales, .outputs = 6 },
                                   { .scale = 1, .weight_scale = good, .outputs = 5 } };
    assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .dtype = FV_I8, .mode = FV_PREDICT }),
                     FV_ERR_ARGUMENT);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(fv_graph_set_quantized(graph, 1, &wrong[i]), FV_ERR_ARGUMENT);
    assert_int_equal(fv_graph_set_quantized(graph, 2, &(fv_quantized){ .weight_scale = good, .outputs = 6 }),
                     FV_ERR_ARGUMENT); /* a ReLU */
    assert_int_equal(fv_graph_set_quantized(graph, 99, &(fv_quantized){ .scale = 1 }), FV_ERR_ARGUMENT);
    assert_false(fv_graph_is_quantized(graph));
    ((float *)fv_params_values(params, 0))[3] = NAN;
    assert_int_equal(fv_quantize(params, dataset, &preprocess, NULL), FV_ERR_NUMERIC);
    ((float *)fv_params_values(params, 0))[3] = 0;
    assert_int_equal(fv_quantize(params, dataset, &preprocess, &(fv_quantize_options){ .percentile = 101 }),
                     FV_ERR_ARGUMENT);
    assert_int_equal(fv_quantize(params, dataset, &preprocess, NULL), FV_OK);
    assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .dtype = FV_I8 }), FV_ERR_ARGUMENT);
    assert_int_equal(fv_plan_create(&plan, graph, NULL), FV_ERR_ARGUMENT); /* it does not learn any more */
    fv_params_destroy(params);
    fv_dataset_destroy(dataset);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(quantize, eight_bits_are_near_float32_and_the_same_for_any_plan, a_pooling_has_the_scale_of_its_input,
         a_comparison_tells_accuracy_noise_and_size, what_cannot_be_is_refused)
