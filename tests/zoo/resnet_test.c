/* SPDX-License-Identifier: Apache-2.0
 *
 * resnet_test.c - residual networks and plain ones, for ImageNet and for CIFAR: published counts, sizes of the stages, and that
 * they train.
 */
#include "support/zoo_case.h"

#include "support/test.h"

FV_TEST(resnet, parameters)
{
    zoo_assert_counts((const zoo_count[]){ { "resnet-18", 11689512 },
                                           { "resnet-34", 21797672 },
                                           { "resnet-50", 25557032 },
                                           { "resnet-101", 44549160 },
                                           { "resnet-152", 60192808 },
                                           { "preresnet-200", 64666280 },
                                           { "resnext-50", 25028904 },
                                           { "cifar-resnet-20", 269722 },
                                           { "cifar-resnet-32", 464154 },
                                           { "cifar-resnet-44", 658586 },
                                           { "cifar-resnet-56", 853018 },
                                           { "cifar-resnet-110", 1727962 },
                                           { "cifar-resnet-1202", 19421274 },
                                           { "wide-resnet-28-10", 36479194 },
                                           { NULL, 0 } });
}

/* Shortcuts of option A have no parameters, so a plain network has as many as the residual one. */
FV_TEST(resnet, plain_networks_count_as_residual_ones)
{
    zoo_assert_counts((const zoo_count[]){ { "cifar-plain-20", 269722 },
                                           { "cifar-plain-32", 464154 },
                                           { "cifar-plain-44", 658586 },
                                           { "cifar-plain-56", 853018 },
                                           { "cifar-plain-110", 1727962 },
                                           { NULL, 0 } });
}

/* He et al. 2015, table 1. */
FV_TEST(resnet, stages)
{
    zoo_assert_stages("resnet-34", (const zoo_stage[]){ { "conv1", 64, 112, 112 },
                                                        { "maxpool", 64, 56, 56 },
                                                        { "layer1.2.relu2", 64, 56, 56 },
                                                        { "layer2.3.relu2", 128, 28, 28 },
                                                        { "layer3.5.relu2", 256, 14, 14 },
                                                        { "layer4.2.relu2", 512, 7, 7 },
                                                        { "avgpool", 512, 1, 1 },
                                                        { NULL, 0, 0, 0 } });
    zoo_assert_stages("resnet-50", (const zoo_stage[]){ { "layer1.2.relu3", 256, 56, 56 },
                                                        { "layer2.3.relu3", 512, 28, 28 },
                                                        { "layer3.5.relu3", 1024, 14, 14 },
                                                        { "layer4.2.relu3", 2048, 7, 7 },
                                                        { NULL, 0, 0, 0 } });
    zoo_assert_stages("resnext-50", (const zoo_stage[]){ { "layer1.0.conv2", 128, 56, 56 },
                                                         { "layer4.0.conv2", 1024, 7, 7 },
                                                         { "layer4.2.relu3", 2048, 7, 7 },
                                                         { NULL, 0, 0, 0 } });
    zoo_assert_stages("cifar-resnet-20", (const zoo_stage[]){ { "layer1.2.relu2", 16, 32, 32 },
                                                              { "layer2.2.relu2", 32, 16, 16 },
                                                              { "layer3.2.relu2", 64, 8, 8 },
                                                              { NULL, 0, 0, 0 } });
}

FV_TEST(resnet, train)
{
    const fv_zoo_options small = { .classes = 5, .input = { 3, 64, 64 } }, tiny = { .input = { 3, 16, 16 } };
    zoo_assert_learns("resnet-18", &small, 4, 0.02);
    zoo_assert_learns("plain-18", &small, 4, 0.02);
    zoo_assert_learns("resnet-50", &(fv_zoo_options){ .classes = 5, .input = { 3, 32, 32 } }, 4, 0.01);
    zoo_assert_learns("resnext-50", &(fv_zoo_options){ .classes = 5, .input = { 3, 32, 32 } }, 4, 0.01);
    zoo_assert_learns("cifar-resnet-20", &tiny, 8, 0.02);
    zoo_assert_learns("cifar-preresnet-20", &tiny, 8, 0.02);
    zoo_assert_learns("cifar-plain-20", &tiny, 8, 0.02);
}

FV_TESTS(resnet, parameters, plain_networks_count_as_residual_ones, stages, train)
