/* SPDX-License-Identifier: Apache-2.0
 *
 * resnet_test.c - residual networks and plain ones, for ImageNet and for CIFAR: published counts, sizes of the stages, and that
 * they train.
 */
#include "support/test.h"
#include "support/zoo.h"

FV_TEST(resnet, parameters)
{
    static const test_zoo_size sizes[] = {
        { "resnet-18", NULL, 11689512, 0 },         { "resnet-34", NULL, 21797672, 0 },
        { "resnet-50", NULL, 25557032, 0 },         { "resnet-101", NULL, 44549160, 0 },
        { "resnet-152", NULL, 60192808, 0 },        { "preresnet-200", NULL, 64666280, 0 },
        { "resnext-50", NULL, 25028904, 0 },        { "cifar-resnet-20", NULL, 269722, 0 },
        { "cifar-resnet-32", NULL, 464154, 0 },     { "cifar-resnet-44", NULL, 658586, 0 },
        { "cifar-resnet-56", NULL, 853018, 0 },     { "cifar-resnet-110", NULL, 1727962, 0 },
        { "cifar-resnet-1202", NULL, 19421274, 0 }, { "wide-resnet-28-10", NULL, 36479194, 0 },
    };
    test_zoo_sizes(sizes, sizeof sizes / sizeof sizes[0]);
}

/* Shortcuts of option A have no parameters, so a plain network has as many as the residual one. */
FV_TEST(resnet, plain_networks_count_as_residual_ones)
{
    static const test_zoo_size sizes[] = {
        { "cifar-plain-20", NULL, 269722, 0 },   { "cifar-plain-32", NULL, 464154, 0 },
        { "cifar-plain-44", NULL, 658586, 0 },   { "cifar-plain-56", NULL, 853018, 0 },
        { "cifar-plain-110", NULL, 1727962, 0 },
    };
    test_zoo_sizes(sizes, sizeof sizes / sizeof sizes[0]);
}

/* He et al. 2015, table 1. */
FV_TEST(resnet, stages)
{
    static const test_zoo_stage resnet_34[] = {
        { "conv1", 64, 112, 112 },         { "maxpool", 64, 56, 56 },         { "layer1.2.relu2", 64, 56, 56 },
        { "layer2.3.relu2", 128, 28, 28 }, { "layer3.5.relu2", 256, 14, 14 }, { "layer4.2.relu2", 512, 7, 7 },
        { "avgpool", 512, 1, 1 },
    };
    test_zoo_stages("resnet-34", NULL, resnet_34, sizeof resnet_34 / sizeof resnet_34[0]);
    static const test_zoo_stage resnet_50[] = {
        { "layer1.2.relu3", 256, 56, 56 },
        { "layer2.3.relu3", 512, 28, 28 },
        { "layer3.5.relu3", 1024, 14, 14 },
        { "layer4.2.relu3", 2048, 7, 7 },
    };
    test_zoo_stages("resnet-50", NULL, resnet_50, sizeof resnet_50 / sizeof resnet_50[0]);
    static const test_zoo_stage resnext_50[] = {
        { "layer1.0.conv2", 128, 56, 56 },
        { "layer4.0.conv2", 1024, 7, 7 },
        { "layer4.2.relu3", 2048, 7, 7 },
    };
    test_zoo_stages("resnext-50", NULL, resnext_50, sizeof resnext_50 / sizeof resnext_50[0]);
    static const test_zoo_stage cifar_resnet_20[] = {
        { "layer1.2.relu2", 16, 32, 32 },
        { "layer2.2.relu2", 32, 16, 16 },
        { "layer3.2.relu2", 64, 8, 8 },
    };
    test_zoo_stages("cifar-resnet-20", NULL, cifar_resnet_20, sizeof cifar_resnet_20 / sizeof cifar_resnet_20[0]);
}

/* He et al. 2016, appendix: the first block's shortcut starts behind the activation that follows the first convolution; a
 * later block's at the sum before it. */
FV_TEST(resnet, pre_activation_splits_behind_the_first_activation)
{
    static const struct {
        const char *sum, *shortcut;
    } blocks[] = { { "layer1.0.add", "layer1.0.relu1" }, { "layer1.1.add", "layer1.0.add" } };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_graph *graph = test_zoo_build(context, "cifar-preresnet-20", NULL);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        const fv_node_info sum = fv_graph_node(graph, test_node(graph, blocks[i].sum));
        assert_string_equal(fv_graph_node(graph, sum.inputs[1]).name, blocks[i].shortcut);
    }
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(resnet, train)
{
    const fv_zoo_options small = { .classes = 5, .input = { 3, 64, 64 } }, tiny = { .input = { 3, 16, 16 } };
    test_zoo_learns("resnet-18", &small, 4);
    test_zoo_learns("plain-18", &small, 4);
    test_zoo_learns("resnet-50", &(fv_zoo_options){ .classes = 5, .input = { 3, 32, 32 } }, 4);
    test_zoo_learns("resnext-50", &(fv_zoo_options){ .classes = 5, .input = { 3, 32, 32 } }, 4);
    test_zoo_learns("cifar-resnet-20", &tiny, 8);
    test_zoo_learns("cifar-preresnet-20", &tiny, 8);
    test_zoo_learns("cifar-plain-20", &tiny, 8);
}

FV_TESTS(resnet, parameters, plain_networks_count_as_residual_ones, stages,
         pre_activation_splits_behind_the_first_activation, train)
