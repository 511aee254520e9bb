/* SPDX-License-Identifier: Apache-2.0
 *
 * densenet_test.c - densely connected networks: published counts, connections, stages, and that they train.
 */
#include <string.h>

#include "support/test.h"
#include "support/zoo.h"

FV_TEST(densenet, parameters)
{
    static const test_zoo_size sizes[] = {
        { "densenet-121", NULL, 7978856, 0 },         { "densenet-169", NULL, 14149480, 0 },
        { "densenet-201", NULL, 20013928, 0 },        { "densenet-161", NULL, 28681000, 0 },
        { "cifar-densenet-40-12", NULL, 1019722, 0 }, { "cifar-densenet-bc-100-12", NULL, 769162, 0 },
    };
    test_zoo_sizes(sizes, sizeof sizes / sizeof sizes[0]);
}

/* Huang et al. 2017, table 1. */
FV_TEST(densenet, stages)
{
    static const test_zoo_stage densenet_121[] = {
        { "features.conv0", 64, 112, 112 },
        { "features.pool0", 64, 56, 56 },
        { "features.denseblock1.denselayer6.concat", 256, 56, 56 },
        { "features.transition1.pool", 128, 28, 28 },
        { "features.denseblock2.denselayer12.concat", 512, 28, 28 },
        { "features.transition2.pool", 256, 14, 14 },
        { "features.denseblock3.denselayer24.concat", 1024, 14, 14 },
        { "features.transition3.pool", 512, 7, 7 },
        { "features.denseblock4.denselayer16.concat", 1024, 7, 7 },
    };
    test_zoo_stages("densenet-121", NULL, densenet_121, sizeof densenet_121 / sizeof densenet_121[0]);
}

/* In a block of L layers, counting the block's input and output: each layer reads all before it, which makes L(L+1)/2
 * direct connections. Channels tell what a layer reads: those of the block's input and `growth` from each layer before. */
FV_TEST(densenet, a_block_of_12_layers_has_78_connections)
{
    enum { LAYERS = 12, GROWTH = 12, STEM = 16 };
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    int32_t connections = 0;
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    assert_int_equal(fv_zoo_build(&graph, context, "cifar-densenet-40-12"), FV_OK);
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        if (strstr(node.name, "denseblock1.") == NULL || strcmp(node.type, "conv2d") != 0)
            continue;
        const int32_t read = fv_graph_node(graph, node.inputs[0]).output.c;
        assert_int_equal((read - STEM) % GROWTH, 0);
        connections += 1 + (read - STEM) / GROWTH; /* the input, and the layers before */
    }
    assert_int_equal(connections, LAYERS * (LAYERS + 1) / 2);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(densenet, train)
{
    test_zoo_learns("densenet-121", &(fv_zoo_options){ .classes = 5, .input = { 3, 32, 32 } }, 4);
    test_zoo_learns("cifar-densenet-40-12", &(fv_zoo_options){ .input = { 3, 8, 8 } }, 8);
    test_zoo_learns("cifar-densenet-bc-100-12", &(fv_zoo_options){ .input = { 3, 8, 8 } }, 8);
}

FV_TESTS(densenet, parameters, stages, a_block_of_12_layers_has_78_connections, train)
