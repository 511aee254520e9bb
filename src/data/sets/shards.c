/* SPDX-License-Identifier: Apache-2.0
 *
 * shards.c - images in tar files, as WebDataset keeps them: the members of one sample follow each other, alike up to the first dot of their
 * name: "0001.jpg" and "0001.cls", whose text is the number of the class. Headers are read once, when the set is opened, skipping the
 * data between them; a sample is then read by its place in the file. Plain tar (POSIX ustar with pax and GNU long names), not compressed.
 * A folder holds shards whose names begin with train, val or test; a file alone is a training set.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "data/image/image_internal.h"
#include "data/sets/files.h"
#include "data/sets/table.h"

enum { BLOCK = 512, NAME = 1024, MOST_LABEL = 1 << 20, MOST_CLASS_TEXT = 32 };

/* Where an image lies. */
typedef struct place {
    int32_t shard;
    int64_t offset, size;
} place;

typedef struct shards {
    fv_context *context;
    fvi_files paths; /* of the shards */
    fvi_files names; /* of the samples, "shard.tar: 0001.jpg", with labels */
    place *places;   /* [samples] */
    size_t place_capacity;
    int32_t classes;
} shards;

/* One shard being read. */
typedef struct reading {
    shards *set;
    const char *path;
    int file;
    int32_t shard;
    int64_t at, end;
    char name[NAME]; /* of the member at hand */
    char next[NAME]; /* a long name that a header announced, or "" */
    /* The sample being put together. */
    char key[NAME];
    char image[NAME];
    place where; /* size 0: no image yet */
    int32_t label;
} reading;

