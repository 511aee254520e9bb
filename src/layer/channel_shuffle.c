/* SPDX-License-Identifier: Apache-2.0
 *
 * channel_shuffle.c - channels of all groups in turn, so that grouped convolutions see each other's results (ShuffleNet, Zhang et al. 2018,
 * arXiv:1707.01083, section 3.1). Backward is the shuffle with channels/groups groups.
 */
#include "fovea/graph.h"
#include "layer/layers.h"
#include "layer/move.h"
#include "layer/split.h"

static const fvi_attribute attributes[] = {
    { .name = "groups",
      .type = FVI_ATTRIBUTE_INT,
      .offset = offsetof(fv_channel_shuffle_options, groups),
      .count = 1,
      .low = 1,
      .high = 16777216,
      .required = true,
      .help = "of neighbouring channels; divides their number" },
    { 0 },
};

static fv_status infer(fvi_infer *node)
{
    const int32_t groups = ((const fv_channel_shuffle_options *)node->options)->groups;
    if (node->in[0].c % groups != 0)
        return fvi_fail(node->context, FV_ERR_SHAPE, "channel_shuffle '%s': %d channels cannot be split into %d groups",
                        node->name, node->in[0].c, groups);
    node->out = node->in[0];
    return FV_OK;
}

typedef struct shuffle_pass {
    fv_dtype dtype;
    const fvi_view *from, *to;
    size_t groups, members;
} shuffle_pass;

/* Member j of group i goes to place i of the j-th set of one channel of each group. */
static void shuffle_rows(const void *argument, size_t first, size_t count)
{
    const shuffle_pass *pass = argument;
    const fvi_view *from = pass->from;
    const size_t size[2] = { pass->groups, pass->members };
    const ptrdiff_t from_step[2] = { (ptrdiff_t)pass->members, 1 }, to_step[2] = { 1, (ptrdiff_t)pass->groups };
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)from->h), h = (int32_t)(row % (size_t)from->h);
        for (int32_t w = 0; w < from->w; w++)
            fvi_move_plane(pass->dtype, size, fvi_view_at(from, pass->dtype, n, h, w), from_step,
                           fvi_view_at(pass->to, pass->dtype, n, h, w), to_step);
    }
}

static void shuffle(const fvi_call *call, const fvi_view *from, const fvi_view *to, int32_t groups)
{
    const shuffle_pass pass = {
        .dtype = call->dtype, .from = from, .to = to, .groups = (size_t)groups, .members = (size_t)(from->c / groups)
    };
    fvi_split_items(call->context, (size_t)call->n * (size_t)from->h, (size_t)from->w * (size_t)from->c, shuffle_rows,
                    &pass);
}

static fv_status forward(fvi_call *call)
{
    shuffle(call, &call->x[0], &call->y, ((const fv_channel_shuffle_options *)call->options)->groups);
    return FV_OK;
}

static fv_status backward(fvi_call *call)
{
    if (call->dx[0].data)
        shuffle(call, &call->dy, &call->dx[0],
                call->dy.c / ((const fv_channel_shuffle_options *)call->options)->groups);
    return FV_OK;
}

const fvi_layer fvi_layer_channel_shuffle = {
    .name = "channel_shuffle",
    .formula = "y[j*groups + i] = x[i*(c/groups) + j] for channels i below groups and j below c/groups",
    .options_size = sizeof(fv_channel_shuffle_options),
    .attributes = attributes,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .forward = forward,
    .backward = FVI_TRAINS(backward),
};
