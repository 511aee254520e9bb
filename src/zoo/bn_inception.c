/* SPDX-License-Identifier: Apache-2.0
 *
 * bn_inception.c - the network of Ioffe & Szegedy 2015, "Batch normalization" (arXiv:1502.03167), figure 5: every width
 * and every pool is the one that the figure lists.
 * Where the figure contradicts itself: its column of output sizes does not follow from its columns of widths. 4c and 4d
 * (160+160+160+128 and 96+192+192+128) give 608 channels where 576 are printed, and 4e, which passes them through, 1,056
 * where 1,024 are printed; 3c and 4e have stride 2, but are printed with the grids that they read, 28x28 and 14x14. Here
 * the widths decide, as in the MXNet and Caffe models (11,295,240 parameters with a plain 7x7 and biases, which this table
 * gives too). TF-slim's inception_v2 decides for the outputs instead: 96 filters behind the pools of 4c and 4d.
 * Where it leaves a choice: pooling rounds sizes up; convolutions with stride 2 are padded by 1 on each side. The first
 * convolution is separable with depth multiplier 8 (the appendix says so), normalised once, behind both parts. Neither
 * dropout (section 4.2.1 removes it) nor auxiliary classifiers, which the paper does not mention.
 */
#include "zoo/blocks.h"

/* A row of figure 5. No ones: the module has stride 2, and its pool passes its input through. */
typedef struct module {
    const char *name;
    int32_t ones, reduce3, threes, reduce_double, doubles, project;
    bool max; /* pools the largest value, not the mean */
} module;

static const module modules[] = {
    { "3a", 64, 64, 64, 64, 96, 32, false },       { "3b", 64, 64, 96, 64, 96, 64, false },
    { "3c", 0, 128, 160, 64, 96, 0, true },        { "4a", 224, 64, 96, 96, 128, 128, false },
    { "4b", 192, 96, 128, 96, 128, 128, false },   { "4c", 160, 128, 160, 128, 160, 128, false },
    { "4d", 96, 128, 192, 160, 192, 128, false },  { "4e", 0, 128, 192, 192, 256, 0, true },
    { "5a", 352, 192, 320, 160, 224, 128, false }, { "5b", 352, 192, 320, 192, 224, 128, true },
};

/* One unit of a module: "inception_3a.double2". */
static fv_status part(fvi_zoo_net *net, fv_value *x, const module *m, const char *name, int32_t filters, int32_t kernel,
                      int32_t stride)
{
    const fvi_zoo_conv_options conv = { .filters = filters, .kernel = kernel, .stride = stride, .same = true };
    return fvi_zoo_conv_bn_relu(net, x, &conv, "inception_%s.%s", m->name, name);
}

/* Beside convolutions with stride 2: as many cells as they give. Of even sizes, as figure 5 has them, that rounds up. */
static fv_status add_pool_through(fvi_zoo_net *net, fv_value *x, const module *m)
{
    const fvi_zoo_name name = fvi_zoo_name_of("inception_%s.pool", m->name);
    const fv_pool2d_options options = {
        .name = name.text, .kernel = { 3, 3 }, .stride = { 2, 2 }, .padding = FV_PAD_SAME
    };
    return fv_graph_add_max_pool2d(net->graph, *x, &options, x);
}

static fv_status add_pool(fvi_zoo_net *net, fv_value *x, const module *m)
{
    if (m->ones == 0)
        return add_pool_through(net, x, m);
    if (m->max)
        FV_TRY(fvi_zoo_max_pool(net, x, 3, 1, 1, "inception_%s.pool", m->name));
    else
        FV_TRY(fvi_zoo_average_pool(net, x, 3, 1, 1, "inception_%s.pool", m->name));
    return part(net, x, m, "project", m->project, 1, 1);
}

static fv_status add_module(fvi_zoo_net *net, fv_value *x, const module *m)
{
    const int32_t stride = m->ones == 0 ? 2 : 1;
    fv_value branch[4];
    int32_t count = 0;
    if (m->ones > 0) {
        branch[count] = *x;
        FV_TRY(part(net, &branch[count++], m, "ones", m->ones, 1, 1));
    }
    branch[count] = *x;
    FV_TRY(part(net, &branch[count], m, "reduce3", m->reduce3, 1, 1));
    FV_TRY(part(net, &branch[count++], m, "threes", m->threes, 3, stride));
    branch[count] = *x;
    FV_TRY(part(net, &branch[count], m, "reduce_double", m->reduce_double, 1, 1));
    FV_TRY(part(net, &branch[count], m, "double1", m->doubles, 3, 1));
    FV_TRY(part(net, &branch[count++], m, "double2", m->doubles, 3, stride));
    branch[count] = *x;
    FV_TRY(add_pool(net, &branch[count++], m));
    return fvi_zoo_concat(net, branch, count, x, "inception_%s", m->name);
}

static fv_status add_stem(fvi_zoo_net *net, fv_value *x)
{
    const int32_t channels = net->input.c;
    const fvi_zoo_conv_options depthwise = {
        .filters = 8 * channels, .kernel = 7, .stride = 2, .same = true, .groups = channels, .no_bias = true
    };
    FV_TRY(fvi_zoo_input(net, x));
    FV_TRY(fvi_zoo_conv(net, x, &depthwise, "conv1.depthwise"));
    FV_TRY(fvi_zoo_conv_bn_relu(net, x, &(fvi_zoo_conv_options){ .filters = 64, .kernel = 1 }, "conv1"));
    FV_TRY(fvi_zoo_max_pool_ceil(net, x, 3, 2, 0, "pool1"));
    FV_TRY(fvi_zoo_conv_bn_relu(net, x, &(fvi_zoo_conv_options){ .filters = 64, .kernel = 1 }, "conv2.reduce"));
    FV_TRY(fvi_zoo_conv_bn_relu(net, x, &(fvi_zoo_conv_options){ .filters = 192, .kernel = 3, .same = true }, "conv2"));
    return fvi_zoo_max_pool_ceil(net, x, 3, 2, 0, "pool2");
}

static fv_status build(fvi_zoo_net *net, fv_value *output)
{
    fv_value x = FV_NO_VALUE;
    FV_TRY(add_stem(net, &x));
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        FV_TRY(add_module(net, &x, &modules[i]));
    FV_TRY(fvi_zoo_global_average_pool(net, &x, "avgpool"));
    FV_TRY(fvi_zoo_classifier(net, &x, "fc"));
    *output = x;
    return FV_OK;
}

const fvi_zoo_network fvi_zoo_bn_inception[] = {
    { { .name = "bn-inception",
        .title = "Inception with batch normalisation",
        .paper = "Ioffe, Szegedy 2015: Batch normalization (arXiv:1502.03167)",
        .year = 2015,
        FVI_ZOO_IMAGENET,
        .published = { { 25.2, 7.82, 1, 1, "Ioffe & Szegedy 2015, figure 4, ILSVRC-2012 validation" },
                       { 21.99, 5.82, 144, 1, "Ioffe & Szegedy 2015, figure 4, ILSVRC-2012 validation" },
                       { 20.1, 4.9, 144, 6, "Ioffe & Szegedy 2015, figure 4, ILSVRC-2012 validation" } } },
      build,
      NULL },
    { .build = NULL },
};
