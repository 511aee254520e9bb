/* SPDX-License-Identifier: Apache-2.0
 *
 * small_run.h - a network and a data set of a few hundred bytes that can be learned in a moment: 8x8 images whose class is the
 * corner that is bright.
 */
#ifndef SMALL_RUN_H
#define SMALL_RUN_H

#include <stdlib.h>

#include "support/test.h"

#include "base/random.h"
#include "fovea/fovea.h"

enum { SMALL_SIZE = 8, SMALL_CLASSES = 4 };

static inline fv_context *small_context(int32_t threads)
{
    const fv_context_options options = { .threads = threads };
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    return context;
}

/* conv 6@3x3, ReLU, max-pool 2, dense. with_loss: softmax cross-entropy on it. */
static inline fv_graph *small_graph(fv_context *context, bool with_loss)
{
    fv_graph *graph = NULL;
    fv_value x, scores, loss;
    const fv_input_options input = { .shape = { 1, SMALL_SIZE, SMALL_SIZE } };
    const fv_conv2d_options conv = { .filters = 6, .kernel = { 3, 3 }, .padding = FV_PAD_SAME };
    const fv_pool2d_options pool = { .kernel = { 2, 2 } };
    const fv_dense_options dense = { .units = SMALL_CLASSES };
    assert_int_equal(fv_graph_create(&graph, context, "small"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &input, &x), FV_OK);
    assert_int_equal(fv_graph_add_conv2d(graph, x, &conv, &x), FV_OK);
    assert_int_equal(fv_graph_add_relu(graph, x, &x), FV_OK);
    assert_int_equal(fv_graph_add_max_pool2d(graph, x, &pool, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &dense, &scores), FV_OK);
    if (with_loss)
        assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, scores, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, scores), FV_OK);
    return graph;
}

/* count images of c channels: noise below 64, and 200 in the 3x3 corner of the class. */
static inline fv_dataset *small_dataset(fv_context *context, int64_t count, int32_t channels, int32_t classes,
                                        uint64_t seed)
{
    const fv_image_shape shape = { channels, SMALL_SIZE, SMALL_SIZE };
    const size_t pixels = (size_t)channels * SMALL_SIZE * SMALL_SIZE;
    uint8_t *images = malloc((size_t)count * pixels);
    int32_t *labels = malloc((size_t)count * sizeof *labels);
    fv_dataset *dataset = NULL;
    fvi_random random = fvi_random_start(seed, FVI_PURPOSE_TEST, 0);
    for (int64_t i = 0; i < count; i++) {
        uint8_t *image = images + (size_t)i * pixels;
        labels[i] = (int32_t)(i % SMALL_CLASSES);
        for (size_t p = 0; p < pixels; p++)
            image[p] = (uint8_t)fvi_random_below(&random, 64);
        for (int32_t r = 0; r < 3; r++)
            for (int32_t s = 0; s < 3; s++)
                image[(labels[i] / 2 == 0 ? r : SMALL_SIZE - 1 - r) * SMALL_SIZE +
                      (labels[i] % 2 == 0 ? s : SMALL_SIZE - 1 - s)] = 200;
    }
    assert_int_equal(fv_dataset_from_arrays(&dataset, context, images, labels, count, shape, classes, NULL), FV_OK);
    free(images);
    free(labels);
    return dataset;
}

static inline fv_params *small_params(const fv_graph *graph, fv_dtype dtype)
{
    fv_params *params = NULL;
    assert_int_equal(fv_params_create(&params, graph, dtype), FV_OK);
    fv_params_initialize(params, 3);
    return params;
}

#endif
