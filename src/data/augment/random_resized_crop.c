/* SPDX-License-Identifier: Apache-2.0
 *
 * random_resized_crop.c - a box of random area and shape, resized.
 * Ten tries for a box that fits; then the largest centred box whose ratio is allowed.
 */
#include <math.h>

#include "base/math.h"
#include "data/augment/transform.h"

typedef struct crop_options {
    double p;
    int32_t size[2];
    double scale[2], ratio[2];
} crop_options;

static const fvi_transform_option options[] = {
    { .name = "size",
      .type = FVI_OPTION_INT,
      .offset = offsetof(crop_options, size),
      .count = 2,
      .high = 65535,
      .fallback = "0",
      .help = "rows and columns of the result; 0: the network's input" },
    { .name = "scale",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(crop_options, scale),
      .count = 2,
      .low = 1e-06,
      .high = 1,
      .fallback = "[0.08,1]",
      .help = "least and most area of the box, as a part of the image" },
    { .name = "ratio",
      .type = FVI_OPTION_REAL,
      .offset = offsetof(crop_options, ratio),
      .count = 2,
      .low = 0.001,
      .high = 1000,
      .fallback = "[0.75,1.33333333333333]",
      .help = "least and most width / height of the box" },
    { 0 },
};

enum { TRIES = 10 };

static fv_status crop_check(fvi_message *message, const void *given)
{
    const crop_options *options_given = given;
    if (options_given->scale[0] > options_given->scale[1])
        return fvi_fail_in(message, FV_ERR_ARGUMENT, "scale begins above its end: give [least,most]");
    if (options_given->ratio[0] > options_given->ratio[1])
        return fvi_fail_in(message, FV_ERR_ARGUMENT, "ratio begins above its end: give [least,most]");
    return FV_OK;
}

static fv_status crop_shape(fvi_message *message, const void *given, const fv_augment_key *key, fv_image_shape *shape)
{
    const crop_options *wanted = given;
    (void)message;
    shape->h = fvi_size_or(wanted->size[0], key->rows, shape->h);
    shape->w = fvi_size_or(wanted->size[1], key->columns, shape->w);
    return FV_OK;
}

/* The box when no try fitted. */
static fvi_box fallback_box(const crop_options *given, int32_t h, int32_t w)
{
    const double own = (double)w / h;
    fvi_box box = { 0, 0, h, w };
    if (own < given->ratio[0])
        box.h = floor(w / given->ratio[0] + 0.5);
    else if (own > given->ratio[1])
        box.w = floor(h * given->ratio[1] + 0.5);
    box.h = box.h < 1 ? 1 : box.h;
    box.w = box.w < 1 ? 1 : box.w;
    box.y = floor((h - box.h) / 2);
    box.x = floor((w - box.w) / 2);
    return box;
}

static fvi_box draw_box(fvi_transform_call *call, const crop_options *given, int32_t h, int32_t w)
{
    const double low = fvi_log(given->ratio[0]), high = fvi_log(given->ratio[1]);
    for (int i = 0; i < TRIES; i++) {
        const double area = (double)h * w * fvi_transform_between(call, given->scale[0], given->scale[1]);
        const double ratio = fvi_exp(fvi_transform_between(call, low, high));
        const double rows = floor(sqrt(area / ratio) + 0.5), columns = floor(sqrt(area * ratio) + 0.5);
        if (rows < 1 || columns < 1 || rows > h || columns > w)
            continue;
        const uint32_t y = fvi_random_below(&call->random, (uint32_t)(h - (int32_t)rows) + 1);
        const uint32_t x = fvi_random_below(&call->random, (uint32_t)(w - (int32_t)columns) + 1);
        return (fvi_box){ y, x, rows, columns };
    }
    return fallback_box(given, h, w);
}

static void crop_region(fvi_transform_call *call, fv_image_shape whole, fvi_region *region)
{
    const crop_options *given = call->options;
    const fvi_box box = draw_box(call, given, whole.h, whole.w);
    *region = (fvi_region){ .y = box.y,
                            .x = box.x,
                            .h = box.h,
                            .w = box.w,
                            .rows = fvi_size_or(given->size[0], call->key->rows, whole.h),
                            .columns = fvi_size_or(given->size[1], call->key->columns, whole.w) };
}

static fv_status crop_apply(fvi_transform_call *call)
{
    fvi_region of;
    crop_region(call, fvi_whole_shape(call), &of);
    return fvi_resample_part(call, (fvi_box){ of.y, of.x, of.h, of.w }, of.rows, of.columns);
}

const fvi_transform fvi_transform_random_resized_crop = {
    .name = "random_resized_crop",
    .formula = "y = resize(box of x): area uniform in scale, log(width / height) uniform in log(ratio), place uniform",
    .source = "Szegedy et al. 2015 (arXiv:1409.4842), section 6",
    .options_size = sizeof(crop_options),
    .options = options,
    .sets_size = true,
    .resizes = true,
    .crops = true,
    .check = crop_check,
    .shape = crop_shape,
    .region = crop_region,
    .apply = crop_apply,
};
