/* SPDX-License-Identifier: Apache-2.0
 *
 * augment.h - where pixels of an input come from when images are only moved by whole pixels: the loader reads them once, as
 * bytes. The transforms that do only this are told in transform.h.
 */
#ifndef FVI_AUGMENT_H
#define FVI_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "fovea/tensor.h"

/* Output pixel (y, x) is source pixel (y + row, x' + column), x' = x or, mirrored, width-1-x; zero outside the source. */
typedef struct fvi_placement {
    int32_t row, column;
    bool mirrored;
} fvi_placement;

/* First draw of the first such transform of a list: what it draws does not change with the rest of the list. */
enum { FVI_AUGMENT_SHIFT_AT = 0, FVI_AUGMENT_CROP_AT = 64, FVI_AUGMENT_FLIP_AT = 128 };

/* Centred: half of what is over (or missing), rounded down, lies before. */
fvi_placement fvi_placement_centred(fv_image_shape source, fv_image_shape input);
/* Moves the image by -limit ... limit pixels along each axis, uniformly. */
void fvi_augment_shift(fvi_placement *placement, int32_t limit, fvi_random random);
/* Where the source is larger than the input, any place inside it, uniformly; the other axis stays centred. */
void fvi_augment_random_crop(fvi_placement *placement, fv_image_shape source, fv_image_shape input, fvi_random random);
/* Mirrors with probability 1/2. */
void fvi_augment_flip(fvi_placement *placement, fvi_random random);

#endif
