/* SPDX-License-Identifier: Apache-2.0
 *
 * callbacks_test.c - data sets from callbacks: the same batches as the same samples in memory, samples that differ in size, failures, and
 * when the program's state is released.
 */
#include <stdatomic.h>
#include <string.h>

#include "support/graphs.h"
#include "support/test.h"

enum { COUNT = 23, SIDE = 6, CHANNELS = 2, BYTES = SIDE * SIDE * CHANNELS };

typedef struct samples {
    int32_t wrong_label; /* at index 5 */
    int64_t broken;      /* cannot be read; -1: none */
    bool differ;         /* in size */
    int released;
    atomic_int reads;
} samples;

static uint8_t byte_at(int64_t index, int32_t y, int32_t x, int32_t c)
{
    return (uint8_t)(index * 31 + y * 17 + x * 5 + c * 101);
}

static int32_t label(void *user, int64_t index)
{
    const samples *set = user;
    return index == 5 ? set->wrong_label : (int32_t)(index % 3);
}

static fv_status read_sample(void *user, int64_t index, fv_image_shape shape, uint8_t *pixels)
{
    samples *set = user;
    atomic_fetch_add(&set->reads, 1);
    if (index == set->broken)
        return FV_ERR_IO;
    for (int32_t y = 0; y < shape.h; y++)
        for (int32_t x = 0; x < shape.w; x++)
            for (int32_t c = 0; c < shape.c; c++)
                *pixels++ = byte_at(index, y, x, c);
    return FV_OK;
}

static fv_status shape_of(void *user, int64_t index, fv_image_shape *shape)
{
    (void)user;
    *shape = (fv_image_shape){ .c = CHANNELS, .h = SIDE + (int32_t)(index % 2), .w = SIDE };
    return FV_OK;
}

static void release(void *user)
{
    ((samples *)user)->released++;
}

static fv_dataset_callbacks describe(samples *set)
{
    return (fv_dataset_callbacks){ .name = "made",
                                   .count = COUNT,
                                   .classes = 3,
                                   .shape = { CHANNELS, SIDE, SIDE },
                                   .user = set,
                                   .label = label,
                                   .read = read_sample,
                                   .sample_shape = set->differ ? shape_of : NULL,
                                   .release = release };
}

static fv_dataset *in_memory(fv_context *context)
{
    static uint8_t images[COUNT][CHANNELS][SIDE][SIDE];
    int32_t labels[COUNT];
    fv_dataset *dataset = NULL;
    for (int64_t i = 0; i < COUNT; i++) {
        labels[i] = (int32_t)(i % 3);
        for (int32_t at = 0; at < BYTES; at++) {
            const int32_t c = at / (SIDE * SIDE), y = at / SIDE % SIDE, x = at % SIDE;
            images[i][c][y][x] = byte_at(i, y, x, c);
        }
    }
    assert_int_equal(fv_dataset_from_arrays(&dataset, context, &images[0][0][0][0], labels, COUNT,
                                            (fv_image_shape){ CHANNELS, SIDE, SIDE }, 3, NULL),
                     FV_OK);
    return dataset;
}

