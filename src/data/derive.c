/* SPDX-License-Identifier: Apache-2.0
 *
 * derive.c - data sets made of another: fewer samples, noisy labels, shuffled pixels. All is decided when the set is made, so that a
 * reader finds a data set like any other.
 */
#include "fovea/derive.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/random.h"
#include "data/dataset_internal.h"

typedef struct derived {
    const fv_dataset *base; /* retained; NULL once all that is needed of it has been copied */
    char *name;             /* base's */
    int32_t *index;         /* [count]: which of base's samples */
    uint8_t *pixels;        /* [count][c][h][w] of its own; NULL: base's */
    fv_image_shape shape;
    size_t image_bytes;
} derived;

static fv_status read_derived(const void *state, int64_t index, int32_t shorter, fvi_scratch *scratch,
                              fv_sample *sample)
{
    const derived *set = state;
    if (set->pixels == NULL)
        return fvi_dataset_read(set->base, set->index[index], shorter, scratch, sample);
    *sample = (fv_sample){ .shape = set->shape,
                           .order = FV_NCHW,
                           .pixels = set->pixels + (size_t)index * set->image_bytes,
                           .whole = set->shape };
    return FV_OK;
}

static void name_derived(const void *state, int64_t index, char *text, size_t size)
{
    const derived *set = state;
    if (set->base != NULL)
        fv_dataset_sample_name(set->base, set->index[index], text, size);
    else /* as dataset.c names samples in memory */
        snprintf(text, size, "%s, sample %lld", set->name, (long long)set->index[index]);
}

static void destroy_derived(fv_context *context, void *state)
{
    derived *set = state;
    if (set->base != NULL)
        fvi_dataset_release(set->base);
    fvi_release(context, set->name);
    fvi_release(context, set->index);
    fvi_release(context, set->pixels);
    fvi_release(context, set);
}

static const fvi_dataset_type type_derived = {
    .name = "derived", .read = read_derived, .sample_name = name_derived, .destroy = destroy_derived
};

static fv_status check_options(fv_context *context, const fv_dataset *dataset, const fv_derive_options *o)
{
    const char *name = fv_dataset_name(dataset);
    if (o->per_class < 0)
        return fvi_fail(context, FV_ERR_ARGUMENT, "a part of '%s': %lld samples of each class are below 0", name,
                        (long long)o->per_class);
    if (!(o->fraction >= 0 && o->fraction <= 1))
        return fvi_fail(context, FV_ERR_ARGUMENT, "a part of '%s': the fraction is %g, but must be 0 to 1", name,
                        o->fraction);
    if (o->per_class > 0 && o->fraction > 0 && o->fraction < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "a part of '%s': either %lld samples of each class or a fraction of %g, not both", name,
                        (long long)o->per_class, o->fraction);
    if (!(o->label_noise >= 0 && o->label_noise <= 1))
        return fvi_fail(context, FV_ERR_ARGUMENT, "labels of '%s': the noise is %g, but must be 0 to 1", name,
                        o->label_noise);
    if ((o->per_class > 0 || o->label_noise > 0) && fv_dataset_classes(dataset) < 1)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "'%s' has values to come close to and no classes: there can be neither a number of samples per "
                        "class nor noisy labels",
                        name);
    if ((int)o->pixels < 0 || o->pixels > FV_PIXELS_SHUFFLED_EACH)
        return fvi_fail(context, FV_ERR_ARGUMENT, "pixels of '%s': there is no order %d", name, (int)o->pixels);
    if (o->pixels != FV_PIXELS_KEPT && (fv_dataset_count(dataset) < 1 || fv_dataset_image(dataset, 0) == NULL))
        return fvi_fail(context, FV_ERR_UNSUPPORTED,
                        "pixels of '%s': samples that are read one by one cannot be shuffled, only images in memory "
                        "(IDX, CIFAR)",
                        name);
    return FV_OK;
}

/* How many of a class's samples stay. */
static int64_t part_of(const fv_derive_options *o, int64_t samples)
{
    if (o->per_class > 0)
        return samples < o->per_class ? samples : o->per_class;
    if (!(o->fraction > 0 && o->fraction < 1))
        return samples;
    const int64_t part = (int64_t)floor(o->fraction * (double)samples + 0.5);
    return part > 0 || samples == 0 ? part : 1;
}

/* Room for choosing: the samples of each class, one class behind the other. */
typedef struct choice {
    int32_t *samples; /* [count] */
    int64_t *begin;   /* [classes + 1] */
    bool *kept;       /* [count] */
} choice;

static int32_t class_of(const fv_dataset *dataset, int64_t sample)
{
    const int32_t label = fv_dataset_label(dataset, sample);
    return label > 0 ? label : 0; /* -1: no classes, all samples are alike */
}

