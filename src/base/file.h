/* SPDX-License-Identifier: Apache-2.0
 *
 * file.h - files the careful way: reading whole with a limit, and writing so that a file is replaced only when complete.
 */
#ifndef FVI_FILE_H
#define FVI_FILE_H

#include "base/base.h"

/* Reads a regular file of at most `limit` bytes whole. *bytes (with a NUL behind, not counted) is owned by the caller, released by
 * fvi_release(). FV_ERR_NOT_FOUND, FV_ERR_IO (unreadable, a folder), FV_ERR_FORMAT (longer than limit), FV_ERR_MEMORY. */
fv_status fvi_file_read(fv_context *context, const char *path, size_t limit, unsigned char **bytes, size_t *size);

/* A file under construction: bytes go to a temporary file beside `path`, which takes its place on commit. */
typedef struct fvi_writer {
    fv_context *context;
    char *path, *temporary;
    int descriptor;
} fvi_writer;

/* Borrows nothing. On failure there is nothing to discard. */
fv_status fvi_writer_open(fvi_writer *writer, fv_context *context, const char *path);
fv_status fvi_writer_append(fvi_writer *writer, const void *bytes, size_t count);
/* Syncs, renames, syncs the folder. Ends the writer either way; on failure the temporary file is gone and `path` as it was. */
fv_status fvi_writer_commit(fvi_writer *writer);
/* Ends the writer and removes the temporary file; the context's message stays. Legal after commit, and twice. */
void fvi_writer_discard(fvi_writer *writer);

#endif
