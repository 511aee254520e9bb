/* SPDX-License-Identifier: Apache-2.0
 *
 * npz_write.c - .npz as numpy.savez writes it: each array a stored (not compressed) member of a zip file (PKWARE's APPNOTE 6.3.10, sections 4.3.7, 4.3.12,
 * 4.3.16), the member an .npy of version 1.0. Without the 64-bit extension: less than 4 GiB. Times are 1980-01-01, the zero of the format.
 */
#include "interchange/weights/npz_write.h"

#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/file.h"

enum {
    LOCAL = 30,
    CENTRAL = 46,
    END = 22,
    VERSION = 20,
    EPOCH_DATE = 0x21,
    ALIGNMENT = 64,
    HEADER = 320,
    NAME = 512,
    PIECE = 1 << 14
};
#define MOST_BYTES ((size_t)0xffffffff)

uint32_t fvi_crc32(uint32_t crc, const void *bytes, size_t count)
{
    /* What four bits that are shifted out do. */
    static const uint32_t table[16] = { 0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c };
    const unsigned char *next = bytes;
    crc = ~crc;
    for (size_t i = 0; i < count; i++) {
        crc ^= next[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* Where a member lies. */
typedef struct member {
    uint32_t crc;
    size_t offset, bytes;
} member;

typedef struct npz_writer {
    fv_context *context;
    fvi_writer file;
    const char *path;
    member *members;
    size_t at;
} npz_writer;

static unsigned char *put(unsigned char *to, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *to++ = (unsigned char)(value >> (8 * i));
    return to;
}

static const char *descr_of(const char *dtype)
{
    static const char *const known[][2] = { { "F32", "<f4" }, { "F64", "<f8" }, { "F16", "<f2" }, { "I64", "<i8" },
                                            { "I32", "<i4" }, { "U8", "|u1" },  { "I8", "|i1" } };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i][0], dtype) == 0)
            return known[i][1];
    return NULL;
}

/* Magic, version, length, dictionary, spaces up to a multiple of 64. Returns its bytes. */
static size_t npy_header(const fvi_tensor_source *source, char header[HEADER])
{
    size_t used = (size_t)snprintf(header + 10, HEADER - 10, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                                   descr_of(source->dtype)) +
                  10;
    for (int32_t i = 0; i < source->shape.rank; i++)
        used += (size_t)snprintf(header + used, HEADER - used, "%s%lld%s", i > 0 ? " " : "",
                                 (long long)source->shape.size[i],
                                 source->shape.rank == 1 || i + 1 < source->shape.rank ? "," : "");
    used += (size_t)snprintf(header + used, HEADER - used, "), }");
    const size_t whole = fvi_round_up(used + 1, ALIGNMENT);
    memset(header + used, ' ', whole - used);
    header[whole - 1] = '\n';
    memcpy(header, "\x93NUMPY\1\0", 8);
    put((unsigned char *)header + 8, (uint32_t)(whole - 10), 2);
    return whole;
}

static size_t value_bytes(const fvi_tensor_source *source)
{
    size_t bytes = fvi_safetensors_dtype_bytes(source->dtype);
    for (int32_t i = 0; i < source->shape.rank; i++)
        bytes *= (size_t)source->shape.size[i]; /* of memory that exists */
    return bytes;
}

static fv_status append(npz_writer *w, const void *bytes, size_t count)
{
    w->at += count;
    return fvi_writer_append(&w->file, bytes, count);
}

/* The values as the file's bytes, in pieces, to the file or (write false) into the checksum. */
static fv_status each_piece(npz_writer *w, const fvi_tensor_source *source, bool write, uint32_t *crc)
{
    unsigned char piece[PIECE];
    const size_t bytes = value_bytes(source), size = fvi_safetensors_dtype_bytes(source->dtype);
    for (size_t done = 0; done < bytes; done += PIECE) {
        const size_t now = bytes - done < PIECE ? bytes - done : PIECE;
        memcpy(piece, (const char *)source->values + done, now);
        fvi_little_endian(piece, now / size, size);
        if (write)
            FV_TRY(append(w, piece, now));
        else
            *crc = fvi_crc32(*crc, piece, now);
    }
    return FV_OK;
}

