/* SPDX-License-Identifier: Apache-2.0
 *
 * picture.c - images as characters.
 */
#include "picture.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "option.h"

enum { GAP = 2, MARGIN_LEVEL = 16, LINE = 2048, MOST_COLUMNS = 1000 };

static const char ramp[] = " .:-=+*#%@";

/* Brightness 0 to 255: the mean of the channels. */
static int pixel_at(const uint8_t *pixels, fv_image_shape shape, int row, int column)
{
    int sum = 0;
    for (int c = 0; c < shape.c; c++)
        sum += pixels[(size_t)c * (size_t)shape.h * (size_t)shape.w + (size_t)row * (size_t)shape.w + (size_t)column];
    return sum / shape.c;
}

typedef struct window {
    int top, left, bottom, right; /* the last two excluded */
} window;

static bool row_is_black(const cli_picture *pictures, size_t count, fv_image_shape shape, int row)
{
    for (size_t i = 0; i < count; i++)
        for (int column = 0; column < shape.w; column++)
            if (pixel_at(pictures[i].pixels, shape, row, column) > MARGIN_LEVEL)
                return false;
    return true;
}

static bool column_is_black(const cli_picture *pictures, size_t count, fv_image_shape shape, int column)
{
    for (size_t i = 0; i < count; i++)
        for (int row = 0; row < shape.h; row++)
            if (pixel_at(pictures[i].pixels, shape, row, column) > MARGIN_LEVEL)
                return false;
    return true;
}

static window without_margins(const cli_picture *pictures, size_t count, fv_image_shape shape)
{
    window inner = { 0, 0, shape.h, shape.w };
    while (inner.top < inner.bottom - 1 && row_is_black(pictures, count, shape, inner.top))
        inner.top++;
    while (inner.bottom - 1 > inner.top && row_is_black(pictures, count, shape, inner.bottom - 1))
        inner.bottom--;
    while (inner.left < inner.right - 1 && column_is_black(pictures, count, shape, inner.left))
        inner.left++;
    while (inner.right - 1 > inner.left && column_is_black(pictures, count, shape, inner.right - 1))
        inner.right--;
    return inner;
}

/* The character for the block of `scale` columns and 2*scale rows at (row, column). */
static char cell(const uint8_t *pixels, fv_image_shape shape, window area, int row, int column, int scale)
{
    int sum = 0, counted = 0;
    for (int r = row; r < row + 2 * scale && r < area.bottom; r++)
        for (int c = column; c < column + scale && c < area.right; c++, counted++)
            sum += pixel_at(pixels, shape, r, c);
    return ramp[counted > 0 ? sum / counted * 10 / 256 : 0];
}

/* The widest text that all pictures need. */
static int cell_width(const cli_picture *pictures, size_t count, int picture_width)
{
    int width = picture_width;
    for (size_t i = 0; i < count; i++)
        if ((int)strlen(pictures[i].caption) > width)
            width = (int)strlen(pictures[i].caption);
    return width;
}

/* Prints a line without the blanks at its end. */
static void print_trimmed(FILE *stream, char *line, size_t length)
{
    while (length > 0 && line[length - 1] == ' ')
        length--;
    line[length] = '\n';
    fwrite(line, 1, length + 1, stream);
}

static void print_row(FILE *stream, const cli_picture *pictures, size_t count, fv_image_shape shape, window area,
                      int scale, int width)
{
    char line[LINE];
    const size_t step = (size_t)(width + GAP), length = step * count;
    if (length >= LINE)
        return;
    memset(line, ' ', length);
    for (size_t i = 0; i < count; i++)
        memcpy(line + i * step, pictures[i].caption, strlen(pictures[i].caption));
    print_trimmed(stream, line, length);
    for (int row = area.top; row < area.bottom; row += 2 * scale) {
        memset(line, ' ', length);
        for (size_t i = 0; i < count; i++) {
            char *at = line + i * step;
            for (int column = area.left; column < area.right; column += scale)
                *at++ = cell(pictures[i].pixels, shape, area, row, column, scale);
        }
        print_trimmed(stream, line, length);
    }
    fputc('\n', stream);
}

void cli_print_pictures(FILE *stream, const cli_picture *pictures, size_t count, fv_image_shape shape, int columns)
{
    if (count == 0)
        return;
    if (columns > MOST_COLUMNS)
        columns = MOST_COLUMNS;
    const window area = without_margins(pictures, count, shape);
    int scale = 1;
    while ((area.right - area.left + scale - 1) / scale > columns)
        scale++;
    const int width = cell_width(pictures, count, (area.right - area.left + scale - 1) / scale);
    const size_t fit = (size_t)(columns + GAP > width + GAP ? (columns + GAP) / (width + GAP) : 1);
    for (size_t first = 0; first < count; first += fit)
        print_row(stream, pictures + first, count - first < fit ? count - first : fit, shape, area, scale, width);
}

int cli_terminal_columns(void)
{
    struct winsize size;
    const char *text = getenv("COLUMNS");
    int64_t columns = 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    if (text != NULL && cli_read_integer(text, &columns) && columns >= 20 && columns <= MOST_COLUMNS)
        return (int)columns;
    return 80;
}
