/* SPDX-License-Identifier: Apache-2.0
 *
 * files.h - data sets that are lists of image files, decoded when a sample is asked for; what folders and manifests become.
 */
#ifndef FVI_FILES_H
#define FVI_FILES_H

#include "data/dataset_internal.h"

/* A list under construction. Zeros (with context and root set) are an empty one. */
typedef struct fvi_files {
    fv_context *context;
    char *text; /* paths one behind the other, each with its NUL */
    size_t text_bytes, text_capacity;
    size_t *path; /* [count]: where each begins */
    size_t path_capacity;
    int32_t *label; /* [count] */
    size_t label_capacity;
    int64_t count;
} fvi_files;

/* path: as it is opened, and as messages name it. */
fv_status fvi_files_add(fvi_files *files, const char *path, int32_t label);
void fvi_files_release(fvi_files *files);
static inline const char *fvi_files_path(const fvi_files *files, int64_t index)
{
    return files->text + files->path[index];
}

/* The set of these files, which become its own. parts: classes, names, target_count and targets as they shall be; taken also on failure. */
fv_status fvi_files_make(fv_dataset **out, const char *name, fvi_files *files, fvi_dataset_parts *parts);

/* Names in one folder, sorted by their bytes; those that begin with a dot are left out. */
typedef struct fvi_listing {
    fv_context *context;
    char *text;
    size_t text_bytes, text_capacity;
    const char **name; /* [count], into text */
    int64_t count;
} fvi_listing;

/* FV_ERR_NOT_FOUND, FV_ERR_IO, FV_ERR_MEMORY into the context's message; then there is nothing to release. */
fv_status fvi_listing_read(fvi_listing *listing, fv_context *context, const char *folder);
void fvi_listing_release(fvi_listing *listing);

enum { FVI_FOLDER_CLASSES = 1 << 20 };
/* The folders in `folder`, which name classes; at least one. */
fv_status fvi_folder_classes(fv_context *context, const char *folder, fvi_listing *classes);
/* Sets parts->classes and ->names; parts are the caller's to release, also on failure. */
fv_status fvi_class_names(fv_context *context, const fvi_listing *classes, fvi_dataset_parts *parts);

/* ilsvrc.c. Whether images lie in the folder itself. */
bool fvi_ilsvrc_flat(fv_context *context, const char *folder);
/* Adds the images of `folder`, whose classes a text file in `root` tells. */
fv_status fvi_ilsvrc_add(fvi_files *files, const char *root, const char *folder, const fvi_listing *classes);
/* Classes that are synsets get their words, "n01440764 tench, Tinca tinca", where a file in `root` has them. */
fv_status fvi_ilsvrc_names(fv_context *context, const char *root, const fvi_listing *classes, fvi_dataset_parts *parts);

bool fvi_is_folder(const char *path);
bool fvi_is_file(const char *path);
/* By its ending: .jpg .jpeg .png .pgm .ppm .pnm, in any case. */
bool fvi_named_as_image(const char *name);

#endif
