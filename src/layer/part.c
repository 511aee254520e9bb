/* SPDX-License-Identifier: Apache-2.0
 *
 * part.c - putting an image into a larger one and taking it out again.
 */
#include "layer/part.h"

#include "layer/split.h"

static void fill(const fvi_call *call, const fvi_view *whole, fv_image_shape from, fv_image_shape size, double value)
{
    if (size.h <= 0 || size.w <= 0 || size.c <= 0)
        return;
    const fvi_view part = fvi_view_part(whole, call->dtype, from, size);
    fvi_split_fill(call->context, call->dtype, &part, value);
}

/* Rows above and below, then columns beside, then channels of the pixels in between. */
static void fill_around(const fvi_call *call, const fvi_view *whole, fv_image_shape at, fv_image_shape size,
                        double value)
{
    const fv_image_shape end = { .c = at.c + size.c, .h = at.h + size.h, .w = at.w + size.w };
    const int32_t c = whole->c, h = whole->h, w = whole->w;
    fill(call, whole, (fv_image_shape){ 0 }, (fv_image_shape){ .c = c, .h = at.h, .w = w }, value);
    fill(call, whole, (fv_image_shape){ .h = end.h }, (fv_image_shape){ .c = c, .h = h - end.h, .w = w }, value);
    fill(call, whole, (fv_image_shape){ .h = at.h }, (fv_image_shape){ .c = c, .h = size.h, .w = at.w }, value);
    fill(call, whole, (fv_image_shape){ .h = at.h, .w = end.w },
         (fv_image_shape){ .c = c, .h = size.h, .w = w - end.w }, value);
    fill(call, whole, (fv_image_shape){ .h = at.h, .w = at.w }, (fv_image_shape){ .c = at.c, .h = size.h, .w = size.w },
         value);
    fill(call, whole, (fv_image_shape){ .h = at.h, .w = at.w, .c = end.c },
         (fv_image_shape){ .c = c - end.c, .h = size.h, .w = size.w }, value);
}

void fvi_part_put(const fvi_call *call, const fvi_view *part, const fvi_view *whole, fv_image_shape at, double value)
{
    const fv_image_shape size = { .c = part->c, .h = part->h, .w = part->w };
    const fvi_view inside = fvi_view_part(whole, call->dtype, at, size);
    fvi_split_copy(call->context, call->dtype, part, &inside);
    fill_around(call, whole, at, size, value);
}

void fvi_part_get(const fvi_call *call, const fvi_view *whole, const fvi_view *part, fv_image_shape at)
{
    const fvi_view inside =
        fvi_view_part(whole, call->dtype, at, (fv_image_shape){ .c = part->c, .h = part->h, .w = part->w });
    fvi_split_copy(call->context, call->dtype, &inside, part);
}
