/* SPDX-License-Identifier: Apache-2.0
 *
 * sheet.c - images as floats, and many of them on one PNG.
 */
#include "sheet.h"

#include <stdlib.h>
#include <string.h>

enum { GAP = 4, FIRST_GAP = 12, PAPER = 255, MOST_SIDE = 60000 };

void cli_image_release(cli_image *image)
{
    free(image->pixels);
    *image = (cli_image){ 0 };
}

static size_t values_of(fv_image_shape shape)
{
    return (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
}

bool cli_image_copy(const float *pixels, fv_image_shape shape, cli_image *out)
{
    *out = (cli_image){ .pixels = malloc(values_of(shape) * sizeof(float)), .shape = shape };
    if (out->pixels != NULL)
        memcpy(out->pixels, pixels, values_of(shape) * sizeof(float));
    return out->pixels != NULL;
}

int cli_image_read(const cli_command *command, const fv_dataset *data, fv_reader *reader, int64_t index, cli_image *out)
{
    fv_sample sample;
    *out = (cli_image){ 0 };
    if (fv_reader_read(reader, index, 0, &sample) != FV_OK)
        return cli_fail(command, "%s", fv_reader_message(reader));
    if (sample.pixels == NULL)
        return cli_fail(command, "'%s' holds numbers, not images", fv_dataset_name(data));
    const size_t plane = (size_t)sample.shape.h * (size_t)sample.shape.w, c = (size_t)sample.shape.c;
    *out = (cli_image){ .pixels = malloc(plane * c * sizeof(float)), .shape = sample.shape };
    if (out->pixels == NULL)
        return cli_fail(command, "out of memory");
    for (size_t i = 0; i < plane * c; i++) {
        const size_t at = sample.order == FV_NHWC ? i : i % c * plane + i / c;
        out->pixels[i] = (float)(sample.pixels[at] / 255.0);
    }
    return CLI_DONE;
}

static uint8_t byte_of(float value)
{
    const float scaled = value * 255.0f;
    return !(scaled > 0.0f) ? 0 : scaled >= 255.0f ? 255 : (uint8_t)(scaled + 0.5f);
}

uint8_t *cli_image_bytes(const cli_image *image)
{
    const size_t plane = (size_t)image->shape.h * (size_t)image->shape.w, c = (size_t)image->shape.c;
    uint8_t *bytes = malloc(plane * c);
    for (size_t i = 0; bytes != NULL && i < plane * c; i++)
        bytes[i % c * plane + i / c] = byte_of(image->pixels[i]);
    return bytes;
}

/* value * factor + shift lies in 0 to 1 for every value of the image; 1 and 0 when it does already. */
static void range_of(const cli_image *image, float *factor, float *shift)
{
    float least = 0.0f, most = 1.0f;
    for (size_t i = 0; i < values_of(image->shape); i++) {
        least = image->pixels[i] < least ? image->pixels[i] : least;
        most = image->pixels[i] > most ? image->pixels[i] : most;
    }
    const bool fits = least > -0.01f && most < 1.01f;
    *factor = fits ? 1.0f : 1.0f / (most - least);
    *shift = fits ? 0.0f : -least / (most - least);
}

typedef struct sheet {
    uint8_t *pixels; /* [3][h][w] */
    int32_t h, w, scale;
} sheet;

static void draw(sheet *on, const cli_image *image, int32_t top, int32_t left)
{
    const size_t plane = (size_t)on->h * (size_t)on->w;
    float factor = 1, shift = 0;
    range_of(image, &factor, &shift);
    for (int32_t y = 0; y < image->shape.h * on->scale; y++)
        for (int32_t x = 0; x < image->shape.w * on->scale; x++) {
            const size_t from = (size_t)(y / on->scale) * (size_t)image->shape.w + (size_t)(x / on->scale);
            const size_t to = (size_t)(top + y) * (size_t)on->w + (size_t)(left + x);
            for (size_t c = 0; c < 3; c++) {
                const size_t channel = image->shape.c >= 3 ? c : 0;
                on->pixels[c * plane + to] =
                    byte_of(image->pixels[from * (size_t)image->shape.c + channel] * factor + shift);
            }
        }
}

int cli_sheet_write(const cli_command *command, fv_context *context, const char *path, const cli_image *images,
                    int32_t rows, int32_t columns, int32_t scale)
{
    int32_t h = 1, w = 1;
    for (int32_t i = 0; i < rows * columns; i++) {
        h = images[i].shape.h > h ? images[i].shape.h : h;
        w = images[i].shape.w > w ? images[i].shape.w : w;
    }
    const int64_t cell_h = (int64_t)h * scale + GAP, cell_w = (int64_t)w * scale + GAP;
    if (rows * cell_h + GAP > MOST_SIDE || columns * cell_w + GAP + FIRST_GAP > MOST_SIDE)
        return cli_fail(
            command, "%d rows of %d images of %dx%d pixels do not fit on one sheet: take fewer, or a smaller --scale",
            (int)rows, (int)columns, (int)h, (int)w);
    sheet on = { .h = (int32_t)(rows * cell_h) + GAP,
                 .w = (int32_t)(columns * cell_w) + GAP + FIRST_GAP,
                 .scale = scale };
    on.pixels = malloc(3 * (size_t)on.h * (size_t)on.w);
    if (on.pixels == NULL)
        return cli_fail(command, "out of memory");
    memset(on.pixels, PAPER, 3 * (size_t)on.h * (size_t)on.w);
    for (int32_t i = 0; i < rows * columns; i++) {
        const int32_t row = i / columns, column = i % columns;
        draw(&on, &images[i], GAP + row * (int32_t)cell_h,
             GAP + column * (int32_t)cell_w + (column > 0 ? FIRST_GAP : 0));
    }
    const fv_status status = fv_image_write_png(context, path, on.pixels, (fv_image_shape){ 3, on.h, on.w });
    free(on.pixels);
    return status == FV_OK ? CLI_DONE : cli_fail(command, "%s", fv_context_message(context));
}
