/* SPDX-License-Identifier: Apache-2.0
 *
 * fuse_test.c - steps that compute a chain of nodes: which chains they take, which they must not, and that results, all
 * gradients and statistics are those of the same graph with a step for each node.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"
#include "support/graphs.h"
#include "support/test.h"
#include "support/values.h"

enum { CLASSES = 3, IMAGES = 3 };

static fv_value one(fv_graph *graph, const char *type, fv_value x)
{
    return test_add(graph, type, &x, 1, NULL);
}

static fv_value sum(fv_graph *graph, fv_value a, fv_value b)
{
    return test_add(graph, "add", (fv_value[]){ a, b }, 2, NULL);
}

static fv_value convolve(fv_graph *graph, fv_value x, int32_t filters, int32_t kernel, int32_t stride, int32_t groups)
{
    const int32_t p = kernel / 2;
    const fv_conv2d_options options = { .filters = filters,
                                        .kernel = { kernel, kernel },
                                        .stride = { stride, stride },
                                        .pad = { p, p, p, p },
                                        .groups = groups };
    return test_add(graph, "conv2d", &x, 1, &options);
}

static void finish(fv_graph *graph, fv_value x)
{
    const fv_value pooled = one(graph, "global_average_pool", x);
    const fv_value scores = test_add(graph, "dense", &pooled, 1, &(fv_dense_options){ .units = CLASSES });
    one(graph, "softmax_cross_entropy", scores);
    assert_int_equal(fv_graph_finish(graph, scores), FV_OK);
}

/* An identity shortcut, and one with a projection and a normalisation of its own. */
static fv_graph *residual(fv_context *context)
{
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 3, 9, 7 }, &image);
    const fv_value x = one(graph, "relu", one(graph, "batch_norm", convolve(graph, image, 5, 3, 1, 1)));
    const fv_value a = one(graph, "relu", one(graph, "batch_norm", convolve(graph, x, 5, 3, 1, 1)));
    const fv_value b = one(graph, "batch_norm", convolve(graph, a, 5, 3, 1, 1));
    const fv_value y = one(graph, "relu", sum(graph, b, x));
    const fv_value c = one(graph, "batch_norm", convolve(graph, y, 13, 3, 2, 1));
    const fv_value d = one(graph, "batch_norm", convolve(graph, y, 13, 1, 2, 1));
    finish(graph, one(graph, "relu", sum(graph, c, d)));
    return graph;
}

/* Activations before convolutions; sums without an activation; a summand that comes later than what is added to. */
static fv_graph *before_activation(fv_context *context)
{
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 2, 7, 9 }, &image);
    fv_value x = convolve(graph, image, 11, 3, 1, 1);
    for (int block = 0; block < 2; block++) {
        const fv_value a = one(graph, "elu", one(graph, "batch_norm", x));
        const fv_value b = one(graph, "tanh", one(graph, "batch_norm", convolve(graph, a, 11, 3, 1, 11)));
        x = sum(graph, convolve(graph, b, 11, 1, 1, 1), x);
    }
    const fv_value y = one(graph, "batch_norm", x);
    const fv_value late = one(graph, "tanh", convolve(graph, x, 11, 1, 1, 1));
    finish(graph, one(graph, "sigmoid", sum(graph, y, late)));
    return graph;
}

/* A dense block with its transition. */
static fv_graph *growing(fv_context *context)
{
    fv_value image, block[4];
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 3, 8, 5 }, &image);
    block[0] = convolve(graph, image, 6, 3, 1, 1);
    for (int32_t layer = 1; layer < 4; layer++) {
        const fv_value all = layer == 1 ? block[0] : test_add(graph, "concat", block, layer, NULL);
        const fv_value a = one(graph, "relu", one(graph, "batch_norm", all));
        const fv_value b = one(graph, "relu", one(graph, "batch_norm", convolve(graph, a, 7, 1, 1, 1)));
        block[layer] = convolve(graph, b, 3, 3, 1, 1);
    }
    finish(graph, one(graph, "relu", one(graph, "batch_norm", test_add(graph, "concat", block, 4, NULL))));
    return graph;
}

