/* SPDX-License-Identifier: Apache-2.0
 *
 * find.c - from what a user writes after --data to a folder or archive.
 * A name is looked for in a fixed order of places; anything else is a path. What was tried is told when nothing is found.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/dataset_internal.h"
#include "data/sets/files.h"
#include "data/sets/pack.h"
#include "data/sets/table.h"
#include "fovea/data_pack.h"
#include "fovea/text.h"

bool fvi_path_join(char path[FVI_PATH_BYTES], const char *folder, const char *name)
{
    const int length = snprintf(path, FVI_PATH_BYTES, "%s/%s", folder, name);
    return length > 0 && length < FVI_PATH_BYTES;
}

/* How a named data set lies below a root; NULL ends each list. "." is the root itself. */
typedef struct known_set {
    const char *name;
    fvi_layout layout;
    bool embedded; /* also beside the command */
    const char *folders[4];
    const char *archive;
} known_set;

static const known_set known_sets[] = {
    { "mnist-12k", FVI_LAYOUT_IDX, true, { "mnist-12k" }, NULL },
    { "mnist", FVI_LAYOUT_IDX, false, { "mnist", "." }, NULL },
    { "fashion-mnist", FVI_LAYOUT_IDX, false, { "fashion-mnist" }, NULL },
    { "cifar-10", FVI_LAYOUT_CIFAR_FOLDER, false, { "cifar-10-batches-bin", "cifar-10" }, "cifar-10-binary.tar.gz" },
    { "cifar-100", FVI_LAYOUT_CIFAR_FOLDER, false, { "cifar-100-binary", "cifar-100" }, "cifar-100-binary.tar.gz" },
};
enum { KNOWN_SETS = sizeof known_sets / sizeof known_sets[0], TRIED_BYTES = 700 };

typedef struct place_search {
    const known_set *set;
    fvi_place *place;
    char tried[TRIED_BYTES]; /* roots, comma-separated, cut */
} place_search;

static bool present(fvi_layout layout, const char *folder)
{
    return layout == FVI_LAYOUT_IDX ? fvi_idx_present(folder) : fvi_cifar_present(folder);
}

static bool try_root(place_search *finder, const char *root)
{
    const size_t used = strlen(finder->tried);
    snprintf(finder->tried + used, sizeof finder->tried - used, "%s%s", used > 0 ? ", " : "", root);
    for (const char *const *folder = finder->set->folders; *folder != NULL; folder++)
        if (fvi_path_join(finder->place->path, root, *folder) && present(finder->set->layout, finder->place->path)) {
            finder->place->layout = finder->set->layout;
            return true;
        }
    if (finder->set->archive != NULL && fvi_path_join(finder->place->path, root, finder->set->archive) &&
        fvi_is_file(finder->place->path)) {
        finder->place->layout = FVI_LAYOUT_CIFAR_ARCHIVE;
        return true;
    }
    return false;
}

/* root = <folder of the running program>/../share/fovea */
static bool beside_program(char root[FVI_PATH_BYTES])
{
    const ssize_t length = readlink("/proc/self/exe", root, FVI_PATH_BYTES - 32);
    if (length <= 0)
        return false;
    root[length] = '\0';
    char *slash = strrchr(root, '/');
    if (slash == NULL)
        return false;
    strcpy(slash, "/../share/fovea");
    return true;
}

static bool try_embedded(place_search *finder)
{
    char root[FVI_PATH_BYTES];
    if (beside_program(root) && try_root(finder, root))
        return true;
#ifdef FVI_DATA_INSTALLED
    if (try_root(finder, FVI_DATA_INSTALLED))
        return true;
#endif
#ifdef FVI_DATA_SOURCE
    if (try_root(finder, FVI_DATA_SOURCE))
        return true;
#endif
    return false;
}

/* Where a user's own data lie, without $FOVEA_DATA. */
static bool user_folder(char root[FVI_PATH_BYTES])
{
    const char *folder = getenv("XDG_DATA_HOME");
    if (folder != NULL && *folder != '\0')
        return fvi_path_join(root, folder, "fovea");
    folder = getenv("HOME");
    return folder != NULL && *folder != '\0' && fvi_path_join(root, folder, ".local/share/fovea");
}

bool fvi_data_folder(char root[FVI_PATH_BYTES])
{
    const char *folder = getenv("FOVEA_DATA");
    if (folder != NULL && *folder != '\0')
        return snprintf(root, FVI_PATH_BYTES, "%s", folder) < FVI_PATH_BYTES;
    return user_folder(root);
}

static bool try_user_folder(place_search *finder)
{
    char root[FVI_PATH_BYTES];
    return user_folder(root) && try_root(finder, root);
}

static fv_status find_named(fv_context *context, const known_set *set, fvi_place *place)
{
    place_search state = { .set = set, .place = place };
    const char *folder = getenv("FOVEA_DATA");
    if (folder != NULL && *folder != '\0' && try_root(&state, folder))
        return FV_OK;
    if (set->embedded ? try_embedded(&state) : try_root(&state, "../shared/data") || try_user_folder(&state))
        return FV_OK;
    if (set->embedded)
        return fvi_fail(context, FV_ERR_NOT_FOUND,
                        "data set '%s' was not found in %s; name another folder in FOVEA_DATA", set->name, state.tried);
    return fvi_fail(context, FV_ERR_NOT_FOUND,
                    "data set '%s' was not found in %s: 'fovea data get %s' downloads it; or name another folder in "
                    "FOVEA_DATA, or use 'mnist-12k', which comes with fovea",
                    set->name, state.tried, set->name);
}

