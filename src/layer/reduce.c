/* SPDX-License-Identifier: Apache-2.0
 *
 * reduce.c - sums over axes and repetition along them. An item of work is a row of `part` (or of `whole` when repeating): sums of one item are
 * made by one thread in one order.
 */
#include "layer/reduce.h"

#include <string.h>

#include "base/checked.h"
#include "layer/element.h"
#include "layer/split.h"

bool fvi_reduces(fv_image_shape whole, fv_image_shape part)
{
    return (part.c == whole.c || part.c == 1) && (part.h == whole.h || part.h == 1) &&
           (part.w == whole.w || part.w == 1);
}

fv_status fvi_reduce_setup(const fvi_setup *node, fv_image_shape whole, fv_image_shape part, size_t *bytes)
{
    size_t rows = 0;
    if (!fvi_size_multiply((size_t)node->batch, (size_t)part.h, &rows) ||
        !fvi_size_multiply(rows, 2 * (size_t)whole.c * fv_dtype_size(node->dtype), bytes))
        return fvi_fail(node->context, FV_ERR_SHAPE, "%s '%s': sums of %d channels and %d rows for batch %d overflow",
                        node->layer->name, node->name, whole.c, part.h, node->batch);
    return FV_OK;
}

typedef struct reduce_pass {
    const fvi_call *call;
    const fvi_view *a, *b, *part;
    double factor;
    char *scratch;
} reduce_pass;

/* sum += the pixels [first, first + count) of a row, added up in `row` before. */
static void add_row(const reduce_pass *pass, int32_t n, int32_t h, int32_t first, int32_t count, void *row, void *sum)
{
    const fvi_call *call = pass->call;
    const size_t c = (size_t)pass->a->c;
    memset(row, 0, c * fv_dtype_size(call->dtype));
    for (int32_t w = first; w < first + count; w++) {
        const void *a = fvi_view_at(pass->a, call->dtype, n, h, w);
        if (pass->b != NULL)
            call->kernels->multiply_add(c, a, fvi_view_at(pass->b, call->dtype, n, h, w), row);
        else
            call->kernels->add(c, a, row, row);
    }
    call->kernels->add(c, sum, row, sum);
}

/* One pixel of part. */
static void finish(const reduce_pass *pass, const void *sum, void *to)
{
    const fv_dtype dtype = pass->call->dtype;
    const size_t channels = (size_t)pass->a->c;
    if ((size_t)pass->part->c == channels) {
        for (size_t c = 0; c < channels; c++)
            fvi_element_set(dtype, to, c, pass->factor * fvi_element_get(dtype, sum, c));
        return;
    }
    double total = 0;
    for (size_t c = 0; c < channels; c++)
        total += fvi_element_get(dtype, sum, c);
    fvi_element_set(dtype, to, 0, pass->factor * total);
}

static void reduce_rows(const void *argument, size_t first, size_t count)
{
    const reduce_pass *pass = argument;
    const fvi_view *whole = pass->a, *part = pass->part;
    const fv_dtype dtype = pass->call->dtype;
    const size_t bytes = (size_t)whole->c * fv_dtype_size(dtype);
    const bool all_rows = part->h != whole->h, all_columns = part->w != whole->w;
    for (size_t item = first; item < first + count; item++) {
        const int32_t n = (int32_t)(item / (size_t)part->h), to_h = (int32_t)(item % (size_t)part->h);
        const int32_t from_h = all_rows ? 0 : to_h, rows = all_rows ? whole->h : 1;
        char *row = pass->scratch + 2 * item * bytes, *sum = row + bytes;
        for (int32_t to_w = 0; to_w < part->w; to_w++) {
            memset(sum, 0, bytes);
            for (int32_t h = from_h; h < from_h + rows; h++)
                add_row(pass, n, h, all_columns ? 0 : to_w, all_columns ? whole->w : 1, row, sum);
            finish(pass, sum, fvi_view_at(part, dtype, n, to_h, to_w));
        }
    }
}

void fvi_reduce(const fvi_call *call, const fvi_view *a, const fvi_view *b, double factor, const fvi_view *part,
                void *scratch)
{
    const reduce_pass pass = { .call = call, .a = a, .b = b, .part = part, .factor = factor, .scratch = scratch };
    const size_t rows = (size_t)call->n * (size_t)part->h;
    const size_t image = (size_t)a->h * (size_t)a->w * (size_t)a->c;
    fvi_split_items(call->context, rows, image / (size_t)part->h, reduce_rows, &pass);
}

typedef struct repeat_pass {
    const fvi_call *call;
    const fvi_view *part, *whole;
    double factor;
} repeat_pass;

static void repeat_pixel(const repeat_pass *pass, const void *from, void *to)
{
    const fv_dtype dtype = pass->call->dtype;
    const size_t channels = (size_t)pass->whole->c;
    if (pass->part->c == pass->whole->c && pass->factor == 1) {
        memcpy(to, from, channels * fv_dtype_size(dtype));
        return;
    }
    const size_t step = pass->part->c == pass->whole->c ? 1 : 0;
    for (size_t c = 0; c < channels; c++)
        fvi_element_set(dtype, to, c, pass->factor * fvi_element_get(dtype, from, c * step));
}

static void repeat_rows(const void *argument, size_t first, size_t count)
{
    const repeat_pass *pass = argument;
    const fvi_view *part = pass->part, *whole = pass->whole;
    const fv_dtype dtype = pass->call->dtype;
    for (size_t row = first; row < first + count; row++) {
        const int32_t n = (int32_t)(row / (size_t)whole->h), h = (int32_t)(row % (size_t)whole->h);
        for (int32_t w = 0; w < whole->w; w++)
            repeat_pixel(pass, fvi_view_at(part, dtype, n, part->h == 1 ? 0 : h, part->w == 1 ? 0 : w),
                         fvi_view_at(whole, dtype, n, h, w));
    }
}

void fvi_repeat(const fvi_call *call, const fvi_view *part, double factor, const fvi_view *whole)
{
    const repeat_pass pass = { .call = call, .part = part, .whole = whole, .factor = factor };
    fvi_split_items(call->context, (size_t)call->n * (size_t)whole->h, (size_t)whole->w * (size_t)whole->c, repeat_rows,
                    &pass);
}
