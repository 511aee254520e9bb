/* SPDX-License-Identifier: Apache-2.0
 *
 * csv.c - a parser that cuts fields out of the file's own bytes. Limits: files of 4 GiB, 65,536 fields in a row, no NUL bytes.
 */
#include "data/sets/csv.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"

enum { MOST_FIELDS = 1 << 16 };
#define MOST_BYTES ((size_t)1 << 32)

fv_status fvi_csv_open(fvi_csv *csv, fv_context *context, const char *path)
{
    unsigned char *bytes = NULL;
    *csv = (fvi_csv){ .context = context, .path = path, .next_line = 1 };
    FV_TRY(fvi_file_read(context, path, MOST_BYTES, &bytes, &csv->size));
    csv->bytes = (char *)bytes;
    if (memchr(bytes, 0, csv->size) != NULL) {
        fvi_csv_close(csv);
        return fvi_fail(context, FV_ERR_FORMAT, "'%s' is no CSV: it has zero bytes", path);
    }
    if (csv->size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
        csv->at = 3;
    return FV_OK;
}

void fvi_csv_close(fvi_csv *csv)
{
    fvi_release(csv->context, csv->bytes);
    fvi_release(csv->context, csv->field);
    csv->bytes = NULL;
    csv->field = NULL;
}

static fv_status add_field(fvi_csv *csv, char *text)
{
    void *fields = csv->field;
    if (csv->count == MOST_FIELDS)
        return fvi_fail(csv->context, FV_ERR_FORMAT, "'%s', line %lld: more than %d fields", csv->path,
                        (long long)csv->line, MOST_FIELDS);
    const fv_status status =
        fvi_grow(csv->context, &fields, &csv->capacity, (size_t)csv->count, (size_t)csv->count + 1, sizeof *csv->field);
    csv->field = fields;
    if (status == FV_OK)
        csv->field[csv->count++] = text;
    return status;
}

/* A field in quotes, in which a doubled quote stands for one, is written back over itself. at is behind the first quote. */
static fv_status take_quoted(fvi_csv *csv)
{
    char *const text = csv->bytes + csv->at, *out = text;
    for (;; csv->at++) {
        if (csv->at >= csv->size)
            return fvi_fail(csv->context, FV_ERR_FORMAT, "'%s', line %lld: a quote is not closed", csv->path,
                            (long long)csv->line);
        const char byte = csv->bytes[csv->at];
        if (byte == '\n')
            csv->next_line++;
        if (byte == '"' && csv->bytes[csv->at + 1] == '"')
            csv->at++;
        else if (byte == '"')
            break;
        *out++ = byte;
    }
    csv->at++;
    const char end = csv->bytes[csv->at];
    *out = '\0';
    if (csv->at < csv->size && end != ',' && end != '\r' && end != '\n')
        return fvi_fail(csv->context, FV_ERR_FORMAT, "'%s', line %lld: text behind a closing quote", csv->path,
                        (long long)csv->line);
    return add_field(csv, text);
}

static fv_status take_field(fvi_csv *csv)
{
    if (csv->bytes[csv->at] == '"') {
        csv->at++;
        return take_quoted(csv);
    }
    char *const text = csv->bytes + csv->at;
    csv->at += strcspn(text, ",\r\n");
    return add_field(csv, text);
}

/* Past the end of a field: true when the row goes on. The NUL that ends the field is written here, over what ended it. */
static bool pass_end(fvi_csv *csv)
{
    const char end = csv->bytes[csv->at];
    csv->bytes[csv->at] = '\0';
    if (end == ',') {
        csv->at++;
        return true;
    }
    if (end == '\r' && csv->bytes[csv->at + 1] == '\n')
        csv->at++;
    if (end != '\0') {
        csv->at++;
        csv->next_line++;
    }
    return false;
}

fv_status fvi_csv_next(fvi_csv *csv)
{
    csv->count = 0;
    while (csv->at < csv->size && (csv->bytes[csv->at] == '\n' || csv->bytes[csv->at] == '\r')) {
        csv->next_line += csv->bytes[csv->at] == '\n';
        csv->at++;
    }
    csv->line = csv->next_line;
    if (csv->at >= csv->size)
        return FV_OK;
    do
        FV_TRY(take_field(csv));
    while (pass_end(csv));
    return FV_OK;
}

fv_status fvi_csv_number(const fvi_csv *csv, int32_t f, const char *column, float *value)
{
    double number = 0;
    const char *text = csv->field[f] + strspn(csv->field[f], " \t");
    if (!fvi_read_real(text, &number) || !isfinite((float)number))
        return fvi_fail(csv->context, FV_ERR_FORMAT, "'%s', line %lld, column %d (%s): '%.40s' is no number", csv->path,
                        (long long)csv->line, f + 1, column, csv->field[f]);
    *value = (float)number;
    return FV_OK;
}
