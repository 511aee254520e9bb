/* SPDX-License-Identifier: Apache-2.0
 *
 * kernels.isa.c - the table of the float32 vector kernels of one instruction set.
 */
#include "base/parts.h"
#include "kernel/vector.h"

#define FVI_QUOTE(text) #text
#define FVI_QUOTE_EXPANDED(text) FVI_QUOTE(text)

const fvi_kernels FVI_ISA_NAME(fvi_kernels_f32) = {
    .dtype = FV_F32,
    .name = FVI_QUOTE_EXPANDED(FVI_ISA_SUFFIX),
    .activation = FVI_ISA_NAME(fvi_activation_f32),
    .activation_backward = FVI_TRAINS(FVI_ISA_NAME(fvi_activation_backward_f32)),
    .prelu = FVI_ISA_NAME(fvi_prelu_f32),
    .prelu_backward = FVI_TRAINS(FVI_ISA_NAME(fvi_prelu_backward_f32)),
    .add = FVI_ISA_NAME(fvi_add_f32),
    .divide = FVI_ISA_NAME(fvi_divide_f32),
    .subtract = FVI_ISA_NAME(fvi_subtract_f32),
    .multiply = FVI_ISA_NAME(fvi_multiply_f32),
    .multiply_add = FVI_ISA_NAME(fvi_multiply_add_f32),
    .scale_add = FVI_ISA_NAME(fvi_scale_add_f32),
    .blend = FVI_ISA_NAME(fvi_blend_f32),
    .softmax = FVI_ISA_NAME(fvi_softmax_f32),
    .softmax_backward = FVI_TRAINS(fvi_softmax_backward_reference_f32),
    .cross_entropy = FVI_TRAINS(fvi_cross_entropy_reference_f32),
    .cross_entropy_backward = FVI_TRAINS(fvi_cross_entropy_backward_reference_f32),
    .binary_cross_entropy = FVI_TRAINS(fvi_binary_cross_entropy_reference_f32),
    .binary_cross_entropy_backward = FVI_TRAINS(fvi_binary_cross_entropy_backward_reference_f32),
    .hinge = FVI_TRAINS(fvi_hinge_reference_f32),
    .hinge_backward = FVI_TRAINS(fvi_hinge_backward_reference_f32),
    .squared_difference = FVI_TRAINS(fvi_squared_difference_reference_f32),
    .difference = FVI_TRAINS(fvi_difference_reference_f32),
    .max_pool_row = FVI_ISA_NAME(fvi_max_pool_row_f32),
    .average_pool_row = FVI_ISA_NAME(fvi_average_pool_row_f32),
    .max_pool_backward = FVI_TRAINS(FVI_ISA_NAME(fvi_max_pool_backward_f32)),
    .average_pool_backward = FVI_TRAINS(FVI_ISA_NAME(fvi_average_pool_backward_f32)),
    .dropout = FVI_TRAINS(FVI_ISA_NAME(fvi_dropout_f32)),
    .dropout_channels = FVI_TRAINS(FVI_ISA_NAME(fvi_dropout_channels_f32)),
    .channel_sum = FVI_ISA_NAME(fvi_channel_sum_f32),
    .channel_moments = FVI_ISA_NAME(fvi_channel_moments_f32),
    .channel_products = FVI_TRAINS(FVI_ISA_NAME(fvi_channel_products_f32)),
    .channel_gated_products = FVI_TRAINS(FVI_ISA_NAME(fvi_channel_gated_products_f32)),
    .channel_gated_backward = FVI_TRAINS(FVI_ISA_NAME(fvi_channel_gated_backward_f32)),
    .channel_undo = FVI_TRAINS(FVI_ISA_NAME(fvi_channel_undo_f32)),
    .channel_finish = FVI_ISA_NAME(fvi_channel_finish_f32),
    .channel_scale = FVI_ISA_NAME(fvi_channel_scale_f32),
    .channel_normalize = FVI_ISA_NAME(fvi_channel_normalize_f32),
    .channel_normalize_backward = FVI_TRAINS(FVI_ISA_NAME(fvi_channel_normalize_backward_f32)),
    .local_across = FVI_ISA_NAME(fvi_local_across_f32),
    .local_across_backward = FVI_TRAINS(FVI_ISA_NAME(fvi_local_across_backward_f32)),
    .local_within = FVI_ISA_NAME(fvi_local_within_f32),
    .local_terms = FVI_TRAINS(FVI_ISA_NAME(fvi_local_terms_f32)),
    .local_within_backward = FVI_TRAINS(FVI_ISA_NAME(fvi_local_within_backward_f32)),
};
