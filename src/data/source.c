/* SPDX-License-Identifier: Apache-2.0
 *
 * source.c - plain files through read(), gzip through zlib. A download that failed often leaves an HTML page under
 * the name of the file: that is recognised and said.
 */
#include "data/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef FVI_HAVE_ZLIB
#include <zlib.h>
#endif

enum { HEAD_BYTES = FVI_SOURCE_HEAD, DEFLATE_RATIO = 1032, ONE_READ = 1 << 30 };

bool fvi_looks_like_html(const char *head)
{
    static const char *const beginnings[] = { "<!doctype html", "<html", "<head", "<?xml", "<!--" };
    head += strspn(head, " \t\r\n");
    if (strncmp(head, "\xEF\xBB\xBF", 3) == 0) /* a byte order mark */
        head += 3;
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (strncasecmp(head, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

static bool named_gzip(const char *path)
{
    const size_t length = strlen(path);
    return length > 3 && strcmp(path + length - 3, ".gz") == 0;
}

static fv_status check_head(fvi_source *source, const unsigned char *head, size_t size, bool *gzip)
{
    *gzip = size >= 2 && head[0] == 0x1F && head[1] == 0x8B;
    if (*gzip)
        return FV_OK;
    if (fvi_looks_like_html((const char *)head))
        return fvi_fail(source->context, FV_ERR_FORMAT,
                        "'%s' looks like an HTML page: the download failed? Delete it and download it again",
                        source->path);
    if (size == 0)
        return fvi_fail(source->context, FV_ERR_FORMAT, "'%s' is empty; download it again", source->path);
    if (named_gzip(source->path))
        return fvi_fail(
            source->context, FV_ERR_FORMAT,
            "'%s' is not gzip: it begins with bytes %02x %02x, expected 1f 8b; download it again, or drop .gz from its "
            "name if it was unpacked",
            source->path, head[0], size > 1 ? head[1] : 0);
    return FV_OK;
}

static fv_status start(fvi_source *source, bool gzip)
{
    if (!gzip)
        return FV_OK;
#ifdef FVI_HAVE_ZLIB
    source->gzip = gzdopen(source->descriptor, "rb");
    if (source->gzip == NULL)
        return fvi_out_of_memory(source->context, "a gzip reader", 0);
    source->descriptor = -1; /* the reader's now */
    gzbuffer(source->gzip, 1 << 17);
    source->most_bytes *= DEFLATE_RATIO;
    return FV_OK;
#else
    return fvi_fail(source->context, FV_ERR_UNSUPPORTED,
                    "'%s' is gzip, and this build of fovea has no zlib; unpack it with gunzip, or build with zlib",
                    source->path);
#endif
}

static fv_status examine(fvi_source *source)
{
    struct stat info;
    unsigned char head[HEAD_BYTES + 1] = { 0 };
    bool gzip = false;
    if (fstat(source->descriptor, &info) != 0)
        return fvi_fail(source->context, FV_ERR_IO, "'%s' cannot be examined: %s", source->path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return fvi_fail(source->context, FV_ERR_IO, "'%s' is not a regular file", source->path);
    source->most_bytes = (uint64_t)info.st_size;
    const ssize_t size = read(source->descriptor, head, HEAD_BYTES);
    if (size < 0 || lseek(source->descriptor, 0, SEEK_SET) != 0)
        return fvi_fail(source->context, FV_ERR_IO, "'%s' cannot be read: %s", source->path, strerror(errno));
    FV_TRY(check_head(source, head, (size_t)size, &gzip));
    return start(source, gzip);
}

fv_status fvi_source_open(fvi_source *source, fv_context *context, const char *path)
{
    *source = (fvi_source){ .context = context, .path = path };
    source->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (source->descriptor < 0)
        return fvi_fail(context, errno == ENOENT ? FV_ERR_NOT_FOUND : FV_ERR_IO, "'%s' cannot be opened: %s", path,
                        strerror(errno));
    const fv_status status = examine(source);
    if (status != FV_OK)
        fvi_source_close(source);
    return status;
}

void fvi_source_close(fvi_source *source)
{
#ifdef FVI_HAVE_ZLIB
    if (source->gzip != NULL)
        gzclose_r(source->gzip);
#endif
    if (source->descriptor >= 0)
        close(source->descriptor);
    source->gzip = NULL;
    source->descriptor = -1;
}

fv_status fvi_source_some(fvi_source *source, void *bytes, size_t count, size_t *got)
{
    const unsigned wanted = count < ONE_READ ? (unsigned)count : ONE_READ;
#ifdef FVI_HAVE_ZLIB
    if (source->gzip != NULL) {
        const int done = gzread(source->gzip, bytes, wanted);
        int code = Z_OK;
        const char *reason = gzerror(source->gzip, &code);
        *got = done > 0 ? (size_t)done : 0;
        if (done <= 0 && code == Z_BUF_ERROR)
            return fvi_fail(source->context, FV_ERR_FORMAT,
                            "'%s' is truncated: its gzip stream ends early, at unpacked offset %llu; download it again",
                            source->path, (unsigned long long)source->offset);
        if (done < 0 || (code != Z_OK && code != Z_STREAM_END && done <= 0))
            return fvi_fail(source->context, code == Z_ERRNO ? FV_ERR_IO : FV_ERR_FORMAT,
                            "'%s' is damaged gzip near unpacked offset %llu (%s); download it again", source->path,
                            (unsigned long long)source->offset, code == Z_ERRNO ? strerror(errno) : reason);
        return FV_OK;
    }
#endif
    ssize_t done = 0;
    do
        done = read(source->descriptor, bytes, wanted);
    while (done < 0 && errno == EINTR);
    *got = done > 0 ? (size_t)done : 0;
    if (done < 0)
        return fvi_fail(source->context, FV_ERR_IO, "'%s' cannot be read at offset %llu: %s", source->path,
                        (unsigned long long)source->offset, strerror(errno));
    return FV_OK;
}

fv_status fvi_source_read(fvi_source *source, void *bytes, size_t count, const char *what)
{
    unsigned char *next = bytes;
    size_t missing = count;
    while (missing > 0) {
        size_t got = 0;
        FV_TRY(fvi_source_some(source, next, missing, &got));
        if (got == 0)
            return fvi_fail(
                source->context, FV_ERR_FORMAT,
                "'%s' is truncated: it ends at offset %llu inside the %s, %zu bytes early; download it again",
                source->path, (unsigned long long)source->offset, what, missing);
        source->offset += got;
        next += got;
        missing -= got;
    }
    return FV_OK;
}

fv_status fvi_source_expect_end(fvi_source *source)
{
    unsigned char byte = 0;
    size_t got = 0;
    FV_TRY(fvi_source_some(source, &byte, 1, &got));
    if (got > 0)
        return fvi_fail(
            source->context, FV_ERR_FORMAT,
            "'%s' is oversized: it goes on behind offset %llu, where its header says that it ends; download it again",
            source->path, (unsigned long long)source->offset);
    return FV_OK;
}
