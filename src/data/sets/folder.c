/* SPDX-License-Identifier: Apache-2.0
 *
 * folder.c - image folders: class/file, or train, val and test above it. Classes are the folders' names sorted by their bytes, those
 * of the training images for every split; images are sorted by class and path. Files that are not named as images are left out.
 */
#include <stdio.h>
#include <string.h>

#include "data/sets/files.h"

enum { DEEPEST = 3 };

static const char *const names_of_split[3][4] = { { "train", "training", NULL },
                                                  { "test", "testing", NULL },
                                                  { "val", "valid", "validation", NULL } };

/* folder/<name of the split>, or false. */
static bool find_split(char path[FVI_PATH_BYTES], const char *folder, fv_split split)
{
    for (int i = 0; names_of_split[split][i] != NULL; i++)
        if (fvi_path_join(path, folder, names_of_split[split][i]) && fvi_is_folder(path))
            return true;
    return false;
}

/* Whether a folder of the folder, or of one in it, holds a file that is named as an image. */
static bool holds_images(fv_context *context, const char *folder, int depth)
{
    fvi_listing listing;
    char path[FVI_PATH_BYTES];
    bool found = false;
    if (fvi_listing_read(&listing, context, folder) != FV_OK)
        return false;
    for (int64_t i = 0; !found && i < listing.count; i++) {
        if (!fvi_path_join(path, folder, listing.name[i]))
            continue;
        if (fvi_named_as_image(listing.name[i]))
            found = depth > 0 && fvi_is_file(path);
        else if (depth < DEEPEST && fvi_is_folder(path))
            found = holds_images(context, path, depth + 1);
    }
    fvi_listing_release(&listing);
    return found;
}

bool fvi_folder_present(fv_context *context, const char *folder)
{
    return holds_images(context, folder, 0);
}

/* All images below a class's folder. */
static fv_status add_images(fvi_files *files, const char *folder, int32_t label, int depth)
{
    fvi_listing listing;
    char path[FVI_PATH_BYTES];
    fv_status status = fvi_listing_read(&listing, files->context, folder);
    if (status != FV_OK)
        return status;
    for (int64_t i = 0; status == FV_OK && i < listing.count; i++) {
        if (!fvi_path_join(path, folder, listing.name[i]))
            status = fvi_fail(files->context, FV_ERR_FORMAT, "the path of '%s' in '%s' is too long", listing.name[i],
                              folder);
        else if (fvi_named_as_image(listing.name[i]))
            status = fvi_files_add(files, path, label);
        else if (depth < DEEPEST && fvi_is_folder(path))
            status = add_images(files, path, label, depth + 1);
    }
    fvi_listing_release(&listing);
    return status;
}

/* Leaves only the names of folders. */
static void keep_folders(fvi_listing *listing, const char *folder)
{
    char path[FVI_PATH_BYTES];
    int64_t kept = 0;
    for (int64_t i = 0; i < listing->count; i++)
        if (fvi_path_join(path, folder, listing->name[i]) && fvi_is_folder(path))
            listing->name[kept++] = listing->name[i];
    listing->count = kept;
}

