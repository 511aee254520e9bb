/* SPDX-License-Identifier: Apache-2.0
 *
 * data_check.h - reads a whole data set once and tells what is wrong with it.
 */
#ifndef FOVEA_DATA_CHECK_H
#define FOVEA_DATA_CHECK_H

#include "fovea/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FV_DATA_SPLITS = 3 };

typedef enum fv_data_problem {
    FV_DATA_UNREADABLE = 0, /* truncated, damaged, missing: text says why */
    FV_DATA_LEAKED,         /* the same pixels are in another split, too */
    FV_DATA_DUPLICATE,      /* the same pixels are in the same split, too */
    FV_DATA_CONTRADICTED,   /* ... with another label */
    FV_DATA_ODD,            /* a side of less than 8 pixels, or one eight times the other, or one colour only */
    FV_DATA_PROBLEMS
} fv_data_problem;

/* "unreadable", "leaked", ... */
FV_API const char *fv_data_problem_name(fv_data_problem problem);

/* One sample, and what is wrong with it. */
typedef struct fv_data_finding {
    fv_data_problem problem;
    fv_split split;
    int64_t sample;       /* index in its split */
    fv_split other_split; /* leaked, duplicate, contradicted: of which sample; it comes first */
    int64_t other_sample;
    char *text; /* one line that names the files */
} fv_data_finding;

/* What a data set holds. */
typedef struct fv_data_check {
    fv_dataset *split[FV_DATA_SPLITS]; /* by fv_split; NULL where the set has none */
    int64_t samples[FV_DATA_SPLITS];
    int32_t classes;
    int64_t *histogram[FV_DATA_SPLITS];    /* [classes] samples of each class; NULL without classes */
    uint64_t *hash[FV_DATA_SPLITS];        /* [samples]: XXH64 of shape and pixels; 0: unreadable */
    fv_image_shape *shape[FV_DATA_SPLITS]; /* [samples]; zeros: unreadable */
    fv_image_shape smallest, largest;      /* by side, of all that can be read */
    double mean[4],
        deviation[4]; /* of all pixels of the training samples that can be read, each channel as a fraction of 255; grey
                                              as three equal channels */
    fv_data_finding *findings; /* [finding_count], by split and sample */
    int64_t finding_count, count[FV_DATA_PROBLEMS];
    fv_context *context;
} fv_data_check;

/* Opens all splits of `where` (fv_dataset_open()) and reads every sample, on the context's threads. progress (may be NULL) is called now and then.
 * *out is released by fv_data_check_release(); on failure it is zeros: errors of opening, FV_ERR_MEMORY. Damaged samples are no failure. */
FV_API fv_status fv_data_check_run(fv_context *context, const char *where,
                                   void (*progress)(void *user, int64_t done, int64_t total), void *user,
                                   fv_data_check *out);
FV_API void fv_data_check_release(fv_data_check *check);
/* Writes a CSV file of all samples that can be read: path, label, split, rows, columns, channels, hash. It can be opened as a data set. */
FV_API fv_status fv_data_check_write_manifest(const fv_data_check *check, const char *path);

#ifdef __cplusplus
}
#endif

#endif
