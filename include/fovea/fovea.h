/* SPDX-License-Identifier: Apache-2.0
 *
 * fovea.h - everything. A program that trains a network (examples/train_digits.c):
 *
 *   #include "fovea/fovea.h"
 *   #include <stdio.h>
 *
 *   int main(void)
 *   {
 *       fv_context *context = NULL;
 *       fv_graph *graph = NULL;
 *       fv_params *params = NULL;
 *       fv_dataset *train = NULL, *test = NULL;
 *       fv_trainer *trainer = NULL;
 *       fv_train_options options = { .epochs = 3, .optimizer = { .momentum = 0.9 }, .schedule = { .warmup = 0.5 } };
 *       fv_epoch_record epoch;
 *       fv_status status = fv_context_create(&context, NULL);
 *       if (status == FV_OK && (status = fv_zoo_build(&graph, context, "lenet5")) == FV_OK)
 *           status = fv_params_create(&params, graph, FV_F32);
 *       if (status == FV_OK && (status = fv_dataset_open(&train, context, "mnist-12k", FV_SPLIT_TRAIN)) == FV_OK)
 *           status = fv_dataset_open(&test, context, "mnist-12k", FV_SPLIT_TEST);
 *       if (status == FV_OK) {
 *           fv_params_initialize(params, options.seed);
 *           options.preprocess = fv_preprocess_fit(graph, train);
 *           status = fv_trainer_create(&trainer, graph, params, train, test, &options);
 *       }
 *       while (status == FV_OK && !fv_trainer_done(trainer)) {
 *           if ((status = fv_trainer_epoch(trainer, &epoch)) == FV_OK)
 *               printf("epoch %d: %.2f%% of the test images\n", epoch.epoch, 100 * epoch.test_accuracy);
 *       }
 *       if (status == FV_OK)
 *           status = fv_model_write(context, "digits.safetensors", params, &options.preprocess, NULL);
 *       if (status != FV_OK)
 *           fprintf(stderr, "%s: %s\n", fv_status_name(status), context ? fv_context_message(context) : "");
 *       fv_trainer_destroy(trainer);
 *       fv_dataset_destroy(test);
 *       fv_dataset_destroy(train);
 *       fv_params_destroy(params);
 *       fv_graph_destroy(graph);
 *       fv_context_destroy(context);
 *       return status != FV_OK;
 *   }
 *
 * Headers in the order of the data path; every function says what it does, whose memory it is and how it can fail.
 */
#ifndef FOVEA_H
#define FOVEA_H

#include "fovea/augment.h"
#include "fovea/batch.h"
#include "fovea/bench.h"
#include "fovea/c_source.h"
#include "fovea/checkpoint.h"
#include "fovea/compare.h"
#include "fovea/config.h"
#include "fovea/context.h"
#include "fovea/corrupt.h"
#include "fovea/custom_layer.h"
#include "fovea/data_check.h"
#include "fovea/data_get.h"
#include "fovea/data_pack.h"
#include "fovea/data_split.h"
#include "fovea/dataset.h"
#include "fovea/derive.h"
#include "fovea/events.h"
#include "fovea/experiment.h"
#include "fovea/gradcheck.h"
#include "fovea/graph.h"
#include "fovea/image.h"
#include "fovea/inference_form.h"
#include "fovea/loader.h"
#include "fovea/lsuv.h"
#include "fovea/model.h"
#include "fovea/network.h"
#include "fovea/onnx.h"
#include "fovea/optimizer.h"
#include "fovea/params.h"
#include "fovea/plan.h"
#include "fovea/predictor.h"
#include "fovea/quantize.h"
#include "fovea/rate_test.h"
#include "fovea/report.h"
#include "fovea/schedule.h"
#include "fovea/self_test.h"
#include "fovea/session.h"
#include "fovea/status.h"
#include "fovea/tensor.h"
#include "fovea/text.h"
#include "fovea/trainer.h"
#include "fovea/tuning.h"
#include "fovea/weights.h"
#include "fovea/zoo.h"

#endif
