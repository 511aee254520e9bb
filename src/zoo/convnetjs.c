/* SPDX-License-Identifier: Apache-2.0
 *
 * convnetjs.c - the networks of Karpathy's ConvNetJS demonstrations: small enough to be watched while they learn.
 * Pooling layers take no padding here, as there: 12 rows pooled by 3 give 4.
 */
#include "zoo/blocks.h"

/* Stages of a 5x5 convolution, ReLU and max pooling; no filters: the end. */
typedef struct stage {
    int32_t filters, pool;
} stage;

static const stage mnist[] = { { 8, 2 }, { 16, 3 }, { 0 } };               /* 5,994 parameters */
static const stage cifar10[] = { { 16, 2 }, { 20, 2 }, { 20, 2 }, { 0 } }; /* 22,466 parameters */

static fv_status build(fvi_zoo_net *net, fv_value *output)
{
    const stage *stages = net->design;
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    for (int32_t i = 0; stages[i].filters > 0; i++) {
        const fvi_zoo_conv_options conv = { .filters = stages[i].filters, .kernel = 5, .same = true };
        FV_TRY(fvi_zoo_conv(net, &x, &conv, "conv%d", i + 1));
        FV_TRY(fvi_zoo_relu(net, &x, "relu%d", i + 1));
        FV_TRY(fvi_zoo_max_pool(net, &x, stages[i].pool, stages[i].pool, 0, "pool%d", i + 1));
    }
    FV_TRY(fvi_zoo_classifier(net, &x, "fc1"));
    *output = x;
    return FV_OK;
}

const fvi_zoo_network fvi_zoo_convnetjs[] = {
    { { .name = "convnetjs-mnist",
        .title = "ConvNetJS demo network for MNIST",
        .paper = "Karpathy 2014: ConvNetJS",
        .year = 2014,
        .input = { 1, 24, 24 },
        .classes = 10,
        .data = { 1, 28, 28 } },
      build,
      mnist },
    { { .name = "convnetjs-cifar10",
        .title = "ConvNetJS demo network for CIFAR-10",
        .paper = "Karpathy 2014: ConvNetJS",
        .year = 2014,
        .input = { 3, 32, 32 },
        .classes = 10,
        .data = { 3, 32, 32 } },
      build,
      cifar10 },
    { .build = NULL },
};