static void gather_classes(const fv_dataset *dataset, int32_t classes, choice *c)
{
    const int64_t count = fv_dataset_count(dataset);
    for (int64_t i = 0; i < count; i++)
        c->begin[class_of(dataset, i) + 1]++;
    for (int32_t k = 0; k < classes; k++)
        c->begin[k + 1] += c->begin[k];
    for (int64_t i = 0; i < count; i++)
        c->samples[c->begin[class_of(dataset, i)]++] = (int32_t)i;
    for (int32_t k = classes; k > 0; k--)
        c->begin[k] = c->begin[k - 1];
    c->begin[0] = 0;
}

/* The samples that stay, in their order; returns how many. */
static int64_t choose(const fv_dataset *dataset, const fv_derive_options *o, int32_t classes, const choice *c,
                      int32_t *index)
{
    int64_t chosen = 0;
    for (int32_t k = 0; k < classes; k++) {
        int32_t *samples = c->samples + c->begin[k];
        const int64_t there = c->begin[k + 1] - c->begin[k], part = part_of(o, there);
        if (o->per_class == 0 && part < there)
            fvi_random_shuffle(fvi_random_start(o->seed, FVI_PURPOSE_SUBSET, (uint64_t)k), samples, there);
        for (int64_t i = 0; i < part; i++)
            c->kept[samples[i]] = true;
    }
    for (int64_t i = 0; i < fv_dataset_count(dataset); i++)
        if (c->kept[i])
            index[chosen++] = (int32_t)i;
    return chosen;
}

static fv_status choose_samples(fv_context *context, const fv_dataset *dataset, const fv_derive_options *o,
                                derived *set, int64_t *count)
{
    const size_t samples = (size_t)fv_dataset_count(dataset);
    const int32_t classes = fv_dataset_classes(dataset) > 0 ? fv_dataset_classes(dataset) : 1;
    choice c = { .samples = fvi_allocate(context, (samples + 1) * sizeof *c.samples),
                 .begin = fvi_allocate_zeroed(context, (size_t)classes + 1, sizeof *c.begin),
                 .kept = fvi_allocate_zeroed(context, samples + 1, sizeof *c.kept) };
    set->index = fvi_allocate(context, (samples + 1) * sizeof *set->index);
    const bool made = c.samples != NULL && c.begin != NULL && c.kept != NULL && set->index != NULL;
    if (made) {
        gather_classes(dataset, classes, &c);
        *count = choose(dataset, o, classes, &c, set->index);
    }
    fvi_release(context, c.samples);
    fvi_release(context, c.begin);
    fvi_release(context, c.kept);
    return made ? FV_OK : fvi_out_of_memory(context, "a part of a data set", samples * sizeof *set->index);
}

/* out[place] = in[place of the permutation], plane by plane. */
static void permute(uint8_t *out, const uint8_t *in, const int32_t *places, size_t plane, int32_t channels)
{
    for (int32_t c = 0; c < channels; c++)
        for (size_t p = 0; p < plane; p++)
            out[(size_t)c * plane + p] = in[(size_t)c * plane + (size_t)places[p]];
}

static void start_permutation(int32_t *places, size_t plane, uint64_t seed, uint64_t stream)
{
    for (size_t p = 0; p < plane; p++)
        places[p] = (int32_t)p;
    fvi_random_shuffle(fvi_random_start(seed, FVI_PURPOSE_PIXELS, stream), places, (int64_t)plane);
}

static void copy_pixels(const fv_dataset *dataset, const fv_derive_options *o, derived *set, int64_t count,
                        int32_t *places)
{
    const size_t plane = (size_t)set->shape.h * (size_t)set->shape.w;
    if (o->pixels == FV_PIXELS_SHUFFLED)
        start_permutation(places, plane, o->seed, 0);
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *image = fv_dataset_image(dataset, set->index[i]);
        uint8_t *out = set->pixels + (size_t)i * set->image_bytes;
        if (o->pixels == FV_PIXELS_SHUFFLED_EACH)
            start_permutation(places, plane, o->seed, (uint64_t)set->index[i] + 1);
        if (o->pixels == FV_PIXELS_KEPT)
            memcpy(out, image, set->image_bytes);
        else
            permute(out, image, places, plane, set->shape.c);
    }
}

/* Images in memory that become fewer, or change. */
static fv_status own_pixels(fv_context *context, const fv_dataset *dataset, const fv_derive_options *o, derived *set,
                            int64_t count)
{
    const size_t plane = (size_t)set->shape.h * (size_t)set->shape.w;
    size_t bytes = 0;
    if (fvi_size_multiply((size_t)count, set->image_bytes, &bytes))
        set->pixels = fvi_allocate(context, bytes);
    int32_t *places = fvi_allocate(context, plane * sizeof *places);
    const bool made = set->pixels != NULL && places != NULL;
    if (made)
        copy_pixels(dataset, o, set, count, places);
    fvi_release(context, places);
    return made ? FV_OK : fvi_out_of_memory(context, "pixels of a data set", bytes);
}

