/* SPDX-License-Identifier: Apache-2.0
 *
 * bench_problem_test.c - three passes come back, and a problem that is none is refused.
 */
#include <math.h>
#include <string.h>

#include "fovea/bench.h"
#include "support/test.h"

FV_TEST(bench_problem, measures_three_passes)
{
    static const char *const passes[] = { "forward", "backward_data", "backward_weights" };
    fv_context *context = NULL;
    fv_bench_result result;
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    assert_int_equal(fv_bench_problem(context, "conv:n2c3h7w5k4r3s3p1", NULL, 0.002, &result), FV_OK);
    assert_int_equal(result.pass_count, 3);
    assert_true(result.peak_gflops > 0);
    for (int i = 0; i < 3; i++) {
        const fv_bench_pass *pass = &result.passes[i];
        assert_string_equal(pass->pass, passes[i]);
        assert_true(pass->seconds > 0 && pass->gflops > 0 && pass->share_of_peak > 0 && pass->algorithm[0] != '\0');
        /* 2*n*k*c*r*s*oh*ow operations */
        assert_true(fabs(pass->gflops * pass->seconds - 2e-9 * 2 * 4 * 3 * 9 * 35) < 1e-15);
    }
    fv_bench_release(context, &result);
    fv_context_destroy(context);
}

FV_TEST(bench_problem, bad_problems_are_refused)
{
    static const char *const wrong[] = {
        "", "conv:", "pool:n1c1h2w2", "conv:n2c3h7k4r9s9", "conv:n2c3h7q4", "conv:n0c3h7k4r3", "conv:c1h1k99999999999r1"
    };
    fv_context *context = NULL;
    fv_bench_result result;
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(fv_bench_problem(context, wrong[i], NULL, 0.001, &result), FV_ERR_ARGUMENT);
        assert_non_null(strstr(fv_context_message(context), wrong[i]));
        assert_null(result.passes);
    }
    fv_context_destroy(context);
}

FV_TESTS(bench_problem, measures_three_passes, bad_problems_are_refused)
