/* SPDX-License-Identifier: Apache-2.0
 *
 * onnx_write_table.c - the function that writes each layer type as operators of ONNX: a line for every type of layer_table.c.
 */
#include "interchange/onnx/onnx_write.h"

#ifdef FVI_HAVE_ONNX

#include <string.h>

#define FVI_A_LOSS "a loss, and what computes it is not needed for answers"

static const fvi_onnx_layer layers[] = {
    { "input", fvi_onnx_input_layer, NULL },
    { "conv2d", fvi_onnx_conv2d, NULL },
    { "conv2d_transpose", fvi_onnx_conv2d_transpose, NULL },
    { "subsample", fvi_onnx_subsample, NULL },
    { "max_pool2d", fvi_onnx_max_pool, NULL },
    { "average_pool2d", fvi_onnx_average_pool, NULL },
    { "global_average_pool", fvi_onnx_global_average_pool, NULL },
    { "global_max_pool", fvi_onnx_global_max_pool, NULL },
    { "adaptive_average_pool", fvi_onnx_adaptive_average_pool, NULL },
    { "channel_max_pool", fvi_onnx_channel_max_pool, NULL },
    { "channel_average_pool", fvi_onnx_channel_average_pool, NULL },
    { "pad", fvi_onnx_pad, NULL },
    { "crop", fvi_onnx_crop, NULL },
    { "slice", fvi_onnx_slice, NULL },
    { "reshape", fvi_onnx_reshape_layer, NULL },
    { "upsample", fvi_onnx_upsample, NULL },
    { "multiply", fvi_onnx_multiply, NULL },
    { "dense", fvi_onnx_dense, NULL },
    { "batch_norm", fvi_onnx_batch_norm, NULL },
    { "dropout", fvi_onnx_dropout, NULL },
    { "local_response_norm", fvi_onnx_local_response_norm, NULL },
    { "flatten", fvi_onnx_flatten, NULL },
    { "identity", fvi_onnx_identity, NULL },
    { "relu", fvi_onnx_relu, NULL },
    { "relu6", fvi_onnx_relu6, NULL },
    { "leaky_relu", fvi_onnx_leaky_relu, NULL },
    { "prelu", fvi_onnx_prelu, NULL },
    { "elu", fvi_onnx_elu, NULL },
    { "gelu", fvi_onnx_gelu, NULL },
    { "silu", fvi_onnx_silu, NULL },
    { "hard_swish", fvi_onnx_hard_swish, NULL },
    { "softplus", fvi_onnx_softplus, NULL },
    { "maxout", fvi_onnx_maxout, NULL },
    { "sigmoid", fvi_onnx_sigmoid, NULL },
    { "hard_sigmoid", fvi_onnx_hard_sigmoid, NULL },
    { "tanh", fvi_onnx_tanh, NULL },
    { "scaled_tanh", fvi_onnx_scaled_tanh, NULL },
    { "selu", fvi_onnx_selu, NULL },
    { "clip", fvi_onnx_clip, NULL },
    { "linear", fvi_onnx_linear, NULL },
    { "power", fvi_onnx_power, NULL },
    { "exp", fvi_onnx_exp, NULL },
    { "log", fvi_onnx_log, NULL },
    { "absolute", fvi_onnx_absolute, NULL },
    { "softmax", fvi_onnx_softmax, NULL },
    { "permute", fvi_onnx_permute, NULL },
    { "channel_shuffle", fvi_onnx_channel_shuffle, NULL },
    { "expand", fvi_onnx_expand, NULL },
    { "reduce_mean", fvi_onnx_reduce_mean, NULL },
    { "resize", fvi_onnx_resize, NULL },
    { "subtract", fvi_onnx_subtract, NULL },
    { "divide", fvi_onnx_divide, NULL },
    { "scale", fvi_onnx_scale, NULL },
    { "group_norm", fvi_onnx_group_norm, NULL },
    { "layer_norm", fvi_onnx_layer_norm, NULL },
    { "log_softmax", fvi_onnx_log_softmax, NULL },
    { "softmax_cross_entropy", NULL, FVI_A_LOSS },
    { "binary_cross_entropy", NULL, FVI_A_LOSS },
    { "hinge_loss", NULL, FVI_A_LOSS },
    { "euclidean_loss", NULL, FVI_A_LOSS },
    { "rbf", fvi_onnx_rbf, NULL },
    { "map_loss", NULL, FVI_A_LOSS },
    { "add", fvi_onnx_add, NULL },
    { "concat", fvi_onnx_concat, NULL },
};

const fvi_onnx_layer *fvi_onnx_layer_find(const char *type)
{
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++)
        if (strcmp(layers[i].type, type) == 0)
            return &layers[i];
    return NULL;
}

#endif
