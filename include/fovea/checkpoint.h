/* SPDX-License-Identifier: Apache-2.0
 *
 * checkpoint.h - the whole state of a training run in one file, and going on from it as if the run had never stopped.
 *
 *     fv_trainer_create(&trainer, graph, params, train, test, &options);
 *     if (fv_checkpoint_latest(context, "run/checkpoints", &path) == FV_OK)
 *         fv_trainer_restore(trainer, path);
 *     fv_trainer_keep_checkpoints(trainer, &(fv_checkpoint_options){ .folder = "run/checkpoints", .every_seconds = 600 });
 *     while (!fv_trainer_done(trainer))
 *         fv_trainer_epoch(trainer, &record);
 *
 * A checkpoint is a model file (fv_model_read() reads it) that also holds the optimizer's slots and steps, the place in the epoch and
 * its sums so far, the records of the epochs before, what early stopping and the NaN policy remember, the choices of a
 * tuning, and what the run was made of: options, network, data. Format: docs/formats.md.
 */
#ifndef FOVEA_CHECKPOINT_H
#define FOVEA_CHECKPOINT_H

#include "fovea/self_test.h"
#include "fovea/trainer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the state between two steps, or two epochs, to path: whole or not at all. extra: fv_model_write()'s, or NULL.
 * FV_ERR_IO and others: an existing file is as it was; the trainer's message says why. */
FV_API fv_status fv_trainer_save(fv_trainer *trainer, const char *path, const char *extra);
/* Puts a trainer where the one that wrote the checkpoint was: fv_trainer_epoch() goes on in the middle of the epoch, if that is
 * where it was, and ends with the same bits. The file is verified first; on failure nothing has changed. Free to differ
 * from the run that wrote it are threads, epochs, patience, on_nan, no_repeat and memory_limit (epochs change the rates of a schedule from here on).
 * Errors: FV_ERR_FORMAT for a file that is damaged or no checkpoint, FV_ERR_SHAPE for one of another network, FV_ERR_ARGUMENT for one of
 * other data or other options: the message names the first that differs. */
FV_API fv_status fv_trainer_restore(fv_trainer *trainer, const char *path);

typedef struct fv_checkpoint_options {
    const char *folder;   /* required; made where missing, the folder above it must exist */
    const char *extra;    /* for fv_trainer_save() */
    int32_t keep;         /* the last so many are kept, and the best; 0 means 2 */
    int64_t every_steps;  /* besides those after each epoch: every so many steps; 0: none */
    double every_seconds; /* and so many seconds after the last one; 0: none */
    bool
        replace; /* checkpoints of another run in the folder are removed; else there may be some only if the trainer was restored,
                   * or FV_ERR_STATE */
} fv_checkpoint_options;

/* From now on fv_trainer_epoch() writes checkpoints to a folder: step-<steps>.safetensors, and best.safetensors after the epoch that was the
 * best so far. One is written at once, so that what keeps a checkpoint from being written shows before the first step; then after each
 * epoch, before FV_ERR_INTERRUPTED, and as the options say. Everything is copied. Files that a killed run left half-written
 * are removed. Where writing fails, fv_trainer_epoch() fails; calling it again goes on. */
FV_API fv_status fv_trainer_keep_checkpoints(fv_trainer *trainer, const fv_checkpoint_options *options);
/* Writes a checkpoint after the running step. Async-signal-safe, from any thread. */
FV_API void fv_trainer_save_soon(fv_trainer *trainer);
/* The last checkpoint of a folder that is whole; a damaged one is passed over with a warning in the context's log. *path is released by
 * fv_text_release(). FV_ERR_NOT_FOUND: there is none; FV_ERR_FORMAT: none is whole. */
FV_API fv_status fv_checkpoint_latest(fv_context *context, const char *folder, char **path);

typedef enum fv_file_kind { FV_FILE_MODEL, FV_FILE_CHECKPOINT, FV_FILE_CRASH } fv_file_kind;
typedef struct fv_file_info {
    fv_file_kind kind;
    char network[256], version[32], checksum[17], weights_hash[17];
    int64_t bytes;
    int32_t tensors;
    int32_t epoch;                 /* checkpoints: epochs finished */
    int64_t step, position;        /* checkpoints: steps since the beginning; samples of the running epoch */
    fv_self_test_result self_test; /* zeros where the file carries none: checkpoints, old files */
} fv_file_info;
/* Reads a model, a checkpoint or a crash bundle whole: structure, checksums of header and tensors, that tensors fit the
 * graph, and that the network gives what the file's self-test says (FV_ERR_NUMERIC, with the numbers). *info is zeros on failure. */
FV_API fv_status fv_file_verify(fv_context *context, const char *path, fv_file_info *info);

#ifdef __cplusplus
}
#endif

#endif
