/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset.c - a split of a data set in memory, its class names and statistics.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "data/dataset_internal.h"
#include "fovea/loader.h"

struct fv_dataset {
    fv_context *context;
    char *name;
    fvi_samples samples;
    size_t image_bytes;
    double mean[FV_MAX_CHANNELS], deviation[FV_MAX_CHANNELS];
};

void fvi_samples_release(fv_context *context, fvi_samples *samples)
{
    fvi_release(context, samples->images);
    fvi_release(context, samples->labels);
    for (int32_t i = 0; samples->names != NULL && i < samples->classes; i++)
        fvi_release(context, samples->names[i]);
    fvi_release(context, samples->names);
    *samples = (fvi_samples){ 0 };
}

/* Exact: sums of bytes and of their squares in 64 bits (2^36 bytes * 255^2 < 2^52), divided once. */
static void measure(fv_dataset *dataset)
{
    const size_t plane = (size_t)dataset->samples.shape.h * (size_t)dataset->samples.shape.w;
    uint64_t sum[FV_MAX_CHANNELS] = { 0 }, squares[FV_MAX_CHANNELS] = { 0 };
    const uint8_t *pixel = dataset->samples.images;
    for (int64_t i = 0; i < dataset->samples.count; i++)
        for (int32_t c = 0; c < dataset->samples.shape.c; c++)
            for (size_t p = 0; p < plane; p++, pixel++) {
                sum[c] += *pixel;
                squares[c] += (uint64_t)*pixel * *pixel;
            }
    const double pixels = (double)dataset->samples.count * (double)plane;
    for (int32_t c = 0; c < dataset->samples.shape.c; c++) {
        const double mean = (double)sum[c] / pixels;
        const double variance = (double)squares[c] / pixels - mean * mean;
        dataset->mean[c] = mean / 255.0;
        dataset->deviation[c] = variance > 0.0 ? sqrt(variance) / 255.0 : 0.0;
    }
}

static fv_status name_classes(fv_context *context, fvi_samples *samples)
{
    if (samples->names != NULL)
        return FV_OK;
    samples->names = fvi_allocate_zeroed(context, (size_t)samples->classes, sizeof *samples->names);
    if (samples->names == NULL)
        return fvi_out_of_memory(context, "class names", (size_t)samples->classes * sizeof *samples->names);
    for (int32_t i = 0; i < samples->classes; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", (int)i);
        samples->names[i] = fvi_duplicate_text(context, number);
        if (samples->names[i] == NULL)
            return fvi_out_of_memory(context, "a class name", sizeof number);
    }
    return FV_OK;
}

fv_status fvi_dataset_adopt(fv_dataset **out, fv_context *context, const char *name, fvi_samples *samples)
{
    *out = NULL;
    fv_dataset *dataset = fvi_allocate_zeroed(context, 1, sizeof *dataset);
    if (dataset == NULL) {
        fvi_samples_release(context, samples);
        return fvi_out_of_memory(context, "a data set", sizeof *dataset);
    }
    dataset->context = context;
    dataset->samples = *samples;
    *samples = (fvi_samples){ 0 };
    dataset->image_bytes =
        (size_t)dataset->samples.shape.c * (size_t)dataset->samples.shape.h * (size_t)dataset->samples.shape.w;
    dataset->name = fvi_duplicate_text(context, name);
    fv_status status = dataset->name != NULL ? FV_OK : fvi_out_of_memory(context, "a name", strlen(name));
    if (status == FV_OK)
        status = name_classes(context, &dataset->samples);
    if (status != FV_OK) {
        fv_dataset_destroy(dataset);
        return status;
    }
    measure(dataset);
    *out = dataset;
    return FV_OK;
}

static fv_status check_arrays(fv_context *context, const int32_t *labels, int64_t count, fv_image_shape shape,
                              int32_t classes, size_t *bytes)
{
    if (count < 1 || count > INT32_MAX)
        return fvi_fail(context, FV_ERR_ARGUMENT, "a data set of %lld samples: there must be 1 to %d", (long long)count,
                        INT32_MAX);
    if (shape.c < 1 || shape.c > FV_MAX_CHANNELS || shape.h < 1 || shape.h > FVI_IMAGE_SIDE || shape.w < 1 ||
        shape.w > FVI_IMAGE_SIDE)
        return fvi_fail(context, FV_ERR_SHAPE,
                        "images of %dx%dx%d (channels, rows, columns): channels must be 1 to %d, sides 1 to %d",
                        shape.c, shape.h, shape.w, FV_MAX_CHANNELS, FVI_IMAGE_SIDE);
    if (classes < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT, "a data set of %d classes: there must be at least 1", classes);
    if (!fvi_size_multiply((size_t)count, (size_t)shape.c * (size_t)shape.h * (size_t)shape.w, bytes) ||
        *bytes > FVI_DATASET_BYTES)
        return fvi_fail(context, FV_ERR_SHAPE, "%lld images of %dx%dx%d are more than a data set may hold (%zu bytes)",
                        (long long)count, shape.c, shape.h, shape.w, FVI_DATASET_BYTES);
    for (int64_t i = 0; i < count; i++)
        if (labels[i] < 0 || labels[i] >= classes)
            return fvi_fail(context, FV_ERR_ARGUMENT, "label %lld is %d; with %d classes it must be 0 to %d",
                            (long long)i, labels[i], classes, classes - 1);
    return FV_OK;
}

