/* SPDX-License-Identifier: Apache-2.0
 *
 * shift.c - random translation.
 */
#include "data/augment/augment.h"

void fvi_augment_shift(fvi_placement *placement, int32_t limit, fvi_random random)
{
    random.position = FVI_AUGMENT_SHIFT_AT;
    const uint32_t places = 2 * (uint32_t)limit + 1;
    placement->row -= (int32_t)fvi_random_below(&random, places) - limit;
    placement->column -= (int32_t)fvi_random_below(&random, places) - limit;
}
