/* SPDX-License-Identifier: Apache-2.0
 *
 * inception_v3_test.c - Inception-v2 against table 1 of Szegedy et al. 2016 and the costs that the paper states,
 * Inception-v3 against torchvision's sizes.
 */
#include <string.h>

#include "fovea/model.h"
#include "support/test.h"
#include "support/zoo.h"

FV_TEST(inception, v3_has_the_published_parameters)
{
    static const test_zoo_size size = { "inception-v3", NULL, 23834568, 27161264 };
    test_zoo_sizes(&size, 1);
}

/* Table 1: the input of each row is the output of the one above it. */
FV_TEST(inception, v2_has_the_shapes_of_table_1)
{
    static const test_zoo_stage stages[] = {
        { "image", 3, 299, 299 },
        { "Conv2d_1a_3x3.relu", 32, 149, 149 },
        { "Conv2d_2a_3x3.relu", 32, 147, 147 },
        { "Conv2d_2b_3x3.relu", 64, 147, 147 },
        { "maxpool1", 64, 73, 73 },
        { "Conv2d_3a_3x3.relu", 80, 71, 71 },
        { "Conv2d_3b_3x3.relu", 192, 35, 35 },
        { "Conv2d_4a_3x3.relu", 288, 35, 35 },
        { "Mixed_5a", 288, 35, 35 },
        { "Mixed_5b", 288, 35, 35 },
        { "Mixed_5c", 288, 35, 35 },
        { "Mixed_6a", 768, 17, 17 },
        { "Mixed_6b", 768, 17, 17 },
        { "Mixed_6c", 768, 17, 17 },
        { "Mixed_6d", 768, 17, 17 },
        { "Mixed_6e", 768, 17, 17 },
        { "Mixed_6f", 768, 17, 17 },
        { "AuxLogits.pool", 768, 5, 5 },
        { "AuxLogits.conv.conv", 128, 5, 5 },
        { "AuxLogits.fc1", 1024, 1, 1 },
        { "Mixed_7a", 1280, 8, 8 },
        { "Mixed_7b", 2048, 8, 8 },
        { "Mixed_7c", 2048, 8, 8 },
        { "avgpool", 2048, 1, 1 },
        { "fc", 1000, 1, 1 },
    };
    test_zoo_stages("inception-v2", NULL, stages, sizeof stages / sizeof stages[0]);
}

FV_TEST(inception, v3_has_the_shapes_of_torchvision)
{
    static const test_zoo_stage stages[] = {
        { "Conv2d_1a_3x3.conv", 32, 149, 149 },
        { "Conv2d_2a_3x3.conv", 32, 147, 147 },
        { "Conv2d_2b_3x3.conv", 64, 147, 147 },
        { "maxpool1", 64, 73, 73 },
        { "Conv2d_3b_1x1.conv", 80, 73, 73 },
        { "Conv2d_4a_3x3.conv", 192, 71, 71 },
        { "maxpool2", 192, 35, 35 },
        { "Mixed_5b", 256, 35, 35 },
        { "Mixed_5c", 288, 35, 35 },
        { "Mixed_5d", 288, 35, 35 },
        { "Mixed_6a", 768, 17, 17 },
        { "Mixed_6e", 768, 17, 17 },
        { "AuxLogits.conv1.conv", 768, 1, 1 },
        { "Mixed_7a", 1280, 8, 8 },
        { "Mixed_7b", 2048, 8, 8 },
        { "Mixed_7c", 2048, 8, 8 },
        { "fc", 1000, 1, 1 },
    };
    test_zoo_stages("inception-v3", NULL, stages, sizeof stages / sizeof stages[0]);
}

/* Whether a network with these flags has what each flag brings. */
static void check_flags(fv_context *context, const char *flags, bool seven, bool smooth, bool norm)
{
    char *json = NULL;
    fv_graph *graph = test_zoo_build(context, "inception-v2", &(fv_zoo_options){ .flags = flags });
    assert_int_equal(fv_graph_to_json(graph, &json), FV_OK);
    assert_int_equal(strstr(json, "\"Conv2d_1a_7x7.conv\"") != NULL, seven);
    assert_int_equal(strstr(json, "\"Conv2d_1a_3x3.conv\"") != NULL, !seven);
    assert_int_equal(strstr(json, "\"label_smoothing\"") != NULL, smooth);
    assert_int_equal(strstr(json, "\"AuxLogits.bn\"") != NULL, norm);
    assert_int_equal(fv_graph_node(graph, test_node(graph, "maxpool1")).output.h, 73);
    fv_text_release(context, json);
    fv_graph_destroy(graph);
}

FV_TEST(inception, v2_has_the_steps_of_table_3_as_flags)
{
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    check_flags(context, NULL, false, false, false);
    check_flags(context, "none", true, false, false);
    check_flags(context, "label-smoothing", true, true, false);
    check_flags(context, "label-smoothing,factorised-7x7", false, true, false);
    check_flags(context, "label-smoothing,factorised-7x7,bn-auxiliary", false, true, true);
    fv_context_destroy(context);
}

/* Multiply-adds of convolutions of these kernels one after the other, 64 channels throughout, 17x17 positions. */
static int64_t cost(fv_context *context, const int32_t (*kernels)[2], size_t count)
{
    fv_graph *graph = NULL;
    fv_value x = FV_NO_VALUE;
    assert_int_equal(fv_graph_create(&graph, context, "cost"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &(fv_input_options){ .shape = { 64, 17, 17 } }, &x), FV_OK);
    for (size_t i = 0; i < count; i++) {
        const fv_conv2d_options conv = { .filters = 64,
                                         .kernel = { kernels[i][0], kernels[i][1] },
                                         .padding = FV_PAD_SAME };
        assert_int_equal(fv_graph_add_conv2d(graph, x, &conv, &x), FV_OK);
    }
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    const int64_t multiply_adds = fv_graph_multiply_adds(graph);
    fv_graph_destroy(graph);
    return multiply_adds;
}

/* Section 3.1: two 3x3 for a 5x5 cost 18 for 25. Section 3.2: 3x1 and 1x3 for a 3x3 are 33% cheaper. */
FV_TEST(inception, factorising_saves_what_the_paper_says)
{
    static const int32_t five[][2] = { { 5, 5 } }, threes[][2] = { { 3, 3 }, { 3, 3 } };
    static const int32_t three[][2] = { { 3, 3 } }, split[][2] = { { 1, 3 }, { 3, 1 } };
    static const int32_t seven[][2] = { { 7, 7 } }, split_seven[][2] = { { 1, 7 }, { 7, 1 } };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    assert_int_equal(18 * cost(context, five, 1), 25 * cost(context, threes, 2));
    assert_int_equal(2 * cost(context, three, 1), 3 * cost(context, split, 2));
    assert_int_equal(2 * cost(context, seven, 1), 7 * cost(context, split_seven, 2));
    fv_context_destroy(context);
}

/* Without the auxiliary classifier, whose 5x5 needs the 17x17 positions of the full size. */
FV_TEST(inception, learns)
{
    const fv_zoo_options small = { .classes = 10, .input = { 3, 107, 107 }, .no_auxiliary = true };
    test_zoo_learns("inception-v2", &small, 2);
    test_zoo_learns("inception-v3", &small, 2);
}

FV_TESTS(inception, v3_has_the_published_parameters, v2_has_the_shapes_of_table_1, v3_has_the_shapes_of_torchvision,
         v2_has_the_steps_of_table_3_as_flags, factorising_saves_what_the_paper_says, learns)
