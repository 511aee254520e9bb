/* SPDX-License-Identifier: Apache-2.0
 *
 * trainer_internal.h - the state of a run, for those who train, save and restore it:
 *
 *   trainer.c            the loop
 *   checkpoint.c         the state in a file, and back
 *   checkpoint_folder.c  which files there are, when one is written, which is taken
 *   not_finite.c         what becomes of a step with a NaN
 *   trainer_events.c     the event file that TensorBoard reads
 */
#ifndef FVI_TRAINER_INTERNAL_H
#define FVI_TRAINER_INTERNAL_H

#include "fovea/checkpoint.h"
#include "interchange/safetensors.h"
#include "train/train_internal.h"

/* Sums of the running epoch so far. */
typedef struct fvi_epoch_sums {
    double loss, weight;
    int64_t correct, counted;   /* samples that the sums are of */
    int64_t position;           /* samples taken from the epoch's order: those, and those of skipped batches */
    int32_t skipped;            /* batches */
    int64_t skipped_images;     /* that could not be read */
    int32_t steps;              /* that the next two are of */
    double norms, largest_norm; /* of gradients: their sum, the largest */
    double seconds;             /* of earlier calls and processes */
} fvi_epoch_sums;

/* An event file, and what is counted for it (trainer_events.c). */
typedef struct fvi_trainer_events fvi_trainer_events;

/* A folder of checkpoints. */
typedef struct fvi_checkpoints {
    char *folder, *extra;
    int32_t keep;
    int64_t every_steps;
    double every_seconds;
    double saved_at;     /* by fvi_seconds() */
    int64_t saved_steps; /* of the last file written or restored; -1: none */
} fvi_checkpoints;

struct fv_trainer {
    fv_context *context;
    const fv_graph *graph;
    const fv_dataset *train, *test; /* test: or NULL */
    fv_params *params;
    fv_train_options options;         /* defaults filled in */
    int64_t samples, steps_per_epoch; /* of an epoch */
    int32_t epoch;                    /* epochs finished */
    fvi_run_transforms transforms;
    fv_loader *loader;
    fv_plan *plan;
    fv_session *session;
    fv_blocks *blocks;    /* NULL for one block: the session's gradients are used where they are */
    fv_params *gradients; /* the sum over blocks; NULL for one */
    fv_optimizer *optimizer;
    fv_params *
        weights; /* with an average: those that training goes on from while the average is in params; else stale, NULL: none */
    bool averaged;              /* it is, since an epoch was measured */
    double rate;                /* of the running step, for gradients that are handed over */
    fv_plateau plateau;         /* of a schedule that looks at losses */
    fvi_evaluator *evaluator;   /* NULL without test data */
    fvi_population *population; /* NULL unless asked for and of use */
    void (*progress)(void *user, const fv_train_progress *progress);
    void *progress_user;
    double seconds_before; /* of the epochs finished */
    atomic_int stop, save_soon;
    fvi_message message;

    fvi_epoch_sums sums;
    json_t *described;                  /* the options that weights depend on, as checkpoints keep them */
    bool restored;                      /* from a checkpoint */
    bool running;                       /* in fv_trainer_epoch() */
    double started;                     /* by fvi_seconds(): that call */
    char train_hash[17], test_hash[17]; /* of the data sets; "" until they are asked for */
    fv_epoch_record *records;           /* [epoch] */
    size_t record_capacity;
    int32_t best;        /* index in records; -1: none */
    double rate_scale;   /* 1, halved by each rolling back */
    int32_t rolled_back; /* times */
    int64_t rolled_to;   /* steps of the checkpoint that was gone back to last; 0: none */
    int32_t skipped_in_row;
    fvi_checkpoints checkpoints; /* folder NULL: none are kept */
    fvi_trainer_events *events;  /* NULL: none are written */
};

/* Steps since the beginning of the run. */
int64_t fvi_trainer_steps(const fv_trainer *trainer);
/* Seconds that were spent on the running epoch. */
double fvi_trainer_epoch_seconds(const fv_trainer *trainer);
/* Room for so many records. */
fv_status fvi_trainer_reserve(fv_trainer *trainer, int32_t records);
/* Appends the record of the epoch that was just finished, or restored, and finds out whether it is the best. */
fv_status fvi_trainer_add_record(fv_trainer *trainer, const fv_epoch_record *record);

/* Swaps values (float32) of one layout. */
void fvi_params_exchange(fv_params *a, fv_params *b);

/* Makes `described`: while texts that options borrow are there. */
fv_status fvi_trainer_describe(fv_trainer *trainer);
/* Writes the state, with more tensors and metadata where there are some (of a crash bundle). */
typedef struct fvi_state_extras {
    const char *key, *text; /* metadata, or NULL */
    const fvi_tensor_source *tensors;
    int32_t count;
} fvi_state_extras;
fv_status fvi_trainer_write(fv_trainer *trainer, const char *path, const char *extra, const fvi_state_extras *extras);

/* Between steps: writes a checkpoint when one is due. */
fv_status fvi_checkpoint_if_due(fv_trainer *trainer);
/* Writes one to the folder, and best.safetensors when the epoch that has just ended is the best; prunes. Nothing without a folder. */
fv_status fvi_checkpoint_write(fv_trainer *trainer, bool epoch_ended);
/* fv_checkpoint_latest() of those of fewer steps. */
fv_status fvi_checkpoint_before(fv_context *context, const char *folder, int64_t steps, char **path);
/* Removes those behind the trainer's place, which it has gone back from. */
void fvi_checkpoints_forget(const fv_trainer *trainer);
void fvi_checkpoints_release(fv_context *context, fvi_checkpoints *checkpoints);
/* folder/name<number>.safetensors, the caller's; NULL when memory is short. */
char *fvi_checkpoint_path(fv_context *context, const char *folder, const char *name, int64_t number);

/* Nothing happens where no event file is kept. Before a step: the loader has given its batch, its place is that before it. */
void fvi_trainer_events_begin(fv_trainer *trainer, const fv_batch *batch);
/* During it: gradients, or all of them. */
void fvi_trainer_events_gradients(fv_trainer *trainer, const fv_gradient *gradients, int32_t count);
void fvi_trainer_events_all_gradients(fv_trainer *trainer, const fv_params *gradients);
/* After it; images: trained on in it. */
void fvi_trainer_events_step(fv_trainer *trainer, const fv_step_result *result, int64_t images);
/* At the end of an epoch, before its record joins the others. */
void fvi_trainer_events_epoch(fv_trainer *trainer, const fv_epoch_record *record);
/* The trainer has gone back to a checkpoint. */
void fvi_trainer_events_go_back(fv_trainer *trainer);
void fvi_trainer_events_close(fv_trainer *trainer);

/* What the options say about a step of `batch` that failed with FV_ERR_NUMERIC, whose message is in the trainer. FV_OK: go on, from
 * wherever the trainer now stands; the loader must be started there again. */
fv_status fvi_not_finite(fv_trainer *trainer, const fv_batch *batch);

#endif
