/* SPDX-License-Identifier: Apache-2.0
 *
 * trainer_events_test.c - what a run tells TensorBoard: figures, histograms and images at the right steps; a run that was stopped tells what
 * the run that never stopped tells; weights do not depend on it.
 */
#include "fovea/events.h"
#include "support/events.h"
#include "train/stopped_run.h"

static char folder[TEST_PATH];
static test_event whole[TEST_MOST_EVENTS], parts[TEST_MOST_EVENTS];

static void keep(run *r, int64_t every, bool no_distributions)
{
    const fv_events_options options = { .folder = folder, .every_steps = every, .no_distributions = no_distributions };
    if (fv_trainer_keep_events(r->trainer, &options) != FV_OK)
        fail_msg("%s", fv_trainer_message(r->trainer));
}

static const test_event *find(const test_event *events, int count, const char *tag, int64_t step)
{
    for (int i = 0; i < count; i++)
        if (events[i].field > 0 && events[i].step == step && strcmp(events[i].tag, tag) == 0)
            return &events[i];
    fail_msg("nothing is told of '%s' at step %lld", tag, (long long)step);
    return NULL;
}

static int tags(const test_event *events, int count, const char *tag)
{
    int found = 0;
    for (int i = 0; i < count; i++)
        found += events[i].field > 0 && strcmp(events[i].tag, tag) == 0;
    return found;
}

static void expect_near(double told, double value)
{
    assert_true(told == (double)(float)value);
}

/* blocks 1: gradients are handed over in parts; 2: all are there. */
static void tell_whole_run(int32_t blocks)
{
    run r;
    const fv_epoch_record *records = NULL;
    test_folder_make(folder);
    begin(&r, 1, 6);
    r.options.blocks = blocks;
    make_trainer(&r);
    keep(&r, 2, false);
    assert_int_equal(go(&r), FV_OK);
    const int32_t epochs = fv_trainer_records(r.trainer, &records), params = fv_params_count(r.params);
    const int count = test_events_read(folder, whole);
    for (int32_t i = 0; i < epochs; i++) {
        const int64_t step = (i + 1) * STEPS;
        expect_near(find(whole, count, "loss/train", step)->number, records[i].train_loss);
        expect_near(find(whole, count, "accuracy/train", step)->number, records[i].train_accuracy);
        expect_near(find(whole, count, "loss/test", step)->number, records[i].test_loss);
        expect_near(find(whole, count, "accuracy/test", step)->number, records[i].test_accuracy);
        expect_near(find(whole, count, "optimizer/gradient_norm_mean", step)->number, records[i].gradient_norm);
        for (int32_t p = 0; p < params; p++) {
            char tag[128];
            const fv_param_info info = fv_params_info(r.params, p);
            snprintf(tag, sizeof tag, "values/%s", info.name);
            assert_true(find(whole, count, tag, step)->count == (double)info.elements);
            snprintf(tag, sizeof tag, "gradients/%s", info.name);
            if (info.trained)
                assert_true(find(whole, count, tag, step)->count == (double)info.elements);
            assert_int_equal(tags(whole, count, tag), info.trained ? EPOCHS : 0);
        }
    }
    assert_int_equal(tags(whole, count, "loss/step"), EPOCHS * STEPS / 2);
    assert_int_equal(tags(whole, count, "optimizer/learning_rate"), EPOCHS * STEPS / 2);
    assert_true(find(whole, count, "optimizer/gradient_norm", 2)->number > 0);
    const bool pictures = tags(whole, count, "images/first_batch") > 0;
    assert_int_equal(tags(whole, count, "images/first_batch"), pictures ? 1 : 0);
    assert_int_equal(tags(whole, count, "images/first_filters"), pictures ? EPOCHS : 0);
    end(&r);
    test_folder_remove(folder);
}

FV_TEST(trainer_events, figures_histograms_and_images)
{
    tell_whole_run(1);
    tell_whole_run(2);
}

