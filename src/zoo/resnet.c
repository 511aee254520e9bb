/* SPDX-License-Identifier: Apache-2.0
 *
 * resnet.c - residual networks for 224x224 images, and the plain networks beside them.
 * He, Zhang, Ren, Sun 2015 (arXiv:1512.03385), table 1: a 7x7 convolution, max pooling, four stages that halve the image
 * and double the filters. Shortcuts are identities, and 1x1 projections where the shape changes (option B). Bottlenecks halve the
 * image in their 3x3 convolution, as torchvision does (the paper: in the first 1x1); names are torchvision's.
 * preresnet-200: He, Zhang, Ren, Sun 2016 (arXiv:1603.05027), normalisation and ReLU before each convolution; in the first
 * block of a stage before its projection too. The first convolution has its own pair before the pooling, as in the published
 * Torch models, and the first block one more.
 * resnext-50: Xie, Girshick, Dollar, Tu, He 2017 (arXiv:1611.05431), table 1: the 3x3 in 32 groups of 4 channels and up.
 */
#include "zoo/blocks.h"

enum { STAGES = 4, STEM_FILTERS = 64 };

typedef struct resnet_design {
    int32_t blocks[STAGES];
    bool bottleneck, plain, before; /* plain: no shortcuts; before: normalisation and ReLU before convolutions */
    int32_t groups, group_width;    /* ResNeXt: of the 3x3, channels of a group in the first stage; 0: not grouped */
} resnet_design;

/* A block on the way: its name, and what it makes of its input. */
typedef struct residual_block {
    const resnet_design *design;
    fvi_zoo_name name;
    int32_t width;  /* filters of its 3x3 convolutions before grouping widens them */
    int32_t stride; /* of the one that shrinks the image */
    bool first;     /* of its stage: the shape changes */
} residual_block;

static int32_t expansion(const resnet_design *design)
{
    return design->bottleneck ? 4 : 1;
}

static fv_status conv(fvi_zoo_net *net, fv_value *x, const residual_block *block, int32_t number, int32_t kernel,
                      int32_t filters, int32_t stride, int32_t groups)
{
    const fvi_zoo_conv_options options = {
        .filters = filters, .kernel = kernel, .same = true, .stride = stride, .groups = groups, .no_bias = true
    };
    return fvi_zoo_conv(net, x, &options, "%s.conv%d", block->name.text, number);
}

static fv_status norm(fvi_zoo_net *net, fv_value *x, const residual_block *block, int32_t number)
{
    return fvi_zoo_batch_norm(net, x, 0, "%s.bn%d", block->name.text, number);
}

static fv_status relu(fvi_zoo_net *net, fv_value *x, const residual_block *block, int32_t number)
{
    return fvi_zoo_relu(net, x, "%s.relu%d", block->name.text, number);
}

/* The convolutions of a block, by their order; the bias-free ones that normalisation follows or precedes. */
static fv_status numbered_conv(fvi_zoo_net *net, fv_value *x, const residual_block *block, int32_t number)
{
    const resnet_design *design = block->design;
    const int32_t inner =
        design->groups > 0 ? block->width / STEM_FILTERS * design->groups * design->group_width : block->width;
    if (!design->bottleneck)
        return conv(net, x, block, number, 3, block->width, number == 1 ? block->stride : 1, 1);
    if (number == 1)
        return conv(net, x, block, 1, 1, inner, 1, 1);
    if (number == 2)
        return conv(net, x, block, 2, 3, inner, block->stride, design->groups);
    return conv(net, x, block, 3, 1, 4 * block->width, 1, 1);
}

/* A 1x1 projection where the shape changes, else x itself. */
static fv_status shortcut(fvi_zoo_net *net, fv_value *x, const residual_block *block)
{
    const resnet_design *design = block->design;
    const fvi_zoo_conv_options options = {
        .filters = block->width * expansion(design), .kernel = 1, .stride = block->stride, .no_bias = true
    };
    const bool same_shape =
        block->stride == 1 && fv_graph_node(net->graph, *x).output.c == block->width * expansion(design);
    if (same_shape)
        return FV_OK;
    FV_TRY(fvi_zoo_conv(net, x, &options, "%s.downsample.0", block->name.text));
    if (design->before)
        return FV_OK;
    return fvi_zoo_batch_norm(net, x, 0, "%s.downsample.1", block->name.text);
}

