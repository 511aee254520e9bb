/* SPDX-License-Identifier: Apache-2.0
 *
 * crew_test.c - a loader's worker threads: the same batches as without, bad samples, restarts in the middle, and one that hangs.
 */
#include <pthread.h>
#include <string.h>

#include "data/dataset_internal.h"
#include "fovea/loader.h"
#include "support/test.h"

enum { COUNT = 61, SIDE = 5, INPUT = 4, ELEMENTS = INPUT * INPUT };

/* A set whose samples are computed, of differing sizes. */
typedef struct odd_set {
    int64_t bad;   /* cannot be read: all whose index is a multiple of it; 0: none */
    int64_t hangs; /* waits for the gate; -1: none */
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    bool open;
} odd_set;

static fv_status read_odd(const void *state, int64_t index, int32_t shorter, fvi_scratch *scratch, fv_sample *sample)
{
    odd_set *set = (odd_set *)state;
    const int32_t h = SIDE + (int32_t)(index % 3);
    (void)shorter;
    if (set->bad > 0 && index % set->bad == 0)
        return fvi_fail(scratch->context, FV_ERR_FORMAT, "file %d is bad", (int)index);
    pthread_mutex_lock(&set->mutex);
    while (index == set->hangs && !set->open)
        pthread_cond_wait(&set->opened, &set->mutex);
    pthread_mutex_unlock(&set->mutex);
    if (scratch->pixels == NULL) {
        scratch->pixels = fvi_allocate(scratch->context, 64);
        scratch->pixel_bytes = 64;
    }
    for (int32_t i = 0; i < h * SIDE; i++)
        scratch->pixels[i] = (uint8_t)(index * 3 + i);
    *sample = (fv_sample){ .shape = { 1, h, SIDE }, .order = FV_NCHW, .pixels = scratch->pixels };
    return FV_OK;
}

static void name_odd(const void *state, int64_t index, char *text, size_t size)
{
    (void)state;
    snprintf(text, size, "file %d", (int)index);
}

static void destroy_odd(fv_context *context, void *state)
{
    odd_set *set = state;
    pthread_mutex_destroy(&set->mutex);
    pthread_cond_destroy(&set->opened);
    fvi_release(context, set);
}

static const fvi_dataset_type type_odd = {
    .name = "odd", .read = read_odd, .sample_name = name_odd, .destroy = destroy_odd
};

static fv_dataset *make_odd(fv_context *context, int64_t bad, int64_t hangs, odd_set **set)
{
    odd_set *made = fvi_allocate_zeroed(context, 1, sizeof *made);
    fvi_dataset_parts parts = { .type = &type_odd, .state = made, .count = COUNT, .classes = 7 };
    fv_dataset *dataset = NULL;
    assert_non_null(made);
    made->bad = bad;
    made->hangs = hangs;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->opened, NULL);
    parts.labels = fvi_allocate(context, COUNT * sizeof *parts.labels);
    for (int i = 0; i < COUNT; i++)
        parts.labels[i] = i % 7;
    assert_int_equal(fvi_dataset_make(&dataset, context, "odd", &parts), FV_OK);
    if (set != NULL)
        *set = made;
    return dataset;
}

static fv_loader_options options_of(int32_t workers)
{
    return (fv_loader_options){ .batch = 8,
                                .shuffle = true,
                                .seed = 3,
                                .preprocess = { .input = { 1, INPUT, INPUT }, .resize = 5 },
                                .augment = { .shift = 1, .random_crop = true, .flip = true },
                                .workers = workers,
                                .ahead = 1 + workers % 3 };
}

/* Runs epoch `epoch` from a position: images in the order in which they come. */
static int run_epoch(fv_loader *loader, int64_t epoch, int64_t position, float *images, int64_t *indices)
{
    int seen = 0;
    fv_batch batch;
    fv_loader_start(loader, epoch, position);
    while (assert_int_equal(fv_loader_next(loader, &batch), FV_OK), batch.n > 0)
        for (int32_t i = 0; i < batch.n; i++, seen++) {
            indices[seen] = fv_loader_index(loader, i);
            assert_int_equal(batch.classes[i], indices[seen] % 7);
            assert_int_equal(batch.samples[i], indices[seen]);
            memcpy(images + seen * ELEMENTS, (const float *)batch.images + i * ELEMENTS, ELEMENTS * sizeof(float));
        }
    assert_int_equal(fv_loader_position(loader), COUNT);
    return seen;
}

FV_TEST(crew, batches_do_not_depend_on_the_number_of_workers)
{
    static float expected[2][COUNT * ELEMENTS], images[COUNT * ELEMENTS];
    int64_t order[2][COUNT], indices[COUNT];
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = test_threads(2) }), FV_OK);
    fv_dataset *dataset = make_odd(context, 0, -1, NULL);
    for (int32_t workers = 0; workers <= test_threads(4); workers++) {
        const fv_loader_options options = options_of(workers);
        fv_loader *loader = NULL;
        assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_OK);
        for (int epoch = 0; epoch < 2; epoch++) {
            const int seen = run_epoch(loader, epoch, 0, images, indices);
            assert_int_equal(seen, COUNT);
            if (workers == 0) {
                memcpy(expected[epoch], images, sizeof images);
                memcpy(order[epoch], indices, sizeof indices);
            }
            assert_memory_equal(images, expected[epoch], sizeof images);
            assert_memory_equal(indices, order[epoch], sizeof indices);
        }
        /* left in the middle of an epoch, then on from there */
        fv_batch batch;
        fv_loader_start(loader, 1, 0);
        assert_int_equal(fv_loader_next(loader, &batch), FV_OK);
        assert_int_equal(run_epoch(loader, 1, fv_loader_position(loader), images, indices), COUNT - 8);
        assert_memory_equal(images, expected[1] + 8 * ELEMENTS, (COUNT - 8) * ELEMENTS * sizeof(float));
        fv_loader_destroy(loader);
    }
    assert_memory_not_equal(expected[0], expected[1], sizeof images);
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
}

