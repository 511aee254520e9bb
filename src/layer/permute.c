/* SPDX-License-Identifier: Apache-2.0
 *
 * permute.c - the axes of an image in another order. Backward is the inverse permutation.
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/move.h"

static const fvi_attribute attributes[] = {
    { .name = "order",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_permute_options, order),
      .count = 3,
      .low = 0,
      .high = 2,
      .required = true,
      .help = "axis i of the output is axis order[i] of the input: 0 channels, 1 rows, 2 columns; each once" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    const int32_t *order = ((const fv_permute_options *)node->options)->order;
    const int32_t size[3] = { node->in[0].c, node->in[0].h, node->in[0].w };
    if (order[0] == order[1] || order[0] == order[2] || order[1] == order[2])
        return fvi_fail(node->context, FV_ERR_ARGUMENT,
                        "permute '%s': order %d, %d, %d must name each of the axes 0, 1 and 2 once", node->name,
                        order[0], order[1], order[2]);
    node->out = (fv_image_shape){ size[order[0]], size[order[1]], size[order[2]] };
    node->reach.whole = order[0] != 0 || order[1] != 1;
    return FV_OK;
}

/* outer = inner with its axes in another order: element (i, j, k) of the first is where its axes order[0], ... have these indices. */
static fvi_walk permuted(const fvi_view *inner, const int32_t order[3])
{
    const ptrdiff_t steps[3] = { 1, inner->row_stride, inner->pixel_stride };
    return (fvi_walk){ .data = inner->data,
                       .image = inner->image_stride,
                       .channel = steps[order[0]],
                       .row = steps[order[1]],
                       .column = steps[order[2]] };
}

static fv_status forward(fvi_call *call)
{
    const fvi_walk from = permuted(&call->x[0], ((const fv_permute_options *)call->options)->order);
    const fvi_walk to = fvi_walk_of(&call->y);
    fvi_move(call, (fv_image_shape){ call->y.c, call->y.h, call->y.w }, &from, &to);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    const int32_t *order = ((const fv_permute_options *)call->options)->order;
    const fvi_view *dx = &call->dx[0];
    int32_t inverse[3] = { 0 };
    for (int32_t i = 0; i < 3; i++)
        inverse[order[i]] = i;
    const fvi_walk from = permuted(&call->dy, inverse);
    const fvi_walk to = fvi_walk_of(dx);
    if (dx->data)
        fvi_move(call, (fv_image_shape){ dx->c, dx->h, dx->w }, &from, &to);
    return FV_OK;
}

const fvi_layer fvi_layer_permute = {
    .name = "permute",
    .onnx_op = "Transpose",
    .formula = "y[i] = x[j], where index order[a] of j is index a of i",
    .options_size = sizeof(fv_permute_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
