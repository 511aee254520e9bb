/* SPDX-License-Identifier: Apache-2.0
 *
 * data_get.h - brings published data sets to this machine.
 */
#ifndef FOVEA_DATA_GET_H
#define FOVEA_DATA_GET_H

#include "fovea/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum fv_data_get_action { FV_GET_DOWNLOAD = 0, FV_GET_CHECK, FV_GET_UNPACK } fv_data_get_action;

/* How far a file is. */
typedef struct fv_data_get_progress {
    fv_data_get_action action;
    const char *file;
    uint64_t done, total; /* bytes; total 0: unknown */
    double rate,
        seconds_left; /* of a download: bytes a second since it (or its rest) began; seconds_left -1: unknown */
} fv_data_get_progress;

typedef struct fv_data_get_options {
    const char *to; /* data folder; NULL: $FOVEA_DATA, else $XDG_DATA_HOME/fovea or ~/.local/share/fovea */
    const char *
        mirror; /* an address or a folder that has the files, here or in a folder of the set's name; tried before those that are
                           known; NULL: $FOVEA_MIRROR */
    bool overwrite; /* files that are there and are not what was published are downloaded again instead of refused */
    /* NULL, or called now and then, at least each second of a download. False stops: FV_ERR_INTERRUPTED. */
    bool (*progress)(void *user, const fv_data_get_progress *now);
    void *user;
} fv_data_get_options;

typedef struct fv_data_get_report {
    char folder[4096]; /* which --data takes */
    bool found;        /* the folder is where fv_dataset_open() looks for the name */
    int32_t files;     /* that were downloaded; 0: all were there, and good */
    uint64_t bytes;    /* that were transferred */
} fv_data_get_report;

/* Downloads "mnist", "fashion-mnist", "cifar-10" or "cifar-100" to where fv_dataset_open() finds it, and unpacks what is an archive. Each file is
 * compared with its published checksum before it gets its name; until then it is FILE.partial, which stays when a download ends early and is
 * gone on with by the next call. Addresses are tried in turn; what is wrong with one of them is logged as a warning. options may be NULL.
 * Errors: FV_ERR_NOT_FOUND (no such set), FV_ERR_IO (no address has it, the disk is full, another process downloads it), FV_ERR_FORMAT (a file
 * that is there is not what was published), FV_ERR_INTERRUPTED, FV_ERR_UNSUPPORTED (no libcurl, or no libarchive for CIFAR), FV_ERR_MEMORY;
 * the message says what to do. */
FV_API fv_status fv_data_get(fv_context *context, const char *name, const fv_data_get_options *options,
                             fv_data_get_report *report);
/* The names that it takes: index from 0 on; NULL behind the last. */
FV_API const char *fv_data_get_name(int32_t index);

#ifdef __cplusplus
}
#endif

#endif
