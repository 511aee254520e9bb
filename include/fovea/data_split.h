/* SPDX-License-Identifier: Apache-2.0
 *
 * data_split.h - divides a data set into parts to train, validate and test on.
 */
#ifndef FOVEA_DATA_SPLIT_H
#define FOVEA_DATA_SPLIT_H

#include "fovea/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fv_data_split_options {
    double share
        [3]; /* by fv_split: of the samples of each class; together at most 1, what is over is left out. 0: no such part */
    uint64_t seed;
    void (*progress)(void *user, int64_t done, int64_t total); /* of reading, or NULL */
    void *user;
} fv_data_split_options;

typedef struct fv_data_split_report {
    char path[4096];    /* which --data takes */
    bool manifests;     /* a folder of CSV files; else a pack */
    int64_t samples[3]; /* of each part, by fv_split */
    int64_t carried[3]; /* of them as they were: splits of the set that get no share */
    int64_t equal;      /* samples that were kept together with one of the same pixels */
    int64_t leaked;     /* left out: the same pixels are in a split that was carried over */
    int64_t unreadable; /* left out */
    int64_t rest;       /* left out, since the shares are less than 1 together */
    int32_t thin;       /* classes that have too few samples for every part */
} fv_data_split_report;

/* Divides the splits of `where` that have a share, taken together, anew; other splits are carried over. Each class is divided by itself, drawn
 * from (seed, pixels): the order of files and their names make no difference. Samples of the same pixels go into one part. Every sample is
 * read once. to: a folder, which then holds train.csv, val.csv, test.csv of absolute paths where the samples are files, else data.pack; or a path that
 * ends in .pack. Nothing that is there is replaced. Errors: FV_ERR_ARGUMENT (shares; a part without samples), FV_ERR_IO (something is
 * there), those of opening, reading and writing. */
FV_API fv_status fv_data_split(fv_context *context, const char *where, const char *to,
                               const fv_data_split_options *options, fv_data_split_report *report);

#ifdef __cplusplus
}
#endif

#endif