static int32_t find_class(const fvi_listing *classes, const char *name)
{
    int64_t low = 0, high = classes->count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const int order = strcmp(classes->name[middle], name);
        if (order == 0)
            return (int32_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* Images of the classes' folders in `folder`, which may lack classes but has none of its own. */
static fv_status add_classes(fvi_files *files, const char *folder, const fvi_listing *classes)
{
    fvi_listing listing;
    char path[FVI_PATH_BYTES];
    fv_status status = fvi_listing_read(&listing, files->context, folder);
    if (status != FV_OK)
        return status;
    keep_folders(&listing, folder);
    for (int64_t i = 0; status == FV_OK && i < listing.count; i++) {
        const int32_t label = find_class(classes, listing.name[i]);
        const int64_t before = files->count;
        if (!fvi_path_join(path, folder, listing.name[i]))
            status = fvi_fail(files->context, FV_ERR_FORMAT, "the path of '%s' in '%s' is too long", listing.name[i],
                              folder);
        else if (label < 0)
            status = fvi_fail(files->context, FV_ERR_FORMAT,
                              "folder '%s' is of a class that the training images do not have", path);
        else
            status = add_images(files, path, label, 1);
        if (status == FV_OK && files->count == before)
            status = fvi_fail(files->context, FV_ERR_FORMAT,
                              "class folder '%s' holds no image (.jpg, .jpeg, .png, .pgm, .ppm, .pnm); add some or "
                              "remove it",
                              path);
    }
    fvi_listing_release(&listing);
    return status;
}

fv_status fvi_folder_classes(fv_context *context, const char *folder, fvi_listing *classes)
{
    FV_TRY(fvi_listing_read(classes, context, folder));
    keep_folders(classes, folder);
    if (classes->count >= 1 && classes->count <= FVI_FOLDER_CLASSES)
        return FV_OK;
    const long long count = classes->count;
    fvi_listing_release(classes);
    return fvi_fail(context, FV_ERR_FORMAT, "folder '%s' has %lld class folders, expected 1 to %d", folder, count,
                    FVI_FOLDER_CLASSES);
}

fv_status fvi_class_names(fv_context *context, const fvi_listing *classes, fvi_dataset_parts *parts)
{
    parts->names = fvi_allocate_zeroed(context, (size_t)classes->count, sizeof *parts->names);
    if (parts->names == NULL)
        return fvi_out_of_memory(context, "class names", (size_t)classes->count * sizeof *parts->names);
    parts->classes = (int32_t)classes->count;
    for (int64_t i = 0; i < classes->count; i++) {
        parts->names[i] = fvi_duplicate_text(context, classes->name[i]);
        if (parts->names[i] == NULL)
            return fvi_out_of_memory(context, "a class name", strlen(classes->name[i]) + 1);
    }
    return FV_OK;
}

/* The folder of the wanted split, and the one whose folders are the classes. */
static fv_status find_folders(fv_context *context, const char *folder, fv_split split, char path[FVI_PATH_BYTES],
                              char train[FVI_PATH_BYTES])
{
    const bool parted = find_split(train, folder, FV_SPLIT_TRAIN);
    if (!parted && !find_split(train, folder, FV_SPLIT_VALIDATION) && !find_split(train, folder, FV_SPLIT_TEST)) {
        if (split != FV_SPLIT_TRAIN)
            return fvi_fail(context, FV_ERR_NOT_FOUND,
                            "folder '%s' is not parted: it has class folders but no train, val or test above them",
                            folder);
        snprintf(train, FVI_PATH_BYTES, "%s", folder);
        snprintf(path, FVI_PATH_BYTES, "%s", folder);
        return FV_OK;
    }
    if (find_split(path, folder, split))
        return FV_OK;
    if (split == FV_SPLIT_TEST && find_split(path, folder, FV_SPLIT_VALIDATION))
        return FV_OK;
    return fvi_fail(context, FV_ERR_NOT_FOUND, "folder '%s' has no folder %s", folder, names_of_split[split][0]);
}

fv_status fvi_folder_open(fv_dataset **out, fv_context *context, const char *where, const char *folder, fv_split split)
{
    char path[FVI_PATH_BYTES], train[FVI_PATH_BYTES];
    fvi_listing classes;
    fvi_files files = { .context = context };
    fvi_dataset_parts parts = { .classes = 0 };
    *out = NULL;
    FV_TRY(find_folders(context, folder, split, path, train));
    FV_TRY(fvi_folder_classes(context, train, &classes));
    const bool flat = split != FV_SPLIT_TRAIN && fvi_ilsvrc_flat(context, path);
    fv_status status = flat ? fvi_ilsvrc_add(&files, folder, path, &classes) : add_classes(&files, path, &classes);
    if (status == FV_OK)
        status = fvi_class_names(context, &classes, &parts);
    if (status == FV_OK)
        status = fvi_ilsvrc_names(context, folder, &classes, &parts);
    fvi_listing_release(&classes);
    if (status == FV_OK)
        return fvi_files_make(out, where, &files, &parts);
    fvi_files_release(&files);
    fvi_dataset_parts_release(context, &parts);
    return status;
}
