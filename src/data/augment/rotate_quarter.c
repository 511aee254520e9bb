/* SPDX-License-Identifier: Apache-2.0
 *
 * rotate_quarter.c - by 90, 180 or 270 degrees: pixels change places, none is computed.
 * An image that is not square keeps its shape: it is turned by 0 or 180 degrees only.
 */
#include <string.h>

#include "data/augment/transform.h"

typedef struct quarter_options {
    double p;
    int32_t turns;
} quarter_options;

enum { ANY, ONE, TWO, THREE };
static const char *const words[] = { "any", "90", "180", "270", NULL };

static const fvi_transform_option options[] = {
    { .name = "turns",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(quarter_options, turns),
      .fallback = "any",
      .words = words,
      .help = "counter-clockwise by so many degrees; any: 0, 90, 180 or 270, each as likely" },
    { 0 },
};

/* How many quarter turns. */
static uint32_t draw_turns(fvi_transform_call *call, bool is_square)
{
    const quarter_options *given = call->options;
    if (given->turns == ANY)
        return is_square ? fvi_random_below(&call->random, 4) : 2 * fvi_random_below(&call->random, 2);
    return is_square ? (uint32_t)given->turns : given->turns == TWO ? 2u : 0u;
}

/* Counter-clockwise: the pixel at (y, x) of the result after 1 turn was at (x, w-1-y). */
static fv_status quarter_apply(fvi_transform_call *call)
{
    const fvi_picture *in = &call->room->image;
    const uint32_t turns = draw_turns(call, in->h == in->w);
    const size_t channels = (size_t)in->c;
    fvi_picture *out = NULL;
    if (turns == 0)
        return FV_OK;
    FV_TRY(fvi_transform_begin(call, (fv_image_shape){ in->c, in->h, in->w }, &out));
    float *to = out->pixels;
    for (int32_t y = 0; y < in->h; y++)
        for (int32_t x = 0; x < in->w; x++, to += channels) {
            const int32_t row = turns == 1 ? x : turns == 2 ? in->h - 1 - y : in->h - 1 - x;
            const int32_t column = turns == 1 ? in->w - 1 - y : turns == 2 ? in->w - 1 - x : y;
            memcpy(to, in->pixels + ((size_t)row * (size_t)in->w + (size_t)column) * channels, channels * sizeof *to);
        }
    fvi_transform_done(call);
    return FV_OK;
}

static uint32_t quarter_meaning(const void *given)
{
    const int32_t turns = ((const quarter_options *)given)->turns;
    return (turns != TWO ? FVI_TURNS_QUARTER : 0) | (turns == ANY || turns == TWO ? FVI_TURNS_HALF : 0);
}

const fvi_transform fvi_transform_rotate_quarter = {
    .name = "rotate_quarter",
    .formula = "y[i,j] = x[j, w-1-i] once, twice or three times",
    .options_size = sizeof(quarter_options),
    .options = options,
    .p = "1",
    .meaning = quarter_meaning,
    .apply = quarter_apply,
};
