/* SPDX-License-Identifier: Apache-2.0
 *
 * archive.c - libarchive, loaded by dlopen() on first use. Its functions are found by name into a table whose types come
 * from its header, so that a call is checked as if it were linked.
 */
#include "data/sets/archive.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#ifdef FVI_HAVE_ARCHIVE

#include <archive.h>
#include <archive_entry.h>
#include <dlfcn.h>

enum { BLOCK_BYTES = 1 << 17, GROWTH = 1 << 16 };

/* What is called of libarchive; each member is named as the function. */
typedef struct libarchive {
    __typeof__(&archive_read_new) read_new;
    __typeof__(&archive_read_free) read_free;
    __typeof__(&archive_read_support_filter_gzip) read_support_filter_gzip;
    __typeof__(&archive_read_support_format_tar) read_support_format_tar;
    __typeof__(&archive_read_support_format_zip) read_support_format_zip;
    __typeof__(&archive_read_open_filename) read_open_filename;
    __typeof__(&archive_read_next_header) read_next_header;
    __typeof__(&archive_read_data) read_data;
    __typeof__(&archive_error_string) error_string;
    __typeof__(&archive_entry_pathname) entry_pathname;
    __typeof__(&archive_entry_filetype) entry_filetype;
} libarchive;

struct fvi_archive {
    fv_context *context;
    const char *path;
    bool zip;
    void *library;
    libarchive call;
    struct archive *reader;
};

static bool find_functions(void *library, libarchive *call)
{
    const struct {
        const char *name;
        void *place;
    } wanted[] = {
        { "archive_read_new", &call->read_new },
        { "archive_read_free", &call->read_free },
        { "archive_read_support_filter_gzip", &call->read_support_filter_gzip },
        { "archive_read_support_format_tar", &call->read_support_format_tar },
        { "archive_read_support_format_zip", &call->read_support_format_zip },
        { "archive_read_open_filename", &call->read_open_filename },
        { "archive_read_next_header", &call->read_next_header },
        { "archive_read_data", &call->read_data },
        { "archive_error_string", &call->error_string },
        { "archive_entry_pathname", &call->entry_pathname },
        { "archive_entry_filetype", &call->entry_filetype },
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        void *const function = dlsym(library, wanted[i].name);
        if (function == NULL)
            return false;
        memcpy(wanted[i].place, &function, sizeof function); /* ISO C has no cast from an object to a function */
    }
    return true;
}

