/* SPDX-License-Identifier: Apache-2.0
 *
 * orthogonal_test.c - products of rows or columns, the same bits for any threads and both precisions; identity; and what initial values
 * do to the variance of what passes 50 layers.
 */
#include <math.h>
#include <string.h>

#include "support/graphs.h"
#include "support/test.h"

enum { LAYERS = 50, WIDTH = 128, SEEDS = 4 };

/* A network of one layer of each shape: wide, tall and square matrices. */
static fv_graph *matrices(fv_context *context, fv_initializer initializer)
{
    fv_graph *graph = NULL;
    fv_value x = FV_NO_VALUE, loss = FV_NO_VALUE;
    const fv_conv2d_options conv = {
        .filters = 7, .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 }, .weight_init = initializer
    };
    const fv_conv2d_options groups = {
        .filters = 14, .kernel = { 3, 3 }, .pad = { 1, 1, 1, 1 }, .groups = 7, .weight_init = initializer
    };
    const fv_dense_options narrow = { .units = 90, .weight_init = initializer },
                           tall = { .units = 200, .weight_init = initializer };
    assert_int_equal(fv_graph_create(&graph, context, "matrices"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 5, 3, 3 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(graph, x, &conv, &x), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(graph, x, &groups, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &narrow, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &tall, &x), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, x, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    return graph;
}

/* The product of vectors a and b must be gain^2 where they are one, else 0. A vector's elements are rounded to float32, 6e-8 of
 * gain each at most, twice for a gain: sums of n such products err by sqrt(n) 3e-7 gain^2 where signs are even, 5 times that at most. */
static void check_matrix(const fv_params *params, const float *w, int32_t index, double gain)
{
    const fv_param_info info = fv_params_info(params, index);
    const size_t rows = (size_t)info.shape.size[0], columns = (size_t)info.elements / rows;
    const bool tall = rows > columns;
    const size_t count = tall ? columns : rows, length = tall ? rows : columns;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b <= a; b++) {
            double sum = 0;
            for (size_t i = 0; i < length; i++)
                sum += (double)(tall ? w[i * columns + a] : w[a * columns + i]) *
                       (double)(tall ? w[i * columns + b] : w[b * columns + i]);
            if (fabs(sum - (a == b ? gain * gain : 0)) > 1.5e-6 * gain * gain)
                fail_msg("'%s': vectors %zu and %zu: %g", info.name, a, b, sum);
        }
}

FV_TEST(orthogonal, vectors_are_at_right_angles)
{
    char expected[17], hash[17];
    for (int32_t threads = 1; threads <= test_threads(3); threads++) {
        test_allocator allocator;
        fv_context *context = test_context(&allocator, threads);
        fv_graph *graph = matrices(context, (fv_initializer){ .kind = FV_INIT_ORTHOGONAL, .value = 1.5 });
        fv_params *params = NULL, *doubles = NULL, *back = NULL;
        assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
        assert_int_equal(fv_params_create(&back, graph, FV_F32), FV_OK);
        assert_int_equal(fv_params_create(&doubles, graph, FV_F64), FV_OK);
        fv_params_initialize(params, 5);
        fv_params_initialize(doubles, 5);
        for (int32_t i = 0; i < fv_params_count(params); i += 2)
            check_matrix(params, fv_params_values(params, i), i, 1.5);
        fv_params_hash(params, threads == 1 ? expected : hash);
        if (threads > 1)
            assert_string_equal(hash, expected);
        assert_int_equal(fv_params_copy(back, doubles), FV_OK);
        fv_params_hash(back, hash);
        assert_string_equal(hash, expected);
        fv_params_initialize(params, 6);
        fv_params_hash(params, hash);
        assert_string_not_equal(hash, expected);
        fv_params_destroy(params);
        fv_params_destroy(back);
        fv_params_destroy(doubles);
        fv_graph_destroy(graph);
        fv_context_destroy(context);
    }
}

FV_TEST(orthogonal, identity_passes_channels_on)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = matrices(context, (fv_initializer){ .kind = FV_INIT_IDENTITY });
    fv_params *params = NULL;
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    fv_params_initialize(params, 1);
    const float *conv = fv_params_values(params, 0), *grouped = fv_params_values(params, 2),
                *dense = fv_params_values(params, 4);
    for (size_t k = 0; k < 7; k++)
        for (size_t i = 0; i < 45; i++)
            assert_true(conv[45 * k + i] == (i == 9 * k + 4 ? 1 : 0));
    for (size_t k = 0; k < 14; k++) /* two filters for each channel: the first passes it on */
        for (size_t i = 0; i < 9; i++)
            assert_true(grouped[9 * k + i] == (k % 2 == 0 && i == 4 ? 1 : 0));
    for (size_t k = 0; k < 90; k++)
        for (size_t i = 0; i < 126; i++)
            assert_true(dense[126 * k + i] == (i == k ? 1 : 0));
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* 50 layers of 128 units without biases. */
static fv_graph *deep_network(fv_context *context, fv_initializer initializer, bool tanh)
{
    fv_graph *graph = NULL;
    fv_value x = FV_NO_VALUE, loss = FV_NO_VALUE;
    const fv_dense_options dense = { .units = WIDTH, .no_bias = true, .weight_init = initializer };
    assert_int_equal(fv_graph_create(&graph, context, "deep"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { WIDTH, 1, 1 } }, &x), FV_OK);
    for (int32_t i = 0; i < LAYERS; i++) {
        assert_int_equal(fv_graph_add_dense(graph, x, &dense, &x), FV_OK);
        assert_int_equal(tanh ? fv_graph_add_tanh(graph, x, &x) : fv_graph_add_relu(graph, x, &x), FV_OK);
    }
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, x, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    return graph;
}

