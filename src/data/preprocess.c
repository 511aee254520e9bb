/* SPDX-License-Identifier: Apache-2.0
 *
 * preprocess.c - resize, crop or pad, channels, normalisation, in one pass over the output; or through a list of transforms. Pixels outside the source are 0 before the
 * normalisation. Grey to RGB repeats; RGB to grey is the luma of ITU-R BT.601, rounded to a byte.
 */
#include "data/preprocess.h"

#include <stdio.h>

#include "data/image/image_internal.h"

enum { LARGEST_SIDE = 65535 };

fv_status fvi_preprocess_check(fvi_message *message, const fv_preprocess *preprocess, fv_image_shape source)
{
    const fv_image_shape input = preprocess->input;
    if (input.c < 1 || input.c > FV_MAX_CHANNELS || input.h < 1 || input.h > LARGEST_SIDE || input.w < 1 ||
        input.w > LARGEST_SIDE)
        return fvi_fail_in(
            message, FV_ERR_SHAPE,
            "preprocess: input %dx%dx%d (channels, rows, columns): channels must be 1 to %d, sides 1 to %d", input.c,
            input.h, input.w, FV_MAX_CHANNELS, LARGEST_SIDE);
    if (preprocess->resize < 0 || preprocess->resize > LARGEST_SIDE)
        return fvi_fail_in(message, FV_ERR_ARGUMENT, "preprocess: resize is %d, must be 0 (none) to %d",
                           preprocess->resize, LARGEST_SIDE);
    const fvi_transform *random = fvi_augmentation_random(preprocess->transforms);
    if (random != NULL)
        return fvi_fail_in(message, FV_ERR_ARGUMENT,
                           "preprocess: %s is for training images only: keep it out of preprocess.transforms "
                           "(fv_augmentation_fixed())",
                           random->name);
    if (source.c != 0 && input.c != source.c && !(input.c == 1 && source.c == 3) && !(input.c == 3 && source.c == 1))
        return fvi_fail_in(message, FV_ERR_SHAPE, "preprocess: images of %d channels cannot become an input of %d",
                           source.c, input.c);
    for (int32_t c = 0; c < input.c; c++) {
        const double mean = preprocess->mean[c], deviation = preprocess->deviation[c];
        if (!(mean - mean == 0) || !(deviation - deviation == 0) || deviation < 0)
            return fvi_fail_in(
                message, FV_ERR_ARGUMENT,
                "preprocess: channel %d has mean %g and deviation %g; both must be finite, the deviation not negative",
                c, mean, deviation);
    }
    return FV_OK;
}

void fvi_pixel_table_fill(fvi_pixel_table *table, const fv_preprocess *preprocess)
{
    for (int32_t c = 0; c < preprocess->input.c; c++) {
        const double deviation = preprocess->deviation[c] != 0 ? preprocess->deviation[c] : 1.0;
        for (int32_t byte = 0; byte < 256; byte++)
            table->value[c][byte] = (float)((byte / 255.0 - preprocess->mean[c]) / deviation);
    }
}

/* One row of output from one row of the source (NULL: outside); `next` bytes from pixel to pixel, `plane` from channel to
 * channel. */
static void place_row(const fvi_pixel_table *table, const uint8_t *row, size_t next, size_t plane,
                      fv_image_shape source, fv_image_shape input, fvi_placement placement, float *out)
{
    for (int32_t x = 0; x < input.w; x++) {
        const int32_t at = (placement.mirrored ? input.w - 1 - x : x) + placement.column;
        const bool inside = row != NULL && at >= 0 && at < source.w;
        const uint8_t *pixel = inside ? row + (size_t)at * next : NULL;
        for (int32_t c = 0; c < input.c; c++) {
            uint32_t byte = 0;
            if (inside && source.c == input.c)
                byte = pixel[(size_t)c * plane];
            else if (inside)
                byte = source.c == 1 ? pixel[0] : fvi_luma(pixel[0], pixel[plane], pixel[2 * plane]);
            *out++ = table->value[c][byte];
        }
    }
}

void fvi_preprocess_place(const fvi_pixel_table *table, const uint8_t *image, fv_order order, fv_image_shape source,
                          fv_image_shape input, fvi_placement placement, float *out)
{
    const size_t next = order == FV_NHWC ? (size_t)source.c : 1;
    const size_t plane = order == FV_NHWC ? 1 : (size_t)source.h * (size_t)source.w;
    for (int32_t y = 0; y < input.h; y++) {
        const int32_t at = y + placement.row;
        const uint8_t *row = at >= 0 && at < source.h ? image + (size_t)at * (size_t)source.w * next : NULL;
        place_row(table, row, next, plane, source, input, placement,
                  out + (size_t)y * (size_t)input.w * (size_t)input.c);
    }
}

fv_status fvi_resize_sample(fv_context *context, fvi_resampler *resampler, int32_t shorter, fv_sample *sample)
{
    int32_t h = 0, w = 0;
    fvi_resize_sides(sample->shape, shorter, &h, &w);
    if (h > FVI_IMAGE_MOST_SIDE || w > FVI_IMAGE_MOST_SIDE || (int64_t)h * w > FVI_IMAGE_MOST_PIXELS)
        return fvi_fail(context, FV_ERR_SHAPE, "an image of %dx%d pixels would become one of %dx%d: too long",
                        sample->shape.h, sample->shape.w, h, w);
    if (h == sample->shape.h && w == sample->shape.w)
        return FV_OK;
    FV_TRY(fvi_resample(context, resampler, sample->pixels, sample->order, sample->shape, h, w));
    sample->pixels = resampler->result;
    sample->order = FV_NHWC;
    sample->shape.h = h;
    sample->shape.w = w;
    return FV_OK;
}

