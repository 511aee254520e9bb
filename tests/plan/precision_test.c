/* SPDX-License-Identifier: Apache-2.0
 *
 * precision_test.c - plans of bf16: every layer type and several networks against float32, the same bits for any number of
 * threads, half the memory for activations, and refusal where the CPU cannot.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plan/plan_internal.h"
#include "support/graphs.h"
#include "support/layer_case.h"
#include "support/test.h"
#include "support/values.h"
#include "support/zoo.h"

/* One rounding to bfloat16 errs by at most 2^-9 of the number, and independent ones add up like their squares. */
static const double unit = 1.0 / 512;

static fv_context *emulating(int32_t threads)
{
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = threads, .emulate_bf16 = true }),
                     FV_OK);
    return context;
}

/* |a - b| / |b| in the Euclidean norm over the trained parameters. */
static double gradient_error(fv_params *a, fv_params *b)
{
    double difference = 0, whole = 0;
    for (int32_t p = 0; p < fv_params_count(a); p++) {
        const float *x = fv_params_values(a, p), *y = fv_params_values(b, p);
        for (int64_t i = 0; fv_params_info(a, p).trained && i < fv_params_info(a, p).elements; i++) {
            difference += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
            whole += (double)y[i] * (double)y[i];
        }
    }
    return whole > 0 ? sqrt(difference / whole) : sqrt(difference);
}

typedef struct comparison {
    double loss, gradient; /* relative differences from float32 */
} comparison;

static comparison compare(const fv_graph *graph, const fv_batch *batch, fv_plan_options options)
{
    fv_step_result exact_result, result;
    options.dtype = FV_F32;
    test_run exact = test_start(graph, &options);
    options.dtype = FV_BF16;
    test_run run = test_start(graph, &options);
    fv_session_set_seed(exact.session, 3);
    fv_session_set_seed(run.session, 3);
    if (fv_session_step(exact.session, batch, &exact_result) != FV_OK)
        fail_msg("%s", fv_session_message(exact.session));
    if (fv_session_step(run.session, batch, &result) != FV_OK)
        fail_msg("%s", fv_session_message(run.session));
    const comparison differences = {
        .loss = fabs(result.loss - exact_result.loss) / fmax(fabs(exact_result.loss), 1e-3),
        .gradient = gradient_error(fv_session_gradients(run.session), fv_session_gradients(exact.session)),
    };
    test_end(&exact);
    test_end(&run);
    return differences;
}

