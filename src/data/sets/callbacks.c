/* SPDX-License-Identifier: Apache-2.0
 *
 * callbacks.c - data sets whose samples a program gives when they are asked for.
 */
#include <string.h>

#include "base/checked.h"
#include "data/image/image_internal.h"
#include "fovea/loader.h"

typedef struct callbacks {
    fv_dataset_callbacks given; /* name, class_names: not read after creation */
    char *name;
} callbacks;

static fv_status check_shape(fv_context *context, const callbacks *set, int64_t index, fv_image_shape shape)
{
    if (shape.c < 1 || shape.c > FV_MAX_CHANNELS || shape.h < 1 || shape.h > FVI_IMAGE_MOST_SIDE || shape.w < 1 ||
        shape.w > FVI_IMAGE_MOST_SIDE || (int64_t)shape.h * shape.w > FVI_IMAGE_MOST_PIXELS)
        return fvi_fail(
            context, FV_ERR_SHAPE,
            "data set '%s', sample %lld: %dx%dx%d (channels, rows, columns): channels must be 1 to %d, sides 1 "
            "to %d",
            set->name, (long long)index, shape.c, shape.h, shape.w, FV_MAX_CHANNELS, FVI_IMAGE_MOST_SIDE);
    return FV_OK;
}

static fv_status read_sample(const void *state, int64_t index, int32_t shorter, fvi_scratch *scratch, fv_sample *sample)
{
    const callbacks *set = state;
    fv_image_shape shape = set->given.shape;
    fv_status status = FV_OK;
    (void)shorter;
    if (set->given.sample_shape != NULL)
        status = set->given.sample_shape(set->given.user, index, &shape);
    if (status == FV_OK) {
        FV_TRY(check_shape(scratch->context, set, index, shape));
        FV_TRY(fvi_scratch_reserve(scratch, set->name, (size_t)shape.c * (size_t)shape.h * (size_t)shape.w));
        status = set->given.read(set->given.user, index, shape, scratch->pixels);
    }
    if (status != FV_OK)
        return fvi_fail(scratch->context, status, "data set '%s', sample %lld: the program could not give it: %s",
                        set->name, (long long)index, fv_status_name(status));
    *sample = (fv_sample){ .shape = shape, .order = FV_NHWC, .pixels = scratch->pixels, .whole = shape };
    return FV_OK;
}

static void destroy(fv_context *context, void *state)
{
    callbacks *set = state;
    if (set->given.release != NULL)
        set->given.release(set->given.user);
    fvi_release(context, set->name);
    fvi_release(context, set);
}

static const fvi_dataset_type type_callbacks = { .name = "callbacks", .read = read_sample, .destroy = destroy };

static fv_status check(fv_context *context, const fv_dataset_callbacks *given)
{
    const char *name = given->name != NULL ? given->name : "callbacks";
    if (given->read == NULL || given->label == NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT, "data set '%s': both label and read must be given", name);
    if (given->count < 1 || given->count > INT32_MAX)
        return fvi_fail(context, FV_ERR_ARGUMENT, "data set '%s' of %lld samples: there must be 1 to %d", name,
                        (long long)given->count, INT32_MAX);
    if (given->classes < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT, "data set '%s' of %d classes: there must be at least 1", name,
                        given->classes);
    const callbacks set = { .name = (char *)name };
    return given->sample_shape != NULL ? FV_OK : check_shape(context, &set, 0, given->shape);
}

static fv_status copy_names(fv_context *context, const char *const *names, fvi_dataset_parts *parts)
{
    parts->names = fvi_allocate_zeroed(context, (size_t)parts->classes, sizeof *parts->names);
    if (parts->names == NULL)
        return fvi_out_of_memory(context, "class names", (size_t)parts->classes * sizeof *parts->names);
    for (int32_t i = 0; i < parts->classes; i++) {
        parts->names[i] = fvi_duplicate_text(context, names[i]);
        if (parts->names[i] == NULL)
            return fvi_out_of_memory(context, "a class name", strlen(names[i]) + 1);
    }
    return FV_OK;
}

static fv_status ask_labels(fv_context *context, const callbacks *set, fvi_dataset_parts *parts)
{
    parts->labels = fvi_allocate(context, (size_t)parts->count * sizeof *parts->labels);
    if (parts->labels == NULL)
        return fvi_out_of_memory(context, "labels", (size_t)parts->count * sizeof *parts->labels);
    for (int64_t i = 0; i < parts->count; i++) {
        const int32_t label = set->given.label(set->given.user, i);
        if (label < 0 || label >= parts->classes)
            return fvi_fail(context, FV_ERR_ARGUMENT,
                            "data set '%s': label %lld is %d; with %d classes it must be 0 to %d", set->name,
                            (long long)i, label, parts->classes, parts->classes - 1);
        parts->labels[i] = label;
    }
    return FV_OK;
}

fv_status fv_dataset_from_callbacks(fv_dataset **out, fv_context *context, const fv_dataset_callbacks *given)
{
    *out = NULL;
    FV_TRY(check(context, given));
    callbacks *set = fvi_allocate_zeroed(context, 1, sizeof *set);
    if (set == NULL)
        return fvi_out_of_memory(context, "a data set", sizeof *set);
    set->given = *given;
    set->given.release = NULL; /* until the set is there, the program's own is the program's */
    set->name = fvi_duplicate_text(context, given->name != NULL ? given->name : "callbacks");
    fvi_dataset_parts parts = { .type = &type_callbacks,
                                .state = set,
                                .count = given->count,
                                .shape = given->sample_shape != NULL ? (fv_image_shape){ 0, 0, 0 } : given->shape,
                                .classes = given->classes };
    fv_status status = set->name != NULL ? FV_OK : fvi_out_of_memory(context, "a name", 0);
    if (status == FV_OK && given->class_names != NULL)
        status = copy_names(context, given->class_names, &parts);
    if (status == FV_OK)
        status = ask_labels(context, set, &parts);
    if (status != FV_OK) {
        fvi_dataset_parts_release(context, &parts);
        return status;
    }
    FV_TRY(fvi_dataset_make(out, context, set->name, &parts));
    set->given.release = given->release;
    return FV_OK;
}
