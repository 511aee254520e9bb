/* SPDX-License-Identifier: Apache-2.0
 *
 * batch_norm.h - the statistics of batch normalisation from sums over chunks of pixels, in double, along a fixed tree:
 * within a chunk as channel.h says, then the chunks of a group from the first to the last.
 *
 * A batch is cut into groups of images (ghost batches; usually one), a group into chunks of whole image rows. Cuts depend
 * on shapes alone. One source for float and double (suffix _f32, _f64); `real` below is that type.
 */
#ifndef FVI_BATCH_NORM_H
#define FVI_BATCH_NORM_H

#include <stdbool.h>
#include <stddef.h>

typedef struct fvi_norm_shape {
    size_t images, groups;          /* group g has images [images*g/groups, images*(g+1)/groups) */
    size_t rows, columns, channels; /* of an image */
    size_t chunk_rows, chunks;      /* rows of a chunk; the most chunks that a group has */
} fvi_norm_shape;

/* The chunk that a row belongs to, counted through all images, as group * chunks + k. */
size_t fvi_norm_chunk_of(const fvi_norm_shape *shape, size_t row);
/* Rows of chunk k of group g (0: there is no such chunk); *first is its first row, counted through all images. */
size_t fvi_norm_chunk(const fvi_norm_shape *shape, size_t group, size_t chunk, size_t *first);
/* Pixels of group g. */
size_t fvi_norm_pixels(const fvi_norm_shape *shape, size_t group);

/* What forward leaves for backward. real unless it says otherwise. */
typedef struct fvi_norm_saved {
    double *observed; /* [2][channels] mean, and variance by pixels - 1, over the groups weighted by their pixels */
    void *mean;       /* [groups][2][channels] rounded, and what rounding left */
    void *rstd;       /* [groups][channels] 1 / sqrt(variance + epsilon) */
} fvi_norm_saved;

/* sums [3][channels]: shift, sum, squares of one chunk of `pixels`. Before: sum holds sums of x. After: shift is their
 * mean, sum 0; what channel_moments() then adds up is small whatever the mean is, and corrects it (Chan, Golub, LeVeque
 * 1983, "Algorithms for computing the sample variance", the corrected two-pass algorithm and its pairwise form). */
typedef void fvi_norm_center_fn(size_t channels, size_t pixels, void *sums);
/* Channels [first, last) of: saved, and ab [groups][2][channels] for channel_normalize(), from sums
 * [groups][chunks][3][channels]. scale, shift: [channels] or NULL (1, 0). */
typedef void fvi_norm_statistics_fn(const fvi_norm_shape *shape, size_t first, size_t last, double epsilon,
                                    const void *sums, const void *scale, const void *shift, const fvi_norm_saved *saved,
                                    void *ab);
/* ab once more, the same bits, from what is saved: all channels. */
typedef void fvi_norm_factors_fn(const fvi_norm_shape *shape, const void *scale, const void *shift,
                                 const fvi_norm_saved *saved, void *ab);
/* The same saved values from running statistics [channels]: what inference normalises by. One group. */
typedef void fvi_norm_running_fn(size_t channels, double epsilon, const void *mean, const void *variance,
                                 const fvi_norm_saved *saved);
/* ab [2][channels] with x * a + b = (x - mean) / sqrt(variance + epsilon) * scale + shift. */
typedef void fvi_norm_fold_fn(size_t channels, double epsilon, const void *mean, const void *variance,
                              const void *scale, const void *shift, void *ab);
/* Channels [first, last) of: dscale, dshift (or NULL), and abk [groups][3][channels] for channel_normalize_backward(), from sums
 * [groups][chunks][2][channels]: dy, and dy * (x - mean). Ioffe & Szegedy 2015 (arXiv:1502.03167), section 3, with the paths
 * through mean and variance collapsed: dx = scale*rstd * (dy - mean(dy) - xhat * mean(dy*xhat)). constant: the statistics are
 * not the batch's, so the last two terms are missing. */
typedef void fvi_norm_backward_fn(const fvi_norm_shape *shape, size_t first, size_t last, bool constant,
                                  const void *sums, const void *scale, const fvi_norm_saved *saved, void *abk,
                                  void *dscale, void *dshift);

fvi_norm_center_fn fvi_norm_center_f32, fvi_norm_center_f64;
fvi_norm_statistics_fn fvi_norm_statistics_f32, fvi_norm_statistics_f64;
fvi_norm_factors_fn fvi_norm_factors_f32, fvi_norm_factors_f64;
fvi_norm_running_fn fvi_norm_running_f32, fvi_norm_running_f64;
fvi_norm_fold_fn fvi_norm_fold_f32, fvi_norm_fold_f64;
fvi_norm_backward_fn fvi_norm_backward_f32, fvi_norm_backward_f64;

#endif
