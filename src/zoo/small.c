/* SPDX-License-Identifier: Apache-2.0
 *
 * small.c - the small AlexNet and Inception of Zhang, Bengio, Hardt, Recht, Vinyals 2017 (arXiv:1611.03530), appendix A and figure 3,
 * for 28x28 crops of CIFAR-10.
 * The counts of the paper's table 1 are those of weights and biases; in small-inception batch normalisation adds a shift in
 * place of the convolution's bias and no scale, as TensorFlow's layers of the time did, so the count is the same with and without it.
 */
#include "zoo/blocks.h"

/* Convolution, ReLU, overlapping pooling, normalisation across channels with the constants of Krizhevsky et al. 2012. */
static fv_status alexnet_stage(fvi_zoo_net *net, fv_value *x, int32_t number)
{
    const fvi_zoo_name pool = fvi_zoo_name_of("pool%d", number), norm = fvi_zoo_name_of("norm%d", number);
    FV_TRY(fvi_zoo_conv(net, x, &(fvi_zoo_conv_options){ .filters = 64, .kernel = 5, .same = true }, "conv%d", number));
    FV_TRY(fvi_zoo_relu(net, x, "relu%d", number));
    FV_TRY(fv_graph_add_max_pool2d(
        net->graph, *x,
        &(fv_pool2d_options){ .name = pool.text, .kernel = { 3, 3 }, .stride = { 2, 2 }, .padding = FV_PAD_SAME }, x));
    return fv_graph_add_local_response_norm(
        net->graph, *x,
        &(fv_local_response_norm_options){ .name = norm.text, .size = 5, .k = 2, .alpha_per_element = true }, x);
}

static fv_status small_alexnet(fvi_zoo_net *net, fv_value *output)
{
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    FV_TRY(alexnet_stage(net, &x, 1));
    FV_TRY(alexnet_stage(net, &x, 2));
    FV_TRY(fvi_zoo_dense(net, &x, 384, "fc1"));
    FV_TRY(fvi_zoo_relu(net, &x, "relu3"));
    FV_TRY(fvi_zoo_dense(net, &x, 192, "fc2"));
    FV_TRY(fvi_zoo_relu(net, &x, "relu4"));
    FV_TRY(fvi_zoo_classifier(net, &x, "fc3"));
    *output = x;
    return FV_OK;
}

/* An inception module of figure 3: filters of its 1x1 and 3x3 branches; or, down, of its strided 3x3 beside max pooling. */
typedef struct inception_module {
    int32_t one, three, down;
} inception_module;

static const inception_module modules[] = {
    { 32, 32, 0 }, { 32, 48, 0 }, { 0, 0, 80 }, { 112, 48, 0 },  { 96, 64, 0 },
    { 80, 80, 0 }, { 48, 96, 0 }, { 0, 0, 96 }, { 176, 160, 0 }, { 176, 160, 0 }
};

enum { MODULES = sizeof modules / sizeof modules[0] };

typedef struct inception_design {
    bool batch_norm;
} inception_design;

static fv_status conv(fvi_zoo_net *net, fv_value *x, fvi_zoo_conv_options options, const char *name)
{
    const inception_design *design = net->design;
    const fvi_zoo_name norm = fvi_zoo_name_of("%s.bn", name);
    options.no_bias = design->batch_norm;
    FV_TRY(fvi_zoo_conv(net, x, &options, "%s.conv", name));
    if (design->batch_norm)
        FV_TRY(fv_graph_add_batch_norm(net->graph, *x, &(fv_batch_norm_options){ .name = norm.text, .no_scale = true },
                                       x));
    return fvi_zoo_relu(net, x, "%s.relu", name);
}

static fv_status add_module(fvi_zoo_net *net, fv_value *x, int32_t number)
{
    const inception_module *module = &modules[number - 1];
    const fvi_zoo_name name = fvi_zoo_name_of("module%d", number);
    fv_value parts[2] = { *x, *x };
    if (module->down > 0) {
        FV_TRY(conv(net, &parts[0],
                    (fvi_zoo_conv_options){ .filters = module->down, .kernel = 3, .stride = 2, .pad = 1 },
                    fvi_zoo_name_of("%s.3x3", name.text).text));
        FV_TRY(fvi_zoo_max_pool(net, &parts[1], 3, 2, 1, "%s.pool", name.text));
    } else {
        FV_TRY(conv(net, &parts[0], (fvi_zoo_conv_options){ .filters = module->one, .kernel = 1 },
                    fvi_zoo_name_of("%s.1x1", name.text).text));
        FV_TRY(conv(net, &parts[1], (fvi_zoo_conv_options){ .filters = module->three, .kernel = 3, .same = true },
                    fvi_zoo_name_of("%s.3x3", name.text).text));
    }
    return fvi_zoo_concat(net, parts, 2, x, "%s.concat", name.text);
}

static fv_status small_inception(fvi_zoo_net *net, fv_value *output)
{
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    FV_TRY(conv(net, &x, (fvi_zoo_conv_options){ .filters = 96, .kernel = 3, .same = true }, "stem"));
    for (int32_t number = 1; number <= MODULES; number++)
        FV_TRY(add_module(net, &x, number));
    FV_TRY(fvi_zoo_global_average_pool(net, &x, "avgpool"));
    FV_TRY(fvi_zoo_classifier(net, &x, "fc"));
    *output = x;
    return FV_OK;
}

#define ENTRY(network_name, network_title, error, how)                                                                 \
    {                                                                                                                  \
        .name = network_name, .title = network_title,                                                                  \
        .paper = "Zhang, Bengio, Hardt, Recht, Vinyals 2017: Understanding deep learning requires rethinking "         \
                 "generalization",                                                                                     \
        .year = 2017, .input = { 3, 28, 28 }, .classes = 10, .data = { 3, 32, 32 },                                    \
        .published = {                                                                                                 \
            { .top1 = error, .crops = 1, .models = 1, .source = "Zhang et al. 2017, table 1, CIFAR-10, " how }         \
        },                                                                                                             \
    }

const fvi_zoo_network fvi_zoo_small[] = {
    { ENTRY("small-alexnet", "Small AlexNet", 18.78, "random crops, weight decay"), small_alexnet, NULL },
    { ENTRY("small-inception", "Small Inception", 10.95, "random crops, weight decay"), small_inception,
      &(const inception_design){ .batch_norm = true } },
    { ENTRY("small-inception-nobn", "Small Inception without batch normalisation", 17.00, "weight decay"),
      small_inception, &(const inception_design){ .batch_norm = false } },
    { .build = NULL },
};
