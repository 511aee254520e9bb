/* SPDX-License-Identifier: Apache-2.0
 *
 * rate_test_test.c - the learning rate range test: rates, a number within the range that trains, the network untouched, the same for any threads.
 */
#include <math.h>
#include <string.h>

#include "support/allocator.h"
#include "train/small_run.h"

typedef struct fixture {
    test_allocator allocator;
    fv_context *context;
    fv_graph *graph;
    fv_params *params;
    fv_dataset *data;
    fv_train_options options;
} fixture;

static void begin(fixture *f, int32_t threads)
{
    memset(f, 0, sizeof *f);
    test_allocator_reset(&f->allocator);
    const fv_context_options options = { .threads = threads, .allocator = test_allocator_callbacks(&f->allocator) };
    assert_int_equal(fv_context_create(&f->context, &options), FV_OK);
    f->graph = small_graph(f->context, true);
    f->params = small_params(f->graph, FV_F32);
    f->data = small_dataset(f->context, 100, 1, SMALL_CLASSES, 1);
    f->options = (fv_train_options){
        .batch = 16, .seed = 5, .optimizer = { .momentum = 0.9 }, .preprocess = fv_preprocess_fit(f->graph, f->data)
    };
}

static void end(fixture *f)
{
    fv_dataset_destroy(f->data);
    fv_params_destroy(f->params);
    fv_graph_destroy(f->graph);
    fv_context_destroy(f->context);
    assert_int_equal(f->allocator.live, 0);
}

/* Rates rise by one factor; the loss falls somewhere, then blows up, for half of the labels are wrong, so that it is never 0; the parameters are
 * those of before. */
FV_TEST(rate_test, finds_a_rate)
{
    fixture f;
    fv_rate_test test;
    char before[17], after[17];
    fv_dataset *noisy = NULL;
    begin(&f, 1);
    assert_int_equal(fv_dataset_derive(&noisy, f.context, f.data, &(fv_derive_options){ .label_noise = 0.5 }), FV_OK);
    fv_params_hash(f.params, before);
    const fv_rate_test_options wanted = { .low = 1e-4, .high = 1e5, .steps = 90 };
    assert_int_equal(fv_rate_test_run(&test, f.params, noisy, &f.options, &wanted), FV_OK);
    fv_params_hash(f.params, after);
    assert_string_equal(before, after);
    assert_true(test.diverged && test.count >= 10 && test.count < 90);
    const double factor = pow(1e9, 1.0 / 89);
    for (int32_t i = 0; i < test.count; i++) {
        const double expected = 1e-4 * pow(factor, i);
        assert_true(fabs(test.points[i].rate - expected) <= 1e-12 * expected);
        assert_true(isfinite(test.points[i].loss));
    }
    assert_in_range(test.steepest, 1, test.lowest);
    assert_true(test.rate == test.points[test.lowest].rate / 10);
    assert_true(test.points[test.lowest].smoothed < 0.9 * test.points[4].smoothed);
    /* And it is one to train with: ten epochs at it tell the classes. */
    fv_trainer *trainer = NULL;
    fv_epoch_record record;
    f.options.epochs = 10;
    f.options.schedule.rate = test.rate;
    assert_int_equal(fv_trainer_create(&trainer, f.graph, f.params, f.data, f.data, &f.options), FV_OK);
    while (!fv_trainer_done(trainer))
        assert_int_equal(fv_trainer_epoch(trainer, &record), FV_OK);
    assert_true(record.test_accuracy > 0.9);
    fv_trainer_destroy(trainer);
    fv_dataset_destroy(noisy);
    fv_rate_test_release(f.context, &test);
    end(&f);
}

/* As blocks too, where sums have another order; more steps than an epoch has batches. */
FV_TEST(rate_test, does_not_depend_on_threads)
{
    static const int32_t blocks[] = { 1, 4 };
    for (size_t b = 0; b < 2; b++) {
        fv_rate_point first[30];
        for (int32_t threads = 1; threads <= test_threads(3); threads++) {
            fixture f;
            fv_rate_test test;
            begin(&f, threads);
            f.options.blocks = blocks[b];
            const fv_rate_test_options wanted = { .low = 1e-4, .high = 0.1, .steps = 30 };
            assert_int_equal(fv_rate_test_run(&test, f.params, f.data, &f.options, &wanted), FV_OK);
            assert_int_equal(test.count, 30);
            assert_false(test.diverged);
            if (threads == 1)
                memcpy(first, test.points, sizeof first);
            assert_memory_equal(first, test.points, sizeof first);
            fv_rate_test_release(f.context, &test);
            end(&f);
        }
    }
}

FV_TEST(rate_test, refuses_what_makes_no_sense)
{
    static const fv_rate_test_options wrong[] = {
        { .low = 1, .high = 0.1 }, { .low = -1 }, { .steps = 5 }, { .give_up = 0.5 }, { .high = 1e9 }
    };
    fixture f;
    fv_rate_test test;
    begin(&f, 1);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(fv_rate_test_run(&test, f.params, f.data, &f.options, &wrong[i]), FV_ERR_ARGUMENT);
    const fv_rate_test_options high = { .low = 1e5, .high = 1e6, .steps = 20 };
    const fv_status status = fv_rate_test_run(&test, f.params, f.data, &f.options, &high);
    assert_true(status == FV_OK || status == FV_ERR_NUMERIC);
    fv_rate_test_release(f.context, &test);
    for (long long k = 0; k < 200; k += 7) { /* failing allocations leave nothing behind */
        test_allocator_fail_after(&f.allocator, k);
        const fv_status made = fv_rate_test_run(&test, f.params, f.data, &f.options, NULL);
        test_allocator_succeed(&f.allocator);
        fv_rate_test_release(f.context, &test);
        if (made == FV_OK)
            break;
        assert_int_equal(made, FV_ERR_MEMORY);
    }
    end(&f);
}

FV_TESTS(rate_test, finds_a_rate, does_not_depend_on_threads, refuses_what_makes_no_sense)
