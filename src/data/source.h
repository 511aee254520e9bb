/* SPDX-License-Identifier: Apache-2.0
 *
 * source.h - the bytes of a file, plain or gzip, told by its first bytes.
 */
#ifndef FVI_SOURCE_H
#define FVI_SOURCE_H

#include "base/base.h"

typedef struct fvi_source {
    fv_context *context;
    const char *path;    /* borrowed */
    int descriptor;      /* plain; -1 otherwise */
    void *gzip;          /* gzFile; NULL when plain */
    uint64_t offset;     /* of the next byte, unpacked */
    uint64_t most_bytes; /* the file cannot unpack to more: its size, or 1032 times it (the limit of deflate) */
} fvi_source;

/* Opens path, which must outlive the source. FV_ERR_NOT_FOUND, FV_ERR_IO, FV_ERR_FORMAT (a name in .gz on something else, an HTML
 * page above all), FV_ERR_UNSUPPORTED (gzip without zlib). */
fv_status fvi_source_open(fvi_source *source, fv_context *context, const char *path);
void fvi_source_close(fvi_source *source);
/* Exactly count bytes; `what` names them in the message of a file that ends before. */
fv_status fvi_source_read(fvi_source *source, void *bytes, size_t count, const char *what);
/* Up to count bytes; *got is 0 at the end of the file. */
fv_status fvi_source_some(fvi_source *source, void *bytes, size_t count, size_t *got);
/* FV_ERR_FORMAT unless the file ends here. */
fv_status fvi_source_expect_end(fvi_source *source);

/* Whether a text, at most FVI_SOURCE_HEAD bytes from the beginning of a file, is that of a page: what a download that failed often leaves. */
enum { FVI_SOURCE_HEAD = 64 };
bool fvi_looks_like_html(const char *head);

#endif