static fv_status copy_names(fv_context *context, const fv_dataset *dataset, fvi_dataset_parts *parts)
{
    parts->classes = fv_dataset_classes(dataset);
    if (parts->classes < 1)
        return FV_OK;
    parts->names = fvi_allocate_zeroed(context, (size_t)parts->classes, sizeof *parts->names);
    if (parts->names == NULL)
        return fvi_out_of_memory(context, "class names", (size_t)parts->classes * sizeof *parts->names);
    for (int32_t i = 0; i < parts->classes; i++) {
        parts->names[i] = fvi_duplicate_text(context, fv_dataset_class_name(dataset, i));
        if (parts->names[i] == NULL)
            return fvi_out_of_memory(context, "a class name", 0);
    }
    return FV_OK;
}

static int32_t noisy(const fv_dataset *dataset, const fv_derive_options *o, int32_t sample)
{
    const int32_t label = fv_dataset_label(dataset, sample);
    fvi_random random = fvi_random_start(o->seed, FVI_PURPOSE_LABEL, (uint64_t)sample);
    if (!(o->label_noise > 0) || fvi_random_uniform(&random) >= o->label_noise)
        return label;
    return (int32_t)fvi_random_below(&random, (uint32_t)fv_dataset_classes(dataset));
}

static fv_status copy_targets(fv_context *context, const fv_dataset *dataset, const fv_derive_options *o,
                              const derived *set, fvi_dataset_parts *parts)
{
    const size_t count = (size_t)parts->count, targets = (size_t)fv_dataset_target_count(dataset);
    if (fv_dataset_classes(dataset) > 0 && targets == 0) {
        parts->labels = fvi_allocate(context, count * sizeof *parts->labels);
        if (parts->labels == NULL)
            return fvi_out_of_memory(context, "labels", count * sizeof *parts->labels);
        for (size_t i = 0; i < count; i++)
            parts->labels[i] = noisy(dataset, o, set->index[i]);
        return FV_OK;
    }
    size_t values = 0, bytes = 0;
    parts->target_count = (int32_t)targets;
    if (fvi_size_multiply(count, targets, &values) && fvi_size_multiply(values, sizeof(float), &bytes))
        parts->targets = fvi_allocate(context, bytes);
    if (parts->targets == NULL)
        return fvi_out_of_memory(context, "targets", bytes);
    for (size_t i = 0; i < count; i++)
        memcpy(parts->targets + i * targets, fv_dataset_targets(dataset, set->index[i]),
               targets * sizeof *parts->targets);
    return FV_OK;
}

/* Into parts, which has its state already. */
static fv_status derive(fv_context *context, const fv_dataset *dataset, const fv_derive_options *o, derived *set,
                        fvi_dataset_parts *parts)
{
    const fv_image_shape shape = parts->shape = set->shape = fv_dataset_shape(dataset);
    const bool in_memory = fv_dataset_count(dataset) > 0 && fv_dataset_image(dataset, 0) != NULL;
    set->image_bytes = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    set->name = fvi_duplicate_text(context, fv_dataset_name(dataset));
    if (set->name == NULL)
        return fvi_out_of_memory(context, "a name", 0);
    FV_TRY(choose_samples(context, dataset, o, set, &parts->count));
    FV_TRY(copy_names(context, dataset, parts));
    FV_TRY(copy_targets(context, dataset, o, set, parts));
    parts->numeric = fvi_dataset_numeric(dataset);
    const bool whole = parts->count == fv_dataset_count(dataset);
    if (in_memory && (!whole || o->pixels != FV_PIXELS_KEPT)) {
        FV_TRY(own_pixels(context, dataset, o, set, parts->count));
        parts->pixels = set->pixels;
        return FV_OK;
    }
    parts->pixels = in_memory ? fv_dataset_image(dataset, 0) : NULL;
    fvi_dataset_retain(dataset);
    set->base = dataset;
    return FV_OK;
}

fv_status fv_dataset_derive(fv_dataset **out, fv_context *context, const fv_dataset *dataset,
                            const fv_derive_options *options)
{
    *out = NULL;
    FV_TRY(check_options(context, dataset, options));
    derived *set = fvi_allocate_zeroed(context, 1, sizeof *set);
    if (set == NULL)
        return fvi_out_of_memory(context, "a data set", sizeof *set);
    fvi_dataset_parts parts = { .type = &type_derived, .state = set };
    const fv_status status = derive(context, dataset, options, set, &parts);
    if (status != FV_OK) {
        fvi_dataset_parts_release(context, &parts);
        return status;
    }
    return fvi_dataset_make(out, context, fv_dataset_name(dataset), &parts);
}
