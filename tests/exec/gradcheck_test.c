/* SPDX-License-Identifier: Apache-2.0
 *
 * gradcheck_test.c - whole networks against central differences, and the check against a wrong gradient.
 */
#include <string.h>

#include "fovea/fovea.h"
#include "support/test.h"

/* Truncation h*h*f'''/24 and rounding 8*eps*|loss|/h leave about 1e-9 of a gradient near 1e-2 at h = 1e-5; kinks are
 * let through up to 1e-6 of the largest gradient (gradcheck.c). */
static const double bar = 2e-6;

static void check_network(const char *name)
{
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    fv_gradient_check_result result;
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    assert_int_equal(fv_zoo_build(&graph, context, name), FV_OK);
    const fv_gradient_check_options options = { .seed = 5, .elements = 8 };
    assert_int_equal(fv_gradient_check(graph, &options, &result), FV_OK);
    print_message("%s: worst %.2g at %s[%lld]: %.9g, difference %.9g; %lld checked, %lld skipped\n", name, result.worst,
                  result.worst_name, (long long)result.worst_index, result.gradient, result.difference,
                  (long long)result.checked, (long long)result.skipped);
    assert_true(result.worst < bar);
    assert_true(result.checked > 40);
    assert_true(result.skipped < result.checked);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(gradcheck, lenet5)
{
    check_network("lenet5");
}

FV_TEST(gradcheck, convnetjs_mnist)
{
    check_network("convnetjs-mnist");
}

FV_TEST(gradcheck, convnetjs_cifar10)
{
    check_network("convnetjs-cifar10");
}

FV_TESTS(gradcheck, lenet5, convnetjs_mnist, convnetjs_cifar10)
