/* SPDX-License-Identifier: Apache-2.0
 *
 * field_test.c - receptive fields: worked by hand for LeNet-5, a residual block and dilation.
 */
#include <string.h>

#include "support/test.h"

#include "fovea/fovea.h"

static void assert_field(const fv_graph *graph, const char *name, double size, double stride, double start)
{
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        if (strcmp(node.name, name) != 0)
            continue;
        for (int axis = 0; axis < 2; axis++)
            if (node.field.size[axis] != size || node.field.stride[axis] != stride || node.field.start[axis] != start)
                fail_msg("%s: size %g, stride %g, start %g; expected %g, %g, %g", name, node.field.size[axis],
                         node.field.stride[axis], node.field.start[axis], size, stride, start);
        return;
    }
    fail_msg("no layer '%s'", name);
}

FV_TEST(field, of_lenet5)
{
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    assert_int_equal(fv_zoo_build(&graph, context, "lenet5"), FV_OK);
    assert_field(graph, "image", 1, 1, 0);
    assert_field(graph, "conv1", 5, 1, -2);
    assert_field(graph, "relu1", 5, 1, -2);
    assert_field(graph, "pool1", 6, 2, -2);
    assert_field(graph, "conv2", 14, 2, -2);
    assert_field(graph, "pool2", 16, 4, -2);
    assert_field(graph, "fc1", 32, 0, -2); /* 5 cells, 4 apart, of 16: the padded image */
    assert_field(graph, "fc3", 32, 0, -2);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* Branches of 1x1 and of two dilated 3x3 convolutions: the sum sees what the wider one sees. */
FV_TEST(field, of_branches_that_join)
{
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    fv_value x, one, wide, joined;
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    assert_int_equal(fv_graph_create(&graph, context, "branches"), FV_OK);
    const fv_input_options input = { .shape = { 2, 20, 20 } };
    const fv_conv2d_options point = { .filters = 2, .stride = { 2, 2 } };
    const fv_conv2d_options dilated = {
        .name = "dilated", .filters = 2, .kernel = { 3, 3 }, .dilation = { 2, 2 }, .padding = FV_PAD_SAME
    };
    const fv_conv2d_options strided = {
        .name = "strided", .filters = 2, .kernel = { 3, 3 }, .stride = { 2, 2 }, .pad = { 1, 1, 1, 1 }
    };
    assert_int_equal(fv_graph_add_input(graph, &input, &x), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(graph, x, &point, &one), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(graph, x, &dilated, &wide), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(graph, wide, &strided, &wide), FV_OK);
    const fv_value both[] = { one, wide };
    assert_int_equal(fv_graph_add(graph, "add", both, 2, &(fv_plain_options){ .name = "sum" }, &joined), FV_OK);
    assert_int_equal(fv_graph_finish(graph, joined), FV_OK);
    assert_field(graph, "dilated", 5, 1, -2);
    assert_field(graph, "strided", 7, 2, -3);
    assert_field(graph, "sum", 7, 2, -3);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(field, of_lenet5, of_branches_that_join)
