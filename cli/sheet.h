/* SPDX-License-Identifier: Apache-2.0
 *
 * sheet.h - images as floats, and many of them on one PNG.
 */
#ifndef CLI_SHEET_H
#define CLI_SHEET_H

#include "command.h"

/* One image, [h][w][c] of 0 to 1; released by cli_picture_release(). */
typedef struct cli_image {
    float *pixels;
    fv_image_shape shape;
} cli_image;

void cli_image_release(cli_image *image);
/* Sample `index` of the reader's set. Prints on failure. */
int cli_image_read(const cli_command *command, const fv_dataset *data, fv_reader *reader, int64_t index,
                   cli_image *out);
/* Copies pixels: an image of malloc(). False: no memory. */
bool cli_image_copy(const float *pixels, fv_image_shape shape, cli_image *out);
/* As bytes [c][h][w], rounded, cut to 0 ... 255; NULL: no memory. */
uint8_t *cli_image_bytes(const cli_image *image);

/* rows by columns cells, each as large as the largest image, whose pixels are drawn as scale by scale. The first column stands apart. Images
 * with values outside 0 to 1 are stretched to it. Prints on failure. */
int cli_sheet_write(const cli_command *command, fv_context *context, const char *path, const cli_image *images,
                    int32_t rows, int32_t columns, int32_t scale);

#endif
