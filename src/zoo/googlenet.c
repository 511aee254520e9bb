/* SPDX-License-Identifier: Apache-2.0
 *
 * googlenet.c - GoogLeNet (Szegedy et al. 2015, "Going deeper with convolutions", arXiv:1409.4842), table 1 and figure 3,
 * and torchvision's batch-normalised form of it.
 * Where the paper leaves a choice: pooling rounds sizes up, which gives the sizes of table 1 without padding; response
 * normalisation, after the first pooling and before the second, takes the mean of 5 squares with alpha 1e-4, beta 0.75
 * and k 1; both as in the Caffe project's model (BVLC). Nodes have the names of torchvision's modules, in the published
 * form too.
 */
#include "zoo/blocks.h"

/* One row of table 1, without its pooling projection's pool: filters of each convolution. */
typedef struct module {
    const char *name;
    int32_t ones, reduce3, threes, reduce5, fives, project;
} module;

enum { MODULES = 9 };

static const module modules[MODULES] = {
    { "3a", 64, 96, 128, 16, 32, 32 },     { "3b", 128, 128, 192, 32, 96, 64 },   { "4a", 192, 96, 208, 16, 48, 64 },
    { "4b", 160, 112, 224, 24, 64, 64 },   { "4c", 128, 128, 256, 24, 64, 64 },   { "4d", 112, 144, 288, 32, 64, 64 },
    { "4e", 256, 160, 320, 32, 128, 128 }, { "5a", 256, 160, 320, 32, 128, 128 }, { "5b", 384, 192, 384, 48, 128, 128 },
};

/* What tells the two forms apart. */
typedef struct form {
    bool batch_norm;       /* instead of biases and response normalisation */
    int32_t fifth;         /* kernel where the paper has 5x5: a slip of torchvision's that its weights carry */
    int32_t last_pool;     /* size of the third pooling between modules */
    bool shrink_auxiliary; /* auxiliary classifiers average to 4x4 whatever the size; else over 5x5 every 3 pixels */
    double drop;
} form;

static const form published = { .fifth = 5, .last_pool = 3, .drop = 0.4 };
static const form normalised = {
    .batch_norm = true, .fifth = 3, .last_pool = 2, .shrink_auxiliary = true, .drop = 0.2
};

static fv_status unit(fvi_zoo_net *net, fv_value *x, int32_t filters, int32_t kernel, int32_t stride, const char *name)
{
    const form *f = net->design;
    const fvi_zoo_conv_options conv = {
        .filters = filters, .kernel = kernel, .stride = stride, .same = true, .epsilon = 1e-3
    };
    if (f->batch_norm)
        return fvi_zoo_conv_bn_relu(net, x, &conv, "%s", name);
    return fvi_zoo_conv_relu(net, x, &conv, "%s", name);
}

/* One unit of a module: "inception3a.branch2.0". */
static fv_status part(fvi_zoo_net *net, fv_value *x, const module *m, const char *branch, int32_t filters,
                      int32_t kernel)
{
    return unit(net, x, filters, kernel, 1, fvi_zoo_name_of("inception%s.%s", m->name, branch).text);
}

static fv_status add_module(fvi_zoo_net *net, fv_value *x, const module *m)
{
    const form *f = net->design;
    fv_value branch[4] = { *x, *x, *x, *x };
    FV_TRY(part(net, &branch[0], m, "branch1", m->ones, 1));
    FV_TRY(part(net, &branch[1], m, "branch2.0", m->reduce3, 1));
    FV_TRY(part(net, &branch[1], m, "branch2.1", m->threes, 3));
    FV_TRY(part(net, &branch[2], m, "branch3.0", m->reduce5, 1));
    FV_TRY(part(net, &branch[2], m, "branch3.1", m->fives, f->fifth));
    FV_TRY(fvi_zoo_max_pool(net, &branch[3], 3, 1, 1, "inception%s.branch4.0", m->name));
    FV_TRY(part(net, &branch[3], m, "branch4.1", m->project, 1));
    return fvi_zoo_concat(net, branch, 4, x, "inception%s", m->name);
}

