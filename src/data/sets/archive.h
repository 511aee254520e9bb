/* SPDX-License-Identifier: Apache-2.0
 *
 * archive.h - the files inside a .tar.gz or a zip file, front to back, through libarchive. That library brings a dozen others and would
 * cost every start of the program more than all the rest: it is loaded when the first archive is opened, by name.
 */
#ifndef FVI_ARCHIVE_H
#define FVI_ARCHIVE_H

#include "base/base.h"

typedef struct fvi_archive fvi_archive;

/* Opens the archive at path, which is borrowed; closed by fvi_archive_close(). FV_ERR_UNSUPPORTED where this build or this
 * machine has no libarchive, FV_ERR_FORMAT where the file is no .tar.gz, which the message tells from an HTML page. On
 * failure *out is NULL. */
fv_status fvi_archive_open(fvi_archive **out, fv_context *context, const char *path);
/* The same for a zip file (.npz). */
fv_status fvi_archive_open_zip(fvi_archive **out, fv_context *context, const char *path);
void fvi_archive_close(fvi_archive *archive);
/* The name of the next regular file, valid until the next call; NULL behind the last one. */
fv_status fvi_archive_next(fvi_archive *archive, const char **name);
/* The next `count` bytes of that file, *got of them where it ends before. name is for messages. */
fv_status fvi_archive_take(fvi_archive *archive, const char *name, void *bytes, size_t count, size_t *got);
/* All bytes of that file, and a zero behind them, to be released by the caller. More than limit bytes are FV_ERR_FORMAT. On
 * failure *bytes is NULL. */
fv_status fvi_archive_read(fvi_archive *archive, const char *name, size_t limit, uint8_t **bytes, size_t *size);

#endif
