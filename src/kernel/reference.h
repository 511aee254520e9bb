/* SPDX-License-Identifier: Apache-2.0
 *
 * reference.h - the reference kernels by name, for *.real.c sources: fvi_<op>_reference_f32 and _f64.
 */
#ifndef FVI_REFERENCE_H
#define FVI_REFERENCE_H

#include "base/real.h"
#include "kernel/kernels.h"

fvi_activation_fn FVI_REAL_NAME(fvi_activation_reference);
fvi_activation_backward_fn FVI_REAL_NAME(fvi_activation_backward_reference);
fvi_add_fn FVI_REAL_NAME(fvi_add_reference);
fvi_multiply_fn FVI_REAL_NAME(fvi_multiply_reference);
fvi_multiply_add_fn FVI_REAL_NAME(fvi_multiply_add_reference);
fvi_scale_add_fn FVI_REAL_NAME(fvi_scale_add_reference);
fvi_blend_fn FVI_REAL_NAME(fvi_blend_reference);
fvi_softmax_fn FVI_REAL_NAME(fvi_softmax_reference);
fvi_softmax_backward_fn FVI_REAL_NAME(fvi_softmax_backward_reference);
fvi_cross_entropy_fn FVI_REAL_NAME(fvi_cross_entropy_reference);
fvi_cross_entropy_backward_fn FVI_REAL_NAME(fvi_cross_entropy_backward_reference);
fvi_binary_cross_entropy_fn FVI_REAL_NAME(fvi_binary_cross_entropy_reference);
fvi_binary_cross_entropy_backward_fn FVI_REAL_NAME(fvi_binary_cross_entropy_backward_reference);
fvi_hinge_fn FVI_REAL_NAME(fvi_hinge_reference);
fvi_hinge_backward_fn FVI_REAL_NAME(fvi_hinge_backward_reference);
fvi_squared_difference_fn FVI_REAL_NAME(fvi_squared_difference_reference);
fvi_difference_fn FVI_REAL_NAME(fvi_difference_reference);
fvi_max_pool_row_fn FVI_REAL_NAME(fvi_max_pool_row_reference);
fvi_average_pool_row_fn FVI_REAL_NAME(fvi_average_pool_row_reference);
fvi_max_pool_backward_fn FVI_REAL_NAME(fvi_max_pool_backward_reference);
fvi_average_pool_backward_fn FVI_REAL_NAME(fvi_average_pool_backward_reference);

extern const fvi_kernels FVI_REAL_NAME(fvi_kernels_reference);

#endif
