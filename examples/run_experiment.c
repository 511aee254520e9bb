/* SPDX-License-Identifier: Apache-2.0
 *
 * run_experiment.c - runs an experiment file: run_experiment FILE MODEL [key=value]...
 */
#include "fovea/fovea.h"
#include <stdio.h>

static fv_status run(fv_context *context, fv_config *config, fv_experiment **experiment, const char *model)
{
    fv_epoch_record epoch;
    fv_status status = fv_experiment_open(experiment, context, config);
    if (status == FV_OK)
        status = fv_experiment_start(*experiment);
    while (status == FV_OK && !fv_trainer_done(fv_experiment_trainer(*experiment))) {
        status = fv_trainer_epoch(fv_experiment_trainer(*experiment), &epoch);
        if (status == FV_OK)
            printf("epoch %d: %.2f%% of the test images\n", epoch.epoch, 100 * epoch.test_accuracy);
    }
    return status == FV_OK ? fv_experiment_save(*experiment, model, NULL) : status;
}

int main(int argc, char **argv)
{
    fv_context *context = NULL;
    fv_config *config = NULL;
    fv_experiment *experiment = NULL;
    if (argc < 3) {
        fprintf(stderr, "usage: run_experiment FILE MODEL [key=value]...\n");
        return 2;
    }
    fv_status status = fv_context_create(&context, NULL);
    if (status == FV_OK && (status = fv_config_create(&config, context)) == FV_OK)
        status = fv_config_read_yaml(config, argv[1]);
    for (int i = 3; i < argc && status == FV_OK; i++)
        status = fv_config_set(config, argv[i]);
    if (status == FV_OK)
        status = run(context, config, &experiment, argv[2]);
    if (status != FV_OK)
        fprintf(stderr, "%s: %s\n", fv_status_name(status), context ? fv_context_message(context) : "");
    fv_experiment_destroy(experiment);
    fv_config_destroy(config);
    fv_context_destroy(context);
    return status != FV_OK;
}
