/* SPDX-License-Identifier: Apache-2.0
 *
 * trainer.h - the training loop and the measuring of a model, on the pieces of the other headers.
 */
#ifndef FOVEA_TRAINER_H
#define FOVEA_TRAINER_H

#include "fovea/loader.h"
#include "fovea/optimizer.h"
#include "fovea/schedule.h"
#include "fovea/session.h"

#ifdef __cplusplus
extern "C" {
#endif

/* By what the best epoch is chosen. */
typedef enum fv_metric {
    FV_METRIC_DEFAULT =
        0, /* test accuracy; test loss where targets are values; training loss where nothing is measured */
    FV_METRIC_TEST_ACCURACY,
    FV_METRIC_TEST_LOSS,
    FV_METRIC_TRAIN_LOSS
} fv_metric;

/* What happens to a step whose loss or gradients are not finite. In each case the step is run again to name the layer and tensor,
 * and a crash bundle is written where there is a folder of checkpoints (fovea/checkpoint.h). */
typedef enum fv_on_nan {
    FV_NAN_STOP = 0, /* FV_ERR_NUMERIC; the last checkpoint is what there is to go on from */
    FV_NAN_SKIP, /* the batch is left out; weights and statistics are as before it. The session then keeps all gradients until they have
                  * been looked at: more memory. FV_ERR_NUMERIC after 20 in a row */
    FV_NAN_ROLL_BACK /* back to the last checkpoint, with half of the learning rate from there on, and where that leads to the same again to the
                      * one before: needs fv_trainer_keep_checkpoints(); FV_ERR_NUMERIC after 10 times */
} fv_on_nan;

typedef struct fv_train_options {
    int32_t epochs; /* 0 means 10 */
    int32_t batch;  /* 0 means 64 */
    int32_t
        blocks; /* a batch is computed as so many sample blocks, their gradients summed along a fixed binary tree; 0 means 1 */
    fv_optimizer_options
        optimizer; /* with an average: params become it after the last epoch, before that is measured, and with patience after each epoch once it has begun, so that
                    * the best epoch is an average's; the next epoch goes on from the weights. With FV_AVERAGE_EQUAL population_statistics is taken too */
    fv_schedule_options schedule;
    uint64_t seed;
    fv_preprocess preprocess;
    fv_augment augment;
    /* A list of transforms that come after augment's: fv_augmentation_create()'s text; NULL or empty: none. Those that do the same to every image
     * (fv_augmentation_fixed()) become preprocess.transforms; then a resize takes the place of preprocess.resize, and normalise, standardise or whiten that
     * of mean and deviation. Where preprocess.transforms is given, a list with such transforms replaces it, one without goes into it. */
    const char *transforms;
    const char *class_weights; /* fv_class_weights_read()'s text: each sample's loss counts so much; NULL: all alike */
    /* The same for how often samples are drawn, with replacement, an epoch being as many draws as there are samples
     * (fv_loader_options.sample_weights); NULL: each once an epoch. Texts are read at creation only. */
    const char *sampling;
    int32_t workers, ahead; /* of the loader: fv_loader_options.workers and .ahead */
    bool skip_bad;          /* fv_loader_options.skip_bad, for training images and those measured on */
    fv_dtype
        dtype; /* FV_F32 or FV_BF16 (fv_plan_options.dtype); measuring after each epoch is in the same. params are float32 in both */
    bool no_repeat;      /* fv_plan_options.no_repeat: faster, with more memory */
    size_t memory_limit; /* of the training session, in bytes: fv_plan_options.memory_limit; 0: none */
    bool
        population_statistics; /* after the last epoch: fv_population_statistics() over the training images, in batches as large as a block */
    fv_metric metric;
    int32_t patience; /* the run ends after so many epochs that were not better than the best before; 0: never */
    fv_on_nan on_nan;
} fv_train_options;

/* The usual preprocessing for training graph on dataset: the graph's input size, each channel's mean and deviation over
 * dataset, its number of classes. Class names are left NULL: they are the caller's to keep. */
FV_API fv_preprocess fv_preprocess_fit(const fv_graph *graph, const fv_dataset *dataset);

typedef struct fv_epoch_record {
    int32_t epoch; /* from 1 */
    double train_loss, train_accuracy, test_loss, test_accuracy, images_per_second, seconds;
    char weights_hash[17];
    int32_t skipped;                             /* batches that on_nan left out */
    double gradient_norm, largest_gradient_norm; /* over the steps: the mean, the largest; before clipping */
    double rate;                                 /* of the last step */
    int64_t skipped_images;                      /* training images that could not be read (skip_bad) */
} fv_epoch_record;

typedef struct fv_train_progress {
    int32_t epoch, epochs; /* epoch from 1 */
    int64_t done, total;   /* images of this epoch */
    double loss, accuracy; /* of this epoch so far */
    double gradient_norm;  /* of the last step, before clipping */
    double images_per_second;
    double seconds_left; /* of the whole run, estimated */
} fv_train_progress;

/* One run over one graph. One thread at a time, except fv_trainer_stop(). */
typedef struct fv_trainer fv_trainer;

/* Owned by the caller, released by fv_trainer_destroy(). Borrows everything; params (float32) are trained in place
 * (initialise them first). test may be NULL: then nothing is measured. Errors: FV_ERR_ARGUMENT for an option out of range or batches too small for batch norm, FV_ERR_SHAPE for data that do not fit the graph; fv_context_message() of the graph's
 * context says more. */
FV_API fv_status fv_trainer_create(fv_trainer **out, const fv_graph *graph, fv_params *params, const fv_dataset *train,
                                   const fv_dataset *test, const fv_train_options *options);
FV_API void fv_trainer_destroy(fv_trainer *trainer);
/* How many images each epoch leaves out: those of a last batch too small for batch norm to have a variance; mostly 0. Which
 * ones differs from epoch to epoch. */
FV_API int64_t fv_trainer_left_out(const fv_trainer *trainer);
FV_API const char *fv_trainer_message(const fv_trainer *trainer);
/* What training images pass through, with every option, or NULL: no transforms were given. */
FV_API const char *fv_trainer_transforms(const fv_trainer *trainer);
/* How images become the network's input in this run, with the transforms that every image passes: what to write with the model. Borrowed. */
FV_API const fv_preprocess *fv_trainer_preprocess(const fv_trainer *trainer);
/* Called after every step (progress) and every epoch (record); either may be NULL. */
FV_API void fv_trainer_on_progress(fv_trainer *trainer, void (*progress)(void *user, const fv_train_progress *progress),
                                   void *user);
/* Trains one epoch, or the rest of one, and measures; *record (may be NULL) tells of it. FV_ERR_INTERRUPTED after fv_trainer_stop(), with the
 * running step finished and params as it left them: the next call goes on there. FV_ERR_NUMERIC when a gradient is not finite: then the parameters of
 * layers behind it may have been updated by that step (not with FV_NAN_SKIP); FV_ERR_STATE after the last epoch. */
FV_API fv_status fv_trainer_epoch(fv_trainer *trainer, fv_epoch_record *record);
/* All epochs are trained, or patience is at its end. */
FV_API bool fv_trainer_done(const fv_trainer *trainer);
/* The records of the finished epochs, those of a restored run included: *records is borrowed until the next epoch. Returns how many. */
FV_API int32_t fv_trainer_records(const fv_trainer *trainer, const fv_epoch_record **records);
/* The record of the best epoch so far, borrowed until the next epoch; NULL before the first one is finished. */
FV_API const fv_epoch_record *fv_trainer_best(const fv_trainer *trainer);
/* Async-signal-safe, from any thread. */
FV_API void fv_trainer_stop(fv_trainer *trainer);

/* What a run takes at its peak, in bytes, without the data set: known before anything of it is allocated. */
typedef struct fv_memory {
    size_t parameters; /* values */
    size_t session;    /* activations, gradients, packed weights, scratch; sums over sample blocks */
    size_t optimizer;  /* slots, as velocity; Muon's matrices; with an average the weights beside it */
    size_t loader;     /* a batch; another with population_statistics */
    size_t evaluation; /* the test set's session and batch */
    size_t total;
} fv_memory;
/* Training with these options (batch and blocks count) on a training and a test set. Plans the network twice. Errors: those
 * of fv_plan_create(). */
FV_API fv_status fv_training_memory(const fv_graph *graph, const fv_train_options *options, fv_memory *out);
/* Running the network on batches of so many images; optimizer and evaluation are 0. */
FV_API fv_status fv_inference_memory(const fv_graph *graph, int32_t batch, fv_memory *out);

/* Gradients of one batch computed as `blocks` sample blocks and summed along a fixed binary tree: the building block that
 * data-parallel training hangs on. Block b of a batch of n holds samples [n*b/blocks, n*(b+1)/blocks). Holds the partial
 * sums, so that no call allocates. One thread at a time. */
typedef struct fv_blocks fv_blocks;

/* Owned by the caller, released by fv_blocks_destroy(). Borrows session, whose plan trains and takes at least
 * ceil(n / blocks) samples. blocks: 1 to 65536. */
FV_API fv_status fv_blocks_create(fv_blocks **out, fv_session *session, int32_t blocks);
FV_API void fv_blocks_destroy(fv_blocks *blocks);
/* Sums the gradients of blocks [first, first + count) into gradients (overwritten; layout and dtype of the session's).
 * divisor: the sum of the sample weights of the whole batch. result (may be NULL): of these blocks together.
 * Ranges that are a power of two long and start at a multiple of their length are subtrees: adding them two by two,
 * neighbour to neighbour, gives the same bits as the whole. Errors: the session's; fv_session_message() says more. */
FV_API fv_status fv_blocks_gradients(fv_blocks *blocks, const fv_batch *batch, int32_t first, int32_t count,
                                     double divisor, fv_params *gradients, fv_step_result *result);
/* sum += x, element by element: how ranges are put together. FV_ERR_SHAPE when their layouts differ. */
FV_API fv_status fv_gradients_add(fv_params *sum, fv_params *x);

/* Replaces batch norm's running statistics by those of the whole data set under the present weights: each batch of `batch` images in the
 * data set's order, without augmentation, is normalised by itself, and means and variances (with the factor m/(m-1)) are
 * averaged (Ioffe & Szegedy 2015, algorithm 2). A last batch of one image is left out. params: float32, of a graph with a loss;
 * nothing happens where it has no statistics. Errors: those of plan, loader and session; the context's message says more, and
 * params are as before. */
FV_API fv_status fv_population_statistics(fv_params *params, const fv_dataset *dataset, const fv_preprocess *preprocess,
                                          int32_t batch);

/* Sums over the samples of one output y whose target is a value t. */
typedef struct fv_target_sums {
    double errors, squares;           /* of |y - t|, of (y - t)^2 */
    double values, squares_of_values; /* of t, of t^2 */
    int64_t yes, told, right;         /* t is above 1/2; y answers yes; both */
} fv_target_sums;

/* Owned by the caller, released by fv_evaluation_release(). `count` is that of the data set; samples were judged. */
typedef struct fv_evaluation {
    int64_t samples, count;
    double accuracy, loss, images_per_second;
    int32_t classes;        /* of the network's output, or 0: targets are values */
    int64_t *confusion;     /* [classes][classes], row: true class */
    int32_t *predicted;     /* [count]; -1: could not be read */
    float *confidence;      /* [count] probability of the predicted class */
    int32_t *rank;          /* [count] how many classes come before the sample's own: 0 is a right answer */
    float *own;             /* [count] probability of the sample's own class */
    int32_t targets;        /* where targets are values: how many; else 0, and the next are NULL */
    bool answers;           /* each output answers yes or no: the loss is binary_cross_entropy */
    fv_target_sums *target; /* [targets] */
    double *error;          /* [count] mean over the targets of (y - t)^2; -1: could not be read */
} fv_evaluation;
/* Runs every sample of dataset through params' network, in FV_F32 or FV_BF16 (fv_plan_options.dtype). Everything in *out belongs to the caller: fv_evaluation_release().
 * The loss is the network's, or cross-entropy where it has none. On failure *out is zeros and the context's message says why. */
FV_API fv_status fv_evaluate(fv_context *context, fv_params *params, const fv_dataset *dataset,
                             const fv_preprocess *preprocess, int32_t batch, fv_dtype dtype, fv_evaluation *out);
FV_API void fv_evaluation_release(fv_context *context, fv_evaluation *evaluation);

#ifdef __cplusplus
}
#endif

#endif