/* One problem for each layer type, as in layer_case.h. */
static const char *const problems[] = {
    "conv2d n3c5h7w6k7r3s3p1",
    "conv2d n3c6h6w5k16r3l1",
    "conv2d_transpose n3c3h3w4k4r3u2p1o1",
    "subsample n3c3h6w4",
    "rbf n3c84",
    "map_loss n3c10t1",
    "max_pool2d n3c5h7w7r3u2",
    "average_pool2d n3c5h7w7r3u2p1",
    "global_max_pool n3c5h3w7",
    "global_average_pool n3c5h3w7",
    "adaptive_average_pool n3c9h7w5r3s4",
    "channel_max_pool n3c9h2w3r3u2p1",
    "channel_average_pool n3c9h2w3r4u3p2",
    "pad n3c3h4w5p1r2s3u4j2l1a150",
    "crop n3c5h7w6p1r2s3u1",
    "slice n3c9h3w4r2k5",
    "slice n3c9h5w7p4q3u-2j1l2v3",
    "permute n3c5h4w6k120",
    "channel_shuffle n3c6h4w5g3",
    "expand n3c1h4w5k4",
    "reduce_mean n3c6h4w5o3",
    "reshape n3c6h4w5k5r8s3",
    "multiply n3c5h3w4i2",
    "subtract n3c5h3w4i2j1",
    "divide n3c5h3w4i2",
    "scale n3c5h3w4",
    "scale n3c5h3w4o1",
    "multiply n3c9h3w5i2j1",
    "upsample n3c5h3w4r2s3e1",
    "resize n3c5h3w4r5s7e1",
    "dense n3c3h4w2k6",
    "batch_norm n5c5h6w6",
    "group_norm n3c6h5w4g2",
    "layer_norm n3c12h3w4",
    "dropout n3c9h5w7a50",
    "local_response_norm n3c9h5w5r5a100q75",
    "local_response_norm n3c9h5w4r3a100q75o1",
    "flatten n3c3h4w5",
    "identity n3c3h4w5",
    "relu n3c5h5w7",
    "leaky_relu n3c5h5w7a25",
    "elu n3c5h5w7",
    "relu6 n3c5h5w7",
    "selu n3c5h5w7",
    "clip n3c5h5w7a-50q150",
    "prelu n3c5h5w7",
    "maxout n3c6h3w5",
    "gelu n3c5h5w7",
    "silu n3c5h5w7",
    "hard_swish n3c5h5w7",
    "softplus n3c5h5w7",
    "hard_sigmoid n3c5h5w7",
    "sigmoid n3c5h5w7",
    "tanh n3c5h5w7",
    "scaled_tanh n3c5h5w7",
    "linear n3c5h5w7a-150q25",
    "power n3c5h5w7a200",
    "exp n3c5h5w7",
    "log n3c5h5w7",
    "absolute n3c5h5w7",
    "softmax n3c10",
    "log_softmax n3c10",
    "softmax_cross_entropy n3c10t1",
    "binary_cross_entropy n3c10t1",
    "hinge_loss n3c10t1f1",
    "euclidean_loss n3c10t3",
    "add n3c3h4w5i3",
    "concat n3c3h4w5i3",
    "input n3c3h4w5",
};
enum { PROBLEMS = sizeof problems / sizeof problems[0], CLASSES = 10 };

/* Inputs of the layer: convolutions of the image, so that gradients flow through the layer to parameters before it. */
static fv_value input_of(fv_graph *graph, fv_value image, fv_image_shape image_shape, fv_image_shape shape)
{
    if (shape.h != image_shape.h || shape.w != image_shape.w)
        image = test_add(graph, "global_average_pool", &image, 1, NULL);
    const fv_conv2d_options options = { .filters = shape.c, .kernel = { 1, 1 } };
    return test_add(graph, "conv2d", &image, 1, &options);
}

/* Values above 1, for what divides by them or takes their logarithm. */
static fv_value positive(fv_graph *graph, fv_value x)
{
    x = test_add(graph, "softplus", &x, 1, NULL);
    return test_add(graph, "linear", &x, 1, &(fv_linear_options){ .shift = 1 });
}

/* image - 1x1 convolutions - the layer - dense - loss; a layer that is a loss reads the convolution's scores. */
static fv_graph *surround(fv_context *context, const layer_case *problem)
{
    fv_value image = FV_NO_VALUE, inputs[LAYER_CASE_INPUTS];
    const fv_image_shape first = problem->input_count > 0 ? problem->in[0] : (fv_image_shape){ 3, 4, 5 };
    const fv_image_shape shape = { 3, first.h, first.w };
    fv_graph *graph = test_graph_start(context, shape, &image);
    for (int32_t j = 0; j < problem->input_count; j++)
        inputs[j] = input_of(graph, image, shape, problem->in[j]);
    for (int32_t j = 0; j < problem->input_count; j++)
        inputs[j] = layer_case_positive(problem, j) ? positive(graph, inputs[j]) : inputs[j];
    fv_value y = image;
    if (problem->input_count > 0)
        y = test_add(graph, problem->layer->name, inputs, problem->input_count, &problem->options);
    if (problem->layer->is_loss) {
        assert_int_equal(fv_graph_finish(graph, inputs[0]), FV_OK);
        return graph;
    }
    y = test_add(graph, "dense", &y, 1, &(fv_dense_options){ .units = CLASSES });
    test_add(graph, "softmax_cross_entropy", &y, 1, NULL);
    assert_int_equal(fv_graph_finish(graph, y), FV_OK);
    return graph;
}

