/* SPDX-License-Identifier: Apache-2.0
 *
 * loader_test.c - the order of an epoch, what becomes of pixels, and that nothing depends on batch size or threads.
 */
#include <stdlib.h>
#include <string.h>

#include "fovea/loader.h"
#include "support/allocator.h"
#include "support/test.h"

static fv_context *context;

enum { COUNT = 53, SIDE = 6 };

/* Pixel p of image i is 100 + p, but its first is i + 1. */
static fv_dataset *make_dataset(void)
{
    static uint8_t images[COUNT * SIDE * SIDE];
    static int32_t labels[COUNT];
    for (int i = 0; i < COUNT; i++) {
        labels[i] = i % 10;
        for (int p = 0; p < SIDE * SIDE; p++)
            images[i * SIDE * SIDE + p] = (uint8_t)(100 + p);
        images[i * SIDE * SIDE] = (uint8_t)(i + 1);
    }
    fv_dataset *dataset = NULL;
    assert_int_equal(
        fv_dataset_from_arrays(&dataset, context, images, labels, COUNT, (fv_image_shape){ 1, SIDE, SIDE }, 10, NULL),
        FV_OK);
    return dataset;
}

static fv_loader_options plain_options(int32_t batch, int32_t side)
{
    return (fv_loader_options){ .batch = batch,
                                .preprocess = { .input = { 1, side, side }, .deviation = { 1.0 / 255.0 } } };
}

static void every_sample_comes_once(void **state)
{
    (void)state;
    fv_dataset *dataset = make_dataset();
    fv_loader_options options = plain_options(8, SIDE);
    options.shuffle = true;
    options.seed = 5;
    fv_loader *loader = NULL;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_OK);
    int64_t order[2][COUNT];
    for (int epoch = 0; epoch < 2; epoch++) {
        int seen[COUNT] = { 0 }, total = 0;
        fv_batch batch;
        fv_loader_start(loader, epoch, 0);
        while (assert_int_equal(fv_loader_next(loader, &batch), FV_OK), batch.n > 0)
            for (int32_t i = 0; i < batch.n; i++) {
                const int64_t index = fv_loader_index(loader, i);
                assert_int_equal(batch.classes[i], index % 10);
                assert_true(((const float *)batch.images)[i * SIDE * SIDE] == (float)(index + 1));
                seen[index]++;
                order[epoch][total++] = index;
            }
        assert_int_equal(total, COUNT);
        assert_int_equal(fv_loader_position(loader), COUNT);
        for (int i = 0; i < COUNT; i++)
            assert_int_equal(seen[i], 1);
    }
    assert_memory_not_equal(order[0], order[1], sizeof order[0]);
    /* started in the middle: the same order */
    fv_batch batch;
    fv_loader_start(loader, 0, 20);
    assert_int_equal(fv_loader_next(loader, &batch), FV_OK);
    assert_int_equal(fv_loader_index(loader, 0), order[0][20]);
    assert_int_equal(fv_loader_index(loader, batch.n), -1);
    fv_loader_destroy(loader);
    fv_dataset_destroy(dataset);
}

/* All images of an epoch, in the order of the data set. */
static void load_all(fv_context *on, const fv_dataset *dataset, fv_loader_options options, float *images)
{
    fv_loader *loader = NULL;
    fv_batch batch;
    const size_t elements =
        (size_t)options.preprocess.input.c * (size_t)options.preprocess.input.h * (size_t)options.preprocess.input.w;
    assert_int_equal(fv_loader_create(&loader, on, dataset, &options), FV_OK);
    fv_loader_start(loader, 3, 0);
    while (assert_int_equal(fv_loader_next(loader, &batch), FV_OK), batch.n > 0)
        for (int32_t i = 0; i < batch.n; i++)
            memcpy(images + (size_t)fv_loader_index(loader, i) * elements,
                   (const float *)batch.images + (size_t)i * elements, elements * sizeof(float));
    fv_loader_destroy(loader);
}

static void draws_depend_on_the_sample_only(void **state)
{
    (void)state;
    static float one[COUNT * 16], other[COUNT * 16];
    fv_dataset *dataset = make_dataset();
    fv_loader_options options = plain_options(8, 4);
    options.augment = (fv_augment){ .shift = 2, .random_crop = true, .flip = true };
    options.seed = 9;
    load_all(context, dataset, options, one);
    fv_context *alone = NULL;
    assert_int_equal(fv_context_create(&alone, &(fv_context_options){ .threads = 1 }), FV_OK);
    options.batch = 5;
    options.shuffle = true;
    load_all(alone, dataset, options, other);
    assert_memory_equal(one, other, sizeof one);
    options.seed = 10;
    load_all(alone, dataset, options, other);
    assert_memory_not_equal(one, other, sizeof one);
    fv_context_destroy(alone);
    fv_dataset_destroy(dataset);
}

static void crops_are_centred_and_pads_are_zero(void **state)
{
    (void)state;
    static float images[COUNT * 64];
    fv_dataset *dataset = make_dataset();
    load_all(context, dataset, plain_options(8, 4), images);
    assert_true(images[0] == 100 + 1 * SIDE + 1);
    assert_true(images[15] == 100 + 4 * SIDE + 4);
    load_all(context, dataset, plain_options(8, 8), images);
    assert_true(images[0] == 0 && images[8] == 0 && images[9] == 1 && images[10] == 101);
    assert_true(images[6 * 8 + 6] == 100 + 35 && images[6 * 8 + 7] == 0 && images[63] == 0);
    fv_dataset_destroy(dataset);
}

