/* SPDX-License-Identifier: Apache-2.0
 *
 * lenet.c - LeNet-5 (LeCun et al. 1998, figure 2) as it is taught today: ReLU and max pooling in place of scaled tanh
 * and trained subsampling, all maps connected, softmax instead of radial basis units. 61,706 parameters.
 */
#include "zoo/zoo_internal.h"

fv_status fvi_zoo_lenet5(fv_graph *graph, fv_value *output)
{
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_add_input(graph, (fv_image_shape){ 1, 28, 28 }, &x));
    FV_TRY(fvi_zoo_add_stage(graph, x, &(fvi_zoo_stage){ .number = 1, .filters = 6, .kernel = 5, .pad = 2, .pool = 2 },
                             &x));
    FV_TRY(fvi_zoo_add_stage(graph, x, &(fvi_zoo_stage){ .number = 2, .filters = 16, .kernel = 5, .pool = 2 }, &x));
    FV_TRY(fvi_zoo_add_dense(graph, x, "fc1", 120, &x));
    FV_TRY(fvi_zoo_add_relu(graph, x, "relu3", &x));
    FV_TRY(fvi_zoo_add_dense(graph, x, "fc2", 84, &x));
    FV_TRY(fvi_zoo_add_relu(graph, x, "relu4", &x));
    FV_TRY(fvi_zoo_add_dense(graph, x, "fc3", 10, output));
    return fvi_zoo_add_loss(graph, *output);
}
