/* SPDX-License-Identifier: Apache-2.0
 *
 * lenet1998.c - LeNet-5 as the paper has it (LeCun, Bottou, Bengio, Haffner 1998, section II.B and figure 2): trained
 * subsampling, the connection table of C3, scaled tanh, RBF outputs with bitmap codes, and the MAP loss. 60,000 parameters.
 * Where the paper leaves a choice, docs/layers.md#lenet-5-of-1998 says which one was made.
 */
#include "zoo/blocks.h"

/* Appendix A: uniform in 2.4 divided by the inputs of the unit. */
static fv_initializer start(double inputs)
{
    return (fv_initializer){ .kind = FV_INIT_UNIFORM, .value = 2.4 / inputs };
}

static fv_status squash(fvi_zoo_net *net, fv_value *x, const char *name)
{
    return fv_graph_add_scaled_tanh(net->graph, *x, &(fv_scaled_tanh_options){ .name = name }, x);
}

/* C layers: 5x5 kernels, no padding; inputs: of a unit. */
static fv_status convolve(fvi_zoo_net *net, fv_value *x, int32_t filters, double inputs, fv_connection_table table,
                          const char *name, const char *squashed)
{
    const fv_conv2d_options options = {
        .name = name, .filters = filters, .kernel = { 5, 5 }, .table = table, .weight_init = start(inputs)
    };
    FV_TRY(fv_graph_add_conv2d(net->graph, *x, &options, x));
    return squash(net, x, squashed);
}

/* S layers: the sum of 2x2 cells, a coefficient and a bias per map. */
static fv_status subsample(fvi_zoo_net *net, fv_value *x, const char *name, const char *squashed)
{
    FV_TRY(fv_graph_add_subsample(net->graph, *x, &(fv_subsample_options){ .name = name }, x));
    return squash(net, x, squashed);
}

static fv_status lenet5_1998(fvi_zoo_net *net, fv_value *output)
{
    fv_value x = FV_NO_VALUE, loss = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    FV_TRY(convolve(net, &x, 6, 25, FV_TABLE_ALL, "c1", "c1_squash"));
    FV_TRY(subsample(net, &x, "s2", "s2_squash"));
    FV_TRY(convolve(net, &x, 16, 60 * 25 / 16.0, FV_TABLE_LENET5, "c3", "c3_squash"));
    FV_TRY(subsample(net, &x, "s4", "s4_squash"));
    FV_TRY(convolve(net, &x, 120, 16 * 25, FV_TABLE_ALL, "c5", "c5_squash"));
    FV_TRY(fv_graph_add_dense(net->graph, x,
                              &(fv_dense_options){ .name = "f6", .units = 84, .weight_init = start(120) }, &x));
    FV_TRY(squash(net, &x, "f6_squash"));
    FV_TRY(fv_graph_add_rbf(net->graph, x, &(fv_rbf_options){ .name = "output", .units = net->classes }, &x));
    *output = x;
    return fv_graph_add_map_loss(net->graph, x, &(fv_map_loss_options){ .name = "loss" }, &loss);
}

const fvi_zoo_network fvi_zoo_lenet_1998[] = {
    { { .name = "lenet5-1998",
        .title = "LeNet-5 as published: connection table, trained subsampling, RBF outputs, MAP loss",
        .paper = "LeCun, Bottou, Bengio, Haffner 1998: Gradient-based learning applied to document recognition",
        .year = 1998,
        .input = { 1, 32, 32 },
        .classes = 10,
        .data = { 1, 28, 28 },
        .published = { { .top1 = 0.95, .crops = 1, .models = 1, .source = "MNIST test, section III.B" },
                       { .top1 = 0.8,
                         .crops = 1,
                         .models = 1,
                         .source = "MNIST test, section III.B, trained with distorted images as well" } } },
      lenet5_1998,
      NULL },
    { .build = NULL },
};