/* Convolution, normalisation, ReLU; the last ReLU comes after the sum. */
static fv_status add_block(fvi_zoo_net *net, fv_value *x, const residual_block *block)
{
    const int32_t last = block->design->bottleneck ? 3 : 2;
    fv_value parts[2] = { *x, *x };
    for (int32_t number = 1; number <= last; number++) {
        FV_TRY(numbered_conv(net, &parts[0], block, number));
        FV_TRY(norm(net, &parts[0], block, number));
        if (number < last || block->design->plain)
            FV_TRY(relu(net, &parts[0], block, number));
    }
    *x = parts[0];
    if (block->design->plain)
        return FV_OK;
    FV_TRY(shortcut(net, &parts[1], block));
    FV_TRY(fvi_zoo_add(net, parts, 2, x, "%s.add", block->name.text));
    return relu(net, x, block, last);
}

/* Normalisation, ReLU, convolution; nothing after the sum. A projection starts behind the first ReLU. */
static fv_status add_block_before(fvi_zoo_net *net, fv_value *x, const residual_block *block)
{
    const int32_t last = block->design->bottleneck ? 3 : 2;
    fv_value parts[2] = { *x, *x };
    for (int32_t number = 1; number <= last; number++) {
        FV_TRY(norm(net, &parts[0], block, number));
        FV_TRY(relu(net, &parts[0], block, number));
        if (number == 1 && block->first)
            parts[1] = parts[0];
        FV_TRY(numbered_conv(net, &parts[0], block, number));
    }
    FV_TRY(shortcut(net, &parts[1], block));
    return fvi_zoo_add(net, parts, 2, x, "%s.add", block->name.text);
}

static fv_status resnet(fvi_zoo_net *net, fv_value *output)
{
    const resnet_design *design = net->design;
    const fvi_zoo_conv_options stem = { .filters = STEM_FILTERS, .kernel = 7, .stride = 2, .pad = 3, .no_bias = true };
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    FV_TRY(fvi_zoo_conv(net, &x, &stem, "conv1"));
    FV_TRY(fvi_zoo_batch_norm(net, &x, 0, "bn1"));
    FV_TRY(fvi_zoo_relu(net, &x, "relu"));
    FV_TRY(fvi_zoo_max_pool(net, &x, 3, 2, 1, "maxpool"));
    for (int32_t stage = 0; stage < STAGES; stage++) {
        for (int32_t i = 0; i < design->blocks[stage]; i++) {
            const residual_block block = { .design = design,
                                           .name = fvi_zoo_name_of("layer%d.%d", stage + 1, i),
                                           .width = STEM_FILTERS << stage,
                                           .stride = stage > 0 && i == 0 ? 2 : 1,
                                           .first = i == 0 };
            FV_TRY(design->before ? add_block_before(net, &x, &block) : add_block(net, &x, &block));
        }
    }
    if (design->before) {
        FV_TRY(fvi_zoo_batch_norm(net, &x, 0, "bn2"));
        FV_TRY(fvi_zoo_relu(net, &x, "relu2"));
    }
    FV_TRY(fvi_zoo_global_average_pool(net, &x, "avgpool"));
    FV_TRY(fvi_zoo_classifier(net, &x, "fc"));
    *output = x;
    return FV_OK;
}

#define HE_2015 "He, Zhang, Ren, Sun 2015: Deep residual learning for image recognition"
#define ENTRY(network_name, network_title, network_paper, network_year, ...)                                           \
    {                                                                                                                  \
        .name = network_name, .title = network_title, .paper = network_paper, .year = network_year,                    \
        .input = { 3, 224, 224 }, .classes = 1000, .data = { 3, 224, 224 }, .published = { __VA_ARGS__ },              \
    }
#define AUTHORS "the authors' repository deep-residual-networks, ImageNet validation"
#define TORCHVISION(one, five) ERROR_1_CROP(one, five, "torchvision's weights IMAGENET1K_V1, ILSVRC-2012 validation")
#define ERROR_10_CROPS(one, five, where)                                                                               \
    {                                                                                                                  \
        .top1 = one, .top5 = five, .crops = 10, .models = 1, .source = where                                           \
    }
