/* SPDX-License-Identifier: Apache-2.0
 * Trains LeNet-5 on handwritten digits and saves it: cc train_digits.c $(pkg-config --cflags --libs fovea) */
#include "fovea/fovea.h"
#include <stdio.h>

int main(void)
{
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_dataset *train = NULL, *test = NULL;
    fv_trainer *trainer = NULL;
    fv_train_options options = { .epochs = 3, .optimizer = { .momentum = 0.9 }, .schedule = { .warmup = 0.5 } };
    fv_epoch_record epoch;
    fv_status status = fv_context_create(&context, NULL);
    if (status == FV_OK && (status = fv_zoo_build(&graph, context, "lenet5")) == FV_OK)
        status = fv_params_create(&params, graph, FV_F32);
    if (status == FV_OK && (status = fv_dataset_open(&train, context, "mnist-12k", FV_SPLIT_TRAIN)) == FV_OK)
        status = fv_dataset_open(&test, context, "mnist-12k", FV_SPLIT_TEST);
    if (status == FV_OK) {
        fv_params_initialize(params, options.seed);
        options.preprocess = fv_preprocess_fit(graph, train);
        status = fv_trainer_create(&trainer, graph, params, train, test, &options);
    }
    while (status == FV_OK && !fv_trainer_done(trainer)) {
        if ((status = fv_trainer_epoch(trainer, &epoch)) == FV_OK)
            printf("epoch %d: %.2f%% of the test images\n", epoch.epoch, 100 * epoch.test_accuracy);
    }
    if (status == FV_OK)
        status = fv_model_write(context, "digits.safetensors", params, &options.preprocess, NULL);
    if (status != FV_OK)
        fprintf(stderr, "%s: %s\n", fv_status_name(status), context ? fv_context_message(context) : "");
    fv_trainer_destroy(trainer);
    fv_dataset_destroy(test);
    fv_dataset_destroy(train);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return status != FV_OK;
}
