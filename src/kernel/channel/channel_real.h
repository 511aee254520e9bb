/* SPDX-License-Identifier: Apache-2.0
 *
 * channel_real.h - channel.real.c's functions in float32 and float64; channel.c chooses by dtype.
 */
#ifndef FVI_CHANNEL_REAL_H
#define FVI_CHANNEL_REAL_H

#include "kernel/channel/channel.h"

#define FVI_CHANNEL_DECLARE(type)                                                                                      \
    void fvi_channel_add_##type(const fvi_view *y, int32_t n, const void *bias);                                       \
    void fvi_channel_sum_##type(const fvi_view *x, int32_t n, double *sum);                                            \
    void fvi_channel_total_##type(int32_t parts, int32_t channels, const double *part, void *result);                  \
    void fvi_subsample_forward_##type(const fvi_subsample_shape *shape, const fvi_view *x, int32_t n,                  \
                                      const void *weight, const void *bias, const fvi_view *y, void *sum);             \
    void fvi_subsample_backward_data_##type(const fvi_subsample_shape *shape, const fvi_view *dy, int32_t n,           \
                                            const void *weight, const fvi_view *dx);                                   \
    void fvi_subsample_backward_weights_##type(const fvi_view *dy, int32_t n, const void *sum, double *dweight,        \
                                               double *dbias);

FVI_CHANNEL_DECLARE(f32)
FVI_CHANNEL_DECLARE(f64)

#endif