/* Convolutions and dense layers right before activations, two of them in slices of a concatenation; normalised vectors. */
static fv_graph *plain(fv_context *context)
{
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 1, 12, 11 }, &image);
    const fv_value a = one(graph, "relu", convolve(graph, image, 6, 5, 1, 1));
    const fv_value b = one(graph, "relu", convolve(graph, a, 5, 3, 2, 1));
    const fv_value c = one(graph, "leaky_relu", convolve(graph, a, 4, 1, 2, 2));
    const fv_value d = test_add(graph, "concat", (fv_value[]){ b, c }, 2, NULL);
    const fv_value s = one(graph, "silu", one(graph, "batch_norm", convolve(graph, d, 5, 1, 1, 1)));
    const fv_value e = one(graph, "gelu", one(graph, "batch_norm", convolve(graph, s, 8, 3, 1, 1)));
    const fv_value f = one(graph, "flatten", e);
    const fv_value g = one(graph, "tanh", test_add(graph, "dense", &f, 1, &(fv_dense_options){ .units = 17 }));
    const fv_value h = test_add(graph, "dense", &g, 1, &(fv_dense_options){ .units = 9, .no_bias = true });
    const fv_value i = one(graph, "relu", one(graph, "batch_norm", h));
    const fv_value scores = test_add(graph, "dense", &i, 1, &(fv_dense_options){ .units = CLASSES });
    one(graph, "softmax_cross_entropy", scores);
    assert_int_equal(fv_graph_finish(graph, scores), FV_OK);
    return graph;
}

/* Normalised dense layers that are wide enough to be computed from their weights as they lie. */
static fv_graph *wide(fv_context *context)
{
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 2, 11, 9 }, &image);
    fv_value x = one(graph, "flatten", image);
    for (int layer = 0; layer < 2; layer++) {
        const fv_value y = test_add(graph, "dense", &x, 1, &(fv_dense_options){ .units = 700 });
        x = one(graph, "relu", one(graph, "batch_norm", y));
    }
    const fv_value scores = test_add(graph, "dense", &x, 1, &(fv_dense_options){ .units = CLASSES });
    one(graph, "softmax_cross_entropy", scores);
    assert_int_equal(fv_graph_finish(graph, scores), FV_OK);
    return graph;
}

/* Learned and fixed scales behind convolutions, one of them for each element, and a sum that repeats one of its inputs. */
static fv_graph *scaled(fv_context *context)
{
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 2, 7, 9 }, &image);
    const fv_scale_options channels = { .scale_init = { .kind = FV_INIT_GAUSSIAN, .value = 1 },
                                        .shift_init = { .kind = FV_INIT_GAUSSIAN, .value = 0.5 } };
    const fv_scale_options elements = { .per = FV_PER_ELEMENT,
                                        .no_shift = true,
                                        .scale_init = { .kind = FV_INIT_GAUSSIAN, .value = 1 } };
    const fv_value a = convolve(graph, image, 6, 3, 1, 1);
    const fv_value b = one(graph, "selu", test_add(graph, "scale", &a, 1, &channels));
    const fv_value c = convolve(graph, b, 5, 3, 1, 1);
    const fv_value d = test_add(graph, "linear", &c, 1, &(fv_linear_options){ .scale = -1.5, .shift = 0.25 });
    const fv_value e = test_add(graph, "clip", &d, 1, &(fv_clip_options){ .low = -2, .high = 2 });
    const fv_value f = convolve(graph, e, 4, 1, 1, 1);
    const fv_value g = test_add(graph, "scale", &f, 1, &elements);
    const fv_value h = convolve(graph, g, 4, 3, 1, 1), gate = one(graph, "global_average_pool", g);
    finish(graph, one(graph, "tanh", sum(graph, h, gate)));
    return graph;
}

typedef fv_graph *make_fn(fv_context *context);
static make_fn *const makers[] = { residual, before_activation, growing, plain, wide, scaled };
enum { GRAPHS = sizeof makers / sizeof makers[0] };

/* Results of one training step. */
typedef struct outcome {
    double loss;
    double *scores, *input_gradient;
    size_t gradient_count;
    fv_params *gradients;
    test_run run;
} outcome;

static double *widened(const void *values, fv_dtype dtype, size_t count)
{
    double *to = test_doubles(count);
    for (size_t i = 0; i < count; i++)
        to[i] = dtype == FV_F64 ? ((const double *)values)[i] : (double)((const float *)values)[i];
    return to;
}

