/* SPDX-License-Identifier: Apache-2.0
 * Trains on images that lie in memory, with a network written in C: which way do the stripes run?
 *   cc train_arrays.c $(pkg-config --cflags --libs fovea) */
#include "fovea/fovea.h"
#include <stdio.h>

enum { IMAGES = 600, SIDE = 12, CLASSES = 2 };

static uint8_t images[IMAGES][SIDE][SIDE]; /* one channel */
static int32_t labels[IMAGES];

static void draw_stripes(void)
{
    for (int i = 0; i < IMAGES; i++) {
        const int width = 1 + i % 3, shift = i / 6;
        labels[i] = i % CLASSES;
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                images[i][y][x] = (((labels[i] == 0 ? y : x) + shift) / width) % 2 ? 200 : 30;
    }
}

static fv_status build(fv_graph **graph, fv_context *context)
{
    const fv_input_options input = { .shape = { 1, SIDE, SIDE } };
    const fv_conv2d_options conv = { .filters = 8, .kernel = { 3, 3 } };
    const fv_dense_options dense = { .units = CLASSES };
    fv_value x, scores, loss;
    fv_status status = fv_graph_create(graph, context, "stripes");
    if (status == FV_OK && (status = fv_graph_add_input(*graph, &input, &x)) == FV_OK &&
        (status = fv_graph_add_conv2d(*graph, x, &conv, &x)) == FV_OK &&
        (status = fv_graph_add_relu(*graph, x, &x)) == FV_OK &&
        (status = fv_graph_add_global_average_pool(*graph, x, &x)) == FV_OK &&
        (status = fv_graph_add_dense(*graph, x, &dense, &scores)) == FV_OK &&
        (status = fv_graph_add_softmax_cross_entropy(*graph, scores, NULL, &loss)) == FV_OK)
        status = fv_graph_finish(*graph, scores);
    return status;
}

int main(void)
{
    static const char *const names[CLASSES] = { "across", "down" };
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_dataset *data = NULL;
    fv_trainer *trainer = NULL;
    fv_train_options options = { .epochs = 5, .batch = 20, .optimizer = { .momentum = 0.9 } };
    fv_epoch_record epoch = { 0 };
    draw_stripes();
    fv_status status = fv_context_create(&context, NULL);
    if (status == FV_OK && (status = build(&graph, context)) == FV_OK)
        status = fv_params_create(&params, graph, FV_F32);
    if (status == FV_OK)
        status = fv_dataset_from_arrays(&data, context, &images[0][0][0], labels, IMAGES,
                                        (fv_image_shape){ .c = 1, .h = SIDE, .w = SIDE }, CLASSES, names);
    if (status == FV_OK) {
        fv_params_initialize(params, options.seed);
        options.preprocess = fv_preprocess_fit(graph, data);
        status = fv_trainer_create(&trainer, graph, params, data, NULL, &options);
    }
    while (status == FV_OK && !fv_trainer_done(trainer))
        status = fv_trainer_epoch(trainer, &epoch);
    if (status == FV_OK)
        printf("%.1f%% of the training images are right\n", 100 * epoch.train_accuracy);
    else
        fprintf(stderr, "%s: %s\n", fv_status_name(status), context ? fv_context_message(context) : "");
    fv_trainer_destroy(trainer);
    fv_dataset_destroy(data);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return status != FV_OK;
}