/* The mean over seeds of log(mean square behind the last layer / mean square of the input). */
static double growth(fv_initializer initializer, bool tanh, float input, uint64_t seeds)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    fv_graph *graph = deep_network(context, initializer, tanh);
    fv_params *params = NULL;
    fv_plan *plan = NULL;
    fv_session *session = NULL;
    float image[WIDTH], out[WIDTH];
    double mean = 0;
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = 1, .mode = FV_PREDICT }), FV_OK);
    assert_int_equal(fv_session_create(&session, plan, params), FV_OK);
    for (size_t i = 0; i < WIDTH; i++)
        image[i] = i % 2 == 0 ? input : -input;
    const fv_batch batch = { .n = 1, .images = image, .dtype = FV_F32, .order = FV_NHWC };
    for (uint64_t seed = 0; seed < seeds; seed++) {
        double squares = 0;
        fv_params_initialize(params, seed);
        fv_session_params_changed(session);
        assert_int_equal(fv_session_forward(session, &batch, NULL), FV_OK);
        assert_int_equal(fv_session_read(session, fv_graph_output(graph), out, WIDTH), FV_OK);
        for (size_t i = 0; i < WIDTH; i++)
            squares += (double)out[i] * (double)out[i] / WIDTH;
        mean += log(squares / ((double)input * (double)input)) / (double)seeds;
    }
    fv_session_destroy(session);
    fv_plan_destroy(plan);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return mean;
}

/* With He's variance a ReLU layer multiplies the mean square by (2/n) sum relu(z)^2, z from N(0, 1): mean 1 and variance 5/n, since
 * E relu^4 = 3/2. So log(mean square) moves by -5/(2n) a layer, with deviation sqrt(5/n); over 50 layers by -0.98, deviation 1.4, of which
 * 4 seeds leave 0.7. Twice or half of the variance adds 50 log 2 = 34.7 or takes it off. */
FV_TEST(orthogonal, he_keeps_the_variance_through_50_relu_layers)
{
    const double drift = -LAYERS * 5.0 / (2 * WIDTH), deviation = sqrt(LAYERS * 5.0 / WIDTH / SEEDS);
    const double he = growth((fv_initializer){ .kind = FV_INIT_HE }, false, 1, SEEDS);
    const double twice =
        growth((fv_initializer){ .kind = FV_INIT_GAUSSIAN, .value = sqrt(4.0 / WIDTH) }, false, 1, SEEDS);
    const double half =
        growth((fv_initializer){ .kind = FV_INIT_GAUSSIAN, .value = sqrt(1.0 / WIDTH) }, false, 1, SEEDS);
    assert_true(fabs(he - drift) < 5 * deviation);
    assert_true(fabs(twice - drift - LAYERS * log(2)) < 5 * deviation);
    assert_true(fabs(half - drift + LAYERS * log(2)) < 5 * deviation);
}

/* The same for tanh near 0, where it is x: (1/n) sum z^2 has variance 2/n. Inputs of 1e-4 stay in that range unless they grow: the
 * mean square 1e-8 can grow by exp(18.4) only. */
FV_TEST(orthogonal, xavier_keeps_the_variance_where_tanh_is_a_line)
{
    const double drift = -LAYERS * 2.0 / (2 * WIDTH), deviation = sqrt(LAYERS * 2.0 / WIDTH / SEEDS);
    const double xavier = growth((fv_initializer){ .kind = FV_INIT_XAVIER }, true, 1e-4f, SEEDS);
    const double twice =
        growth((fv_initializer){ .kind = FV_INIT_GAUSSIAN, .value = sqrt(2.0 / WIDTH) }, true, 1e-4f, SEEDS);
    const double half =
        growth((fv_initializer){ .kind = FV_INIT_GAUSSIAN, .value = sqrt(0.5 / WIDTH) }, true, 1e-4f, SEEDS);
    assert_true(fabs(xavier - drift) < 5 * deviation);
    assert_true(twice > 15); /* as far as tanh lets it */
    assert_true(fabs(half - drift + LAYERS * log(2)) < 5 * deviation);
    /* An orthogonal layer changes no length at all: 50 roundings of float32 in 128 sums. */
    assert_true(fabs(growth((fv_initializer){ .kind = FV_INIT_ORTHOGONAL }, true, 1e-4f, 1)) < 1e-4);
}

FV_TESTS(orthogonal, vectors_are_at_right_angles, identity_passes_channels_on,
         he_keeps_the_variance_through_50_relu_layers, xavier_keeps_the_variance_where_tanh_is_a_line)