#define ERROR_1_CROP(one, five, where)                                                                                 \
    {                                                                                                                  \
        .top1 = one, .top5 = five, .crops = 1, .models = 1, .source = where                                            \
    }

const fvi_zoo_network fvi_zoo_resnet[] = {
    { ENTRY("resnet-18", "ResNet, 18 layers", HE_2015, 2015,
            ERROR_10_CROPS(27.88, 0, "He et al. 2015, table 2, ImageNet validation (option A)"),
            TORCHVISION(30.242, 10.922)),
      resnet, &(const resnet_design){ .blocks = { 2, 2, 2, 2 } } },
    { ENTRY("resnet-34", "ResNet, 34 layers", HE_2015, 2015,
            ERROR_10_CROPS(24.52, 7.46, "He et al. 2015, table 3, ImageNet validation"), TORCHVISION(26.686, 8.580)),
      resnet, &(const resnet_design){ .blocks = { 3, 4, 6, 3 } } },
    { ENTRY("resnet-50", "ResNet, 50 layers, bottlenecks", HE_2015, 2015,
            ERROR_10_CROPS(22.85, 6.71, "He et al. 2015, table 3, ImageNet validation"),
            ERROR_1_CROP(24.7, 7.8, AUTHORS), TORCHVISION(23.870, 7.138)),
      resnet, &(const resnet_design){ .blocks = { 3, 4, 6, 3 }, .bottleneck = true } },
    { ENTRY("resnet-101", "ResNet, 101 layers, bottlenecks", HE_2015, 2015,
            ERROR_10_CROPS(21.75, 6.05, "He et al. 2015, table 3, ImageNet validation"),
            ERROR_1_CROP(23.6, 7.1, AUTHORS), TORCHVISION(22.626, 6.454)),
      resnet, &(const resnet_design){ .blocks = { 3, 4, 23, 3 }, .bottleneck = true } },
    { ENTRY("resnet-152", "ResNet, 152 layers, bottlenecks", HE_2015, 2015,
            ERROR_10_CROPS(21.43, 5.71, "He et al. 2015, table 3, ImageNet validation"),
            ERROR_1_CROP(23.0, 6.7, AUTHORS), TORCHVISION(21.688, 5.954)),
      resnet, &(const resnet_design){ .blocks = { 3, 8, 36, 3 }, .bottleneck = true } },
    { ENTRY("preresnet-200", "Pre-activation ResNet, 200 layers",
            "He, Zhang, Ren, Sun 2016: Identity mappings in deep residual networks", 2016,
            ERROR_1_CROP(20.7, 5.3, "He et al. 2016, table 5, ImageNet validation, 320x320"),
            ERROR_1_CROP(21.66, 5.79,
                         "another training, as listed beside the weights of Zagoruyko & Komodakis 2016, ImageNet "
                         "validation, 224x224")),
      resnet, &(const resnet_design){ .blocks = { 3, 24, 36, 3 }, .bottleneck = true, .before = true } },
    { ENTRY("plain-18", "ResNet-18 without shortcuts", HE_2015, 2015,
            ERROR_10_CROPS(27.94, 0, "He et al. 2015, table 2, ImageNet validation")),
      resnet, &(const resnet_design){ .blocks = { 2, 2, 2, 2 }, .plain = true } },
    { ENTRY("plain-34", "ResNet-34 without shortcuts", HE_2015, 2015,
            ERROR_10_CROPS(28.54, 10.02, "He et al. 2015, table 3, ImageNet validation")),
      resnet, &(const resnet_design){ .blocks = { 3, 4, 6, 3 }, .plain = true } },
    { ENTRY("resnext-50", "ResNeXt-50, 32 groups of 4 channels",
            "Xie, Girshick, Dollar, Tu, He 2017: Aggregated residual transformations for deep neural networks", 2017,
            ERROR_1_CROP(22.2, 0, "Xie et al. 2017, table 3, ImageNet validation"), TORCHVISION(22.382, 6.302)),
      resnet, &(const resnet_design){ .blocks = { 3, 4, 6, 3 }, .bottleneck = true, .groups = 32, .group_width = 4 } },
    { .build = NULL },
};
