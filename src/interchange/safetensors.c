/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors.c - reading and checking the header. Nothing is allocated from a number in the file before the file's own size has
 * confirmed it. Limits: header 16 MiB, 65,536 tensors, rank 6.
 */
#include "interchange/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/xxh64.h"

enum { LENGTH_BYTES = 8, SHORTEST_HEADER = 2, CHUNK = 1 << 16 };

static fv_status read_at(const fvi_safetensors *file, uint64_t offset, void *bytes, size_t count)
{
    char *next = bytes;
    while (count > 0) {
        const ssize_t got = pread(file->descriptor, next, count, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fvi_fail(file->context, FV_ERR_IO, "'%s' cannot be read at offset %llu: %s", file->path,
                            (unsigned long long)offset, strerror(errno));
        if (got == 0)
            return fvi_fail(file->context, FV_ERR_FORMAT, "'%s' is truncated: it ends at offset %llu", file->path,
                            (unsigned long long)offset);
        next += got;
        offset += (uint64_t)got;
        count -= (size_t)got;
    }
    return FV_OK;
}

fv_status fvi_safetensors_read(const fvi_safetensors *file, uint64_t offset, void *bytes, size_t count)
{
    return read_at(file, file->data_offset + offset, bytes, count);
}

const char *fvi_safetensors_text(const fvi_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(file->metadata, key));
}

static fv_status check_metadata(fvi_safetensors *file)
{
    const char *key = NULL;
    json_t *value = NULL;
    file->metadata = json_object_get(file->header, "__metadata__");
    if (file->metadata != NULL && !json_is_object(file->metadata))
        return fvi_fail(file->context, FV_ERR_FORMAT, "'%s': __metadata__ is not an object", file->path);
    json_object_foreach(file->metadata, key, value)
    {
        if (!json_is_string(value))
            return fvi_fail(file->context, FV_ERR_FORMAT, "'%s': __metadata__ '%.100s' is not a text", file->path, key);
    }
    return FV_OK;
}

size_t fvi_safetensors_dtype_bytes(const char *dtype)
{
    static const struct {
        const char *name;
        size_t bytes;
    } known[] = { { "F64", 8 },  { "I64", 8 }, { "U64", 8 }, { "F32", 4 }, { "I32", 4 }, { "U32", 4 }, { "F16", 2 },
                  { "BF16", 2 }, { "I16", 2 }, { "U16", 2 }, { "I8", 1 },  { "U8", 1 },  { "BOOL", 1 } };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, dtype) == 0)
            return known[i].bytes;
    return 0;
}

static fv_status tensor_failed(const fvi_safetensors *file, const char *name, const char *what)
{
    return fvi_fail(file->context, FV_ERR_FORMAT, "'%s': tensor '%.100s': %s", file->path, name, what);
}

static fv_status read_shape(const fvi_safetensors *file, const char *name, const json_t *list, fv_shape *shape,
                            uint64_t *elements)
{
    size_t product = 1;
    if (!json_is_array(list))
        return tensor_failed(file, name, "'shape' is not a list");
    if (json_array_size(list) > 6)
        return tensor_failed(file, name, "'shape' has more than 6 sizes");
    shape->rank = (int32_t)json_array_size(list);
    for (int32_t i = 0; i < shape->rank; i++) {
        const json_t *size = json_array_get(list, (size_t)i);
        const json_int_t value = json_integer_value(size);
        if (!json_is_integer(size) || value < 0 || !fvi_size_multiply(product, (size_t)value, &product))
            return tensor_failed(file, name, "'shape' has a size that is negative, not a whole number, or too large");
        shape->size[i] = value;
    }
    *elements = product;
    return FV_OK;
}

