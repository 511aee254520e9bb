/* SPDX-License-Identifier: Apache-2.0
 *
 * pack_write.c - writing packs. Samples go to the file as they come; what is known only in the end (the index, targets, the header) is kept and
 * written last, and then the file takes its place.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/xxh64.h"
#include "data/sets/pack.h"
#include "fovea/data_pack.h"

enum { BUFFER = 1 << 18 };

/* A split as far as it has come. */
typedef struct writing {
    bool begun, given; /* given: statistics are another set's */
    fvi_pack_split place;
    unsigned char *index; /* [samples][FVI_PACK_ENTRY] */
    unsigned char *words; /* [samples][values][4]: classes or targets */
    size_t index_bytes, word_bytes;
    uint64_t sum[FV_MAX_CHANNELS], squares[FV_MAX_CHANNELS], pixels;
} writing;

struct fv_pack_writer {
    fv_context *context;
    const fv_dataset *like;
    fvi_writer file;
    fvi_xxh64 sum;
    uint64_t at; /* bytes so far */
    unsigned char *buffer;
    size_t buffered;
    fv_split split;
    fv_image_shape shape; /* of the first sample */
    bool alike, numbers;
    writing splits[FVI_PACK_SPLITS];
};

static fv_status flush(fv_pack_writer *writer)
{
    const size_t count = writer->buffered;
    writer->buffered = 0;
    fvi_xxh64_update(&writer->sum, writer->buffer, count);
    return fvi_writer_append(&writer->file, writer->buffer, count);
}

static fv_status append(fv_pack_writer *writer, const void *bytes, size_t count)
{
    const unsigned char *next = bytes;
    while (count > 0) {
        const size_t room = BUFFER - writer->buffered, taken = count < room ? count : room;
        memcpy(writer->buffer + writer->buffered, next, taken);
        writer->buffered += taken;
        writer->at += taken;
        next += taken;
        count -= taken;
        if (writer->buffered == BUFFER)
            FV_TRY(flush(writer));
    }
    return FV_OK;
}

static fv_status align(fv_pack_writer *writer)
{
    static const unsigned char zeros[FVI_PACK_ALIGNMENT];
    return append(writer, zeros, (size_t)(-writer->at % FVI_PACK_ALIGNMENT));
}

static fv_status start(fv_pack_writer *writer, const char *path)
{
    static const unsigned char nothing[FVI_PACK_HEADER];
    writer->buffer = fvi_allocate(writer->context, BUFFER);
    if (writer->buffer == NULL)
        return fvi_out_of_memory(writer->context, "a buffer", BUFFER);
    FV_TRY(fvi_writer_open(&writer->file, writer->context, path));
    writer->at = FVI_PACK_HEADER;
    return fvi_writer_append(&writer->file, nothing, sizeof nothing); /* its place, until it is known */
}

fv_status fv_pack_writer_open(fv_pack_writer **out, fv_context *context, const char *path, const fv_dataset *like)
{
    *out = NULL;
    fv_pack_writer *writer = fvi_allocate_zeroed(context, 1, sizeof *writer);
    if (writer == NULL)
        return fvi_out_of_memory(context, "a writer of a pack", sizeof *writer);
    writer->context = context;
    writer->like = like;
    writer->file = (fvi_writer){ .context = context, .descriptor = -1 };
    writer->sum = fvi_xxh64_start(0);
    writer->alike = fv_dataset_shape(like).c != 0;
    writer->numbers = fvi_dataset_numeric(like);
    const fv_status status = start(writer, path);
    if (status != FV_OK) {
        (void)fv_pack_writer_close(writer, false, NULL);
        return status;
    }
    *out = writer;
    return FV_OK;
}

static void end_split(fv_pack_writer *writer)
{
    writing *split = &writer->splits[writer->split];
    if (!split->begun)
        return;
    split->place.data_bytes = writer->at - split->place.data;
    for (int c = 0; c < FV_MAX_CHANNELS && !split->given && split->pixels > 0; c++) {
        const double mean = (double)split->sum[c] / (double)split->pixels;
        const double variance = (double)split->squares[c] / (double)split->pixels - mean * mean;
        split->place.mean[c] = mean / 255.0;
        split->place.deviation[c] = variance > 0 ? sqrt(variance) / 255.0 : 0;
    }
}

