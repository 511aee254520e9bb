/* SPDX-License-Identifier: Apache-2.0
 *
 * table.c - all transforms: the only list.
 */
#include "data/augment/transform.h"

extern const fvi_transform fvi_transform_random_crop, fvi_transform_centre_crop, fvi_transform_shift,
    fvi_transform_horizontal_flip, fvi_transform_alternating_flip;

const fvi_transform *const fvi_transforms[] = {
    &fvi_transform_random_crop,     &fvi_transform_centre_crop,      &fvi_transform_shift,
    &fvi_transform_horizontal_flip, &fvi_transform_alternating_flip, NULL,
};
