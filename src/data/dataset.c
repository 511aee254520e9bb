/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset.c - what every data set has: a name, targets, class names, statistics. How samples are read is its type's.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset_internal.h"
#include "data/preprocess.h"
#include "data/sets/pack.h"
#include "data/sets/table.h"
#include "fovea/loader.h"

enum { PROBED_IMAGES = 256 };

struct fv_dataset {
    fv_context *context; /* of its own: the set may outlive the one it was made with (fvi_dataset_retain()) */
    atomic_int references;
    char *name;
    fvi_dataset_parts parts;
    size_t image_bytes;
    /* Of decoded sets measured at the first call. */
    pthread_mutex_t measuring;
    bool measured;
    double mean[FV_MAX_CHANNELS], deviation[FV_MAX_CHANNELS];
};

/* Exact: sums of bytes and of their squares in 64 bits (2^36 bytes * 255^2 < 2^52), divided once. */
typedef struct pixel_sums {
    uint64_t sum[FV_MAX_CHANNELS], squares[FV_MAX_CHANNELS], pixels;
} pixel_sums;

static void add_channel(pixel_sums *sums, int32_t c, const uint8_t *pixels, size_t count, size_t step)
{
    uint64_t sum = 0, squares = 0;
    for (size_t p = 0; p < count; p++, pixels += step) {
        sum += *pixels;
        squares += (uint64_t)*pixels * *pixels;
    }
    sums->sum[c] += sum;
    sums->squares[c] += squares;
}

/* Adds a sample, grey as three equal channels where `channels` are 3. */
static void add_sample(pixel_sums *sums, const fv_sample *sample, int32_t channels)
{
    const size_t plane = (size_t)sample->shape.h * (size_t)sample->shape.w;
    const bool interleaved = sample->order == FV_NHWC;
    for (int32_t c = 0; c < channels; c++) {
        const size_t from = sample->shape.c == channels ? (size_t)c : 0;
        add_channel(sums, c, sample->pixels + (interleaved ? from : from * plane), plane,
                    interleaved ? (size_t)sample->shape.c : 1);
    }
    sums->pixels += plane;
}

static void finish_sums(const pixel_sums *sums, fv_dataset *dataset)
{
    for (int32_t c = 0; c < FV_MAX_CHANNELS && sums->pixels > 0; c++) {
        const double mean = (double)sums->sum[c] / (double)sums->pixels;
        const double variance = (double)sums->squares[c] / (double)sums->pixels - mean * mean;
        dataset->mean[c] = mean / 255.0;
        dataset->deviation[c] = variance > 0.0 ? sqrt(variance) / 255.0 : 0.0;
    }
}

static void measure(fv_dataset *dataset)
{
    const fv_image_shape shape = dataset->parts.shape;
    pixel_sums sums = { .pixels = 0 };
    for (int64_t i = 0; i < dataset->parts.count; i++) {
        const fv_sample sample = { .shape = shape, .order = FV_NCHW, .pixels = fv_dataset_image(dataset, i) };
        add_sample(&sums, &sample, shape.c);
    }
    finish_sums(&sums, dataset);
}

/* Images that cannot be read are left out here; who trains on them learns of them. */
static void probe(fv_dataset *dataset)
{
    const int64_t count = dataset->parts.count, images = count < PROBED_IMAGES ? count : PROBED_IMAGES;
    const int32_t channels = dataset->parts.shape.c < 2 ? 3 : dataset->parts.shape.c;
    pixel_sums sums = { .pixels = 0 };
    fv_reader *reader = NULL;
    if (fv_reader_create(&reader, dataset->context, dataset) != FV_OK)
        return;
    for (int64_t i = 0; i < images; i++) {
        fv_sample sample;
        if (fv_reader_read(reader, i * count / images, 0, &sample) == FV_OK && sample.pixels != NULL)
            add_sample(&sums, &sample, channels);
    }
    fv_reader_destroy(reader);
    finish_sums(&sums, dataset);
}

static fv_status name_classes(fv_context *context, fvi_dataset_parts *parts)
{
    if (parts->names != NULL || parts->classes == 0)
        return FV_OK;
    parts->names = fvi_allocate_zeroed(context, (size_t)parts->classes, sizeof *parts->names);
    if (parts->names == NULL)
        return fvi_out_of_memory(context, "class names", (size_t)parts->classes * sizeof *parts->names);
    for (int32_t i = 0; i < parts->classes; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", (int)i);
        parts->names[i] = fvi_duplicate_text(context, number);
        if (parts->names[i] == NULL)
            return fvi_out_of_memory(context, "a class name", sizeof number);
    }
    return FV_OK;
}

void fvi_dataset_parts_release(fv_context *context, fvi_dataset_parts *parts)
{
    if (parts->state != NULL)
        parts->type->destroy(context, parts->state);
    fvi_release(context, parts->labels);
    fvi_release(context, parts->targets);
    for (int32_t i = 0; parts->names != NULL && i < parts->classes; i++)
        fvi_release(context, parts->names[i]);
    fvi_release(context, parts->names);
    *parts = (fvi_dataset_parts){ 0 };
}

