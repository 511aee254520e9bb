/* SPDX-License-Identifier: Apache-2.0
 *
 * alexnet.c - the network of Krizhevsky, Sutskever, Hinton 2012, "ImageNet classification with deep convolutional neural
 * networks", section 3 and figure 2, and its successors with one tower.
 * Where the paper leaves a choice: an image of 224x224 gives the 55x55 positions of the text only with padding, here 2
 * pixels on each side as torchvision does. Dropout follows the first two fully-connected layers' ReLU. The groups of
 * conv2, conv4 and conv5 are the two GPUs' halves; conv3 and the dense layers see both.
 */
#include "zoo/blocks.h"

/* One convolution with ReLU, what follows it, and its initial biases. */
typedef struct stage {
    int32_t filters, kernel, stride, pad;
    bool halves; /* two groups, where the network is split in two */
    bool norm, pool;
    double bias;
} stage;

enum { STAGES = 5 };

static const stage stages_2012[STAGES] = {
    { .filters = 96, .kernel = 11, .stride = 4, .pad = 2, .norm = true, .pool = true },
    { .filters = 256, .kernel = 5, .pad = 2, .halves = true, .norm = true, .pool = true, .bias = 1 },
    { .filters = 384, .kernel = 3, .pad = 1 },
    { .filters = 384, .kernel = 3, .pad = 1, .halves = true, .bias = 1 },
    { .filters = 256, .kernel = 3, .pad = 1, .halves = true, .pool = true, .bias = 1 },
};

static const int32_t one_group = 1, two_groups = 2;

/* Section 5: weights from N(0, 0.01^2); biases 1 where that feeds ReLUs positive inputs early, else 0. */
static const fv_initializer gaussian = { FV_INIT_GAUSSIAN, 0.01, false };

static fv_initializer constant(double value)
{
    return (fv_initializer){ FV_INIT_CONSTANT, value, false };
}

/* Section 3.3: k = 2, n = 5, alpha = 1e-4 for each of the n squares, beta = 0.75. */
static fv_status add_norm(fvi_zoo_net *net, fv_value *x, int32_t number)
{
    const fvi_zoo_name name = fvi_zoo_name_of("norm%d", number);
    const fv_local_response_norm_options options = {
        .name = name.text, .size = 5, .alpha = 1e-4, .beta = 0.75, .k = 2, .alpha_per_element = true
    };
    return fv_graph_add_local_response_norm(net->graph, *x, &options, x);
}

static fv_status add_stage(fvi_zoo_net *net, fv_value *x, const stage *s, int32_t number)
{
    const int32_t groups = *(const int32_t *)net->design;
    const fvi_zoo_conv_options conv = {
        .filters = s->filters,
        .kernel = s->kernel,
        .stride = s->stride,
        .pad = s->pad,
        .groups = s->halves ? groups : 1,
        .weight_init = gaussian,
        .bias_init = constant(s->bias),
    };
    FV_TRY(fvi_zoo_conv(net, x, &conv, "conv%d", number));
    FV_TRY(fvi_zoo_relu(net, x, "relu%d", number));
    if (s->norm)
        FV_TRY(add_norm(net, x, number));
    if (s->pool) /* overlapping: section 3.4 */
        FV_TRY(fvi_zoo_max_pool(net, x, 3, 2, 0, "pool%d", number));
    return FV_OK;
}

/* Dropout as in 2012: half of the values are dropped, and inference multiplies all by a half. */
static fv_status add_hidden(fvi_zoo_net *net, fv_value *x, int32_t number)
{
    const fvi_zoo_name fc = fvi_zoo_name_of("fc%d", number), drop = fvi_zoo_name_of("drop%d", number);
    const fv_dense_options dense = {
        .name = fc.text, .units = 4096, .weight_init = gaussian, .bias_init = constant(1)
    };
    const fv_dropout_options dropout = { .name = drop.text, .drop = 0.5, .classic = true };
    FV_TRY(fv_graph_add_dense(net->graph, *x, &dense, x));
    FV_TRY(fvi_zoo_relu(net, x, "relu%d", number));
    return fv_graph_add_dropout(net->graph, *x, &dropout, x);
}