static fv_status load(fvi_archive *archive)
{
    /* Not unloaded afterwards: what it depends on does not all bear that. */
    archive->library = dlopen(FVI_ARCHIVE_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (archive->library != NULL && find_functions(archive->library, &archive->call))
        return FV_OK;
    return fvi_fail(archive->context, FV_ERR_UNSUPPORTED,
                    "'%s' is an archive, and %s cannot be loaded; install libarchive%s", archive->path,
                    FVI_ARCHIVE_LIBRARY, archive->zip ? "" : ", or unpack it with tar -xzf and name the folder");
}

/* A text for what is no archive at all. */
static fv_status refuse(const fvi_archive *archive)
{
    char head[64] = { 0 };
    FILE *file = fopen(archive->path, "rb");
    if (file != NULL) {
        const size_t got = fread(head, 1, sizeof head - 1, file);
        head[got] = '\0';
        fclose(file);
    }
    const char *text = head + strspn(head, " \t\r\n");
    if (strncasecmp(text, "<!doctype html", 14) == 0 || strncasecmp(text, "<html", 5) == 0)
        return fvi_fail(archive->context, FV_ERR_FORMAT,
                        "'%s' looks like an HTML page: the download failed? Delete it and download it again",
                        archive->path);
    if (archive->zip)
        return fvi_fail(archive->context, FV_ERR_FORMAT, "'%s' is no .npz (%s)", archive->path,
                        archive->call.error_string(archive->reader));
    return fvi_fail(archive->context, FV_ERR_FORMAT,
                    "'%s' is no .tar.gz of CIFAR-10 or CIFAR-100 (%s); IDX files are given by their folder",
                    archive->path, archive->call.error_string(archive->reader));
}

static fv_status start(fvi_archive *archive)
{
    FV_TRY(load(archive));
    archive->reader = archive->call.read_new();
    if (archive->reader == NULL)
        return fvi_out_of_memory(archive->context, "an archive reader", 0);
    if (archive->zip) {
        archive->call.read_support_format_zip(archive->reader);
    } else {
        archive->call.read_support_filter_gzip(archive->reader);
        archive->call.read_support_format_tar(archive->reader);
    }
    if (archive->call.read_open_filename(archive->reader, archive->path, BLOCK_BYTES) != ARCHIVE_OK)
        return refuse(archive);
    return FV_OK;
}

static fv_status open_archive(fvi_archive **out, fv_context *context, const char *path, bool zip)
{
    *out = NULL;
    fvi_archive *archive = fvi_allocate_zeroed(context, 1, sizeof *archive);
    if (archive == NULL)
        return fvi_out_of_memory(context, "an archive reader", sizeof *archive);
    archive->context = context;
    archive->path = path;
    archive->zip = zip;
    const fv_status status = start(archive);
    if (status != FV_OK) {
        fvi_archive_close(archive);
        return status;
    }
    *out = archive;
    return FV_OK;
}

fv_status fvi_archive_open(fvi_archive **out, fv_context *context, const char *path)
{
    return open_archive(out, context, path, false);
}

fv_status fvi_archive_open_zip(fvi_archive **out, fv_context *context, const char *path)
{
    return open_archive(out, context, path, true);
}

void fvi_archive_close(fvi_archive *archive)
{
    if (archive == NULL)
        return;
    if (archive->reader != NULL)
        archive->call.read_free(archive->reader);
    if (archive->library != NULL)
        dlclose(archive->library);
    fvi_release(archive->context, archive);
}

fv_status fvi_archive_next(fvi_archive *archive, const char **name)
{
    struct archive_entry *entry = NULL;
    *name = NULL;
    for (;;) {
        const int result = archive->call.read_next_header(archive->reader, &entry);
        if (result == ARCHIVE_EOF)
            return FV_OK;
        if (result < ARCHIVE_WARN)
            return fvi_fail(archive->context, FV_ERR_FORMAT, "'%s' is damaged or truncated: %s; download it again",
                            archive->path, archive->call.error_string(archive->reader));
        *name = archive->call.entry_pathname(entry);
        if (*name != NULL && archive->call.entry_filetype(entry) == AE_IFREG)
            return FV_OK;
    }
}

fv_status fvi_archive_take(fvi_archive *archive, const char *name, void *bytes, size_t count, size_t *got)
{
    *got = 0;
    while (*got < count) {
        const la_ssize_t now = archive->call.read_data(archive->reader, (char *)bytes + *got, count - *got);
        if (now < 0)
            return fvi_fail(archive->context, FV_ERR_FORMAT, "'%s' is damaged or truncated inside %s: %s",
                            archive->path, name, archive->call.error_string(archive->reader));
        if (now == 0)
            break;
        *got += (size_t)now;
    }
    return FV_OK;
}

/* Memory grows as bytes arrive, since the size that a header claims may be a lie. */
fv_status fvi_archive_read(fvi_archive *archive, const char *name, size_t limit, uint8_t **bytes, size_t *size)
{
    fv_context *context = archive->context;
    void *memory = NULL;
    size_t capacity = 0, used = 0;
    *bytes = NULL;
    for (;;) {
        fv_status status = fvi_grow(context, &memory, &capacity, used, used + GROWTH + 1, 1);
        const la_ssize_t got =
            status == FV_OK ? archive->call.read_data(archive->reader, (char *)memory + used, capacity - used - 1) : 0;
        if (got < 0)
            status = fvi_fail(context, FV_ERR_FORMAT, "'%s' is damaged or truncated inside %s: %s; download it again",
                              archive->path, name, archive->call.error_string(archive->reader));
        used += got > 0 ? (size_t)got : 0;
        if (status == FV_OK && used > limit)
            status = fvi_fail(context, FV_ERR_FORMAT, "'%s' %s: more than %zu bytes", archive->path, name, limit);
        if (status != FV_OK) {
            fvi_release(context, memory);
            return status;
        }
        if (got == 0)
            break;
    }
    *bytes = memory;
    (*bytes)[used] = '\0';
    *size = used;
    return FV_OK;
}

#else

fv_status fvi_archive_open(fvi_archive **out, fv_context *context, const char *path)
{
    *out = NULL;
    return fvi_fail(
        context, FV_ERR_UNSUPPORTED,
        "'%s' is an archive, and this build of fovea has no libarchive; unpack it with tar -xzf and name the folder",
        path);
}

fv_status fvi_archive_open_zip(fvi_archive **out, fv_context *context, const char *path)
{
    *out = NULL;
    return fvi_fail(context, FV_ERR_UNSUPPORTED, "'%s' is an .npz, and this build of fovea has no libarchive", path);
}

void fvi_archive_close(fvi_archive *archive)
{
    (void)archive;
}

fv_status fvi_archive_take(fvi_archive *archive, const char *name, void *bytes, size_t count, size_t *got)
{
    (void)archive;
    (void)name;
    (void)bytes;
    (void)count;
    *got = 0;
    return FV_OK;
}

fv_status fvi_archive_next(fvi_archive *archive, const char **name)
{
    (void)archive;
    *name = NULL;
    return FV_OK;
}

fv_status fvi_archive_read(fvi_archive *archive, const char *name, size_t limit, uint8_t **bytes, size_t *size)
{
    (void)archive;
    (void)name;
    (void)limit;
    *bytes = NULL;
    *size = 0;
    return FV_OK;
}

#endif
