/* SPDX-License-Identifier: Apache-2.0
 *
 * small_test.c - networks of dense layers, the small ones of Zhang et al. 2017, all-convolutional ones, MobileNet v2 and model A of
 * He et al. 2015: counts, stages, and that they train.
 */
#include <string.h>

#include "support/test.h"
#include "support/zoo.h"

FV_TEST(small, parameters)
{
    static const test_zoo_size sizes[] = {
        { "small-alexnet", NULL, 1387786, 0 },
        { "small-inception", NULL, 1649402, 0 },
        { "small-inception-nobn", NULL, 1649402, 0 },
        { "mlp-1x512", NULL, 1209866, 0 },
        { "mlp-3x512", NULL, 1735178, 0 },
        { "dropout-mlp-800", NULL, 784 * 800 + 800 + 800 * 800 + 800 + 8010, 0 },
        { "dropout-mlp-1024x3", NULL, 784 * 1024 + 2 * 1024 * 1024 + 3 * 1024 + 10250, 0 },
        { "mlp-3x100", NULL, 78500 + 2 * 10100 + 1010, 0 },
        { "bn-mlp-3x100", NULL, 78400 + 2 * 10000 + 3 * 200 + 1010, 0 },
        { "linear-mnist", NULL, 7850, 0 },
        { "mlp-mnist", NULL, 78500 + 1010, 0 },
        { "cifar-allconv", NULL, 1369738, 0 },
        { "mobilenet-v2", NULL, 3504872, 0 },
    };
    test_zoo_sizes(sizes, sizeof sizes / sizeof sizes[0]);
}

/* Whether a network with these flags drops units and bounds their weights. */
static void check_flags(fv_context *context, const char *name, const char *flags, bool drops, bool bounded)
{
    char *json = NULL;
    fv_graph *graph = test_zoo_build(context, name, &(fv_zoo_options){ .flags = flags });
    assert_int_equal(fv_graph_to_json(graph, &json), FV_OK);
    assert_int_equal(strstr(json, "\"drop0\"") != NULL, drops);
    assert_int_equal(strstr(json, "\"drop2\"") != NULL, drops);
    assert_int_equal(strstr(json, "\"max_norm\"") != NULL, bounded);
    fv_text_release(context, json);
    fv_graph_destroy(graph);
}

FV_TEST(small, dropout_and_max_norm_can_be_switched_off)
{
    static const char *const names[] = { "dropout-mlp-800", "dropout-mlp-1024x3" };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    for (size_t i = 0; i < 2; i++) {
        check_flags(context, names[i], NULL, true, true);
        check_flags(context, names[i], "dropout", true, false);
        check_flags(context, names[i], "max-norm", false, true);
        check_flags(context, names[i], "none", false, false);
    }
    fv_context_destroy(context);
}

/* Zhang et al. 2017, figure 3; Sandler et al. 2018, table 2; He et al. 2015, table 3. */
FV_TEST(small, stages)
{
    static const test_zoo_stage small_alexnet[] = {
        { "conv1", 64, 28, 28 },
        { "pool1", 64, 14, 14 },
        { "pool2", 64, 7, 7 },
        { "fc1", 384, 1, 1 },
    };
    test_zoo_stages("small-alexnet", NULL, small_alexnet, sizeof small_alexnet / sizeof small_alexnet[0]);
    static const test_zoo_stage small_inception[] = {
        { "stem.relu", 96, 28, 28 },       { "module2.concat", 80, 28, 28 }, { "module3.concat", 160, 14, 14 },
        { "module7.concat", 144, 14, 14 }, { "module8.concat", 240, 7, 7 },  { "module10.concat", 336, 7, 7 },
    };
    test_zoo_stages("small-inception", NULL, small_inception, sizeof small_inception / sizeof small_inception[0]);
    static const test_zoo_stage mobilenet_v2[] = {
        { "features.0.2", 32, 112, 112 }, { "features.1.conv.2", 16, 112, 112 }, { "features.3.add", 24, 56, 56 },
        { "features.6.add", 32, 28, 28 }, { "features.10.add", 64, 14, 14 },     { "features.13.add", 96, 14, 14 },
        { "features.16.add", 160, 7, 7 }, { "features.17.conv.3", 320, 7, 7 },   { "features.18.2", 1280, 7, 7 },
    };
    test_zoo_stages("mobilenet-v2", NULL, mobilenet_v2, sizeof mobilenet_v2 / sizeof mobilenet_v2[0]);
    static const test_zoo_stage prelu_net_a[] = {
        { "conv1", 96, 112, 112 },
        { "prelu2_5", 256, 56, 56 },
        { "prelu3_5", 512, 28, 28 },
        { "prelu4_5", 512, 14, 14 },
        { "spp", 512 * (49 + 9 + 4 + 1), 1, 1 },
        { "fc1", 4096, 1, 1 },
    };
    test_zoo_stages("prelu-net-a", NULL, prelu_net_a, sizeof prelu_net_a / sizeof prelu_net_a[0]);
    /* Springenberg et al. 2015, table 1: "global averaging over 6x6 spatial dimensions". */
    static const test_zoo_stage allconv[] = {
        { "conv2", 96, 32, 32 }, { "conv3", 96, 16, 16 }, { "conv5", 192, 16, 16 }, { "conv6", 192, 8, 8 },
        { "conv7", 192, 6, 6 },  { "conv8", 192, 6, 6 },  { "conv9", 10, 6, 6 },    { "avgpool", 10, 1, 1 },
    };
    test_zoo_stages("cifar-allconv", NULL, allconv, sizeof allconv / sizeof allconv[0]);
    static const test_zoo_stage airbench94[] = {
        { "whiten", 24, 31, 31 },      { "group1.gelu2", 64, 15, 15 }, { "group2.gelu2", 256, 7, 7 },
        { "group3.gelu2", 256, 3, 3 }, { "pool", 256, 1, 1 },
    };
    test_zoo_stages("airbench94", NULL, airbench94, sizeof airbench94 / sizeof airbench94[0]);
}

FV_TEST(small, train)
{
    test_zoo_learns("small-alexnet", NULL, 8);
    test_zoo_learns("small-inception", &(fv_zoo_options){ .input = { 3, 12, 12 } }, 8);
    test_zoo_learns("small-inception-nobn", &(fv_zoo_options){ .input = { 3, 12, 12 } }, 8);
    test_zoo_learns("mlp-1x512", NULL, 8);
    test_zoo_learns("mlp-3x512", NULL, 8);
    test_zoo_learns("dropout-mlp-800", NULL, 8);
    test_zoo_learns("dropout-mlp-1024x3", NULL, 8);
    test_zoo_learns("mlp-3x100", NULL, 8);
    test_zoo_learns("bn-mlp-3x100", NULL, 8);
    test_zoo_learns("linear-mnist", NULL, 8);
    test_zoo_learns("mlp-mnist", NULL, 8);
    test_zoo_learns("cifar-allconv", &(fv_zoo_options){ .input = { 3, 16, 16 } }, 8);
    test_zoo_learns("airbench94", NULL, 4);
    test_zoo_learns("mobilenet-v2", &(fv_zoo_options){ .classes = 5, .input = { 3, 64, 64 } }, 4);
}

FV_TESTS(small, parameters, dropout_and_max_norm_can_be_switched_off, stages, train)
