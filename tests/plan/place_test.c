/* SPDX-License-Identifier: Apache-2.0
 *
 * place_test.c - which values share memory: slices of channels, padded channels, blocks of concatenations that grow; and
 * that what shares memory still holds the right numbers and gets the right gradients.
 */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "plan/plan_internal.h"
#include "support/graphs.h"
#include "support/test.h"

enum { CLASSES = 3, GROWTH = 3, DENSE_LAYERS = 5 };

static fv_value convolve(fv_graph *graph, fv_value x, int32_t filters, int32_t kernel, int32_t stride)
{
    const int32_t p = kernel / 2;
    const fv_conv2d_options options = {
        .filters = filters, .kernel = { kernel, kernel }, .stride = { stride, stride }, .pad = { p, p, p, p }
    };
    return test_add(graph, "conv2d", &x, 1, &options);
}

static void finish(fv_graph *graph, fv_value x)
{
    const fv_value pooled = test_add(graph, "global_average_pool", &x, 1, NULL);
    const fv_value scores = test_add(graph, "dense", &pooled, 1, &(fv_dense_options){ .units = CLASSES });
    test_add(graph, "softmax_cross_entropy", &scores, 1, NULL);
    assert_int_equal(fv_graph_finish(graph, scores), FV_OK);
}

static void check_gradients(const fv_graph *graph)
{
    fv_gradient_check_result result;
    assert_int_equal(fv_gradient_check(graph, &(fv_gradient_check_options){ .elements = -1 }, &result), FV_OK);
    if (!(result.worst < 1e-6))
        fail_msg("gradients differ from central differences by %g", result.worst);
}

static int32_t count_steps(const fv_plan *plan, const char *type, const char *pass)
{
    int32_t count = 0;
    for (int32_t i = 0; i < plan->step_count; i++)
        count += strcmp(plan->nodes[plan->step[i].node].layer->name, type) == 0 &&
                 strcmp(fv_plan_step(plan, i).pass, pass) == 0;
    return count;
}

static int32_t storage_of(const fv_plan *plan, fv_value value)
{
    return plan->tensor[plan->node[value].tensor].storage;
}

static double *read(const test_run *run, const fv_graph *graph, fv_value value, int32_t n)
{
    const fv_image_shape shape = fv_graph_node(graph, value).output;
    const size_t count = (size_t)n * (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    double *values = calloc(count, sizeof *values);
    assert_non_null(values);
    if (fv_session_read(run->session, value, values, count) != FV_OK)
        fail_msg("%s", fv_session_message(run->session));
    return values;
}

/* Channels [from, from + c of part) of whole are part, in every image. */
static void check_channels(const test_run *run, const fv_graph *graph, fv_value whole, int32_t from, fv_value part)
{
    enum { IMAGES = 2 };
    const fv_image_shape wide = fv_graph_node(graph, whole).output, narrow = fv_graph_node(graph, part).output;
    const size_t plane = (size_t)wide.h * (size_t)wide.w;
    double *all = read(run, graph, whole, IMAGES), *some = read(run, graph, part, IMAGES);
    for (size_t n = 0; n < IMAGES; n++)
        assert_memory_equal(all + (n * (size_t)wide.c + (size_t)from) * plane, some + n * (size_t)narrow.c * plane,
                            (size_t)narrow.c * plane * sizeof *all);
    free(all);
    free(some);
}

/* One forward pass of two images in float64, kept for reading: in a training plan whose readers keep everything. */
static test_run run_forward(const fv_graph *graph)
{
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 2, .dtype = FV_F64 });
    fv_batch batch = test_batch(graph, 2, 3);
    fv_step_result result;
    assert_int_equal(fv_session_forward(run.session, &batch, &result), FV_OK);
    test_batch_release(&batch);
    return run;
}

/* x has two overlapping slices; one is read by a ReLU, which may not write over it, one by a convolution that wants a
 * border, and one a second time by a concatenation, which cannot place it. */
