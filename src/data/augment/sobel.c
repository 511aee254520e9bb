/* SPDX-License-Identifier: Apache-2.0
 *
 * sobel.c - edges: the size of the gradient, or one of its parts.
 */
#include <math.h>

#include "data/augment/transform.h"

typedef struct sobel_options {
    double p;
    int32_t part;
} sobel_options;

enum { MAGNITUDE, HORIZONTAL, VERTICAL };
static const char *const words[] = { "magnitude", "horizontal", "vertical", NULL };

static const fvi_transform_option options[] = {
    { .name = "part",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(sobel_options, part),
      .fallback = "magnitude",
      .words = words,
      .help = "its length, or its part along a row or a column about 0.5" },
    { 0 },
};

static float at(const fvi_picture *image, int64_t y, int64_t x, int32_t c)
{
    const size_t row = (size_t)fvi_fill_index(y, image->h, FVI_FILL_EDGE);
    const size_t column = (size_t)fvi_fill_index(x, image->w, FVI_FILL_EDGE);
    return image->pixels[(row * (size_t)image->w + column) * (size_t)image->c + (size_t)c];
}

static float edge(const fvi_picture *image, int32_t y, int32_t x, int32_t c, int32_t part)
{
    const int64_t i = y, j = x;
    const float right = at(image, i - 1, j + 1, c) + 2.0f * at(image, i, j + 1, c) + at(image, i + 1, j + 1, c);
    const float left = at(image, i - 1, j - 1, c) + 2.0f * at(image, i, j - 1, c) + at(image, i + 1, j - 1, c);
    const float below = at(image, i + 1, j - 1, c) + 2.0f * at(image, i + 1, j, c) + at(image, i + 1, j + 1, c);
    const float above = at(image, i - 1, j - 1, c) + 2.0f * at(image, i - 1, j, c) + at(image, i - 1, j + 1, c);
    const float across = (right - left) * 0.25f, down = (below - above) * 0.25f; /* each of -1 to 1 */
    if (part == MAGNITUDE)
        return fvi_clip(sqrtf(across * across + down * down));
    return 0.5f + 0.5f * (part == HORIZONTAL ? across : down);
}

static fv_status sobel_apply(fvi_transform_call *call)
{
    const fvi_picture *in = &call->room->image;
    const int32_t part = ((const sobel_options *)call->options)->part;
    fvi_picture *out = NULL;
    FV_TRY(fvi_transform_begin(call, (fv_image_shape){ in->c, in->h, in->w }, &out));
    float *to = out->pixels;
    for (int32_t y = 0; y < in->h; y++)
        for (int32_t x = 0; x < in->w; x++)
            for (int32_t c = 0; c < in->c; c++)
                *to++ = edge(in, y, x, c, part);
    fvi_transform_done(call);
    return FV_OK;
}

const fvi_transform fvi_transform_sobel = {
    .name = "sobel",
    .formula =
        "y = min(1, sqrt(a^2 + b^2)), a = [-1 0 1; -2 0 2; -1 0 1] . x / 4, b its transpose; or (1 + a)/2, (1 + b)/2",
    .source = "Sobel & Feldman 1968",
    .options_size = sizeof(sobel_options),
    .options = options,
    .p = "1",
    .fixed = true,
    .needs_unit = true,
    .apply = sobel_apply,
};
