/* SPDX-License-Identifier: Apache-2.0
 *
 * corrupt.h - the contract of a corruption, and what they share. Strengths are those that the paper's authors published: one
 * table for photographs of 224 pixels, whose lengths shrink or grow with the image, and one for images of 32, for sides below 64.
 */
#ifndef FVI_CORRUPT_H
#define FVI_CORRUPT_H

#include "data/augment/transform.h"
#include "fovea/corrupt.h"

typedef struct fvi_corruption {
    const char *name, *text;
    /* level: severity - 1. call->room->image becomes the result. */
    fv_status (*apply)(fvi_transform_call *call, int32_t level);
} fvi_corruption;

extern const fvi_corruption fvi_corruptions[]; /* ends with a name of NULL */

/* 1 for a side below 64: the second row of a table; else 0. */
int fvi_corrupt_small(const fvi_picture *image);
/* How long a length of the table's images is in this one: side / 224, or 1 for small ones. */
double fvi_corrupt_unit(const fvi_picture *image);
/* Averages of the image along a line from each pixel on: `radius` pixels of length, weights a Gaussian of `sigma`, in `turns`. */
fv_status fvi_blur_motion(fvi_transform_call *call, double radius, double sigma, double turns);
/* values [h][w] of 0 to 1: noise of all sizes from the side down, each half as long and 1/decay as strong as the one before. */
void fvi_fractal(fvi_random *random, double decay, int32_t h, int32_t w, float *values);

fv_status fvi_corrupt_gaussian_noise(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_shot_noise(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_impulse_noise(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_defocus_blur(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_glass_blur(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_motion_blur(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_zoom_blur(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_snow(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_frost(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_fog(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_brightness(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_contrast(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_elastic(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_pixelate(fvi_transform_call *call, int32_t level);
fv_status fvi_corrupt_jpeg(fvi_transform_call *call, int32_t level);

#endif
