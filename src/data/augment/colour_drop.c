/* SPDX-License-Identifier: Apache-2.0
 *
 * colour_drop.c - a picture without its colours: grey in every channel.
 */
#include "data/augment/transform.h"

typedef struct drop_options {
    double p;
} drop_options;

static fv_status drop_apply(fvi_transform_call *call)
{
    fvi_picture *image = &call->room->image;
    const size_t count = (size_t)image->h * (size_t)image->w;
    for (size_t i = 0; image->c == 3 && i < count; i++) {
        float *pixel = image->pixels + 3 * i;
        pixel[0] = pixel[1] = pixel[2] = fvi_luma_of(pixel);
    }
    return FV_OK;
}

const fvi_transform fvi_transform_colour_drop = {
    .name = "colour_drop",
    .also = "color_drop",
    .formula = "y[c] = 0.299 R + 0.587 G + 0.114 B; grey images stay",
    .source = "Chen et al. 2020 (arXiv:2002.05709), appendix A",
    .options_size = sizeof(drop_options),
    .p = "0.2",
    .fixed = true,
    .apply = drop_apply,
};
