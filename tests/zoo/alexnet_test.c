/* SPDX-License-Identifier: Apache-2.0
 *
 * alexnet_test.c - AlexNet's published sizes and shapes, and that its forms learn.
 */
#include "support/test.h"
#include "support/zoo.h"

FV_TEST(alexnet, parameters_are_those_published)
{
    static const test_zoo_size sizes[] = {
        { "alexnet-2012", NULL, 60965224, 0 },
        { "alexnet-onetower", NULL, 62378344, 0 },
        { "alexnet", NULL, 61100840, 0 },
    };
    test_zoo_sizes(sizes, sizeof sizes / sizeof sizes[0]);
}

/* Krizhevsky et al. 2012, section 3.5 and figure 2: both halves together. */
FV_TEST(alexnet, stages_have_the_shapes_of_the_paper)
{
    static const test_zoo_stage stages[] = {
        { "conv1", 96, 55, 55 },  { "norm1", 96, 55, 55 },  { "pool1", 96, 27, 27 },  { "conv2", 256, 27, 27 },
        { "norm2", 256, 27, 27 }, { "pool2", 256, 13, 13 }, { "conv3", 384, 13, 13 }, { "conv4", 384, 13, 13 },
        { "conv5", 256, 13, 13 }, { "pool5", 256, 6, 6 },   { "fc6", 4096, 1, 1 },    { "drop6", 4096, 1, 1 },
        { "fc7", 4096, 1, 1 },    { "drop7", 4096, 1, 1 },  { "fc8", 1000, 1, 1 },
    };
    test_zoo_stages("alexnet-2012", NULL, stages, sizeof stages / sizeof stages[0]);
    test_zoo_stages("alexnet-onetower", NULL, stages, sizeof stages / sizeof stages[0]);
}

FV_TEST(alexnet, torchvisions_stages_have_its_shapes)
{
    static const test_zoo_stage stages[] = {
        { "features.0", 64, 55, 55 },   { "features.2", 64, 27, 27 },   { "features.3", 192, 27, 27 },
        { "features.5", 192, 13, 13 },  { "features.6", 384, 13, 13 },  { "features.8", 256, 13, 13 },
        { "features.10", 256, 13, 13 }, { "features.12", 256, 6, 6 },   { "classifier.1", 4096, 1, 1 },
        { "classifier.4", 4096, 1, 1 }, { "classifier.6", 1000, 1, 1 },
    };
    test_zoo_stages("alexnet", NULL, stages, sizeof stages / sizeof stages[0]);
}

FV_TEST(alexnet, learns)
{
    const fv_zoo_options small = { .classes = 10, .input = { 3, 64, 64 } };
    test_zoo_learns("alexnet-2012", &small, 4); /* the others: tests/long/zoo_test.c */
}

FV_TESTS(alexnet, parameters_are_those_published, stages_have_the_shapes_of_the_paper,
         torchvisions_stages_have_its_shapes, learns)
