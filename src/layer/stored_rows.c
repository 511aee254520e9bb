/* SPDX-License-Identifier: Apache-2.0
 *
 * stored_rows.c - see stored_rows.h.
 */
#include "layer/stored_rows.h"

fvi_view fvi_stored_rows_view(const fvi_stored_rows *rows)
{
    const fvi_view *stored = rows->stored;
    fvi_view view = fvi_view_dense(NULL, stored->n, stored->h, stored->w, stored->c);
    /* Before the buffer, so that row `first` is its beginning; through an integer, since that is outside of it. */
    const size_t before = rows->first * (size_t)view.row_stride * sizeof(float);
    view.data = (void *)((uintptr_t)rows->buffer - before);
    return view;
}

/* Where run i of a row begins in the stored tensor; a run is the row where its pixels are neighbours, else a pixel. */
static uint16_t *stored_run(const fvi_view *stored, size_t row, size_t i)
{
    const size_t h = (size_t)stored->h;
    return fvi_view_at(stored, FV_BF16, (int32_t)(row / h), (int32_t)(row % h), (int32_t)i);
}

static void convert(const fvi_stored_rows *rows, const fvi_bf16_kernels *kernels, bool narrow)
{
    const fvi_view *stored = rows->stored;
    const bool whole = stored->pixel_stride == stored->c;
    const size_t runs = whole ? 1 : (size_t)stored->w, length = (size_t)stored->c * (whole ? (size_t)stored->w : 1);
    float *at = rows->buffer;
    for (size_t row = rows->first; row < rows->first + rows->count; row++) {
        for (size_t i = 0; i < runs; i++, at += length) {
            if (narrow)
                kernels->narrow(length, at, stored_run(stored, row, i));
            else
                kernels->widen(length, stored_run(stored, row, i), at);
        }
    }
}

void fvi_stored_rows_widen(const fvi_stored_rows *rows, const fvi_bf16_kernels *kernels)
{
    convert(rows, kernels, false);
}

void fvi_stored_rows_narrow(const fvi_stored_rows *rows, const fvi_bf16_kernels *kernels)
{
    convert(rows, kernels, true);
}
