/* SPDX-License-Identifier: Apache-2.0
 *
 * npz.c - data sets in one .npz: images, or rows of numbers, and what belongs to each. Which array is what is told by its name:
 *   training    x_train, train_images, train_x, or x, images, data      y_train, train_labels, train_y, or y, labels, targets
 *   validation  x_val, val_images, val_x                                y_val, ...
 *   test        x_test, test_images, test_x                             y_test, ...
 * Arrays of whole numbers from 0 to 255 with 3 or 4 axes are images: [n,h,w], [n,h,w,c] or [n,c,h,w]; channels are the axis of at most 4, the last where both
 * are. All others are numbers as they stand, images in the order c, h, w.
 */
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "data/sets/npy.h"
#include "data/sets/table.h"
#include "fovea/loader.h"

enum { SPLITS = 3, ROLES = 2, WORDS = 6, IMAGES = 0, LABELS = 1, MOST_CLASSES = 1 << 20 };

/* By fv_split, then what it is. */
static const char *const words[SPLITS][ROLES][WORDS] = {
    [FV_SPLIT_TRAIN] = { { "x_train", "train_images", "train_x", "x", "images", "data" },
                         { "y_train", "train_labels", "train_y", "y", "labels", "targets" } },
    [FV_SPLIT_TEST] = { { "x_test", "test_images", "test_x" }, { "y_test", "test_labels", "test_y" } },
    [FV_SPLIT_VALIDATION] = { { "x_val", "val_images", "val_x" }, { "y_val", "val_labels", "val_y" } },
};

/* A set on the way. */
typedef struct arrays {
    fv_context *context;
    const char *where;
    fv_split split;
    fvi_npy x, y;
    bool has_x, has_y;
    uint8_t *pixels; /* x in the file's order, where it is of bytes; */
    float *values;   /* else this */
    float *labels;   /* y */
    double largest;  /* label of any split */
} arrays;

/* Whether name is one of a split's words for a role. */
static bool is_word(const char *name, int32_t split, int32_t role)
{
    for (int32_t i = 0; i < WORDS && words[split][role][i] != NULL; i++)
        if (strcmp(name, words[split][role][i]) == 0)
            return true;
    return false;
}

/* All values of the array, which the archive has to have: memory is bounded by what a data set may hold. */
static fv_status read_values(arrays *a, fvi_npz *npz, const fvi_npy *header, float **values)
{
    size_t bytes = 0;
    if (!fvi_size_multiply(header->elements, sizeof **values, &bytes) || bytes > FVI_DATASET_BYTES)
        return fvi_fail(a->context, FV_ERR_FORMAT, "'%s': an array of %zu numbers is more than a data set may hold",
                        a->where, header->elements);
    float *read = fvi_allocate(a->context, bytes);
    if (read == NULL)
        return fvi_out_of_memory(a->context, "an array", bytes);
    fv_status status = fvi_npz_read(npz, read, header->elements);
    *values = read;
    if (status != FV_OK || !header->fortran || header->shape.rank < 2)
        return status;
    float *ordered = fvi_allocate(a->context, bytes);
    if (ordered == NULL)
        return fvi_out_of_memory(a->context, "an array", bytes);
    fvi_npy_from_fortran(&header->shape, read, ordered);
    fvi_release(a->context, read);
    *values = ordered;
    return FV_OK;
}

static fv_status read_x(arrays *a, fvi_npz *npz, const fvi_npy *header)
{
    a->x = *header;
    a->has_x = true;
    if (header->type != FVI_NUMBER_U8 || header->fortran)
        return read_values(a, npz, header, &a->values);
    if (header->bytes > FVI_DATASET_BYTES)
        return fvi_fail(a->context, FV_ERR_FORMAT, "'%s': images of %zu bytes are more than a data set may hold",
                        a->where, header->bytes);
    a->pixels = fvi_allocate(a->context, header->bytes);
    if (a->pixels == NULL)
        return fvi_out_of_memory(a->context, "images", header->bytes);
    return fvi_npz_read_bytes(npz, a->pixels, header->bytes);
}

static bool whole(fvi_number type)
{
    return type >= FVI_NUMBER_I8;
}

/* Labels of all splits are looked at: how many classes there are is the same for all. */
static fv_status read_y(arrays *a, fvi_npz *npz, const fvi_npy *header, bool own)
{
    float *labels = NULL;
    fv_status status = read_values(a, npz, header, &labels);
    for (size_t i = 0; status == FV_OK && whole(header->type) && i < header->elements; i++)
        a->largest = (double)labels[i] > a->largest ? (double)labels[i] : a->largest;
    if (!own || status != FV_OK) {
        fvi_release(a->context, labels);
        return status;
    }
    a->y = *header;
    a->has_y = true;
    a->labels = labels;
    return FV_OK;
}

