/* SPDX-License-Identifier: Apache-2.0
 *
 * cifar_resnet.c - residual networks of 6n+2 layers for 32x32 images, the plain networks beside them, wide ones.
 * He, Zhang, Ren, Sun 2015 (arXiv:1512.03385), section 4.2: a 3x3 convolution, then three stages of n blocks of two 3x3
 * convolutions with 16, 32, 64 filters on 32, 16, 8 pixels. Option A: a shortcut that changes shape takes every second
 * pixel and pads the channels with zeros (a quarter on either side of them: the paper does not say which side), so it
 * has no parameters. Pre-activation forms: He et al. 2016 (arXiv:1603.05027), figure 1b: normalisation and ReLU come before each
 * convolution; in the first block (the paper's appendix) and in those that change shape before the shortcut too.
 * wide-resnet-28-10: Zagoruyko & Komodakis 2016 (arXiv:1605.07146), table 1: pre-activation, ten times as wide, projections.
 */
#include "zoo/blocks.h"

enum { STAGES = 3 };

typedef struct cifar_design {
    int32_t blocks; /* of each stage */
    int32_t widen;  /* 0 means 1 */
    bool plain, before, projection;
} cifar_design;

typedef struct residual_block {
    const cifar_design *design;
    fvi_zoo_name name;
    int32_t filters, stride;
    bool first; /* of the network */
} residual_block;

static fv_status conv(fvi_zoo_net *net, fv_value *x, const residual_block *block, int32_t number)
{
    const fvi_zoo_conv_options options = {
        .filters = block->filters, .kernel = 3, .same = true, .stride = number == 1 ? block->stride : 1, .no_bias = true
    };
    return fvi_zoo_conv(net, x, &options, "%s.conv%d", block->name.text, number);
}

static fv_status norm_relu(fvi_zoo_net *net, fv_value *x, const residual_block *block, int32_t number)
{
    FV_TRY(fvi_zoo_batch_norm(net, x, 0, "%s.bn%d", block->name.text, number));
    return fvi_zoo_relu(net, x, "%s.relu%d", block->name.text, number);
}

/* Option A: every stride-th pixel, and zero channels around those that there are. */
static fv_status shrink_and_pad(fvi_zoo_net *net, fv_value *x, const residual_block *block, int32_t channels)
{
    const fvi_zoo_name shrink = fvi_zoo_name_of("%s.shrink", block->name.text);
    const fvi_zoo_name pad = fvi_zoo_name_of("%s.pad", block->name.text);
    const int32_t before = (block->filters - channels) / 2;
    if (block->stride > 1)
        FV_TRY(fv_graph_add_average_pool2d(
            net->graph, *x,
            &(fv_pool2d_options){ .name = shrink.text, .kernel = { 1, 1 }, .stride = { block->stride, block->stride } },
            x));
    return fv_graph_add_pad(
        net->graph, *x,
        &(fv_pad_options){ .name = pad.text, .channels = { before, block->filters - channels - before } }, x);
}

static fv_status shortcut(fvi_zoo_net *net, fv_value *x, const residual_block *block)
{
    const int32_t channels = fv_graph_node(net->graph, *x).output.c;
    if (channels == block->filters && block->stride == 1)
        return FV_OK;
    if (!block->design->projection)
        return shrink_and_pad(net, x, block, channels);
    const fvi_zoo_conv_options options = {
        .filters = block->filters, .kernel = 1, .stride = block->stride, .no_bias = true
    };
    return fvi_zoo_conv(net, x, &options, "%s.shortcut", block->name.text);
}

static fv_status add_block(fvi_zoo_net *net, fv_value *x, const residual_block *block)
{
    fv_value parts[2] = { *x, *x };
    FV_TRY(conv(net, &parts[0], block, 1));
    FV_TRY(norm_relu(net, &parts[0], block, 1));
    FV_TRY(conv(net, &parts[0], block, 2));
    if (block->design->plain) {
        *x = parts[0];
        return norm_relu(net, x, block, 2);
    }
    FV_TRY(fvi_zoo_batch_norm(net, &parts[0], 0, "%s.bn2", block->name.text));
    FV_TRY(shortcut(net, &parts[1], block));
    FV_TRY(fvi_zoo_add(net, parts, 2, x, "%s.add", block->name.text));
    return fvi_zoo_relu(net, x, "%s.relu2", block->name.text);
}

static fv_status add_block_before(fvi_zoo_net *net, fv_value *x, const residual_block *block)
{
    fv_value parts[2] = { *x, *x };
    FV_TRY(norm_relu(net, &parts[0], block, 1));
    if (block->first || fv_graph_node(net->graph, *x).output.c != block->filters || block->stride != 1)
        parts[1] = parts[0];
    FV_TRY(conv(net, &parts[0], block, 1));
    FV_TRY(norm_relu(net, &parts[0], block, 2));
    FV_TRY(conv(net, &parts[0], block, 2));
    FV_TRY(shortcut(net, &parts[1], block));
    return fvi_zoo_add(net, parts, 2, x, "%s.add", block->name.text);
}

