/* SPDX-License-Identifier: Apache-2.0
 *
 * view.c - addresses in channels-last tensors with strides; borders; copies from and to n, c, h, w order.
 */
#include "tensor/view.h"

#include <stdbool.h>
#include <string.h>

enum { TOP, LEFT, BOTTOM, RIGHT };

fvi_view fvi_view_dense(void *data, int32_t n, int32_t h, int32_t w, int32_t c)
{
    const ptrdiff_t row = (ptrdiff_t)w * c;
    return (fvi_view){
        .data = data, .n = n, .h = h, .w = w, .c = c, .image_stride = h * row, .row_stride = row, .pixel_stride = c
    };
}

size_t fvi_view_image_elements(int32_t h, int32_t w, int32_t c, const int32_t border[4])
{
    const size_t rows = (size_t)h + (size_t)border[TOP] + (size_t)border[BOTTOM];
    const size_t columns = (size_t)w + (size_t)border[LEFT] + (size_t)border[RIGHT];
    return rows * columns * (size_t)c;
}

fvi_view fvi_view_first(fvi_view view, int32_t n)
{
    view.n = n;
    return view;
}

fvi_view fvi_view_part(const fvi_view *view, fv_dtype dtype, fv_image_shape from, fv_image_shape size)
{
    fvi_view part = *view;
    part.data = (char *)fvi_view_at(view, dtype, 0, from.h, from.w) + (size_t)from.c * fv_dtype_size(dtype);
    part.h = size.h;
    part.w = size.w;
    part.c = size.c;
    memset(part.border, 0, sizeof part.border);
    return part;
}

void *fvi_view_at(const fvi_view *view, fv_dtype dtype, int32_t n, int32_t h, int32_t w)
{
    const ptrdiff_t element = n * view->image_stride + h * view->row_stride + w * view->pixel_stride;
    return (char *)view->data + element * (ptrdiff_t)fv_dtype_size(dtype);
}

size_t fvi_view_contiguous_run(const fvi_view *view)
{
    const ptrdiff_t row = (ptrdiff_t)view->w * view->c;
    const bool pixels = view->w == 1 || view->pixel_stride == view->c;
    const bool rows = view->h == 1 || view->row_stride == row;
    const int32_t *border = view->border;
    if (!pixels || !rows || border[TOP] != 0 || border[LEFT] != 0 || border[BOTTOM] != 0 || border[RIGHT] != 0)
        return 0;
    return (size_t)view->h * (size_t)row;
}

/* Zeros the channels of `pixels` pixels from (n, h, w) to the right. Where the view is a slice of the channels, the
 * pixels' other channels stay. */
static void clear_pixels(const fvi_view *view, fv_dtype dtype, int32_t n, int32_t h, int32_t w, int32_t pixels)
{
    const size_t pixel_bytes = (size_t)view->c * fv_dtype_size(dtype);
    if (view->pixel_stride == view->c) {
        memset(fvi_view_at(view, dtype, n, h, w), 0, (size_t)pixels * pixel_bytes);
        return;
    }
    for (int32_t i = 0; i < pixels; i++)
        memset(fvi_view_at(view, dtype, n, h, w + i), 0, pixel_bytes);
}

void fvi_view_clear_border(const fvi_view *view, fv_dtype dtype, int32_t first, int32_t count)
{
    const int32_t *border = view->border;
    const int32_t width = border[LEFT] + view->w + border[RIGHT];
    for (int32_t n = first; n < first + count; n++)
        for (int32_t h = -border[TOP]; h < view->h + border[BOTTOM]; h++)
            if (h < 0 || h >= view->h) {
                clear_pixels(view, dtype, n, h, -border[LEFT], width);
            } else {
                clear_pixels(view, dtype, n, h, -border[LEFT], border[LEFT]);
                clear_pixels(view, dtype, n, h, view->w, border[RIGHT]);
            }
}

/* Copies elements of `size` bytes, `step` and `other_step` bytes apart. A switch, so that each copy is one move. */
static void copy_elements(char *to, ptrdiff_t to_step, const char *from, ptrdiff_t from_step, int32_t count,
                          size_t size)
{
    for (int32_t i = 0; i < count; i++) {
        switch (size) {
        case 1:
            memcpy(to, from, 1);
            break;
        case 2:
            memcpy(to, from, 2);
            break;
        case 4:
            memcpy(to, from, 4);
            break;
        default:
            memcpy(to, from, 8);
            break;
        }
        to += to_step;
        from += from_step;
    }
}

/* Both directions, row by row of each channel's plane. */
static void copy_nchw(const fvi_view *view, fv_dtype dtype, char *nchw, bool to_view)
{
    const size_t size = fv_dtype_size(dtype);
    const ptrdiff_t pixel_step = view->pixel_stride * (ptrdiff_t)size;
    const ptrdiff_t row_bytes = view->w * (ptrdiff_t)size;
    for (int32_t n = 0; n < view->n; n++)
        for (int32_t c = 0; c < view->c; c++)
            for (int32_t h = 0; h < view->h; h++) {
                char *row = (char *)fvi_view_at(view, dtype, n, h, 0) + (size_t)c * size;
                if (to_view)
                    copy_elements(row, pixel_step, nchw, (ptrdiff_t)size, view->w, size);
                else
                    copy_elements(nchw, (ptrdiff_t)size, row, pixel_step, view->w, size);
                nchw += row_bytes;
            }
}

void fvi_view_from_nchw(const fvi_view *view, fv_dtype dtype, const void *nchw)
{
    copy_nchw(view, dtype, (char *)(uintptr_t)nchw, true); /* only read */
}

void fvi_view_to_nchw(const fvi_view *view, fv_dtype dtype, void *nchw)
{
    copy_nchw(view, dtype, nchw, false);
}