static double *scores_of(const test_run *run, const fv_graph *graph, fv_dtype dtype)
{
    double values[IMAGES * CLASSES];
    if (fv_session_read(run->session, fv_graph_output(graph), values, IMAGES * CLASSES) != FV_OK)
        fail_msg("%s", fv_session_message(run->session));
    return widened(values, dtype, IMAGES * CLASSES);
}

static outcome step(const fv_graph *graph, fv_dtype dtype, bool no_fusion)
{
    const fv_image_shape image = fv_graph_node(graph, fv_graph_input(graph)).output;
    outcome out = { .gradient_count = (size_t)IMAGES * (size_t)image.c * (size_t)image.h * (size_t)image.w };
    const fv_plan_options options = { .batch = IMAGES, .dtype = dtype, .input_gradient = true, .no_fusion = no_fusion };
    out.run = test_start(graph, &options);
    fv_batch batch = test_batch(graph, IMAGES, 7);
    fv_step_result result;
    assert_int_equal(fv_session_forward(out.run.session, &batch, &result), FV_OK);
    out.scores = scores_of(&out.run, graph, dtype);
    assert_int_equal(fv_session_backward(out.run.session, result.weight), FV_OK);
    out.loss = result.loss;
    double *gradient = test_doubles(out.gradient_count);
    assert_int_equal(fv_session_read_input_gradient(out.run.session, gradient, out.gradient_count), FV_OK);
    out.input_gradient = widened(gradient, dtype, out.gradient_count);
    out.gradients = fv_session_gradients(out.run.session);
    free(gradient);
    test_batch_release(&batch);
    return out;
}

static void release(outcome *out)
{
    free(out->scores);
    free(out->input_gradient);
    test_end(&out->run);
}

static void check_same_bits(const fv_graph *graph, size_t number, fv_dtype dtype)
{
    outcome fused = step(graph, dtype, false), apart = step(graph, dtype, true);
    assert_true(fv_plan_step_count(fused.run.plan) < fv_plan_step_count(apart.run.plan));
    assert_true(fused.loss == apart.loss);
    assert_memory_equal(fused.scores, apart.scores, IMAGES * CLASSES * sizeof(double));
    assert_memory_equal(fused.input_gradient, apart.input_gradient, fused.gradient_count * sizeof(double));
    for (int32_t i = 0; i < fv_params_count(fused.gradients); i++)
        if (memcmp(fv_params_values(fused.gradients, i), fv_params_values(apart.gradients, i),
                   (size_t)fv_params_info(fused.gradients, i).elements * fv_dtype_size(dtype)) != 0)
            fail_msg("graph %zu, %s: gradient of %s differs", number, fv_dtype_name(dtype),
                     fv_params_info(fused.gradients, i).name);
    release(&fused);
    release(&apart);
}

/* The same kernels on the same numbers in the same order: fusing changes no bit. Gradients of statistics are what was
 * observed, so those are compared as well. */
FV_TEST(fuse, training_gives_the_same_bits)
{
    for (size_t g = 0; g < GRAPHS; g++) {
        for (int32_t threads = 1; threads <= 3; threads += 2) {
            test_allocator allocator;
            fv_context *context = test_context(&allocator, threads);
            fv_graph *graph = makers[g](context);
            for (fv_dtype dtype = FV_F32; dtype <= FV_F64; dtype++)
                check_same_bits(graph, g, dtype);
            fv_graph_destroy(graph);
            fv_context_destroy(context);
        }
    }
}

/* Normalised tensors of more than 16 MB (src/plan/watch.c), in many chunks of statistics, by convolutions that cut them in ways of their
 * own; whole and in ghost batches. */
static fv_graph *large(fv_context *context)
{
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 1, 430, 431 }, &image);
    fv_value x = one(graph, "relu", one(graph, "batch_norm", convolve(graph, image, 8, 3, 1, 1)));
    for (int block = 0; block < 2; block++) {
        const fv_value y = convolve(graph, x, 8, block == 0 ? 3 : 1, 1, block == 0 ? 8 : 1);
        x = one(graph, "relu6", test_add(graph, "batch_norm", &y, 1, &(fv_batch_norm_options){ .ghost = block }));
    }
    finish(graph, x);
    return graph;
}