FV_TEST(place, slices_cost_no_forward_step)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 2, 5, 4 }, &image);
    const fv_value x = convolve(graph, image, 7, 3, 1);
    const fv_value low = test_add(graph, "slice", &x, 1, &(fv_slice_options){ .count = 4 });
    const fv_value high = test_add(graph, "slice", &x, 1, &(fv_slice_options){ .first = 2, .count = 5 });
    const fv_value within = test_add(graph, "slice", &high, 1, &(fv_slice_options){ .first = 3, .count = 2 });
    const fv_value relu = test_add(graph, "relu", &low, 1, NULL);
    const fv_value conv = convolve(graph, high, 3, 3, 1);
    finish(graph, test_add(graph, "concat", (fv_value[]){ relu, conv, high, within }, 4, NULL));
    test_run run = run_forward(graph);
    assert_int_equal(count_steps(run.plan, "slice", "forward"), 0);
    assert_int_equal(count_steps(run.plan, "slice", "backward"), 3);
    assert_int_equal(fv_plan_reorder_count(run.plan), 1); /* the input's */
    assert_int_equal(storage_of(run.plan, low), storage_of(run.plan, x));
    assert_int_equal(storage_of(run.plan, within), storage_of(run.plan, x));
    check_channels(&run, graph, x, 0, low);
    check_channels(&run, graph, x, 2, high);
    check_channels(&run, graph, x, 5, within);
    check_gradients(graph);
    test_end(&run);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

FV_TEST(place, the_input_may_be_sliced)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 5, 4, 4 }, &image);
    const fv_value first = test_add(graph, "slice", &image, 1, &(fv_slice_options){ .count = 2 });
    const fv_value last = test_add(graph, "slice", &image, 1, &(fv_slice_options){ .first = 2, .count = 3 });
    const fv_value left = convolve(graph, first, 3, 3, 1), right = convolve(graph, last, 3, 3, 1);
    finish(graph, test_add(graph, "add", (fv_value[]){ left, right }, 2, NULL));
    test_run run = run_forward(graph);
    assert_int_equal(count_steps(run.plan, "slice", "forward"), 0);
    assert_int_equal(count_steps(run.plan, "slice", "backward"), 0); /* nobody wants the image's gradient */
    check_channels(&run, graph, image, 2, last);
    check_gradients(graph);
    test_end(&run);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Option A of He et al. 2015: the subsampled pixels are written between the channels that pad adds. */
FV_TEST(place, a_padded_shortcut_is_not_copied)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 2, 6, 5 }, &image);
    const fv_pool2d_options every_second = { .kernel = { 1, 1 }, .stride = { 2, 2 } };
    const fv_value x = convolve(graph, image, 4, 3, 1);
    const fv_value thin = test_add(graph, "average_pool2d", &x, 1, &every_second);
    const fv_value wide = test_add(graph, "pad", &thin, 1, &(fv_pad_options){ .channels = { 2, 2 } });
    const fv_value block = convolve(graph, x, 8, 3, 2);
    const fv_value kept = convolve(graph, wide, 8, 1, 1); /* reads it in backward too: it stays to be looked at */
    const fv_value sum = test_add(graph, "add", (fv_value[]){ block, wide, kept }, 3, NULL);
    finish(graph, test_add(graph, "relu", &sum, 1, NULL));
    test_run run = run_forward(graph);
    assert_int_equal(run.plan->node[thin].into, wide);
    assert_int_equal(run.plan->node[thin].into_channel, 2);
    assert_int_equal(storage_of(run.plan, thin), storage_of(run.plan, wide));
    check_channels(&run, graph, wide, 2, thin);
    double *values = read(&run, graph, wide, 2), *source = read(&run, graph, x, 2);
    for (size_t n = 0; n < 2; n++)
        for (size_t c = 0; c < 8; c++)
            for (size_t i = 0; i < 9; i++) /* 3x3 of 6x5 */
                assert_true(values[(n * 8 + c) * 9 + i] ==
                            (c < 2 || c > 5 ? 0 : source[((n * 4 + c - 2) * 6 + i / 3 * 2) * 5 + i % 3 * 2]));
    free(values);
    free(source);
    check_gradients(graph);
    test_end(&run);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* The block of Huang et al. 2017 (arXiv:1608.06993), without batch normalisation: each layer reads everything before it
 * through a ReLU and a convolution and adds GROWTH channels. */
static fv_graph *densenet_block(fv_context *context, bool flat, fv_value join[DENSE_LAYERS])
{
    fv_value x, part[DENSE_LAYERS + 1];
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 2, 4, 5 }, &x);
    x = part[0] = convolve(graph, x, 4, 3, 1);
    for (int32_t i = 0; i < DENSE_LAYERS; i++) {
        const fv_value relu = test_add(graph, "relu", &x, 1, NULL);
        part[i + 1] = convolve(graph, relu, GROWTH, 3, 1);
        if (flat)
            x = join[i] = test_add(graph, "concat", part, i + 2, NULL);
        else
            x = join[i] = test_add(graph, "concat", (fv_value[]){ x, part[i + 1] }, 2, NULL);
    }
    finish(graph, x);
    return graph;
}

