/* SPDX-License-Identifier: Apache-2.0
 *
 * run_test.c - random graphs: values with any number of readers, sums and joins of whatever fits, views anywhere. Their
 * gradients are checked against central differences, so a buffer that is written too early, a border that is not clean
 * or a gradient that is not added shows; and float32 with every shortcut is compared with float64.
 */

#include "base/random.h"
#include "support/graphs.h"
#include "support/test.h"

enum { VALUES = 14, GRAPHS = 40 };

typedef struct grower {
    fv_graph *graph;
    fvi_random random;
    fv_value values[VALUES + 8];
    int32_t count;
} grower;

static uint32_t pick(grower *g, uint32_t bound)
{
    return fvi_random_below(&g->random, bound);
}

static fv_image_shape shape_of(const grower *g, fv_value value)
{
    return fv_graph_node(g->graph, value).output;
}

static void keep(grower *g, fv_status status, fv_value value)
{
    if (status != FV_OK)
        fail_msg("%s", fv_context_message(fv_graph_context(g->graph)));
    g->values[g->count++] = value;
}

/* Up to three values that fit x (same rows and columns; for a sum the same channels too), x among them, perhaps
 * twice. */
static int32_t partners(grower *g, fv_value x, bool same_channels, fv_value found[3])
{
    int32_t count = 0;
    found[count++] = x;
    for (int32_t tries = 0; tries < 12 && count < 3; tries++) {
        const fv_value y = g->values[pick(g, (uint32_t)g->count)];
        const fv_image_shape a = shape_of(g, x), b = shape_of(g, y);
        if (a.h == b.h && a.w == b.w && (!same_channels || a.c == b.c))
            found[count++] = y;
    }
    return count;
}

static void add_convolution(grower *g, fv_value x)
{
    const fv_image_shape shape = shape_of(g, x);
    const int32_t kernel = 1 + 2 * (int32_t)pick(g, 2), stride = shape.h > 4 ? 1 + (int32_t)pick(g, 2) : 1;
    const fv_conv2d_options options = {
        .filters = 1 + (int32_t)pick(g, pick(g, 3) == 0 ? 20 : 5), /* more and fewer than a vector */
        .kernel = { kernel, kernel },
        .stride = { stride, stride },
        .padding = FV_PAD_SAME,
    };
    fv_value out = FV_NO_VALUE;
    const fv_status status = fv_graph_add_conv2d(g->graph, x, &options, &out);
    keep(g, status, out);
}

static void add_pool(grower *g, fv_value x)
{
    static const char *const types[] = { "max_pool2d", "average_pool2d" };
    const fv_pool2d_options options = { .kernel = { 3, 3 }, .stride = { 1, 1 }, .pad = { 1, 1, 1, 1 } };
    fv_value out = FV_NO_VALUE;
    const fv_status status = fv_graph_add(g->graph, types[pick(g, 2)], &x, 1, &options, &out);
    keep(g, status, out);
}

static void add_plain(grower *g, fv_value x)
{
    static const char *const types[] = { "relu", "tanh", "sigmoid", "identity", "elu", "relu", "flatten" };
    fv_value out = FV_NO_VALUE;
    const fv_status status = fv_graph_add(g->graph, types[pick(g, 7)], &x, 1, NULL, &out);
    keep(g, status, out);
}

static void add_join(grower *g, fv_value x)
{
    const bool sum = pick(g, 2) == 0;
    fv_value found[3], out = FV_NO_VALUE;
    const int32_t count = partners(g, x, sum, found);
    const fv_status status = fv_graph_add(g->graph, sum ? "add" : "concat", found, count, NULL, &out);
    keep(g, status, out);
}

static bool has_reader(const fv_graph *graph, fv_value value)
{
    for (int32_t i = value + 1; i < fv_graph_node_count(graph); i++)
        for (int32_t j = 0; j < fv_graph_node(graph, i).input_count; j++)
            if (fv_graph_node(graph, i).inputs[j] == value)
                return true;
    return false;
}

/* Every value that nobody reads goes through a dense layer (behind a flatten, at times) of its own into one sum of
 * scores. */
