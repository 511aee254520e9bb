/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_network_test.c - both rates and the passes of every layer come back.
 */
#include "fovea/bench.h"

#include <string.h>

#include "train/small_run.h"

FV_TEST(bench_network, measures_both_modes)
{
    fv_context *context = small_context(1);
    fv_graph *graph = small_graph(context, true);
    fv_bench_result result;
    bool weights = false, inference = false;
    const fv_bench_options four = { .batch = 4, .seconds = 0.002 }, nothing = { .batch = 0 };
    assert_int_equal(fv_bench_network(graph, &four, &result), FV_OK);
    assert_true(result.train.images_per_second > 0 && result.inference.images_per_second > 0);
    assert_true(result.train.memory_bytes > result.inference.memory_bytes && result.inference.memory_bytes > 0);
    for (int32_t i = 0; i < result.pass_count; i++) {
        const fv_bench_pass *pass = &result.passes[i];
        weights = weights || (pass->training && strcmp(pass->pass, "backward_weights") == 0 && pass->gflops > 0);
        inference = inference || (!pass->training && strcmp(pass->pass, "forward") == 0 && pass->gflops > 0);
    }
    assert_true(weights && inference);
    fv_bench_release(context, &result);
    assert_int_equal(fv_bench_network(graph, &nothing, &result), FV_ERR_ARGUMENT);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Nothing to learn from: inference alone. */
FV_TEST(bench_network, a_network_without_loss_is_only_run)
{
    fv_context *context = small_context(1);
    fv_graph *graph = small_graph(context, false);
    fv_bench_result result;
    const fv_bench_options four = { .batch = 4, .seconds = 0.002 }, neither = { .batch = 4, .no_inference = true };
    assert_int_equal(fv_bench_network(graph, &four, &result), FV_OK);
    assert_int_equal(result.train.runs, 0);
    assert_true(result.inference.images_per_second > 0);
    fv_bench_release(context, &result);
    assert_int_equal(fv_bench_network(graph, &neither, &result), FV_ERR_ARGUMENT);
    assert_string_equal(fv_context_message(context),
                        "bench: the network has no loss to train by, so without inference nothing is left to measure");
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

static bool three_times(void *user, const fv_bench_rate *rate)
{
    int *count = user;
    assert_true(rate->images_per_second > 0 && rate->runs >= 1);
    return ++*count < 3;
}

/* One mode alone, as often as the caller wants. */
FV_TEST(bench_network, measures_again_until_told_otherwise)
{
    fv_context *context = small_context(1);
    fv_graph *graph = small_graph(context, true);
    fv_bench_result result;
    int count = 0;
    const fv_bench_options options = {
        .batch = 4, .seconds = 0.001, .no_inference = true, .again = three_times, .user = &count
    };
    assert_int_equal(fv_bench_network(graph, &options, &result), FV_OK);
    assert_int_equal(count, 3);
    assert_true(result.train.runs >= 1 && result.pass_count > 0);
    assert_int_equal(result.inference.runs, 0);
    fv_bench_release(context, &result);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(bench_network, measures_both_modes, a_network_without_loss_is_only_run, measures_again_until_told_otherwise)