static void shifts_stay_within_their_limit_and_reach_it(void **state)
{
    (void)state;
    static float images[COUNT * SIDE * SIDE];
    fv_dataset *dataset = make_dataset();
    fv_loader_options options = plain_options(8, SIDE);
    options.augment.shift = 1;
    load_all(context, dataset, options, images);
    int place[3][3] = { { 0 } };
    for (int i = 0; i < COUNT; i++) {
        /* where pixel 114 (row 2, column 2) went */
        int found = -1;
        for (int p = 0; p < SIDE * SIDE; p++)
            if (images[i * SIDE * SIDE + p] == 114)
                found = p;
        const int row = found / SIDE - 2 + 1, column = found % SIDE - 2 + 1;
        assert_true(row >= 0 && row < 3 && column >= 0 && column < 3);
        place[row][column]++;
    }
    for (int p = 0; p < 9;
         p++) /* 53 draws miss one of nine places with probability 9 * (8/9)^53 = 0.02; the seed is fixed */
        assert_true(place[p / 3][p % 3] > 0);
    fv_dataset_destroy(dataset);
}

static void half_are_mirrored(void **state)
{
    (void)state;
    static float images[COUNT * SIDE * SIDE];
    fv_dataset *dataset = make_dataset();
    fv_loader_options options = plain_options(8, SIDE);
    options.augment.flip = true;
    load_all(context, dataset, options, images);
    int mirrored = 0;
    for (int i = 0; i < COUNT; i++) {
        const float *last_row = images + i * SIDE * SIDE + 5 * SIDE;
        const bool turned = last_row[0] == 135;
        assert_true(last_row[turned ? 5 : 0] == 130 && last_row[turned ? 4 : 1] == 131);
        mirrored += turned;
    }
    assert_true(mirrored > 10 && mirrored < 43); /* 26.5 +- 4.5 standard deviations of 3.6 */
    fv_dataset_destroy(dataset);
}

static void channels_are_converted_and_normalised(void **state)
{
    (void)state;
    const uint8_t colour[3] = { 255, 0, 100 }, grey[1] = { 51 };
    float out[3];
    fv_preprocess preprocess = { .input = { 1, 1, 1 }, .mean = { 0.25 }, .deviation = { 0.5 } };
    assert_int_equal(fv_preprocess_image(context, &preprocess, colour, (fv_image_shape){ 3, 1, 1 }, out), FV_OK);
    assert_true(out[0] == (float)((88 / 255.0 - 0.25) / 0.5)); /* 0.299*255 + 0.114*100 = 87.6 */
    preprocess = (fv_preprocess){ .input = { 3, 1, 1 }, .mean = { 0, 0.1, 0.2 } };
    assert_int_equal(fv_preprocess_image(context, &preprocess, grey, (fv_image_shape){ 1, 1, 1 }, out), FV_OK);
    assert_true(out[0] == 0.2f && out[1] == (float)(51 / 255.0 - 0.1) && out[2] == (float)(51 / 255.0 - 0.2));
    assert_int_equal(fv_preprocess_image(context, &preprocess, colour, (fv_image_shape){ 2, 1, 1 }, out), FV_ERR_SHAPE);
    assert_non_null(strstr(fv_context_message(context), "2 channels"));
}

/* All memory is taken at creation: epochs with every transform, short last batches and restarts allocate nothing. */
static void nothing_is_allocated_once_it_runs(void **state)
{
    (void)state;
    test_allocator allocator;
    test_allocator_reset(&allocator);
    fv_context *const shared = context;
    assert_int_equal(
        fv_context_create(&context, &(fv_context_options){ .threads = test_threads(2),
                                                           .allocator = test_allocator_callbacks(&allocator) }),
        FV_OK);
    fv_dataset *dataset = make_dataset();
    fv_loader_options options = plain_options(8, 4);
    options.shuffle = true;
    options.augment = (fv_augment){ .shift = 2, .random_crop = true, .flip = true };
    fv_loader *loader = NULL;
    const long long before = allocator.made;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_OK);
    const long long after = allocator.made;
    assert_true(after > before); /* the count works */
    for (int epoch = 0; epoch < 3; epoch++) {
        fv_batch batch;
        fv_loader_start(loader, epoch, 10 * epoch);
        while (assert_int_equal(fv_loader_next(loader, &batch), FV_OK), batch.n > 0)
            ;
    }
    assert_int_equal(allocator.made, after);
    fv_loader_destroy(loader);
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
    context = shared;
}

static void bad_options_are_refused(void **state)
{
    (void)state;
    fv_dataset *dataset = make_dataset();
    fv_loader *loader = NULL;
    fv_loader_options options = plain_options(0, 6);
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_ERR_ARGUMENT);
    options = plain_options(1, 0);
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_ERR_SHAPE);
    options = plain_options(1, 6);
    options.preprocess.deviation[0] = -1;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_ERR_ARGUMENT);
    options = plain_options(1, 6);
    options.augment.shift = -1;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_ERR_ARGUMENT);
    options = plain_options(1, 6);
    options.preprocess.input.c = 2;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_ERR_SHAPE);
    assert_null(loader);
    fv_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_comes_once),
        cmocka_unit_test(draws_depend_on_the_sample_only),
        cmocka_unit_test(crops_are_centred_and_pads_are_zero),
        cmocka_unit_test(shifts_stay_within_their_limit_and_reach_it),
        cmocka_unit_test(half_are_mirrored),
        cmocka_unit_test(channels_are_converted_and_normalised),
        cmocka_unit_test(nothing_is_allocated_once_it_runs),
        cmocka_unit_test(bad_options_are_refused),
    };
    if (fv_context_create(&context, &(fv_context_options){ .threads = 2 }) != FV_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fv_context_destroy(context);
    return failed;
}