static fv_status read_arrays(arrays *a, fvi_npz *npz)
{
    const char *name = NULL;
    fvi_npy header;
    for (;;) {
        FV_TRY(fvi_npz_next(npz, &name, &header));
        if (name == NULL)
            return FV_OK;
        if (is_word(name, (int32_t)a->split, IMAGES) && !a->has_x)
            FV_TRY(read_x(a, npz, &header));
        for (int32_t split = 0; split < SPLITS; split++)
            if (is_word(name, split, LABELS) && (split != (int32_t)a->split || !a->has_y))
                FV_TRY(read_y(a, npz, &header, split == (int32_t)a->split));
    }
}

static fv_status check_counts(const arrays *a)
{
    static const char *const splits[] = {
        [FV_SPLIT_TRAIN] = "training", [FV_SPLIT_TEST] = "test", [FV_SPLIT_VALIDATION] = "validation"
    };
    const int64_t *n = a->x.shape.size;
    if (!a->has_x)
        return fvi_fail(a->context, FV_ERR_NOT_FOUND,
                        "'%s' has no %s images: no array is called %s or %s (docs/data.md has all names)", a->where,
                        splits[a->split], words[a->split][IMAGES][0], words[a->split][IMAGES][1]);
    if (!a->has_y)
        return fvi_fail(a->context, FV_ERR_FORMAT, "'%s' has %s images and no labels: no array is called %s or %s",
                        a->where, splits[a->split], words[a->split][LABELS][0], words[a->split][LABELS][1]);
    if (a->x.shape.rank < 2 || a->x.shape.rank > 4 || a->x.elements == 0)
        return fvi_fail(a->context, FV_ERR_FORMAT,
                        "'%s': images have %d axes; [n,h,w], [n,h,w,c], [n,c,h,w] or rows [n,numbers] are read",
                        a->where, a->x.shape.rank);
    if (a->y.shape.rank < 1 || a->y.shape.rank > 2 || a->y.shape.size[0] != n[0])
        return fvi_fail(a->context, FV_ERR_FORMAT, "'%s': %lld images and %lld labels", a->where, (long long)n[0],
                        (long long)(a->y.shape.rank > 0 ? a->y.shape.size[0] : 0));
    return FV_OK;
}

/* [n,h,w] with or without channels, which are the axis of at most 4. */
static fv_status image_shape(const arrays *a, fv_image_shape *shape, bool *last)
{
    const int64_t *size = a->x.shape.size;
    int64_t c = 1, h = size[1], w = size[2];
    *last = true;
    if (a->x.shape.rank == 4) {
        *last = size[3] <= FV_MAX_CHANNELS;
        c = *last ? size[3] : size[1];
        h = *last ? size[1] : size[2];
        w = *last ? size[2] : size[3];
    }
    if (c < 1 || c > FV_MAX_CHANNELS || h < 1 || h > FVI_IMAGE_SIDE || w < 1 || w > FVI_IMAGE_SIDE)
        return fvi_fail(a->context, FV_ERR_FORMAT, "'%s': images of %lld channels and %lldx%lld pixels", a->where,
                        (long long)c, (long long)h, (long long)w);
    *shape = (fv_image_shape){ (int32_t)c, (int32_t)h, (int32_t)w };
    return FV_OK;
}

/* Classes where labels are whole numbers, one for each image; else values. */
static fv_status take_labels(const arrays *a, fvi_dataset_parts *parts)
{
    const int64_t count = a->x.shape.size[0];
    const int64_t each = a->y.shape.rank == 2 ? a->y.shape.size[1] : 1;
    if (!whole(a->y.type) || each != 1) {
        if (each < 1 || each > INT32_MAX)
            return fvi_fail(a->context, FV_ERR_FORMAT, "'%s': %lld values for each image", a->where, (long long)each);
        parts->target_count = (int32_t)each;
        parts->targets = fvi_allocate(a->context, (size_t)(count * each) * sizeof *parts->targets);
        if (parts->targets == NULL)
            return fvi_out_of_memory(a->context, "targets", (size_t)(count * each) * sizeof *parts->targets);
        memcpy(parts->targets, a->labels, (size_t)(count * each) * sizeof *parts->targets);
        return FV_OK;
    }
    if (a->largest >= MOST_CLASSES)
        return fvi_fail(a->context, FV_ERR_FORMAT, "'%s': label %.0f; at most %d", a->where, a->largest,
                        MOST_CLASSES - 1);
    parts->classes = (int32_t)a->largest + 1;
    parts->labels = fvi_allocate(a->context, (size_t)count * sizeof *parts->labels);
    if (parts->labels == NULL)
        return fvi_out_of_memory(a->context, "labels", (size_t)count * sizeof *parts->labels);
    for (int64_t i = 0; i < count; i++) {
        if (a->labels[i] < 0)
            return fvi_fail(a->context, FV_ERR_FORMAT, "'%s': label %lld is %.0f; classes are counted from 0", a->where,
                            (long long)i, (double)a->labels[i]);
        parts->labels[i] = (int32_t)a->labels[i];
    }
    return FV_OK;
}

