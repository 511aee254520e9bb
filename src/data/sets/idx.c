/* SPDX-License-Identifier: Apache-2.0
 *
 * idx.c - IDX files of bytes, as MNIST was published: big-endian magic 0x00000803 (images: count, rows, columns) and
 * 0x00000801 (labels: count), then the bytes. Format: Yann LeCun, "The MNIST database of handwritten digits".
 * There are ten classes, or as many as a file classes.txt beside them has lines, which are their names.
 * Limits: sides up to 65,535, 256 classes.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/file.h"
#include "data/dataset_internal.h"
#include "data/source.h"

enum { CLASSES = 10, MOST_CLASSES = 256, NAMES_BYTES = 1 << 16, MAGIC_LABELS = 0x801, MAGIC_IMAGES = 0x803 };

static const char *const stems[2] = { "train", "t10k" };
static const char *const suffixes[] = { "", ".gz" };

/* folder/<stem>-<kind>-ubyte[.gz], whichever exists; without .gz when neither does. */
static bool locate(char path[FVI_PATH_BYTES], const char *folder, fv_split split, const char *kind)
{
    for (int i = 1; i >= 0; i--) {
        char name[64];
        snprintf(name, sizeof name, "%s-%s-ubyte%s", stems[split], kind, suffixes[i]);
        if (!fvi_path_join(path, folder, name))
            return false;
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

bool fvi_idx_present(const char *folder)
{
    char path[FVI_PATH_BYTES];
    return locate(path, folder, FV_SPLIT_TRAIN, "images-idx3") || locate(path, folder, FV_SPLIT_TEST, "images-idx3");
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The header: magic, then `rank` sizes, each at least 1. */
static fv_status read_header(fvi_source *source, uint32_t magic, int rank, uint32_t size[3])
{
    static const char *const axis[3] = { "count", "rows", "columns" };
    unsigned char header[16];
    FV_TRY(fvi_source_read(source, header, 4, "magic number"));
    if (big_endian(header) != magic)
        return fvi_fail(source->context, FV_ERR_FORMAT,
                        "'%s': wrong magic number 0x%08x at offset 0, expected 0x%08x (IDX %s); is it another file "
                        "under this name?",
                        source->path, big_endian(header), magic, rank == 1 ? "labels" : "images");
    FV_TRY(fvi_source_read(source, header, 4 * (size_t)rank, "header"));
    for (int i = 0; i < rank; i++) {
        const uint32_t most = i == 0 ? INT32_MAX : FVI_IMAGE_SIDE;
        size[i] = big_endian(header + 4 * i);
        if (size[i] < 1 || size[i] > most)
            return fvi_fail(source->context, FV_ERR_FORMAT, "'%s': %s is %u at offset %d, expected 1 to %u",
                            source->path, axis[i], size[i], 4 + 4 * i, most);
    }
    return FV_OK;
}

/* The bytes behind the header, and nothing behind them. */
static fv_status read_body(fvi_source *source, size_t bytes, const char *what, uint8_t **body)
{
    if (bytes > FVI_DATASET_BYTES || bytes > source->most_bytes)
        return fvi_fail(source->context, FV_ERR_FORMAT,
                        "'%s' is truncated: its header promises %zu bytes of %s, but the file can hold no more than "
                        "%llu; download it again",
                        source->path, bytes, what, (unsigned long long)source->most_bytes);
    *body = fvi_allocate(source->context, bytes);
    if (*body == NULL)
        return fvi_out_of_memory(source->context, what, bytes);
    FV_TRY(fvi_source_read(source, *body, bytes, what));
    return fvi_source_expect_end(source);
}

static fv_status read_images(fv_context *context, const char *path, fvi_samples *samples)
{
    fvi_source source;
    uint32_t size[3] = { 0 };
    FV_TRY(fvi_source_open(&source, context, path));
    fv_status status = read_header(&source, MAGIC_IMAGES, 3, size);
    size_t bytes = 0;
    if (status == FV_OK && !fvi_size_multiply(size[0], (size_t)size[1] * size[2], &bytes))
        status = fvi_fail(context, FV_ERR_FORMAT, "'%s': %u images of %ux%u overflow", path, size[0], size[1], size[2]);
    if (status == FV_OK)
        status = read_body(&source, bytes, "images", &samples->images);
    samples->count = size[0];
    samples->shape = (fv_image_shape){ 1, (int32_t)size[1], (int32_t)size[2] };
    fvi_source_close(&source);
    return status;
}

static fv_status convert_labels(fv_context *context, const char *path, const uint8_t *bytes, fvi_samples *samples)
{
    samples->labels = fvi_allocate(context, (size_t)samples->count * sizeof *samples->labels);
    if (samples->labels == NULL)
        return fvi_out_of_memory(context, "labels", (size_t)samples->count * sizeof *samples->labels);
    for (int64_t i = 0; i < samples->count; i++) {
        if (bytes[i] >= samples->classes)
            return fvi_fail(context, FV_ERR_FORMAT, "'%s': label %d at offset %lld (sample %lld), expected 0 to %d",
                            path, bytes[i], (long long)i + 8, (long long)i, (int)samples->classes - 1);
        samples->labels[i] = bytes[i];
    }
    return FV_OK;
}

static fv_status read_labels(fv_context *context, const char *path, fvi_samples *samples)
{
    fvi_source source;
    uint32_t count = 0, size[3] = { 0 };
    uint8_t *bytes = NULL;
    FV_TRY(fvi_source_open(&source, context, path));
    fv_status status = read_header(&source, MAGIC_LABELS, 1, size);
    count = size[0];
    if (status == FV_OK && count != samples->count)
        status = fvi_fail(context, FV_ERR_FORMAT,
                          "'%s': %u labels (offset 4), but the images beside it are %lld; take both from one source",
                          path, count, (long long)samples->count);
    if (status == FV_OK)
        status = read_body(&source, count, "labels", &bytes);
    fvi_source_close(&source);
    if (status == FV_OK)
        status = convert_labels(context, path, bytes, samples);
    fvi_release(context, bytes);
    return status;
}

static fv_status missing(fv_context *context, const char *folder, fv_split split, const char *kind)
{
    return fvi_fail(context, FV_ERR_NOT_FOUND, "'%s' has neither %s-%s-ubyte.gz nor %s-%s-ubyte; put it there", folder,
                    stems[split], kind, stems[split], kind);
}

/* One name a line. */
static fv_status take_names(fv_context *context, const char *path, const char *text, fvi_samples *samples)
{
    int32_t lines = 0;
    for (const char *at = text + strspn(text, "\r\n"); *at != '\0'; lines++) {
        at += strcspn(at, "\r\n");
        at += strspn(at, "\r\n");
    }
    if (lines < 1 || lines > MOST_CLASSES)
        return fvi_fail(context, FV_ERR_FORMAT, "'%s' has %d lines: expected the names of 1 to %d classes, one a line",
                        path, (int)lines, MOST_CLASSES);
    samples->classes = lines;
    samples->names = fvi_allocate_zeroed(context, (size_t)lines, sizeof *samples->names);
    if (samples->names == NULL)
        return fvi_out_of_memory(context, "class names", (size_t)lines * sizeof *samples->names);
    for (int32_t i = 0; i < lines; i++) {
        text += strspn(text, "\r\n");
        const size_t length = strcspn(text, "\r\n");
        samples->names[i] = fvi_allocate_zeroed(context, length + 1, 1);
        if (samples->names[i] == NULL)
            return fvi_out_of_memory(context, "a class name", length + 1);
        memcpy(samples->names[i], text, length);
        text += length;
    }
    return FV_OK;
}

static fv_status read_names(fv_context *context, const char *folder, fvi_samples *samples)
{
    char path[FVI_PATH_BYTES];
    unsigned char *text = NULL;
    size_t size = 0;
    if (!fvi_path_join(path, folder, "classes.txt") || access(path, F_OK) != 0)
        return FV_OK;
    FV_TRY(fvi_file_read(context, path, NAMES_BYTES, &text, &size));
    const fv_status status = take_names(context, path, (const char *)text, samples);
    fvi_release(context, text);
    return status;
}

fv_status fvi_idx_read(fv_context *context, const char *folder, fv_split split, fvi_samples *samples)
{
    char path[FVI_PATH_BYTES];
    samples->classes = CLASSES;
    FV_TRY(read_names(context, folder, samples));
    if (!locate(path, folder, split, "images-idx3"))
        return missing(context, folder, split, "images-idx3");
    FV_TRY(read_images(context, path, samples));
    if (!locate(path, folder, split, "labels-idx1"))
        return missing(context, folder, split, "labels-idx1");
    return read_labels(context, path, samples);
}
