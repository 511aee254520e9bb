/* SPDX-License-Identifier: Apache-2.0
 *
 * kernels.isa.c - the table of the float32 vector kernels of one instruction set.
 */
#include "kernel/vector.h"

#define FVI_QUOTE(text) #text
#define FVI_QUOTE_EXPANDED(text) FVI_QUOTE(text)

const fvi_kernels FVI_ISA_NAME(fvi_kernels_f32) = {
    .dtype = FV_F32,
    .name = FVI_QUOTE_EXPANDED(FVI_ISA_SUFFIX),
    .activation = {
        [FVI_RELU] = FVI_ISA_NAME(fvi_relu_f32),
        [FVI_LEAKY_RELU] = FVI_ISA_NAME(fvi_leaky_relu_f32),
        [FVI_ELU] = FVI_ISA_NAME(fvi_elu_f32),
        [FVI_SIGMOID] = FVI_ISA_NAME(fvi_sigmoid_f32),
        [FVI_TANH] = FVI_ISA_NAME(fvi_tanh_f32),
        [FVI_SCALED_TANH] = FVI_ISA_NAME(fvi_scaled_tanh_f32),
    },
    .activation_backward = {
        [FVI_RELU] = FVI_ISA_NAME(fvi_relu_backward_f32),
        [FVI_LEAKY_RELU] = FVI_ISA_NAME(fvi_leaky_relu_backward_f32),
        [FVI_ELU] = FVI_ISA_NAME(fvi_elu_backward_f32),
        [FVI_SIGMOID] = FVI_ISA_NAME(fvi_sigmoid_backward_f32),
        [FVI_TANH] = FVI_ISA_NAME(fvi_tanh_backward_f32),
        [FVI_SCALED_TANH] = FVI_ISA_NAME(fvi_scaled_tanh_backward_f32),
    },
    .add = FVI_ISA_NAME(fvi_add_f32),
    .multiply = FVI_ISA_NAME(fvi_multiply_f32),
    .multiply_add = FVI_ISA_NAME(fvi_multiply_add_f32),
    .scale_add = FVI_ISA_NAME(fvi_scale_add_f32),
    .blend = FVI_ISA_NAME(fvi_blend_f32),
    .softmax = FVI_ISA_NAME(fvi_softmax_f32),
    .softmax_backward = fvi_softmax_backward_reference_f32,
    .cross_entropy_backward = fvi_cross_entropy_backward_reference_f32,
    .squared_difference = fvi_squared_difference_reference_f32,
    .difference = fvi_difference_reference_f32,
    .max_pool_row = FVI_ISA_NAME(fvi_max_pool_row_f32),
    .average_pool_row = FVI_ISA_NAME(fvi_average_pool_row_f32),
    .max_pool_backward = FVI_ISA_NAME(fvi_max_pool_backward_f32),
    .average_pool_backward = FVI_ISA_NAME(fvi_average_pool_backward_f32),
};
