/* SPDX-License-Identifier: Apache-2.0
 *
 * get.c - from the name of a published set to its files in a data folder. A file gets its name only when its checksum is right; until then it
 * is FILE.partial, locked by the process that writes it.
 */
#include "data/get/get.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/md5.h"
#include "data/dataset_internal.h"
#include "data/get/download.h"
#include "data/sets/files.h"
#include "data/source.h"
#include "fovea/text.h"

enum { CHUNK = 1 << 18, MOST_TRIES = 20, ADDRESS = 2048 };

typedef struct getting {
    fv_context *context;
    const fvi_published *set;
    fv_data_get_options options;
    fv_data_get_report *report;
    fv_data_get_progress now;
    char root[FVI_PATH_BYTES];
    char mirror[FVI_PATH_BYTES]; /* "", or an address that ends in '/' */
    fvi_message why;             /* what was wrong with the last address */
} getting;

/* The download of one file. */
typedef struct fetching {
    getting *get;
    const fvi_published_file *file;
    const char *path;
    char partial[FVI_PATH_BYTES];
    int descriptor;
    uint64_t have;
    bool done;
} fetching;

fv_status fvi_file_md5(fv_context *context, const char *path, bool unpacked,
                       bool (*progress)(void *user, uint64_t done), void *user, char text[33])
{
    fvi_md5 sum = fvi_md5_start();
    fvi_source source = { .descriptor = -1 };
    size_t got = 1;
    unsigned char *chunk = fvi_allocate(context, CHUNK);
    if (chunk == NULL)
        return fvi_out_of_memory(context, "a piece of a file", CHUNK);
    fv_status status = unpacked ? fvi_source_open(&source, context, path) : FV_OK;
    if (!unpacked) {
        source = (fvi_source){ .context = context,
                               .path = path,
                               .descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) };
        if (source.descriptor < 0)
            status = fvi_fail(context, errno == ENOENT ? FV_ERR_NOT_FOUND : FV_ERR_IO, "'%s' cannot be opened: %s",
                              path, strerror(errno));
    }
    while (status == FV_OK && got > 0) {
        status = fvi_source_some(&source, chunk, CHUNK, &got);
        fvi_md5_update(&sum, chunk, status == FV_OK ? got : 0);
        source.offset += got;
        if (status == FV_OK && progress != NULL && !progress(user, source.offset))
            status = fvi_fail(context, FV_ERR_INTERRUPTED, "interrupted while '%s' is checked", path);
    }
    fvi_source_close(&source);
    fvi_release(context, chunk);
    fvi_md5_finish(&sum, text);
    return status;
}

static bool show(getting *g, fv_data_get_action action, uint64_t done, uint64_t total, double rate)
{
    g->now.action = action;
    g->now.done = done;
    g->now.total = total;
    g->now.rate = rate;
    g->now.seconds_left = total >= done && total > 0 && rate > 0 ? (double)(total - done) / rate : -1;
    return g->options.progress == NULL || g->options.progress(g->options.user, &g->now);
}

static bool show_download(void *user, uint64_t done, uint64_t total, double rate)
{
    return show(user, FV_GET_DOWNLOAD, done, total, rate);
}

static bool show_check(void *user, uint64_t done)
{
    return show(user, FV_GET_CHECK, done, 0, 0);
}

static bool show_unpack(void *user, const char *member)
{
    getting *g = user;
    g->now.file = member;
    return show(g, FV_GET_UNPACK, 0, 0, 0);
}

static bool show_unpacked(void *user, const char *member)
{
    getting *g = user;
    g->now.file = member;
    return show(g, FV_GET_CHECK, 0, 0, 0);
}

/* Makes folder and those above it. */
static fv_status make_folder(fv_context *context, const char *folder)
{
    char path[FVI_PATH_BYTES];
    const size_t length = strlen(folder);
    memcpy(path, folder, length + 1);
    for (size_t i = 1; i <= length; i++) {
        const char kept = path[i];
        if (kept != '/' && kept != '\0')
            continue;
        path[i] = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return fvi_fail(context, FV_ERR_IO, "the folder '%s' cannot be made: %s", path, strerror(errno));
        path[i] = kept;
    }
    if (!fvi_is_folder(folder))
        return fvi_fail(context, FV_ERR_IO, "'%s' is not a folder", folder);
    return FV_OK;
}

