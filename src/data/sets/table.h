/* SPDX-License-Identifier: Apache-2.0
 *
 * table.h - data sets from rows: of CSV files (numbers, or paths of images), and computed ones.
 */
#ifndef FVI_TABLE_H
#define FVI_TABLE_H

#include "data/dataset_internal.h"

/* The set of count rows of `columns` numbers; values [count][columns] becomes its own. parts: targets or classes as they shall
 * be; taken also on failure. A sample has the shape {1, 1, columns}; a loader gives it the input's, of as many elements. */
fv_status fvi_numbers_make(fv_dataset **out, fv_context *context, const char *name, float *values, int64_t count,
                           int32_t columns, fvi_dataset_parts *parts);

/* A CSV file, or a folder with train.csv and perhaps test.csv and val.csv (docs/formats.md). */
fv_status fvi_csv_dataset_open(fv_dataset **out, fv_context *context, const char *where, const char *path,
                               fv_split split);
bool fvi_csv_folder_present(const char *folder);

/* One .npz with images, or rows of numbers, and labels (npz.c). FV_ERR_NOT_FOUND where it has no images of the split. */
fv_status fvi_npz_dataset_open(fv_dataset **out, fv_context *context, const char *where, const char *path,
                               fv_split split);

/* A tar file, or a folder of them (shards.c). */
fv_status fvi_shards_open(fv_dataset **out, fv_context *context, const char *where, const char *path, fv_split split);
bool fvi_shards_present(fv_context *context, const char *folder);

/* "spirals", "circles" or "polynomial", perhaps with ":name=value,name=value" behind. */
bool fvi_synthetic_named(const char *where);
fv_status fvi_synthetic_open(fv_dataset **out, fv_context *context, const char *where, fv_split split);

#endif
