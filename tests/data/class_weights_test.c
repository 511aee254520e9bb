/* SPDX-License-Identifier: Apache-2.0
 *
 * class_weights_test.c - weights of classes by text, in batches, and drawing by them: the same for any number of workers, from any
 * place of an epoch.
 */
#include <math.h>
#include <string.h>

#include "fovea/fovea.h"
#include "support/test.h"

enum { COUNT = 600, SIDE = 2, CLASSES = 3 };

/* Class 0 has 9 of 10 samples, class 1 the rest, class 2 none. A pixel tells the sample. */
static fv_dataset *make_dataset(fv_context *context)
{
    static const char *const names[CLASSES] = { "cat", "maine coon", "dog" };
    static uint8_t images[COUNT * SIDE * SIDE];
    static int32_t labels[COUNT];
    fv_dataset *dataset = NULL;
    for (int i = 0; i < COUNT; i++) {
        labels[i] = i % 10 == 9;
        images[i * SIDE * SIDE] = (uint8_t)(i % 256);
        images[i * SIDE * SIDE + 1] = (uint8_t)(i / 256);
    }
    assert_int_equal(fv_dataset_from_arrays(&dataset, context, images, labels, COUNT, (fv_image_shape){ 1, SIDE, SIDE },
                                            CLASSES, names),
                     FV_OK);
    return dataset;
}

static fv_context *make_context(void)
{
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    return context;
}

FV_TEST(class_weights, by_text)
{
    static const struct {
        const char *text;
        double expected[CLASSES];
    } cases[] = {
        { "none", { 1, 1, 1 } },
        { NULL, { 1, 1, 1 } },
        { "auto", { 600.0 / (2 * 540), 600.0 / (2 * 60), 1 } },
        { "dog=2", { 1, 1, 2 } },
        { " cat=0.5, \"maine coon\"=4 ,dog=1e3 ", { 0.5, 4, 1000 } },
    };
    fv_context *context = make_context();
    fv_dataset *dataset = make_dataset(context);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float weights[CLASSES];
        assert_int_equal(fv_class_weights_read(context, dataset, cases[i].text, weights), FV_OK);
        for (int32_t k = 0; k < CLASSES; k++)
            assert_true(weights[k] == (float)cases[i].expected[k]);
    }
    static const struct {
        const char *text, *words;
    } wrong[] = { { "dgo=2", "did you mean 'dog'" }, { "cat", "name=number" },       { "cat=", "no number" },
                  { "cat=-1", "from 1e-6" },         { "cat=0", "from 1e-6" },       { "\"cat=2", "name=number" },
                  { "=2", "name=number" },           { "automatic", "name=number" }, { "cat=2x", "no number" } };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        float weights[CLASSES];
        assert_int_equal(fv_class_weights_read(context, dataset, wrong[i].text, weights), FV_ERR_ARGUMENT);
        if (strstr(fv_context_message(context), wrong[i].words) == NULL)
            fail_msg("%s: %s", wrong[i].text, fv_context_message(context));
        assert_int_equal(fv_class_weights_read(context, NULL, wrong[i].text, NULL), i > 0 ? FV_ERR_ARGUMENT : FV_OK);
    }
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
}

static fv_loader_options options_of(int32_t workers)
{
    return (fv_loader_options){ .batch = 32,
                                .shuffle = true,
                                .seed = 7,
                                .workers = workers,
                                .augment = { .shift = 1 },
                                .preprocess = { .input = { 1, SIDE, SIDE }, .deviation = { 1.0 / 255.0 } } };
}

FV_TEST(class_weights, go_with_batches)
{
    const float weights[CLASSES] = { 0.5f, 3, 1 };
    fv_context *context = make_context();
    fv_dataset *dataset = make_dataset(context);
    fv_loader_options options = options_of(0);
    options.class_weights = weights;
    fv_loader *loader = NULL;
    fv_batch batch;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_OK);
    while (assert_int_equal(fv_loader_next(loader, &batch), FV_OK), batch.n > 0)
        for (int32_t i = 0; i < batch.n; i++)
            assert_true(batch.weights[i] == weights[batch.classes[i]]);
    fv_loader_destroy(loader);
    /* A mixed image has the mean of its shares. */
    fv_augmentation *mixup = NULL;
    assert_int_equal(fv_augmentation_create(&mixup, context, "mixup"), FV_OK);
    options.augment = (fv_augment){ 0 };
    options.augmentation = mixup;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_OK);
    assert_int_equal(fv_loader_next(loader, &batch), FV_OK);
    for (int32_t i = 0; i < batch.n; i++) {
        const float *labels = batch.values + i * CLASSES;
        const double expected = 0.5 * (double)labels[0] + 3 * (double)labels[1] + (double)labels[2];
        assert_true(fabs((double)batch.weights[i] - expected) <= 1e-6); /* rounded once, to 24 bits, below 4 */
    }
    fv_loader_destroy(loader);
    fv_augmentation_destroy(mixup);
    const float wrong[CLASSES] = { 1, 0, 1 };
    options.augmentation = NULL;
    options.class_weights = wrong;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_ERR_ARGUMENT);
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
}

