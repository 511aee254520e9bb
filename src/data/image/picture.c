/* SPDX-License-Identifier: Apache-2.0
 *
 * picture.c - bytes to floats, and floats to the network's input.
 */
#include "data/image/picture.h"

#include <string.h>

#include "base/checked.h"
#include "data/preprocess.h"

fv_status fvi_picture_reserve(fv_context *context, fvi_picture *picture, int32_t h, int32_t w, int32_t c)
{
    size_t bytes = 0;
    if (!fvi_size_multiply((size_t)h * (size_t)w, (size_t)c * sizeof(float), &bytes))
        bytes = SIZE_MAX;
    if (bytes > picture->capacity) {
        fvi_picture_release(context, picture);
        picture->pixels = bytes < SIZE_MAX ? fvi_allocate(context, bytes) : NULL;
        if (picture->pixels == NULL)
            return fvi_out_of_memory(context, "a picture", bytes);
        picture->capacity = bytes;
    }
    picture->h = h;
    picture->w = w;
    picture->c = c;
    return FV_OK;
}

void fvi_picture_release(fv_context *context, fvi_picture *picture)
{
    fvi_release(context, picture->pixels);
    *picture = (fvi_picture){ 0 };
}

fv_status fvi_picture_from_bytes(fv_context *context, fvi_picture *picture, const uint8_t *pixels, fv_order order,
                                 fv_image_shape shape, int32_t channels)
{
    const size_t count = (size_t)shape.h * (size_t)shape.w;
    const size_t next = order == FV_NHWC ? (size_t)shape.c : 1, plane = order == FV_NHWC ? 1 : count;
    FV_TRY(fvi_picture_reserve(context, picture, shape.h, shape.w, channels));
    float value[256];
    for (int32_t byte = 0; byte < 256; byte++)
        value[byte] = (float)(byte / 255.0);
    float *out = picture->pixels;
    for (size_t p = 0; p < count; p++, pixels += next, out += channels)
        for (int32_t c = 0; c < channels; c++) {
            if (shape.c == channels)
                out[c] = value[pixels[(size_t)c * plane]];
            else if (shape.c == 1)
                out[c] = value[pixels[0]];
            else
                out[c] = value[fvi_luma(pixels[0], pixels[plane], pixels[2 * plane])];
        }
    return FV_OK;
}

void fvi_picture_place(const fvi_picture *picture, const fv_preprocess *preprocess, fvi_placement placement, float *out)
{
    const fv_image_shape input = preprocess->input;
    float outside[FV_MAX_CHANNELS], shift[FV_MAX_CHANNELS], factor[FV_MAX_CHANNELS];
    for (int32_t c = 0; c < input.c; c++) {
        factor[c] = (float)(1.0 / (preprocess->deviation[c] != 0 ? preprocess->deviation[c] : 1.0));
        shift[c] = (float)preprocess->mean[c];
        outside[c] = (0.0F - shift[c]) * factor[c];
    }
    for (int32_t y = 0; y < input.h; y++)
        for (int32_t x = 0; x < input.w; x++, out += input.c) {
            const int32_t row = y + placement.row;
            const int32_t column = (placement.mirrored ? input.w - 1 - x : x) + placement.column;
            if (row < 0 || row >= picture->h || column < 0 || column >= picture->w) {
                memcpy(out, outside, (size_t)input.c * sizeof *out);
                continue;
            }
            const float *in =
                picture->pixels + ((size_t)row * (size_t)picture->w + (size_t)column) * (size_t)picture->c;
            for (int32_t c = 0; c < input.c; c++)
                out[c] = (in[c] - shift[c]) * factor[c];
        }
}