FV_TEST(precision, every_layer_type_has_a_problem)
{
    for (size_t i = 0; fvi_layers[i]; i++) {
        bool found = false;
        for (size_t p = 0; p < PROBLEMS; p++)
            found = found || layer_case_parse(problems[p]).layer == fvi_layers[i];
        if (!found)
            fail_msg("layer %s has no problem in precision_test.c", fvi_layers[i]->name);
    }
}

/* Image, first convolution, the layer, and their gradients: at most six roundings lie on the way to a gradient. None of these
 * layers makes a relative error more than eight times larger in the mean: batch normalisation and the response's do by their
 * derivatives' conditions, and a maximum that changes place puts a whole gradient elsewhere. */
FV_TEST(precision, every_layer_type_is_near_float32)
{
    fv_context *context = emulating(1);
    const double bound = 8 * sqrt(6) * unit;
    float targets[64];
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        targets[i] = (float)(test_hash((uint32_t)i, 8) % 100) / 50 - 1;
    for (size_t p = 0; p < PROBLEMS; p++) {
        const layer_case problem = layer_case_parse(problems[p]);
        fv_graph *graph = surround(context, &problem);
        fv_batch batch = test_batch(graph, problem.n, 5), given = batch;
        if (problem.targets == TARGETS_VALUES) {
            given.classes = NULL;
            given.values = targets;
        }
        const comparison found = compare(graph, &given, (fv_plan_options){ .batch = problem.n });
        if (getenv("SHOW") != NULL)
            print_message("%-40s loss %.2e gradient %.2e of %.2e\n", problem.problem, found.loss, found.gradient,
                          bound);
        if (!(found.loss <= bound && found.gradient <= bound))
            fail_msg("%s: the loss differs by %g, gradients by %g of themselves", problem.problem, found.loss,
                     found.gradient);
        if (found.gradient == 0)
            fail_msg("%s: the same bits as float32: nothing was rounded", problem.problem);
        test_batch_release(&batch);
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
}

/* A network of so many values one behind the other, of which so many are gated by a ReLU, in bf16 against float32. Behind depth
 * values a relative error is about e = sqrt(2 * depth) * 2^-9 in the mean, forward and backward together; the loss feels that.
 * Gradients feel it more through the gates: one whose input is within e of zero may open or shut, 0.8 e of all where inputs
 * are normally distributed, and each puts one gradient in the place of none. Squares of such changes add up over the layers. */
static void check_network(const char *name, fv_zoo_options options, int32_t images, double depth, double gates)
{
    fv_context *context = emulating(test_threads(2));
    fv_graph *graph = test_zoo_build(context, name, &options);
    fv_batch batch = test_batch(graph, images, 7);
    const comparison found = compare(graph, &batch, (fv_plan_options){ .batch = images });
    const double error = sqrt(2 * depth) * unit, bound = error + sqrt(0.8 * gates * error);
    if (getenv("SHOW") != NULL)
        print_message("%-40s loss %.2e of %.2e gradient %.2e of %.2e\n", name, found.loss, 2 * error, found.gradient,
                      bound);
    if (!(found.loss <= 2 * error && found.gradient <= bound))
        fail_msg("%s: the loss differs by %g, gradients by %g of themselves", name, found.loss, found.gradient);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(precision, networks_are_near_float32)
{
    check_network("lenet5", (fv_zoo_options){ 0 }, 16, 8, 4);
    check_network("cifar-resnet-20", (fv_zoo_options){ .classes = 5, .input = { 3, 16, 16 } }, 8, 2 * 20, 19);
    check_network("small-inception", (fv_zoo_options){ .classes = 5, .input = { 3, 28, 28 } }, 8, 2 * 20, 20);
    check_network("cifar-densenet-40-12", (fv_zoo_options){ .classes = 5, .input = { 3, 12, 12 } }, 4, 2 * 40, 39);
}

static void predict(const fv_graph *graph, const fv_batch *batch, fv_dtype dtype, float *scores, size_t count)
{
    test_run run = test_start(graph, &(fv_plan_options){ .batch = batch->n, .mode = FV_PREDICT, .dtype = dtype });
    if (fv_session_forward(run.session, batch, NULL) != FV_OK)
        fail_msg("%s", fv_session_message(run.session));
    assert_int_equal(fv_session_read(run.session, fv_graph_output(graph), scores, count), FV_OK);
    test_end(&run);
}

/* Inference folds batch normalisation into weights, which are then rounded, and sums and activates behind convolutions: of `depth`
 * values behind each other each is rounded once, and so are the weights before it: 2 * depth roundings, each of which the layers
 * behind it make at most four times larger in the mean. */
static void check_inference(const char *name, fv_zoo_options options, double depth)
{
    enum { IMAGES = 2, MOST = IMAGES * 10 };
    float exact[MOST], half[MOST];
    double difference = 0, whole = 0;
    fv_context *context = emulating(test_threads(2));
    fv_graph *graph = test_zoo_build(context, name, &options);
    fv_batch batch = test_batch(graph, IMAGES, 7);
    predict(graph, &batch, FV_F32, exact, MOST);
    predict(graph, &batch, FV_BF16, half, MOST);
    const size_t count = IMAGES * (size_t)fv_graph_node(graph, fv_graph_output(graph)).output.c;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)half[i] - (double)exact[i]) * ((double)half[i] - (double)exact[i]);
        whole += (double)exact[i] * (double)exact[i];
    }
    const double error = sqrt(difference / whole), bound = 4 * sqrt(2 * depth) * unit;
    if (getenv("SHOW") != NULL)
        print_message("%-40s scores %.2e of %.2e\n", name, error, bound);
    if (!(error <= bound && error > 0))
        fail_msg("%s: scores differ by %g of themselves, bound %g", name, error, bound);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(precision, inference_is_near_float32)
{
    check_inference("lenet5", (fv_zoo_options){ 0 }, 8);
    check_inference("cifar-resnet-20", (fv_zoo_options){ .classes = 5, .input = { 3, 16, 16 } }, 20);
    check_inference("resnet-50", (fv_zoo_options){ .classes = 5, .input = { 3, 33, 33 } }, 50);
    check_inference("mobilenet-v2", (fv_zoo_options){ .classes = 5, .input = { 3, 33, 35 } }, 53);
    check_inference("cifar-densenet-40-12", (fv_zoo_options){ .classes = 5, .input = { 3, 12, 12 } }, 80);
}

