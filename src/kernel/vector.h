/* SPDX-License-Identifier: Apache-2.0
 *
 * vector.h - the float32 vector kernels by name, for *.isa.c sources: fvi_<op>_f32_<isa>.
 */
#ifndef FVI_VECTOR_H
#define FVI_VECTOR_H

#include "base/simd.h"
#include "kernel/kernels.h"

fvi_activation_fn FVI_ISA_NAME(fvi_activation_f32);
fvi_activation_backward_fn FVI_ISA_NAME(fvi_activation_backward_f32);
fvi_prelu_fn FVI_ISA_NAME(fvi_prelu_f32);
fvi_prelu_backward_fn FVI_ISA_NAME(fvi_prelu_backward_f32);
fvi_add_fn FVI_ISA_NAME(fvi_add_f32);
fvi_divide_fn FVI_ISA_NAME(fvi_divide_f32);
fvi_subtract_fn FVI_ISA_NAME(fvi_subtract_f32);
fvi_multiply_fn FVI_ISA_NAME(fvi_multiply_f32);
fvi_multiply_add_fn FVI_ISA_NAME(fvi_multiply_add_f32);
fvi_scale_add_fn FVI_ISA_NAME(fvi_scale_add_f32);
fvi_blend_fn FVI_ISA_NAME(fvi_blend_f32);
fvi_softmax_fn FVI_ISA_NAME(fvi_softmax_f32);
fvi_max_pool_row_fn FVI_ISA_NAME(fvi_max_pool_row_f32);
fvi_average_pool_row_fn FVI_ISA_NAME(fvi_average_pool_row_f32);
fvi_max_pool_backward_fn FVI_ISA_NAME(fvi_max_pool_backward_f32);
/* Windows of one row over one channel: what the four around here hand on. */
fvi_max_pool_row_fn FVI_ISA_NAME(fvi_max_pool_line_f32);
fvi_average_pool_row_fn FVI_ISA_NAME(fvi_average_pool_line_f32);
fvi_max_pool_backward_fn FVI_ISA_NAME(fvi_max_pool_line_backward_f32);
fvi_average_pool_backward_fn FVI_ISA_NAME(fvi_average_pool_line_backward_f32);
fvi_average_pool_backward_fn FVI_ISA_NAME(fvi_average_pool_backward_f32);
fvi_dropout_fn FVI_ISA_NAME(fvi_dropout_f32);
fvi_dropout_channels_fn FVI_ISA_NAME(fvi_dropout_channels_f32);
fvi_channel_sum_fn FVI_ISA_NAME(fvi_channel_sum_f32);
fvi_channel_moments_fn FVI_ISA_NAME(fvi_channel_moments_f32);
fvi_channel_products_fn FVI_ISA_NAME(fvi_channel_products_f32);
fvi_channel_gated_products_fn FVI_ISA_NAME(fvi_channel_gated_products_f32);
fvi_channel_gated_backward_fn FVI_ISA_NAME(fvi_channel_gated_backward_f32);
fvi_channel_undo_fn FVI_ISA_NAME(fvi_channel_undo_f32);
fvi_channel_finish_fn FVI_ISA_NAME(fvi_channel_finish_f32);
fvi_channel_scale_fn FVI_ISA_NAME(fvi_channel_scale_f32);
fvi_channel_normalize_fn FVI_ISA_NAME(fvi_channel_normalize_f32);
fvi_channel_normalize_backward_fn FVI_ISA_NAME(fvi_channel_normalize_backward_f32);
fvi_local_across_fn FVI_ISA_NAME(fvi_local_across_f32);
fvi_local_across_backward_fn FVI_ISA_NAME(fvi_local_across_backward_f32);
fvi_local_within_fn FVI_ISA_NAME(fvi_local_within_f32);
fvi_local_terms_fn FVI_ISA_NAME(fvi_local_terms_f32);
fvi_local_within_backward_fn FVI_ISA_NAME(fvi_local_within_backward_f32);

/* Kernels that have no vector form, because they are in double or too short to matter: the reference's. */
fvi_softmax_backward_fn fvi_softmax_backward_reference_f32;
fvi_cross_entropy_fn fvi_cross_entropy_reference_f32;
fvi_cross_entropy_backward_fn fvi_cross_entropy_backward_reference_f32;
fvi_binary_cross_entropy_fn fvi_binary_cross_entropy_reference_f32;
fvi_binary_cross_entropy_backward_fn fvi_binary_cross_entropy_backward_reference_f32;
fvi_hinge_fn fvi_hinge_reference_f32;
fvi_hinge_backward_fn fvi_hinge_backward_reference_f32;
fvi_squared_difference_fn fvi_squared_difference_reference_f32;
fvi_difference_fn fvi_difference_reference_f32;

/* What max pooling falls back to where an index has two bytes. */
fvi_max_pool_row_fn fvi_max_pool_row_reference_f32;
fvi_max_pool_backward_fn fvi_max_pool_backward_reference_f32;

extern const fvi_kernels FVI_ISA_NAME(fvi_kernels_f32);

#endif
