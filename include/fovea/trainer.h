/* SPDX-License-Identifier: Apache-2.0
 *
 * trainer.h - the training loop and the measuring of a model, on the pieces of the other headers.
 */
#ifndef FOVEA_TRAINER_H
#define FOVEA_TRAINER_H

#include "fovea/loader.h"
#include "fovea/optimizer.h"
#include "fovea/session.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fv_train_options {
    int32_t epochs;      /* 0 means 10 */
    int32_t batch;       /* 0 means 64 */
    int32_t blocks;      /* a batch is computed as so many sample blocks, their gradients summed along a fixed binary tree; 0 means 1 */
    double rate;         /* 0 means 0.05 */
    bool constant_rate;  /* false: cosine from rate to 0 over the run */
    double momentum;     /* as given */
    double weight_decay; /* as given */
    uint64_t seed;
    fv_preprocess preprocess;
    fv_augment augment;
} fv_train_options;

typedef struct fv_epoch_record {
    int32_t epoch; /* from 1 */
    double train_loss, train_accuracy, test_loss, test_accuracy, images_per_second, seconds;
    char weights_hash[17];
} fv_epoch_record;

typedef struct fv_train_progress {
    int32_t epoch, epochs; /* epoch from 1 */
    int64_t done, total;   /* images of this epoch */
    double loss, accuracy; /* of this epoch so far */
    double images_per_second;
    double seconds_left;   /* of the whole run, estimated */
} fv_train_progress;

/* One run over one graph. One thread at a time, except fv_trainer_stop(). */
typedef struct fv_trainer fv_trainer;

/* Borrows everything; params are trained in place (initialise them first). test may be NULL. */
FV_API fv_status fv_trainer_create(fv_trainer **out, const fv_graph *graph, fv_params *params, const fv_dataset *train,
                                   const fv_dataset *test, const fv_train_options *options);
FV_API void fv_trainer_destroy(fv_trainer *trainer);
FV_API const char *fv_trainer_message(const fv_trainer *trainer);
/* Called after every step (progress) and every epoch (record); either may be NULL. */
FV_API void fv_trainer_on_progress(fv_trainer *trainer, void (*progress)(void *user, const fv_train_progress *progress), void *user);
/* Trains one epoch and measures. FV_ERR_INTERRUPTED after fv_trainer_stop(), with the running step finished. */
FV_API fv_status fv_trainer_epoch(fv_trainer *trainer, fv_epoch_record *record);
FV_API bool fv_trainer_done(const fv_trainer *trainer);
/* Async-signal-safe, from any thread. */
FV_API void fv_trainer_stop(fv_trainer *trainer);

/* Gradients of one batch computed as sample blocks [first, first+count) of `blocks`: the building block that data-parallel
 * training hangs on. Sums of aligned power-of-two ranges combine to the same bits as the whole. */
FV_API fv_status fv_block_gradients(fv_session *session, const fv_batch *batch, int32_t blocks, int32_t first, int32_t count,
                                    double divisor, fv_params *gradients, fv_step_result *result);

typedef struct fv_evaluation {
    int64_t samples;
    double accuracy, loss, images_per_second;
    int32_t classes;
    int64_t *confusion;   /* [classes][classes], row: true class; owned, released by fv_evaluation_release() */
    int32_t *predicted;   /* [samples] */
    float *confidence;    /* [samples] probability of the predicted class */
} fv_evaluation;
FV_API fv_status fv_evaluate(fv_context *context, fv_params *params, const fv_dataset *dataset, const fv_preprocess *preprocess,
                             int32_t batch, fv_evaluation *out);
FV_API void fv_evaluation_release(fv_context *context, fv_evaluation *evaluation);

#ifdef __cplusplus
}
#endif

#endif
