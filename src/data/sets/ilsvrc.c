/* SPDX-License-Identifier: Apache-2.0
 *
 * ilsvrc.c - what is special about ILSVRC-2012 (Russakovsky et al. 2015, arXiv:1409.0575) among image folders: validation images that
 * lie flat, in one folder, with their classes in a text file beside train and val, and classes named by WordNet synsets.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "data/sets/files.h"

enum { MOST_TEXT = 1 << 26 };

/* Where the classes of validation images are written down; read in this order. */
typedef struct truth_file {
    const char *path;
    enum { NAME_AND_SYNSET, NAME_AND_INDEX, NUMBERS } form;
} truth_file;

static const truth_file truth_files[] = {
    { "LOC_val_solution.csv", NAME_AND_SYNSET },           /* ILSVRC2012_val_00000001,n03995372 85 1 499 272 */
    { "val.txt", NAME_AND_INDEX },                         /* ILSVRC2012_val_00000001.JPEG 65: of the synsets sorted */
    { "ILSVRC2012_validation_ground_truth.txt", NUMBERS }, /* 490: number of a synset, from 1, as in synsets.txt */
    { "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt", NUMBERS },
};
enum { TRUTH_FILES = sizeof truth_files / sizeof truth_files[0] };

/* One text being read line by line. */
typedef struct lines {
    char path[FVI_PATH_BYTES];
    char *text, *next;
    int64_t number; /* of the line last given */
} lines;

static fv_status open_lines(lines *file, fv_context *context)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    FV_TRY(fvi_file_read(context, file->path, MOST_TEXT, &bytes, &size));
    file->text = file->next = (char *)bytes;
    file->number = 0;
    return FV_OK;
}

/* The next line that is not empty, without its end; NULL behind the last one. */
static char *next_line(lines *file)
{
    while (*file->next != '\0') {
        char *line = file->next;
        file->next += strcspn(line, "\n");
        if (*file->next == '\n')
            *file->next++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        file->number++;
        if (*line != '\0')
            return line;
    }
    return NULL;
}

/* Binary search in sorted names; -1. */
static int64_t find_name(const char *const *names, int64_t count, const char *name)
{
    int64_t low = 0, high = count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const int order = strcmp(names[middle], name);
        if (order == 0)
            return middle;
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return -1;
}

/* With or without its ending. */
static int64_t find_image(const fvi_listing *images, const char *name)
{
    char whole[512];
    const int64_t found = find_name(images->name, images->count, name);
    if (found >= 0 || snprintf(whole, sizeof whole, "%s.JPEG", name) >= (int)sizeof whole)
        return found;
    return find_name(images->name, images->count, whole);
}

typedef struct truth {
    fv_context *context;
    const fvi_listing *classes, *images;
    lines file, synsets;
    int32_t *label; /* [images] */
} truth;

static fv_status bad_line(const truth *t, const char *what)
{
    return fvi_fail(t->context, FV_ERR_FORMAT, "'%s', line %lld: %s", t->file.path, (long long)t->file.number, what);
}

/* "name,synset ..." or "name index" */
static fv_status read_named(truth *t, char *line, bool by_synset)
{
    char *second = line + strcspn(line, by_synset ? "," : " \t");
    int64_t index = -1;
    if (*second == '\0')
        return bad_line(t, "no class behind the name");
    *second++ = '\0';
    second[strcspn(second, " \t")] = '\0';
    if (by_synset && strcmp(line, "ImageId") == 0)
        return FV_OK; /* the header */
    if (by_synset)
        index = find_name(t->classes->name, t->classes->count, second);
    else if (!fvi_read_integer(second, &index))
        index = -1;
    if (index < 0 || index >= t->classes->count)
        return bad_line(t, "a class that the training images do not have");
    const int64_t image = find_image(t->images, line);
    if (image >= 0)
        t->label[image] = (int32_t)index;
    return FV_OK;
}

/* Line i of numbers is image i's; the number counts the lines of synsets.txt. */
static fv_status read_numbers(truth *t, const int32_t *by_number, int64_t numbers)
{
    int64_t image = 0;
    for (char *line = next_line(&t->file); line != NULL; line = next_line(&t->file), image++) {
        int64_t number = 0;
        if (!fvi_read_integer(line, &number) || number < 1 || number > numbers)
            return bad_line(t, "no number of a synset in synsets.txt");
        if (image >= t->images->count)
            return bad_line(t, "more lines than images");
        t->label[image] = by_number[number - 1];
    }
    return FV_OK;
}

static fv_status read_numbered(truth *t)
{
    int64_t count = 0;
    fv_status status = open_lines(&t->synsets, t->context);
    if (status == FV_ERR_NOT_FOUND)
        return fvi_fail(t->context, status,
                        "'%s' numbers synsets, and '%s' is not there, which would name them, one a line", t->file.path,
                        t->synsets.path);
    if (status != FV_OK)
        return status;
    int32_t *by_number = fvi_allocate(t->context, (size_t)t->classes->count * sizeof *by_number);
    if (by_number == NULL)
        return fvi_out_of_memory(t->context, "synsets", (size_t)t->classes->count * sizeof *by_number);
    for (char *line = next_line(&t->synsets); status == FV_OK && line != NULL; line = next_line(&t->synsets)) {
        line[strcspn(line, " \t")] = '\0';
        const int64_t found = find_name(t->classes->name, t->classes->count, line);
        if (count == t->classes->count)
            break; /* the other synsets of the hierarchy have no training images */
        if (found < 0)
            status = fvi_fail(t->context, FV_ERR_FORMAT, "'%s', line %lld: the training images have no class '%.64s'",
                              t->synsets.path, (long long)t->synsets.number, line);
        else
            by_number[count++] = (int32_t)found;
    }
    if (status == FV_OK)
        status = read_numbers(t, by_number, count);
    fvi_release(t->context, by_number);
    return status;
}