typedef struct heard {
    int count;
    char last[128];
} heard;

static void hear(void *user, fv_log_level level, const char *message)
{
    heard *all = user;
    assert_int_equal(level, FV_LOG_WARNING);
    snprintf(all->last, sizeof all->last, "%s", message);
    all->count++;
}

FV_TEST(crew, bad_samples_are_left_out_or_named)
{
    float images[COUNT * ELEMENTS];
    int64_t indices[COUNT];
    for (int32_t workers = 0; workers <= 2; workers++) {
        heard all = { 0 };
        fv_context *context = NULL;
        assert_int_equal(
            fv_context_create(&context,
                              &(fv_context_options){ .threads = test_threads(2), .log = hear, .log_user = &all }),
            FV_OK);
        fv_dataset *dataset = make_odd(context, 10, -1, NULL); /* 0, 10, ... 60: 7 of 61 */
        fv_loader_options options = options_of(workers);
        fv_loader *loader = NULL;
        fv_batch batch;
        fv_status status = FV_OK;
        assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_OK);
        for (batch.n = 1; status == FV_OK && batch.n > 0;)
            status = fv_loader_next(loader, &batch);
        assert_int_equal(status, FV_ERR_FORMAT);
        assert_non_null(strstr(fv_loader_message(loader), "0 is bad"));
        assert_int_equal(all.count, 0);
        fv_loader_destroy(loader);
        options.skip_bad = true;
        assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_OK);
        assert_int_equal(run_epoch(loader, 0, 0, images, indices), COUNT - 7);
        for (int i = 0; i < COUNT - 7; i++)
            assert_true(indices[i] % 10 != 0);
        assert_int_equal(fv_loader_skipped(loader), 7);
        assert_int_equal(all.count, 7);
        assert_non_null(strstr(all.last, "left out: file "));
        fv_loader_destroy(loader);
        fv_dataset_destroy(dataset);
        fv_context_destroy(context);
    }
}

/* A batch of nothing but bad samples is passed over. */
FV_TEST(crew, whole_batches_may_be_bad)
{
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    fv_dataset *dataset = make_odd(context, 1, -1, NULL);
    fv_loader_options options = options_of(test_threads(2) - 1);
    options.skip_bad = true;
    fv_loader *loader = NULL;
    fv_batch batch;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_OK);
    assert_int_equal(fv_loader_next(loader, &batch), FV_OK);
    assert_int_equal(batch.n, 0);
    assert_int_equal(fv_loader_skipped(loader), COUNT);
    fv_loader_destroy(loader);
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
}

FV_TEST(crew, a_worker_that_hangs_is_named_and_left)
{
    if (test_threads(2) < 2)
        test_skip("one thread only");
    fv_context *context = NULL;
    odd_set *set = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    fv_dataset *dataset = make_odd(context, 0, 17, &set);
    fv_loader_options options = options_of(2);
    options.shuffle = false;
    options.patience = 2; /* long enough for a machine that is busy elsewhere */
    fv_loader *loader = NULL;
    fv_batch batch = { .n = 1 };
    fv_status status = FV_OK;
    int batches = 0;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_OK);
    for (; status == FV_OK && batch.n > 0; batches++)
        status = fv_loader_next(loader, &batch);
    assert_int_equal(status, FV_ERR_IO);
    assert_int_equal(batches, 3); /* sample 17 is in the third */
    assert_non_null(strstr(fv_loader_message(loader), "worker "));
    assert_non_null(strstr(fv_loader_message(loader), "of 2 has been reading 'file 17' for"));
    fv_loader_start(loader, 0, 0);
    assert_int_equal(fv_loader_next(loader, &batch), FV_ERR_IO); /* and stays so */
    fvi_dataset_retain(dataset);                                 /* set is needed to let the worker go */
    fv_loader_destroy(loader);                                   /* returns, though the worker does not */
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
    pthread_mutex_lock(&set->mutex);
    set->open = true; /* it comes back to its data, and frees them */
    pthread_cond_broadcast(&set->opened);
    pthread_mutex_unlock(&set->mutex);
    fvi_dataset_release(dataset);
}

FV_TEST(crew, bad_options_are_refused)
{
    fv_context *context = NULL;
    fv_loader *loader = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    fv_dataset *dataset = make_odd(context, 0, -1, NULL);
    fv_loader_options options = options_of(-1);
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_ERR_ARGUMENT);
    options = options_of(257);
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_ERR_ARGUMENT);
    options = options_of(1);
    options.ahead = -1;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_ERR_ARGUMENT);
    assert_null(loader);
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
}

FV_TESTS(crew, batches_do_not_depend_on_the_number_of_workers, bad_samples_are_left_out_or_named,
         whole_batches_may_be_bad, a_worker_that_hangs_is_named_and_left, bad_options_are_refused)
