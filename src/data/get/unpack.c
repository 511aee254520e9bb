/* SPDX-License-Identifier: Apache-2.0
 *
 * unpack.c - the files of a published archive into a folder, and whether they are still what they were. Members count by their
 * names without folders, and only those that are wanted: a path in an archive leads nowhere else.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/md5.h"
#include "base/text_buffer.h"
#include "data/dataset_internal.h"
#include "data/get/get.h"
#include "data/sets/archive.h"

enum { MOST_SUMS = 4096 };
#define MOST_MEMBER ((size_t)1 << 29)

typedef struct unpacking {
    fv_context *context;
    const fvi_published *set;
    const char *folder;
    bool (*progress)(void *user, const char *member);
    void *user;
    char sum[FVI_PUBLISHED_MEMBERS][FVI_UNPACK_SUM + 1]; /* "": not there yet */
} unpacking;

static bool show(unpacking *u, const char *member)
{
    return u->progress == NULL || u->progress(u->user, member);
}

static fv_status interrupted(unpacking *u)
{
    return fvi_fail(u->context, FV_ERR_INTERRUPTED, "interrupted while '%s' is unpacked or checked", u->folder);
}

/* Which member a path in the archive is; -1: none. */
static int member_of(const fvi_published *set, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    for (int i = 0; set->members[i] != NULL; i++)
        if (strcmp(set->members[i], base) == 0)
            return i;
    return -1;
}

static fv_status write_whole(fv_context *context, const char *path, const void *bytes, size_t size)
{
    fvi_writer writer;
    FV_TRY(fvi_writer_open(&writer, context, path));
    fv_status status = fvi_writer_append(&writer, bytes, size);
    if (status == FV_OK)
        status = fvi_writer_commit(&writer);
    fvi_writer_discard(&writer);
    return status;
}

static fv_status take_member(unpacking *u, fvi_archive *archive, int member)
{
    const char *name = u->set->members[member];
    char path[FVI_PATH_BYTES];
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (!show(u, name))
        return interrupted(u);
    if (!fvi_path_join(path, u->folder, name))
        return fvi_fail(u->context, FV_ERR_ARGUMENT, "the path '%s' is too long", u->folder);
    FV_TRY(fvi_archive_read(archive, name, MOST_MEMBER, &bytes, &size));
    fvi_md5 sum = fvi_md5_start();
    fvi_md5_update(&sum, bytes, size);
    fvi_md5_finish(&sum, u->sum[member]);
    const fv_status status = write_whole(u->context, path, bytes, size);
    fvi_release(u->context, bytes);
    return status;
}

static fv_status take_members(unpacking *u, fvi_archive *archive)
{
    const char *name = NULL;
    for (;;) {
        FV_TRY(fvi_archive_next(archive, &name));
        if (name == NULL)
            return FV_OK;
        const int member = member_of(u->set, name);
        if (member >= 0)
            FV_TRY(take_member(u, archive, member));
    }
}

/* The lines of md5sum. Written last: it is there when all else is. */
static fv_status write_sums(unpacking *u)
{
    char path[FVI_PATH_BYTES], *text = NULL;
    fvi_text_buffer buffer = { .context = u->context };
    for (int i = 0; u->set->members[i] != NULL; i++)
        fvi_text_format(&buffer, "%s  %s\n", u->sum[i], u->set->members[i]);
    FV_TRY(fvi_text_finish(&buffer, &text));
    fv_status status = fvi_path_join(path, u->folder, FVI_UNPACK_SUMS)
                           ? write_whole(u->context, path, text, strlen(text))
                           : fvi_fail(u->context, FV_ERR_ARGUMENT, "the path '%s' is too long", u->folder);
    fvi_release(u->context, text);
    return status;
}

fv_status fvi_unpack(fv_context *context, const fvi_published *set, const char *archive, const char *folder,
                     bool (*progress)(void *user, const char *member), void *user)
{
    unpacking u = { .context = context, .set = set, .folder = folder, .progress = progress, .user = user };
    fvi_archive *open = NULL;
    FV_TRY(fvi_archive_open(&open, context, archive));
    fv_status status = take_members(&u, open);
    fvi_archive_close(open);
    for (int i = 0; status == FV_OK && set->members[i] != NULL; i++)
        if (u.sum[i][0] == '\0')
            status = fvi_fail(context, FV_ERR_FORMAT, "'%s' holds no %s", archive, set->members[i]);
    return status == FV_OK ? write_sums(&u) : status;
}

/* "32 digits, two spaces, name" on each line. */
static fv_status parse_sums(unpacking *u, const char *path, char *text)
{
    for (char *line = text; *line != '\0';) {
        char *end = line + strcspn(line, "\n");
        const bool last = *end == '\0';
        *end = '\0';
        if (end - line < FVI_UNPACK_SUM + 3 || strspn(line, "0123456789abcdef") != FVI_UNPACK_SUM ||
            strncmp(line + FVI_UNPACK_SUM, "  ", 2) != 0)
            return fvi_fail(u->context, FV_ERR_FORMAT, "'%s' is damaged: its lines are not those of md5sum", path);
        const int member = member_of(u->set, line + FVI_UNPACK_SUM + 2);
        if (member >= 0)
            snprintf(u->sum[member], sizeof u->sum[member], "%.32s", line);
        line = last ? end : end + 1;
    }
    return FV_OK;
}

static fv_status check_member(unpacking *u, int member)
{
    const char *name = u->set->members[member];
    char path[FVI_PATH_BYTES], found[33];
    if (!show(u, name))
        return interrupted(u);
    if (!fvi_path_join(path, u->folder, name))
        return fvi_fail(u->context, FV_ERR_ARGUMENT, "the path '%s' is too long", u->folder);
    const fv_status status = fvi_file_md5(u->context, path, false, NULL, NULL, found);
    if (status == FV_ERR_NOT_FOUND)
        return fvi_fail(u->context, FV_ERR_FORMAT, "'%s' is missing", path);
    FV_TRY(status);
    if (strcmp(found, u->sum[member]) != 0)
        return fvi_fail(u->context, FV_ERR_FORMAT, "'%s' is not what was unpacked: its MD5 is %s, %s says %s", path,
                        found, FVI_UNPACK_SUMS, u->sum[member][0] != '\0' ? u->sum[member] : "nothing of it");
    return FV_OK;
}

fv_status fvi_unpack_check(fv_context *context, const fvi_published *set, const char *folder,
                           bool (*progress)(void *user, const char *member), void *user)
{
    unpacking u = { .context = context, .set = set, .folder = folder, .progress = progress, .user = user };
    unsigned char *text = NULL;
    char path[FVI_PATH_BYTES];
    size_t size = 0;
    if (!fvi_path_join(path, folder, FVI_UNPACK_SUMS))
        return fvi_fail(context, FV_ERR_ARGUMENT, "the path '%s' is too long", folder);
    FV_TRY(fvi_file_read(context, path, MOST_SUMS, &text, &size));
    fv_status status = parse_sums(&u, path, (char *)text);
    fvi_release(context, text);
    for (int i = 0; status == FV_OK && set->members[i] != NULL; i++)
        status = check_member(&u, i);
    return status;
}