static fv_status fill(fv_context *context, fv_dataset *dataset, const char *name)
{
    const fv_image_shape shape = dataset->parts.shape;
    dataset->image_bytes = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    dataset->name = fvi_duplicate_text(context, name);
    if (dataset->name == NULL)
        return fvi_out_of_memory(context, "a name", strlen(name));
    FV_TRY(name_classes(context, &dataset->parts));
    if (dataset->parts.measured) {
        memcpy(dataset->mean, dataset->parts.mean, sizeof dataset->mean);
        memcpy(dataset->deviation, dataset->parts.deviation, sizeof dataset->deviation);
    } else if (dataset->parts.numeric) {
        for (int32_t c = 0; c < FV_MAX_CHANNELS; c++)
            dataset->deviation[c] = 1;
    } else if (dataset->parts.pixels != NULL) {
        measure(dataset);
    }
    dataset->measured = dataset->parts.measured || dataset->parts.numeric || dataset->parts.pixels != NULL;
    return FV_OK;
}

fv_status fvi_dataset_make(fv_dataset **out, fv_context *context, const char *name, fvi_dataset_parts *parts)
{
    fv_context *own = NULL;
    *out = NULL;
    fv_dataset *dataset = NULL;
    if (fvi_context_create_beside(&own, context) == FV_OK)
        dataset = fvi_allocate_zeroed(own, 1, sizeof *dataset);
    if (dataset == NULL) {
        fvi_dataset_parts_release(context, parts);
        fv_context_destroy(own);
        return fvi_out_of_memory(context, "a data set", sizeof *dataset);
    }
    dataset->context = own;
    dataset->parts = *parts;
    *parts = (fvi_dataset_parts){ 0 };
    atomic_init(&dataset->references, 1);
    pthread_mutex_init(&dataset->measuring, NULL);
    const fv_status status = fill(context, dataset, name);
    if (status != FV_OK) {
        fv_dataset_destroy(dataset);
        return status;
    }
    *out = dataset;
    return FV_OK;
}

static fv_status open_samples(fv_dataset **out, fv_context *context, const char *where, const fvi_place *place,
                              fv_split split)
{
    fvi_samples samples = { 0 };
    fv_status status = FV_OK;
    if (split == FV_SPLIT_VALIDATION)
        return fvi_fail(context, FV_ERR_NOT_FOUND, "data set '%s' has no validation split", where);
    if (place->layout == FVI_LAYOUT_IDX)
        status = fvi_idx_read(context, place->path, split, &samples);
    else if (place->layout == FVI_LAYOUT_CIFAR_FOLDER)
        status = fvi_cifar_read_folder(context, place->path, split, &samples);
    else
        status = fvi_cifar_read_archive(context, place->path, split, &samples);
    if (status != FV_OK) {
        fvi_samples_release(context, &samples);
        return status;
    }
    return fvi_dataset_adopt(out, context, where, &samples);
}

fv_status fv_dataset_open(fv_dataset **out, fv_context *context, const char *where, fv_split split)
{
    *out = NULL;
    if (fvi_synthetic_named(where))
        return fvi_synthetic_open(out, context, where, split);
    fvi_place *place = fvi_allocate(context, sizeof *place);
    if (place == NULL)
        return fvi_out_of_memory(context, "a path", sizeof *place);
    fv_status status = fvi_dataset_find(context, where, place);
    if (status == FV_OK && place->layout == FVI_LAYOUT_FOLDER)
        status = fvi_folder_open(out, context, where, place->path, split);
    else if (status == FV_OK && place->layout == FVI_LAYOUT_CSV)
        status = fvi_csv_dataset_open(out, context, where, place->path, split);
    else if (status == FV_OK && place->layout == FVI_LAYOUT_PACK)
        status = fvi_pack_open(out, context, where, place->path, split);
    else if (status == FV_OK && place->layout == FVI_LAYOUT_SHARDS)
        status = fvi_shards_open(out, context, where, place->path, split);
    else if (status == FV_OK && place->layout == FVI_LAYOUT_NPZ)
        status = fvi_npz_dataset_open(out, context, where, place->path, split);
    else if (status == FV_OK)
        status = open_samples(out, context, where, place, split);
    fvi_release(context, place);
    return status;
}

void fvi_dataset_retain(const fv_dataset *dataset)
{
    fv_dataset *kept = (fv_dataset *)dataset; /* how long it lives does not change what it is */
    atomic_fetch_add(&kept->references, 1);
}

void fvi_dataset_release(const fv_dataset *dataset)
{
    fv_dataset_destroy((fv_dataset *)dataset);
}

void fv_dataset_destroy(fv_dataset *dataset)
{
    if (dataset == NULL || atomic_fetch_sub(&dataset->references, 1) != 1)
        return;
    fv_context *context = dataset->context;
    fvi_dataset_parts_release(context, &dataset->parts);
    pthread_mutex_destroy(&dataset->measuring);
    fvi_release(context, dataset->name);
    fvi_release(context, dataset);
    fv_context_destroy(context);
}