static fv_status copy_names(fv_context *context, const char *const *names, fvi_samples *samples)
{
    samples->names = fvi_allocate_zeroed(context, (size_t)samples->classes, sizeof *samples->names);
    if (samples->names == NULL)
        return fvi_out_of_memory(context, "class names", (size_t)samples->classes * sizeof *samples->names);
    for (int32_t i = 0; i < samples->classes; i++) {
        samples->names[i] = fvi_duplicate_text(context, names[i]);
        if (samples->names[i] == NULL)
            return fvi_out_of_memory(context, "a class name", strlen(names[i]) + 1);
    }
    return FV_OK;
}

fv_status fv_dataset_from_arrays(fv_dataset **out, fv_context *context, const uint8_t *images, const int32_t *labels,
                                 int64_t count, fv_image_shape shape, int32_t classes, const char *const *names)
{
    size_t bytes = 0;
    *out = NULL;
    FV_TRY(check_arrays(context, labels, count, shape, classes, &bytes));
    fvi_samples samples = { .count = count, .shape = shape, .classes = classes };
    samples.images = fvi_allocate(context, bytes);
    samples.labels = fvi_allocate(context, (size_t)count * sizeof *labels);
    fv_status status = FV_OK;
    if (samples.images == NULL || samples.labels == NULL)
        status = fvi_out_of_memory(context, "a data set", bytes);
    if (status == FV_OK && names != NULL)
        status = copy_names(context, names, &samples);
    if (status != FV_OK) {
        fvi_samples_release(context, &samples);
        return status;
    }
    memcpy(samples.images, images, bytes);
    memcpy(samples.labels, labels, (size_t)count * sizeof *labels);
    return fvi_dataset_adopt(out, context, "arrays", &samples);
}

fv_status fv_dataset_open(fv_dataset **out, fv_context *context, const char *where, fv_split split)
{
    *out = NULL;
    fvi_place *place = fvi_allocate(context, sizeof *place);
    if (place == NULL)
        return fvi_out_of_memory(context, "a path", sizeof *place);
    fvi_samples samples = { 0 };
    fv_status status = fvi_dataset_find(context, where, place);
    if (status == FV_OK && place->layout == FVI_LAYOUT_IDX)
        status = fvi_idx_read(context, place->path, split, &samples);
    else if (status == FV_OK && place->layout == FVI_LAYOUT_CIFAR_FOLDER)
        status = fvi_cifar_read_folder(context, place->path, split, &samples);
    else if (status == FV_OK)
        status = fvi_cifar_read_archive(context, place->path, split, &samples);
    fvi_release(context, place);
    if (status != FV_OK) {
        fvi_samples_release(context, &samples);
        return status;
    }
    return fvi_dataset_adopt(out, context, where, &samples);
}

void fv_dataset_destroy(fv_dataset *dataset)
{
    if (dataset == NULL)
        return;
    fv_context *context = dataset->context;
    fvi_samples_release(context, &dataset->samples);
    fvi_release(context, dataset->name);
    fvi_release(context, dataset);
}

int64_t fv_dataset_count(const fv_dataset *dataset)
{
    return dataset->samples.count;
}

fv_image_shape fv_dataset_shape(const fv_dataset *dataset)
{
    return dataset->samples.shape;
}

int32_t fv_dataset_classes(const fv_dataset *dataset)
{
    return dataset->samples.classes;
}

const char *fv_dataset_class_name(const fv_dataset *dataset, int32_t index)
{
    return index >= 0 && index < dataset->samples.classes ? dataset->samples.names[index] : NULL;
}

const char *fv_dataset_name(const fv_dataset *dataset)
{
    return dataset->name;
}

const uint8_t *fv_dataset_image(const fv_dataset *dataset, int64_t index)
{
    return dataset->samples.images + (size_t)index * dataset->image_bytes;
}

int32_t fv_dataset_label(const fv_dataset *dataset, int64_t index)
{
    return dataset->samples.labels[index];
}

void fv_dataset_statistics(const fv_dataset *dataset, double mean[4], double deviation[4])
{
    memcpy(mean, dataset->mean, sizeof dataset->mean);
    memcpy(deviation, dataset->deviation, sizeof dataset->deviation);
}
