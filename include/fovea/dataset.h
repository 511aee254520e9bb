/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset.h - labelled images in memory, and where they are found.
 */
#ifndef FOVEA_DATASET_H
#define FOVEA_DATASET_H

#include "fovea/context.h"
#include "fovea/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_split { FV_SPLIT_TRAIN = 0, FV_SPLIT_TEST } fv_split;

/* One split of a data set. Immutable: any number of threads may read it. */
typedef struct fv_dataset fv_dataset;

/* Opens a split of `where`: "mnist-12k" (embedded: installed beside the command, found from any folder), "mnist", "cifar-10",
 * "cifar-100" (looked for in $FOVEA_DATA, ../shared/data, the user's data folder $XDG_DATA_HOME/fovea), or a path: a folder with
 * IDX files (plain or .gz, published names), a folder with CIFAR .bin files, a published CIFAR .tar.gz.
 * Owned by the caller, released by fv_dataset_destroy(). Errors: FV_ERR_NOT_FOUND (lists where it looked),
 * FV_ERR_IO, FV_ERR_FORMAT (file, offset, value and what was expected), FV_ERR_UNSUPPORTED (library not built in). */
FV_API fv_status fv_dataset_open(fv_dataset **out, fv_context *context, const char *where, fv_split split);
/* From arrays of the caller's, copied: images [count][c][h][w] bytes, labels [count] below classes; names [classes] or NULL. */
FV_API fv_status fv_dataset_from_arrays(fv_dataset **out, fv_context *context, const uint8_t *images,
                                        const int32_t *labels, int64_t count, fv_image_shape shape, int32_t classes,
                                        const char *const *names);
FV_API void fv_dataset_destroy(fv_dataset *dataset);
FV_API int64_t fv_dataset_count(const fv_dataset *dataset);
FV_API fv_image_shape fv_dataset_shape(const fv_dataset *dataset);
FV_API int32_t fv_dataset_classes(const fv_dataset *dataset);
FV_API const char *fv_dataset_class_name(const fv_dataset *dataset, int32_t index); /* NULL when out of range */
FV_API const char *fv_dataset_name(const fv_dataset *dataset);
FV_API const uint8_t *fv_dataset_image(const fv_dataset *dataset, int64_t index); /* [c][h][w], borrowed */
FV_API int32_t fv_dataset_label(const fv_dataset *dataset, int64_t index);
/* Mean and standard deviation of each channel's pixels, as fractions of 255. */
FV_API void fv_dataset_statistics(const fv_dataset *dataset, double mean[4], double deviation[4]);

#ifdef __cplusplus
}
#endif

#endif
