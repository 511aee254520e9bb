/* SPDX-License-Identifier: Apache-2.0
 *
 * densenet.c - densely connected networks: every layer of a block reads the outputs of all before it.
 * Huang, Liu, van der Maaten, Weinberger 2017 (arXiv:1608.06993): table 1 for 224x224 images (names are torchvision's),
 * section 4 for 32x32 ones. A layer is normalisation, ReLU and a 3x3 convolution that adds `growth` channels, in the
 * B forms behind a 1x1 convolution to four times as many; transitions halve the image, in the C forms the channels too.
 */
#include "zoo/blocks.h"

enum { MAX_BLOCKS = 4, BOTTLENECK = 4 };

typedef struct densenet_design {
    int32_t blocks[MAX_BLOCKS]; /* layers of each; 0 ends */
    int32_t growth, stem;       /* channels that a layer adds; filters of the first convolution */
    bool bottleneck, compress;
    bool small; /* 32x32 images: a 3x3 convolution to begin with, no pooling */
    double drop;
} densenet_design;

static fv_status norm_relu_conv(fvi_zoo_net *net, fv_value *x, const fvi_zoo_name *name, const char *number,
                                int32_t kernel, int32_t filters)
{
    const fvi_zoo_conv_options conv = { .filters = filters, .kernel = kernel, .same = true, .no_bias = true };
    FV_TRY(fvi_zoo_batch_norm(net, x, 0, "%s.norm%s", name->text, number));
    FV_TRY(fvi_zoo_relu(net, x, "%s.relu%s", name->text, number));
    return fvi_zoo_conv(net, x, &conv, "%s.conv%s", name->text, number);
}

/* x becomes x with `growth` channels more. */
static fv_status add_layer(fvi_zoo_net *net, fv_value *x, int32_t block, int32_t layer)
{
    const densenet_design *design = net->design;
    const fvi_zoo_name name = fvi_zoo_name_of("features.denseblock%d.denselayer%d", block, layer);
    fv_value parts[2] = { *x, *x };
    if (design->bottleneck)
        FV_TRY(norm_relu_conv(net, &parts[1], &name, "1", 1, BOTTLENECK * design->growth));
    FV_TRY(norm_relu_conv(net, &parts[1], &name, design->bottleneck ? "2" : "1", 3, design->growth));
    if (design->drop > 0)
        FV_TRY(fvi_zoo_dropout(net, &parts[1], design->drop, "%s.drop", name.text));
    return fvi_zoo_concat(net, parts, 2, x, "%s.concat", name.text);
}

static fv_status add_transition(fvi_zoo_net *net, fv_value *x, int32_t number)
{
    const densenet_design *design = net->design;
    const fvi_zoo_name name = fvi_zoo_name_of("features.transition%d", number);
    const int32_t channels = fv_graph_node(net->graph, *x).output.c;
    FV_TRY(norm_relu_conv(net, x, &name, "", 1, design->compress ? channels / 2 : channels));
    if (design->drop > 0)
        FV_TRY(fvi_zoo_dropout(net, x, design->drop, "%s.drop", name.text));
    return fvi_zoo_average_pool(net, x, 2, 2, 0, "%s.pool", name.text);
}

static fv_status add_stem(fvi_zoo_net *net, fv_value *x)
{
    const densenet_design *design = net->design;
    const fvi_zoo_conv_options small = { .filters = design->stem, .kernel = 3, .same = true, .no_bias = true };
    const fvi_zoo_conv_options large = { .filters = design->stem, .kernel = 7, .stride = 2, .pad = 3, .no_bias = true };
    FV_TRY(fvi_zoo_conv(net, x, design->small ? &small : &large, "features.conv0"));
    if (design->small)
        return FV_OK;
    FV_TRY(fvi_zoo_batch_norm(net, x, 0, "features.norm0"));
    FV_TRY(fvi_zoo_relu(net, x, "features.relu0"));
    return fvi_zoo_max_pool(net, x, 3, 2, 1, "features.pool0");
}

static fv_status densenet(fvi_zoo_net *net, fv_value *output)
{
    const densenet_design *design = net->design;
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    FV_TRY(add_stem(net, &x));
    for (int32_t block = 0; block < MAX_BLOCKS && design->blocks[block] > 0; block++) {
        if (block > 0)
            FV_TRY(add_transition(net, &x, block));
        for (int32_t layer = 0; layer < design->blocks[block]; layer++)
            FV_TRY(add_layer(net, &x, block + 1, layer + 1));
    }
    FV_TRY(fvi_zoo_batch_norm(net, &x, 0, "features.norm5"));
    FV_TRY(fvi_zoo_relu(net, &x, "features.relu5"));
    FV_TRY(fvi_zoo_global_average_pool(net, &x, "avgpool"));
    FV_TRY(fvi_zoo_classifier(net, &x, "classifier"));
    *output = x;
    return FV_OK;
}

