/* SPDX-License-Identifier: Apache-2.0
 *
 * vgg.c - the networks of Simonyan & Zisserman 2015, "Very deep convolutional networks for large-scale image recognition"
 * (arXiv:1409.1556), table 1, read from the table as it is printed there.
 * Where the paper leaves a choice: initial weights are He's, with which all of them train from nothing (the authors
 * grew the deep ones from A, and note that Glorot's would have done); dropout 0.5 follows the ReLU of the first two dense
 * layers. The -bn forms are torchvision's: batch normalisation behind every convolution, which keeps its bias. Nodes have
 * the names of torchvision's modules. Images larger than 224x224 are averaged to 7x7 positions before the dense layers,
 * as there; with smaller ones these layers are smaller.
 */
#include <stdio.h>
#include <string.h>

#include "zoo/blocks.h"

/* The columns of table 1, the dense layers left out: conv<size of the kernel>-<filters>. */
static const char column_a[] = "conv3-64 maxpool conv3-128 maxpool conv3-256 conv3-256 maxpool "
                               "conv3-512 conv3-512 maxpool conv3-512 conv3-512 maxpool";
static const char column_a_lrn[] = "conv3-64 LRN maxpool conv3-128 maxpool conv3-256 conv3-256 maxpool "
                                   "conv3-512 conv3-512 maxpool conv3-512 conv3-512 maxpool";
static const char column_b[] = "conv3-64 conv3-64 maxpool conv3-128 conv3-128 maxpool conv3-256 conv3-256 maxpool "
                               "conv3-512 conv3-512 maxpool conv3-512 conv3-512 maxpool";
static const char column_c[] =
    "conv3-64 conv3-64 maxpool conv3-128 conv3-128 maxpool conv3-256 conv3-256 conv1-256 maxpool "
    "conv3-512 conv3-512 conv1-512 maxpool conv3-512 conv3-512 conv1-512 maxpool";
static const char column_d[] =
    "conv3-64 conv3-64 maxpool conv3-128 conv3-128 maxpool conv3-256 conv3-256 conv3-256 maxpool "
    "conv3-512 conv3-512 conv3-512 maxpool conv3-512 conv3-512 conv3-512 maxpool";
static const char column_e[] =
    "conv3-64 conv3-64 maxpool conv3-128 conv3-128 maxpool conv3-256 conv3-256 conv3-256 conv3-256 maxpool "
    "conv3-512 conv3-512 conv3-512 conv3-512 maxpool conv3-512 conv3-512 conv3-512 conv3-512 maxpool";

/* Adds what one word of a column says. *module counts torchvision's modules. */
static fv_status add_word(fvi_zoo_net *net, fv_value *x, const char *word, bool batch_norm, int32_t *module)
{
    if (strncmp(word, "maxpool", 7) == 0)
        return fvi_zoo_max_pool(net, x, 2, 2, 0, "features.%d", (*module)++);
    if (strncmp(word, "LRN", 3) == 0) {
        const fvi_zoo_name name = fvi_zoo_name_of("features.%d", (*module)++);
        const fv_local_response_norm_options options = {
            .name = name.text, .size = 5, .alpha = 1e-4, .beta = 0.75, .k = 2, .alpha_per_element = true
        };
        return fv_graph_add_local_response_norm(net->graph, *x, &options, x);
    }
    fvi_zoo_conv_options conv = { .same = true };
    sscanf(word, "conv%d-%d", &conv.kernel, &conv.filters);
    FV_TRY(fvi_zoo_conv(net, x, &conv, "features.%d", (*module)++));
    if (batch_norm)
        FV_TRY(fvi_zoo_batch_norm(net, x, 0, "features.%d", (*module)++));
    return fvi_zoo_relu(net, x, "features.%d", (*module)++);
}

static fv_status build(fvi_zoo_net *net, bool batch_norm, fv_value *output)
{
    int32_t module = 0;
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    for (const char *word = net->design; *word != '\0'; word += strspn(word, " ")) {
        FV_TRY(add_word(net, &x, word, batch_norm, &module));
        word += strcspn(word, " ");
    }
    FV_TRY(fvi_zoo_shrink(net, &x, 7, "avgpool"));
    for (int32_t i = 0; i < 2; i++) {
        FV_TRY(fvi_zoo_dense(net, &x, 4096, "classifier.%d", 3 * i));
        FV_TRY(fvi_zoo_relu(net, &x, "classifier.%d", 3 * i + 1));
        FV_TRY(fvi_zoo_dropout(net, &x, 0.5, "classifier.%d", 3 * i + 2));
    }
    FV_TRY(fvi_zoo_classifier(net, &x, "classifier.6"));
    *output = x;
    return FV_OK;
}

