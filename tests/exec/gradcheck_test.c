/* SPDX-License-Identifier: Apache-2.0
 *
 * gradcheck_test.c - whole networks against central differences, and the check against a wrong gradient.
 */
#include "support/graphs.h"
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

/* Its loss starts near 85, far above the usual one. */
FV_TEST(gradcheck, lenet5_1998)
{
    check_network("lenet5-1998");
}

FV_TEST(gradcheck, convnetjs_mnist)
{
    check_network("convnetjs-mnist");
}

FV_TEST(gradcheck, convnetjs_cifar10)
{
    check_network("convnetjs-cifar10");
}

FV_TEST(gradcheck, every_allocation_may_fail)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_branches(context);
    const long long live = allocator.live;
    const fv_gradient_check_options options = { .samples = 1, .elements = 1 };
    fv_gradient_check_result result;
    fv_status status = FV_ERR_MEMORY;
    for (long long succeed = 0; status == FV_ERR_MEMORY; succeed++) {
        test_allocator_fail_after(&allocator, succeed);
        status = fv_gradient_check(graph, &options, &result);
        assert_int_equal(allocator.live, live);
    }
    assert_int_equal(status, FV_OK);
    test_allocator_succeed(&allocator);
    assert_int_equal(fv_gradient_check(graph, &(fv_gradient_check_options){ .step = 2 }, &result), FV_ERR_ARGUMENT);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* float32 targets take the place of classes where a loss wants them. */
FV_TEST(gradcheck, a_loss_on_values)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = NULL;
    fv_value x = FV_NO_VALUE, loss = FV_NO_VALUE;
    fv_gradient_check_result result;
    assert_int_equal(fv_graph_create(&graph, context, "regression"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 2, 3, 3 } }, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &(fv_dense_options){ .units = 4 }, &x), FV_OK);
    assert_int_equal(fv_graph_add_euclidean_loss(graph, x, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    assert_int_equal(fv_gradient_check(graph, &(fv_gradient_check_options){ .elements = -1 }, &result), FV_OK);
    assert_true(result.worst < bar && result.skipped == 0);
    assert_int_equal(result.checked, 4 * 18 + 4 + 2 * 18);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(gradcheck, lenet5, lenet5_1998, convnetjs_mnist, convnetjs_cifar10, every_allocation_may_fail,
         a_loss_on_values)