static fv_status read_offsets(const fvi_safetensors *file, fvi_stored_tensor *tensor, const json_t *list)
{
    const json_t *begin = json_array_get(list, 0), *end = json_array_get(list, 1);
    if (json_array_size(list) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return tensor_failed(file, tensor->name, "'data_offsets' is not a list of two whole numbers");
    const json_int_t first = json_integer_value(begin), last = json_integer_value(end);
    if (first < 0 || last < first || (uint64_t)last > file->data_bytes)
        return fvi_fail(file->context, FV_ERR_FORMAT,
                        "'%s': tensor '%.100s' lies at bytes %lld to %lld of a data section of %llu: truncated, or not "
                        "what was written",
                        file->path, tensor->name, (long long)first, (long long)last,
                        (unsigned long long)file->data_bytes);
    tensor->begin = (uint64_t)first;
    tensor->end = (uint64_t)last;
    return FV_OK;
}

static fv_status read_tensor(const fvi_safetensors *file, const char *name, const json_t *entry,
                             fvi_stored_tensor *tensor)
{
    uint64_t elements = 0;
    size_t bytes = 0;
    *tensor = (fvi_stored_tensor){ .name = name, .parameter = -1 };
    if (json_object_size(entry) != 3)
        return tensor_failed(file, name, "is not an object of 'dtype', 'shape' and 'data_offsets'");
    tensor->dtype = json_string_value(json_object_get(entry, "dtype"));
    if (tensor->dtype == NULL || fvi_safetensors_dtype_bytes(tensor->dtype) == 0)
        return tensor_failed(file, name, "'dtype' is not one that is known");
    FV_TRY(read_shape(file, name, json_object_get(entry, "shape"), &tensor->shape, &elements));
    FV_TRY(read_offsets(file, tensor, json_object_get(entry, "data_offsets")));
    if (!fvi_size_multiply((size_t)elements, fvi_safetensors_dtype_bytes(tensor->dtype), &bytes) ||
        bytes != tensor->end - tensor->begin)
        return fvi_fail(file->context, FV_ERR_FORMAT,
                        "'%s': tensor '%.100s' has %llu bytes, its shape and dtype need %zu", file->path, name,
                        (unsigned long long)(tensor->end - tensor->begin), bytes);
    return FV_OK;
}

fv_status fvi_safetensors_check_header(const fvi_safetensors *file)
{
    char found[17];
    uint64_t value = 0;
    json_t *stored = json_incref(json_object_get(file->metadata, "header_checksum"));
    if (stored == NULL)
        return FV_OK;
    json_object_del(file->metadata, "header_checksum");
    const bool made = fvi_safetensors_header_checksum(file->header, &value) &&
                      json_object_set(file->metadata, "header_checksum", stored) == 0;
    snprintf(found, sizeof found, "%016llx", (unsigned long long)value);
    fv_status status = made ? FV_OK : fvi_out_of_memory(file->context, "a header", 0);
    if (made && strcmp(json_string_value(stored), found) != 0)
        status = fvi_fail(file->context, FV_ERR_FORMAT,
                          "'%s' is damaged: its header has checksum %s, it says %.40s; use another copy", file->path,
                          found, json_string_value(stored));
    json_decref(stored);
    return status;
}

fv_status fvi_safetensors_check(const fvi_safetensors *file)
{
    char found[17];
    fvi_xxh64 hash = fvi_xxh64_start(0);
    const char *expected = fvi_safetensors_text(file, "checksum");
    FV_TRY(fvi_safetensors_check_header(file));
    if (expected == NULL)
        return fvi_fail(file->context, FV_ERR_FORMAT, "'%s' has no 'checksum' in its metadata", file->path);
    char *chunk = fvi_allocate(file->context, CHUNK);
    if (chunk == NULL)
        return fvi_out_of_memory(file->context, "a piece of a file", CHUNK);
    fv_status status = FV_OK;
    for (uint64_t at = 0; at < file->data_bytes && status == FV_OK; at += CHUNK) {
        const size_t count = file->data_bytes - at < CHUNK ? (size_t)(file->data_bytes - at) : CHUNK;
        status = fvi_safetensors_read(file, at, chunk, count);
        if (status == FV_OK)
            fvi_xxh64_update(&hash, chunk, count);
    }
    fvi_release(file->context, chunk);
    FV_TRY(status);
    snprintf(found, sizeof found, "%016llx", (unsigned long long)fvi_xxh64_finish(&hash));
    if (strcmp(found, expected) != 0)
        return fvi_fail(file->context, FV_ERR_FORMAT,
                        "'%s' is damaged: its tensors have checksum %s, its metadata says %.40s; use another copy",
                        file->path, found, expected);
    return FV_OK;
}

static int by_place(const void *a, const void *b)
{
    const fvi_stored_tensor *one = a, *other = b;
    if (one->begin != other->begin)
        return one->begin < other->begin ? -1 : 1;
    return one->end < other->end ? -1 : one->end > other->end;
}

static fv_status check_cover(const fvi_safetensors *file)
{
    uint64_t at = 0;
    for (int32_t i = 0; i < file->count; i++) {
        const fvi_stored_tensor *tensor = &file->tensors[i];
        if (tensor->begin != at)
            return fvi_fail(file->context, FV_ERR_FORMAT, "'%s': tensor '%.100s' begins at byte %llu, %s %llu",
                            file->path, tensor->name, (unsigned long long)tensor->begin,
                            tensor->begin < at ? "overlapping the one that ends at" : "leaving a gap from",
                            (unsigned long long)at);
        at = tensor->end;
    }
    if (at != file->data_bytes)
        return fvi_fail(file->context, FV_ERR_FORMAT, "'%s' is oversized: %llu bytes behind the last tensor",
                        file->path, (unsigned long long)(file->data_bytes - at));
    return FV_OK;
}

static fv_status read_tensors(fvi_safetensors *file)
{
    const char *name = NULL;
    json_t *entry = NULL;
    const size_t entries = json_object_size(file->header);
    if (entries > FVI_SAFETENSORS_TENSORS)
        return fvi_fail(file->context, FV_ERR_FORMAT, "'%s': %zu tensors; at most %d", file->path, entries,
                        FVI_SAFETENSORS_TENSORS);
    file->tensors = fvi_allocate_zeroed(file->context, entries + 1, sizeof *file->tensors);
    if (file->tensors == NULL)
        return fvi_out_of_memory(file->context, "a list of tensors", entries * sizeof *file->tensors);
    json_object_foreach(file->header, name, entry)
    {
        if (entry == file->metadata)
            continue;
        FV_TRY(read_tensor(file, name, entry, &file->tensors[file->count]));
        file->count++;
    }
    qsort(file->tensors, (size_t)file->count, sizeof *file->tensors, by_place);
    return check_cover(file);
}

static fv_status parse_header(fvi_safetensors *file, size_t length)
{
    json_error_t error;
    char *text = fvi_allocate(file->context, length);
    if (text == NULL)
        return fvi_out_of_memory(file->context, "a header", length);
    fv_status status = read_at(file, LENGTH_BYTES, text, length);
    if (status == FV_OK) {
        file->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
        if (file->header == NULL)
            status = fvi_fail(file->context, FV_ERR_FORMAT,
                              "'%s': its header (bytes 8 to %zu) is invalid JSON at byte %d: %s", file->path,
                              LENGTH_BYTES + length, LENGTH_BYTES + error.position, error.text);
    }
    fvi_release(file->context, text);
    return status;
}

static fv_status examine(fvi_safetensors *file)
{
    struct stat info;
    unsigned char bytes[LENGTH_BYTES];
    uint64_t length = 0;
    if (fstat(file->descriptor, &info) != 0 || !S_ISREG(info.st_mode))
        return fvi_fail(file->context, FV_ERR_IO, "'%s' is not a regular file", file->path);
    const uint64_t size = (uint64_t)info.st_size;
    if (size < LENGTH_BYTES + SHORTEST_HEADER)
        return fvi_fail(file->context, FV_ERR_FORMAT, "'%s' is truncated: %llu bytes are too few for a model",
                        file->path, (unsigned long long)size);
    FV_TRY(read_at(file, 0, bytes, sizeof bytes));
    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        length = length << 8 | bytes[i];
    if (length < SHORTEST_HEADER || length > FVI_SAFETENSORS_HEADER || length > size - LENGTH_BYTES)
        return fvi_fail(
            file->context, FV_ERR_FORMAT,
            "'%s': header length %llu at offset 0, expected 2 to %llu: not a safetensors file, or truncated",
            file->path, (unsigned long long)length,
            (unsigned long long)(size - LENGTH_BYTES < FVI_SAFETENSORS_HEADER ? size - LENGTH_BYTES
                                                                              : FVI_SAFETENSORS_HEADER));
    file->data_offset = LENGTH_BYTES + length;
    file->data_bytes = size - file->data_offset;
    FV_TRY(parse_header(file, (size_t)length));
    if (!json_is_object(file->header))
        return fvi_fail(file->context, FV_ERR_FORMAT, "'%s': its header is not a JSON object", file->path);
    FV_TRY(check_metadata(file));
    return read_tensors(file);
}

fv_status fvi_safetensors_open(fvi_safetensors *file, fv_context *context, const char *path)
{
    *file = (fvi_safetensors){ .context = context,
                               .path = path,
                               .descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
    if (file->descriptor < 0)
        return fvi_fail(context, errno == ENOENT ? FV_ERR_NOT_FOUND : FV_ERR_IO, "model '%s' cannot be opened: %s",
                        path, strerror(errno));
    const fv_status status = examine(file);
    if (status != FV_OK)
        fvi_safetensors_close(file);
    return status;
}

void fvi_safetensors_close(fvi_safetensors *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    json_decref(file->header);
    fvi_release(file->context, file->tensors);
    *file = (fvi_safetensors){ .context = file->context, .descriptor = -1 };
}
