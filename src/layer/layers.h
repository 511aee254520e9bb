/* SPDX-License-Identifier: Apache-2.0
 *
 * layers.h - the descriptors, one per file, for layer_table.c.
 */
#ifndef FVI_LAYERS_H
#define FVI_LAYERS_H

#include "layer/layer.h"

extern const fvi_layer fvi_layer_input, fvi_layer_conv2d, fvi_layer_max_pool2d, fvi_layer_average_pool2d,
    fvi_layer_dense, fvi_layer_flatten, fvi_layer_identity, fvi_layer_relu, fvi_layer_leaky_relu, fvi_layer_elu,
    fvi_layer_sigmoid, fvi_layer_tanh, fvi_layer_scaled_tanh, fvi_layer_softmax, fvi_layer_softmax_cross_entropy,
    fvi_layer_euclidean_loss, fvi_layer_relu6, fvi_layer_prelu, fvi_layer_maxout, fvi_layer_gelu, fvi_layer_silu,
    fvi_layer_hard_swish, fvi_layer_hard_sigmoid, fvi_layer_softplus, fvi_layer_binary_cross_entropy,
    fvi_layer_hinge_loss, fvi_layer_add, fvi_layer_concat;
extern const fvi_layer fvi_layer_selu, fvi_layer_clip, fvi_layer_linear, fvi_layer_power, fvi_layer_exp, fvi_layer_log,
    fvi_layer_absolute, fvi_layer_subtract, fvi_layer_divide, fvi_layer_scale, fvi_layer_permute,
    fvi_layer_channel_shuffle, fvi_layer_expand, fvi_layer_reduce_mean, fvi_layer_resize, fvi_layer_group_norm,
    fvi_layer_layer_norm, fvi_layer_log_softmax;
extern const fvi_layer fvi_layer_conv2d_transpose, fvi_layer_subsample, fvi_layer_rbf, fvi_layer_map_loss;
extern const fvi_layer fvi_layer_global_average_pool, fvi_layer_global_max_pool, fvi_layer_adaptive_average_pool,
    fvi_layer_channel_max_pool, fvi_layer_channel_average_pool, fvi_layer_pad, fvi_layer_crop, fvi_layer_slice,
    fvi_layer_reshape, fvi_layer_upsample, fvi_layer_multiply;
extern const fvi_layer fvi_layer_batch_norm, fvi_layer_dropout, fvi_layer_local_response_norm;

#endif