/* accumulations: of gradients, each by a pass over memory. */
static void check_densenet_block(bool flat, int32_t accumulations)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_value join[DENSE_LAYERS];
    fv_graph *graph = densenet_block(context, flat, join);
    test_run run = run_forward(graph);
    const fv_plan *plan = run.plan;
    const fv_value widest = join[DENSE_LAYERS - 1];
    /* No concatenation copies, forward or backward; no layout changes but the image's. */
    assert_int_equal(count_steps(plan, "concat", "forward"), 0);
    assert_int_equal(count_steps(plan, "concat", "backward"), 0);
    assert_int_equal(fv_plan_reorder_count(plan), 1);
    for (int32_t i = 0; i < DENSE_LAYERS; i++) {
        assert_int_equal(storage_of(plan, join[i]), storage_of(plan, widest));
        assert_int_equal(plan->tensor[plan->node[join[i]].tensor].channel, 0);
    }
    assert_int_equal(plan->storage[storage_of(plan, widest)].c, 4 + DENSE_LAYERS * GROWTH);
    for (int32_t i = 0; i < plan->step_count; i++)
        accumulations -= plan->step[i].kind == FVI_STEP_ACCUMULATE;
    assert_int_equal(accumulations, 0);
    for (int32_t i = 1; i < DENSE_LAYERS; i++)
        check_channels(&run, graph, join[i], 0, join[i - 1]);
    check_gradients(graph);
    test_end(&run);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

/* concat(concat(a, b), c): every join but the last has two readers, whose gradients are added in the wide gradient. */
FV_TEST(place, a_nested_densenet_block_is_one_wide_tensor)
{
    check_densenet_block(false, DENSE_LAYERS);
}

/* concat(a, b), concat(a, b, c), as other tools write it: the last join and each one before it, whose reader gives it a
 * gradient of its own, are cut into their parts and those are added up. */
FV_TEST(place, a_flat_densenet_block_is_one_wide_tensor)
{
    int32_t parts = 1; /* the first convolution, read by the first ReLU too */
    for (int32_t i = 0; i + 1 < DENSE_LAYERS; i++)
        parts += i + 2;
    check_densenet_block(true, parts);
}

/* The named networks that depend on it: no copies, however deep. */
FV_TEST(place, densenets_of_the_zoo_copy_nothing)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = NULL;
    assert_int_equal(fv_zoo_build(&graph, context, "densenet-121"), FV_OK);
    for (int mode = FV_TRAIN; mode <= FV_PREDICT; mode++) {
        fv_plan *plan = NULL;
        assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .mode = (fv_mode)mode }), FV_OK);
        assert_int_equal(count_steps(plan, "concat", "forward"), 0);
        assert_int_equal(count_steps(plan, "concat", "backward"), 0);
        assert_int_equal(fv_plan_reorder_count(plan), 1);
        int32_t accumulations = 0, saved = 0;
        for (int32_t i = 0; i < plan->step_count; i++)
            accumulations += plan->step[i].kind == FVI_STEP_ACCUMULATE;
        for (int32_t i = 0; i < plan->node_count; i++)
            saved += plan->node[i].saved != FVI_NONE;
        assert_int_equal(accumulations,
                         0); /* the normalisation before each layer of a block adds its gradient itself */
        assert_int_equal(saved > 0, mode == FV_TRAIN); /* inference keeps nothing */
        fv_plan_destroy(plan);
    }
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Random graphs of what shares memory, on 2x3 pixels. */
enum { RANDOM_GRAPHS = 40, RANDOM_NODES = 12, MOST_CHANNELS = 16 };

typedef struct random_graph {
    fv_graph *graph;
    fvi_random random;
    fv_value value[RANDOM_NODES + 1];
    int32_t count;
} random_graph;

static int32_t below(random_graph *r, int32_t bound)
{
    return (int32_t)fvi_random_below(&r->random, (uint32_t)bound);
}

/* Rather a late value than an early one, so that graphs are deep. */
static fv_value pick(random_graph *r)
{
    const int32_t a = below(r, r->count), b = below(r, r->count), chosen = a > b ? a : b;
    return r->value[chosen];
}

static int32_t channels(const random_graph *r, fv_value x)
{
    return fv_graph_node(r->graph, x).output.c;
}

static fv_value random_join(random_graph *r)
{
    fv_value x[3];
    int32_t count = 0, sum = 0;
    for (int32_t i = 0; i < 2 + below(r, 2); i++) {
        x[count] = pick(r);
        if (sum + channels(r, x[count]) <= MOST_CHANNELS || count == 0)
            sum += channels(r, x[count++]);
    }
    return test_add(r->graph, "concat", x, count, NULL);
}