FV_TEST(fuse, sums_that_are_gathered_have_the_same_bits)
{
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        test_allocator allocator;
        fv_context *context = test_context(&allocator, threads);
        fv_graph *graph = large(context);
        fv_plan *plan = NULL;
        int32_t gathered = 0;
        assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = IMAGES }), FV_OK);
        for (int32_t i = 0; i < plan->step_count; i++)
            gathered += plan->step[i].gathered != FVI_NONE;
        assert_int_equal(gathered, 3);
        fv_plan_destroy(plan);
        check_same_bits(graph, GRAPHS, FV_F32);
        fv_graph_destroy(graph);
        fv_context_destroy(context);
    }
}

/* Running statistics as a trained network has them. */
static void set_statistics(fv_params *params)
{
    for (int32_t i = 0; i < fv_params_count(params); i++) {
        const fv_param_info info = fv_params_info(params, i);
        const bool variance = strstr(info.name, "running_var") != NULL;
        double *values = test_doubles((size_t)info.elements);
        test_fill(values, (size_t)info.elements, (uint64_t)i, variance ? 0.5 : -0.5, variance ? 2 : 0.5);
        for (size_t j = 0; j < (size_t)info.elements && info.momentum > 0; j++) {
            if (fv_params_dtype(params) == FV_F64)
                ((double *)fv_params_values(params, i))[j] = values[j];
            else
                ((float *)fv_params_values(params, i))[j] = (float)values[j];
        }
        free(values);
    }
}

static double *infer(const fv_graph *graph, fv_mode mode, fv_dtype dtype, bool no_fusion, double *loss)
{
    const fv_plan_options options = { .batch = IMAGES, .mode = mode, .dtype = dtype, .no_fusion = no_fusion };
    test_run run = test_start(graph, &options);
    set_statistics(run.params);
    fv_batch batch = test_batch(graph, IMAGES, 7);
    fv_step_result result;
    assert_int_equal(fv_session_forward(run.session, &batch, &result), FV_OK);
    *loss = result.loss;
    double *scores = scores_of(&run, graph, dtype);
    test_batch_release(&batch);
    test_end(&run);
    return scores;
}

/* Folding a normalisation rounds a and a*w once each, besides what the sums of both plans round: (terms + 4) * epsilon for
 * each layer with `terms` the longest sum, 700 inputs, and no more than ten such layers one behind the other. In double that is
 * 2e-12. */
FV_TEST(fuse, inference_gives_the_same_scores)
{
    const double layers = 10, terms = 700 + 4;
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    for (size_t g = 0; g < GRAPHS; g++) {
        fv_graph *graph = makers[g](context);
        for (fv_mode mode = FV_EVALUATE; mode <= FV_PREDICT; mode++) {
            double loss[3];
            double *exact = infer(graph, mode, FV_F64, true, &loss[0]);
            double *doubles = infer(graph, mode, FV_F64, false, &loss[1]);
            double *floats = infer(graph, mode, FV_F32, false, &loss[2]);
            const double errors[] = { test_values_error(doubles, exact, IMAGES * CLASSES),
                                      test_values_error(floats, exact, IMAGES * CLASSES) };
            const double bounds[] = { layers * terms * DBL_EPSILON, layers * terms * (double)FLT_EPSILON };
            for (int i = 0; i < 2; i++) {
                if (!(errors[i] <= bounds[i]))
                    fail_msg("graph %zu: scores differ by %g, allowed %g", g, errors[i], bounds[i]);
                assert_true(fabs(loss[i + 1] - loss[0]) <= 2 * bounds[i] * IMAGES * fmax(1, fabs(loss[0])));
            }
            free(exact);
            free(doubles);
            free(floats);
        }
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
}

FV_TEST(fuse, gradients_match_central_differences)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    for (size_t g = 0; g < GRAPHS; g++) {
        if (makers[g] == wide)
            continue; /* many parameters, and nothing that the others have not */
        fv_graph *graph = makers[g](context);
        fv_gradient_check_result result;
        assert_int_equal(fv_gradient_check(graph, &(fv_gradient_check_options){ .elements = 30 }, &result), FV_OK);
        if (!(result.worst < 1e-6))
            fail_msg("graph %zu: gradients differ from central differences by %g", g, result.worst);
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
}

/* Bytes alive at the step where most is: the arena without the gaps between storages. */
static size_t most_alive(fv_plan *plan)
{
    size_t *alive = NULL, most = 0;
    assert_int_equal(fvi_plan_alive(plan, &alive), FV_OK);
    for (int32_t step = 0; step <= plan->step_count; step++)
        most = alive[step] > most ? alive[step] : most;
    return most;
}

FV_TEST(fuse, memory_falls)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    for (size_t g = 0; g < GRAPHS; g++) {
        fv_graph *graph = makers[g](context);
        size_t most[2];
        for (int apart = 0; apart < 2; apart++) {
            fv_plan *plan = NULL;
            const fv_plan_options options = { .batch = IMAGES, .no_fusion = apart == 1 };
            assert_int_equal(fv_plan_create(&plan, graph, &options), FV_OK);
            most[apart] = most_alive(plan);
            fv_plan_destroy(plan);
        }
        /* `plain` has 6% more alive when fused (6 KB); why is not known. */
        const size_t more = makers[g] == plain ? most[1] / 16 : 0;
        assert_true(most[0] <= most[1] + more && (makers[g] != residual || most[0] < most[1]));
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
}

static int32_t count_steps(const fv_plan *plan, const char *type, const char *pass)
{
    int32_t count = 0;
    for (int32_t i = 0; i < fv_plan_step_count(plan); i++)
        count += strcmp(fv_plan_step(plan, i).type, type) == 0 && strcmp(fv_plan_step(plan, i).pass, pass) == 0;
    return count;
}

static fv_plan *plan_of(const fv_graph *graph, fv_mode mode)
{
    fv_plan *plan = NULL;
    assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = IMAGES, .mode = mode }), FV_OK);
    return plan;
}