/* Whether numbers of another type are bytes all the same: then they are images too. */
static bool are_bytes(const arrays *a)
{
    bool bytes = whole(a->x.type) && a->x.shape.rank >= 3;
    for (size_t i = 0; bytes && i < a->x.elements; i++)
        bytes = a->values[i] >= 0 && a->values[i] <= 255;
    return bytes;
}

/* The images' bytes in the order c, h, w. */
static fv_status make_images(arrays *a, fvi_dataset_parts *parts, fv_dataset **out)
{
    fv_image_shape shape = { 0 };
    bool last = true;
    FV_TRY(image_shape(a, &shape, &last));
    const size_t area = (size_t)shape.h * (size_t)shape.w, channels = (size_t)shape.c, image = area * channels;
    fvi_samples samples = { .count = a->x.shape.size[0],
                            .shape = shape,
                            .classes = parts->classes,
                            .images = fvi_allocate(a->context, a->x.elements) };
    if (samples.images == NULL)
        return fvi_out_of_memory(a->context, "images", a->x.elements);
    for (size_t i = 0; i < a->x.elements; i++) {
        const size_t in = i % image;
        const size_t at = last ? i - in + in % channels * area + in / channels : i;
        samples.images[at] = a->pixels != NULL ? a->pixels[i] : (uint8_t)a->values[i];
    }
    samples.labels = parts->labels;
    parts->labels = NULL;
    return fvi_dataset_adopt(out, a->context, a->where, &samples);
}

/* Numbers as they stand; images in the order c, h, w. */
static fv_status make_numbers(arrays *a, fvi_dataset_parts *parts, fv_dataset **out)
{
    const int64_t count = a->x.shape.size[0], columns = (int64_t)a->x.elements / count;
    fv_image_shape shape = { 1, 1, 1 };
    bool last = false;
    if (columns > INT32_MAX)
        return fvi_fail(a->context, FV_ERR_FORMAT, "'%s': rows of %lld numbers", a->where, (long long)columns);
    if (a->x.shape.rank == 4)
        FV_TRY(image_shape(a, &shape, &last));
    float *values = fvi_allocate(a->context, a->x.elements * sizeof *values);
    if (values == NULL)
        return fvi_out_of_memory(a->context, "numbers", a->x.elements * sizeof *values);
    const size_t area = (size_t)shape.h * (size_t)shape.w, channels = (size_t)shape.c, row = (size_t)columns;
    for (size_t i = 0; i < a->x.elements; i++) {
        const size_t in = i % row, at = last ? i - in + in % channels * area + in / channels : i;
        values[at] = a->values != NULL ? a->values[i] : (float)a->pixels[i];
    }
    return fvi_numbers_make(out, a->context, a->where, values, count, (int32_t)columns, parts);
}

static fv_status make(arrays *a, fv_dataset **out)
{
    fvi_dataset_parts parts = { 0 };
    FV_TRY(check_counts(a));
    fv_status status = take_labels(a, &parts);
    const bool images = a->x.shape.rank >= 3 && parts.target_count == 0 && (a->pixels != NULL || are_bytes(a));
    if (status == FV_OK)
        status = images ? make_images(a, &parts, out) : make_numbers(a, &parts, out);
    if (status != FV_OK)
        fvi_dataset_parts_release(a->context, &parts);
    return status;
}

fv_status fvi_npz_dataset_open(fv_dataset **out, fv_context *context, const char *where, const char *path,
                               fv_split split)
{
    arrays a = { .context = context, .where = where, .split = split };
    fvi_npz *npz = NULL;
    *out = NULL;
    FV_TRY(fvi_npz_open(&npz, context, path));
    fv_status status = read_arrays(&a, npz);
    fvi_npz_close(npz);
    if (status == FV_OK)
        status = make(&a, out);
    fvi_release(context, a.pixels);
    fvi_release(context, a.values);
    fvi_release(context, a.labels);
    return status;
}