/* Whether the bytes at path are those of the file; found: the sum that they have. */
static fv_status compare_file(getting *g, const fvi_published_file *file, const char *path, bool *good, char found[33])
{
    char unpacked[33];
    g->now.file = file->name;
    FV_TRY(fvi_file_md5(g->context, path, false, show_check, g, found));
    *good = strcmp(found, file->md5) == 0;
    if (*good || file->unpacked_md5 == NULL)
        return FV_OK;
    const fv_status status = fvi_file_md5(g->context, path, true, show_check, g, unpacked);
    *good = status == FV_OK && strcmp(unpacked, file->unpacked_md5) == 0;
    return status == FV_ERR_INTERRUPTED || status == FV_ERR_MEMORY ? status : FV_OK;
}

static bool holds_page(const char *path)
{
    char head[FVI_SOURCE_HEAD + 1] = { 0 };
    FILE *file = fopen(path, "rb");
    const size_t got = file != NULL ? fread(head, 1, FVI_SOURCE_HEAD, file) : 0;
    if (file != NULL)
        fclose(file);
    return got > 0 && fvi_looks_like_html(head);
}

/* Whether the file, or what it holds without .gz, is there as it was published; FV_ERR_FORMAT where something else is in its place. */
static fv_status find_file(getting *g, const fvi_published_file *file, const char *path, bool *good)
{
    char found[33], plain[FVI_PATH_BYTES];
    const fv_status status = compare_file(g, file, path, good, found);
    if (status == FV_ERR_NOT_FOUND) {
        const size_t length = strlen(path);
        *good = false;
        if (file->unpacked_md5 == NULL || length < 4 || strcmp(path + length - 3, ".gz") != 0)
            return FV_OK;
        snprintf(plain, sizeof plain, "%.*s", (int)(length - 3), path);
        if (!fvi_is_file(plain))
            return FV_OK;
        FV_TRY(fvi_file_md5(g->context, plain, false, show_check, g, found));
        *good = strcmp(found, file->unpacked_md5) == 0;
        return FV_OK;
    }
    FV_TRY(status);
    if (*good || g->options.overwrite)
        return FV_OK;
    return fvi_fail(g->context, FV_ERR_FORMAT,
                    "'%s' is %s: its MD5 is %s, that of the published file %s; move it away, or let it be replaced "
                    "(--overwrite)",
                    path, holds_page(path) ? "an HTML page, from a download that failed" : "not what was published",
                    found, file->md5);
}

/* Reads the file that has arrived. A wrong one is emptied. */
static fv_status judge_arrived(fetching *f)
{
    char found[33];
    FV_TRY(compare_file(f->get, f->file, f->partial, &f->done, found));
    if (f->done)
        return FV_OK;
    (void)fvi_fail_in(
        &f->get->why, FV_ERR_FORMAT,
        "it gave %llu bytes with MD5 %s instead of %s: a damaged or another file, of which nothing is kept",
        (unsigned long long)f->have, found, f->file->md5);
    f->have = 0;
    return ftruncate(f->descriptor, 0) == 0 && lseek(f->descriptor, 0, SEEK_SET) == 0
               ? FV_OK
               : fvi_fail(f->get->context, FV_ERR_IO, "'%s' cannot be emptied: %s", f->partial, strerror(errno));
}

static fv_status disk_failed(const fetching *f)
{
    return fvi_fail(
        f->get->context, FV_ERR_IO,
        "'%s' cannot be written: %s; its first %llu bytes are kept: make room and run this again, which goes "
        "on from there",
        f->partial, f->get->why.text, (unsigned long long)f->have);
}

static fv_status stopped(const fetching *f)
{
    return fvi_fail(f->get->context, FV_ERR_INTERRUPTED,
                    "interrupted: '%s' keeps the first %llu bytes; run this again to go on from there", f->partial,
                    (unsigned long long)f->have);
}