typedef struct step_bits {
    fv_step_result result;
    char hash[17];
} step_bits;

static step_bits step(const fv_graph *graph, const fv_batch *batch, const fv_plan_options *options)
{
    step_bits bits;
    memset(&bits, 0, sizeof bits);
    test_run run = test_start(graph, options);
    if (fv_session_step(run.session, batch, &bits.result) != FV_OK)
        fail_msg("%s", fv_session_message(run.session));
    fv_params_hash(fv_session_gradients(run.session), bits.hash);
    test_end(&run);
    return bits;
}

/* Fewer images than the plan takes leave a part of a piece. */
FV_TEST(precision, threads_and_larger_plans_do_not_change_a_bit)
{
    static const char *const names[] = { "lenet5", "cifar-resnet-20", "mobilenet-v2" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        step_bits first;
        for (int32_t threads = 1; threads <= 3; threads++) {
            fv_context *context = emulating(test_threads(threads));
            const fv_zoo_options small = { .classes = 5, .input = { 3, 33, 35 } };
            fv_graph *graph = test_zoo_build(context, names[i], i == 0 ? &(fv_zoo_options){ 0 } : &small);
            fv_batch batch = test_batch(graph, 5, 7);
            const step_bits bits = step(graph, &batch, &(fv_plan_options){ .batch = 5, .dtype = FV_BF16 });
            if (threads == 1)
                first = bits;
            assert_memory_equal(&first, &bits, sizeof bits);
            test_batch_release(&batch);
            fv_graph_destroy(graph);
            fv_context_destroy(context);
        }
    }
}

