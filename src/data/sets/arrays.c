/* SPDX-License-Identifier: Apache-2.0
 *
 * arrays.c - data sets that lie in memory as bytes: what IDX and CIFAR files become, and arrays of the caller's.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "data/dataset_internal.h"
#include "fovea/loader.h"

typedef struct arrays {
    uint8_t *images; /* [count][c][h][w] */
    fv_image_shape shape;
    size_t image_bytes;
} arrays;

static fv_status read_array(const void *state, int64_t index, int32_t shorter, fvi_scratch *scratch, fv_sample *sample)
{
    const arrays *set = state;
    (void)shorter;
    (void)scratch;
    *sample = (fv_sample){ .shape = set->shape,
                           .order = FV_NCHW,
                           .pixels = set->images + (size_t)index * set->image_bytes,
                           .whole = set->shape };
    return FV_OK;
}

static void destroy_arrays(fv_context *context, void *state)
{
    arrays *set = state;
    fvi_release(context, set->images);
    fvi_release(context, set);
}

static const fvi_dataset_type type_arrays = { .name = "arrays", .read = read_array, .destroy = destroy_arrays };

void fvi_samples_release(fv_context *context, fvi_samples *samples)
{
    fvi_release(context, samples->images);
    fvi_release(context, samples->labels);
    for (int32_t i = 0; samples->names != NULL && i < samples->classes; i++)
        fvi_release(context, samples->names[i]);
    fvi_release(context, samples->names);
    *samples = (fvi_samples){ 0 };
}

fv_status fvi_dataset_adopt(fv_dataset **out, fv_context *context, const char *name, fvi_samples *samples)
{
    *out = NULL;
    arrays *set = fvi_allocate(context, sizeof *set);
    if (set == NULL) {
        fvi_samples_release(context, samples);
        return fvi_out_of_memory(context, "a data set", sizeof *set);
    }
    const fv_image_shape shape = samples->shape;
    *set = (arrays){ .images = samples->images,
                     .shape = shape,
                     .image_bytes = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w };
    fvi_dataset_parts parts = { .type = &type_arrays,
                                .state = set,
                                .count = samples->count,
                                .shape = shape,
                                .classes = samples->classes,
                                .names = samples->names,
                                .labels = samples->labels,
                                .pixels = samples->images };
    *samples = (fvi_samples){ 0 };
    return fvi_dataset_make(out, context, name, &parts);
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
