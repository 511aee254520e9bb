/* SPDX-License-Identifier: Apache-2.0
 *
 * npy.c - see npy.h. The header is a Python dictionary of three known keys and is read as such, not as Python. Its length is at most 64 KiB.
 */
#include "data/sets/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "data/sets/archive.h"

enum { MAGIC = 8, PIECE = 1 << 14 /* bytes; a multiple of 8 */, RANK = 6, DESCR = 32 };

struct fvi_npz {
    fv_context *context;
    const char *path;
    fvi_archive *archive;
    char name[FVI_NPY_NAME];
    char where[FVI_NPY_NAME + 300]; /* "'weights.npz': array 'conv1'" */
    fvi_npy header;
};

typedef struct reader {
    fv_context *context;
    const char *where, *at;
} reader;

static fv_status bad(const reader *r, const char *what)
{
    return fvi_fail(r->context, FV_ERR_FORMAT, "%s: its header is not an .npy's: %s", r->where, what);
}

static void skip_spaces(reader *r)
{
    while (*r->at == ' ' || *r->at == '\n' || *r->at == '\t')
        r->at++;
}

static bool take(reader *r, const char *text)
{
    const size_t length = strlen(text);
    skip_spaces(r);
    if (strncmp(r->at, text, length) != 0)
        return false;
    r->at += length;
    return true;
}

static bool take_text(reader *r, char *text, size_t size)
{
    size_t used = 0;
    skip_spaces(r);
    const char quote = *r->at;
    if (quote != '\'' && quote != '"')
        return false;
    for (r->at++; *r->at != quote && *r->at != '\0' && used + 1 < size; r->at++)
        text[used++] = *r->at;
    text[used] = '\0';
    return *r->at++ == quote;
}

/* (), (3,), (2, 3); Python 2 wrote (3L,). */
static fv_status read_shape(reader *r, fvi_npy *out)
{
    size_t product = 1;
    if (!take(r, "("))
        return bad(r, "'shape' is not a tuple");
    while (!take(r, ")")) {
        char *end = NULL;
        skip_spaces(r);
        if (*r->at < '0' || *r->at > '9')
            return bad(r, "'shape' has a size that is not a whole number");
        const unsigned long long size = strtoull(r->at, &end, 10);
        if (out->shape.rank == RANK)
            return bad(r, "'shape' has more than 6 sizes");
        if (size > INT64_MAX || !fvi_size_multiply(product, (size_t)size, &product))
            return bad(r, "'shape' is too large");
        out->shape.size[out->shape.rank++] = (int64_t)size;
        r->at = end;
        take(r, "L");
        take(r, ",");
    }
    out->elements = product;
    return FV_OK;
}

/* "<f4", ">i8", "|u1", "=f8". */
static fv_status read_type(const reader *r, const char *descr, fvi_npy *out)
{
    static const struct {
        const char *name;
        fvi_number type;
    } known[] = {
        { "f2", FVI_NUMBER_F16 }, { "f4", FVI_NUMBER_F32 }, { "f8", FVI_NUMBER_F64 }, { "i1", FVI_NUMBER_I8 },
        { "u1", FVI_NUMBER_U8 },  { "i2", FVI_NUMBER_I16 }, { "u2", FVI_NUMBER_U16 }, { "i4", FVI_NUMBER_I32 },
        { "u4", FVI_NUMBER_U32 }, { "i8", FVI_NUMBER_I64 }, { "u8", FVI_NUMBER_U64 }, { "b1", FVI_NUMBER_BOOL },
    };
    const bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    const bool marked = *descr == '<' || *descr == '>' || *descr == '|' || *descr == '=';
    out->swapped = (*descr == '>' && !big) || (*descr == '<' && big);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(descr + marked, known[i].name) == 0)
            out->type = known[i].type;
    if (out->type != FVI_NUMBER_NONE)
        return FV_OK;
    return fvi_fail(r->context, FV_ERR_UNSUPPORTED, "%s is of type '%.30s'; whole numbers, f2, f4, f8 and b1 are read",
                    r->where, descr);
}

static fv_status read_entry(reader *r, fvi_npy *out, unsigned *seen)
{
    char key[DESCR], descr[DESCR];
    if (!take_text(r, key, sizeof key) || !take(r, ":"))
        return bad(r, "it is not a dictionary");
    if (strcmp(key, "descr") == 0) {
        *seen |= 1u;
        if (!take_text(r, descr, sizeof descr))
            return fvi_fail(r->context, FV_ERR_UNSUPPORTED, "%s has records, which are not read", r->where);
        return read_type(r, descr, out);
    }
    if (strcmp(key, "fortran_order") == 0) {
        *seen |= 2u;
        out->fortran = take(r, "True");
        return out->fortran || take(r, "False") ? FV_OK : bad(r, "'fortran_order' is neither True nor False");
    }
    if (strcmp(key, "shape") != 0 || (*seen & 4u) != 0)
        return bad(r, "a key is unknown, or there twice");
    *seen |= 4u;
    return read_shape(r, out);
}