typedef struct epoch {
    int64_t index[COUNT];
    uint64_t number[COUNT];
    float images[COUNT * SIDE * SIDE];
} epoch;

static void draw_epoch(fv_context *context, const fv_dataset *dataset, int32_t workers, int64_t from,
                       const float *weights, epoch *out)
{
    fv_loader_options options = options_of(workers);
    fv_loader *loader = NULL;
    fv_batch batch;
    int64_t at = from;
    options.sample_weights = weights;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_OK);
    fv_loader_start(loader, 3, from);
    while (assert_int_equal(fv_loader_next(loader, &batch), FV_OK), batch.n > 0)
        for (int32_t i = 0; i < batch.n; i++, at++) {
            out->index[at] = fv_loader_index(loader, i);
            out->number[at] = batch.samples[i];
            assert_int_equal(batch.classes[i], fv_dataset_label(dataset, out->index[at]));
            memcpy(out->images + at * SIDE * SIDE, (const float *)batch.images + i * SIDE * SIDE,
                   SIDE * SIDE * sizeof(float));
        }
    assert_int_equal(at, COUNT);
    fv_loader_destroy(loader);
}

/* The rare class is drawn as often as the other: 300 of 600 times, with a deviation of sqrt(600)/2 = 12.2; six of them. Samples come more than
 * once, and then are augmented each by itself. */
FV_TEST(class_weights, draw_samples)
{
    static epoch whole, other;
    static float weights[COUNT];
    fv_context *context = make_context();
    fv_dataset *dataset = make_dataset(context);
    float classes[CLASSES];
    assert_int_equal(fv_class_weights_read(context, dataset, "auto", classes), FV_OK);
    for (int i = 0; i < COUNT; i++)
        weights[i] = classes[fv_dataset_label(dataset, i)];
    draw_epoch(context, dataset, 0, 0, weights, &whole);
    int rare = 0, differ = 0, twice = 0;
    int64_t last[COUNT];
    memset(last, 0xff, sizeof last);
    for (int64_t i = 0; i < COUNT; i++) {
        rare += fv_dataset_label(dataset, whole.index[i]) == 1;
        assert_int_equal(whole.number[i], i);
        const int64_t before = last[whole.index[i]];
        if (before >= 0) {
            twice++;
            differ += memcmp(whole.images + before * SIDE * SIDE, whole.images + i * SIDE * SIDE,
                             SIDE * SIDE * sizeof(float)) != 0;
        }
        last[whole.index[i]] = i;
    }
    assert_in_range(rare, 300 - 73, 300 + 73);
    assert_true(twice > 200 && differ > twice / 2); /* 9 shifts, so 8 of 9 pairs */
    for (int32_t workers = 0; workers <= 3; workers++) {
        const int64_t from = workers * 64;
        other = whole;
        memset(other.images + from * SIDE * SIDE, 0, (size_t)(COUNT - from) * SIDE * SIDE * sizeof(float));
        draw_epoch(context, dataset, workers, from, weights, &other);
        assert_memory_equal(&whole, &other, sizeof whole);
    }
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
}

/* What has no weight never comes, the first and the last included. */
FV_TEST(class_weights, draw_nothing_without_weight)
{
    static epoch drawn;
    static float weights[COUNT];
    fv_context *context = make_context();
    fv_dataset *dataset = make_dataset(context);
    for (int i = 0; i < COUNT; i++)
        weights[i] = i == 100 ? 3 : i == 200 ? 1 : 0;
    draw_epoch(context, dataset, 0, 0, weights, &drawn);
    int first = 0;
    for (int64_t i = 0; i < COUNT; i++) {
        assert_true(drawn.index[i] == 100 || drawn.index[i] == 200);
        first += drawn.index[i] == 100;
    }
    assert_in_range(first, 450 - 64, 450 + 64); /* deviation sqrt(600 * 3/16) = 10.6, six of them */
    fv_loader_options options = options_of(0);
    fv_loader *loader = NULL;
    memset(weights, 0, sizeof weights);
    options.sample_weights = weights;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_ERR_ARGUMENT);
    weights[3] = -1;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_ERR_ARGUMENT);
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
}

FV_TESTS(class_weights, by_text, go_with_batches, draw_samples, draw_nothing_without_weight)
