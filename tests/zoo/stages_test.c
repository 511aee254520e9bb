/* SPDX-License-Identifier: Apache-2.0
 *
 * stages_test.c - the output of every stage of the networks that are one of a family by depth or width: He et al. 2015, table 1
 * and section 4.2; He et al. 2016; Zagoruyko & Komodakis 2016, table 1; Huang et al. 2017, table 1 and section 3; Springenberg et
 * al. 2015, table 1. The first of each family, and all others, have theirs in the family's own test.
 */
#include <stdio.h>
#include <string.h>

#include "support/test.h"
#include "support/zoo.h"

enum { NAME = 64, MOST_STAGES = 24 };

/* Stages as "node 64x112x112, node 64x56x56". */
static const struct {
    const char *network, *stages;
} rows[] = {
    { "resnet-18", "conv1 64x112x112, maxpool 64x56x56, layer1.1.relu2 64x56x56, layer2.1.relu2 128x28x28, "
                   "layer3.1.relu2 256x14x14, layer4.1.relu2 512x7x7, avgpool 512x1x1, fc 1000x1x1" },
    { "plain-18", "conv1 64x112x112, maxpool 64x56x56, layer1.1.relu2 64x56x56, layer2.1.relu2 128x28x28, "
                  "layer3.1.relu2 256x14x14, layer4.1.relu2 512x7x7, avgpool 512x1x1, fc 1000x1x1" },
    { "plain-34", "conv1 64x112x112, maxpool 64x56x56, layer1.2.relu2 64x56x56, layer2.3.relu2 128x28x28, "
                  "layer3.5.relu2 256x14x14, layer4.2.relu2 512x7x7, avgpool 512x1x1, fc 1000x1x1" },
    { "resnet-101", "conv1 64x112x112, maxpool 64x56x56, layer1.2.relu3 256x56x56, layer2.3.relu3 512x28x28, "
                    "layer3.22.relu3 1024x14x14, layer4.2.relu3 2048x7x7, avgpool 2048x1x1, fc 1000x1x1" },
    { "resnet-152", "conv1 64x112x112, maxpool 64x56x56, layer1.2.relu3 256x56x56, layer2.7.relu3 512x28x28, "
                    "layer3.35.relu3 1024x14x14, layer4.2.relu3 2048x7x7, avgpool 2048x1x1, fc 1000x1x1" },
    { "preresnet-200", "conv1 64x112x112, maxpool 64x56x56, layer1.2.add 256x56x56, layer2.23.add 512x28x28, "
                       "layer3.35.add 1024x14x14, layer4.2.add 2048x7x7, avgpool 2048x1x1, fc 1000x1x1" },
    { "densenet-169", "features.conv0 64x112x112, features.pool0 64x56x56, "
                      "features.denseblock1.denselayer6.concat 256x56x56, features.transition1.pool 128x28x28, "
                      "features.denseblock2.denselayer12.concat 512x28x28, features.transition2.pool 256x14x14, "
                      "features.denseblock3.denselayer32.concat 1280x14x14, features.transition3.pool 640x7x7, "
                      "features.denseblock4.denselayer32.concat 1664x7x7, avgpool 1664x1x1" },
    { "densenet-201", "features.conv0 64x112x112, features.pool0 64x56x56, "
                      "features.denseblock1.denselayer6.concat 256x56x56, features.transition1.pool 128x28x28, "
                      "features.denseblock2.denselayer12.concat 512x28x28, features.transition2.pool 256x14x14, "
                      "features.denseblock3.denselayer48.concat 1792x14x14, features.transition3.pool 896x7x7, "
                      "features.denseblock4.denselayer32.concat 1920x7x7, avgpool 1920x1x1" },
    { "densenet-161", "features.conv0 96x112x112, features.pool0 96x56x56, "
                      "features.denseblock1.denselayer6.concat 384x56x56, features.transition1.pool 192x28x28, "
                      "features.denseblock2.denselayer12.concat 768x28x28, features.transition2.pool 384x14x14, "
                      "features.denseblock3.denselayer36.concat 2112x14x14, features.transition3.pool 1056x7x7, "
                      "features.denseblock4.denselayer24.concat 2208x7x7, avgpool 2208x1x1" },
    { "cifar-densenet-40-12",
      "features.denseblock1.denselayer12.concat 160x32x32, features.transition1.pool 160x16x16, "
      "features.denseblock2.denselayer12.concat 304x16x16, features.transition2.pool 304x8x8, "
      "features.denseblock3.denselayer12.concat 448x8x8, avgpool 448x1x1" },
    { "cifar-densenet-bc-100-12",
      "features.denseblock1.denselayer16.concat 216x32x32, features.transition1.pool 108x16x16, "
      "features.denseblock2.denselayer16.concat 300x16x16, features.transition2.pool 150x8x8, "
      "features.denseblock3.denselayer16.concat 342x8x8, avgpool 342x1x1" },
    { "wide-resnet-28-10", "conv1 16x32x32, layer1.3.add 160x32x32, layer2.3.add 320x16x16, layer3.3.add 640x8x8, "
                           "avgpool 640x1x1, fc 10x1x1" },
    { "cifar-allconv", "conv1 96x32x32, conv2 96x32x32, conv3 96x16x16, conv4 192x16x16, conv5 192x16x16, "
                       "conv6 192x8x8, conv7 192x6x6, conv8 192x6x6, conv9 10x6x6, avgpool 10x1x1" },
    { "small-inception-nobn",
      "stem.conv 96x28x28, module1.concat 64x28x28, module2.concat 80x28x28, module3.concat 160x14x14, "
      "module4.concat 160x14x14, module5.concat 160x14x14, module6.concat 160x14x14, module7.concat 144x14x14, "
      "module8.concat 240x7x7, module9.concat 336x7x7, module10.concat 336x7x7, avgpool 336x1x1, fc 10x1x1" },
    { "convnetjs-mnist", "conv1 8x24x24, pool1 8x12x12, conv2 16x12x12, pool2 16x4x4, fc1 10x1x1" },
    { "convnetjs-cifar10", "conv1 16x32x32, pool1 16x16x16, conv2 20x16x16, pool2 20x8x8, conv3 20x8x8, pool3 20x4x4, "
                           "fc1 10x1x1" },
    { "mlp-1x512", "fc1 512x1x1, fc2 10x1x1" },
    { "mlp-3x512", "fc1 512x1x1, fc2 512x1x1, fc3 512x1x1, fc4 10x1x1" },
    { "dropout-mlp-800", "fc1 800x1x1, fc2 800x1x1, fc3 10x1x1" },
    { "dropout-mlp-1024x3", "fc1 1024x1x1, fc2 1024x1x1, fc3 1024x1x1, fc4 10x1x1" },
    { "mlp-3x100", "fc1 100x1x1, fc2 100x1x1, fc3 100x1x1, fc4 10x1x1" },
    { "bn-mlp-3x100", "fc1 100x1x1, fc2 100x1x1, fc3 100x1x1, fc4 10x1x1" },
    { "linear-mnist", "fc1 10x1x1" },
    { "mlp-mnist", "fc1 100x1x1, fc2 10x1x1" },
};

