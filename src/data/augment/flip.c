/* SPDX-License-Identifier: Apache-2.0
 *
 * flip.c - mirroring left to right.
 */
#include "data/augment/augment.h"

void fvi_augment_flip(fvi_placement *placement, fvi_random random)
{
    random.position = FVI_AUGMENT_FLIP_AT;
    placement->mirrored = fvi_random_below(&random, 2) == 1;
}
