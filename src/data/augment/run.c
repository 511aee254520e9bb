/* SPDX-License-Identifier: Apache-2.0
 *
 * run.c - what transforms share while they run: room, draws, whole-pixel moves.
 */
#include <string.h>

#include "base/checked.h"
#include "data/augment/transform.h"

void fvi_augment_room_release(fvi_augment_room *room, fv_context *context)
{
    fvi_picture_release(context, &room->image);
    fvi_picture_release(context, &room->other);
    fvi_release(context, room->scratch);
    room->scratch = NULL;
    room->scratch_floats = 0;
}

fv_status fvi_transform_begin(fvi_transform_call *call, fv_image_shape shape, fvi_picture **out)
{
    *out = &call->room->other;
    return fvi_picture_reserve(call->context, *out, shape.h, shape.w, shape.c);
}

void fvi_transform_done(fvi_transform_call *call)
{
    const fvi_picture result = call->room->other;
    call->room->other = call->room->image;
    call->room->image = result;
}

fv_status fvi_transform_scratch(fvi_transform_call *call, size_t floats, float **out)
{
    fvi_augment_room *room = call->room;
    if (floats > room->scratch_floats) {
        size_t bytes = 0;
        float *memory = fvi_size_multiply(floats, sizeof(float), &bytes) ? fvi_allocate(call->context, bytes) : NULL;
        if (memory == NULL)
            return fvi_fail(call->context, FV_ERR_MEMORY, "out of memory: %zu floats to work in", floats);
        fvi_release(call->context, room->scratch);
        room->scratch = memory;
        room->scratch_floats = floats;
    }
    *out = room->scratch;
    return FV_OK;
}

double fvi_transform_between(fvi_transform_call *call, double low, double high)
{
    return low + (high - low) * fvi_random_uniform(&call->random);
}

/* The image is now the box of h by w at (row, column) of what it was. */
void fvi_move_crop(fvi_move *move, int32_t h, int32_t w, int32_t row, int32_t column)
{
    move->placement.row += row;
    move->placement.column += move->placement.mirrored ? move->w - w - column : column;
    move->h = h;
    move->w = w;
}

void fvi_move_shift(fvi_move *move, int32_t rows, int32_t columns)
{
    move->placement.row -= rows;
    move->placement.column -= move->placement.mirrored ? -columns : columns;
}

void fvi_move_mirror(fvi_move *move)
{
    move->placement.mirrored = !move->placement.mirrored;
}

void fvi_move_centre(fvi_move *move, int32_t h, int32_t w)
{
    const fvi_placement place =
        fvi_placement_centred((fv_image_shape){ 1, move->h, move->w }, (fv_image_shape){ 1, h, w });
    fvi_move_crop(move, h, w, place.row, place.column);
}

fv_status fvi_transform_move(fvi_transform_call *call, const fvi_move *move, fvi_fill fill)
{
    const fvi_picture *in = &call->room->image;
    const size_t channels = (size_t)in->c;
    fvi_picture *out = NULL;
    FV_TRY(fvi_transform_begin(call, (fv_image_shape){ in->c, move->h, move->w }, &out));
    for (int32_t y = 0; y < move->h; y++) {
        const int32_t row = fvi_fill_index((int64_t)y + move->placement.row, in->h, fill);
        float *to = out->pixels + (size_t)y * (size_t)move->w * channels;
        for (int32_t x = 0; x < move->w; x++, to += channels) {
            const int32_t from = (move->placement.mirrored ? move->w - 1 - x : x) + move->placement.column;
            const int32_t column = fvi_fill_index(from, in->w, fill);
            if (row < 0 || column < 0)
                memset(to, 0, channels * sizeof *to);
            else
                memcpy(to, in->pixels + ((size_t)row * (size_t)in->w + (size_t)column) * channels,
                       channels * sizeof *to);
        }
    }
    fvi_transform_done(call);
    return FV_OK;
}