/* Tries one address until it has given the file (f->done) or there is nothing more to expect of it (get->why). */
static fv_status fetch_from(fetching *f, const char *address)
{
    getting *g = f->get;
    bool again = false; /* from nothing, after a resumed file came out wrong */
    for (int tries = 0; tries < MOST_TRIES; tries++) {
        const uint64_t before = f->have;
        uint64_t received = 0;
        g->now.file = f->file->name;
        const fvi_download_end end =
            fvi_download_run(f->descriptor, address, &f->have, &received, show_download, g, &g->why);
        g->report->bytes += received;
        if (end == FVI_DOWNLOAD_DISK)
            return disk_failed(f);
        if (end == FVI_DOWNLOAD_STOPPED)
            return stopped(f);
        if (end == FVI_DOWNLOAD_REFUSED || end == FVI_DOWNLOAD_UNSUPPORTED)
            return FV_OK;
        if (end == FVI_DOWNLOAD_CUT)
            continue;
        if (end == FVI_DOWNLOAD_WHOLE)
            FV_TRY(judge_arrived(f));
        else if (ftruncate(f->descriptor, 0) != 0 || lseek(f->descriptor, 0, SEEK_SET) != 0)
            return disk_failed(f);
        else
            f->have = 0;
        if (f->done || before == 0 || again)
            return FV_OK;
        again = true;
    }
    return FV_OK;
}

/* The address number `index` of a file; false behind the last. */
static bool address_of(const getting *g, const fvi_published_file *file, int index, char address[ADDRESS])
{
    if (g->mirror[0] != '\0') {
        if (index < 2)
            return snprintf(address, ADDRESS, "%s%s%s%s", g->mirror, index == 0 ? g->set->name : "",
                            index == 0 ? "/" : "", file->name) < ADDRESS;
        index -= 2;
    }
    if (index >= FVI_PUBLISHED_ADDRESSES || g->set->addresses[index] == NULL)
        return false;
    return snprintf(address, ADDRESS, "%s%s", g->set->addresses[index], file->name) < ADDRESS;
}

static fv_status fetch_from_all(fetching *f)
{
    getting *g = f->get;
    char address[ADDRESS], last[ADDRESS] = "";
    int count = 0;
    for (; address_of(g, f->file, count, address); count++) {
        if (count > 0)
            fvi_log_message(g->context, FV_LOG_WARNING, "%s: %s; trying %s", last, g->why.text, address);
        FV_TRY(fetch_from(f, address));
        if (f->done)
            return FV_OK;
        memcpy(last, address, sizeof last);
    }
    const int own = g->mirror[0] != '\0' ? 2 : 0;
    (void)address_of(g, f->file, own, address);
    return fvi_fail(g->context, FV_ERR_IO,
                    "%s: the last of %d addresses, %.300s: %.200s. Is there a network, or a proxy to be named in "
                    "https_proxy? By hand: download %.200s, put it at %.300s and run this again; or name a copy "
                    "with --mirror",
                    f->file->name, count, last, g->why.text, address, f->path);
}

