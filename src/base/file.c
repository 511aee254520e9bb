/* SPDX-License-Identifier: Apache-2.0
 *
 * file.c - whole-file reads and atomic writes over POSIX calls.
 * Atomic: write to a new file in the same folder, fsync, rename over the old one, fsync the folder (so that the rename
 * survives a power cut as well). No signal is involved: a full disk shows as ENOSPC from write, fsync or close.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"

enum { TEMPORARY_TRIES = 100, TEMPORARY_SUFFIX = 48 };

static fv_status read_open_file(fv_context *context, const char *path, int descriptor, size_t limit,
                                unsigned char **bytes, size_t *size)
{
    struct stat info;
    if (fstat(descriptor, &info) != 0)
        return fvi_fail(context, FV_ERR_IO, "'%s' cannot be examined: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return fvi_fail(context, FV_ERR_IO, "'%s' is not a regular file%s", path,
                        S_ISDIR(info.st_mode) ? " but a folder" : "");
    if ((uintmax_t)info.st_size > limit)
        return fvi_fail(context, FV_ERR_FORMAT, "'%s' has %lld bytes; at most %zu are read", path,
                        (long long)info.st_size, limit);
    const size_t expected = (size_t)info.st_size;
    unsigned char *memory = expected == SIZE_MAX ? NULL : fvi_allocate(context, expected + 1);
    if (memory == NULL)
        return fvi_out_of_memory(context, path, expected);
    size_t done = 0;
    while (done < expected) {
        const ssize_t got = read(descriptor, memory + done, expected - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            const int error = errno;
            fvi_release(context, memory);
            return fvi_fail(context, FV_ERR_IO, "'%s' cannot be read at offset %zu: %s", path, done, strerror(error));
        }
        if (got == 0)
            break; /* it shrank since fstat: what is there is what there is */
        done += (size_t)got;
    }
    memory[done] = '\0';
    *bytes = memory;
    *size = done;
    return FV_OK;
}

fv_status fvi_file_read(fv_context *context, const char *path, size_t limit, unsigned char **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* never waits for the writer of a pipe */
    if (descriptor < 0)
        return fvi_fail(context, errno == ENOENT ? FV_ERR_NOT_FOUND : FV_ERR_IO, "'%s' cannot be opened: %s", path,
                        strerror(errno));
    const fv_status status = read_open_file(context, path, descriptor, limit, bytes, size);
    close(descriptor);
    return status;
}

static fv_status open_temporary(fvi_writer *writer)
{
    const size_t length = strlen(writer->path);
    size_t room = 0;
    if (!fvi_size_add(length, TEMPORARY_SUFFIX, &room))
        return fvi_out_of_memory(writer->context, "a file name", SIZE_MAX);
    writer->temporary = fvi_allocate(writer->context, room);
    if (writer->temporary == NULL)
        return fvi_out_of_memory(writer->context, "a file name", room);
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        snprintf(writer->temporary, room, "%s.partial-%ld-%d", writer->path, (long)getpid(), i);
        writer->descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (writer->descriptor >= 0)
            return FV_OK;
        if (errno != EEXIST)
            break;
    }
    const int error = errno;
    return fvi_fail(writer->context, FV_ERR_IO,
                    "'%s' cannot be created: %s; does its folder exist, and may you write to it?", writer->temporary,
                    strerror(error));
}

fv_status fvi_writer_open(fvi_writer *writer, fv_context *context, const char *path)
{
    struct stat info;
    *writer = (fvi_writer){ .context = context, .descriptor = -1 };
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return fvi_fail(context, FV_ERR_IO, "'%s' cannot be written: it is not a regular file%s", path,
                        S_ISDIR(info.st_mode) ? " but a folder" : "");
    /* Through a symbolic link the file that it names is replaced, not the link. */
    char *real = realpath(path, NULL);
    writer->path = fvi_duplicate_text(context, real != NULL ? real : path);
    free(real);
    if (writer->path == NULL)
        return fvi_out_of_memory(context, "a file name", strlen(path));
    const fv_status status = open_temporary(writer);
    if (status != FV_OK) {
        fvi_release(context, writer->temporary); /* not ours to remove */
        writer->temporary = NULL;
        fvi_writer_discard(writer);
    }
    return status;
}

static fv_status write_failed(fvi_writer *writer, const char *what, int error)
{
    return fvi_fail(writer->context, FV_ERR_IO, "'%s' could not be %s: %s; %s", writer->path, what, strerror(error),
                    access(writer->path, F_OK) == 0 ? "the file that was there is unchanged" : "nothing was written");
}

fv_status fvi_writer_append(fvi_writer *writer, const void *bytes, size_t count)
{
    const char *next = bytes;
    while (count > 0) {
        const ssize_t done = write(writer->descriptor, next, count < INT_MAX ? count : INT_MAX);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return write_failed(writer, "written", done == 0 ? ENOSPC : errno);
        next += done;
        count -= (size_t)done;
    }
    return FV_OK;
}

static fv_status sync_folder(fvi_writer *writer)
{
    char *slash = strrchr(writer->temporary, '/'); /* no longer needed: its file has been renamed */
    const char *folder = ".";
    if (slash != NULL) {
        slash[slash == writer->temporary] = '\0';
        folder = writer->temporary;
    }
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return FV_OK; /* a folder that may be written but not read: nothing more can be done */
    const int result = fsync(descriptor);
    const int error = errno;
    close(descriptor);
    if (result != 0 && error != EINVAL && error != ENOTSUP) /* file systems whose folders need no sync */
        return fvi_fail(writer->context, FV_ERR_IO, "the folder of '%s' could not be synced: %s", writer->path,
                        strerror(error));
    return FV_OK;
}

fv_status fvi_writer_commit(fvi_writer *writer)
{
    fv_status status = FV_OK;
    if (fsync(writer->descriptor) != 0)
        status = write_failed(writer, "synced", errno);
    if (close(writer->descriptor) != 0 && status == FV_OK)
        status = write_failed(writer, "closed", errno);
    writer->descriptor = -1;
    if (status == FV_OK && rename(writer->temporary, writer->path) != 0)
        status = write_failed(writer, "put in place", errno);
    if (status == FV_OK) {
        status = sync_folder(writer);
        fvi_release(writer->context, writer->temporary);
        writer->temporary = NULL;
    }
    fvi_writer_discard(writer);
    return status;
}

void fvi_writer_discard(fvi_writer *writer)
{
    if (writer->descriptor >= 0)
        close(writer->descriptor);
    if (writer->temporary != NULL)
        unlink(writer->temporary);
    fvi_release(writer->context, writer->temporary);
    fvi_release(writer->context, writer->path);
    *writer = (fvi_writer){ .context = writer->context, .descriptor = -1 };
}
