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
    assert_int_equal(fv_bench_network(graph, 4, 0.002, &result), FV_OK);
    assert_true(result.train.images_per_second > 0 && result.inference.images_per_second > 0);
    assert_true(result.train.memory_bytes > result.inference.memory_bytes && result.inference.memory_bytes > 0);
    for (int32_t i = 0; i < result.pass_count; i++) {
        const fv_bench_pass *pass = &result.passes[i];
        weights = weights || (pass->training && strcmp(pass->pass, "backward_weights") == 0 && pass->gflops > 0);
        inference = inference || (!pass->training && strcmp(pass->pass, "forward") == 0 && pass->gflops > 0);
    }
    assert_true(weights && inference);
    fv_bench_release(context, &result);
    assert_int_equal(fv_bench_network(graph, 0, 0.002, &result), FV_ERR_ARGUMENT);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Nothing to learn from: inference alone. */
FV_TEST(bench_network, a_network_without_loss_is_only_run)
{
    fv_context *context = small_context(1);
    fv_graph *graph = small_graph(context, false);
    fv_bench_result result;
    assert_int_equal(fv_bench_network(graph, 4, 0.002, &result), FV_OK);
    assert_int_equal(result.train.runs, 0);
    assert_true(result.inference.images_per_second > 0);
    fv_bench_release(context, &result);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(bench_network, measures_both_modes, a_network_without_loss_is_only_run)
