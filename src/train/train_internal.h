/* SPDX-License-Identifier: Apache-2.0
 *
 * train_internal.h - what the files of src/train/ share.
 */
#ifndef FVI_TRAIN_INTERNAL_H
#define FVI_TRAIN_INTERNAL_H

#include <stdatomic.h>

#include "base/base.h"
#include "fovea/predictor.h"
#include "fovea/trainer.h"
#include "fovea/weights.h"
#include "fovea/zoo.h"

/* FV_OK when graph can learn from or be measured on dataset, prepared so; else FV_ERR_SHAPE and a message that says which of
 * channels, size or classes does not fit. */
fv_status fvi_check_data(const fv_graph *graph, const fv_dataset *dataset, const fv_preprocess *preprocess);
/* How many of `images` an epoch of such batches trains on: all, or all but those of a last batch in which a block would have fewer
 * images than some layer needs (batch norm of one vector has no variance). FV_ERR_ARGUMENT, with a message that names the
 * layer, when every batch is like that. */
fv_status fvi_images_of_epoch(const fv_graph *graph, int32_t batch, int32_t blocks, int64_t images, int64_t *out);
/* Values of the output: the number of classes. */
int64_t fvi_graph_classes(const fv_graph *graph);
/* True when the output holds probabilities already: it is a softmax. */
bool fvi_graph_gives_probabilities(const fv_graph *graph);
/* Whether a run with these options updates each parameter in the backward pass: not where gradients of blocks are added up
 * first, nor where the session's memory for gradients is wanted for statistics. */
bool fvi_hands_over(const fv_train_options *options);
bool fvi_graph_has_loss(const fv_graph *graph);
/* The transforms of a run. */
typedef struct fvi_run_transforms {
    fv_augmentation *training; /* what training images pass; NULL: preprocess.transforms, if any */
    fv_augmentation *fixed;    /* those of them that every image passes */
    fv_preprocess preprocess;  /* the options', with them */
} fvi_run_transforms;
/* FV_ERR_ARGUMENT for a list that is none; then there is nothing to close. */
fv_status fvi_run_transforms_open(fvi_run_transforms *run, fv_context *context, const fv_train_options *options);
/* Lets them learn from the training images, and warns of what they may do to these. */
fv_status fvi_run_transforms_fit(fvi_run_transforms *run, const fv_train_options *options, const fv_dataset *train);
void fvi_run_transforms_close(fvi_run_transforms *run);
/* fvi_check_data() of the training images, as the run would prepare them. */
fv_status fvi_check_run(const fv_graph *graph, const fv_dataset *train, const fv_train_options *options);

/* The loader of a run, and its transforms, fitted: both the caller's to destroy and to close, also on failure; *transforms must be zeros. */
fv_status fvi_run_loader(fv_loader **out, fvi_run_transforms *transforms, fv_context *context,
                         const fv_train_options *options, const fv_dataset *train);

/* Changes what fv_preprocess_fit() found to what the weights were trained on: a model's own mean, deviation and transforms; of a file of other programs
 * ImageNet's, where the network (NULL: none of the zoo) is one for ImageNet. */
void fvi_pretrained_preprocess(fv_preprocess *preprocess, const fv_weights *weights, const fv_zoo_entry *entry);

/* What the sum of a batch's losses is divided by: the sum of its weights, or the number of its samples. */
double fvi_weight_of_batch(const fv_batch *batch);

/* In place, rows [rows][classes] of scores become probabilities: exp(x - max) / sum, in double. */
void fvi_scores_to_probabilities(int64_t rows, int64_t classes, float *scores);
/* Index of the first largest of count values. */
int32_t fvi_largest(const float *values, int64_t count);
/* -log(probability), the probability not below the smallest normal float. */
double fvi_cross_entropy(float probability);

/* Batch norm's statistics over a whole data set: see fv_population_statistics(). Holds a loader of its own, and sums. */
typedef struct fvi_population fvi_population;
/* *out is NULL when the network has no statistics. batch: what the session of the run takes. skip_bad: fv_loader_options'. */
fv_status fvi_population_create(fvi_population **out, fv_params *params, const fv_dataset *dataset,
                                const fv_preprocess *preprocess, int32_t batch, bool skip_bad);
void fvi_population_destroy(fvi_population *population);
/* session: of a plan that trains, on the same params. On failure the context's message says why, and params are as before. */
fv_status fvi_population_run(fvi_population *population, fv_session *session);
bool fvi_graph_has_statistics(const fv_graph *graph);

/* Measures params on a data set as often as asked, with one plan and session. details may be NULL. */
typedef struct fvi_evaluator fvi_evaluator;
typedef struct fvi_measure {
    double loss, accuracy, seconds;
    int64_t samples;
} fvi_measure;
fv_status fvi_evaluator_create(fvi_evaluator **out, fv_params *params, const fv_dataset *dataset,
                               const fv_preprocess *preprocess, int32_t batch, fv_dtype dtype, bool skip_bad);
void fvi_evaluator_destroy(fvi_evaluator *evaluator);
/* stop: NULL, or read between batches: not 0 ends the run with FV_ERR_INTERRUPTED. */
fv_status fvi_evaluator_run(fvi_evaluator *evaluator, fvi_measure *measure, fv_evaluation *details, atomic_int *stop);
/* The same with all that an evaluation tells, in memory of context, the caller's; zeros on failure. */
fv_status fvi_evaluator_details(fvi_evaluator *evaluator, fv_context *context, fv_evaluation *out);

#endif