int64_t fv_dataset_count(const fv_dataset *dataset)
{
    return dataset->parts.count;
}

fv_image_shape fv_dataset_shape(const fv_dataset *dataset)
{
    return dataset->parts.shape;
}

int32_t fv_dataset_classes(const fv_dataset *dataset)
{
    return dataset->parts.classes;
}

const char *fv_dataset_class_name(const fv_dataset *dataset, int32_t index)
{
    return index >= 0 && index < dataset->parts.classes ? dataset->parts.names[index] : NULL;
}

const char *fv_dataset_name(const fv_dataset *dataset)
{
    return dataset->name;
}

const uint8_t *fv_dataset_image(const fv_dataset *dataset, int64_t index)
{
    return dataset->parts.pixels != NULL ? dataset->parts.pixels + (size_t)index * dataset->image_bytes : NULL;
}

int32_t fv_dataset_label(const fv_dataset *dataset, int64_t index)
{
    return dataset->parts.labels != NULL ? dataset->parts.labels[index] : -1;
}

int32_t fv_dataset_target_count(const fv_dataset *dataset)
{
    return dataset->parts.target_count;
}

const float *fv_dataset_targets(const fv_dataset *dataset, int64_t index)
{
    const fvi_dataset_parts *parts = &dataset->parts;
    return parts->targets != NULL ? parts->targets + (size_t)index * (size_t)parts->target_count : NULL;
}

bool fvi_dataset_numeric(const fv_dataset *dataset)
{
    return dataset->parts.numeric;
}

void fv_dataset_statistics(const fv_dataset *dataset, double mean[4], double deviation[4])
{
    fv_dataset *kept = (fv_dataset *)dataset; /* what it is found to hold does not change what it is */
    pthread_mutex_lock(&kept->measuring);
    if (!kept->measured)
        probe(kept);
    kept->measured = true;
    memcpy(mean, kept->mean, sizeof kept->mean);
    memcpy(deviation, kept->deviation, sizeof kept->deviation);
    pthread_mutex_unlock(&kept->measuring);
}

void fv_dataset_sample_name(const fv_dataset *dataset, int64_t index, char *text, size_t size)
{
    if (dataset->parts.type->sample_name != NULL)
        dataset->parts.type->sample_name(dataset->parts.state, index, text, size);
    else
        snprintf(text, size, "%s, sample %lld", dataset->name, (long long)index);
}

fv_status fvi_dataset_read(const fv_dataset *dataset, int64_t index, int32_t shorter, fvi_scratch *scratch,
                           fv_sample *sample)
{
    return dataset->parts.type->read(dataset->parts.state, index, shorter, scratch, sample);
}

/* A context of its own: messages of several threads must not meet in one. Its memory comes from the same allocator. */
struct fv_reader {
    fv_context *context; /* who made it */
    const fv_dataset *dataset;
    fvi_scratch scratch;
};

fv_status fv_reader_create(fv_reader **out, fv_context *context, const fv_dataset *dataset)
{
    *out = NULL;
    fv_reader *reader = fvi_allocate_zeroed(context, 1, sizeof *reader);
    if (reader == NULL)
        return fvi_out_of_memory(context, "a reader", sizeof *reader);
    reader->context = context;
    reader->dataset = dataset;
    const fv_status status = fvi_context_create_beside(&reader->scratch.context, context);
    if (status != FV_OK) {
        fv_reader_destroy(reader);
        return fvi_out_of_memory(context, "a reader's context", 0);
    }
    *out = reader;
    return FV_OK;
}

void fv_reader_destroy(fv_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->scratch.context != NULL) {
        fvi_release(reader->scratch.context, reader->scratch.pixels);
        fvi_release(reader->scratch.context, reader->scratch.values);
        fv_context_destroy(reader->scratch.context);
    }
    fvi_release(reader->context, reader);
}

static fv_status read_sample(fv_reader *reader, int64_t index, int32_t shorter, const fvi_wish *wish, fv_sample *sample)
{
    const fvi_dataset_parts *parts = &reader->dataset->parts;
    *sample = (fv_sample){ .pixels = NULL };
    reader->scratch.wish = wish;
    reader->scratch.part = (fvi_part){ .eighths = 0 };
    if (index < 0 || index >= parts->count)
        return fvi_fail(reader->scratch.context, FV_ERR_ARGUMENT, "sample %lld of '%s': there are %lld",
                        (long long)index, reader->dataset->name, (long long)parts->count);
    return fvi_dataset_read(reader->dataset, index, shorter, &reader->scratch, sample);
}

fv_status fv_reader_read(fv_reader *reader, int64_t index, int32_t shorter, fv_sample *sample)
{
    return read_sample(reader, index, shorter, NULL, sample);
}

fv_status fvi_reader_read_part(fv_reader *reader, int64_t index, const fvi_wish *wish, fv_sample *sample,
                               fvi_part *part)
{
    const fv_status status = read_sample(reader, index, 0, wish, sample);
    *part = reader->scratch.part;
    return status;
}

const char *fv_reader_message(const fv_reader *reader)
{
    return fv_context_message(reader->scratch.context);
}
