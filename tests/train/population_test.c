/* SPDX-License-Identifier: Apache-2.0
 *
 * population_test.c - batch norm's statistics over a whole data set, by hand, and by the trainer's option.
 */
#include <math.h>
#include <string.h>

#include "support/files.h"
#include "train/small_run.h"

enum { IMAGES = 22, BATCH = 8, PIXELS = SMALL_SIZE * SMALL_SIZE };

/* image -> batch_norm -> dense -> loss. */
static fv_graph *norm_graph(fv_context *context)
{
    fv_graph *graph = NULL;
    fv_value x, loss;
    const fv_input_options input = { .shape = { 1, SMALL_SIZE, SMALL_SIZE } };
    const fv_batch_norm_options norm = { .name = "norm" };
    const fv_dense_options dense = { .units = SMALL_CLASSES };
    assert_int_equal(fv_graph_create(&graph, context, "norms"), FV_OK);
    assert_int_equal(fv_graph_add_input(graph, &input, &x), FV_OK);
    assert_int_equal(fv_graph_add_batch_norm(graph, x, &norm, &x), FV_OK);
    assert_int_equal(fv_graph_add_dense(graph, x, &dense, &x), FV_OK);
    assert_int_equal(fv_graph_add_softmax_cross_entropy(graph, x, NULL, &loss), FV_OK);
    assert_int_equal(fv_graph_finish(graph, x), FV_OK);
    return graph;
}

static double pixel(const fv_dataset *dataset, int64_t image, int p)
{
    return fv_dataset_image(dataset, image)[p] / 255.0;
}

/* The mean over all images; the variances (by m-1) of batches of 8, 8 and 6, weighted by their images. Values are below 1,
 * so float32 errs by a few of its epsilons. */
FV_TEST(population, statistics_are_those_of_the_data_set)
{
    fv_context *context = small_context(2);
    fv_graph *graph = norm_graph(context);
    fv_dataset *dataset = small_dataset(context, IMAGES, 1, SMALL_CLASSES, 1);
    fv_params *params = small_params(graph, FV_F32);
    const fv_preprocess preprocess = { .input = { 1, SMALL_SIZE, SMALL_SIZE }, .classes = SMALL_CLASSES };
    double mean = 0, variance = 0;
    for (int64_t first = 0; first < IMAGES; first += BATCH) {
        const int64_t last = first + BATCH < IMAGES ? first + BATCH : IMAGES;
        const double m = (double)(last - first) * PIXELS;
        double sum = 0, squares = 0;
        for (int64_t i = first; i < last; i++)
            for (int p = 0; p < PIXELS; p++)
                sum += pixel(dataset, i, p);
        for (int64_t i = first; i < last; i++)
            for (int p = 0; p < PIXELS; p++)
                squares += pow(pixel(dataset, i, p) - sum / m, 2);
        mean += sum / PIXELS / IMAGES;
        variance += squares / (m - 1) * (double)(last - first) / IMAGES;
    }
    char before[17], after[17];
    fv_params_hash(params, before);
    if (fv_population_statistics(params, dataset, &preprocess, BATCH) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    fv_params_hash(params, after);
    assert_string_not_equal(before, after);
    const float *stored_mean = fv_params_values(params, fv_params_find(params, "norm.running_mean"));
    const float *stored_variance = fv_params_values(params, fv_params_find(params, "norm.running_var"));
    assert_true(mean > 0.1 && fabs((double)*stored_mean - mean) < 1e-6);
    assert_true(variance > 0.01 && fabs((double)*stored_variance - variance) < 1e-6);
    fv_params_destroy(params);
    fv_dataset_destroy(dataset);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

static void train(fv_context *context, const fv_graph *graph, fv_params *params, const fv_dataset *dataset,
                  bool population)
{
    const fv_train_options options = {
        .epochs = 2,
        .batch = BATCH,
        .preprocess = { .input = { 1, SMALL_SIZE, SMALL_SIZE }, .classes = SMALL_CLASSES },
        .population_statistics = population,
    };
    fv_trainer *trainer = NULL;
    fv_epoch_record record;
    assert_int_equal(fv_trainer_create(&trainer, graph, params, dataset, NULL, &options), FV_OK);
    for (int epoch = 0; epoch < 2; epoch++)
        if (fv_trainer_epoch(trainer, &record) != FV_OK)
            fail_msg("%s", fv_context_message(context));
    char hash[17];
    fv_params_hash(params, hash);
    assert_string_equal(hash, record.weights_hash);
    fv_trainer_destroy(trainer);
}

FV_TEST(population, the_trainer_takes_them_at_the_end)
{
    fv_context *context = small_context(2);
    fv_graph *graph = norm_graph(context);
    fv_dataset *dataset = small_dataset(context, IMAGES, 1, SMALL_CLASSES, 1);
    fv_params *plain = small_params(graph, FV_F32), *asked = small_params(graph, FV_F32);
    const fv_preprocess preprocess = { .input = { 1, SMALL_SIZE, SMALL_SIZE }, .classes = SMALL_CLASSES };
    char expected[17], hash[17];
    train(context, graph, plain, dataset, false);
    train(context, graph, asked, dataset, true);
    fv_params_hash(plain, expected);
    fv_params_hash(asked, hash);
    assert_string_not_equal(hash, expected);
    assert_int_equal(fv_population_statistics(plain, dataset, &preprocess, BATCH), FV_OK);
    fv_params_hash(plain, expected);
    assert_string_equal(hash, expected);
    fv_params_destroy(plain);
    fv_params_destroy(asked);
    fv_dataset_destroy(dataset);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(population, model_files_carry_statistics)
{
    fv_context *context = small_context(1);
    fv_graph *graph = norm_graph(context);
    fv_params *params = small_params(graph, FV_F32);
    fv_model *model = NULL;
    const fv_preprocess preprocess = { .input = { 1, SMALL_SIZE, SMALL_SIZE }, .classes = SMALL_CLASSES };
    char folder[TEST_PATH], path[TEST_PATH], written[17], read[17];
    test_folder_make(folder);
    test_path(path, folder, "norm.safetensors");
    *(float *)fv_params_values(params, fv_params_find(params, "norm.running_var")) = 0.375f;
    assert_int_equal(fv_model_write(context, path, params, &preprocess, NULL), FV_OK);
    if (fv_model_read(&model, context, path) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    fv_params *found = fv_model_params(model);
    assert_true(*(float *)fv_params_values(found, fv_params_find(found, "norm.running_var")) == 0.375f);
    fv_params_hash(params, written);
    fv_params_hash(found, read);
    assert_string_equal(written, read);
    fv_model_destroy(model);
    test_folder_remove(folder);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TEST(population, without_statistics_nothing_happens)
{
    fv_context *context = small_context(1);
    fv_graph *graph = small_graph(context, true);
    fv_dataset *dataset = small_dataset(context, IMAGES, 1, SMALL_CLASSES, 1);
    fv_params *params = small_params(graph, FV_F32);
    const fv_preprocess preprocess = { .input = { 1, SMALL_SIZE, SMALL_SIZE }, .classes = SMALL_CLASSES };
    assert_int_equal(fv_population_statistics(params, dataset, &preprocess, BATCH), FV_OK);
    assert_int_equal(fv_population_statistics(params, dataset, &preprocess, 0), FV_ERR_ARGUMENT);
    fv_params_destroy(params);
    fv_dataset_destroy(dataset);
    fv_graph_destroy(graph);
    fv_context_destroy(context);
}

FV_TESTS(population, statistics_are_those_of_the_data_set, the_trainer_takes_them_at_the_end,
         model_files_carry_statistics, without_statistics_nothing_happens)
