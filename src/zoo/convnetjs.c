/* SPDX-License-Identifier: Apache-2.0
 *
 * convnetjs.c - the networks of Karpathy's ConvNetJS demonstrations: small enough to be watched while they learn.
 * Pooling layers take no padding here, as there: 12 rows pooled by 3 give 4.
 */
#include "zoo/zoo_internal.h"

static fv_status build(fv_graph *graph, fv_image_shape input, const fvi_zoo_stage *stages, int32_t count,
                       fv_value *output)
{
    fv_value x = FV_NO_VALUE;
    FV_TRY(fvi_zoo_add_input(graph, input, &x));
    for (int32_t i = 0; i < count; i++)
        FV_TRY(fvi_zoo_add_stage(graph, x, &stages[i], &x));
    FV_TRY(fvi_zoo_add_dense(graph, x, "fc1", 10, output));
    return fvi_zoo_add_loss(graph, *output);
}

/* 5,994 parameters. */
fv_status fvi_zoo_convnetjs_mnist(fv_graph *graph, fv_value *output)
{
    const fvi_zoo_stage stages[] = {
        { .number = 1, .filters = 8, .kernel = 5, .pad = 2, .pool = 2 },
        { .number = 2, .filters = 16, .kernel = 5, .pad = 2, .pool = 3 },
    };
    return build(graph, (fv_image_shape){ 1, 24, 24 }, stages, 2, output);
}

/* 22,466 parameters. */
fv_status fvi_zoo_convnetjs_cifar10(fv_graph *graph, fv_value *output)
{
    const fvi_zoo_stage stages[] = {
        { .number = 1, .filters = 16, .kernel = 5, .pad = 2, .pool = 2 },
        { .number = 2, .filters = 20, .kernel = 5, .pad = 2, .pool = 2 },
        { .number = 3, .filters = 20, .kernel = 5, .pad = 2, .pool = 2 },
    };
    return build(graph, (fv_image_shape){ 3, 32, 32 }, stages, 3, output);
}