/* Section 5: two of them, weighing 0.3 each in the loss, thrown away after training. */
static fv_status add_auxiliary(fvi_zoo_net *net, fv_value x, const char *name)
{
    const form *f = net->design;
    if (!net->auxiliary)
        return FV_OK;
    if (f->shrink_auxiliary)
        FV_TRY(fvi_zoo_shrink(net, &x, 4, "%s.avgpool", name));
    else
        FV_TRY(fvi_zoo_average_pool(net, &x, 5, 3, 0, "%s.avgpool", name));
    FV_TRY(unit(net, &x, 128, 1, 1, fvi_zoo_name_of("%s.conv", name).text));
    FV_TRY(fvi_zoo_dense(net, &x, 1024, "%s.fc1", name));
    FV_TRY(fvi_zoo_relu(net, &x, "%s.relu", name));
    FV_TRY(fvi_zoo_dropout(net, &x, 0.7, "%s.dropout", name));
    FV_TRY(fvi_zoo_dense(net, &x, net->classes, "%s.fc2", name));
    return fvi_zoo_weighted_loss(net, x, 0.3, "%s.loss", name);
}

static fv_status add_norm(fvi_zoo_net *net, fv_value *x, const char *name)
{
    const form *f = net->design;
    if (f->batch_norm)
        return FV_OK;
    return fv_graph_add_local_response_norm(net->graph, *x, &(fv_local_response_norm_options){ .name = name }, x);
}

static fv_status add_stem(fvi_zoo_net *net, fv_value *x)
{
    FV_TRY(fvi_zoo_input(net, x));
    FV_TRY(unit(net, x, 64, 7, 2, "conv1"));
    FV_TRY(fvi_zoo_max_pool_ceil(net, x, 3, 2, 0, "maxpool1"));
    FV_TRY(add_norm(net, x, "norm1"));
    FV_TRY(unit(net, x, 64, 1, 1, "conv2"));
    FV_TRY(unit(net, x, 192, 3, 1, "conv3"));
    FV_TRY(add_norm(net, x, "norm2"));
    return fvi_zoo_max_pool_ceil(net, x, 3, 2, 0, "maxpool2");
}

static fv_status build(fvi_zoo_net *net, fv_value *output)
{
    const form *f = net->design;
    fv_value x = FV_NO_VALUE;
    FV_TRY(add_stem(net, &x));
    for (int32_t i = 0; i < MODULES; i++) {
        FV_TRY(add_module(net, &x, &modules[i]));
        if (i == 1)
            FV_TRY(fvi_zoo_max_pool_ceil(net, &x, 3, 2, 0, "maxpool3"));
        if (i == 2)
            FV_TRY(add_auxiliary(net, x, "aux1"));
        if (i == 5)
            FV_TRY(add_auxiliary(net, x, "aux2"));
        if (i == 6)
            FV_TRY(fvi_zoo_max_pool_ceil(net, &x, f->last_pool, 2, 0, "maxpool4"));
    }
    FV_TRY(fvi_zoo_global_average_pool(net, &x, "avgpool"));
    FV_TRY(fvi_zoo_dropout(net, &x, f->drop, "dropout"));
    FV_TRY(fvi_zoo_classifier(net, &x, "fc"));
    *output = x;
    return FV_OK;
}

static const char paper[] = "Szegedy et al. 2015: Going deeper with convolutions (arXiv:1409.4842)";

const fvi_zoo_network fvi_zoo_googlenet[] = {
    { { .name = "googlenet",
        .title = "GoogLeNet as published: biases and response normalisation",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 0, 10.07, 1, 1, "Szegedy et al. 2015, table 3, ILSVRC-2014 validation" },
                       { 0, 7.89, 144, 1, "Szegedy et al. 2015, table 3, ILSVRC-2014 validation" },
                       { 0, 6.67, 144, 7, "Szegedy et al. 2015, table 3, ILSVRC-2014 validation and test" } } },
      build,
      &published },
    { { .name = "googlenet-bn",
        .title = "GoogLeNet with batch normalisation, as in torchvision",
        .paper = paper,
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 30.222, 10.470, 1, 1, "torchvision's weights IMAGENET1K_V1, ILSVRC-2012 validation" } } },
      build,
      &normalised },
    { .build = NULL },
};