static void check_stages(const char *network, const char *text)
{
    char names[MOST_STAGES][NAME];
    test_zoo_stage stages[MOST_STAGES];
    size_t count = 0;
    for (int read = 0; *text != '\0'; text += strspn(text, ", "), count++) {
        assert_true(count < MOST_STAGES);
        stages[count].node = names[count];
        assert_int_equal(sscanf(text, "%63s %dx%dx%d%n", names[count], &stages[count].channels, &stages[count].rows,
                                &stages[count].columns, &read),
                         4);
        text += read;
    }
    test_zoo_stages(network, NULL, stages, count);
}

FV_TEST(stages, are_those_of_the_papers)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_stages(rows[i].network, rows[i].stages);
}

/* 6n+2 layers: three stages of n blocks of two convolutions, 16, 32 and 64 filters at 32x32, 16x16 and 8x8. */
FV_TEST(stages, networks_for_cifar_have_three_of_equal_length)
{
    static const struct {
        const char *family, *last; /* node of a block */
    } families[] = { { "cifar-resnet", "relu2" }, { "cifar-plain", "relu2" }, { "cifar-preresnet", "add" } };
    static const int32_t depths[] = { 20, 32, 44, 56, 110, 1202 };
    for (size_t f = 0; f < sizeof families / sizeof families[0]; f++)
        for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++) {
            const char *last = families[f].last;
            const int32_t block = (depths[d] - 2) / 6 - 1;
            char network[NAME], stages[256];
            snprintf(network, sizeof network, "%s-%d", families[f].family, depths[d]);
            if (fv_zoo_find(network) == NULL) {
                assert_string_equal(network, "cifar-plain-1202"); /* He et al. had none */
                continue;
            }
            snprintf(stages, sizeof stages,
                     "conv1 16x32x32, layer1.%d.%s 16x32x32, layer2.0.%s 32x16x16, layer2.%d.%s 32x16x16, "
                     "layer3.0.%s 64x8x8, layer3.%d.%s 64x8x8, avgpool 64x1x1, fc 10x1x1",
                     block, last, last, block, last, last, block, last);
            check_stages(network, stages);
            assert_int_equal(test_zoo_count(network, "conv2d"), depths[d] - 1); /* and the dense one */
        }
}

/* Beginnings of names whose stages are in the test of their family, or above. */
static const char *const elsewhere[] = {
    "lenet5",          "lenet5-1998",      "alexnet",      "vgg-",         "googlenet",
    "bn-inception",    "inception",        "resnet-34",    "resnet-50",    "resnext-50",
    "cifar-resnet-",   "cifar-preresnet-", "cifar-plain-", "densenet-121", "small-alexnet",
    "small-inception", "mobilenet-v2",     "prelu-net-a",  "airbench94",
};

FV_TEST(stages, of_every_network_are_tested)
{
    for (int32_t n = 0; n < fv_zoo_count(); n++) {
        const char *name = fv_zoo_get(n)->name;
        bool found = false;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
            found = found || strcmp(name, rows[i].network) == 0;
        for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
            found = found || strncmp(name, elsewhere[i], strlen(elsewhere[i])) == 0;
        if (!found)
            fail_msg("%s: no test has the shapes of its stages", name);
    }
}

FV_TESTS(stages, of_every_network_are_tested, are_those_of_the_papers, networks_for_cifar_have_three_of_equal_length)
