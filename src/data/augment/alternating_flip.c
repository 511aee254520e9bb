/* SPDX-License-Identifier: Apache-2.0
 *
 * alternating_flip.c - mirroring every other epoch: half of the images, drawn once, in even epochs, the other half in odd ones, so that two
 * epochs show each image both ways.
 */
#include "data/augment/transform.h"

typedef struct flip_options {
    double p;
} flip_options;

static void flip_move(fvi_transform_call *call, fvi_move *move)
{
    fvi_random of_sample =
        fvi_random_start(call->key->seed, FVI_PURPOSE_AUGMENT, (uint32_t)call->key->sample); /* epoch 0 */
    of_sample.position = call->random.position;
    if ((fvi_random_below(&of_sample, 2) + call->key->epoch) % 2 == 1)
        fvi_move_mirror(move);
}

static uint32_t flip_meaning(const void *options)
{
    (void)options;
    return FVI_MIRRORS;
}

const fvi_transform fvi_transform_alternating_flip = {
    .name = "alternating_flip",
    .formula = "y[i,j] = x[i, w-1-j] where epoch + b is odd, b in {0, 1} drawn once for each image",
    .source = "Jordan 2024 (arXiv:2404.00498), section 3.6",
    .options_size = sizeof(flip_options),
    .meaning = flip_meaning,
    .move = flip_move,
};
