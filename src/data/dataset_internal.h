/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset_internal.h - how readers make a data set, and which folder layouts they know.
 */
#ifndef FVI_DATASET_INTERNAL_H
#define FVI_DATASET_INTERNAL_H

#include "base/base.h"
#include "fovea/dataset.h"

/* The part of an image that will be looked at. */
typedef struct fvi_region {
    double y, x, h, w;     /* in pixels of the whole image, upright */
    int32_t rows, columns; /* what it will become: a decoder may make it smaller, but not below this */
    bool full_size;        /* it may not */
} fvi_region;

/* Asked by a decoder as soon as it knows an image's size, before it decodes: which part matters. */
typedef struct fvi_wish {
    void (*choose)(const void *user, fv_image_shape whole, fvi_region *region);
    const void *user;
} fvi_wish;

/* What a decoder made of a wish: pixel (y, x) is pixel (y + top, x + left) of the whole image scaled by eighths / 8. Zeros: it gave the whole image. */
typedef struct fvi_part {
    int32_t eighths, top, left;
} fvi_part;

/* What one thread reads samples into; memory that grows and stays. */
typedef struct fvi_scratch {
    fv_context *context;  /* the reader's own: messages and memory of one thread */
    const fvi_wish *wish; /* of this sample; NULL: all of it is wanted */
    fvi_part part;        /* zeros before a sample is read */
    uint8_t *pixels;      /* a decoded image */
    float *values;        /* a sample that is computed */
    size_t pixel_bytes, value_bytes;
} fvi_scratch;

/* A kind of data set. All functions may be called from several threads at once, each with a scratch of its own. */
typedef struct fvi_dataset_type {
    const char *name;
    /* Sample `index` (in range): fv_reader_read(). What *sample points to lies in scratch or in the set. */
    fv_status (*read)(const void *state, int64_t index, int32_t shorter, fvi_scratch *scratch, fv_sample *sample);
    /* NULL, or the sample's file into text. */
    void (*sample_name)(const void *state, int64_t index, char *text, size_t size);
    void (*destroy)(fv_context *context, void *state);
} fvi_dataset_type;

/* What a data set is made of. All arrays are from the context's allocator and become the set's. */
typedef struct fvi_dataset_parts {
    const fvi_dataset_type *type;
    void *state;
    int64_t count;
    fv_image_shape shape; /* zeros: they differ */
    int32_t classes;      /* 0: targets are values */
    char **names;         /* [classes], each owned, or NULL: numbered */
    int32_t *labels;      /* [count], each below classes; NULL where targets are values */
    int32_t target_count;
    float *targets;        /* [count][target_count] or NULL */
    const uint8_t *pixels; /* of sets in memory: [count][c][h][w], part of state; else NULL */
    bool numeric;          /* samples are values */
    bool measured;         /* mean and deviation are set: fv_dataset_statistics() */
    double mean[4], deviation[4];
} fvi_dataset_parts;

/* Makes a data set of parts, which are taken also on failure (and zeroed). */
fv_status fvi_dataset_make(fv_dataset **out, fv_context *context, const char *name, fvi_dataset_parts *parts);
void fvi_dataset_parts_release(fv_context *context, fvi_dataset_parts *parts);
/* Keeps a set alive beyond fv_dataset_destroy(), until it is released as often as retained. From any thread. */
void fvi_dataset_retain(const fv_dataset *dataset);
void fvi_dataset_release(const fv_dataset *dataset);
/* fv_reader_read() of a part of an image; formats that cannot do that give the whole. */
fv_status fvi_reader_read_part(fv_reader *reader, int64_t index, const fvi_wish *wish, fv_sample *sample,
                               fvi_part *part);
/* fv_reader_read() with a scratch of the caller's; index is in range. */
fv_status fvi_dataset_read(const fv_dataset *dataset, int64_t index, int32_t shorter, fvi_scratch *scratch,
                           fv_sample *sample);
/* Whether samples are numbers rather than images. */
bool fvi_dataset_numeric(const fv_dataset *dataset);

/* What a reader of images in memory fills in; memory from the context's allocator. */
typedef struct fvi_samples {
    uint8_t *images; /* [count][c][h][w] */
    int32_t *labels; /* [count], each below classes */
    int64_t count;
    fv_image_shape shape;
    int32_t classes;
    char **names; /* [classes], each owned, or NULL */
} fvi_samples;

void fvi_samples_release(fv_context *context, fvi_samples *samples);
/* Takes the samples' memory, also on failure. */
fv_status fvi_dataset_adopt(fv_dataset **out, fv_context *context, const char *name, fvi_samples *samples);

/* Limits on what files may hold, checked before memory is taken. */
enum { FVI_IMAGE_SIDE = 65535, FVI_CIFAR_RECORDS = 100000 };
#define FVI_DATASET_BYTES ((size_t)1 << 36) /* 64 GiB of pixels */

/* True when the folder holds the training or test images under their published names. */
bool fvi_idx_present(const char *folder);
fv_status fvi_idx_read(fv_context *context, const char *folder, fv_split split, fvi_samples *samples);
/* True when the folder holds CIFAR-10 (data_batch_1.bin or test_batch.bin) or CIFAR-100 (train.bin or test.bin). */
bool fvi_cifar_present(const char *folder);
fv_status fvi_cifar_read_folder(fv_context *context, const char *folder, fv_split split, fvi_samples *samples);
fv_status fvi_cifar_read_archive(fv_context *context, const char *path, fv_split split, fvi_samples *samples);

/* True when there is an image in a folder of the folder. */
bool fvi_folder_present(fv_context *context, const char *folder);
fv_status fvi_folder_open(fv_dataset **out, fv_context *context, const char *where, const char *folder, fv_split split);

/* One place where a data set may lie. */
typedef enum fvi_layout {
    FVI_LAYOUT_IDX,
    FVI_LAYOUT_CIFAR_FOLDER,
    FVI_LAYOUT_CIFAR_ARCHIVE,
    FVI_LAYOUT_FOLDER,
    FVI_LAYOUT_CSV,
    FVI_LAYOUT_SHARDS,
    FVI_LAYOUT_NPZ,
    FVI_LAYOUT_PACK
} fvi_layout;
enum { FVI_PATH_BYTES = 4096 };
typedef struct fvi_place {
    fvi_layout layout;
    char path[FVI_PATH_BYTES];
} fvi_place;
/* Finds `where` (dataset.h): FV_ERR_NOT_FOUND lists what was tried. */
fv_status fvi_dataset_find(fv_context *context, const char *where, fvi_place *place);
/* Whether `where` is a data set's name, and not a path. */
bool fvi_dataset_is_name(const char *where);
/* Where data sets are put that are downloaded: $FOVEA_DATA, else the user's data folder. False: the environment names none. */
bool fvi_data_folder(char root[FVI_PATH_BYTES]);
/* A file or folder that comes with fovea, by its path below the data folder: in $FOVEA_DATA, beside the program, installed, in the
 * sources. False: nowhere. */
bool fvi_find_shipped(const char *name, char path[FVI_PATH_BYTES]);

/* path = folder/name; false when it does not fit. */
bool fvi_path_join(char path[FVI_PATH_BYTES], const char *folder, const char *name);

#endif