/* A network whose batch makes several pieces: 4 MiB hold about 16 of these images. */
FV_TEST(precision, pieces_of_a_batch_are_summed)
{
    fv_context *context = emulating(2);
    fv_value x = FV_NO_VALUE;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 3, 40, 40 }, &x);
    x = test_add(graph, "conv2d", &x, 1,
                 &(fv_conv2d_options){ .filters = 32, .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 } });
    x = test_add(graph, "max_pool2d", &x, 1, &(fv_pool2d_options){ .kernel = { 3, 3 }, .stride = { 2, 2 } });
    x = test_add(graph, "dropout", &x, 1, &(fv_dropout_options){ .drop = 0.3 });
    x = test_add(graph, "prelu", &x, 1, NULL);
    x = test_add(graph, "local_response_norm", &x, 1, NULL);
    x = test_add(graph, "dense", &x, 1, &(fv_dense_options){ .units = CLASSES });
    test_add(graph, "softmax_cross_entropy", &x, 1, NULL);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    fv_batch batch = test_batch(graph, 70, 5);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 70, .dtype = FV_BF16 });
    assert_true(run.plan->node[test_node(graph, "conv2d1")].piece < 35); /* three pieces at least, the last one short */
    test_end(&run);
    const comparison found = compare(graph, &batch, (fv_plan_options){ .batch = 70 });
    if (getenv("SHOW") != NULL)
        print_message("pieces: loss %.2e gradient %.2e\n", found.loss, found.gradient);
    assert_true(found.loss <= 8 * sqrt(14) * unit && found.gradient <= 8 * sqrt(14) * unit);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Nothing is as large as activations here, so that the arena is half but for the copies of one step; what a session allocates is what its plan told. */
FV_TEST(precision, activations_take_half_the_memory)
{
    test_allocator allocator;
    test_allocator_reset(&allocator);
    fv_context *context = NULL;
    assert_int_equal(
        fv_context_create(&context, &(fv_context_options){ .threads = 2,
                                                           .emulate_bf16 = true,
                                                           .allocator = test_allocator_callbacks(&allocator) }),
        FV_OK);
    fv_graph *graph = test_zoo_build(context, "cifar-resnet-20", NULL);
    test_run wide = test_start(graph, &(fv_plan_options){ .batch = 32 });
    test_run half = test_start(graph, &(fv_plan_options){ .batch = 32, .dtype = FV_BF16 });
    const fv_plan_memory before = fv_plan_memory_bytes(wide.plan), after = fv_plan_memory_bytes(half.plan);
    if (getenv("SHOW") != NULL)
        print_message("arena %zu of %zu, scratch %zu of %zu, total %zu of %zu\n", after.arena, before.arena,
                      after.scratch, before.scratch, after.total, before.total);
    assert_true(after.arena < before.arena / 2 + after.scratch); /* a step's scratch lies in the arena */
    assert_int_equal(after.gradients, before.gradients);         /* float32 */
    fv_session_destroy(half.session);
    const size_t held = allocator.bytes;
    assert_int_equal(fv_session_create(&half.session, half.plan, half.params), FV_OK);
    assert_int_equal(allocator.bytes - held, after.total);
    test_end(&wide);
    test_end(&half);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(precision, values_are_read_as_float32)
{
    fv_context *context = emulating(1);
    fv_graph *graph = test_branches(context);
    fv_batch batch = test_batch(graph, 2, 1);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 2, .dtype = FV_BF16, .no_fusion = true });
    float image[2 * 3 * 9 * 9], scores[2 * 4], rounded = 0;
    assert_int_equal(fv_session_forward(run.session, &batch, NULL), FV_OK);
    assert_int_equal(fv_session_read(run.session, test_node(graph, "image"), image, 2 * 3 * 9 * 9), FV_OK);
    for (size_t i = 0; i < 2 * 3 * 9 * 9; i++)
        assert_true(image[i] == fvi_bf16_to_float(fvi_bf16_from_float((float)((const double *)batch.images)[i])));
    assert_int_equal(fv_session_read(run.session, fv_graph_output(graph), scores, 2 * 4), FV_OK);
    for (size_t i = 0; i < 2 * 4; i++)
        rounded += scores[i] == fvi_bf16_to_float(fvi_bf16_from_float(scores[i])) ? 1.0f : 0.0f;
    assert_true(rounded < 4); /* scores are not rounded */
    test_end(&run);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Statistics are float32's: of values that bf16 cannot tell apart they would be. */
