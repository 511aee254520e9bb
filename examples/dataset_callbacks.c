/* SPDX-License-Identifier: Apache-2.0
 * Trains on samples that the program gives when they are asked for, here drawn: discs and squares of any size, 2,000 of them, of
 * which none is ever kept. cc dataset_callbacks.c $(pkg-config --cflags --libs fovea) */
#include "fovea/fovea.h"
#include <stdio.h>

enum { SAMPLES = 2000, SIDE = 28 };

static int32_t label(void *user, int64_t index)
{
    (void)user;
    return (int32_t)(index % 2);
}

/* Called from several threads at once: all that it knows is the index. */
static fv_status draw(void *user, int64_t index, fv_image_shape shape, uint8_t *pixels)
{
    const int32_t radius = 5 + (int32_t)(index / 2 % 6), row = 10 + (int32_t)(index / 12 % 8),
                  column = 10 + (int32_t)(index / 96 % 8);
    for (int32_t y = 0; y < shape.h; y++)
        for (int32_t x = 0; x < shape.w; x++) {
            const int32_t dy = y - row, dx = x - column;
            const bool disc = dy * dy + dx * dx <= radius * radius;
            const bool square = dy >= -radius && dy <= radius && dx >= -radius && dx <= radius;
            *pixels++ = (label(user, index) == 0 ? disc : square) ? 220 : 20;
        }
    return FV_OK;
}

int main(void)
{
    static const char *const names[] = { "disc", "square" };
    const fv_dataset_callbacks shapes = { .name = "shapes",
                                          .count = SAMPLES,
                                          .classes = 2,
                                          .class_names = names,
                                          .shape = { .c = 1, .h = SIDE, .w = SIDE },
                                          .label = label,
                                          .read = draw };
    const fv_zoo_options zoo = { .classes = 2 };
    fv_context *context = NULL;
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_dataset *data = NULL;
    fv_trainer *trainer = NULL;
    fv_train_options options = { .epochs = 2, .optimizer = { .momentum = 0.9 } };
    fv_epoch_record epoch = { 0 };
    fv_status status = fv_context_create(&context, NULL);
    if (status == FV_OK && (status = fv_zoo_build_with(&graph, context, "lenet5", &zoo)) == FV_OK &&
        (status = fv_params_create(&params, graph, FV_F32)) == FV_OK)
        status = fv_dataset_from_callbacks(&data, context, &shapes);
    if (status == FV_OK) {
        fv_params_initialize(params, options.seed);
        options.preprocess = fv_preprocess_fit(graph, data);
        status = fv_trainer_create(&trainer, graph, params, data, NULL, &options);
    }
    while (status == FV_OK && !fv_trainer_done(trainer))
        if ((status = fv_trainer_epoch(trainer, &epoch)) == FV_OK)
            printf("epoch %d: %.1f%% were right\n", epoch.epoch, 100 * epoch.train_accuracy);
    if (status != FV_OK)
        fprintf(stderr, "%s: %s\n", fv_status_name(status), context ? fv_context_message(context) : "");
    fv_trainer_destroy(trainer);
    fv_dataset_destroy(data);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
    return status != FV_OK;
}
