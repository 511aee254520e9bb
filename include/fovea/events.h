/* SPDX-License-Identifier: Apache-2.0
 *
 * events.h - TensorBoard event files: numbers, histograms and images over the steps of a run, which "tensorboard --logdir FOLDER" draws.
 * A trainer fills them itself after fv_trainer_keep_events(); the functions below are for programs that have figures of their own.
 * Format: docs/formats.md#event-files.
 */
#ifndef FOVEA_EVENTS_H
#define FOVEA_EVENTS_H

#include "fovea/trainer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One event file that is being written. One thread at a time. */
typedef struct fv_events fv_events;

/* Begins a file in a folder that exists, for a run that has done `steps` steps. Files that this library wrote there before keep what they tell of
 * steps up to that, whole, and lose the rest (half a record of a killed process too); with steps 0 they are removed. So no step is
 * told twice, and a TensorBoard that is running forgets the lost ones. Owned by the caller, released by fv_events_close(). FV_ERR_IO,
 * FV_ERR_MEMORY: *out is NULL and the context's message says why. */
FV_API fv_status fv_events_open(fv_events **out, fv_context *context, const char *folder, int64_t steps);
/* Writes what was not yet written. NULL is legal. */
FV_API void fv_events_close(fv_events *events);
/* What is told of one step is kept and written in one record, when another step is told of or by fv_events_flush(). Steps must not go down.
 * tag: "loss/train" is drawn in the group "loss". A failure (FV_ERR_IO, FV_ERR_MEMORY; the context's message) stays: later calls give it
 * again. */
FV_API fv_status fv_events_scalar(fv_events *events, const char *tag, int64_t step, double value);
/* How the finite ones of count values are distributed: four intervals for each power of two, for both signs. */
FV_API fv_status fv_events_histogram(fv_events *events, const char *tag, int64_t step, const float *values,
                                     int64_t count);
/* Bytes [c][h][w], c 1 or 3, as PNG: FV_ERR_UNSUPPORTED, which does not stay, where the build has no libpng. */
FV_API fv_status fv_events_image(fv_events *events, const char *tag, int64_t step, const uint8_t *pixels,
                                 fv_image_shape shape);
FV_API fv_status fv_events_flush(fv_events *events);

typedef struct fv_events_options {
    const char *folder;    /* required; must exist */
    int64_t every_steps;   /* figures of a step after every so many; 0 means 10 */
    bool no_distributions; /* neither histograms nor images */
} fv_events_options;

/* From now on fv_trainer_epoch() tells of the run in an event file in a folder (fv_events_open(), from the trainer's place): after every
 * few steps loss and accuracy of that step, learning rate, norm of the gradient, images per second; after each epoch its record, of each
 * parameter a histogram of its values and of its gradient in the epoch's last step; the first batch and, where the first convolution sees
 * grey or colours, its filters as images. It is written before the checkpoint of the same step. Weights do not depend on it. What cannot be
 * written later on is told to the log once and then left, for training matters more. */
FV_API fv_status fv_trainer_keep_events(fv_trainer *trainer, const fv_events_options *options);

#ifdef __cplusplus
}
#endif

#endif
