/* SPDX-License-Identifier: Apache-2.0
 *
 * add.c - one function per layer type: fv_graph_add() with the type's options checked by the compiler.
 */
#include "fovea/graph.h"

fv_status fv_graph_add_input(fv_graph *graph, const fv_input_options *options, fv_value *out)
{
    return fv_graph_add(graph, "input", NULL, 0, options, out);
}

fv_status fv_graph_add_conv2d(fv_graph *graph, fv_value x, const fv_conv2d_options *options, fv_value *out)
{
    return fv_graph_add(graph, "conv2d", &x, 1, options, out);
}

fv_status fv_graph_add_max_pool2d(fv_graph *graph, fv_value x, const fv_pool2d_options *options, fv_value *out)
{
    return fv_graph_add(graph, "max_pool2d", &x, 1, options, out);
}

fv_status fv_graph_add_average_pool2d(fv_graph *graph, fv_value x, const fv_pool2d_options *options, fv_value *out)
{
    return fv_graph_add(graph, "average_pool2d", &x, 1, options, out);
}

fv_status fv_graph_add_global_average_pool(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "global_average_pool", &x, 1, NULL, out);
}

fv_status fv_graph_add_global_max_pool(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "global_max_pool", &x, 1, NULL, out);
}

fv_status fv_graph_add_adaptive_average_pool(fv_graph *graph, fv_value x,
                                             const fv_adaptive_average_pool_options *options, fv_value *out)
{
    return fv_graph_add(graph, "adaptive_average_pool", &x, 1, options, out);
}

fv_status fv_graph_add_channel_max_pool(fv_graph *graph, fv_value x, const fv_channel_pool_options *options,
                                        fv_value *out)
{
    return fv_graph_add(graph, "channel_max_pool", &x, 1, options, out);
}

fv_status fv_graph_add_channel_average_pool(fv_graph *graph, fv_value x, const fv_channel_pool_options *options,
                                            fv_value *out)
{
    return fv_graph_add(graph, "channel_average_pool", &x, 1, options, out);
}

fv_status fv_graph_add_pad(fv_graph *graph, fv_value x, const fv_pad_options *options, fv_value *out)
{
    return fv_graph_add(graph, "pad", &x, 1, options, out);
}

fv_status fv_graph_add_crop(fv_graph *graph, fv_value x, const fv_crop_options *options, fv_value *out)
{
    return fv_graph_add(graph, "crop", &x, 1, options, out);
}

fv_status fv_graph_add_slice(fv_graph *graph, fv_value x, const fv_slice_options *options, fv_value *out)
{
    return fv_graph_add(graph, "slice", &x, 1, options, out);
}

fv_status fv_graph_add_permute(fv_graph *graph, fv_value x, const fv_permute_options *options, fv_value *out)
{
    return fv_graph_add(graph, "permute", &x, 1, options, out);
}

fv_status fv_graph_add_channel_shuffle(fv_graph *graph, fv_value x, const fv_channel_shuffle_options *options,
                                       fv_value *out)
{
    return fv_graph_add(graph, "channel_shuffle", &x, 1, options, out);
}

fv_status fv_graph_add_expand(fv_graph *graph, fv_value x, const fv_expand_options *options, fv_value *out)
{
    return fv_graph_add(graph, "expand", &x, 1, options, out);
}

fv_status fv_graph_add_reduce_mean(fv_graph *graph, fv_value x, const fv_reduce_mean_options *options, fv_value *out)
{
    return fv_graph_add(graph, "reduce_mean", &x, 1, options, out);
}

fv_status fv_graph_add_reshape(fv_graph *graph, fv_value x, const fv_reshape_options *options, fv_value *out)
{
    return fv_graph_add(graph, "reshape", &x, 1, options, out);
}

fv_status fv_graph_add_upsample(fv_graph *graph, fv_value x, const fv_upsample_options *options, fv_value *out)
{
    return fv_graph_add(graph, "upsample", &x, 1, options, out);
}

fv_status fv_graph_add_multiply(fv_graph *graph, fv_value x, fv_value gate, fv_value *out)
{
    return fv_graph_add(graph, "multiply", (fv_value[]){ x, gate }, 2, NULL, out);
}

fv_status fv_graph_add_resize(fv_graph *graph, fv_value x, const fv_resize_options *options, fv_value *out)
{
    return fv_graph_add(graph, "resize", &x, 1, options, out);
}