static void close_graph(grower *g)
{
    fv_value scores[VALUES + 8], sum = FV_NO_VALUE, loss = FV_NO_VALUE;
    int32_t count = 0;
    for (int32_t i = 0; i < g->count; i++) {
        fv_value x = g->values[i];
        if (has_reader(g->graph, x))
            continue;
        if (pick(g, 2) == 0)
            assert_int_equal(fv_graph_add_flatten(g->graph, x, &x), FV_OK);
        assert_int_equal(fv_graph_add_dense(g->graph, x, &(fv_dense_options){ .units = 3 }, &scores[count++]), FV_OK);
    }
    assert_int_equal(fv_graph_add_add(g->graph, scores, count, &sum), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(g->graph, sum, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(g->graph, sum), FV_OK);
}

static fv_graph *grow(fv_context *context, uint64_t seed)
{
    grower g = { .random = fvi_random_start(seed, FVI_PURPOSE_TEST, 77) };
    fv_value image = FV_NO_VALUE;
    assert_int_equal(fv_graph_create(&g.graph, context, "random"), FV_OK);
    const fv_status status = fv_graph_add_input(g.graph, &(fv_input_options){ .shape = { 2, 5, 6 } }, &image);
    keep(&g, status, image);
    while (g.count < VALUES) {
        const fv_value x =
            g.values[g.count > 3 && pick(&g, 2) == 0 ? g.count - 1 : (int32_t)pick(&g, (uint32_t)g.count)];
        switch (pick(&g, 5)) {
        case 0:
            add_convolution(&g, x);
            break;
        case 1:
            add_pool(&g, x);
            break;
        case 2:
            add_join(&g, x);
            break;
        default:
            add_plain(&g, x);
        }
    }
    close_graph(&g);
    return g.graph;
}

static void describe(const fv_graph *graph)
{
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        print_message("  %d %s %dx%dx%d:", i, node.name, node.output.c, node.output.h, node.output.w);
        for (int32_t j = 0; j < node.input_count; j++)
            print_message(" %d", node.inputs[j]);
        print_message("\n");
    }
}

FV_TEST(run, gradients_of_random_graphs_match_central_differences)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    int64_t checked = 0, skipped = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        fv_graph *graph = grow(context, seed);
        fv_gradient_check_result result;
        const fv_gradient_check_options options = { .seed = seed, .elements = 10 };
        assert_int_equal(fv_gradient_check(graph, &options, &result), FV_OK);
        checked += result.checked;
        skipped += result.skipped;
        if (!(result.worst < 5e-6)) {
            print_error("graph %d: error %.3g at %s[%lld], %.9g for %.9g\n", (int)seed, result.worst, result.worst_name,
                        (long long)result.worst_index, result.gradient, result.difference);
            describe(graph);
        }
        assert_true(result.worst < 5e-6);
        fv_graph_destroy(graph);
    }
    assert_true(checked > 10 * skipped);
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

/* Two steps, so that what the first leaves in memory meets the second; gradients of float32 against float64, which also
 * computes the gradient by the input. */
static void compare_precisions(const fv_graph *graph, const fv_batch *batch)
{
    test_run exact = test_start(graph, &(fv_plan_options){ .batch = 3, .dtype = FV_F64, .input_gradient = true });
    test_run fast = test_start(graph, &(fv_plan_options){ .batch = 3 });
    fv_step_result a, b;
    for (int32_t step = 0; step < 2; step++) {
        assert_int_equal(fv_session_step(exact.session, batch, &a), FV_OK);
        assert_int_equal(fv_session_step(fast.session, batch, &b), FV_OK);
    }
    /* Depth times the terms of a sum here: 10 * 200 rounding errors of 6e-8. */
    const double error = test_params_error(fv_session_gradients(fast.session), fv_session_gradients(exact.session));
    if (!(error <= 1.2e-4))
        describe(graph);
    assert_true(error <= 1.2e-4);
    test_end(&exact);
    test_end(&fast);
}

FV_TEST(run, random_graphs_agree_in_both_precisions)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 2);
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        fv_graph *graph = grow(context, seed);
        fv_batch batch = test_batch(graph, 3, seed);
        compare_precisions(graph, &batch);
        test_batch_release(&batch);
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
}

FV_TESTS(run, gradients_of_random_graphs_match_central_differences, random_graphs_agree_in_both_precisions)
