/* SPDX-License-Identifier: Apache-2.0
 *
 * channel.c - work per channel: the functions for a dtype.
 */
#include "kernel/channel/channel_real.h"

void fvi_channel_add(fv_dtype dtype, const fvi_view *y, int32_t n, const void *bias)
{
    (dtype == FV_F64 ? fvi_channel_add_f64 : fvi_channel_add_f32)(y, n, bias);
}

void fvi_channel_sum(fv_dtype dtype, const fvi_view *x, int32_t n, double *sum)
{
    (dtype == FV_F64 ? fvi_channel_sum_f64 : fvi_channel_sum_f32)(x, n, sum);
}

void fvi_channel_total(fv_dtype dtype, int32_t parts, int32_t channels, const double *part, void *result)
{
    (dtype == FV_F64 ? fvi_channel_total_f64 : fvi_channel_total_f32)(parts, channels, part, result);
}

void fvi_subsample_forward(fv_dtype dtype, const fvi_subsample_shape *shape, const fvi_view *x, int32_t n,
                           const void *weight, const void *bias, const fvi_view *y, void *sum)
{
    (dtype == FV_F64 ? fvi_subsample_forward_f64 : fvi_subsample_forward_f32)(shape, x, n, weight, bias, y, sum);
}

void fvi_subsample_backward_data(fv_dtype dtype, const fvi_subsample_shape *shape, const fvi_view *dy, int32_t n,
                                 const void *weight, const fvi_view *dx)
{
    (dtype == FV_F64 ? fvi_subsample_backward_data_f64 : fvi_subsample_backward_data_f32)(shape, dy, n, weight, dx);
}

void fvi_subsample_backward_weights(fv_dtype dtype, const fvi_view *dy, int32_t n, const void *sum, double *dweight,
                                    double *dbias)
{
    (dtype == FV_F64 ? fvi_subsample_backward_weights_f64 : fvi_subsample_backward_weights_f32)(dy, n, sum, dweight,
                                                                                                dbias);
}
