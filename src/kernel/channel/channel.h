/* SPDX-License-Identifier: Apache-2.0
 *
 * channel.h - work per channel on one image, channels last: adding a bias, sums over pixels, and trained subsampling.
 * No threads, no allocation; callers split the work by images (src/layer/split.h). Sums over pixels are in double and in
 * the order of the pixels, so they are the same bits however images are shared out.
 */
#ifndef FVI_CHANNEL_H
#define FVI_CHANNEL_H

#include "fovea/tensor.h"
#include "tensor/view.h"

/* y[n,h,w,c] += bias[c] for one image n of a view of the dtype. */
void fvi_channel_add(fv_dtype dtype, const fvi_view *y, int32_t n, const void *bias);
/* sum[c] = sum over h,w of x[n,h,w,c]. */
void fvi_channel_sum(fv_dtype dtype, const fvi_view *x, int32_t n, double *sum);
/* result[c] = part[0][c] + part[1][c] + ..., parts in order, rounded once to the dtype. */
void fvi_channel_total(fv_dtype dtype, int32_t parts, int32_t channels, const double *part, void *result);

/* Windows of a subsampling: rows and columns; all lie inside the image. */
typedef struct fvi_subsample_shape {
    int32_t kernel[2], stride[2];
    double factor; /* of each cell: 1 for the sum, 1/cells for the average */
} fvi_subsample_shape;

/* sum[i,j,c] (dense; NULL: not kept) = factor * sum of the window's cells; y = weight[c] * sum + bias[c], for image n. */
void fvi_subsample_forward(fv_dtype dtype, const fvi_subsample_shape *shape, const fvi_view *x, int32_t n,
                           const void *weight, const void *bias, const fvi_view *y, void *sum);
/* dx of image n, overwritten: each cell of a window gets factor * weight[c] * dy, added up in the order of the outputs. */
void fvi_subsample_backward_data(fv_dtype dtype, const fvi_subsample_shape *shape, const fvi_view *dy, int32_t n,
                                 const void *weight, const fvi_view *dx);
/* dweight[c] = sum over i,j of dy * sum, dbias[c] = sum over i,j of dy, for image n. */
void fvi_subsample_backward_weights(fv_dtype dtype, const fvi_view *dy, int32_t n, const void *sum, double *dweight,
                                    double *dbias);

#endif