static fv_status read_truth(truth *t, const truth_file *from)
{
    FV_TRY(open_lines(&t->file, t->context));
    if (from->form == NUMBERS)
        return read_numbered(t);
    for (char *line = next_line(&t->file); line != NULL; line = next_line(&t->file))
        FV_TRY(read_named(t, line, from->form == NAME_AND_SYNSET));
    return FV_OK;
}

static fv_status add_all(truth *t, fvi_files *files, const char *folder)
{
    char path[FVI_PATH_BYTES];
    for (int64_t i = 0; i < t->images->count; i++) {
        if (!fvi_path_join(path, folder, t->images->name[i]))
            return fvi_fail(t->context, FV_ERR_FORMAT, "the path of '%s' is too long", t->images->name[i]);
        if (t->label[i] < 0)
            return fvi_fail(t->context, FV_ERR_FORMAT, "'%s' says nothing of the class of '%s'", t->file.path, path);
        FV_TRY(fvi_files_add(files, path, t->label[i]));
    }
    return FV_OK;
}

/* Leaves only images. */
static void keep_images(fvi_listing *listing)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < listing->count; i++)
        if (fvi_named_as_image(listing->name[i]))
            listing->name[kept++] = listing->name[i];
    listing->count = kept;
}

static const truth_file *find_truth(truth *t, const char *root)
{
    for (int i = 0; i < TRUTH_FILES; i++)
        if (fvi_path_join(t->file.path, root, truth_files[i].path) && fvi_is_file(t->file.path))
            return &truth_files[i];
    return NULL;
}

fv_status fvi_ilsvrc_add(fvi_files *files, const char *root, const char *folder, const fvi_listing *classes)
{
    fv_context *context = files->context;
    fvi_listing images;
    FV_TRY(fvi_listing_read(&images, context, folder));
    keep_images(&images);
    truth *t = fvi_allocate_zeroed(context, 1, sizeof *t);
    int32_t *label = fvi_allocate(context, ((size_t)images.count + 1) * sizeof *label);
    fv_status status = t != NULL && label != NULL ? FV_OK : fvi_out_of_memory(context, "classes of images", sizeof *t);
    if (status == FV_OK) {
        t->context = context;
        t->classes = classes;
        t->images = &images;
        t->label = label;
        for (int64_t i = 0; i < images.count; i++)
            label[i] = -1;
        const truth_file *from = find_truth(t, root);
        if (from == NULL || !fvi_path_join(t->synsets.path, root, "synsets.txt"))
            status =
                fvi_fail(context, FV_ERR_NOT_FOUND,
                         "the images in '%s' lie in no class folders, and '%s' has no LOC_val_solution.csv, val.txt or "
                         "ILSVRC2012_validation_ground_truth.txt, which would tell their classes",
                         folder, root);
        else
            status = read_truth(t, from);
        if (status == FV_OK)
            status = add_all(t, files, folder);
        fvi_release(context, t->file.text);
        fvi_release(context, t->synsets.text);
    }
    fvi_release(context, label);
    fvi_release(context, t);
    fvi_listing_release(&images);
    return status;
}

bool fvi_ilsvrc_flat(fv_context *context, const char *folder)
{
    fvi_listing listing;
    if (fvi_listing_read(&listing, context, folder) != FV_OK)
        return false;
    keep_images(&listing);
    const bool flat = listing.count > 0;
    fvi_listing_release(&listing);
    return flat;
}

/* "n01440764 tench, Tinca tinca": the name of that class becomes the line. */
static fv_status take_words(fv_context *context, const fvi_listing *classes, char *line, fvi_dataset_parts *parts)
{
    char synset[64];
    const size_t length = strcspn(line, " \t");
    snprintf(synset, sizeof synset, "%.*s", (int)(length < 63 ? length : 63), line);
    const int64_t found = find_name(classes->name, classes->count, synset);
    if (found < 0)
        return FV_OK;
    char *name = fvi_duplicate_text(context, line);
    if (name == NULL)
        return fvi_out_of_memory(context, "a class name", strlen(line) + 1);
    fvi_release(context, parts->names[found]);
    parts->names[found] = name;
    return FV_OK;
}

fv_status fvi_ilsvrc_names(fv_context *context, const char *root, const fvi_listing *classes, fvi_dataset_parts *parts)
{
    static const char *const words[] = { "LOC_synset_mapping.txt", "synset_words.txt" };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        lines file = { .text = NULL };
        if (!fvi_path_join(file.path, root, words[i]) || !fvi_is_file(file.path))
            continue;
        FV_TRY(open_lines(&file, context));
        fv_status status = FV_OK;
        for (char *line = next_line(&file); status == FV_OK && line != NULL; line = next_line(&file))
            status = take_words(context, classes, line, parts);
        fvi_release(context, file.text);
        return status;
    }
    return FV_OK;
}
