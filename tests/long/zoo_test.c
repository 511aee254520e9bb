/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo_test.c - one step of big networks in their own size, auxiliary classifiers included. Minutes and gigabytes:
 * `make test-zoo` runs it.
 */
#include <string.h>

#include "base/clock.h"
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

/* Sizes other than a family's usual small one: what the last layers still fit into. */
static const struct {
    const char *prefix; /* of names; the first that fits counts */
    int32_t size, batch;
    bool no_auxiliary; /* its classifiers need the full size: the test above has them */
} sizes[] = {
    { "inception-v", 107, 2, true },
    { "googlenet", 96, 2, false },
    { "prelu-net-a", 112, 1, false },
    { "vgg-", 32, 2, false },
    { "densenet-", 32, 4, false },
    { "cifar-resnet-1202", 8, 2, false },
    { "cifar-preresnet-1202", 8, 2, false },
    { "cifar-densenet-", 8, 8, false },
    { "cifar-", 16, 4, false },
    { "wide-resnet-", 8, 4, false },
    { "airbench94", 32, 4, false }, /* its first layers do not pad */
};

static void check_learning(const fv_zoo_entry *entry)
{
    fv_zoo_options options = { .classes = entry->classes > 10 ? 10 : 0 };
    int32_t size = entry->input.h >= 224 ? 64 : 0, batch = 4;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (strncmp(entry->name, sizes[i].prefix, strlen(sizes[i].prefix)) == 0) {
            size = sizes[i].size;
            batch = sizes[i].batch;
            options.no_auxiliary = sizes[i].no_auxiliary;
            break;
        }
    if (size > 0)
        options.input = (fv_image_shape){ entry->input.c, size, size };
    const double start = fvi_seconds();
    test_zoo_learns(entry->name, &options, batch);
    print_message("%s: %.1f s\n", entry->name, fvi_seconds() - start);
}

/* Nothing of the zoo is left out: networks are taken from its list. */
FV_TEST(zoo, every_network_learns)
{
    for (int32_t i = 0; i < fv_zoo_count(); i++)
        check_learning(fv_zoo_get(i));
}

FV_TESTS(zoo, every_network_learns, deep_networks_learn_in_their_own_size, big_networks_learn_in_their_own_size)
