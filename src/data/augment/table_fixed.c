/* SPDX-License-Identifier: Apache-2.0
 *
 * table_fixed.c - the transforms of an inference-only build (cmake/minimal.cmake), instead of table.c: those that do not draw, which
 * is what the preprocessing of a model may consist of.
 */
#include "data/augment/transform.h"

extern const fvi_transform fvi_transform_resize, fvi_transform_centre_crop, fvi_transform_colour_drop,
    fvi_transform_sobel, fvi_transform_normalise, fvi_transform_standardise, fvi_transform_whiten;

const fvi_transform *const fvi_transforms[] = {
    &fvi_transform_resize,    &fvi_transform_centre_crop, &fvi_transform_colour_drop, &fvi_transform_sobel,
    &fvi_transform_normalise, &fvi_transform_standardise, &fvi_transform_whiten,      NULL,
};
