/* SPDX-License-Identifier: Apache-2.0
 *
 * data_pack.h - a data set decoded once into one file, which is memory-mapped afterwards (docs/formats.md#packs).
 */
#ifndef FOVEA_DATA_PACK_H
#define FOVEA_DATA_PACK_H

#include "fovea/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fv_data_pack_options {
    int32_t
        resize; /* images are made so large on their shorter side, as a loader of the same resize does; 0: as they are */
    bool skip_bad; /* samples that cannot be read are left out, with a warning each; else they end it */
    /* NULL, or called now and then. False stops: FV_ERR_INTERRUPTED. */
    bool (*progress)(void *user, fv_split split, int64_t done, int64_t total);
    void *user;
} fv_data_pack_options;

typedef struct fv_data_pack_report {
    int64_t samples[3]; /* by fv_split */
    int64_t skipped;
    uint64_t bytes; /* of the file */
} fv_data_pack_report;

/* Writes all splits of `where` (fv_dataset_open()) to a pack at path, decoding on the context's threads. fv_dataset_open() of the path then gives
 * the same samples, classes, targets and statistics, and training the same weights. The file is there when it is complete. options may be
 * NULL. Errors: those of opening and reading, FV_ERR_IO (the disk is full; the pack lies in the folder it would read), FV_ERR_INTERRUPTED. */
FV_API fv_status fv_data_pack(fv_context *context, const char *where, const char *path,
                              const fv_data_pack_options *options, fv_data_pack_report *report);

/* Whether the file begins as a pack does. */
FV_API bool fv_data_pack_is(const char *path);
/* Reads the whole file and compares it with its checksums. FV_ERR_FORMAT says what is wrong. Packs of up to 256 MiB are also compared
 * each time they are opened, larger ones as to their header, labels and places. */
FV_API fv_status fv_data_pack_verify(fv_context *context, const char *path);

/* A pack under construction. One thread at a time. */
typedef struct fv_pack_writer fv_pack_writer;

/* A pack at path of samples with the classes, names and targets of `like`, which is borrowed until the writer is closed. Where the samples of
 * `like` have one shape, and all that are added too, so do those of the pack. Released by fv_pack_writer_close(). */
FV_API fv_status fv_pack_writer_open(fv_pack_writer **out, fv_context *context, const char *path,
                                     const fv_dataset *like);
/* What is added from now on belongs to the split; each once. statistics: whose mean and deviation the pack gives for it, or NULL:
 * they are measured. */
FV_API fv_status fv_pack_writer_begin(fv_pack_writer *writer, fv_split split, const fv_dataset *statistics);
/* Copies a sample: pixels in either order, or values; and its class, or where classes are 0 its targets. */
FV_API fv_status fv_pack_writer_add(fv_pack_writer *writer, const fv_sample *sample, int32_t label,
                                    const float *targets);
/* complete: puts the file in its place; false: gives it up. Releases the writer either way; NULL is legal. bytes (may be NULL): of the file. */
FV_API fv_status fv_pack_writer_close(fv_pack_writer *writer, bool complete, uint64_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
