/* SPDX-License-Identifier: Apache-2.0
 *
 * pool.real.c - max and average pooling, one element at a time: what the vector kernels are measured against.
 * Contracts in kernels.h.
 */
#include "kernel/pool/pool.h"
#include "kernel/reference.h"

static int32_t read_index(const fvi_pool_shape *shape, const void *index, size_t at)
{
    return shape->wide_index ? ((const uint16_t *)index)[at] : ((const uint8_t *)index)[at];
}

static void write_index(const fvi_pool_shape *shape, void *index, size_t at, int32_t tap)
{
    if (shape->wide_index)
        ((uint16_t *)index)[at] = (uint16_t)tap;
    else
        ((uint8_t *)index)[at] = (uint8_t)tap;
}

/* The largest of one channel's cells in a window; *tap: where. x: the channel's value at row 0, column 0. */
static fvi_real window_max(const fvi_pool_shape *shape, fvi_pool_span rows, fvi_pool_span columns, const fvi_real *x,
                           int32_t *tap)
{
    fvi_real best = 0;
    *tap = -1;
    for (int32_t r = rows.first; r < rows.last; r++) {
        for (int32_t s = columns.first; s < columns.last; s++) {
            const fvi_real value = x[(rows.start + r) * shape->x_row + (columns.start + s) * shape->x_pixel];
            if (*tap < 0 || value > best || value != value) {
                /* A NaN that won already stays the first of the NaNs. */
                if (*tap >= 0 && best != best)
                    continue;
                best = value;
                *tap = r * shape->kernel[1] + s;
            }
        }
    }
    return best;
}

void FVI_REAL_NAME(fvi_max_pool_row_reference)(const fvi_pool_shape *shape, int32_t oy, const void *x, void *y,
                                               void *index)
{
    const fvi_pool_span rows = fvi_pool_span_of(shape, 0, oy);
    fvi_real *out = (fvi_real *)y + oy * shape->y_row;
    for (int32_t ox = 0; ox < shape->ow; ox++) {
        const fvi_pool_span columns = fvi_pool_span_of(shape, 1, ox);
        for (int32_t c = 0; c < shape->c; c++) {
            int32_t tap = 0;
            out[ox * shape->y_pixel + c] = window_max(shape, rows, columns, (const fvi_real *)x + c, &tap);
            if (index)
                write_index(shape, index, (size_t)ox * (size_t)shape->c + (size_t)c, tap);
        }
    }
}

void FVI_REAL_NAME(fvi_average_pool_row_reference)(const fvi_pool_shape *shape, int32_t oy, const void *x, void *y)
{
    const fvi_pool_span rows = fvi_pool_span_of(shape, 0, oy);
    fvi_real *out = (fvi_real *)y + oy * shape->y_row;
    for (int32_t ox = 0; ox < shape->ow; ox++) {
        const fvi_pool_span columns = fvi_pool_span_of(shape, 1, ox);
        const fvi_real divisor =
            (fvi_real)fvi_pool_counted(shape, 0, rows) * (fvi_real)fvi_pool_counted(shape, 1, columns);
        for (int32_t c = 0; c < shape->c; c++) {
            const fvi_real *in = (const fvi_real *)x + c;
            fvi_real sum = 0;
            for (int32_t r = rows.first; r < rows.last; r++)
                for (int32_t s = columns.first; s < columns.last; s++)
                    sum += in[(rows.start + r) * shape->x_row + (columns.start + s) * shape->x_pixel];
            out[ox * shape->y_pixel + c] = sum / divisor;
        }
    }
}

static void clear_image(const fvi_pool_shape *shape, fvi_real *dx)
{
    for (int32_t h = 0; h < shape->h; h++)
        for (int32_t w = 0; w < shape->w; w++)
            for (int32_t c = 0; c < shape->c; c++)
                dx[h * shape->x_row + w * shape->x_pixel + c] = 0;
}

void FVI_REAL_NAME(fvi_max_pool_backward_reference)(const fvi_pool_shape *shape, const void *dy, const void *index,
                                                    void *dx)
{
    const fvi_real *up = dy;
    fvi_real *down = dx;
    clear_image(shape, down);
    size_t at = 0;
    for (int32_t oy = 0; oy < shape->oh; oy++) {
        for (int32_t ox = 0; ox < shape->ow; ox++) {
            for (int32_t c = 0; c < shape->c; c++, at++) {
                const int32_t tap = read_index(shape, index, at);
                const int32_t h = oy * shape->stride[0] - shape->pad[0] + tap / shape->kernel[1];
                const int32_t w = ox * shape->stride[1] - shape->pad[1] + tap % shape->kernel[1];
                down[h * shape->x_row + w * shape->x_pixel + c] += up[oy * shape->y_row + ox * shape->y_pixel + c];
            }
        }
    }
}

void FVI_REAL_NAME(fvi_average_pool_backward_reference)(const fvi_pool_shape *shape, const void *dy, void *dx)
{
    const fvi_real *up = dy;
    fvi_real *down = dx;
    clear_image(shape, down);
    for (int32_t oy = 0; oy < shape->oh; oy++) {
        const fvi_pool_span rows = fvi_pool_span_of(shape, 0, oy);
        for (int32_t ox = 0; ox < shape->ow; ox++) {
            const fvi_pool_span columns = fvi_pool_span_of(shape, 1, ox);
            const fvi_real divisor =
                (fvi_real)fvi_pool_counted(shape, 0, rows) * (fvi_real)fvi_pool_counted(shape, 1, columns);
            for (int32_t c = 0; c < shape->c; c++) {
                const fvi_real share = up[oy * shape->y_row + ox * shape->y_pixel + c] / divisor;
                for (int32_t r = rows.first; r < rows.last; r++)
                    for (int32_t s = columns.first; s < columns.last; s++)
                        down[(rows.start + r) * shape->x_row + (columns.start + s) * shape->x_pixel + c] += share;
            }
        }
    }
}