/* A folder that holds a data set itself or one level down. */
static bool find_in_folder(const char *folder, fvi_place *place)
{
    for (int32_t i = -1; i < KNOWN_SETS; i++) {
        const known_set itself = { .folders = { "." } };
        const known_set *set = i < 0 ? &itself : &known_sets[i];
        for (const char *const *below = set->folders; *below != NULL; below++) {
            if (!fvi_path_join(place->path, folder, *below))
                continue;
            place->layout = fvi_idx_present(place->path) ? FVI_LAYOUT_IDX : FVI_LAYOUT_CIFAR_FOLDER;
            if (present(place->layout, place->path))
                return true;
        }
    }
    return false;
}

static bool ends_in(const char *path, const char *ending)
{
    const size_t length = strlen(path), wanted = strlen(ending);
    return length > wanted && strcasecmp(path + length - wanted, ending) == 0;
}

/* A folder of other layouts than those that have names. */
static bool find_layout(fv_context *context, const char *folder, fvi_place *place)
{
    if (snprintf(place->path, FVI_PATH_BYTES, "%s", folder) >= FVI_PATH_BYTES)
        return false;
    char path[FVI_PATH_BYTES];
    if (fvi_path_join(path, folder, FVI_PACK_NAME) && fv_data_pack_is(path)) {
        memcpy(place->path, path, sizeof path);
        place->layout = FVI_LAYOUT_PACK;
        return true;
    }
    if (fvi_csv_folder_present(folder))
        place->layout = FVI_LAYOUT_CSV;
    else if (fvi_shards_present(context, folder))
        place->layout = FVI_LAYOUT_SHARDS;
    else if (fvi_folder_present(context, folder))
        place->layout = FVI_LAYOUT_FOLDER;
    else
        return false;
    return true;
}

static fv_status find_path(fv_context *context, const char *path, fvi_place *place)
{
    struct stat info;
    if (stat(path, &info) != 0 && errno != ENOENT && errno != ENOTDIR)
        return fvi_fail(context, FV_ERR_IO, "data '%s' cannot be examined: %s", path, strerror(errno));
    if (fvi_is_folder(path)) {
        if (access(path, R_OK | X_OK) != 0)
            return fvi_fail(context, FV_ERR_IO, "data folder '%s' cannot be read: %s", path, strerror(errno));
        if (find_in_folder(path, place))
            return FV_OK;
        if (find_layout(context, path, place))
            return FV_OK;
        return fvi_fail(
            context, FV_ERR_NOT_FOUND,
            "folder '%s' holds no data set that fovea knows: neither train-images-idx3-ubyte[.gz] (IDX, as MNIST) nor "
            "data_batch_1.bin (CIFAR-10) nor train.bin (CIFAR-100), here or in a folder of its published name, nor "
            "train.csv, nor a pack (data.pack), nor shards (train-*.tar), nor images in class folders",
            path);
    }
    if (fvi_is_file(path)) {
        if (snprintf(place->path, FVI_PATH_BYTES, "%s", path) >= FVI_PATH_BYTES)
            return fvi_fail(context, FV_ERR_ARGUMENT, "data path of %zu bytes is too long", strlen(path));
        place->layout = fv_data_pack_is(path)   ? FVI_LAYOUT_PACK
                        : ends_in(path, ".csv") ? FVI_LAYOUT_CSV
                        : ends_in(path, ".tar") ? FVI_LAYOUT_SHARDS
                        : ends_in(path, ".npz") ? FVI_LAYOUT_NPZ
                                                : FVI_LAYOUT_CIFAR_ARCHIVE;
        return FV_OK;
    }
    const char *names[KNOWN_SETS];
    for (int32_t i = 0; i < KNOWN_SETS; i++)
        names[i] = known_sets[i].name;
    const char *nearest = fv_nearest_word(path, names, KNOWN_SETS);
    return fvi_fail(context, FV_ERR_NOT_FOUND,
                    "data '%s': no such data set, folder or file%s%s%s; the names are mnist-12k, mnist, "
                    "fashion-mnist, cifar-10, cifar-100 and, computed, spirals, circles, polynomial",
                    path, nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                    nearest != NULL ? "'?" : "");
}

fv_status fvi_dataset_find(fv_context *context, const char *where, fvi_place *place)
{
    for (int32_t i = 0; i < KNOWN_SETS; i++)
        if (strcmp(where, known_sets[i].name) == 0)
            return find_named(context, &known_sets[i], place);
    return find_path(context, where, place);
}

bool fvi_dataset_is_name(const char *where)
{
    for (int32_t i = 0; i < KNOWN_SETS; i++)
        if (strcmp(where, known_sets[i].name) == 0)
            return true;
    return false;
}

bool fvi_find_shipped(const char *name, char path[FVI_PATH_BYTES])
{
    char root[FVI_PATH_BYTES];
    struct stat info;
    const char *folder = getenv("FOVEA_DATA");
    if (folder != NULL && *folder != '\0' && fvi_path_join(path, folder, name) && stat(path, &info) == 0)
        return true;
    if (beside_program(root) && fvi_path_join(path, root, name) && stat(path, &info) == 0)
        return true;
#ifdef FVI_DATA_INSTALLED
    if (fvi_path_join(path, FVI_DATA_INSTALLED, name) && stat(path, &info) == 0)
        return true;
#endif
#ifdef FVI_DATA_SOURCE
    if (fvi_path_join(path, FVI_DATA_SOURCE, name) && stat(path, &info) == 0)
        return true;
#endif
    return false;
}
