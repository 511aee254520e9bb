/* SPDX-License-Identifier: Apache-2.0
 *
 * placement.c - the three moves of fv_augment (loader.h), on a placement that begins centred: what random_crop, shift and
 * horizontal_flip of a list draw, they draw too.
 */
#include "data/augment/augment.h"

void fvi_augment_shift(fvi_placement *placement, int32_t limit, fvi_random random)
{
    random.position = FVI_AUGMENT_SHIFT_AT;
    const uint32_t places = 2 * (uint32_t)limit + 1;
    placement->row -= (int32_t)fvi_random_below(&random, places) - limit;
    placement->column -= (int32_t)fvi_random_below(&random, places) - limit;
}

void fvi_augment_random_crop(fvi_placement *placement, fv_image_shape source, fv_image_shape input, fvi_random random)
{
    random.position = FVI_AUGMENT_CROP_AT;
    const uint32_t rows = source.h > input.h ? (uint32_t)(source.h - input.h) + 1 : 1;
    const uint32_t columns = source.w > input.w ? (uint32_t)(source.w - input.w) + 1 : 1;
    const uint32_t row = fvi_random_below(&random, rows);
    const uint32_t column = fvi_random_below(&random, columns);
    if (rows > 1)
        placement->row = (int32_t)row;
    if (columns > 1)
        placement->column = (int32_t)column;
}

void fvi_augment_flip(fvi_placement *placement, fvi_random random)
{
    random.position = FVI_AUGMENT_FLIP_AT;
    placement->mirrored = fvi_random_below(&random, 2) == 1;
}