/* What local and central header share from "version needed" on. */
static unsigned char *put_facts(unsigned char *to, const member *m, size_t name)
{
    to = put(to, VERSION, 2);
    to = put(to, 0, 2); /* no flags */
    to = put(to, 0, 2); /* stored */
    to = put(to, 0, 2);
    to = put(to, EPOCH_DATE, 2);
    to = put(to, m->crc, 4);
    to = put(to, (uint32_t)m->bytes, 4);
    to = put(to, (uint32_t)m->bytes, 4);
    to = put(to, (uint32_t)name, 2);
    return put(to, 0, 2);
}

static fv_status write_member(npz_writer *w, const fvi_tensor_source *source, member *m)
{
    unsigned char local[LOCAL];
    char header[HEADER], name[NAME];
    const size_t header_bytes = npy_header(source, header),
                 length = (size_t)snprintf(name, NAME, "%s.npy", source->name);
    *m = (member){ .offset = w->at, .bytes = header_bytes + value_bytes(source) };
    if (m->bytes > MOST_BYTES || w->at > MOST_BYTES - m->bytes)
        return fvi_fail(w->context, FV_ERR_UNSUPPORTED,
                        "'%s': array '%.100s' does not fit into 4 GiB, which is all that is written", w->path,
                        source->name);
    m->crc = fvi_crc32(0, header, header_bytes);
    FV_TRY(each_piece(w, source, false, &m->crc));
    put_facts(put(local, 0x04034b50, 4), m, length);
    FV_TRY(append(w, local, sizeof local));
    FV_TRY(append(w, name, length));
    FV_TRY(append(w, header, header_bytes));
    return each_piece(w, source, true, NULL);
}

static fv_status write_directory(npz_writer *w, const fvi_tensor_source *sources, int32_t count)
{
    unsigned char entry[CENTRAL], end[END];
    char name[NAME];
    const size_t begin = w->at;
    for (int32_t i = 0; i < count; i++) {
        const size_t length = (size_t)snprintf(name, NAME, "%s.npy", sources[i].name);
        unsigned char *to = put(entry, 0x02014b50, 4);
        to = put_facts(put(to, VERSION, 2), &w->members[i], length);
        memset(to, 0, (size_t)(entry + CENTRAL - to)); /* no comment, first disk, no attributes */
        put(entry + CENTRAL - 4, (uint32_t)w->members[i].offset, 4);
        FV_TRY(append(w, entry, sizeof entry));
        FV_TRY(append(w, name, length));
    }
    memset(end, 0, sizeof end);
    put(end, 0x06054b50, 4);
    put(put(end + 8, (uint32_t)count, 2), (uint32_t)count, 2);
    put(put(end + 12, (uint32_t)(w->at - begin), 4), (uint32_t)begin, 4);
    return append(w, end, sizeof end);
}

static fv_status check_sources(fv_context *context, const char *path, const fvi_tensor_source *sources, int32_t count)
{
    if (count > 0xfffe)
        return fvi_fail(context, FV_ERR_UNSUPPORTED, "'%s': %d arrays; at most 65534", path, count);
    for (int32_t i = 0; i < count; i++) {
        if (descr_of(sources[i].dtype) == NULL)
            return fvi_fail(context, FV_ERR_ARGUMENT, "'%s': array '%.100s' is of %s, which NumPy has not", path,
                            sources[i].name, sources[i].dtype);
        if (strlen(sources[i].name) > NAME - 8)
            return fvi_fail(context, FV_ERR_ARGUMENT, "'%s': the name '%.100s...' is too long", path, sources[i].name);
    }
    return FV_OK;
}

fv_status fvi_npz_write(fv_context *context, const char *path, const fvi_tensor_source *sources, int32_t count)
{
    npz_writer w = { .context = context, .path = path };
    FV_TRY(check_sources(context, path, sources, count));
    w.members = fvi_allocate_zeroed(context, (size_t)count + 1, sizeof *w.members);
    if (w.members == NULL)
        return fvi_out_of_memory(context, "a list of arrays", (size_t)count * sizeof *w.members);
    fv_status status = fvi_writer_open(&w.file, context, path);
    if (status == FV_OK) {
        for (int32_t i = 0; i < count && status == FV_OK; i++)
            status = write_member(&w, &sources[i], &w.members[i]);
        if (status == FV_OK)
            status = write_directory(&w, sources, count);
        if (status == FV_OK)
            status = fvi_writer_commit(&w.file);
        else
            fvi_writer_discard(&w.file);
    }
    fvi_release(context, w.members);
    return status;
}
