/* SPDX-License-Identifier: Apache-2.0
 *
 * safetensors_write.c - writing: the header padded with spaces so that the tensors begin at a multiple of 64 bytes, then the tensors
 * in the order given, without gaps, through a temporary file. Two checksums go into the metadata: of the tensors' bytes, and
 * of the header itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/xxh64.h"
#include "interchange/safetensors.h"

enum { LENGTH_BYTES = 8, DATA_ALIGNMENT = 64, CHUNK = 16384 };

typedef fv_status take_fn(void *user, const void *bytes, size_t count);

static size_t element_bytes(const fvi_tensor_source *source)
{
    return fvi_safetensors_dtype_bytes(source->dtype);
}

static size_t element_count(const fvi_tensor_source *source)
{
    size_t count = 1;
    for (int32_t i = 0; i < source->shape.rank; i++)
        count *= (size_t)source->shape.size[i]; /* of memory that exists: no overflow */
    return count;
}

/* All tensors, as the file's bytes, in pieces. */
static fv_status each_piece(const fvi_tensor_source *sources, int32_t count, take_fn *take, void *user)
{
    unsigned char chunk[CHUNK];
    for (int32_t i = 0; i < count; i++) {
        const size_t size = element_bytes(&sources[i]), bytes = element_count(&sources[i]) * size;
        const unsigned char *values = sources[i].values;
        for (size_t at = 0; at < bytes; at += CHUNK) {
            const size_t piece = bytes - at < CHUNK ? bytes - at : CHUNK;
            memcpy(chunk, values + at, piece);
            fvi_little_endian(chunk, piece / size, size);
            FV_TRY(take(user, chunk, piece));
        }
    }
    return FV_OK;
}

static fv_status take_hash(void *user, const void *bytes, size_t count)
{
    fvi_xxh64_update(user, bytes, count);
    return FV_OK;
}

static fv_status take_write(void *user, const void *bytes, size_t count)
{
    return fvi_writer_append(user, bytes, count);
}

static bool set_checksum(json_t *metadata, const char *key, uint64_t value)
{
    char text[17];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)value);
    return json_object_set_new(metadata, key, json_string(text)) == 0;
}

bool fvi_safetensors_header_checksum(const json_t *header, uint64_t *value)
{
    char *text = json_dumps(header, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL)
        return false;
    fvi_xxh64 hash = fvi_xxh64_start(0);
    fvi_xxh64_update(&hash, text, strlen(text));
    *value = fvi_xxh64_finish(&hash);
    free(text);
    return true;
}

static json_t *make_entry(const fvi_tensor_source *source, size_t begin, size_t end)
{
    json_t *shape = json_array();
    for (int32_t i = 0; i < source->shape.rank; i++)
        if (json_array_append_new(shape, json_integer(source->shape.size[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", source->dtype, "shape", shape, "data_offsets", (json_int_t)begin,
                     (json_int_t)end);
}

/* Keeps metadata. NULL when memory is short or a text is not UTF-8. */
static json_t *make_header(json_t *metadata, const fvi_tensor_source *sources, int32_t count)
{
    json_t *header = json_object();
    size_t at = 0;
    uint64_t checksum = 0;
    bool good = json_object_set(header, "__metadata__", metadata) == 0;
    for (int32_t i = 0; i < count && good; i++) {
        const size_t end = at + element_count(&sources[i]) * element_bytes(&sources[i]);
        good = json_object_get(header, sources[i].name) == NULL &&
               json_object_set_new(header, sources[i].name, make_entry(&sources[i], at, end)) == 0;
        at = end;
    }
    good = good && fvi_safetensors_header_checksum(header, &checksum) &&
           set_checksum(metadata, "header_checksum", checksum);
    if (good)
        return header;
    json_decref(header);
    return NULL;
}

static fv_status write_file(fv_context *context, const char *path, const char *header, const fvi_tensor_source *sources,
                            int32_t count)
{
    static const char spaces[DATA_ALIGNMENT + 1] = "                                                                ";
    unsigned char length[LENGTH_BYTES];
    const size_t used = strlen(header);
    const size_t padded = fvi_round_up(LENGTH_BYTES + used, DATA_ALIGNMENT) - LENGTH_BYTES;
    fvi_writer writer;
    for (size_t i = 0; i < sizeof length; i++)
        length[i] = (unsigned char)((uint64_t)padded >> (8 * i));
    FV_TRY(fvi_writer_open(&writer, context, path));
    fv_status status = fvi_writer_append(&writer, length, sizeof length);
    if (status == FV_OK)
        status = fvi_writer_append(&writer, header, used);
    if (status == FV_OK)
        status = fvi_writer_append(&writer, spaces, padded - used);
    if (status == FV_OK)
        status = each_piece(sources, count, take_write, &writer);
    if (status == FV_OK)
        status = fvi_writer_commit(&writer);
    fvi_writer_discard(&writer);
    return status;
}

fv_status fvi_safetensors_write(fv_context *context, const char *path, json_t *metadata,
                                const fvi_tensor_source *sources, int32_t count)
{
    fvi_xxh64 hash = fvi_xxh64_start(0);
    (void)each_piece(sources, count, take_hash, &hash);
    json_t *header =
        set_checksum(metadata, "checksum", fvi_xxh64_finish(&hash)) ? make_header(metadata, sources, count) : NULL;
    char *text = header != NULL ? json_dumps(header, JSON_COMPACT) : NULL;
    json_decref(header);
    if (text == NULL)
        return fvi_fail(context, FV_ERR_ARGUMENT,
                        "model '%s': a name or the extra metadata is not UTF-8 or comes twice, or memory is short",
                        path);
    fv_status status = FV_OK;
    if (strlen(text) > FVI_SAFETENSORS_HEADER - DATA_ALIGNMENT)
        status = fvi_fail(context, FV_ERR_ARGUMENT, "model '%s': its header would have %zu bytes; at most %d are read",
                          path, strlen(text), FVI_SAFETENSORS_HEADER);
    if (status == FV_OK)
        status = write_file(context, path, text, sources, count);
    free(text);
    return status;
}
