/* SPDX-License-Identifier: Apache-2.0
 *
 * pack.c - reading packs. Every place and size of the header is compared with the file's own size before it is used. Labels, names and the
 * index are copied; pixels stay in the file, which is mapped: the system reads what is asked for and may forget it again.
 * Limits: 2^31 - 1 samples a split, 2^20 classes, sides of 65,535.
 */
#include "data/sets/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/xxh64.h"
#include "data/sets/files.h"
#include "data/sets/table.h"
#include "fovea/data_pack.h"

enum { MOST_CLASSES = 1 << 20, MOST_TARGETS = 1 << 16, MOST_NAMES = 1 << 28, CHUNK = 1 << 18 };
#define CHECKED_BYTES                                                                                                  \
    ((uint64_t)1 << 28) /* files up to this size are compared with their checksum whenever they are opened */

/* An open file and its header. */
typedef struct opening {
    fv_context *context;
    const char *path;
    int file;
    fvi_pack_header header;
} opening;

/* A mapped split. */
typedef struct packed {
    unsigned char *map;
    size_t map_bytes;
    const uint8_t *data;
    fv_image_shape shape; /* of all, or zeros */
    size_t image_bytes;
    uint64_t *offset;       /* [samples] of mixed ones, in data; else NULL */
    fv_image_shape *shapes; /* [samples] */
    char *path;
    fv_split split;
} packed;

static fv_status read_packed(const void *state, int64_t index, int32_t shorter, fvi_scratch *scratch, fv_sample *sample)
{
    const packed *pack = state;
    const bool mixed = pack->offset != NULL;
    (void)shorter;
    (void)scratch;
    *sample = (fv_sample){ .shape = mixed ? pack->shapes[index] : pack->shape, .order = FV_NCHW };
    sample->pixels = pack->data + (mixed ? pack->offset[index] : (uint64_t)index * pack->image_bytes);
    sample->whole = sample->shape;
    return FV_OK;
}

static const char *const split_names[FVI_PACK_SPLITS] = { "train", "test", "val" };

static void name_packed(const void *state, int64_t index, char *text, size_t size)
{
    const packed *pack = state;
    snprintf(text, size, "%s: %s image %lld", pack->path, split_names[pack->split], (long long)index);
}

static void destroy_packed(fv_context *context, void *state)
{
    packed *pack = state;
    if (pack->map != NULL)
        munmap(pack->map, pack->map_bytes);
    fvi_release(context, pack->offset);
    fvi_release(context, pack->shapes);
    fvi_release(context, pack->path);
    fvi_release(context, pack);
}

static const fvi_dataset_type type_packed = {
    .name = "pack", .read = read_packed, .sample_name = name_packed, .destroy = destroy_packed
};

static fv_status damaged(const opening *o, const char *what)
{
    return fvi_fail(o->context, FV_ERR_FORMAT, "pack '%s' is damaged: %s; make it anew with fovea data pack", o->path,
                    what);
}

