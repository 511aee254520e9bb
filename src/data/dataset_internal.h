/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset_internal.h - how readers make a data set, and which folder layouts they know.
 */
#ifndef FVI_DATASET_INTERNAL_H
#define FVI_DATASET_INTERNAL_H

#include "base/base.h"
#include "fovea/dataset.h"

/* What a reader fills in; memory from the context's allocator. */
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

/* One place where a data set may lie. */
typedef enum fvi_layout { FVI_LAYOUT_IDX, FVI_LAYOUT_CIFAR_FOLDER, FVI_LAYOUT_CIFAR_ARCHIVE } fvi_layout;
enum { FVI_PATH_BYTES = 4096 };
typedef struct fvi_place {
    fvi_layout layout;
    char path[FVI_PATH_BYTES];
} fvi_place;
/* Finds `where` (dataset.h): FV_ERR_NOT_FOUND lists what was tried. */
fv_status fvi_dataset_find(fv_context *context, const char *where, fvi_place *place);

/* path = folder/name; false when it does not fit. */
bool fvi_path_join(char path[FVI_PATH_BYTES], const char *folder, const char *name);

#endif