FV_TEST(callbacks, batches_are_those_of_the_same_samples_in_memory)
{
    samples set = { .wrong_label = 2, .broken = -1 };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, test_threads(3));
    const fv_dataset_callbacks callbacks = describe(&set);
    fv_dataset *made = NULL, *kept = in_memory(context);
    fv_loader *loader[2];
    double mean[2][4], deviation[2][4];
    assert_int_equal(fv_dataset_from_callbacks(&made, context, &callbacks), FV_OK);
    assert_int_equal(fv_dataset_count(made), COUNT);
    assert_int_equal(fv_dataset_label(made, 4), 1);
    fv_dataset_statistics(made, mean[0], deviation[0]);
    fv_dataset_statistics(kept, mean[1], deviation[1]);
    for (int32_t c = 0; c < CHANNELS; c++) /* fewer than 256 samples: all are measured */
        assert_true(mean[0][c] == mean[1][c] && deviation[0][c] == deviation[1][c] && deviation[0][c] > 0);
    const fv_loader_options options = { .batch = 5,
                                        .shuffle = true,
                                        .seed = 2,
                                        .workers = test_threads(2) - 1,
                                        .preprocess = { .input = { CHANNELS, SIDE, SIDE }, .classes = 3 } };
    assert_int_equal(fv_loader_create(&loader[0], context, made, &options), FV_OK);
    assert_int_equal(fv_loader_create(&loader[1], context, kept, &options), FV_OK);
    fv_loader_start(loader[0], 1, 0);
    fv_loader_start(loader[1], 1, 0);
    for (int32_t left = COUNT; left > 0; left -= 5) {
        fv_batch a, b;
        assert_int_equal(fv_loader_next(loader[0], &a), FV_OK);
        assert_int_equal(fv_loader_next(loader[1], &b), FV_OK);
        assert_int_equal(a.n, left < 5 ? left : 5);
        assert_memory_equal(a.images, b.images, (size_t)a.n * BYTES * sizeof(float));
        assert_memory_equal(a.classes, b.classes, (size_t)a.n * sizeof(int32_t));
    }
    fv_loader_destroy(loader[0]);
    fv_loader_destroy(loader[1]);
    fv_dataset_destroy(made);
    fv_dataset_destroy(kept);
    assert_int_equal(set.released, 1);
    assert_true(set.reads >= 2 * COUNT);
    fv_context_destroy(context);
    assert_int_equal(allocator.live, 0);
}

FV_TEST(callbacks, samples_may_differ_in_size_and_fail)
{
    samples set = { .wrong_label = 2, .broken = 7, .differ = true };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    const fv_dataset_callbacks callbacks = describe(&set);
    fv_dataset *dataset = NULL;
    fv_reader *reader = NULL;
    fv_sample sample;
    assert_int_equal(fv_dataset_from_callbacks(&dataset, context, &callbacks), FV_OK);
    assert_int_equal(fv_dataset_shape(dataset).c, 0);
    assert_int_equal(fv_reader_create(&reader, context, dataset), FV_OK);
    assert_int_equal(fv_reader_read(reader, 3, 0, &sample), FV_OK);
    assert_int_equal(sample.shape.h, SIDE + 1);
    assert_int_equal(sample.order, FV_NHWC);
    assert_int_equal(sample.pixels[BYTES], byte_at(3, SIDE, 0, 0)); /* in the last row */
    assert_int_equal(fv_reader_read(reader, 7, 0, &sample), FV_ERR_IO);
    assert_non_null(strstr(fv_reader_message(reader), "'made', sample 7"));
    fv_reader_destroy(reader);
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
}

FV_TEST(callbacks, refused_with_the_state_left_to_the_program)
{
    samples set = { .wrong_label = 3, .broken = -1 };
    test_allocator allocator;
    fv_context *context = test_context(&allocator, 1);
    fv_dataset *dataset = NULL;
    fv_dataset_callbacks callbacks = describe(&set);
    assert_int_equal(fv_dataset_from_callbacks(&dataset, context, &callbacks), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "label 5 is 3"));
    set.wrong_label = 2;
    fv_dataset_callbacks bad[4] = { callbacks, callbacks, callbacks, callbacks };
    bad[0].count = 0;
    bad[1].classes = 0;
    bad[2].read = NULL;
    bad[3].shape.h = 0;
    for (int32_t i = 0; i < 4; i++) {
        assert_int_equal(fv_dataset_from_callbacks(&dataset, context, &bad[i]),
                         i == 3 ? FV_ERR_SHAPE : FV_ERR_ARGUMENT);
        assert_null(dataset);
    }
    fv_status status = FV_ERR_MEMORY;
    const long long live = allocator.live;
    for (long long succeed = 0; status == FV_ERR_MEMORY; succeed++) {
        test_allocator_fail_after(&allocator, succeed);
        status = fv_dataset_from_callbacks(&dataset, context, &callbacks);
        assert_true(status == FV_OK || (allocator.live == live && set.released == 0));
    }
    assert_int_equal(status, FV_OK);
    test_allocator_succeed(&allocator);
    fv_dataset_destroy(dataset);
    assert_int_equal(set.released, 1);
    fv_context_destroy(context);
}

FV_TESTS(callbacks, batches_are_those_of_the_same_samples_in_memory, samples_may_differ_in_size_and_fail,
         refused_with_the_state_left_to_the_program)
