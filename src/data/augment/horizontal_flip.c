/* SPDX-License-Identifier: Apache-2.0
 *
 * horizontal_flip.c - mirroring left to right.
 */
#include "data/augment/transform.h"

typedef struct flip_options {
    double p;
} flip_options;

/* One draw for the usual half, as the first version of this transform had it. */
static void flip_move(fvi_transform_call *call, fvi_move *move)
{
    const double p = ((const flip_options *)call->options)->p;
    const bool mirrored = p == 0.5 ? fvi_random_below(&call->random, 2) == 1 : fvi_random_uniform(&call->random) < p;
    if (mirrored)
        fvi_move_mirror(move);
}

static uint32_t flip_meaning(const void *options)
{
    (void)options;
    return FVI_MIRRORS;
}

const fvi_transform fvi_transform_horizontal_flip = {
    .name = "horizontal_flip",
    .also = "flip",
    .formula = "y[i,j] = x[i, w-1-j]",
    .source = "Krizhevsky, Sutskever & Hinton 2012",
    .options_size = sizeof(flip_options),
    .p = "0.5",
    .draws_p = true,
    .old = true,
    .first_draw = FVI_AUGMENT_FLIP_AT,
    .meaning = flip_meaning,
    .move = flip_move,
};