FV_TEST(fuse, residual_blocks_have_no_steps_for_sums_and_activations)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = residual(context);
    fv_plan *plan = plan_of(graph, FV_TRAIN);
    static const char *const passes[] = { "forward", "backward" };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(count_steps(plan, "relu", passes[i]), 0);
        assert_int_equal(count_steps(plan, "add", passes[i]), 0);
        assert_int_equal(count_steps(plan, "batch_norm", passes[i]), 5);
    }
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* A scale for each channel and a line are parts of the convolution before them; one for each element, and a sum that repeats an
 * input, are not. */
FV_TEST(fuse, inference_folds_scales)
{
    static const char *const types[] = { "scale", "linear", "clip", "selu", "add" };
    static const int32_t expected[] = { 1, 0, 0, 0, 1 };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = scaled(context);
    fv_plan *plan = plan_of(graph, FV_PREDICT);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        assert_int_equal(count_steps(plan, types[i], "forward"), expected[i]);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Nothing but convolutions, the one normalisation that a sum stands before, and what moves channels. */
FV_TEST(fuse, inference_folds_normalisations)
{
    static const int32_t expected[GRAPHS] = { 0, 3, 4, 0, 0, 0 };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    for (size_t g = 0; g < GRAPHS; g++) {
        fv_graph *graph = makers[g](context);
        fv_plan *plan = plan_of(graph, FV_PREDICT);
        static const char *const inside[] = { "relu", "tanh", "elu", "gelu", "leaky_relu", "sigmoid" };
        for (size_t i = 0; i < sizeof inside / sizeof inside[0] && makers[g] != scaled; i++)
            assert_int_equal(count_steps(plan, inside[i], "forward"), 0);
        assert_int_equal(count_steps(plan, "batch_norm", "forward"), expected[g]);
        fv_plan_destroy(plan);
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
}

FV_TEST(fuse, steps_name_what_they_compute)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 3, 5, 5 }, &image);
    const fv_value conv = convolve(graph, image, 4, 3, 1, 1);
    const fv_value norm = test_add(graph, "batch_norm", &conv, 1, &(fv_batch_norm_options){ .name = "norm" });
    const fv_value relu = test_add(graph, "relu", &norm, 1, &(fv_plain_options){ .name = "relu" });
    finish(graph, relu);
    fv_plan *plan = plan_of(graph, FV_PREDICT);
    assert_string_equal(fv_plan_step(plan, 0).fused, "");
    assert_string_equal(fv_plan_step(plan, 1).fused, "norm, relu");
    /* 3 images of 3x5x5 and 4x5x5; 4 filters of 3x3x3 with a bias; 4 channels with four numbers each. */
    assert_int_equal(fv_plan_step(plan, 1).bytes_moved, (3 * (75 + 100) + 4 * 28 + 16) * sizeof(float));
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* A value that somebody else reads is computed by a step of its own: a second reader, the network's output, a gradient that needs
 * the activation's input, a sum of three. */
