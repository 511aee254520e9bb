/* SPDX-License-Identifier: Apache-2.0
 *
 * vertical_flip.c - mirroring upside down.
 */
#include <string.h>

#include "data/augment/transform.h"

typedef struct flip_options {
    double p;
} flip_options;

static fv_status flip_apply(fvi_transform_call *call)
{
    const fvi_picture *in = &call->room->image;
    const size_t row = (size_t)in->w * (size_t)in->c;
    fvi_picture *out = NULL;
    FV_TRY(fvi_transform_begin(call, (fv_image_shape){ in->c, in->h, in->w }, &out));
    for (int32_t y = 0; y < in->h; y++)
        memcpy(out->pixels + (size_t)y * row, in->pixels + (size_t)(in->h - 1 - y) * row, row * sizeof(float));
    fvi_transform_done(call);
    return FV_OK;
}

static uint32_t flip_meaning(const void *options)
{
    (void)options;
    return FVI_UPSIDE_DOWN;
}

const fvi_transform fvi_transform_vertical_flip = {
    .name = "vertical_flip",
    .formula = "y[i,j] = x[h-1-i, j]",
    .options_size = sizeof(flip_options),
    .p = "0.5",
    .meaning = flip_meaning,
    .apply = flip_apply,
};
