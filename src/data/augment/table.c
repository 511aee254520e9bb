/* SPDX-License-Identifier: Apache-2.0
 *
 * table.c - all transforms: the only list.
 */
#include "data/augment/transform.h"

extern const fvi_transform fvi_transform_random_crop, fvi_transform_random_resized_crop, fvi_transform_resize,
    fvi_transform_centre_crop, fvi_transform_shift, fvi_transform_translate, fvi_transform_horizontal_flip,
    fvi_transform_vertical_flip, fvi_transform_alternating_flip, fvi_transform_rotate, fvi_transform_rotate_quarter,
    fvi_transform_shear, fvi_transform_affine, fvi_transform_elastic, fvi_transform_colour_jitter,
    fvi_transform_colour_drop, fvi_transform_lighting, fvi_transform_gaussian_noise, fvi_transform_gaussian_blur,
    fvi_transform_sobel, fvi_transform_cutout, fvi_transform_normalise, fvi_transform_standardise, fvi_transform_whiten,
    fvi_transform_mixup, fvi_transform_cutmix;

const fvi_transform *const fvi_transforms[] = {
    &fvi_transform_random_crop,
    &fvi_transform_random_resized_crop,
    &fvi_transform_resize,
    &fvi_transform_centre_crop,
    &fvi_transform_shift,
    &fvi_transform_translate,
    &fvi_transform_horizontal_flip,
    &fvi_transform_vertical_flip,
    &fvi_transform_alternating_flip,
    &fvi_transform_rotate,
    &fvi_transform_rotate_quarter,
    &fvi_transform_shear,
    &fvi_transform_affine,
    &fvi_transform_elastic,
    &fvi_transform_colour_jitter,
    &fvi_transform_colour_drop,
    &fvi_transform_lighting,
    &fvi_transform_gaussian_noise,
    &fvi_transform_gaussian_blur,
    &fvi_transform_sobel,
    &fvi_transform_cutout,
    &fvi_transform_normalise,
    &fvi_transform_standardise,
    &fvi_transform_whiten,
    &fvi_transform_mixup,
    &fvi_transform_cutmix,
    NULL,
};