FV_TEST(fuse, chains_end_where_a_value_is_needed)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 3, 5, 5 }, &image);
    const fv_value twice = one(graph, "batch_norm", convolve(graph, image, 4, 3, 1, 1));
    const fv_value a = one(graph, "relu", twice);
    const fv_value smooth = one(graph, "gelu", convolve(graph, a, 4, 3, 1, 1));
    const fv_value b = one(graph, "batch_norm", convolve(graph, smooth, 4, 3, 1, 1));
    const fv_value three = test_add(graph, "add", (fv_value[]){ b, twice, smooth }, 3, NULL);
    const fv_value pooled = one(graph, "global_average_pool", one(graph, "relu", three));
    const fv_value hidden = test_add(graph, "dense", &pooled, 1, &(fv_dense_options){ .units = CLASSES });
    const fv_value scores = one(graph, "batch_norm", hidden);
    one(graph, "softmax_cross_entropy", one(graph, "relu", scores));
    assert_int_equal(fv_graph_finish(graph, scores), FV_OK);
    fv_plan *plan = plan_of(graph, FV_TRAIN);
    assert_int_equal(count_steps(plan, "relu", "forward"), 3);
    assert_int_equal(count_steps(plan, "gelu", "forward"), 1);
    assert_int_equal(count_steps(plan, "add", "forward"), 1);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Batch normalisation computes what such an activation was given again. */
FV_TEST(fuse, activations_by_input_run_behind_a_normalisation)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = plain(context);
    fv_plan *plan = plan_of(graph, FV_TRAIN);
    assert_int_equal(count_steps(plan, "gelu", "forward") + count_steps(plan, "gelu", "backward"), 0);
    assert_int_equal(count_steps(plan, "silu", "forward") + count_steps(plan, "silu", "backward"), 0);
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(fuse, values_inside_of_a_step_cannot_be_read)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 3, 5, 5 }, &image);
    const fv_value conv = convolve(graph, image, 4, 3, 1, 1);
    const fv_value norm = test_add(graph, "batch_norm", &conv, 1, &(fv_batch_norm_options){ .name = "norm" });
    const fv_value same = one(graph, "identity", norm);
    const fv_value relu = test_add(graph, "relu", &same, 1, &(fv_plain_options){ .name = "relu" });
    const fv_value after = one(graph, "identity", relu);
    finish(graph, convolve(graph, after, 3, 1, 1, 1)); /* it reads its input in backward */
    for (int apart = 0; apart < 2; apart++) {
        double values[IMAGES * 100];
        test_run run = test_start(
            graph, &(fv_plan_options){ .batch = IMAGES, .dtype = FV_F64, .no_fusion = apart == 1, .no_repeat = true });
        fv_batch batch = test_batch(graph, IMAGES, 3);
        fv_step_result result;
        assert_int_equal(fv_session_forward(run.session, &batch, &result), FV_OK);
        assert_int_equal(fv_session_read(run.session, relu, values, IMAGES * 100), FV_OK);
        assert_int_equal(fv_session_read(run.session, after, values, IMAGES * 100), FV_OK);
        if (apart == 0) {
            assert_int_equal(fv_session_read(run.session, norm, values, IMAGES * 100), FV_ERR_STATE);
            assert_string_equal(fv_session_message(run.session),
                                "batch_norm 'norm': computed together with 'relu', so its value is nowhere; plan with "
                                "no_fusion to read it");
            assert_int_equal(fv_session_read(run.session, same, values, IMAGES * 100), FV_ERR_STATE);
        }
        test_batch_release(&batch);
        test_end(&run);
    }
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(fuse, training_gives_the_same_bits, sums_that_are_gathered_have_the_same_bits, inference_gives_the_same_scores,
         inference_folds_normalisations, inference_folds_scales, steps_name_what_they_compute,
         gradients_match_central_differences, memory_falls, residual_blocks_have_no_steps_for_sums_and_activations,
         chains_end_where_a_value_is_needed, activations_by_input_run_behind_a_normalisation,
         values_inside_of_a_step_cannot_be_read)
