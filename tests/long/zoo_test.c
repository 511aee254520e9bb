/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo_test.c - one step of big networks in their own size, auxiliary classifiers included. Minutes and gigabytes:
 * `make test-zoo` runs it.
 */
#include "support/test.h"
#include "support/zoo.h"

FV_TEST(zoo, big_networks_learn_in_their_own_size)
{
    test_zoo_learns("alexnet-2012", NULL, 2);
    test_zoo_learns("alexnet", NULL, 2);
    test_zoo_learns("vgg-d", NULL, 1);
    test_zoo_learns("googlenet", NULL, 2);
    test_zoo_learns("googlenet-bn", NULL, 2);
    test_zoo_learns("bn-inception", NULL, 2);
    test_zoo_learns("inception-v2", &(fv_zoo_options){ .flags = "label-smoothing,factorised-7x7,bn-auxiliary" }, 2);
    test_zoo_learns("inception-v3", NULL, 2);
}

FV_TEST(zoo, deep_networks_learn_in_their_own_size)
{
    test_zoo_learns("cifar-resnet-1202", NULL, 8);
    test_zoo_learns("densenet-161", NULL, 4);
    test_zoo_learns("resnet-152", NULL, 2);
    test_zoo_learns("preresnet-200", NULL, 2);
    test_zoo_learns("densenet-201", NULL, 2);
    test_zoo_learns("wide-resnet-28-10", NULL, 2);
}

FV_TEST(zoo, every_form_of_alexnet_and_vgg_learns)
{
    static const char *const alexnets[] = { "alexnet-onetower", "alexnet" };
    static const char *const vggs[] = { "vgg-a",    "vgg-b",        "vgg-c",    "vgg-d",    "vgg-e",   "vgg-a-bn",
                                        "vgg-b-bn", "vgg-a-lrn-bn", "vgg-c-bn", "vgg-d-bn", "vgg-e-bn" };
    for (size_t i = 0; i < sizeof alexnets / sizeof alexnets[0]; i++)
        test_zoo_learns(alexnets[i], &(fv_zoo_options){ .classes = 10, .input = { 3, 64, 64 } }, 4);
    for (size_t i = 0; i < sizeof vggs / sizeof vggs[0]; i++)
        test_zoo_learns(vggs[i], &(fv_zoo_options){ .classes = 10, .input = { 3, 32, 32 } }, 4);
}

FV_TESTS(zoo, deep_networks_learn_in_their_own_size, every_form_of_alexnet_and_vgg_learns,
         big_networks_learn_in_their_own_size)
