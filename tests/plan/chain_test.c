/* SPDX-License-Identifier: Apache-2.0
 *
 * chain_test.c - inverted residuals in bands of rows: which three steps run as one, and that they give the bits of three.
 */
#include <stdlib.h>
#include <string.h>

#include "support/graphs.h"
#include "support/test.h"
#include "support/values.h"

enum { CLASSES = 3, IMAGES = 3 };

static fv_value one(fv_graph *graph, const char *type, fv_value x)
{
    return test_add(graph, type, &x, 1, NULL);
}

static fv_value convolve(fv_graph *graph, fv_value x, int32_t filters, int32_t kernel, int32_t stride, int32_t groups,
                         const char *name)
{
    const int32_t p = kernel / 2;
    const fv_conv2d_options options = { .name = name,
                                        .filters = filters,
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

/* A 3x3 head of stride 2; then 85 channels (no whole vectors) of 75x61, more than a band holds, with a shortcut; then 5x5 of stride 2
 * behind a ReLU on maps that stride 2 does not divide, and an activation at the end. */
static fv_graph *inverted(fv_context *context)
{
    fv_value image;
    fv_graph *graph = test_graph_start(context, (fv_image_shape){ 16, 75, 61 }, &image);
    fv_value x = one(graph, "relu6", convolve(graph, image, 24, 3, 2, 1, "a0"));
    x = one(graph, "relu6", convolve(graph, x, 24, 3, 1, 24, "a1"));
    x = convolve(graph, x, 19, 1, 1, 1, "a2");
    fv_value y = one(graph, "relu6", convolve(graph, x, 85, 1, 1, 1, "b0"));
    y = one(graph, "relu6", convolve(graph, y, 85, 3, 1, 85, "b1"));
    y = convolve(graph, y, 19, 1, 1, 1, "b2");
    x = test_add(graph, "add", (fv_value[]){ x, y }, 2, NULL);
    x = one(graph, "relu", convolve(graph, x, 32, 1, 1, 1, "c0"));
    x = convolve(graph, x, 32, 5, 2, 32, "c1");
    finish(graph, one(graph, "relu", convolve(graph, x, 21, 1, 1, 1, "c2")));
    return graph;
}

static int32_t count_bands(const fv_plan *plan)
{
    int32_t count = 0;
    for (int32_t i = 0; i < fv_plan_step_count(plan); i++)
        count += strcmp(fv_plan_step(plan, i).algorithm, "bands") == 0;
    return count;
}

static void infer(const fv_graph *graph, fv_mode mode, int32_t n, bool no_fusion, double *scores)
{
    const fv_plan_options options = { .batch = IMAGES, .mode = mode, .no_fusion = no_fusion };
    test_run run = test_start(graph, &options);
    assert_int_equal(count_bands(run.plan), no_fusion ? 0 : 3);
    fv_batch batch = test_batch(graph, IMAGES, 7);
    const fv_batch part = test_batch_part(graph, &batch, 0, n);
    fv_step_result result;
    float values[IMAGES * CLASSES];
    for (int32_t again = 0; again < 2; again++)
        assert_int_equal(fv_session_forward(run.session, &part, &result), FV_OK);
    assert_int_equal(fv_session_read(run.session, fv_graph_output(graph), values, IMAGES * CLASSES), FV_OK);
    for (int32_t i = 0; i < n * CLASSES; i++)
        scores[i] = (double)values[i];
    test_batch_release(&batch);
    test_end(&run);
}

FV_TEST(chain, bands_give_the_bits_of_three_steps)
{
    for (int32_t threads = 1; threads <= 3; threads++) {
        test_allocator allocator;
        fv_context *context = test_context(&allocator, threads);
        fv_graph *graph = inverted(context);
        for (int32_t n = 1; n <= IMAGES; n += 2) {
            double together[IMAGES * CLASSES], apart[IMAGES * CLASSES];
            const fv_mode mode = n == 1 ? FV_PREDICT : FV_EVALUATE;
            infer(graph, mode, n, false, together);
            infer(graph, mode, n, true, apart);
            for (int32_t i = 0; i < n * CLASSES; i++)
                if (!(together[i] == apart[i]))
                    fail_msg("%d threads, %d images: score %d is %.9g in bands, %.9g apart", threads, n, i, together[i],
                             apart[i]);
        }
        fv_graph_destroy(graph);
        fv_context_destroy(context);
    }
}

FV_TEST(chain, values_between_are_nowhere)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = inverted(context);
    size_t arena[2];
    for (int apart = 0; apart < 2; apart++) {
        test_run run =
            test_start(graph, &(fv_plan_options){ .batch = IMAGES, .mode = FV_PREDICT, .no_fusion = apart == 1 });
        arena[apart] = fv_plan_memory_bytes(run.plan).arena;
        fv_batch batch = test_batch(graph, IMAGES, 3);
        fv_step_result result;
        float value;
        assert_int_equal(fv_session_forward(run.session, &batch, &result), FV_OK);
        if (apart == 0) {
            assert_int_equal(fv_session_read(run.session, test_node(graph, "c1"), &value, 1), FV_ERR_STATE);
            assert_non_null(strstr(fv_session_message(run.session), "plan with no_fusion to read it"));
        }
        test_batch_release(&batch);
        test_end(&run);
    }
    assert_true(arena[0] < arena[1]);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* A depthwise value that somebody else reads too, or an activation that no micro-kernel has, keeps three steps. */
FV_TEST(chain, other_steps_stay_apart)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    for (int variant = 0; variant < 3; variant++) {
        fv_value image;
        fv_graph *graph = test_graph_start(context, (fv_image_shape){ 16, 9, 7 }, &image);
        const fv_value a = one(graph, variant == 1 ? "tanh" : "relu6", convolve(graph, image, 32, 1, 1, 1, "a"));
        const fv_value b = one(graph, "relu6", convolve(graph, a, 32, 3, 1, 32, "b"));
        fv_value c = convolve(graph, b, 32, 1, 1, 1, "c");
        if (variant == 2)
            c = test_add(graph, "add", (fv_value[]){ b, c }, 2, NULL);
        finish(graph, c);
        fv_plan *plan = NULL;
        assert_int_equal(fv_plan_create(&plan, graph, &(fv_plan_options){ .batch = 1, .mode = FV_PREDICT }), FV_OK);
        assert_int_equal(count_bands(plan), variant == 0);
        fv_plan_destroy(plan);
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
}

FV_TESTS(chain, bands_give_the_bits_of_three_steps, values_between_are_nowhere, other_steps_stay_apart)