static fv_value random_sum(random_graph *r)
{
    fv_value x[2] = { pick(r), pick(r) };
    if (channels(r, x[0]) != channels(r, x[1]))
        x[1] = convolve(r->graph, x[1], channels(r, x[0]), 1, 1);
    return test_add(r->graph, below(r, 3) == 0 ? "multiply" : "add", x, 2, NULL);
}

static fv_value random_gate(random_graph *r)
{
    const fv_value x = pick(r), pooled = test_add(r->graph, "global_average_pool", &x, 1, NULL);
    return test_add(r->graph, "multiply", (fv_value[]){ x, test_add(r->graph, "sigmoid", &pooled, 1, NULL) }, 2, NULL);
}

static fv_value random_slice(random_graph *r)
{
    const fv_value x = pick(r);
    const int32_t first = below(r, channels(r, x));
    const fv_slice_options options = { .first = first, .count = 1 + below(r, channels(r, x) - first) };
    return test_add(r->graph, "slice", &x, 1, &options);
}

static fv_value random_node(random_graph *r)
{
    switch (below(r, 9)) {
    case 0:
    case 1:
        return random_join(r);
    case 2:
        return random_sum(r);
    case 3:
        return random_gate(r);
    case 4:
        return random_slice(r);
    case 5:
        return test_add(r->graph, "pad", (fv_value[]){ pick(r) }, 1,
                        &(fv_pad_options){ .channels = { below(r, 3), below(r, 3) }, .value = below(r, 2) });
    case 6:
        return test_add(r->graph, "tanh", (fv_value[]){ pick(r) }, 1, NULL);
    case 7:
        return test_add(r->graph, "identity", (fv_value[]){ pick(r) }, 1, NULL);
    default:
        return convolve(r->graph, pick(r), 1 + below(r, 4), 3, 1);
    }
}

static bool is_read(const fv_graph *graph, fv_value x)
{
    for (int32_t i = x + 1; i < fv_graph_node_count(graph); i++)
        for (int32_t j = 0; j < fv_graph_node(graph, i).input_count; j++)
            if (fv_graph_node(graph, i).inputs[j] == x)
                return true;
    return false;
}

static fv_graph *make_random(fv_context *context, uint64_t seed)
{
    random_graph r = { .random = fvi_random_start(seed, FVI_PURPOSE_TEST, 77) };
    r.graph = test_graph_start(context, (fv_image_shape){ 3, 2, 3 }, &r.value[0]);
    for (r.count = 1; r.count <= RANDOM_NODES; r.count++)
        r.value[r.count] = random_node(&r);
    fv_value ends[RANDOM_NODES + 1];
    int32_t count = 0;
    for (int32_t i = 0; i < r.count; i++)
        if (!is_read(r.graph, r.value[i]))
            ends[count++] = r.value[i];
    finish(r.graph, test_add(r.graph, "concat", ends, count, NULL));
    return r.graph;
}

static void scores_of(const fv_graph *graph, fv_mode mode, double scores[2 * CLASSES])
{
    test_run run = test_start(graph, &(fv_plan_options){ .batch = 2, .dtype = FV_F64, .mode = mode });
    fv_batch batch = test_batch(graph, 2, 5);
    fv_step_result result;
    assert_int_equal(fv_session_forward(run.session, &batch, &result), FV_OK);
    assert_int_equal(fv_session_read(run.session, fv_graph_output(graph), scores, 2 * CLASSES), FV_OK);
    test_batch_release(&batch);
    test_end(&run);
}

/* Plans for training and for prediction share memory differently, and the results are the same; gradients are right. */
FV_TEST(place, random_graphs_keep_their_numbers)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    for (uint64_t seed = 1; seed <= RANDOM_GRAPHS; seed++) {
        fv_graph *graph = make_random(context, seed);
        double train[2 * CLASSES], predict[2 * CLASSES];
        fv_gradient_check_result result;
        scores_of(graph, FV_TRAIN, train);
        scores_of(graph, FV_PREDICT, predict);
        if (memcmp(train, predict, sizeof train) != 0)
            fail_msg("graph %d: training and prediction differ", (int)seed);
        assert_int_equal(fv_gradient_check(graph, &(fv_gradient_check_options){ .elements = -1 }, &result), FV_OK);
        if (!(result.worst < 1e-6))
            fail_msg("graph %d: gradients differ from central differences by %g", (int)seed, result.worst);
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

FV_TESTS(place, slices_cost_no_forward_step, the_input_may_be_sliced, a_padded_shortcut_is_not_copied,
         a_nested_densenet_block_is_one_wide_tensor, a_flat_densenet_block_is_one_wide_tensor,
         densenets_of_the_zoo_copy_nothing, random_graphs_keep_their_numbers)