FV_TEST(precision, statistics_and_parameters_stay_float32)
{
    fv_context *context = emulating(1);
    fv_graph *graph =
        test_zoo_build(context, "cifar-resnet-20", &(fv_zoo_options){ .classes = 5, .input = { 3, 16, 16 } });
    fv_batch batch = test_batch(graph, 4, 1);
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 4, .dtype = FV_BF16 });
    assert_int_equal(fv_params_dtype(run.params), FV_F32);
    assert_int_equal(fv_session_step(run.session, &batch, NULL), FV_OK);
    fv_params *gradients = fv_session_gradients(run.session);
    assert_int_equal(fv_params_dtype(gradients), FV_F32);
    for (int32_t p = 0; p < fv_params_count(gradients); p++) {
        const float *values = fv_params_values(gradients, p);
        int64_t exact = 0;
        const int64_t count = fv_params_info(gradients, p).elements;
        for (int64_t i = 0; i < count; i++)
            exact += values[i] == fvi_bf16_to_float(fvi_bf16_from_float(values[i]));
        if (count >= 16 && exact > count / 2)
            fail_msg("%s: %lld of %lld values are bf16's", fv_params_info(gradients, p).name, (long long)exact,
                     (long long)count);
    }
    test_end(&run);
    test_batch_release(&batch);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(precision, a_cpu_without_the_instructions_is_refused)
{
    fv_context *context = NULL;
    fv_plan *plan = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    fv_graph *graph = test_branches(context);
    const fv_plan_options options = { .dtype = FV_BF16 };
    const bool emulated = getenv("FOVEA_BF16") != NULL;
    if (fvi_context_isa(context) != FVI_ISA_AVX512_BF16 && !emulated) {
        assert_int_equal(fv_plan_create(&plan, graph, &options), FV_ERR_UNSUPPORTED);
        assert_null(plan);
        assert_non_null(strstr(fv_context_message(context), "AVX-512 BF16"));
        assert_non_null(strstr(fv_context_message(context), "bf16-emulated"));
    } else {
        assert_int_equal(fv_plan_create(&plan, graph, &options), FV_OK);
    }
    fv_plan_destroy(plan);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(precision, every_allocation_may_fail)
{
    test_allocator allocator;
    test_allocator_reset(&allocator);
    fv_context *context = NULL;
    assert_int_equal(
        fv_context_create(&context, &(fv_context_options){ .threads = 1,
                                                           .emulate_bf16 = true,
                                                           .allocator = test_allocator_callbacks(&allocator) }),
        FV_OK);
    fv_graph *graph = test_branches(context);
    const long long live = atomic_load(&allocator.live);
    fv_status status = FV_ERR_MEMORY;
    for (long long allowed = 0; status != FV_OK; allowed++) {
        fv_plan *plan = NULL;
        assert_true(allowed < 1000);
        test_allocator_fail_after(&allocator, allowed);
        status = fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = 3, .dtype = FV_BF16 });
        test_allocator_succeed(&allocator);
        assert_true(status == FV_OK || status == FV_ERR_MEMORY);
        fv_plan_destroy(plan);
        assert_int_equal(atomic_load(&allocator.live), live);
    }
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(precision, every_layer_type_has_a_problem, every_layer_type_is_near_float32, networks_are_near_float32,
         inference_is_near_float32, threads_and_larger_plans_do_not_change_a_bit, pieces_of_a_batch_are_summed,
         activations_take_half_the_memory, values_are_read_as_float32, statistics_and_parameters_stay_float32,
         a_cpu_without_the_instructions_is_refused, every_allocation_may_fail)
