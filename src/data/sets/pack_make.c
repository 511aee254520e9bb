/* SPDX-License-Identifier: Apache-2.0
 *
 * pack_make.c - any data set into a pack. Samples are decoded some at a time, in parallel, and written in their order.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/data_splits.h"
#include "data/dataset_internal.h"
#include "data/image/resample.h"
#include "data/preprocess.h"
#include "fovea/data_pack.h"

enum { ROUND = 32 };

/* One decoded sample, waiting to be written. */
typedef struct slot {
    fv_status status;
    fvi_message message;
    fv_sample sample; /* points to bytes */
    uint8_t *bytes;
    size_t capacity;
} slot;

typedef struct packing {
    fv_context *context;
    const fv_data_pack_options *options;
    fv_data_pack_report *report;
    fv_pack_writer *writer;
    const fv_dataset *dataset; /* of the split at hand */
    fv_split split;
    int64_t first;        /* of this round */
    fv_reader **readers;  /* [threads] */
    fv_context **beside;  /* [threads]: messages and memory */
    fvi_resampler *sizes; /* [threads] */
    slot slots[ROUND];
} packing;

static fv_status keep(fv_context *context, slot *kept, const fv_sample *sample)
{
    const size_t count = (size_t)sample->shape.c * (size_t)sample->shape.h * (size_t)sample->shape.w;
    const size_t bytes = sample->values != NULL ? count * sizeof *sample->values : count;
    if (bytes > kept->capacity) {
        fvi_release(context, kept->bytes);
        kept->bytes = fvi_allocate(context, bytes);
        kept->capacity = kept->bytes != NULL ? bytes : 0;
        if (kept->bytes == NULL)
            return fvi_out_of_memory(context, "a sample", bytes);
    }
    kept->sample = *sample;
    if (sample->values != NULL) {
        memcpy(kept->bytes, sample->values, bytes);
        kept->sample.values = (const float *)(const void *)kept->bytes;
    } else {
        memcpy(kept->bytes, sample->pixels, bytes);
        kept->sample.pixels = kept->bytes;
    }
    return FV_OK;
}

static fv_status decode(packing *p, int64_t index, int32_t worker, slot *kept)
{
    fv_context *context = p->beside[worker];
    const int32_t resize = p->options->resize;
    fv_sample sample;
    fv_status status = fv_reader_read(p->readers[worker], index, resize, &sample);
    if (status != FV_OK)
        return fvi_fail(context, status, "%s", fv_reader_message(p->readers[worker]));
    if (resize > 0 && sample.values == NULL)
        FV_TRY(fvi_resize_sample(context, &p->sizes[worker], resize, &sample));
    return keep(context, kept, &sample);
}

static void decode_one(void *argument, size_t task, int32_t worker)
{
    packing *p = argument;
    slot *kept = &p->slots[task];
    kept->status = decode(p, p->first + (int64_t)task, worker, kept);
    if (kept->status != FV_OK)
        (void)fvi_fail_in(&kept->message, kept->status, "%s", fv_context_message(p->beside[worker]));
}

static fv_status write_slot(packing *p, const slot *kept, int64_t index)
{
    if (kept->status != FV_OK && (!p->options->skip_bad || kept->status == FV_ERR_MEMORY))
        return fvi_fail(p->context, kept->status, "%s", kept->message.text);
    if (kept->status != FV_OK) {
        p->report->skipped++;
        fvi_log_message(p->context, FV_LOG_WARNING, "left out: %s", kept->message.text);
        return FV_OK;
    }
    p->report->samples[p->split]++;
    return fv_pack_writer_add(p->writer, &kept->sample, fv_dataset_label(p->dataset, index),
                              fv_dataset_targets(p->dataset, index));
}

static fv_status pack_samples(packing *p)
{
    const int64_t samples = fv_dataset_count(p->dataset);
    FV_TRY(fv_pack_writer_begin(p->writer, p->split, p->dataset));
    for (p->first = 0; p->first < samples; p->first += ROUND) {
        const int64_t count = samples - p->first < ROUND ? samples - p->first : ROUND;
        fvi_parallel(p->context, (size_t)count, decode_one, p);
        for (int64_t i = 0; i < count; i++)
            FV_TRY(write_slot(p, &p->slots[i], p->first + i));
        if (p->options->progress != NULL &&
            !p->options->progress(p->options->user, p->split, p->first + count, samples))
            return fvi_fail(p->context, FV_ERR_INTERRUPTED, "interrupted: no pack was written");
    }
    return FV_OK;
}

