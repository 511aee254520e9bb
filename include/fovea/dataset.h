/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset.h - labelled samples, in memory or decoded when they are asked for, and where they are found.
 */
#ifndef FOVEA_DATASET_H
#define FOVEA_DATASET_H

#include "fovea/batch.h"
#include "fovea/context.h"
#include "fovea/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which part of a data set. IDX and CIFAR have no validation split. */
typedef enum fv_split { FV_SPLIT_TRAIN = 0, FV_SPLIT_TEST, FV_SPLIT_VALIDATION } fv_split;

/* One split of a data set. Immutable: any number of threads may read it. */
typedef struct fv_dataset fv_dataset;

/* Opens a split of `where`: "mnist-12k" (embedded: installed beside the command, found from any folder), "mnist", "cifar-10",
 * "cifar-100" (looked for in $FOVEA_DATA, ../shared/data, the user's data folder $XDG_DATA_HOME/fovea), or a path: a folder with
 * IDX files (plain or .gz, published names), a folder with CIFAR .bin files, a published CIFAR .tar.gz, a folder of images as
 * class/file, or with train, val and test above the classes (FV_SPLIT_TEST is val where there is no test), a CSV file of numbers or of
 * paths, a folder with train.csv; or a computed set: "spirals", "circles", "polynomial" (docs/formats.md).
 * Owned by the caller, released by fv_dataset_destroy(). Errors: FV_ERR_NOT_FOUND (lists where it looked; or the split is not there),
 * FV_ERR_IO, FV_ERR_FORMAT (file, offset, value and what was expected), FV_ERR_UNSUPPORTED (library not built in). */
FV_API fv_status fv_dataset_open(fv_dataset **out, fv_context *context, const char *where, fv_split split);
/* From arrays of the caller's, copied: images [count][c][h][w] bytes, labels [count] below classes; names [classes] or NULL. */
FV_API fv_status fv_dataset_from_arrays(fv_dataset **out, fv_context *context, const uint8_t *images,
                                        const int32_t *labels, int64_t count, fv_image_shape shape, int32_t classes,
                                        const char *const *names);

/* Samples that a program gives when they are asked for: from a data base, a camera, a format of its own. */
typedef struct fv_dataset_callbacks {
    const char *name; /* for messages; NULL means "callbacks" */
    int64_t count;
    int32_t classes;
    const char *const *class_names; /* [classes], or NULL: numbered */
    fv_image_shape shape;           /* of every sample; not read where sample_shape is given */
    void *user;                     /* handed to every function, never read */
    /* The sample's class, below classes. Asked once for each sample, in order, by fv_dataset_from_callbacks(). */
    int32_t (*label)(void *user, int64_t index);
    /* Writes the sample's bytes to pixels [h][w][c]. Called from several threads at once, in any order and as often as an epoch
     * needs; two calls for one index must give the same. A status other than FV_OK: it cannot be read. */
    fv_status (*read)(void *user, int64_t index, fv_image_shape shape, uint8_t *pixels);
    /* Where samples differ in size: the shape of one, for `read`. The same rules. NULL: all have `shape`. */
    fv_status (*sample_shape)(void *user, int64_t index, fv_image_shape *shape);
    void (*release)(void *user); /* when nothing needs the samples any more; NULL: nothing to do */
} fv_dataset_callbacks;
/* The struct and its texts are copied. On failure release is not called: FV_ERR_ARGUMENT (a label out of range, no function),
 * FV_ERR_SHAPE, FV_ERR_MEMORY. */
FV_API fv_status fv_dataset_from_callbacks(fv_dataset **out, fv_context *context,
                                           const fv_dataset_callbacks *callbacks);
FV_API void fv_dataset_destroy(fv_dataset *dataset);
FV_API int64_t fv_dataset_count(const fv_dataset *dataset);
/* The shape of every sample; zeros where samples are decoded from files and may differ. */
FV_API fv_image_shape fv_dataset_shape(const fv_dataset *dataset);
/* Number of classes; 0 where the targets are values. */
FV_API int32_t fv_dataset_classes(const fv_dataset *dataset);
FV_API const char *fv_dataset_class_name(const fv_dataset *dataset, int32_t index); /* NULL when out of range */
FV_API const char *fv_dataset_name(const fv_dataset *dataset);
/* [c][h][w], borrowed, of sets that lie in memory as bytes; NULL of others, which an fv_reader reads. */
FV_API const uint8_t *fv_dataset_image(const fv_dataset *dataset, int64_t index);
/* The sample's class; -1 where the targets are values. */
FV_API int32_t fv_dataset_label(const fv_dataset *dataset, int64_t index);
/* Where targets are values: how many of them each sample has (several labels: one value for each class, 0 or 1); else 0. */
FV_API int32_t fv_dataset_target_count(const fv_dataset *dataset);
/* [target_count], borrowed; NULL where the target is a class. */
FV_API const float *fv_dataset_targets(const fv_dataset *dataset, int64_t index);
/* Mean and standard deviation of each channel's pixels, as fractions of 255: of all samples in memory; of decoded sets, of
 * up to 256 images spread evenly over the set, those that can be read, in RGB. Of numeric sets 0 and 1: their values stay as
 * they are. */
FV_API void fv_dataset_statistics(const fv_dataset *dataset, double mean[4], double deviation[4]);

/* One sample's input. Either pixels or values is set. */
typedef struct fv_sample {
    fv_image_shape shape;
    fv_order order;        /* of pixels: FV_NCHW [c][h][w] or FV_NHWC [h][w][c] */
    const uint8_t *pixels; /* borrowed, until the reader's next call */
    const float *values;   /* numeric sets: [c][h][w], borrowed */
    fv_image_shape whole;  /* shape before `shorter` made it smaller */
} fv_sample;

/* Reads samples of one data set. One thread at a time; several threads take a reader each. */
typedef struct fv_reader fv_reader;

/* Owned by the caller, released by fv_reader_destroy() before the data set. */
FV_API fv_status fv_reader_create(fv_reader **out, fv_context *context, const fv_dataset *dataset);
FV_API void fv_reader_destroy(fv_reader *reader);
/* Sample `index`. shorter: the caller will shrink the image until its shorter side has so many pixels, so that a decoder may
 * give it smaller than it is, but with no fewer on that side; 0: as it is. Errors name the file: FV_ERR_NOT_FOUND, FV_ERR_IO, FV_ERR_FORMAT,
 * FV_ERR_UNSUPPORTED, FV_ERR_MEMORY; FV_ERR_ARGUMENT for an index out of range. */
FV_API fv_status fv_reader_read(fv_reader *reader, int64_t index, int32_t shorter, fv_sample *sample);
/* The message of the last call that failed. */
FV_API const char *fv_reader_message(const fv_reader *reader);
/* The file of a sample, as a user would name it, into text (cut to size); "NAME, sample 12" where samples have no files. */
FV_API void fv_dataset_sample_name(const fv_dataset *dataset, int64_t index, char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
