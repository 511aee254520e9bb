/* SPDX-License-Identifier: Apache-2.0
 *
 * kernels.real.c - the table of the reference kernels, in float32 and in float64.
 */
#include "base/parts.h"
#include "kernel/reference.h"

const fvi_kernels FVI_REAL_NAME(fvi_kernels_reference) = {
#ifdef FVI_REAL_DOUBLE
    .dtype = FV_F64,
#else
    .dtype = FV_F32,
#endif
    .name = "reference",
    .activation = FVI_REAL_NAME(fvi_activation_reference),
    .activation_backward = FVI_TRAINS(FVI_REAL_NAME(fvi_activation_backward_reference)),
    .prelu = FVI_REAL_NAME(fvi_prelu_reference),
    .prelu_backward = FVI_TRAINS(FVI_REAL_NAME(fvi_prelu_backward_reference)),
    .add = FVI_REAL_NAME(fvi_add_reference),
    .divide = FVI_REAL_NAME(fvi_divide_reference),
    .subtract = FVI_REAL_NAME(fvi_subtract_reference),
    .multiply = FVI_REAL_NAME(fvi_multiply_reference),
    .multiply_add = FVI_REAL_NAME(fvi_multiply_add_reference),
    .scale_add = FVI_REAL_NAME(fvi_scale_add_reference),
    .blend = FVI_REAL_NAME(fvi_blend_reference),
    .softmax = FVI_REAL_NAME(fvi_softmax_reference),
    .softmax_backward = FVI_TRAINS(FVI_REAL_NAME(fvi_softmax_backward_reference)),
    .cross_entropy = FVI_TRAINS(FVI_REAL_NAME(fvi_cross_entropy_reference)),
    .cross_entropy_backward = FVI_TRAINS(FVI_REAL_NAME(fvi_cross_entropy_backward_reference)),
    .binary_cross_entropy = FVI_TRAINS(FVI_REAL_NAME(fvi_binary_cross_entropy_reference)),
    .binary_cross_entropy_backward = FVI_TRAINS(FVI_REAL_NAME(fvi_binary_cross_entropy_backward_reference)),
    .hinge = FVI_TRAINS(FVI_REAL_NAME(fvi_hinge_reference)),
    .hinge_backward = FVI_TRAINS(FVI_REAL_NAME(fvi_hinge_backward_reference)),
    .squared_difference = FVI_TRAINS(FVI_REAL_NAME(fvi_squared_difference_reference)),
    .difference = FVI_TRAINS(FVI_REAL_NAME(fvi_difference_reference)),
    .max_pool_row = FVI_REAL_NAME(fvi_max_pool_row_reference),
    .average_pool_row = FVI_REAL_NAME(fvi_average_pool_row_reference),
    .max_pool_backward = FVI_TRAINS(FVI_REAL_NAME(fvi_max_pool_backward_reference)),
    .average_pool_backward = FVI_TRAINS(FVI_REAL_NAME(fvi_average_pool_backward_reference)),
    .dropout = FVI_TRAINS(FVI_REAL_NAME(fvi_dropout_reference)),
    .dropout_channels = FVI_TRAINS(FVI_REAL_NAME(fvi_dropout_channels_reference)),
    .channel_sum = FVI_REAL_NAME(fvi_channel_sum_reference),
    .channel_moments = FVI_REAL_NAME(fvi_channel_moments_reference),
    .channel_products = FVI_TRAINS(FVI_REAL_NAME(fvi_channel_products_reference)),
    .channel_gated_products = FVI_TRAINS(FVI_REAL_NAME(fvi_channel_gated_products_reference)),
    .channel_gated_backward = FVI_TRAINS(FVI_REAL_NAME(fvi_channel_gated_backward_reference)),
    .channel_undo = FVI_TRAINS(FVI_REAL_NAME(fvi_channel_undo_reference)),
    .channel_finish = FVI_REAL_NAME(fvi_channel_finish_reference),
    .channel_scale = FVI_REAL_NAME(fvi_channel_scale_reference),
    .channel_normalize = FVI_REAL_NAME(fvi_channel_normalize_reference),
    .channel_normalize_backward = FVI_TRAINS(FVI_REAL_NAME(fvi_channel_normalize_backward_reference)),
    .local_across = FVI_REAL_NAME(fvi_local_across_reference),
    .local_across_backward = FVI_TRAINS(FVI_REAL_NAME(fvi_local_across_backward_reference)),
    .local_within = FVI_REAL_NAME(fvi_local_within_reference),
    .local_terms = FVI_TRAINS(FVI_REAL_NAME(fvi_local_terms_reference)),
    .local_within_backward = FVI_TRAINS(FVI_REAL_NAME(fvi_local_within_backward_reference)),
};
