/* SPDX-License-Identifier: Apache-2.0
 *
 * c_table.c - which function writes which layer type as C. A new layer type needs a line here; tests/interchange/c_source_test.c walks
 * the table of layers and compares each with the library.
 */
#include <string.h>

#include "interchange/c/c_fixed.h"
#include "interchange/c/c_internal.h"

static const fvi_c_layer layers[] = {
    /* type, float, fixed point, fuses, in place, view */
    { "input", NULL, NULL, false, false, false },
    { "conv2d", fvi_c_conv2d, fvi_c_fixed_conv2d, true, false, false },
    { "conv2d_transpose", fvi_c_conv2d_transpose, fvi_c_fixed_conv2d_transpose, true, false, false },
    { "subsample", fvi_c_subsample, fvi_c_fixed_subsample, true, false, false },
    { "max_pool2d", fvi_c_max_pool, fvi_c_max_pool, false, false, false },
    { "average_pool2d", fvi_c_average_pool, fvi_c_average_pool, false, false, false },
    { "global_average_pool", fvi_c_average_pool, fvi_c_average_pool, false, false, false },
    { "global_max_pool", fvi_c_max_pool, fvi_c_max_pool, false, false, false },
    { "adaptive_average_pool", fvi_c_adaptive_pool, fvi_c_adaptive_pool, false, false, false },
    { "channel_max_pool", fvi_c_channel_pool, fvi_c_channel_pool, false, false, false },
    { "channel_average_pool", fvi_c_channel_pool, fvi_c_channel_pool, false, false, false },
    { "pad", fvi_c_pad, fvi_c_pad, false, false, false },
    { "crop", fvi_c_crop, fvi_c_crop, false, false, false },
    { "slice", fvi_c_slice, fvi_c_slice, false, false, true },
    { "reshape", NULL, NULL, false, false, true },
    { "upsample", fvi_c_upsample, fvi_c_fixed_upsample, false, false, false },
    { "multiply", fvi_c_combine, fvi_c_fixed_multiply, true, true, false },
    { "dense", fvi_c_dense, fvi_c_fixed_dense, true, false, false },
    { "batch_norm", fvi_c_batch_norm, fvi_c_fixed_batch_norm, true, true, false },
    { "dropout", fvi_c_dropout, fvi_c_fixed_dropout, false, true, false },
    { "local_response_norm", fvi_c_local_norm, NULL, false, false, false },
    { "flatten", NULL, NULL, false, false, true },
    { "identity", NULL, NULL, false, false, true },
    { "relu", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "relu6", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "leaky_relu", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "prelu", fvi_c_prelu, fvi_c_fixed_prelu, false, true, false },
    { "elu", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "gelu", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "silu", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "hard_swish", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "softplus", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "maxout", fvi_c_channel_pool, fvi_c_channel_pool, false, false, false },
    { "sigmoid", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "hard_sigmoid", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "tanh", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "scaled_tanh", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "selu", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "clip", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "linear", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "power", fvi_c_activation, NULL, false, true, false },
    { "exp", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "log", fvi_c_activation, NULL, false, true, false },
    { "absolute", fvi_c_activation, fvi_c_fixed_activation, false, true, false },
    { "softmax", fvi_c_softmax, fvi_c_fixed_softmax, false, false, false },
    { "rbf", fvi_c_rbf, fvi_c_fixed_rbf, false, false, false },
    { "add", fvi_c_combine, fvi_c_fixed_add, true, true, false },
    { "subtract", fvi_c_combine, fvi_c_fixed_add, true, true, false },
    { "divide", fvi_c_combine, NULL, true, true, false },
    { "scale", fvi_c_scale_layer, fvi_c_fixed_scale, false, true, false },
    { "permute", fvi_c_permute, fvi_c_permute, false, false, false },
    { "channel_shuffle", fvi_c_channel_shuffle, fvi_c_channel_shuffle, false, false, false },
    { "expand", fvi_c_expand_layer, fvi_c_expand_layer, false, false, false },
    { "reduce_mean", fvi_c_reduce_mean, fvi_c_reduce_mean, false, false, false },
    { "resize", fvi_c_resize, fvi_c_resize, false, false, false },
    { "group_norm", fvi_c_group_norm, NULL, false, false, false },
    { "layer_norm", fvi_c_layer_norm, NULL, false, false, false },
    { "log_softmax", fvi_c_log_softmax, fvi_c_fixed_softmax, false, false, false },
    { "concat", fvi_c_concat, fvi_c_fixed_concat, false, false, false },
};

const fvi_c_layer *fvi_c_layer_of(const fvi_layer *layer)
{
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        if (strcmp(layers[i].type, layer->name) == 0)
            return &layers[i];
    return NULL;
}

/* Parts of rows and columns, and steps other than 1, are copied. */
bool fvi_c_is_view(const fvi_node *node)
{
    const fvi_c_layer *layer = fvi_c_layer_of(node->layer);
    if (strcmp(layer->type, "slice") != 0)
        return layer->is_view;
    const fv_slice_options *o = node->options;
    const bool whole = node->in[0].h == node->out.h && node->in[0].w == node->out.w;
    return whole && (o->step == 0 || o->step == 1) && o->rows[2] >= 0 && o->columns[2] >= 0;
}

fv_status fvi_c_check_layers(const fvi_c_program *program)
{
    for (int32_t i = 0; i < program->node_count; i++) {
        const fvi_node *node = &program->nodes[i];
        const fvi_c_layer *layer = fvi_c_layer_of(node->layer);
        if (layer == NULL)
            return fvi_fail(program->context, FV_ERR_UNSUPPORTED, "%s '%s': C source has no form of this layer",
                            node->layer->name, node->name);
        if (fvi_c_fixed(program) && !fvi_c_is_view(node) && !node->layer->is_input && layer->write_fixed == NULL)
            return fvi_fail(program->context, FV_ERR_UNSUPPORTED,
                            "%s '%s': this layer has no form in fixed point; export with float or int8 weights",
                            node->layer->name, node->name);
    }
    return FV_OK;
}

int64_t fvi_c_view_at(const fvi_node *node)
{
    if (strcmp(node->layer->name, "slice") != 0)
        return 0;
    return (int64_t)((const fv_slice_options *)node->options)->first * node->in[0].h * node->in[0].w;
}
