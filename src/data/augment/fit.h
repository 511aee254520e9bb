/* SPDX-License-Identifier: Apache-2.0
 *
 * fit.h - for transforms that learn from data: the images before them, and the principal components of their values.
 */
#ifndef FVI_FIT_H
#define FVI_FIT_H

#include "data/augment/transform.h"
#include "data/image/resample.h"

struct fvi_fit_source {
    const fv_augmentation *augmentation;
    int32_t place; /* of the transform that learns: images have passed those before it */
    const fv_dataset *data;
    fv_augment_key key;
    const fv_preprocess *preprocess; /* NULL: images as they are */
    fvi_resampler resampler;
    fv_reader *reader;
    fvi_augment_room room;
};

fv_status fvi_fit_open(fvi_fit_source *source, const fv_augmentation *augmentation, int32_t place,
                       const fv_dataset *data, const fv_augment_key *key);
void fvi_fit_close(fvi_fit_source *source);
/* Image `index`, until the next call. */
fv_status fvi_fit_image(fvi_fit_source *source, int64_t index, const fvi_picture **image);

typedef struct fvi_covariance {
    int32_t n;
    int64_t count;
    double *matrix;  /* [n][n], all of its memory; destroyed by the eigenvectors */
    double *mean;    /* [n] */
    double *values;  /* [n]: eigenvalues, the largest first */
    double *vectors; /* [n][n]: row i belongs to values[i] */
} fvi_covariance;

/* Mean and covariance (divided by the count), of the values of `samples` images spread evenly over the data, or of the colours of their
 * pixels; and its eigenvectors. At most `most` values. Nothing to release on failure. */
fv_status fvi_covariance_fit(fvi_covariance *sums, fvi_fit_source *source, bool by_pixel, int32_t samples,
                             int32_t most);
void fvi_covariance_release(fvi_covariance *sums, fv_context *context);

#endif