static fv_status alexnet_2012(fvi_zoo_net *net, fv_value *output)
{
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    for (int32_t i = 0; i < STAGES; i++)
        FV_TRY(add_stage(net, &x, &stages_2012[i], i + 1));
    FV_TRY(add_hidden(net, &x, 6));
    FV_TRY(add_hidden(net, &x, 7));
    const fv_dense_options scores = { .name = "fc8", .units = net->classes, .weight_init = gaussian };
    FV_TRY(fv_graph_add_dense(net->graph, x, &scores, output));
    return fvi_zoo_loss(net, *output);
}

/* torchvision's: the single tower of Krizhevsky 2014 ("One weird trick", arXiv:1404.5997) with 64, 192, 384, 256, 256
 * filters, no normalisation, and dropout before the dense layers. Nodes have the names of torchvision's modules. */
static fv_status alexnet(fvi_zoo_net *net, fv_value *output)
{
    static const struct {
        int32_t filters, kernel, stride, pad, module;
        bool pool;
    } convs[] = {
        { 64, 11, 4, 2, 0, true },  { 192, 5, 1, 2, 3, true },  { 384, 3, 1, 1, 6, false },
        { 256, 3, 1, 1, 8, false }, { 256, 3, 1, 1, 10, true },
    };
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    for (size_t i = 0; i < sizeof convs / sizeof convs[0]; i++) {
        const fvi_zoo_conv_options conv = {
            .filters = convs[i].filters, .kernel = convs[i].kernel, .stride = convs[i].stride, .pad = convs[i].pad
        };
        FV_TRY(fvi_zoo_conv(net, &x, &conv, "features.%d", convs[i].module));
        FV_TRY(fvi_zoo_relu(net, &x, "features.%d", convs[i].module + 1));
        if (convs[i].pool)
            FV_TRY(fvi_zoo_max_pool(net, &x, 3, 2, 0, "features.%d", convs[i].module + 2));
    }
    FV_TRY(fvi_zoo_shrink(net, &x, 6, "avgpool"));
    for (int32_t i = 0; i < 2; i++) {
        FV_TRY(fvi_zoo_dropout(net, &x, 0.5, "classifier.%d", 3 * i));
        FV_TRY(fvi_zoo_dense(net, &x, 4096, "classifier.%d", 3 * i + 1));
        FV_TRY(fvi_zoo_relu(net, &x, "classifier.%d", 3 * i + 2));
    }
    FV_TRY(fvi_zoo_classifier(net, &x, "classifier.6"));
    *output = x;
    return FV_OK;
}

static const char paper[] =
    "Krizhevsky, Sutskever, Hinton 2012: ImageNet classification with deep convolutional neural networks";

const fvi_zoo_network fvi_zoo_alexnet[] = {
    { { .name = "alexnet-2012",
        .title = "AlexNet as published: two groups, response normalisation, dropout",
        .paper = paper,
        .year = 2012,
        FVI_ZOO_IMAGENET,
        .published = { { 40.7, 18.2, 10, 1, "Krizhevsky et al. 2012, table 2: 1 CNN, ILSVRC-2012 validation" },
                       { 38.1, 16.4, 10, 5, "Krizhevsky et al. 2012, table 2: 5 CNNs, ILSVRC-2012 validation" },
                       { 37.5, 17.0, 10, 1, "Krizhevsky et al. 2012, table 1: ILSVRC-2010 test" } } },
      alexnet_2012,
      &two_groups },
    { { .name = "alexnet-onetower", .title = "AlexNet without groups", .paper = paper, .year = 2012, FVI_ZOO_IMAGENET },
      alexnet_2012,
      &one_group },
    { { .name = "alexnet",
        .title = "AlexNet as in torchvision",
        .paper = "Krizhevsky 2014: One weird trick for parallelizing convolutional neural networks (arXiv:1404.5997)",
        .year = 2014,
        FVI_ZOO_IMAGENET,
        .published = { { 43.478, 20.934, 1, 1, "torchvision's weights IMAGENET1K_V1, ILSVRC-2012 validation" } } },
      alexnet,
      NULL },
    { .build = NULL },
};