static fv_status cifar_resnet(fvi_zoo_net *net, fv_value *output)
{
    const cifar_design *design = net->design;
    const int32_t widen = design->widen > 0 ? design->widen : 1;
    const fvi_zoo_conv_options stem = { .filters = 16, .kernel = 3, .same = true, .no_bias = true };
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    FV_TRY(fvi_zoo_conv(net, &x, &stem, "conv1"));
    if (!design->before) {
        FV_TRY(fvi_zoo_batch_norm(net, &x, 0, "bn1"));
        FV_TRY(fvi_zoo_relu(net, &x, "relu1"));
    }
    for (int32_t stage = 0; stage < STAGES; stage++) {
        for (int32_t i = 0; i < design->blocks; i++) {
            const residual_block block = { .design = design,
                                           .name = fvi_zoo_name_of("layer%d.%d", stage + 1, i),
                                           .filters = (16 << stage) * widen,
                                           .stride = stage > 0 && i == 0 ? 2 : 1,
                                           .first = stage == 0 && i == 0 };
            FV_TRY(design->before ? add_block_before(net, &x, &block) : add_block(net, &x, &block));
        }
    }
    if (design->before) {
        FV_TRY(fvi_zoo_batch_norm(net, &x, 0, "bn1"));
        FV_TRY(fvi_zoo_relu(net, &x, "relu1"));
    }
    FV_TRY(fvi_zoo_global_average_pool(net, &x, "avgpool"));
    FV_TRY(fvi_zoo_classifier(net, &x, "fc"));
    *output = x;
    return FV_OK;
}

#define HE_2015 "He, Zhang, Ren, Sun 2015: Deep residual learning for image recognition"
#define HE_2016 "He, Zhang, Ren, Sun 2016: Identity mappings in deep residual networks"
#define ENTRY(network_name, network_title, network_paper, network_year, error, where)                                  \
    {                                                                                                                  \
        .name = network_name, .title = network_title, .paper = network_paper, .year = network_year,                    \
        .input = { 3, 32, 32 }, .classes = 10, .data = { 3, 32, 32 },                                                  \
        .published = { { .top1 = error, .crops = 1, .models = 1, .source = where } },                                  \
    }
#define RESIDUAL(layers, error)                                                                                        \
    {                                                                                                                  \
        ENTRY("cifar-resnet-" #layers, "ResNet for CIFAR, " #layers " layers, option A", HE_2015, 2015, error,         \
              "He et al. 2015, table 6, CIFAR-10, augmented"),                                                         \
            cifar_resnet, &(const cifar_design)                                                                        \
        {                                                                                                              \
            .blocks = (layers - 2) / 6                                                                                 \
        }                                                                                                              \
    }
#define BEFORE(layers, error, where)                                                                                   \
    {                                                                                                                  \
        ENTRY("cifar-preresnet-" #layers, "Pre-activation ResNet for CIFAR, " #layers " layers, option A", HE_2016,    \
              2016, error, where),                                                                                     \
            cifar_resnet, &(const cifar_design)                                                                        \
        {                                                                                                              \
            .blocks = (layers - 2) / 6, .before = true                                                                 \
        }                                                                                                              \
    }
#define PLAIN(layers)                                                                                                  \
    {                                                                                                                  \
        ENTRY("cifar-plain-" #layers, "ResNet for CIFAR without shortcuts, " #layers " layers", HE_2015, 2015, 0,      \
              NULL),                                                                                                   \
            cifar_resnet, &(const cifar_design)                                                                        \
        {                                                                                                              \
            .blocks = (layers - 2) / 6, .plain = true                                                                  \
        }                                                                                                              \
    }

const fvi_zoo_network fvi_zoo_cifar_resnet[] = {
    RESIDUAL(20, 8.75),
    RESIDUAL(32, 7.51),
    RESIDUAL(44, 7.17),
    RESIDUAL(56, 6.97),
    RESIDUAL(110, 6.43),
    RESIDUAL(1202, 7.93),
    BEFORE(20, 0, NULL),
    BEFORE(32, 0, NULL),
    BEFORE(44, 0, NULL),
    BEFORE(56, 0, NULL),
    BEFORE(110, 6.37, "He et al. 2016, table 2, CIFAR-10, augmented"),
    BEFORE(1202, 0, NULL),
    PLAIN(20),
    PLAIN(32),
    PLAIN(44),
    PLAIN(56),
    PLAIN(110),
    { ENTRY("wide-resnet-28-10", "Wide ResNet, 28 layers, ten times as wide",
            "Zagoruyko & Komodakis 2016: Wide residual networks", 2016, 4.00,
            "Zagoruyko & Komodakis 2016, table 5, CIFAR-10, augmented, median of 5 runs"),
      cifar_resnet, &(const cifar_design){ .blocks = 4, .widen = 10, .before = true, .projection = true } },
    { .build = NULL },
};
