/* SPDX-License-Identifier: Apache-2.0
 *
 * random_crop.c - a box of the image, or of the image and a border around it, at a random place.
 */
#include "data/augment/transform.h"

typedef struct crop_options {
    double p;
    int32_t padding, size[2], fill;
} crop_options;

static const fvi_transform_option options[] = {
    { .name = "padding",
      .type = FVI_OPTION_INT,
      .offset = offsetof(crop_options, padding),
      .count = 1,
      .high = 65535,
      .fallback = "0",
      .help = "pixels of border added on each side first" },
    { .name = "size",
      .type = FVI_OPTION_INT,
      .offset = offsetof(crop_options, size),
      .count = 2,
      .high = 65535,
      .fallback = "0",
      .help = "rows and columns of the result; 0: the network's input" },
    { .name = "fill",
      .type = FVI_OPTION_CHOICE,
      .offset = offsetof(crop_options, fill),
      .fallback = "zero",
      .words = fvi_fill_words,
      .help = "what the border holds" },
    { 0 },
};

/* Half of it, towards zero: what is cut or added before; the odd pixel lies behind. */
static int32_t half(int32_t difference)
{
    return difference >= 0 ? difference / 2 : -(-difference / 2);
}

fvi_placement fvi_placement_centred(fv_image_shape source, fv_image_shape input)
{
    return (fvi_placement){ .row = half(source.h - input.h), .column = half(source.w - input.w) };
}

int32_t fvi_size_or(int32_t given, int32_t input, int32_t own)
{
    return given > 0 ? given : input > 0 ? input : own;
}

/* The first row, or column, of the box: anywhere in the padded image, or centred where the box is not smaller. */
static int32_t first_of(fvi_random *random, int32_t padding, int32_t length, int32_t wanted)
{
    const int64_t room = (int64_t)length + 2 * (int64_t)padding - wanted;
    const uint32_t drawn = fvi_random_below(random, room > 0 ? (uint32_t)room + 1 : 1);
    return room > 0 ? (int32_t)drawn - padding : half(length - wanted);
}

static void crop_move(fvi_transform_call *call, fvi_move *move)
{
    const crop_options *given = call->options;
    const int32_t h = fvi_size_or(given->size[0], call->key->rows, move->h);
    const int32_t w = fvi_size_or(given->size[1], call->key->columns, move->w);
    const int32_t row = first_of(&call->random, given->padding, move->h, h);
    const int32_t column = first_of(&call->random, given->padding, move->w, w);
    fvi_move_crop(move, h, w, row, column);
}

static fv_status crop_shape(fvi_message *message, const void *given, const fv_augment_key *key, fv_image_shape *shape)
{
    const crop_options *wanted = given;
    (void)message;
    shape->h = fvi_size_or(wanted->size[0], key->rows, shape->h);
    shape->w = fvi_size_or(wanted->size[1], key->columns, shape->w);
    return FV_OK;
}

static fvi_fill crop_fill(const void *given)
{
    return (fvi_fill)((const crop_options *)given)->fill;
}

const fvi_transform fvi_transform_random_crop = {
    .name = "random_crop",
    .also = "crop",
    .formula = "y[i,j] = padded[i + r, j + s], r and s uniform over all places where the box fits",
    .source = "Krizhevsky, Sutskever & Hinton 2012; with padding: He et al. 2015, section 4.2",
    .options_size = sizeof(crop_options),
    .options = options,
    .sets_size = true,
    .crops = true,
    .old = true,
    .first_draw = FVI_AUGMENT_CROP_AT,
    .shape = crop_shape,
    .move = crop_move,
    .fill = crop_fill,
};
