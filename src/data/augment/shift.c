/* SPDX-License-Identifier: Apache-2.0
 *
 * shift.c - random translation by whole pixels.
 */
#include "data/augment/transform.h"

typedef struct shift_options {
    double p;
    int32_t pixels, fill;
} shift_options;

static const fvi_transform_option options[] = {
    { .name = "pixels",
      .type = FVI_OPTION_INT,
      .offset = offsetof(shift_options, pixels),
      .count = 1,
      .high = 65535,
      .fallback = "2",
      .help = "at most so many, along each axis" },
    { .name = "fill",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(shift_options, fill),
      .fallback = "zero",
      .words = fvi_fill_words,
      .help = "what comes in from outside" },
    { 0 },
};

static void shift_move(fvi_transform_call *call, fvi_move *move)
{
    const shift_options *given = call->options;
    const uint32_t places = 2 * (uint32_t)given->pixels + 1;
    const int32_t rows = (int32_t)fvi_random_below(&call->random, places) - given->pixels;
    const int32_t columns = (int32_t)fvi_random_below(&call->random, places) - given->pixels;
    fvi_move_shift(move, rows, columns);
}

static fvi_fill shift_fill(const void *given)
{
    return (fvi_fill)((const shift_options *)given)->fill;
}

const fvi_transform fvi_transform_shift = {
    .name = "shift",
    .formula = "y[i,j] = x[i - r, j - s], r and s uniform in -pixels ... pixels",
    .options_size = sizeof(shift_options),
    .options = options,
    .p = "1",
    .old = true,
    .first_draw = FVI_AUGMENT_SHIFT_AT,
    .move = shift_move,
    .fill = shift_fill,
};