fv_status fvi_npy_parse(fv_context *context, const char *where, const char *text, fvi_npy *out)
{
    reader r = { .context = context, .where = where, .at = text };
    unsigned seen = 0;
    *out = (fvi_npy){ .type = FVI_NUMBER_NONE };
    if (!take(&r, "{"))
        return bad(&r, "it is not a dictionary");
    while (!take(&r, "}")) {
        FV_TRY(read_entry(&r, out, &seen));
        take(&r, ",");
    }
    if (seen != 7u)
        return bad(&r, "'descr', 'fortran_order' or 'shape' is missing");
    if (!fvi_size_multiply(out->elements, fvi_number_bytes(out->type), &out->bytes))
        return bad(&r, "'shape' is too large");
    return FV_OK;
}

static fv_status take_bytes(fvi_npz *npz, void *memory, size_t count)
{
    size_t got = 0;
    FV_TRY(fvi_archive_take(npz->archive, npz->name, memory, count, &got));
    if (got < count)
        return fvi_fail(npz->context, FV_ERR_FORMAT, "%s is truncated: it ends %zu bytes early", npz->where,
                        count - got);
    return FV_OK;
}

/* Magic, version, length, dictionary. */
static fv_status read_header(fvi_npz *npz)
{
    unsigned char start[MAGIC + 4] = { 0 };
    FV_TRY(take_bytes(npz, start, MAGIC));
    if (memcmp(start, "\x93NUMPY", 6) != 0 || start[6] < 1 || start[6] > 3)
        return fvi_fail(npz->context, FV_ERR_FORMAT, "%s is no .npy of version 1 to 3", npz->where);
    const size_t bytes = start[6] == 1 ? 2 : 4;
    FV_TRY(take_bytes(npz, start + MAGIC, bytes));
    size_t length = 0;
    for (size_t i = bytes; i > 0; i--)
        length = length << 8 | start[MAGIC + i - 1];
    if (length > FVI_NPY_HEADER)
        return fvi_fail(npz->context, FV_ERR_FORMAT, "%s has a header of %zu bytes; at most %d", npz->where, length,
                        FVI_NPY_HEADER);
    char *text = fvi_allocate(npz->context, length + 1);
    if (text == NULL)
        return fvi_out_of_memory(npz->context, "a header", length + 1);
    fv_status status = take_bytes(npz, text, length);
    text[length] = '\0';
    if (status == FV_OK)
        status = fvi_npy_parse(npz->context, npz->where, text, &npz->header);
    fvi_release(npz->context, text);
    return status;
}

fv_status fvi_npz_open(fvi_npz **out, fv_context *context, const char *path)
{
    *out = NULL;
    fvi_npz *npz = fvi_allocate_zeroed(context, 1, sizeof *npz);
    if (npz == NULL)
        return fvi_out_of_memory(context, "an .npz", sizeof *npz);
    npz->context = context;
    npz->path = path;
    const fv_status status = fvi_archive_open_zip(&npz->archive, context, path);
    if (status != FV_OK) {
        fvi_npz_close(npz);
        return status;
    }
    *out = npz;
    return FV_OK;
}

void fvi_npz_close(fvi_npz *npz)
{
    if (npz == NULL)
        return;
    fvi_archive_close(npz->archive);
    fvi_release(npz->context, npz);
}

fv_status fvi_npz_next(fvi_npz *npz, const char **name, fvi_npy *header)
{
    const char *entry = NULL;
    *name = NULL;
    FV_TRY(fvi_archive_next(npz->archive, &entry));
    if (entry == NULL)
        return FV_OK;
    const size_t length = strlen(entry),
                 end = length > 4 && strcmp(entry + length - 4, ".npy") == 0 ? length - 4 : length;
    if (end >= sizeof npz->name)
        return fvi_fail(npz->context, FV_ERR_FORMAT, "'%s': an array's name has %zu bytes; at most %d", npz->path, end,
                        FVI_NPY_NAME - 1);
    memcpy(npz->name, entry, end);
    npz->name[end] = '\0';
    snprintf(npz->where, sizeof npz->where, "'%.280s': array '%s'", npz->path, npz->name);
    FV_TRY(read_header(npz));
    *name = npz->name;
    *header = npz->header;
    return FV_OK;
}

fv_status fvi_npz_read_bytes(fvi_npz *npz, void *memory, size_t bytes)
{
    return take_bytes(npz, memory, bytes);
}

fv_status fvi_npz_read(fvi_npz *npz, float *values, size_t count)
{
    unsigned char piece[PIECE];
    const size_t size = fvi_number_bytes(npz->header.type), most = PIECE / size;
    for (size_t done = 0; done < count;) {
        const size_t now = count - done < most ? count - done : most;
        FV_TRY(take_bytes(npz, piece, now * size));
        fvi_numbers_to_float(npz->header.type, npz->header.swapped, piece, now, values + done);
        done += now;
    }
    return FV_OK;
}

void fvi_npy_from_fortran(const fv_shape *shape, const float *values, float *ordered)
{
    int64_t index[RANK] = { 0 }, count = 1, step[RANK] = { 0 };
    for (int32_t i = 0; i < shape->rank; i++) {
        step[i] = count; /* in Fortran's order */
        count *= shape->size[i];
    }
    for (int64_t k = 0; k < count; k++) {
        int64_t at = 0;
        for (int32_t i = 0; i < shape->rank; i++)
            at += index[i] * step[i];
        ordered[k] = values[at];
        for (int32_t i = shape->rank - 1; i >= 0 && ++index[i] == shape->size[i]; i--)
            index[i] = 0;
    }
}
