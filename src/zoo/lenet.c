/* SPDX-License-Identifier: Apache-2.0
 *
 * lenet.c - LeNet-5 (LeCun et al. 1998, figure 2) as it is taught today: ReLU and max pooling in place of scaled tanh
 * and trained subsampling, all maps connected, softmax instead of radial basis units. 61,706 parameters.
 */
#include "zoo/blocks.h"

static fv_status lenet5(fvi_zoo_net *net, fv_value *output)
{
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_input(net, &x));
    FV_TRY(fvi_zoo_conv(net, &x, &(fvi_zoo_conv_options){ .filters = 6, .kernel = 5, .pad = 2 }, "conv1"));
    FV_TRY(fvi_zoo_relu(net, &x, "relu1"));
    FV_TRY(fvi_zoo_max_pool(net, &x, 2, 2, 0, "pool1"));
    FV_TRY(fvi_zoo_conv(net, &x, &(fvi_zoo_conv_options){ .filters = 16, .kernel = 5 }, "conv2"));
    FV_TRY(fvi_zoo_relu(net, &x, "relu2"));
    FV_TRY(fvi_zoo_max_pool(net, &x, 2, 2, 0, "pool2"));
    FV_TRY(fvi_zoo_dense(net, &x, 120, "fc1"));
    FV_TRY(fvi_zoo_relu(net, &x, "relu3"));
    FV_TRY(fvi_zoo_dense(net, &x, 84, "fc2"));
    FV_TRY(fvi_zoo_relu(net, &x, "relu4"));
    FV_TRY(fvi_zoo_classifier(net, &x, "fc3"));
    *output = x;
    return FV_OK;
}

const fvi_zoo_network fvi_zoo_lenet[] = {
    { { .name = "lenet5",
        .title = "LeNet-5 with ReLU and max pooling",
        .paper = "LeCun, Bottou, Bengio, Haffner 1998: Gradient-based learning applied to document recognition",
        .year = 1998,
        .input = { 1, 28, 28 },
        .classes = 10,
        .data = { 1, 28, 28 } },
      lenet5,
      NULL },
    { .build = NULL },
};