#define HUANG_2017 "Huang, Liu, van der Maaten, Weinberger 2017: Densely connected convolutional networks"
#define LARGE(network_name, network_title, ...)                                                                        \
    {                                                                                                                  \
        .name = network_name, .title = network_title, .paper = HUANG_2017, .year = 2017, .input = { 3, 224, 224 },     \
        .classes = 1000, .data = { 3, 224, 224 }, .published = { __VA_ARGS__ },                                        \
    }
#define SMALL(network_name, network_title, plain, augmented)                                                           \
    {                                                                                                                  \
        .name = network_name, .title = network_title, .paper = HUANG_2017, .year = 2017, .input = { 3, 32, 32 },       \
        .classes = 10, .data = { 3, 32, 32 },                                                                          \
        .published = { { .top1 = plain,                                                                                \
                         .crops = 1,                                                                                   \
                         .models = 1,                                                                                  \
                         .source = "Huang et al. 2017, table 2, CIFAR-10, not augmented" },                            \
                       { .top1 = augmented,                                                                            \
                         .crops = 1,                                                                                   \
                         .models = 1,                                                                                  \
                         .source = "Huang et al. 2017, table 2, CIFAR-10, augmented (no dropout)" } },                 \
    }
#define ERRORS(one, five, ten_one, ten_five)                                                                           \
    { .top1 = one,                                                                                                     \
      .top5 = five,                                                                                                    \
      .crops = 1,                                                                                                      \
      .models = 1,                                                                                                     \
      .source = "Huang et al. 2017, table 3, ImageNet validation" },                                                   \
    {                                                                                                                  \
        .top1 = ten_one, .top5 = ten_five, .crops = 10, .models = 1,                                                   \
        .source = "Huang et al. 2017, table 3, ImageNet validation"                                                    \
    }
#define ERROR_1_CROP(one, five, where)                                                                                 \
    {                                                                                                                  \
        .top1 = one, .top5 = five, .crops = 1, .models = 1, .source = where                                            \
    }
#define TORCHVISION(one, five) ERROR_1_CROP(one, five, "torchvision's weights IMAGENET1K_V1, ILSVRC-2012 validation")

const fvi_zoo_network fvi_zoo_densenet[] = {
    { LARGE("densenet-121", "DenseNet-BC, 121 layers, growth 32", ERRORS(25.02, 7.71, 23.61, 6.66),
            TORCHVISION(25.566, 8.028)),
      densenet,
      &(const densenet_design){
          .blocks = { 6, 12, 24, 16 }, .growth = 32, .stem = 64, .bottleneck = true, .compress = true } },
    { LARGE("densenet-169", "DenseNet-BC, 169 layers, growth 32", ERRORS(23.80, 6.85, 22.08, 5.92),
            TORCHVISION(24.400, 7.194)),
      densenet,
      &(const densenet_design){
          .blocks = { 6, 12, 32, 32 }, .growth = 32, .stem = 64, .bottleneck = true, .compress = true } },
    { LARGE("densenet-201", "DenseNet-BC, 201 layers, growth 32", ERRORS(22.58, 6.34, 21.46, 5.54),
            TORCHVISION(23.104, 6.630)),
      densenet,
      &(const densenet_design){
          .blocks = { 6, 12, 48, 32 }, .growth = 32, .stem = 64, .bottleneck = true, .compress = true } },
    { LARGE("densenet-161", "DenseNet-BC, 161 layers, growth 48",
            ERROR_1_CROP(22.2, 0, "the authors' repository DenseNet, ImageNet validation"), TORCHVISION(22.862, 6.440)),
      densenet,
      &(const densenet_design){
          .blocks = { 6, 12, 36, 24 }, .growth = 48, .stem = 96, .bottleneck = true, .compress = true } },
    { SMALL("cifar-densenet-40-12", "DenseNet, 40 layers, growth 12", 7.00, 5.24), densenet,
      &(const densenet_design){ .blocks = { 12, 12, 12 }, .growth = 12, .stem = 16, .small = true, .drop = 0.2 } },
    { SMALL("cifar-densenet-bc-100-12", "DenseNet-BC, 100 layers, growth 12", 5.92, 4.51), densenet,
      &(const densenet_design){ .blocks = { 16, 16, 16 },
                                .growth = 12,
                                .stem = 24,
                                .bottleneck = true,
                                .compress = true,
                                .small = true,
                                .drop = 0.2 } },
    { .build = NULL },
};