/* The gradient's own numbers, of the last step of an epoch, with a plain rule: the step is rate * gradient. */
FV_TEST(trainer_events, gradients_are_those_of_the_last_step)
{
    run r;
    test_folder_make(folder);
    begin(&r, 1, 6);
    r.options.epochs = 1;
    r.options.batch = IMAGES; /* one step */
    r.options.optimizer = (fv_optimizer_options){ 0 };
    r.options.schedule = (fv_schedule_options){ .kind = FV_SCHEDULE_CONSTANT, .rate = 1 };
    make_trainer(&r);
    const int32_t weight = fv_params_find(r.params, "dense1.weight");
    const fv_param_info info = fv_params_info(r.params, weight);
    float *before = malloc((size_t)info.elements * sizeof *before);
    const float *values = fv_params_values(r.params, weight);
    assert_non_null(before);
    memcpy(before, values, (size_t)info.elements * sizeof *before);
    keep(&r, 1, false);
    assert_int_equal(go(&r), FV_OK);
    double least = 0, most = 0, size = 0;
    for (int64_t i = 0; i < info.elements; i++) {
        const double gradient = (double)before[i] - (double)values[i];
        least = gradient < least ? gradient : least;
        most = gradient > most ? gradient : most;
        size = (double)before[i] > size ? (double)before[i] : -(double)before[i] > size ? -(double)before[i] : size;
    }
    const int count = test_events_read(folder, whole);
    const test_event *told = find(whole, count, "gradients/dense1.weight", 1);
    const double rounding = (size + most - least) * 1.2e-7; /* of the sum weight - gradient, in float */
    assert_true(most > 0 && least < 0);
    assert_true(told->least > least - rounding && told->least < least + rounding);
    assert_true(told->most > most - rounding && told->most < most + rounding);
    free(before);
    end(&r);
    test_folder_remove(folder);
}

FV_TEST(trainer_events, figures_alone)
{
    run r;
    test_folder_make(folder);
    begin(&r, 1, 6);
    make_trainer(&r);
    keep(&r, 0, true);
    assert_int_equal(go(&r), FV_OK);
    const int count = test_events_read(folder, whole);
    for (int i = 0; i < count; i++)
        assert_true(whole[i].field <= 2);
    assert_int_equal(tags(whole, count, "loss/step"), 1); /* step 10 of 15 */
    end(&r);
    test_folder_remove(folder);
}

/* Steps behind the checkpoint were told, and are lost: they are told again, once. */
FV_TEST(trainer_events, a_stopped_run_tells_the_same)
{
    run r;
    char saved[TEST_PATH], hash[17], again[17];
    test_folder_make(folder);
    begin(&r, 1, 6);
    make_trainer(&r);
    assert_int_equal(go(&r), FV_OK);
    fv_params_hash(r.params, hash); /* of a run that tells nothing */
    end(&r);
    begin(&r, 1, 6);
    make_trainer(&r);
    keep(&r, 1, false);
    assert_int_equal(go(&r), FV_OK);
    fv_params_hash(r.params, again);
    assert_string_equal(hash, again);
    end(&r);
    const int count = test_events_read(folder, whole);
    test_folder_remove(folder);
    for (int64_t steps = 1; steps < EPOCHS * STEPS; steps += 3) {
        test_folder_make(folder);
        test_path(saved, folder, "state.safetensors");
        begin(&r, 1, 6);
        make_trainer(&r);
        keep(&r, 1, false);
        r.stop_after = steps;
        assert_int_equal(go(&r), FV_ERR_INTERRUPTED);
        assert_int_equal(fv_trainer_save(r.trainer, saved, NULL), FV_OK);
        r.stop_after = r.steps + 2; /* a little further, as one that is killed */
        assert_int_equal(go(&r), FV_ERR_INTERRUPTED);
        end(&r);
        begin(&r, 1, 6);
        make_trainer(&r);
        assert_int_equal(fv_trainer_restore(r.trainer, saved), FV_OK);
        keep(&r, 1, false);
        assert_int_equal(go(&r), FV_OK);
        end(&r);
        const int told = test_events_read(folder, parts);
        int at = 0;
        for (int i = 0; i < told; i++) {
            if (parts[i].field <= 0)
                continue;
            while (at < count && whole[at].field <= 0)
                at++;
            assert_true(at < count && whole[at].step == parts[i].step);
            assert_string_equal(whole[at].tag, parts[i].tag);
            if (strncmp(whole[at].tag, "speed/", 6) != 0)
                assert_memory_equal(&whole[at].number, &parts[i].number, 4 * sizeof(double));
            at++;
        }
        assert_int_equal(at, count);
        test_folder_remove(folder);
    }
}

FV_TEST(trainer_events, what_cannot_be_written_is_told_once)
{
    run r;
    test_folder_make(folder);
    begin(&r, 1, 6);
    make_trainer(&r);
    assert_int_equal(fv_trainer_keep_events(r.trainer, &(fv_events_options){ 0 }), FV_ERR_ARGUMENT);
    assert_int_equal(fv_trainer_keep_events(r.trainer, &(fv_events_options){ .folder = "no/such" }), FV_ERR_IO);
    assert_non_null(strstr(fv_trainer_message(r.trainer), "no/such"));
    assert_int_equal(go(&r), FV_OK);
    assert_int_equal(r.warnings, 0);
    end(&r);
    test_folder_remove(folder);
}

FV_TESTS(trainer_events, figures_histograms_and_images, gradients_are_those_of_the_last_step, figures_alone,
         a_stopped_run_tells_the_same, what_cannot_be_written_is_told_once)
