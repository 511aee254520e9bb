/* SPDX-License-Identifier: Apache-2.0
 *
 * bn_inception_test.c - Ioffe & Szegedy 2015, figure 5, row by row, and that the network learns.
 */
#include "support/test.h"
#include "support/zoo.h"

/* Output sizes of figure 5, but that 3c and 4e have stride 2 and so leave the next grid. */
FV_TEST(bn_inception, stages_have_the_shapes_of_figure_5)
{
    static const test_zoo_stage stages[] = {
        { "conv1.depthwise", 24, 112, 112 }, { "conv1.conv", 64, 112, 112 },  { "pool1", 64, 56, 56 },
        { "conv2.reduce.conv", 64, 56, 56 }, { "conv2.conv", 192, 56, 56 },   { "pool2", 192, 28, 28 },
        { "inception_3a", 256, 28, 28 },     { "inception_3b", 320, 28, 28 }, { "inception_3c", 576, 14, 14 },
        { "inception_4a", 576, 14, 14 },     { "inception_4b", 576, 14, 14 }, { "inception_4c", 576, 14, 14 },
        { "inception_4d", 576, 14, 14 },     { "inception_4e", 1024, 7, 7 },  { "inception_5a", 1024, 7, 7 },
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
        { "4b", { 192, 96, 128, 96, 128, 128, 128 } },   { "4c", { 160, 128, 160, 128, 160, 160, 96 } },
        { "4d", { 96, 128, 192, 160, 192, 192, 96 } },   { "4e", { 0, 128, 192, 192, 256, 256, 0 } },
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

/* By hand from the widths: 3*8*49 + 24*64 + 128, ... ; 11,188,288 in all. */
FV_TEST(bn_inception, parameters_follow_from_the_widths)
{
    static const test_zoo_size size = { "bn-inception", NULL, 11188288, 0 };
    test_zoo_sizes(&size, 1);
    assert_int_equal(test_zoo_count("bn-inception", "batch_norm"), 3 + 8 * 7 + 2 * 5);
}

FV_TEST(bn_inception, learns)
{
    test_zoo_learns("bn-inception", &(fv_zoo_options){ .classes = 10, .input = { 3, 64, 64 } }, 4);
}

FV_TESTS(bn_inception, stages_have_the_shapes_of_figure_5, modules_have_the_widths_of_figure_5,
         parameters_follow_from_the_widths, learns)