static fv_status pack_split(packing *p, const fv_dataset *dataset, fv_split split)
{
    const size_t threads = (size_t)fv_context_threads(p->context);
    fv_status status = FV_OK;
    p->dataset = dataset;
    p->split = split;
    for (size_t i = 0; status == FV_OK && i < threads; i++)
        status = fv_reader_create(&p->readers[i], p->context, dataset);
    if (status == FV_OK)
        status = pack_samples(p);
    for (size_t i = 0; i < threads; i++) {
        fv_reader_destroy(p->readers[i]);
        p->readers[i] = NULL;
    }
    return status;
}

static fv_status prepare(packing *p)
{
    const size_t threads = (size_t)fv_context_threads(p->context);
    p->readers = fvi_allocate_zeroed(p->context, threads, sizeof(fv_reader *));
    p->beside = fvi_allocate_zeroed(p->context, threads, sizeof(fv_context *));
    p->sizes = fvi_allocate_zeroed(p->context, threads, sizeof *p->sizes);
    if (p->readers == NULL || p->beside == NULL || p->sizes == NULL)
        return fvi_out_of_memory(p->context, "the packing of a data set", 0);
    for (size_t i = 0; i < threads; i++)
        if (fvi_context_create_beside(&p->beside[i], p->context) != FV_OK)
            return fvi_out_of_memory(p->context, "the packing of a data set", 0);
    return FV_OK;
}

static void release(packing *p)
{
    const size_t threads = (size_t)fv_context_threads(p->context);
    for (int i = 0; i < ROUND; i++)
        fvi_release(p->context, p->slots[i].bytes);
    for (size_t i = 0; p->beside != NULL && i < threads; i++) {
        if (p->beside[i] != NULL && p->sizes != NULL)
            fvi_resampler_release(p->beside[i], &p->sizes[i]);
        fv_context_destroy(p->beside[i]);
    }
    fvi_release(p->context, p->readers);
    fvi_release(p->context, p->beside);
    fvi_release(p->context, p->sizes);
    fvi_release(p->context, p);
}

/* A pack over the one that is read would be read while it goes away. */
static fv_status refuse_itself(fv_context *context, const char *where, const char *path)
{
    struct stat source, target;
    if (stat(where, &source) == 0 && stat(path, &target) == 0 && source.st_dev == target.st_dev &&
        source.st_ino == target.st_ino)
        return fvi_fail(context, FV_ERR_ARGUMENT, "'%s' is what would be read: name another file", path);
    return FV_OK;
}

fv_status fv_data_pack(fv_context *context, const char *where, const char *path, const fv_data_pack_options *options,
                       fv_data_pack_report *report)
{
    static const fv_data_pack_options defaults = { .resize = 0 };
    fv_dataset *splits[FVI_SPLITS];
    *report = (fv_data_pack_report){ .skipped = 0 };
    if (options != NULL && (options->resize < 0 || options->resize > FVI_IMAGE_SIDE))
        return fvi_fail(context, FV_ERR_ARGUMENT, "resize is %d; expected 0 to %d", options->resize, FVI_IMAGE_SIDE);
    FV_TRY(refuse_itself(context, where, path));
    packing *p = fvi_allocate_zeroed(context, 1, sizeof *p);
    if (p == NULL)
        return fvi_out_of_memory(context, "the packing of a data set", sizeof *p);
    p->context = context;
    p->options = options != NULL ? options : &defaults;
    p->report = report;
    fv_status status = prepare(p);
    if (status == FV_OK)
        status = fvi_data_splits_open(splits, context, where);
    if (status == FV_OK) {
        status = fv_pack_writer_open(&p->writer, context, path, splits[FV_SPLIT_TRAIN]);
        for (int s = 0; status == FV_OK && s < FVI_SPLITS; s++)
            if (splits[s] != NULL)
                status = pack_split(p, splits[s], (fv_split)s);
        const fv_status closed = fv_pack_writer_close(p->writer, status == FV_OK, &report->bytes);
        status = status == FV_OK ? closed : status;
        fvi_data_splits_close(splits);
    }
    release(p);
    return status;
}
