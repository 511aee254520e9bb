/* SPDX-License-Identifier: Apache-2.0
 *
 * csv.h - comma-separated values, row by row: RFC 4180 with either line end, a byte order mark and empty lines passed over.
 */
#ifndef FVI_CSV_H
#define FVI_CSV_H

#include "base/base.h"

typedef struct fvi_csv {
    fv_context *context;
    const char *path;
    char *bytes; /* the file, changed as it is read: fields end with NUL */
    size_t size, at;
    int64_t line; /* of the row last read, from 1 */
    int64_t next_line;
    char **field; /* [count], of the row last read */
    int32_t count;
    size_t capacity;
} fvi_csv;

/* Reads the file whole; path must outlive it. On failure there is nothing to close. */
fv_status fvi_csv_open(fvi_csv *csv, fv_context *context, const char *path);
void fvi_csv_close(fvi_csv *csv);
/* The next row into field and count; count 0 behind the last one. FV_ERR_FORMAT names file and line. */
fv_status fvi_csv_next(fvi_csv *csv);
/* A finite number that is all of field f of the row; FV_ERR_FORMAT names file, line and column. */
fv_status fvi_csv_number(const fvi_csv *csv, int32_t f, const char *column, float *value);

#endif