fv_status fv_pack_writer_begin(fv_pack_writer *writer, fv_split split, const fv_dataset *statistics)
{
    writing *next = &writer->splits[split];
    if (next->begun)
        return fvi_fail(writer->context, FV_ERR_STATE, "a split of a pack begins twice");
    end_split(writer);
    FV_TRY(align(writer));
    writer->split = split;
    next->begun = true;
    next->place.data = writer->at;
    next->given = statistics != NULL;
    if (next->given)
        fv_dataset_statistics(statistics, next->place.mean, next->place.deviation);
    return FV_OK;
}

static fv_status add_words(fv_pack_writer *writer, writing *split, int32_t label, const float *targets)
{
    const int32_t classes = fv_dataset_classes(writer->like), count = fv_dataset_target_count(writer->like);
    const size_t values = classes > 0 ? 1 : (size_t)count, used = (size_t)split->place.samples * values;
    void *memory = split->words;
    if (classes > 0 && (label < 0 || label >= classes))
        return fvi_fail(writer->context, FV_ERR_ARGUMENT, "class %d of a sample: there are %d", label, classes);
    if (classes == 0 && targets == NULL)
        return fvi_fail(writer->context, FV_ERR_ARGUMENT, "a sample without its %d targets", count);
    FV_TRY(fvi_grow(writer->context, &memory, &split->word_bytes, 4 * used, 4 * (used + values), 1));
    split->words = memory;
    for (size_t i = 0; i < values; i++) {
        uint32_t bits = (uint32_t)label;
        if (classes == 0)
            memcpy(&bits, &targets[i], sizeof bits);
        fvi_pack_put(split->words + 4 * (used + i), bits, 4);
    }
    return FV_OK;
}

static fv_status add_entry(fv_pack_writer *writer, writing *split, fv_image_shape shape)
{
    const size_t used = (size_t)split->place.samples * FVI_PACK_ENTRY;
    void *memory = split->index;
    FV_TRY(fvi_grow(writer->context, &memory, &split->index_bytes, used, used + FVI_PACK_ENTRY, 1));
    split->index = memory;
    unsigned char *entry = split->index + used;
    fvi_pack_put(entry, writer->at - split->place.data, 8);
    fvi_pack_put(entry + 8, (uint64_t)shape.c, 4);
    fvi_pack_put(entry + 12, (uint64_t)shape.h, 4);
    fvi_pack_put(entry + 16, (uint64_t)shape.w, 4);
    fvi_pack_put(entry + 20, 0, 4);
    return FV_OK;
}

/* Plane by plane, and measured on the way. */
static fv_status add_pixels(fv_pack_writer *writer, writing *split, const fv_sample *sample)
{
    const size_t plane = (size_t)sample->shape.h * (size_t)sample->shape.w, channels = (size_t)sample->shape.c;
    const size_t next = sample->order == FV_NHWC ? channels : 1;
    unsigned char piece[4096];
    for (size_t c = 0; c < channels; c++) {
        const uint8_t *pixel = sample->pixels + (sample->order == FV_NHWC ? c : c * plane);
        uint64_t sum = 0, squares = 0;
        for (size_t p = 0; p < plane;) {
            size_t n = 0;
            for (; n < sizeof piece && p < plane; n++, p++, pixel += next) {
                piece[n] = *pixel;
                sum += *pixel;
                squares += (uint64_t)*pixel * *pixel;
            }
            FV_TRY(append(writer, piece, n));
        }
        split->sum[c] += sum;
        split->squares[c] += squares;
    }
    split->pixels += plane;
    return FV_OK;
}

static fv_status add_values(fv_pack_writer *writer, const fv_sample *sample)
{
    const size_t count = (size_t)sample->shape.c * (size_t)sample->shape.h * (size_t)sample->shape.w;
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[4];
        uint32_t bits = 0;
        memcpy(&bits, &sample->values[i], sizeof bits);
        fvi_pack_put(bytes, bits, 4);
        FV_TRY(append(writer, bytes, sizeof bytes));
    }
    return FV_OK;
}

