/* SPDX-License-Identifier: Apache-2.0
 *
 * random_crop.c - where in a larger image the input is taken from: the centre, or a random place.
 */
#include "data/augment/augment.h"

/* Half of it, towards zero: what is cut or added before; the odd pixel lies behind. */
static int32_t half(int32_t difference)
{
    return difference >= 0 ? difference / 2 : -(-difference / 2);
}

fvi_placement fvi_placement_centred(fv_image_shape source, fv_image_shape input)
{
    return (fvi_placement){ .row = half(source.h - input.h), .column = half(source.w - input.w) };
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
