/* SPDX-License-Identifier: Apache-2.0
 *
 * googlenet_test.c - GoogLeNet's sizes and table 1 stage by stage, and that both forms learn.
 */
#include "support/test.h"
#include "support/zoo.h"

FV_TEST(googlenet, parameters_are_those_published)
{
    static const test_zoo_size sizes[] = {
        { "googlenet", NULL, 6998552, 13378280 },
        { "googlenet-bn", NULL, 6624904, 13004888 },
    };
    test_zoo_sizes(sizes, sizeof sizes / sizeof sizes[0]);
}

/* Szegedy et al. 2015, table 1: output sizes; auxiliary classifiers: section 5. */
FV_TEST(googlenet, stages_have_the_shapes_of_table_1)
{
    static const test_zoo_stage stages[] = {
        { "conv1.conv", 64, 112, 112 }, { "maxpool1", 64, 56, 56 },
        { "conv3.conv", 192, 56, 56 },  { "maxpool2", 192, 28, 28 },
        { "inception3a", 256, 28, 28 }, { "inception3b", 480, 28, 28 },
        { "maxpool3", 480, 14, 14 },    { "inception4a", 512, 14, 14 },
        { "aux1.avgpool", 512, 4, 4 },  { "aux1.conv.conv", 128, 4, 4 },
        { "aux1.fc1", 1024, 1, 1 },     { "aux1.fc2", 1000, 1, 1 },
        { "inception4b", 512, 14, 14 }, { "inception4c", 512, 14, 14 },
        { "inception4d", 528, 14, 14 }, { "aux2.avgpool", 528, 4, 4 },
        { "inception4e", 832, 14, 14 }, { "maxpool4", 832, 7, 7 },
        { "inception5a", 832, 7, 7 },   { "inception5b", 1024, 7, 7 },
        { "avgpool", 1024, 1, 1 },      { "fc", 1000, 1, 1 },
    };
    test_zoo_stages("googlenet", NULL, stages, sizeof stages / sizeof stages[0]);
    test_zoo_stages("googlenet-bn", NULL, stages, sizeof stages / sizeof stages[0]);
}

/* 57 convolutions, and one in each auxiliary classifier. */
FV_TEST(googlenet, forms_differ_in_normalisation)
{
    assert_int_equal(test_zoo_count("googlenet", "conv2d"), 59);
    assert_int_equal(test_zoo_count("googlenet", "local_response_norm"), 2);
    assert_int_equal(test_zoo_count("googlenet", "batch_norm"), 0);
    assert_int_equal(test_zoo_count("googlenet-bn", "batch_norm"), 59);
    assert_int_equal(test_zoo_count("googlenet-bn", "local_response_norm"), 0);
    assert_int_equal(test_zoo_count("googlenet", "softmax_cross_entropy"), 3);
}

FV_TEST(googlenet, learns)
{
    const fv_zoo_options small = { .classes = 10, .input = { 3, 96, 96 } };
    test_zoo_learns("googlenet", &small, 2);
    test_zoo_learns("googlenet-bn", &small, 4);
}

FV_TESTS(googlenet, parameters_are_those_published, stages_have_the_shapes_of_table_1, forms_differ_in_normalisation,
         learns)
