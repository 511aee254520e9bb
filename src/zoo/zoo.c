/* SPDX-License-Identifier: Apache-2.0
 *
 * zoo.c - the list of named networks and the pieces that their builders share.
 */
#include <stdio.h>
#include <string.h>

#include "fovea/text.h"
#include "zoo/zoo_internal.h"

const fvi_zoo_network fvi_zoo_networks[] = {
    { { .name = "lenet5",
        .title = "LeNet-5 with ReLU and max pooling",
        .paper = "LeCun, Bottou, Bengio, Haffner 1998: Gradient-based learning applied to document recognition",
        .year = 1998,
        .input = { 1, 28, 28 },
        .classes = 10,
        .data = { 1, 28, 28 } },
      fvi_zoo_lenet5 },
    { { .name = "convnetjs-mnist",
        .title = "ConvNetJS demo network for MNIST",
        .paper = "Karpathy 2014: ConvNetJS",
        .year = 2014,
        .input = { 1, 24, 24 },
        .classes = 10,
        .data = { 1, 28, 28 } },
      fvi_zoo_convnetjs_mnist },
    { { .name = "convnetjs-cifar10",
        .title = "ConvNetJS demo network for CIFAR-10",
        .paper = "Karpathy 2014: ConvNetJS",
        .year = 2014,
        .input = { 3, 32, 32 },
        .classes = 10,
        .data = { 3, 32, 32 } },
      fvi_zoo_convnetjs_cifar10 },
    { .build = NULL },
};

int32_t fv_zoo_count(void)
{
    int32_t count = 0;
    while (fvi_zoo_networks[count].build != NULL)
        count++;
    return count;
}

const fv_zoo_entry *fv_zoo_get(int32_t index)
{
    return index >= 0 && index < fv_zoo_count() ? &fvi_zoo_networks[index].entry : NULL;
}

static const fvi_zoo_network *find_network(const char *name)
{
    for (const fvi_zoo_network *network = fvi_zoo_networks; network->build != NULL; network++)
        if (strcmp(network->entry.name, name) == 0)
            return network;
    return NULL;
}

const fv_zoo_entry *fv_zoo_find(const char *name)
{
    const fvi_zoo_network *network = find_network(name);
    return network != NULL ? &network->entry : NULL;
}

static fv_status not_found(fv_context *context, const char *name)
{
    enum { NAMES = 256 };
    const char *names[NAMES];
    int32_t count = 0;
    for (; count < NAMES && fvi_zoo_networks[count].build != NULL; count++)
        names[count] = fvi_zoo_networks[count].entry.name;
    const char *nearest = fv_nearest_word(name, names, count);
    if (nearest != NULL)
        return fvi_fail(context, FV_ERR_NOT_FOUND, "no network '%s'; did you mean '%s'?", name, nearest);
    return fvi_fail(context, FV_ERR_NOT_FOUND, "no network '%s'; `fovea zoo` lists them", name);
}

fv_status fv_zoo_build(fv_graph **out, fv_context *context, const char *name)
{
    *out = NULL;
    const fvi_zoo_network *network = find_network(name);
    if (network == NULL)
        return not_found(context, name);
    fv_graph *graph = NULL;
    FV_TRY(fv_graph_create(&graph, context, name));
    fv_value output = FV_NO_VALUE;
    fv_status status = network->build(graph, &output);
    if (status == FV_OK)
        status = fv_graph_finish(graph, output);
    if (status != FV_OK) {
        fv_graph_destroy(graph);
        return status;
    }
    *out = graph;
    return FV_OK;
}

fv_status fvi_zoo_add_input(fv_graph *graph, fv_image_shape shape, fv_value *out)
{
    return fv_graph_add_input(graph, &(fv_input_options){ .name = "image", .shape = { shape.c, shape.h, shape.w } },
                              out);
}

fv_status fvi_zoo_add_stage(fv_graph *graph, fv_value x, const fvi_zoo_stage *stage, fv_value *out)
{
    char conv[32], relu[32], pool[32];
    snprintf(conv, sizeof conv, "conv%d", stage->number);
    snprintf(relu, sizeof relu, "relu%d", stage->number);
    snprintf(pool, sizeof pool, "pool%d", stage->number);
    const int32_t pad = stage->pad;
    FV_TRY(fv_graph_add_conv2d(graph, x,
                               &(fv_conv2d_options){ .name = conv,
                                                     .filters = stage->filters,
                                                     .kernel = { stage->kernel, stage->kernel },
                                                     .pad = { pad, pad, pad, pad } },
                               &x));
    FV_TRY(fvi_zoo_add_relu(graph, x, relu, &x));
    return fv_graph_add_max_pool2d(graph, x,
                                   &(fv_pool2d_options){ .name = pool, .kernel = { stage->pool, stage->pool } }, out);
}

fv_status fvi_zoo_add_dense(fv_graph *graph, fv_value x, const char *name, int32_t units, fv_value *out)
{
    return fv_graph_add_dense(graph, x, &(fv_dense_options){ .name = name, .units = units }, out);
}

fv_status fvi_zoo_add_relu(fv_graph *graph, fv_value x, const char *name, fv_value *out)
{
    return fv_graph_add(graph, "relu", &x, 1, &(fv_plain_options){ .name = name }, out);
}

fv_status fvi_zoo_add_loss(fv_graph *graph, fv_value scores)
{
    fv_value loss = FV_NO_VALUE;
    return fv_graph_add_softmax_cross_entropy(graph, scores, &(fv_loss_options){ .name = "loss" }, &loss);
}