fv_status fv_pack_writer_add(fv_pack_writer *writer, const fv_sample *sample, int32_t label, const float *targets)
{
    writing *split = &writer->splits[writer->split];
    const fv_image_shape shape = sample->shape, first = writer->shape;
    const bool same = shape.c == first.c && shape.h == first.h && shape.w == first.w;
    if (!split->begun)
        return fvi_fail(writer->context, FV_ERR_STATE, "a sample for a pack before its split has begun");
    if ((sample->values != NULL) != writer->numbers || (writer->numbers && first.c != 0 && !same))
        return fvi_fail(writer->context, FV_ERR_SHAPE, "a pack holds either images or rows of as many numbers");
    if (split->place.samples >= INT32_MAX)
        return fvi_fail(writer->context, FV_ERR_ARGUMENT, "a pack holds at most 2^31 - 1 samples of a split");
    if (first.c == 0)
        writer->shape = shape;
    else if (!same)
        writer->alike = false;
    FV_TRY(add_words(writer, split, label, targets));
    FV_TRY(add_entry(writer, split, shape));
    FV_TRY(writer->numbers ? add_values(writer, sample) : add_pixels(writer, split, sample));
    split->place.samples++;
    return FV_OK;
}

static fv_status add_names(fv_pack_writer *writer, fvi_pack_header *header)
{
    header->names = writer->at;
    for (int32_t i = 0; i < fv_dataset_classes(writer->like); i++) {
        const char *name = fv_dataset_class_name(writer->like, i);
        FV_TRY(append(writer, name, strlen(name) + 1));
    }
    header->names_bytes = writer->at - header->names;
    return align(writer);
}

static fv_status write_header(fv_pack_writer *writer, const fvi_pack_header *header)
{
    unsigned char bytes[FVI_PACK_HEADER];
    fvi_pack_encode(header, bytes);
    if (pwrite(writer->file.descriptor, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes)
        return FV_OK;
    return fvi_fail(writer->context, FV_ERR_IO, "the header of pack '%s' cannot be written: %s", writer->file.path,
                    strerror(errno));
}

static fv_status finish(fv_pack_writer *writer)
{
    fvi_pack_header header = { .kind = writer->numbers ? FVI_PACK_NUMBERS
                                       : writer->alike ? FVI_PACK_ALIKE
                                                       : FVI_PACK_MIXED,
                               .classes = (uint32_t)fv_dataset_classes(writer->like),
                               .target_count = (uint32_t)fv_dataset_target_count(writer->like) };
    if (header.kind != FVI_PACK_MIXED)
        header.shape = writer->shape;
    end_split(writer);
    FV_TRY(align(writer));
    FV_TRY(add_names(writer, &header));
    const size_t values = header.classes > 0 ? 1 : header.target_count;
    for (int s = 0; s < FVI_PACK_SPLITS; s++) {
        writing *split = &writer->splits[s];
        const size_t samples = (size_t)split->place.samples;
        if (samples == 0) {
            split->place = (fvi_pack_split){ .samples = 0 };
            continue;
        }
        split->place.targets = writer->at;
        FV_TRY(append(writer, split->words, samples * values * 4));
        FV_TRY(align(writer));
        if (header.kind == FVI_PACK_MIXED) {
            split->place.index = writer->at;
            FV_TRY(append(writer, split->index, samples * FVI_PACK_ENTRY));
            FV_TRY(align(writer));
        }
        header.split[s] = split->place;
    }
    if (writer->shape.c == 0)
        return fvi_fail(writer->context, FV_ERR_ARGUMENT, "pack '%s' would hold no sample", writer->file.path);
    FV_TRY(flush(writer));
    header.file_bytes = writer->at;
    header.checksum = fvi_xxh64_finish(&writer->sum);
    FV_TRY(write_header(writer, &header));
    return fvi_writer_commit(&writer->file);
}

fv_status fv_pack_writer_close(fv_pack_writer *writer, bool complete, uint64_t *bytes)
{
    fv_status status = FV_OK;
    if (writer == NULL)
        return FV_OK;
    if (complete)
        status = finish(writer);
    if (bytes != NULL)
        *bytes = writer->at;
    fvi_writer_discard(&writer->file);
    for (int s = 0; s < FVI_PACK_SPLITS; s++) {
        fvi_release(writer->context, writer->splits[s].index);
        fvi_release(writer->context, writer->splits[s].words);
    }
    fvi_release(writer->context, writer->buffer);
    fvi_release(writer->context, writer);
    return status;
}
