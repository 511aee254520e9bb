/* SPDX-License-Identifier: Apache-2.0
 *
 * resize.c - to a size, or the shorter side to a length; bilinear, antialiased.
 */
#include <math.h>

#include "data/augment/transform.h"

typedef struct resize_options {
    double p;
    int32_t size[2], shorter;
} resize_options;

static const fvi_transform_option options[] = {
    { .name = "size",
      .type = FVI_OPTION_INT,
      .offset = offsetof(resize_options, size),
      .count = 2,
      .high = 65535,
      .fallback = "0",
      .help = "rows and columns of the result; 0: the network's input" },
    { .name = "shorter",
      .type = FVI_OPTION_INT,
      .offset = offsetof(resize_options, shorter),
      .count = 1,
      .high = 65535,
      .fallback = "0",
      .help = "instead: the length of the shorter side, the ratio of the sides stays" },
    { 0 },
};

static fv_status resize_shape(fvi_message *message, const void *given, const fv_augment_key *key, fv_image_shape *shape)
{
    const resize_options *wanted = given;
    if (wanted->shorter == 0) {
        shape->h = fvi_size_or(wanted->size[0], key->rows, shape->h);
        shape->w = fvi_size_or(wanted->size[1], key->columns, shape->w);
        return FV_OK;
    }
    const int32_t least = shape->h < shape->w ? shape->h : shape->w, most = shape->h < shape->w ? shape->w : shape->h;
    const double longer = floor((double)most * wanted->shorter / least + 0.5);
    if (longer > 65535)
        return fvi_fail_in(message, FV_ERR_SHAPE, "an image of %dx%d would get a side of %.0f pixels", shape->h,
                           shape->w, longer);
    const bool is_tall = shape->h > shape->w;
    shape->h = is_tall ? (int32_t)longer : wanted->shorter;
    shape->w = is_tall ? wanted->shorter : (int32_t)longer;
    return FV_OK;
}

static void resize_region(fvi_transform_call *call, fv_image_shape whole, fvi_region *region)
{
    fv_image_shape shape = whole;
    fvi_message ignored; /* resize_apply() tells it */
    *region = (fvi_region){ .h = whole.h, .w = whole.w };
    if (resize_shape(&ignored, call->options, call->key, &shape) == FV_OK) {
        region->rows = shape.h;
        region->columns = shape.w;
    }
}

static fv_status resize_apply(fvi_transform_call *call)
{
    const fv_image_shape whole = fvi_whole_shape(call);
    fv_image_shape shape = whole;
    fvi_message message;
    const fv_status status = resize_shape(&message, call->options, call->key, &shape);
    if (status != FV_OK)
        return fvi_fail(call->context, status, "%s", message.text);
    return fvi_resample_part(call, (fvi_box){ 0, 0, whole.h, whole.w }, shape.h, shape.w);
}

const fvi_transform fvi_transform_resize = {
    .name = "resize",
    .formula = "y[i,j] = sum of x under a triangle as wide as max(1, h/rows) each way, normalised",
    .options_size = sizeof(resize_options),
    .options = options,
    .sets_size = true,
    .fixed = true,
    .resizes = true,
    .shape = resize_shape,
    .region = resize_region,
    .apply = resize_apply,
};
