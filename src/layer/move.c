/* SPDX-License-Identifier: Apache-2.0
 *
 * move.c - see move.h.
 */
#include "layer/move.h"

#include <string.h>

#include "layer/split.h"

enum { SQUARE = 16 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void move_floats(const size_t size[2], const float *from, const ptrdiff_t from_step[2], float *to,
                        const ptrdiff_t to_step[2])
{
    for (size_t i = 0; i < size[0]; i++)
        for (size_t j = 0; j < size[1]; j++)
            to[(ptrdiff_t)i * to_step[0] + (ptrdiff_t)j * to_step[1]] =
                from[(ptrdiff_t)i * from_step[0] + (ptrdiff_t)j * from_step[1]];
}

static void move_doubles(const size_t size[2], const double *from, const ptrdiff_t from_step[2], double *to,
                         const ptrdiff_t to_step[2])
{
    for (size_t i = 0; i < size[0]; i++)
        for (size_t j = 0; j < size[1]; j++)
            to[(ptrdiff_t)i * to_step[0] + (ptrdiff_t)j * to_step[1]] =
                from[(ptrdiff_t)i * from_step[0] + (ptrdiff_t)j * from_step[1]];
}

void fvi_move_plane(fv_dtype dtype, const size_t size[2], const void *from, const ptrdiff_t from_step[2], void *to,
                    const ptrdiff_t to_step[2])
{
    const ptrdiff_t bytes = (ptrdiff_t)fv_dtype_size(dtype);
    if (from_step[1] == 1 && to_step[1] == 1) {
        for (size_t i = 0; i < size[0]; i++)
            memcpy((char *)to + (ptrdiff_t)i * to_step[0] * bytes,
                   (const char *)from + (ptrdiff_t)i * from_step[0] * bytes, size[1] * (size_t)bytes);
        return;
    }
    for (size_t i = 0; i < size[0]; i += SQUARE)
        for (size_t j = 0; j < size[1]; j += SQUARE) {
            const size_t part[2] = { least(SQUARE, size[0] - i), least(SQUARE, size[1] - j) };
            const ptrdiff_t skip_from = (ptrdiff_t)i * from_step[0] + (ptrdiff_t)j * from_step[1];
            const ptrdiff_t skip_to = (ptrdiff_t)i * to_step[0] + (ptrdiff_t)j * to_step[1];
            if (dtype == FV_F64)
                move_doubles(part, (const double *)from + skip_from, from_step, (double *)to + skip_to, to_step);
            else
                move_floats(part, (const float *)from + skip_from, from_step, (float *)to + skip_to, to_step);
        }
}

typedef struct move_pass {
    fv_dtype dtype;
    fv_image_shape size;
    const fvi_walk *from, *to;
} move_pass;

static void *row_at(const move_pass *pass, const fvi_walk *walk, size_t row)
{
    const size_t h = (size_t)pass->size.h;
    const ptrdiff_t at = (ptrdiff_t)(row / h) * walk->image + (ptrdiff_t)(row % h) * walk->row;
    return (char *)walk->data + at * (ptrdiff_t)fv_dtype_size(pass->dtype);
}

static void move_rows(const void *argument, size_t first, size_t count)
{
    const move_pass *pass = argument;
    const size_t size[2] = { (size_t)pass->size.w, (size_t)pass->size.c };
    const ptrdiff_t from[2] = { pass->from->column, pass->from->channel },
                    to[2] = { pass->to->column, pass->to->channel };
    for (size_t row = first; row < first + count; row++)
        fvi_move_plane(pass->dtype, size, row_at(pass, pass->from, row), from, row_at(pass, pass->to, row), to);
}

void fvi_move(const fvi_call *call, fv_image_shape size, const fvi_walk *from, const fvi_walk *to)
{
    const move_pass pass = { .dtype = call->dtype, .size = size, .from = from, .to = to };
    fvi_split_items(call->context, (size_t)call->n * (size_t)size.h, (size_t)size.w * (size_t)size.c, move_rows, &pass);
}

fvi_walk fvi_walk_of(const fvi_view *view)
{
    return (fvi_walk){ .data = view->data,
                       .image = view->image_stride,
                       .row = view->row_stride,
                       .column = view->pixel_stride,
                       .channel = 1 };
}