fv_status fv_graph_add_subtract(fv_graph *graph, fv_value x, fv_value subtrahend, fv_value *out)
{
    return fv_graph_add(graph, "subtract", (fv_value[]){ x, subtrahend }, 2, NULL, out);
}

fv_status fv_graph_add_divide(fv_graph *graph, fv_value x, fv_value divisor, fv_value *out)
{
    return fv_graph_add(graph, "divide", (fv_value[]){ x, divisor }, 2, NULL, out);
}

fv_status fv_graph_add_scale(fv_graph *graph, fv_value x, const fv_scale_options *options, fv_value *out)
{
    return fv_graph_add(graph, "scale", &x, 1, options, out);
}

fv_status fv_graph_add_dense(fv_graph *graph, fv_value x, const fv_dense_options *options, fv_value *out)
{
    return fv_graph_add(graph, "dense", &x, 1, options, out);
}

fv_status fv_graph_add_batch_norm(fv_graph *graph, fv_value x, const fv_batch_norm_options *options, fv_value *out)
{
    return fv_graph_add(graph, "batch_norm", &x, 1, options, out);
}

fv_status fv_graph_add_conv2d_batch_norm(fv_graph *graph, fv_value x, const fv_conv2d_options *conv2d,
                                         const fv_batch_norm_options *norm, fv_value *out)
{
    fv_conv2d_options unbiased = *conv2d;
    fv_value convolved = FV_NO_VALUE;
    unbiased.no_bias = true;
    *out = FV_NO_VALUE;
    const fv_status status = fv_graph_add_conv2d(graph, x, &unbiased, &convolved);
    return status == FV_OK ? fv_graph_add_batch_norm(graph, convolved, norm, out) : status;
}

fv_status fv_graph_add_group_norm(fv_graph *graph, fv_value x, const fv_group_norm_options *options, fv_value *out)
{
    return fv_graph_add(graph, "group_norm", &x, 1, options, out);
}

fv_status fv_graph_add_layer_norm(fv_graph *graph, fv_value x, const fv_layer_norm_options *options, fv_value *out)
{
    return fv_graph_add(graph, "layer_norm", &x, 1, options, out);
}

fv_status fv_graph_add_dropout(fv_graph *graph, fv_value x, const fv_dropout_options *options, fv_value *out)
{
    return fv_graph_add(graph, "dropout", &x, 1, options, out);
}

fv_status fv_graph_add_local_response_norm(fv_graph *graph, fv_value x, const fv_local_response_norm_options *options,
                                           fv_value *out)
{
    return fv_graph_add(graph, "local_response_norm", &x, 1, options, out);
}

fv_status fv_graph_add_flatten(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "flatten", &x, 1, NULL, out);
}

fv_status fv_graph_add_relu(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "relu", &x, 1, NULL, out);
}

fv_status fv_graph_add_leaky_relu(fv_graph *graph, fv_value x, const fv_leaky_relu_options *options, fv_value *out)
{
    return fv_graph_add(graph, "leaky_relu", &x, 1, options, out);
}

fv_status fv_graph_add_elu(fv_graph *graph, fv_value x, const fv_elu_options *options, fv_value *out)
{
    return fv_graph_add(graph, "elu", &x, 1, options, out);
}

fv_status fv_graph_add_relu6(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "relu6", &x, 1, NULL, out);
}

fv_status fv_graph_add_prelu(fv_graph *graph, fv_value x, const fv_prelu_options *options, fv_value *out)
{
    return fv_graph_add(graph, "prelu", &x, 1, options, out);
}

fv_status fv_graph_add_gelu(fv_graph *graph, fv_value x, const fv_gelu_options *options, fv_value *out)
{
    return fv_graph_add(graph, "gelu", &x, 1, options, out);
}

fv_status fv_graph_add_silu(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "silu", &x, 1, NULL, out);
}

fv_status fv_graph_add_hard_swish(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "hard_swish", &x, 1, NULL, out);
}

fv_status fv_graph_add_softplus(fv_graph *graph, fv_value x, const fv_softplus_options *options, fv_value *out)
{
    return fv_graph_add(graph, "softplus", &x, 1, options, out);
}

fv_status fv_graph_add_maxout(fv_graph *graph, fv_value x, const fv_maxout_options *options, fv_value *out)
{
    return fv_graph_add(graph, "maxout", &x, 1, options, out);
}

