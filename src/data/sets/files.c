/* SPDX-License-Identifier: Apache-2.0
 *
 * files.c - lists of image files and of names in folders. Paths lie in one block, so that a million of them cost their bytes.
 */
#include "data/sets/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "data/image/image_internal.h"

static fv_status read_file_sample(const void *state, int64_t index, int32_t shorter, fvi_scratch *scratch,
                                  fv_sample *sample)
{
    return fvi_image_load(scratch, fvi_files_path(state, index), shorter, sample);
}

static void name_file_sample(const void *state, int64_t index, char *text, size_t size)
{
    snprintf(text, size, "%s", fvi_files_path(state, index));
}

static void destroy_files(fv_context *context, void *state)
{
    fvi_files *files = state;
    files->context = context; /* the one it was made with may be gone */
    fvi_files_release(files);
    fvi_release(context, state);
}

static const fvi_dataset_type type_files = {
    .name = "files", .read = read_file_sample, .sample_name = name_file_sample, .destroy = destroy_files
};

static fv_status add_text(fv_context *context, char **text, size_t *used, size_t *capacity, const char *added)
{
    const size_t bytes = strlen(added) + 1;
    void *memory = *text;
    FV_TRY(fvi_grow(context, &memory, capacity, *used, *used + bytes, 1));
    *text = memory;
    memcpy(*text + *used, added, bytes);
    *used += bytes;
    return FV_OK;
}

fv_status fvi_files_add(fvi_files *files, const char *path, int32_t label)
{
    const size_t count = (size_t)files->count;
    void *paths = files->path, *labels = files->label;
    if (files->count == INT32_MAX)
        return fvi_fail(files->context, FV_ERR_FORMAT, "more than %d images", INT32_MAX);
    fv_status status = fvi_grow(files->context, &paths, &files->path_capacity, count, count + 1, sizeof *files->path);
    files->path = paths;
    if (status == FV_OK)
        status = fvi_grow(files->context, &labels, &files->label_capacity, count, count + 1, sizeof *files->label);
    files->label = labels;
    if (status != FV_OK)
        return status;
    files->path[count] = files->text_bytes;
    files->label[count] = label;
    FV_TRY(add_text(files->context, &files->text, &files->text_bytes, &files->text_capacity, path));
    files->count++;
    return FV_OK;
}

void fvi_files_release(fvi_files *files)
{
    fvi_release(files->context, files->text);
    fvi_release(files->context, files->path);
    fvi_release(files->context, files->label);
    *files = (fvi_files){ .context = files->context };
}

fv_status fvi_files_make(fv_dataset **out, const char *name, fvi_files *files, fvi_dataset_parts *parts)
{
    fv_context *context = files->context;
    *out = NULL;
    fvi_files *state = fvi_allocate(context, sizeof *state);
    parts->type = &type_files;
    parts->count = files->count;
    if (parts->targets == NULL) {
        parts->labels = files->label;
        files->label = NULL;
    }
    if (state == NULL) {
        fvi_files_release(files);
        fvi_dataset_parts_release(context, parts);
        return fvi_out_of_memory(context, "a list of files", sizeof *state);
    }
    *state = *files;
    *files = (fvi_files){ .context = context };
    parts->state = state;
    return fvi_dataset_make(out, context, name, parts);
}

static int by_bytes(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static fv_status read_names(fvi_listing *listing, const char *folder, DIR *open)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(open);
        if (entry == NULL && errno != 0)
            return fvi_fail(listing->context, FV_ERR_IO, "folder '%s' cannot be read: %s", folder, strerror(errno));
        if (entry == NULL)
            return FV_OK;
        if (entry->d_name[0] == '.')
            continue;
        FV_TRY(
            add_text(listing->context, &listing->text, &listing->text_bytes, &listing->text_capacity, entry->d_name));
        listing->count++;
    }
}

static fv_status sort_names(fvi_listing *listing)
{
    const char *next = listing->text;
    listing->name = fvi_allocate(listing->context, ((size_t)listing->count + 1) * sizeof *listing->name);
    if (listing->name == NULL)
        return fvi_out_of_memory(listing->context, "names of files", (size_t)listing->count * sizeof *listing->name);
    for (int64_t i = 0; i < listing->count; i++, next += strlen(next) + 1)
        listing->name[i] = next;
    if (listing->count > 0)
        qsort(listing->name, (size_t)listing->count, sizeof *listing->name, by_bytes);
    return FV_OK;
}

fv_status fvi_listing_read(fvi_listing *listing, fv_context *context, const char *folder)
{
    *listing = (fvi_listing){ .context = context };
    DIR *open = opendir(folder);
    if (open == NULL)
        return fvi_fail(context, errno == ENOENT ? FV_ERR_NOT_FOUND : FV_ERR_IO, "folder '%s' cannot be opened: %s",
                        folder, strerror(errno));
    fv_status status = read_names(listing, folder, open);
    closedir(open);
    if (status == FV_OK)
        status = sort_names(listing);
    if (status != FV_OK)
        fvi_listing_release(listing);
    return status;
}

void fvi_listing_release(fvi_listing *listing)
{
    fvi_release(listing->context, listing->text);
    fvi_release(listing->context, listing->name);
    *listing = (fvi_listing){ .context = listing->context };
}

bool fvi_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool fvi_is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool fvi_named_as_image(const char *name)
{
    static const char *const endings[] = { ".jpg", ".jpeg", ".png", ".pgm", ".ppm", ".pnm" };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}