static fv_status read_at(const opening *o, uint64_t offset, void *bytes, size_t count)
{
    for (size_t done = 0; done < count;) {
        const ssize_t got = pread(o->file, (char *)bytes + done, count - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fvi_fail(o->context, FV_ERR_IO, "'%s' cannot be read at offset %llu: %s", o->path,
                            (unsigned long long)(offset + done), strerror(errno));
        if (got == 0)
            return damaged(o, "it has become shorter");
        done += (size_t)got;
    }
    return FV_OK;
}

/* Whether count items of `size` bytes at `offset` lie behind the header and in the file. */
static bool lies_inside(const fvi_pack_header *header, uint64_t offset, uint64_t count, uint64_t size)
{
    size_t bytes = 0;
    return fvi_size_multiply((size_t)count, (size_t)size, &bytes) && offset >= FVI_PACK_HEADER &&
           offset <= header->file_bytes && bytes <= header->file_bytes - offset;
}

static bool is_share(double value)
{
    return value >= 0 && value <= 1; /* not so of NaN */
}

static fv_status check_split(const opening *o, const fvi_pack_split *split)
{
    const fvi_pack_header *header = &o->header;
    const uint64_t values = header->classes > 0 ? 1 : header->target_count;
    const fv_image_shape shape = header->shape;
    size_t bytes = (size_t)split->data_bytes;
    if (split->samples > INT32_MAX)
        return damaged(o, "it claims more than 2^31 samples");
    if (header->kind != FVI_PACK_MIXED &&
        !fvi_size_multiply((size_t)split->samples, (size_t)shape.c * (size_t)shape.h * (size_t)shape.w, &bytes))
        return damaged(o, "its sizes overflow");
    if (header->kind == FVI_PACK_NUMBERS && !fvi_size_multiply(bytes, sizeof(float), &bytes))
        return damaged(o, "its sizes overflow");
    if (split->data_bytes != bytes || !lies_inside(header, split->data, bytes, 1))
        return damaged(o, "its samples do not lie in the file");
    if (!lies_inside(header, split->targets, split->samples * values, 4))
        return damaged(o, "its targets do not lie in the file");
    if (header->kind == FVI_PACK_MIXED && !lies_inside(header, split->index, split->samples, FVI_PACK_ENTRY))
        return damaged(o, "its index does not lie in the file");
    for (int c = 0; c < FV_MAX_CHANNELS && header->kind != FVI_PACK_NUMBERS; c++)
        if (!is_share(split->mean[c]) || !is_share(split->deviation[c]))
            return damaged(o, "a mean or deviation is not between 0 and 1");
    return FV_OK;
}

static bool good_sides(fv_image_shape shape)
{
    return shape.c >= 1 && shape.c <= FV_MAX_CHANNELS && shape.h >= 1 && shape.h <= FVI_IMAGE_SIDE && shape.w >= 1 &&
           shape.w <= FVI_IMAGE_SIDE;
}

static fv_status check_header(const opening *o)
{
    const fvi_pack_header *header = &o->header;
    const fv_image_shape shape = header->shape;
    if (header->kind < FVI_PACK_ALIKE || header->kind > FVI_PACK_NUMBERS)
        return damaged(o, "its kind is unknown");
    if (header->classes > MOST_CLASSES || header->target_count > MOST_TARGETS ||
        (header->classes > 0) == (header->target_count > 0))
        return damaged(o, "its classes or targets are out of range");
    if ((header->kind == FVI_PACK_ALIKE && !good_sides(shape)) ||
        (header->kind == FVI_PACK_NUMBERS && (shape.c != 1 || shape.h != 1 || shape.w < 1 || shape.w > MOST_TARGETS)) ||
        (header->kind == FVI_PACK_MIXED && (shape.c != 0 || shape.h != 0 || shape.w != 0)))
        return damaged(o, "its shape is out of range");
    if (header->names_bytes > MOST_NAMES || !lies_inside(header, header->names, header->names_bytes, 1))
        return damaged(o, "its class names do not lie in the file");
    for (int s = 0; s < FVI_PACK_SPLITS; s++)
        if (header->split[s].samples > 0)
            FV_TRY(check_split(o, &header->split[s]));
    return FV_OK;
}

static fv_status check_sum(const opening *o)
{
    fvi_xxh64 sum = fvi_xxh64_start(0);
    fv_status status = FV_OK;
    unsigned char *chunk = fvi_allocate(o->context, CHUNK);
    if (chunk == NULL)
        return fvi_out_of_memory(o->context, "a piece of a file", CHUNK);
    for (uint64_t at = FVI_PACK_HEADER; status == FV_OK && at < o->header.file_bytes; at += CHUNK) {
        const uint64_t left = o->header.file_bytes - at;
        const size_t count = left < CHUNK ? (size_t)left : CHUNK;
        status = read_at(o, at, chunk, count);
        if (status == FV_OK)
            fvi_xxh64_update(&sum, chunk, count);
    }
    fvi_release(o->context, chunk);
    if (status == FV_OK && fvi_xxh64_finish(&sum) != o->header.checksum)
        return damaged(o, "its bytes have another checksum than its header says");
    return status;
}

static fv_status examine(opening *o, bool whole)
{
    unsigned char bytes[FVI_PACK_HEADER];
    struct stat info;
    if (fstat(o->file, &info) != 0 || !S_ISREG(info.st_mode))
        return fvi_fail(o->context, FV_ERR_IO, "'%s' is not a regular file", o->path);
    if (info.st_size < FVI_PACK_HEADER)
        return damaged(o, "it is shorter than its header");
    FV_TRY(read_at(o, 0, bytes, sizeof bytes));
    if (memcmp(bytes, fvi_pack_magic, sizeof fvi_pack_magic) != 0)
        return fvi_fail(o->context, FV_ERR_FORMAT, "'%s' is no pack", o->path);
    if (fvi_pack_take(bytes + 8, 4) != FVI_PACK_VERSION)
        return fvi_fail(o->context, FV_ERR_FORMAT, "pack '%s' has version %llu; this fovea reads version %d", o->path,
                        (unsigned long long)fvi_pack_take(bytes + 8, 4), FVI_PACK_VERSION);
    if (!fvi_pack_decode(bytes, &o->header))
        return damaged(o, "its header has another checksum than it says");
    if (o->header.file_bytes != (uint64_t)info.st_size)
        return fvi_fail(o->context, FV_ERR_FORMAT,
                        "pack '%s' is %s: it has %llu bytes, its header says %llu; copy it again", o->path,
                        o->header.file_bytes > (uint64_t)info.st_size ? "truncated" : "oversized",
                        (unsigned long long)info.st_size, (unsigned long long)o->header.file_bytes);
    FV_TRY(check_header(o));
    return whole || o->header.file_bytes <= CHECKED_BYTES ? check_sum(o) : FV_OK;
}

static fv_status open_pack(opening *o, fv_context *context, const char *path, bool whole)
{
    *o = (opening){ .context = context, .path = path, .file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
    if (o->file < 0)
        return fvi_fail(context, errno == ENOENT ? FV_ERR_NOT_FOUND : FV_ERR_IO, "'%s' cannot be opened: %s", path,
                        strerror(errno));
    const fv_status status = examine(o, whole);
    if (status != FV_OK)
        close(o->file);
    return status;
}

/* Class names: a text and a NUL each. */
static fv_status take_names(const opening *o, fvi_dataset_parts *parts)
{
    const size_t bytes = (size_t)o->header.names_bytes;
    if (parts->classes == 0)
        return FV_OK;
    parts->names = fvi_allocate_zeroed(o->context, (size_t)parts->classes, sizeof *parts->names);
    char *text = fvi_allocate(o->context, bytes + 1);
    fv_status status = parts->names != NULL && text != NULL ? read_at(o, o->header.names, text, bytes)
                                                            : fvi_out_of_memory(o->context, "class names", bytes);
    size_t at = 0;
    for (int32_t i = 0; status == FV_OK && i < parts->classes; i++) {
        const char *end = at < bytes ? memchr(text + at, '\0', bytes - at) : NULL;
        if (end == NULL) {
            status = damaged(o, "it has fewer class names than classes");
        } else {
            parts->names[i] = fvi_duplicate_text(o->context, text + at);
            if (parts->names[i] == NULL)
                status = fvi_out_of_memory(o->context, "a class name", (size_t)(end - text) - at);
            at = (size_t)(end - text) + 1;
        }
    }
    fvi_release(o->context, text);
    return status;
}

/* Numbers of 32 bits: classes, or targets, or values. */
static fv_status take_words(const opening *o, uint64_t offset, size_t count, uint32_t **words)
{
    *words = fvi_allocate(o->context, count * sizeof **words);
    if (*words == NULL)
        return fvi_out_of_memory(o->context, "a pack's numbers", count * sizeof **words);
    FV_TRY(read_at(o, offset, *words, count * sizeof **words));
    for (size_t i = 0; i < count; i++)
        (*words)[i] = (uint32_t)fvi_pack_take((const unsigned char *)&(*words)[i], 4);
    return FV_OK;
}

static fv_status take_targets(const opening *o, const fvi_pack_split *split, fvi_dataset_parts *parts)
{
    const size_t values = parts->classes > 0 ? 1 : (size_t)parts->target_count;
    uint32_t *words = NULL;
    const fv_status status = take_words(o, split->targets, (size_t)split->samples * values, &words);
    if (parts->classes == 0) {
        parts->targets = (float *)(void *)words; /* the bits of floats */
        return status;
    }
    parts->labels = (int32_t *)(void *)words;
    FV_TRY(status);
    for (uint64_t i = 0; i < split->samples; i++)
        if (words[i] >= o->header.classes)
            return fvi_fail(o->context, FV_ERR_FORMAT,
                            "pack '%s' is damaged: label %u of sample %llu, expected 0 to %u", o->path, words[i],
                            (unsigned long long)i, o->header.classes - 1);
    return FV_OK;
}

static fv_status take_index(const opening *o, const fvi_pack_split *split, packed *pack)
{
    const size_t count = (size_t)split->samples;
    unsigned char *bytes = fvi_allocate(o->context, count * FVI_PACK_ENTRY);
    pack->offset = fvi_allocate(o->context, count * sizeof *pack->offset);
    pack->shapes = fvi_allocate(o->context, count * sizeof *pack->shapes);
    fv_status status = FV_OK;
    if (bytes == NULL || pack->offset == NULL || pack->shapes == NULL)
        status = fvi_out_of_memory(o->context, "a pack's index", count * FVI_PACK_ENTRY);
    if (status == FV_OK)
        status = read_at(o, split->index, bytes, count * FVI_PACK_ENTRY);
    for (size_t i = 0; status == FV_OK && i < count; i++) {
        const unsigned char *entry = bytes + i * FVI_PACK_ENTRY;
        const fv_image_shape shape = { (int32_t)fvi_pack_take(entry + 8, 4), (int32_t)fvi_pack_take(entry + 12, 4),
                                       (int32_t)fvi_pack_take(entry + 16, 4) };
        pack->offset[i] = fvi_pack_take(entry, 8);
        pack->shapes[i] = shape;
        if (!good_sides(shape) || pack->offset[i] > split->data_bytes ||
            (uint64_t)shape.c * (uint64_t)shape.h * (uint64_t)shape.w > split->data_bytes - pack->offset[i])
            status = damaged(o, "an image of its index does not lie among its samples");
    }
    fvi_release(o->context, bytes);
    return status;
}

static fv_status map_pixels(const opening *o, const fvi_pack_split *split, packed *pack)
{
    pack->map_bytes = (size_t)o->header.file_bytes;
    void *map = mmap(NULL, pack->map_bytes, PROT_READ, MAP_SHARED, o->file, 0);
    if (map == MAP_FAILED)
        return fvi_fail(o->context, FV_ERR_MEMORY, "pack '%s' of %zu bytes cannot be mapped: %s", o->path,
                        pack->map_bytes, strerror(errno));
    pack->map = map;
    pack->data = pack->map + split->data;
    return FV_OK;
}

/* Everything of a split of images; parts are the caller's to release on failure. */
static fv_status take_images(const opening *o, fv_split which, fvi_dataset_parts *parts)
{
    const fvi_pack_split *split = &o->header.split[which];
    packed *pack = fvi_allocate_zeroed(o->context, 1, sizeof *pack);
    if (pack == NULL)
        return fvi_out_of_memory(o->context, "a pack", sizeof *pack);
    parts->type = &type_packed;
    parts->state = pack;
    pack->split = which;
    pack->shape = parts->shape;
    pack->image_bytes = (size_t)parts->shape.c * (size_t)parts->shape.h * (size_t)parts->shape.w;
    pack->path = fvi_duplicate_text(o->context, o->path);
    if (pack->path == NULL)
        return fvi_out_of_memory(o->context, "a path", strlen(o->path));
    FV_TRY(map_pixels(o, split, pack));
    parts->measured = true;
    memcpy(parts->mean, split->mean, sizeof parts->mean);
    memcpy(parts->deviation, split->deviation, sizeof parts->deviation);
    if (o->header.kind == FVI_PACK_MIXED)
        return take_index(o, split, pack);
    parts->pixels = pack->data;
    return FV_OK;
}

static fv_status make_set(fv_dataset **out, const opening *o, const char *where, fv_split which)
{
    const fvi_pack_header *header = &o->header;
    const fvi_pack_split *split = &header->split[which];
    fvi_dataset_parts parts = { .count = (int64_t)split->samples,
                                .shape = header->shape,
                                .classes = (int32_t)header->classes,
                                .target_count = (int32_t)header->target_count };
    uint32_t *values = NULL;
    fv_status status = take_names(o, &parts);
    if (status == FV_OK)
        status = take_targets(o, split, &parts);
    if (status == FV_OK && header->kind == FVI_PACK_NUMBERS) {
        status = take_words(o, split->data, (size_t)split->samples * (size_t)header->shape.w, &values);
        if (status == FV_OK)
            return fvi_numbers_make(out, o->context, where, (float *)(void *)values, (int64_t)split->samples,
                                    header->shape.w, &parts);
        fvi_release(o->context, values);
    } else if (status == FV_OK) {
        status = take_images(o, which, &parts);
    }
    if (status == FV_OK)
        return fvi_dataset_make(out, o->context, where, &parts);
    fvi_dataset_parts_release(o->context, &parts);
    return status;
}

fv_status fvi_pack_open(fv_dataset **out, fv_context *context, const char *where, const char *path, fv_split split)
{
    opening o;
    *out = NULL;
    FV_TRY(open_pack(&o, context, path, false));
    fv_split which = split;
    if (split == FV_SPLIT_TEST && o.header.split[split].samples == 0)
        which = FV_SPLIT_VALIDATION;
    fv_status status = FV_OK;
    if (o.header.split[which].samples == 0)
        status =
            fvi_fail(context, FV_ERR_NOT_FOUND, "pack '%s' has no samples of the split %s", path, split_names[split]);
    else
        status = make_set(out, &o, where, which);
    close(o.file);
    return status;
}

fv_status fv_data_pack_verify(fv_context *context, const char *path)
{
    opening o;
    FV_TRY(open_pack(&o, context, path, true));
    close(o.file);
    for (int s = 0; s < FVI_PACK_SPLITS; s++) { /* labels, names, index */
        fv_dataset *dataset = NULL;
        if (o.header.split[s].samples > 0)
            FV_TRY(fvi_pack_open(&dataset, context, path, path, (fv_split)s));
        fv_dataset_destroy(dataset);
    }
    return FV_OK;
}

bool fv_data_pack_is(const char *path)
{
    char head[sizeof fvi_pack_magic];
    FILE *file = fvi_is_file(path) ? fopen(path, "rb") : NULL;
    const bool is = file != NULL && fread(head, 1, sizeof head, file) == sizeof head &&
                    memcmp(head, fvi_pack_magic, sizeof head) == 0;
    if (file != NULL)
        fclose(file);
    return is;
}