fv_status fv_graph_add_sigmoid(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "sigmoid", &x, 1, NULL, out);
}

fv_status fv_graph_add_hard_sigmoid(fv_graph *graph, fv_value x, const fv_hard_sigmoid_options *options, fv_value *out)
{
    return fv_graph_add(graph, "hard_sigmoid", &x, 1, options, out);
}

fv_status fv_graph_add_selu(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "selu", &x, 1, NULL, out);
}

fv_status fv_graph_add_clip(fv_graph *graph, fv_value x, const fv_clip_options *options, fv_value *out)
{
    return fv_graph_add(graph, "clip", &x, 1, options, out);
}

fv_status fv_graph_add_linear(fv_graph *graph, fv_value x, const fv_linear_options *options, fv_value *out)
{
    return fv_graph_add(graph, "linear", &x, 1, options, out);
}

fv_status fv_graph_add_power(fv_graph *graph, fv_value x, const fv_power_options *options, fv_value *out)
{
    return fv_graph_add(graph, "power", &x, 1, options, out);
}

fv_status fv_graph_add_exp(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "exp", &x, 1, NULL, out);
}

fv_status fv_graph_add_log(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "log", &x, 1, NULL, out);
}

fv_status fv_graph_add_absolute(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "absolute", &x, 1, NULL, out);
}

fv_status fv_graph_add_tanh(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "tanh", &x, 1, NULL, out);
}

fv_status fv_graph_add_scaled_tanh(fv_graph *graph, fv_value x, const fv_scaled_tanh_options *options, fv_value *out)
{
    return fv_graph_add(graph, "scaled_tanh", &x, 1, options, out);
}

fv_status fv_graph_add_softmax(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "softmax", &x, 1, NULL, out);
}

fv_status fv_graph_add_log_softmax(fv_graph *graph, fv_value x, fv_value *out)
{
    return fv_graph_add(graph, "log_softmax", &x, 1, NULL, out);
}

fv_status fv_graph_add_add(fv_graph *graph, const fv_value *x, int32_t count, fv_value *out)
{
    return fv_graph_add(graph, "add", x, count, NULL, out);
}

fv_status fv_graph_add_concat(fv_graph *graph, const fv_value *x, int32_t count, fv_value *out)
{
    return fv_graph_add(graph, "concat", x, count, NULL, out);
}

fv_status fv_graph_add_softmax_cross_entropy(fv_graph *graph, fv_value logits,
                                             const fv_softmax_cross_entropy_options *options, fv_value *out)
{
    return fv_graph_add(graph, "softmax_cross_entropy", &logits, 1, options, out);
}

fv_status fv_graph_add_binary_cross_entropy(fv_graph *graph, fv_value logits,
                                            const fv_binary_cross_entropy_options *options, fv_value *out)
{
    return fv_graph_add(graph, "binary_cross_entropy", &logits, 1, options, out);
}

fv_status fv_graph_add_hinge_loss(fv_graph *graph, fv_value scores, const fv_hinge_loss_options *options, fv_value *out)
{
    return fv_graph_add(graph, "hinge_loss", &scores, 1, options, out);
}

fv_status fv_graph_add_euclidean_loss(fv_graph *graph, fv_value x, const fv_euclidean_loss_options *options,
                                      fv_value *out)
{
    return fv_graph_add(graph, "euclidean_loss", &x, 1, options, out);
}

fv_status fv_graph_add_conv2d_transpose(fv_graph *graph, fv_value x, const fv_conv2d_transpose_options *options,
                                        fv_value *out)
{
    return fv_graph_add(graph, "conv2d_transpose", &x, 1, options, out);
}

fv_status fv_graph_add_subsample(fv_graph *graph, fv_value x, const fv_subsample_options *options, fv_value *out)
{
    return fv_graph_add(graph, "subsample", &x, 1, options, out);
}

fv_status fv_graph_add_rbf(fv_graph *graph, fv_value x, const fv_rbf_options *options, fv_value *out)
{
    return fv_graph_add(graph, "rbf", &x, 1, options, out);
}

fv_status fv_graph_add_map_loss(fv_graph *graph, fv_value scores, const fv_map_loss_options *options, fv_value *out)
{
    return fv_graph_add(graph, "map_loss", &scores, 1, options, out);
}
