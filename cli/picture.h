/* SPDX-License-Identifier: Apache-2.0
 *
 * picture.h - images as characters.
 */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include <stdint.h>
#include <stdio.h>

#include "fovea/tensor.h"

/* One image and the line above it. */
typedef struct cli_picture {
    const uint8_t *pixels; /* [c][h][w] */
    const char *caption;
} cli_picture;

/* Prints pictures of one shape side by side, as many to a row as fit into `columns` characters. A character is a column
 * and two rows of pixels, darkest to brightest " .:-=+*#%@"; margins that are black in all of them are left out. Images wider than
 * the space are shrunk by a whole factor. */
void cli_print_pictures(FILE *stream, const cli_picture *pictures, size_t count, fv_image_shape shape, int columns);
/* Columns of the terminal on stdout: from it, else from $COLUMNS, else 80. */
int cli_terminal_columns(void);

#endif
