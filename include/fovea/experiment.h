/* SPDX-License-Identifier: Apache-2.0
 *
 * experiment.h - a run from its config: network, data, initial values, memory, trainer. A program that runs an experiment file
 * (examples/run_experiment.c):
 *
 *   fv_config_create(&config, context);
 *   fv_config_read_yaml(config, "experiment.yaml");
 *   fv_experiment_open(&experiment, context, config);
 *   fv_experiment_start(experiment);
 *   while (!fv_trainer_done(fv_experiment_trainer(experiment)))
 *       fv_trainer_epoch(fv_experiment_trainer(experiment), &record);
 *   fv_experiment_save(experiment, "model.safetensors", NULL);
 */
#ifndef FOVEA_EXPERIMENT_H
#define FOVEA_EXPERIMENT_H

#include "fovea/config.h"
#include "fovea/network.h"
#include "fovea/weights.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Everything one run holds. One thread at a time, but for fv_trainer_stop() on its trainer. */
typedef struct fv_experiment fv_experiment;

/* Options of a context for config: threads, and whether bf16 is emulated. */
FV_API fv_context_options fv_experiment_context_options(const fv_config *config);
/* Reads the network's recipe into config, opens the network, and gives config what the network has (classes, input, flags). No data are
 * touched. Owned by the caller, released by fv_experiment_destroy(). Borrows config, whose values are final afterwards. On failure *out
 * is NULL and context tells: errors of fv_config_check(), fv_config_read_recipe() and
 * fv_network_open(). */
FV_API fv_status fv_experiment_open(fv_experiment **out, fv_context *context, fv_config *config);
FV_API void fv_experiment_destroy(fv_experiment *experiment);
/* Opens the data and makes initial values (a model goes on from its own). Validation images are measured where there are some, else test
 * images; where there are neither the log says so. Errors of fv_dataset_open(), FV_ERR_SHAPE for data that do not fit, told by the context. */
FV_API fv_status fv_experiment_open_data(fv_experiment *experiment);
/* Makes the run fit train.memory, if that is set: first by computing values again, then in more blocks (which changes the order of
 * sums, and what batch norm sees: the log says so, and config). FV_ERR_MEMORY: it cannot. Part of fv_experiment_start(). Needs data. */
FV_API fv_status fv_experiment_fit(fv_experiment *experiment);
/* Makes the trainer. Opens the data first where that was not done. */
FV_API fv_status fv_experiment_start(fv_experiment *experiment);
FV_API fv_trainer *fv_experiment_trainer(const fv_experiment *experiment); /* NULL before start */

/* Its parts, borrowed. Data and params are NULL before fv_experiment_open_data(). */
FV_API const fv_network *fv_experiment_network(const fv_experiment *experiment);
/* The file that the run began with, with its report (fv_weights_report_of()) once there are params; NULL: none. */
FV_API fv_weights *fv_experiment_pretrained(const fv_experiment *experiment);
FV_API fv_params *fv_experiment_params(const fv_experiment *experiment);
FV_API const fv_dataset *fv_experiment_train_data(const fv_experiment *experiment);
FV_API const fv_dataset *fv_experiment_test_data(const fv_experiment *experiment); /* NULL: nothing is measured */
/* What that is: "validation" or "test"; NULL: nothing is measured. */
FV_API const char *fv_experiment_test_split(const fv_experiment *experiment);
/* The options of the trainer as they are now; those that no key is for may be set before start. Borrowed. */
FV_API fv_train_options *fv_experiment_options(fv_experiment *experiment);
/* What the run takes, with the bytes of data that lie in memory in *data (may be NULL). */
FV_API fv_status fv_experiment_memory(fv_experiment *experiment, fv_memory *memory, size_t *data);

/* One batch, forward and backward, without a trainer: what --dry-run does. */
typedef struct fv_experiment_trial {
    int32_t images;
    double loss;          /* mean over the batch, at the initial values */
    double gradient_norm; /* over all parameters */
    double seconds;
} fv_experiment_trial;
/* FV_ERR_NUMERIC when something is not finite. Values and statistics stay. In the memory that the run would take: a trainer that was
 * started before is destroyed. */
FV_API fv_status fv_experiment_try(fv_experiment *experiment, fv_experiment_trial *trial);
/* Images per class of the training data into counts[classes]: reads labels, not images. */
FV_API void fv_experiment_count_classes(const fv_experiment *experiment, int64_t *counts);
/* Writes the model as it is now. extra as in fv_model_write(). */
FV_API fv_status fv_experiment_save(fv_experiment *experiment, const char *path, const char *extra);

#ifdef __cplusplus
}
#endif

#endif
