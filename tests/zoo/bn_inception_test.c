/* SPDX-License-Identifier: Apache-2.0
 *
 * bn_inception_test.c - Ioffe & Szegedy 2015, figure 5, row by row, and that the network learns.
 */
#include "support/test.h"
#include "support/zoo.h"

/* What follows from the widths of figure 5. Its column of output sizes says otherwise in two ways: it gives 3c and 4e, whose
 * stride is 2, the grid that they read, and 4c, 4d and 4e 576, 576 and 1,024 channels, less than their widths add up to. */
FV_TEST(bn_inception, stages_have_the_shapes_of_figure_5)
{
    static const test_zoo_stage stages[] = {
        { "conv1.depthwise", 24, 112, 112 }, { "conv1.conv", 64, 112, 112 },  { "pool1", 64, 56, 56 },
        { "conv2.reduce.conv", 64, 56, 56 }, { "conv2.conv", 192, 56, 56 },   { "pool2", 192, 28, 28 },
        { "inception_3a", 256, 28, 28 },     { "inception_3b", 320, 28, 28 }, { "inception_3c", 576, 14, 14 },
        { "inception_4a", 576, 14, 14 },     { "inception_4b", 576, 14, 14 }, { "inception_4c", 608, 14, 14 },
        { "inception_4d", 608, 14, 14 },     { "inception_4e", 1056, 7, 7 },  { "inception_5a", 1024, 7, 7 },
        { "inception_5b", 1024, 7, 7 },      { "avgpool", 1024, 1, 1 },       { "fc", 1000, 1, 1 },
    };
    test_zoo_stages("bn-inception", NULL, stages, sizeof stages / sizeof stages[0]);
}

/* The parts of a row: 1x1, 3x3 reduce, 3x3, double reduce, double, projection; 0: not there. */
FV_TEST(bn_inception, modules_have_the_widths_of_figure_5)
{
    static const char *const parts[] = {
        "ones", "reduce3", "threes", "reduce_double", "double1", "double2", "project"
    };
    static const struct {
        const char *name;
        int32_t width[7];
    } rows[] = {
        { "3a", { 64, 64, 64, 64, 96, 96, 32 } },        { "3b", { 64, 64, 96, 64, 96, 96, 64 } },
        { "3c", { 0, 128, 160, 64, 96, 96, 0 } },        { "4a", { 224, 64, 96, 96, 128, 128, 128 } },
        { "4b", { 192, 96, 128, 96, 128, 128, 128 } },   { "4c", { 160, 128, 160, 128, 160, 160, 128 } },
        { "4d", { 96, 128, 192, 160, 192, 192, 128 } },  { "4e", { 0, 128, 192, 192, 256, 256, 0 } },
        { "5a", { 352, 192, 320, 160, 224, 224, 128 } }, { "5b", { 352, 192, 320, 192, 224, 224, 128 } },
    };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_zoo_build(context, "bn-inception", NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t j = 0; j < 7; j++) {
            char name[64];
            snprintf(name, sizeof name, "inception_%s.%s.conv", rows[i].name, parts[j]);
            if (rows[i].width[j] > 0)
                assert_int_equal(fv_graph_node(graph, test_node(graph, name)).output.c, rows[i].width[j]);
        }
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

/* The model that MXNet and Caffe have of figure 5, and Cadene's pretrained-models.pytorch after them, has 11,295,240: a
 * plain 7x7 at the start (64*3*49) where this one is separable (8*3*49 + 64*24), and biases in front of its 10,016
 * normalised channels. */
FV_TEST(bn_inception, parameters_follow_from_the_widths)
{
    static const test_zoo_size size = { "bn-inception", NULL, 11295240 - 64 * 3 * 49 + 8 * 3 * 49 + 64 * 24 - 10016,
                                        0 };
    test_zoo_sizes(&size, 1);
    assert_int_equal(test_zoo_count("bn-inception", "batch_norm"), 3 + 8 * 7 + 2 * 5);
}

FV_TEST(bn_inception, learns)
{
    test_zoo_learns("bn-inception", &(fv_zoo_options){ .classes = 10, .input = { 3, 64, 64 } }, 4);
}

FV_TESTS(bn_inception, stages_have_the_shapes_of_figure_5, modules_have_the_widths_of_figure_5,
         parameters_follow_from_the_widths, learns)
