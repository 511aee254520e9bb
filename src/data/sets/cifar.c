/* SPDX-License-Identifier: Apache-2.0
 *
 * cifar.c - the binary form of CIFAR-10 and CIFAR-100 (Alex Krizhevsky, "Learning multiple layers of features from tiny
 * images", 2009). A record is one label byte (CIFAR-100: coarse, then fine) and 3,072 pixel bytes: planes red, green, blue
 * of 32x32. The file's name says which of the two it is. Folder or .tar.gz; the latter is read once, front to back.
 * Limit: 100,000 records in a file.
 */
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/file.h"
#include "data/dataset_internal.h"
#include "data/sets/archive.h"

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, MOST_FILES = 6, NAMES_LIMIT = 1 << 16, LONGEST_NAME = 255 };
#define FILE_LIMIT ((size_t)FVI_CIFAR_RECORDS * (PIXELS + 2))

/* One of the two sets: what its files are called and how a record begins. */
typedef struct cifar_kind {
    const char *title;
    int32_t classes, coarse;          /* coarse 0: records have one label */
    const char *names;                /* file of class names, one a line */
    const char *files[2][MOST_FILES]; /* of each split, in order */
} cifar_kind;

static const cifar_kind kinds[2] = {
    { "CIFAR-10",
      10,
      0,
      "batches.meta.txt",
      { { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin" },
        { "test_batch.bin" } } },
    { "CIFAR-100", 100, 20, "fine_label_names.txt", { { "train.bin" }, { "test.bin" } } },
};

/* The files of one split as they come. */
typedef struct cifar_parts {
    uint8_t *bytes[MOST_FILES];
    size_t size[MOST_FILES];
    char *names;
    size_t names_size;
} cifar_parts;

static void release_parts(fv_context *context, cifar_parts *parts)
{
    for (int i = 0; i < MOST_FILES; i++)
        fvi_release(context, parts->bytes[i]);
    fvi_release(context, parts->names);
}

static size_t record_bytes(const cifar_kind *kind)
{
    return PIXELS + (kind->coarse > 0 ? 2 : 1);
}

static fv_status check_file(fv_context *context, const cifar_kind *kind, const char *path, const char *name,
                            size_t size)
{
    const size_t record = record_bytes(kind);
    if (size == 0 || size % record != 0)
        return fvi_fail(context, FV_ERR_FORMAT,
                        "'%s' %s: %zu bytes are not whole records of %zu (%zu, and %zu bytes over): truncated or "
                        "oversized; download it again",
                        path, name, size, record, size / record, size % record);
    return FV_OK;
}

/* Labels of record `record`, from byte `offset` of the file. */
static fv_status check_labels(fv_context *context, const cifar_kind *kind, const char *path, const char *name,
                              const uint8_t *bytes, size_t offset)
{
    const uint8_t fine = bytes[kind->coarse > 0];
    if (kind->coarse > 0 && bytes[0] >= kind->coarse)
        return fvi_fail(context, FV_ERR_FORMAT, "'%s' %s: coarse label %d at offset %zu, expected 0 to %d", path, name,
                        bytes[0], offset, kind->coarse - 1);
    if (fine >= kind->classes)
        return fvi_fail(context, FV_ERR_FORMAT, "'%s' %s: label %d at offset %zu, expected 0 to %d; is it %s?", path,
                        name, fine, offset + (kind->coarse > 0), kind->classes - 1, kind->title);
    return FV_OK;
}

static fv_status split_records(fv_context *context, const cifar_kind *kind, const char *path, const char *name,
                               const uint8_t *bytes, size_t size, fvi_samples *samples)
{
    const size_t record = record_bytes(kind);
    for (size_t offset = 0; offset < size; offset += record) {
        FV_TRY(check_labels(context, kind, path, name, bytes + offset, offset));
        samples->labels[samples->count] = bytes[offset + (kind->coarse > 0)];
        memcpy(samples->images + (size_t)samples->count * PIXELS, bytes + offset + record - PIXELS, PIXELS);
        samples->count++;
    }
    return FV_OK;
}

/* One name a line. A file that does not hold enough of them is no reason to fail: classes are then numbered. */
static fv_status take_names(fv_context *context, const cifar_kind *kind, const cifar_parts *parts, fvi_samples *samples)
{
    const char *next = parts->names;
    if (next == NULL)
        return FV_OK;
    int32_t lines = 0;
    for (const char *at = next; *at != '\0' && lines < kind->classes; lines++) {
        const size_t length = strcspn(at, "\r\n");
        if (length == 0 || length > LONGEST_NAME)
            return FV_OK;
        at += length;
        at += strspn(at, "\r\n");
    }
    if (lines < kind->classes)
        return FV_OK;
    samples->names = fvi_allocate_zeroed(context, (size_t)kind->classes, sizeof *samples->names);
    if (samples->names == NULL)
        return fvi_out_of_memory(context, "class names", (size_t)kind->classes * sizeof *samples->names);
    for (int32_t i = 0; i < kind->classes; i++) {
        const size_t length = strcspn(next, "\r\n");
        samples->names[i] = fvi_allocate_zeroed(context, length + 1, 1);
        if (samples->names[i] == NULL)
            return fvi_out_of_memory(context, "a class name", length + 1);
        memcpy(samples->names[i], next, length);
        next += length;
        next += strspn(next, "\r\n");
    }
    return FV_OK;
}

static fv_status assemble(fv_context *context, const cifar_kind *kind, const char *path, fv_split split,
                          const cifar_parts *parts, fvi_samples *samples)
{
    size_t records = 0;
    for (int i = 0; kind->files[split][i] != NULL; i++) {
        if (parts->bytes[i] == NULL)
            return fvi_fail(context, FV_ERR_NOT_FOUND, "'%s' has no %s, which %s needs", path, kind->files[split][i],
                            kind->title);
        FV_TRY(check_file(context, kind, path, kind->files[split][i], parts->size[i]));
        records += parts->size[i] / record_bytes(kind);
    }
    samples->shape = (fv_image_shape){ 3, SIDE, SIDE };
    samples->classes = kind->classes;
    samples->images = fvi_allocate(context, records * PIXELS);
    samples->labels = fvi_allocate(context, records * sizeof *samples->labels);
    if (samples->images == NULL || samples->labels == NULL)
        return fvi_out_of_memory(context, kind->title, records * PIXELS);
    for (int i = 0; kind->files[split][i] != NULL; i++)
        FV_TRY(split_records(context, kind, path, kind->files[split][i], parts->bytes[i], parts->size[i], samples));
    return take_names(context, kind, parts, samples);
}

static const cifar_kind *kind_of_folder(const char *folder)
{
    char path[FVI_PATH_BYTES];
    for (int k = 0; k < 2; k++)
        for (int split = 0; split < 2; split++)
            if (fvi_path_join(path, folder, kinds[k].files[split][0]) && access(path, F_OK) == 0)
                return &kinds[k];
    return NULL;
}

bool fvi_cifar_present(const char *folder)
{
    return kind_of_folder(folder) != NULL;
}

static fv_status read_files(fv_context *context, const cifar_kind *kind, const char *folder, fv_split split,
                            cifar_parts *parts)
{
    char path[FVI_PATH_BYTES];
    for (int i = 0; kind->files[split][i] != NULL; i++) {
        if (!fvi_path_join(path, folder, kind->files[split][i]))
            return fvi_fail(context, FV_ERR_ARGUMENT, "data path of %zu bytes is too long", strlen(folder));
        FV_TRY(fvi_file_read(context, path, FILE_LIMIT, &parts->bytes[i], &parts->size[i]));
    }
    unsigned char *names = NULL;
    if (fvi_path_join(path, folder, kind->names) && access(path, R_OK) == 0)
        FV_TRY(fvi_file_read(context, path, NAMES_LIMIT, &names, &parts->names_size));
    parts->names = (char *)names;
    return FV_OK;
}

fv_status fvi_cifar_read_folder(fv_context *context, const char *folder, fv_split split, fvi_samples *samples)
{
    const cifar_kind *kind = kind_of_folder(folder);
    cifar_parts parts = { 0 };
    if (kind == NULL)
        return fvi_fail(context, FV_ERR_NOT_FOUND, "'%s' holds no CIFAR .bin files", folder);
    fv_status status = read_files(context, kind, folder, split, &parts);
    if (status == FV_OK)
        status = assemble(context, kind, folder, split, &parts, samples);
    release_parts(context, &parts);
    return status;
}

/* Takes the file if either kind has a use for it. An archive may hold a name twice; the last counts, as with tar. */
static fv_status take_entry(fv_context *context, fvi_archive *archive, const char *name, fv_split split,
                            cifar_parts parts[2])
{
    const char *slash = strrchr(name, '/');
    const char *base = slash != NULL ? slash + 1 : name;
    for (int k = 0; k < 2; k++) {
        uint8_t **names = (uint8_t **)&parts[k].names;
        if (strcmp(base, kinds[k].names) == 0) {
            fvi_release(context, *names);
            return fvi_archive_read(archive, base, NAMES_LIMIT, names, &parts[k].names_size);
        }
        for (int i = 0; kinds[k].files[split][i] != NULL; i++)
            if (strcmp(base, kinds[k].files[split][i]) == 0) {
                fvi_release(context, parts[k].bytes[i]);
                return fvi_archive_read(archive, base, FILE_LIMIT, &parts[k].bytes[i], &parts[k].size[i]);
            }
    }
    return FV_OK;
}

static fv_status read_entries(fv_context *context, fvi_archive *archive, fv_split split, cifar_parts parts[2])
{
    const char *name = NULL;
    for (;;) {
        FV_TRY(fvi_archive_next(archive, &name));
        if (name == NULL)
            return FV_OK;
        FV_TRY(take_entry(context, archive, name, split, parts));
    }
}

static bool any_part(const cifar_parts *parts)
{
    for (int i = 0; i < MOST_FILES; i++)
        if (parts->bytes[i] != NULL)
            return true;
    return false;
}

fv_status fvi_cifar_read_archive(fv_context *context, const char *path, fv_split split, fvi_samples *samples)
{
    cifar_parts parts[2] = { { .size = { 0 } }, { .size = { 0 } } };
    fvi_archive *archive = NULL;
    FV_TRY(fvi_archive_open(&archive, context, path));
    fv_status status = read_entries(context, archive, split, parts);
    fvi_archive_close(archive);
    const int found = any_part(&parts[0]) ? 0 : any_part(&parts[1]) ? 1 : -1;
    if (status == FV_OK && found < 0)
        status = fvi_fail(context, FV_ERR_FORMAT, "'%s' holds neither %s (CIFAR-10) nor %s (CIFAR-100)", path,
                          kinds[0].files[split][0], kinds[1].files[split][0]);
    if (status == FV_OK)
        status = assemble(context, &kinds[found], path, split, &parts[found], samples);
    release_parts(context, &parts[0]);
    release_parts(context, &parts[1]);
    return status;
}