static fv_status read_at(fv_context *context, const char *path, int file, int64_t offset, void *bytes, size_t count)
{
    size_t done = 0;
    while (done < count) {
        const ssize_t got = pread(file, (char *)bytes + done, count - done, (off_t)(offset + (int64_t)done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fvi_fail(context, FV_ERR_IO, "'%s' cannot be read at offset %lld: %s", path, (long long)offset,
                            strerror(errno));
        if (got == 0)
            return fvi_fail(context, FV_ERR_FORMAT, "'%s' is truncated at offset %lld", path,
                            (long long)(offset + (int64_t)done));
        done += (size_t)got;
    }
    return FV_OK;
}

static int open_shard(fv_context *context, const char *path, fv_status *status)
{
    struct stat info;
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *status = FV_OK;
    if (file >= 0 && fstat(file, &info) == 0 && S_ISREG(info.st_mode))
        return file;
    *status = fvi_fail(context, errno == ENOENT ? FV_ERR_NOT_FOUND : FV_ERR_IO, "'%s' cannot be opened: %s", path,
                       file < 0 ? strerror(errno) : "not a regular file");
    if (file >= 0)
        close(file);
    return -1;
}

static fv_status read_image(const void *state, int64_t index, int32_t shorter, fvi_scratch *scratch, fv_sample *sample)
{
    const shards *set = state;
    const place *at = &set->places[index];
    const char *path = fvi_files_path(&set->paths, at->shard);
    fv_status status = FV_OK;
    unsigned char *bytes = fvi_allocate(scratch->context, (size_t)at->size);
    if (bytes == NULL)
        return fvi_out_of_memory(scratch->context, path, (size_t)at->size);
    const int file = open_shard(scratch->context, path, &status);
    if (file >= 0) {
        status = read_at(scratch->context, path, file, at->offset, bytes, (size_t)at->size);
        close(file);
    }
    if (status == FV_OK)
        status =
            fvi_image_decode(scratch, fvi_files_path(&set->names, index), bytes, (size_t)at->size, shorter, sample);
    fvi_release(scratch->context, bytes);
    return status;
}

static void name_image(const void *state, int64_t index, char *text, size_t size)
{
    const shards *set = state;
    snprintf(text, size, "%s", fvi_files_path(&set->names, index));
}

static void destroy_shards(fv_context *context, void *state)
{
    shards *set = state;
    set->paths.context = set->names.context = context;
    fvi_files_release(&set->paths);
    fvi_files_release(&set->names);
    fvi_release(context, set->places);
    fvi_release(context, set);
}

static const fvi_dataset_type type_shards = {
    .name = "shards", .read = read_image, .sample_name = name_image, .destroy = destroy_shards
};

static fv_status damaged(const reading *r, const char *what)
{
    return fvi_fail(r->set->context, FV_ERR_FORMAT, "'%s' at offset %lld: %s", r->path, (long long)r->at, what);
}

/* Octal digits, or (GNU) a binary number where the first bit is set; -1. */
static int64_t read_size(const unsigned char *field)
{
    uint64_t size = 0;
    if ((field[0] & 0x80) != 0) {
        for (int i = 4; i < 12; i++)
            size = size << 8 | field[i];
        return size > INT64_MAX ? -1 : (int64_t)size;
    }
    for (int i = 0; i < 12 && field[i] != 0 && field[i] != ' '; i++) {
        if (field[i] < '0' || field[i] > '7')
            return -1;
        size = size << 3 | (uint64_t)(field[i] - '0');
    }
    return (int64_t)size;
}

static bool checksum_fits(const unsigned char *header)
{
    uint32_t sum = 8 * ' ';
    int64_t wanted = 0;
    for (int i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? 0 : header[i];
    for (int i = 148; i < 156; i++)
        if (header[i] >= '0' && header[i] <= '7')
            wanted = wanted << 3 | (header[i] - '0');
    return wanted == (int64_t)sum;
}

/* The value of "path" in the records "LENGTH path=VALUE\n" of a pax header, into next. */
static void take_pax(reading *r, char *text, size_t size)
{
    for (char *record = text; record < text + size;) {
        char *end = NULL;
        const unsigned long length = strtoul(record, &end, 10);
        if (length == 0 || length > size - (size_t)(record - text) || *end != ' ')
            return;
        char *const value = end + 6;
        if (length > 7 && strncmp(end, " path=", 6) == 0 && value < record + length - 1)
            snprintf(r->next, sizeof r->next, "%.*s", (int)(record + length - 1 - value), value);
        record += length;
    }
}

/* A header that names the next member. */
static fv_status take_long_name(reading *r, char type, int64_t size)
{
    char text[4 * NAME + 1];
    if (size > 4 * NAME)
        return damaged(r, "a header of a name is too long");
    FV_TRY(read_at(r->set->context, r->path, r->file, r->at + BLOCK, text, (size_t)size));
    text[size] = '\0';
    if (type == 'x')
        take_pax(r, text, (size_t)size);
    else
        snprintf(r->next, sizeof r->next, "%.*s", NAME - 1, text);
    return FV_OK;
}

/* The sample is complete: its members are of one key. */
static fv_status finish_sample(reading *r)
{
    shards *set = r->set;
    char name[FVI_PATH_BYTES + NAME];
    void *memory = set->places;
    if (r->key[0] == '\0')
        return FV_OK;
    if (r->where.size == 0 || r->label < 0)
        return fvi_fail(set->context, FV_ERR_FORMAT, "'%s': sample '%.200s' has no %s", r->path, r->key,
                        r->where.size == 0 ? "image (.jpg, .jpeg, .png, .pgm, .ppm)" : "class (.cls)");
    const size_t count = (size_t)set->names.count;
    FV_TRY(fvi_grow(set->context, &memory, &set->place_capacity, count, count + 1, sizeof *set->places));
    set->places = memory;
    set->places[count] = r->where;
    snprintf(name, sizeof name, "%s: %s", r->path, r->image);
    r->key[0] = '\0';
    set->classes = r->label + 1 > set->classes ? r->label + 1 : set->classes;
    return fvi_files_add(&set->names, name, r->label);
}

static fv_status take_class(reading *r, int64_t size)
{
    char text[MOST_CLASS_TEXT + 1] = "";
    int64_t label = -1;
    if (size > MOST_CLASS_TEXT)
        return damaged(r, "a .cls is too long");
    FV_TRY(read_at(r->set->context, r->path, r->file, r->at + BLOCK, text, (size_t)size));
    text[strcspn(text, " \r\n")] = '\0';
    if (!fvi_read_integer(text, &label) || label < 0 || label >= MOST_LABEL)
        return damaged(r, "a .cls is no number of a class");
    r->label = (int32_t)label;
    return FV_OK;
}

/* A regular file: part of the sample at hand, or the first of the next. */
static fv_status take_member(reading *r, int64_t size)
{
    const char *slash = strrchr(r->name, '/');
    const char *base = slash != NULL ? slash + 1 : r->name;
    const size_t length = (size_t)(base - r->name) + strcspn(base, ".");
    if (base[0] == '.' || strchr(base, '.') == NULL)
        return FV_OK; /* no sample has it */
    if (strncmp(r->key, r->name, length) != 0 || r->key[length] != '\0') {
        FV_TRY(finish_sample(r));
        snprintf(r->key, sizeof r->key, "%.*s", (int)length, r->name);
        r->where = (place){ .shard = r->shard };
        r->label = -1;
    }
    if (strcmp(base + strcspn(base, "."), ".cls") == 0)
        return take_class(r, size);
    if (!fvi_named_as_image(base))
        return FV_OK;
    if (size > FVI_IMAGE_MOST_FILE)
        return damaged(r, "an image is too large");
    r->where.offset = r->at + BLOCK;
    r->where.size = size;
    snprintf(r->image, sizeof r->image, "%s", r->name);
    return FV_OK;
}

static fv_status take_header(reading *r, const unsigned char *header, int64_t size)
{
    const char type = (char)header[156];
    if (type == 'L' || type == 'x')
        return take_long_name(r, type, size);
    const bool ustar = memcmp(header + 257, "ustar", 5) == 0;
    if (r->next[0] != '\0')
        memcpy(r->name, r->next, sizeof r->name);
    else if (ustar && header[345] != 0)
        snprintf(r->name, sizeof r->name, "%.155s/%.100s", (const char *)header + 345, (const char *)header);
    else
        snprintf(r->name, sizeof r->name, "%.100s", (const char *)header);
    if (type != 'g')
        r->next[0] = '\0';
    return type == '0' || type == '\0' ? take_member(r, size) : FV_OK;
}

static fv_status read_members(reading *r)
{
    static const unsigned char zeros[BLOCK];
    unsigned char header[BLOCK];
    while (r->at + BLOCK <= r->end) {
        FV_TRY(read_at(r->set->context, r->path, r->file, r->at, header, sizeof header));
        if (memcmp(header, zeros, sizeof zeros) == 0)
            break;
        const int64_t size = read_size(header + 124);
        if (!checksum_fits(header))
            return damaged(r, "no header of a tar file; is it compressed? Shards are plain tar files");
        if (size < 0 || size > r->end - r->at - BLOCK)
            return damaged(r, "truncated: a member is longer than the file");
        FV_TRY(take_header(r, header, size));
        r->at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
    }
    return finish_sample(r);
}

static fv_status add_shard(shards *set, const char *path)
{
    fv_status status = FV_OK;
    reading *r = fvi_allocate_zeroed(set->context, 1, sizeof *r);
    if (r == NULL)
        return fvi_out_of_memory(set->context, path, sizeof *r);
    *r = (reading){ .set = set, .path = path, .shard = (int32_t)set->paths.count };
    r->file = open_shard(set->context, path, &status);
    if (r->file >= 0) {
        r->end = (int64_t)lseek(r->file, 0, SEEK_END);
        status = read_members(r);
        close(r->file);
    }
    fvi_release(set->context, r);
    return status == FV_OK ? fvi_files_add(&set->paths, path, 0) : status;
}

static bool named_tar(const char *name)
{
    const size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".tar") == 0;
}

static const char *const beginnings[3] = { "train", "test", "val" };

static fv_status add_folder(shards *set, const char *folder, fv_split split)
{
    char path[FVI_PATH_BYTES];
    fvi_listing listing;
    fv_status status = fvi_listing_read(&listing, set->context, folder);
    if (status != FV_OK)
        return status;
    for (int64_t i = 0; status == FV_OK && i < listing.count; i++)
        if (named_tar(listing.name[i]) && fvi_path_join(path, folder, listing.name[i]) &&
            strncmp(listing.name[i], beginnings[split], strlen(beginnings[split])) == 0)
            status = add_shard(set, path);
    fvi_listing_release(&listing);
    return status;
}

bool fvi_shards_present(fv_context *context, const char *folder)
{
    fvi_listing listing;
    bool found = false;
    if (fvi_listing_read(&listing, context, folder) != FV_OK)
        return false;
    for (int64_t i = 0; i < listing.count; i++)
        found = found || (named_tar(listing.name[i]) && strncmp(listing.name[i], beginnings[0], 5) == 0);
    fvi_listing_release(&listing);
    return found;
}

/* Samples of the split, and how many classes there are: as many as the training shards have. */
static fv_status read_all(shards *set, const char *path, fv_split split)
{
    if (!fvi_is_folder(path)) {
        if (split != FV_SPLIT_TRAIN)
            return fvi_fail(set->context, FV_ERR_NOT_FOUND,
                            "'%s' is one shard: put shards named train-*, val-* and test-* into a folder and name that",
                            path);
        return add_shard(set, path);
    }
    if (split != FV_SPLIT_TRAIN) {
        shards train = { .context = set->context,
                         .paths = { .context = set->context },
                         .names = { .context = set->context } };
        const fv_status status = add_folder(&train, path, FV_SPLIT_TRAIN);
        set->classes = train.classes;
        fvi_files_release(&train.paths);
        fvi_files_release(&train.names);
        fvi_release(set->context, train.places);
        FV_TRY(status);
    }
    const int32_t known = set->classes;
    FV_TRY(add_folder(set, path, split));
    if (split != FV_SPLIT_TRAIN && set->classes > known)
        return fvi_fail(set->context, FV_ERR_FORMAT, "'%s': class %d of the %s shards is not in the training shards",
                        path, set->classes - 1, beginnings[split]);
    return FV_OK;
}

fv_status fvi_shards_open(fv_dataset **out, fv_context *context, const char *where, const char *path, fv_split split)
{
    shards *set = fvi_allocate_zeroed(context, 1, sizeof *set);
    *out = NULL;
    if (set == NULL)
        return fvi_out_of_memory(context, "a list of shards", sizeof *set);
    set->context = set->paths.context = set->names.context = context;
    fv_status status = read_all(set, path, split);
    if (status == FV_OK && set->names.count == 0)
        status = fvi_fail(context, split == FV_SPLIT_TRAIN ? FV_ERR_FORMAT : FV_ERR_NOT_FOUND,
                          "'%s' has no samples of the split %s", path, beginnings[split]);
    if (status != FV_OK) {
        destroy_shards(context, set);
        return status;
    }
    fvi_dataset_parts parts = { .type = &type_shards,
                                .state = set,
                                .count = set->names.count,
                                .classes = set->classes,
                                .labels = set->names.label };
    set->names.label = NULL;
    return fvi_dataset_make(out, context, where, &parts);
}