fv_status fvi_preprocess_check_sample(fv_context *context, const fv_preprocess *preprocess, const fv_dataset *dataset,
                                      int64_t index, const fv_sample *sample)
{
    fvi_message message;
    char name[512];
    const fv_status status = fvi_preprocess_check(&message, preprocess, sample->shape);
    if (status == FV_OK)
        return FV_OK;
    fv_dataset_sample_name(dataset, index, name, sizeof name);
    return fvi_fail(context, status, "'%s': %s", name, message.text);
}

int32_t fvi_preprocess_resize(const fv_preprocess *preprocess, const fv_augmentation *list)
{
    return fvi_augmentation_resizes(list) ? 0 : preprocess->resize;
}

bool fvi_preprocess_only_places(const fv_augmentation *list)
{
    return list == NULL || fvi_augmentation_only_moves(list);
}

fv_status fvi_preprocess_transform(fv_context *context, const fv_preprocess *preprocess, const fv_augmentation *list,
                                   const fv_augment_key *key, fvi_augment_room *room, const fv_sample *sample,
                                   float *out)
{
    fvi_picture *image = &room->image;
    FV_TRY(fvi_picture_from_bytes(context, image, sample->pixels, sample->order, sample->shape, preprocess->input.c));
    FV_TRY(fvi_augmentation_run(list, key, list->count, room, context));
    const fv_image_shape shape = { image->c, image->h, image->w };
    fvi_picture_place(image, preprocess, fvi_placement_centred(shape, preprocess->input), out);
    return FV_OK;
}

static void choose_region(const void *user, fv_image_shape whole, fvi_region *region)
{
    const fvi_list_wish *of = user;
    fvi_augmentation_region(of->list, of->key, whole, region);
    region->full_size = of->full_size;
}

const fvi_wish *fvi_list_wish_fill(fvi_list_wish *wish, const fv_preprocess *preprocess, const fv_augmentation *list,
                                   const fv_augment_key *key)
{
    if (!fvi_augmentation_has_region(list))
        return NULL;
    *wish = (fvi_list_wish){ .list = list,
                             .key = key,
                             .full_size = preprocess->decode_whole,
                             .wish = { .choose = choose_region, .user = wish } };
    return &wish->wish;
}

/* One sample that is not trained on, in memory of its own. */
static fv_status prepare(fv_context *context, const fv_preprocess *preprocess, fv_sample *sample, fvi_part part,
                         float *out)
{
    const fv_augmentation *list = preprocess->transforms;
    const fv_image_shape input = preprocess->input;
    const fv_augment_key key = { .rows = input.h, .columns = input.w };
    const int32_t shorter = fvi_preprocess_resize(preprocess, list);
    fvi_message message;
    fvi_pixel_table table;
    fvi_resampler resampler = { .middle = NULL };
    fvi_augment_room room = { .part = part, .whole = sample->whole };
    fv_status status = fvi_preprocess_check(&message, preprocess, sample->shape);
    if (status != FV_OK)
        return fvi_fail(context, status, "%s", message.text);
    if (shorter > 0)
        status = fvi_resize_sample(context, &resampler, shorter, sample);
    if (status == FV_OK && fvi_preprocess_only_places(list)) {
        fvi_pixel_table_fill(&table, preprocess);
        const fvi_placement placement = list == NULL ? fvi_placement_centred(sample->shape, input)
                                                     : fvi_augmentation_place(list, &key, sample->shape, input);
        fvi_preprocess_place(&table, sample->pixels, sample->order, sample->shape, input, placement, out);
    } else if (status == FV_OK) {
        status = fvi_preprocess_transform(context, preprocess, list, &key, &room, sample, out);
    }
    fvi_resampler_release(context, &resampler);
    fvi_augment_room_release(&room, context);
    return status;
}

fv_status fv_preprocess_image(fv_context *context, const fv_preprocess *preprocess, const uint8_t *image,
                              fv_image_shape shape, float *out)
{
    fv_sample sample = { .shape = shape, .order = FV_NCHW, .pixels = image, .whole = shape };
    return prepare(context, preprocess, &sample, (fvi_part){ .eighths = 0 }, out);
}

/* Cropping an image more than twice as large would only mislead, and so would padding one less than half as large. */
static bool size_fits(int32_t image, int32_t input)
{
    return image <= 2 * input && input <= 2 * image;
}

fv_status fv_preprocess_file(fv_context *context, const fv_preprocess *preprocess, const char *path, float *out)
{
    const fv_image_shape input = preprocess->input;
    const int32_t shorter = fvi_preprocess_resize(preprocess, preprocess->transforms);
    const fv_augment_key key = { .rows = input.h, .columns = input.w };
    fvi_list_wish wish;
    fvi_scratch scratch = { .context = context,
                            .wish = fvi_list_wish_fill(&wish, preprocess, preprocess->transforms, &key) };
    fv_sample sample;
    fvi_message said;
    fv_status status = fvi_image_load(&scratch, path, preprocess->decode_whole ? 0 : shorter, &sample);
    const bool fits = status != FV_OK || shorter > 0 || fvi_augmentation_resizes(preprocess->transforms) ||
                      (size_fits(sample.shape.h, input.h) && size_fits(sample.shape.w, input.w));
    if (!fits)
        status = fvi_fail(context, FV_ERR_SHAPE, "'%s' has %dx%d pixels, the network takes %dx%d; resize it first",
                          path, sample.shape.h, sample.shape.w, input.h, input.w);
    if (status == FV_OK) {
        status = prepare(context, preprocess, &sample, scratch.part, out);
        snprintf(said.text, sizeof said.text, "%s", fv_context_message(context));
        if (status != FV_OK)
            fvi_fail(context, status, "'%s': %s", path, said.text);
    }
    fvi_release(context, scratch.pixels);
    return status;
}
