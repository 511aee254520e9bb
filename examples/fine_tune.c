/* SPDX-License-Identifier: Apache-2.0
 * Fine-tunes a trained model for other classes: fine_tune MODEL. Its head is made anew for two classes, digits below five and the others;
 * the convolutions are frozen. cc fine_tune.c $(pkg-config --cflags --libs fovea) */
#include "fovea/fovea.h"
#include <stdio.h>
#include <stdlib.h>

/* The digits of a data set with classes of our own. */
static fv_status relabel(fv_dataset **out, fv_context *context, fv_split split)
{
    fv_dataset *digits = NULL;
    fv_status status = fv_dataset_open(&digits, context, "mnist-12k", split);
    const int64_t count = status == FV_OK ? fv_dataset_count(digits) : 0;
    int32_t *labels = malloc(((size_t)count + 1) * sizeof *labels);
    if (status == FV_OK && labels == NULL)
        status = FV_ERR_MEMORY;
    for (int64_t i = 0; i < count && status == FV_OK; i++)
        labels[i] = fv_dataset_label(digits, i) < 5 ? 0 : 1;
    if (status == FV_OK)
        status = fv_dataset_from_arrays(out, context, fv_dataset_image(digits, 0), labels, count,
                                        fv_dataset_shape(digits), 2, (const char *const[]){ "small", "large" });
    free(labels);
    fv_dataset_destroy(digits);
    return status;
}

int main(int argc, char **argv)
{
    fv_context *context = NULL;
    fv_model *model = NULL;
    fv_weights *weights = NULL;
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_dataset *train = NULL, *test = NULL;
    fv_trainer *trainer = NULL;
    fv_train_options options = { .epochs = 1, .optimizer = { .momentum = 0.9 } };
    fv_epoch_record epoch;
    fv_status status = argc == 2 ? fv_context_create(&context, NULL) : FV_ERR_ARGUMENT;
    if (status == FV_OK && (status = fv_model_read(&model, context, argv[1])) == FV_OK &&
        (status = fv_graph_with_head(&graph, fv_model_graph(model), 2)) == FV_OK &&
        (status = fv_graph_freeze(graph, "conv*")) == FV_OK &&
        (status = fv_params_create(&params, graph, FV_F32)) == FV_OK) {
        fv_params_initialize(params, 1); /* what the file does not fit keeps these values: the head */
        status = fv_weights_open(&weights, context, argv[1]);
    }
    if (status == FV_OK && (status = fv_weights_load(params, weights, NULL)) == FV_OK &&
        (status = relabel(&train, context, FV_SPLIT_TRAIN)) == FV_OK)
        status = relabel(&test, context, FV_SPLIT_TEST);
    if (status == FV_OK) {
        const fv_weights_report report = fv_weights_report_of(weights);
        printf("%d parameters loaded, %d made anew\n", report.counts[FV_WEIGHT_LOADED], report.counts[FV_WEIGHT_HEAD]);
        options.preprocess = *fv_model_preprocess(model);
        options.preprocess.classes = 2;
        options.preprocess.class_names = NULL;
        status = fv_trainer_create(&trainer, graph, params, train, test, &options);
    }
    if (status == FV_OK && (status = fv_trainer_epoch(trainer, &epoch)) == FV_OK)
        printf("%.1f%% of the test images are right\n", 100 * epoch.test_accuracy);
    if (status != FV_OK)
        fprintf(stderr, "%s: %s\n", fv_status_name(status), context ? fv_context_message(context) : "give a model");
    fv_trainer_destroy(trainer);
    fv_dataset_destroy(test);
    fv_dataset_destroy(train);
    fv_weights_close(weights);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_model_destroy(model);
    fv_context_destroy(context);
    return status != FV_OK;
}