static fv_status open_partial(fetching *f)
{
    fv_context *context = f->get->context;
    struct stat info;
    if (snprintf(f->partial, sizeof f->partial, "%s.partial", f->path) >= (int)sizeof f->partial)
        return fvi_fail(context, FV_ERR_ARGUMENT, "the path '%s' is too long", f->path);
    f->descriptor = open(f->partial, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (f->descriptor < 0)
        return fvi_fail(context, FV_ERR_IO, "'%s' cannot be written: %s", f->partial, strerror(errno));
    if (flock(f->descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return fvi_fail(context, FV_ERR_IO, "'%s' is being downloaded by another process", f->path);
    if (fstat(f->descriptor, &info) != 0 || lseek(f->descriptor, 0, SEEK_END) < 0)
        return fvi_fail(context, FV_ERR_IO, "'%s' cannot be examined: %s", f->partial, strerror(errno));
    f->have = (uint64_t)info.st_size;
    return FV_OK;
}

static fv_status put_in_place(const fetching *f)
{
    if (fsync(f->descriptor) == 0 && rename(f->partial, f->path) == 0)
        return FV_OK;
    return fvi_fail(f->get->context, FV_ERR_IO, "'%s' cannot be written: %s", f->path, strerror(errno));
}

static fv_status fetch_file(getting *g, const fvi_published_file *file, const char *path)
{
    fetching f = { .get = g, .file = file, .path = path, .descriptor = -1 };
    fv_status status = open_partial(&f);
    const bool ours = status == FV_OK;
    if (status == FV_OK)
        status = fetch_from_all(&f);
    if (status == FV_OK)
        status = put_in_place(&f);
    else if (ours && f.have == 0)
        unlink(f.partial);
    if (f.descriptor >= 0)
        close(f.descriptor);
    g->report->files += status == FV_OK;
    return status;
}

static fv_status too_long(getting *g)
{
    return fvi_fail(g->context, FV_ERR_ARGUMENT, "the path '%s' is too long", g->root);
}

/* classes.txt, which the reader of IDX files takes names from. */
static fv_status write_classes(getting *g)
{
    char path[FVI_PATH_BYTES];
    fvi_writer writer;
    if (g->set->classes == NULL)
        return FV_OK;
    if (!fvi_path_join(path, g->report->folder, "classes.txt"))
        return too_long(g);
    if (fvi_is_file(path) && !g->options.overwrite)
        return FV_OK;
    FV_TRY(fvi_writer_open(&writer, g->context, path));
    fv_status status = fvi_writer_append(&writer, g->set->classes, strlen(g->set->classes));
    if (status == FV_OK)
        status = fvi_writer_commit(&writer);
    fvi_writer_discard(&writer);
    return status;
}

static fv_status get_files(getting *g)
{
    char path[FVI_PATH_BYTES];
    bool good[FVI_PUBLISHED_FILES] = { false };
    for (int i = 0; g->set->files[i].name != NULL; i++) {
        if (!fvi_path_join(path, g->report->folder, g->set->files[i].name))
            return too_long(g);
        FV_TRY(find_file(g, &g->set->files[i], path, &good[i])); /* all, before anything is downloaded */
    }
    for (int i = 0; g->set->files[i].name != NULL; i++)
        if (!good[i] && fvi_path_join(path, g->report->folder, g->set->files[i].name))
            FV_TRY(fetch_file(g, &g->set->files[i], path));
    return write_classes(g);
}

/* Whether the folder holds unpacked files that nobody knows. */
static fv_status refuse_strangers(getting *g)
{
    char path[FVI_PATH_BYTES];
    for (int i = 0; g->set->members[i] != NULL; i++)
        if (fvi_path_join(path, g->report->folder, g->set->members[i]) && fvi_is_file(path))
            return fvi_fail(
                g->context, FV_ERR_FORMAT,
                "'%s' is there, but no " FVI_UNPACK_SUMS
                " tells whether it is what was published: --data takes the folder as it is; move it away, or "
                "let it be replaced (--overwrite)",
                path);
    return FV_OK;
}

static fv_status get_archive(getting *g)
{
    const fvi_published_file *file = &g->set->files[0];
    char path[FVI_PATH_BYTES];
    bool good = false;
    if (!fvi_path_join(path, g->root, file->name))
        return too_long(g);
    const fv_status unpacked = fvi_unpack_check(g->context, g->set, g->report->folder, show_unpacked, g);
    if (unpacked == FV_OK || unpacked == FV_ERR_INTERRUPTED || unpacked == FV_ERR_MEMORY)
        return unpacked;
    if (!g->options.overwrite && unpacked == FV_ERR_NOT_FOUND)
        FV_TRY(refuse_strangers(g));
    if (!g->options.overwrite && unpacked != FV_ERR_NOT_FOUND) {
        fvi_message why;
        (void)fvi_fail_in(&why, unpacked, "%s", fv_context_message(g->context));
        return fvi_fail(g->context, FV_ERR_FORMAT, "%.800s; --overwrite downloads the published files in its place",
                        why.text);
    }
    FV_TRY(find_file(g, file, path, &good));
    const bool was_there = good;
    if (!good)
        FV_TRY(fetch_file(g, file, path));
    FV_TRY(fvi_unpack(g->context, g->set, path, g->report->folder, show_unpack, g));
    if (!was_there)
        unlink(path);
    return FV_OK;
}

/* options.mirror, or the environment's, as an address that ends in '/'. */
static fv_status take_mirror(getting *g)
{
    const char *given = g->options.mirror != NULL ? g->options.mirror : getenv("FOVEA_MIRROR");
    char *real = NULL;
    if (given == NULL || *given == '\0')
        return FV_OK;
    if (strstr(given, "://") == NULL) {
        real = realpath(given, NULL);
        if (real == NULL)
            return fvi_fail(g->context, FV_ERR_NOT_FOUND,
                            "mirror '%s' is neither an address (https://...) nor a folder: %s", given, strerror(errno));
    }
    const char *address = real != NULL ? real : given;
    const size_t length = strlen(address);
    const bool fits = snprintf(g->mirror, sizeof g->mirror, "%s%s%s", real != NULL ? "file://" : "", address,
                               length > 0 && address[length - 1] == '/' ? "" : "/") < ADDRESS / 2;
    free(real);
    return fits ? FV_OK : fvi_fail(g->context, FV_ERR_ARGUMENT, "the mirror's address is too long");
}

static fv_status take_root(getting *g)
{
    const char *to = g->options.to;
    if (to == NULL && !fvi_data_folder(g->root))
        return fvi_fail(g->context, FV_ERR_ARGUMENT,
                        "there is no place for data sets: HOME, XDG_DATA_HOME and FOVEA_DATA are not set; say --to");
    if (to != NULL && snprintf(g->root, sizeof g->root, "%s", to) >= (int)sizeof g->root)
        return fvi_fail(g->context, FV_ERR_ARGUMENT, "a path of %zu bytes is too long", strlen(to));
    for (size_t length = strlen(g->root); length > 1 && g->root[length - 1] == '/'; length--)
        g->root[length - 1] = '\0';
    if (!fvi_path_join(g->report->folder, g->root, g->set->folder))
        return too_long(g);
    return make_folder(g->context, g->report->folder);
}

/* Whether the set's name leads to where it has been put. */
static bool leads_there(getting *g)
{
    struct stat there, here;
    bool same = false;
    fvi_place *place = fvi_allocate(g->context, sizeof *place);
    if (place != NULL && fvi_dataset_is_name(g->set->name) &&
        fvi_dataset_find(g->context, g->set->name, place) == FV_OK)
        same = stat(place->path, &there) == 0 && stat(g->report->folder, &here) == 0 && there.st_ino == here.st_ino &&
               there.st_dev == here.st_dev;
    fvi_release(g->context, place);
    return same;
}

fv_status fvi_data_get_set(fv_context *context, const fvi_published *set, const fv_data_get_options *options,
                           fv_data_get_report *report)
{
    *report = (fv_data_get_report){ .found = false };
    getting *g = fvi_allocate_zeroed(context, 1, sizeof *g);
    if (g == NULL)
        return fvi_out_of_memory(context, "a download", sizeof *g);
    g->context = context;
    g->set = set;
    g->report = report;
    if (options != NULL)
        g->options = *options;
    fv_status status = take_mirror(g);
    if (status == FV_OK)
        status = take_root(g);
    if (status == FV_OK)
        status = set->members[0] != NULL ? get_archive(g) : get_files(g);
    if (status == FV_OK)
        report->found = leads_there(g);
    else
        (void)rmdir(report->folder); /* where nothing has come */
    fvi_release(context, g);
    return status;
}

const char *fv_data_get_name(int32_t index)
{
    for (int32_t i = 0; fvi_published_sets[i] != NULL; i++)
        if (i == index)
            return fvi_published_sets[i]->name;
    return NULL;
}

fv_status fv_data_get(fv_context *context, const char *name, const fv_data_get_options *options,
                      fv_data_get_report *report)
{
    enum { MOST = 16 };
    const char *names[MOST];
    int32_t count = 0;
    *report = (fv_data_get_report){ .found = false };
    for (; count < MOST && fvi_published_sets[count] != NULL; count++) {
        names[count] = fvi_published_sets[count]->name;
        if (strcmp(name, names[count]) == 0)
            return fvi_data_get_set(context, fvi_published_sets[count], options, report);
    }
    if (strcmp(name, "mnist-12k") == 0)
        return fvi_fail(context, FV_ERR_NOT_FOUND, "mnist-12k comes with fovea: there is nothing to download");
    const char *nearest = fv_nearest_word(name, names, count);
    return fvi_fail(
        context, FV_ERR_NOT_FOUND,
        "'%s' is no set that can be downloaded%s%s%s; there are mnist, fashion-mnist, cifar-10 and cifar-100", name,
        nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
}