static fv_status plain(fvi_zoo_net *net, fv_value *output)
{
    return build(net, false, output);
}

static fv_status normalised(fvi_zoo_net *net, fv_value *output)
{
    return build(net, true, output);
}

static const char paper[] =
    "Simonyan, Zisserman 2015: Very deep convolutional networks for large-scale image recognition (arXiv:1409.1556)";

const fvi_zoo_network fvi_zoo_vgg[] = {
    { { .name = "vgg-a",
        .title = "VGG A: 11 layers",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 29.6, 10.4, 0, 1,
                         "Simonyan & Zisserman 2015, table 3: shorter side 256, ILSVRC-2012 validation" },
                       { 30.980, 11.372, 1, 1, "torchvision's weights IMAGENET1K_V1, ILSVRC-2012 validation" } } },
      plain,
      column_a },
    { { .name = "vgg-a-lrn",
        .title = "VGG A-LRN: 11 layers, response normalisation",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 29.7, 10.5, 0, 1,
                         "Simonyan & Zisserman 2015, table 3: shorter side 256, ILSVRC-2012 validation" } } },
      plain,
      column_a_lrn },
    { { .name = "vgg-b",
        .title = "VGG B: 13 layers",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 28.7, 9.9, 0, 1,
                         "Simonyan & Zisserman 2015, table 3: shorter side 256, ILSVRC-2012 validation" },
                       { 30.072, 10.754, 1, 1, "torchvision's weights IMAGENET1K_V1, ILSVRC-2012 validation" } } },
      plain,
      column_b },
    { { .name = "vgg-c",
        .title = "VGG C: 16 layers, three of them 1x1",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 27.3, 8.8, 0, 1,
                         "Simonyan & Zisserman 2015, table 3: shorter side 384, ILSVRC-2012 validation" } } },
      plain,
      column_c },
    { { .name = "vgg-d",
        .title = "VGG D: 16 layers",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 25.6, 8.1, 0, 1,
                         "Simonyan & Zisserman 2015, table 3: shorter side 384, ILSVRC-2012 validation" },
                       { 24.4, 7.2, 150, 1,
                         "Simonyan & Zisserman 2015, table 5: with dense runs, ILSVRC-2012 validation" },
                       { 23.7, 6.8, 150, 2,
                         "Simonyan & Zisserman 2015, table 7: D and E, with dense runs, ILSVRC-2012 "
                         "validation" } } },
      plain,
      column_d },
    { { .name = "vgg-e",
        .title = "VGG E: 19 layers",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 25.5, 8, 0, 1,
                         "Simonyan & Zisserman 2015, table 3: shorter side 384, ILSVRC-2012 validation" },
                       { 24.4, 7.1, 150, 1,
                         "Simonyan & Zisserman 2015, table 5: with dense runs, ILSVRC-2012 validation" },
                       { 23.7, 6.8, 150, 2,
                         "Simonyan & Zisserman 2015, table 7: D and E, with dense runs, ILSVRC-2012 "
                         "validation" } } },
      plain,
      column_e },
    { { .name = "vgg-a-bn",
        .title = "VGG A with batch normalisation: 11 layers",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 29.63, 10.19, 1, 1, "torchvision's weights IMAGENET1K_V1, ILSVRC-2012 validation" } } },
      normalised,
      column_a },
    { { .name = "vgg-a-lrn-bn",
        .title = "VGG A-LRN with batch normalisation: 11 layers, response normalisation",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET },
      normalised,
      column_a_lrn },
    { { .name = "vgg-b-bn",
        .title = "VGG B with batch normalisation: 13 layers",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 28.414, 9.626, 1, 1, "torchvision's weights IMAGENET1K_V1, ILSVRC-2012 validation" } } },
      normalised,
      column_b },
    { { .name = "vgg-c-bn",
        .title = "VGG C with batch normalisation: 16 layers, three of them 1x1",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET },
      normalised,
      column_c },
    { { .name = "vgg-d-bn",
        .title = "VGG D with batch normalisation: 16 layers",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 26.64, 8.484, 1, 1, "torchvision's weights IMAGENET1K_V1, ILSVRC-2012 validation" } } },
      normalised,
      column_d },
    { { .name = "vgg-e-bn",
        .title = "VGG E with batch normalisation: 19 layers",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 25.782, 8.158, 1, 1, "torchvision's weights IMAGENET1K_V1, ILSVRC-2012 validation" } } },
      normalised,
      column_e },
    { .build = NULL },
};
