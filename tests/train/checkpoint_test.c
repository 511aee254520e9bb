/* SPDX-License-Identifier: Apache-2.0
 *
 * checkpoint_test.c - a run that was stopped after any step and gone on with is the run that never stopped: weights and records, bit for
 * bit. Files that are damaged, or of another run, are refused and change nothing.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train/stopped_run.h"

typedef struct outcome {
    char hash[17];
    int32_t epochs;
    fv_epoch_record records[EPOCHS + 1];
} outcome;

static outcome outcome_of(run *r)
{
    const fv_epoch_record *records = NULL;
    outcome result = { 0 };
    fv_params_hash(r->params, result.hash);
    result.epochs = fv_trainer_records(r->trainer, &records);
    assert_int_equal(result.epochs, r->options.epochs);
    memcpy(result.records, records, (size_t)result.epochs * sizeof *records);
    return result;
}

/* All but the times. */
static void expect_same(const outcome *a, const outcome *b)
{
    assert_string_equal(a->hash, b->hash);
    assert_int_equal(a->epochs, b->epochs);
    for (int i = 0; i < a->epochs; i++) {
        assert_int_equal(a->records[i].epoch, i + 1);
        assert_string_equal(a->records[i].weights_hash, b->records[i].weights_hash);
        assert_memory_equal(&a->records[i].train_loss, &b->records[i].train_loss, 4 * sizeof(double));
    }
}

/* What a run is tried with; zeros: those of stopped_run.h. */
typedef struct variant {
    int32_t blocks;
    fv_optimizer_options optimizer;
    fv_schedule_options schedule;
    const char *class_weights, *sampling;
    int32_t patience;
} variant;

static void begin_as(run *r, int32_t threads, const variant *v)
{
    begin(r, threads, 6);
    r->options.blocks = v->blocks;
    r->options.class_weights = v->class_weights;
    r->options.sampling = v->sampling;
    r->options.patience = v->patience;
    if (v->schedule.rate > 0) {
        r->options.optimizer = v->optimizer;
        r->options.schedule = v->schedule;
        r->options.epochs = EPOCHS + 1; /* the plateau falls after the third */
    }
}

static outcome uninterrupted(int32_t threads, const variant *v)
{
    run r;
    begin_as(&r, threads, v);
    make_trainer(&r);
    assert_int_equal(go(&r), FV_OK);
    const outcome result = outcome_of(&r);
    end(&r);
    return result;
}

static void restore_or_fail(run *r, const char *path)
{
    if (fv_trainer_restore(r->trainer, path) != FV_OK)
        fail_msg("%s", fv_trainer_message(r->trainer));
}

static char folder[TEST_PATH], path[TEST_PATH];

static void make_folder(void)
{
    test_folder_make(folder);
    test_path(path, folder, "state.safetensors");
}

/* Stops after `steps` steps, saves, and goes on in another process's place: all is made anew. */
static outcome interrupted(int32_t threads, const variant *v, int64_t steps)
{
    run r;
    begin_as(&r, threads, v);
    make_trainer(&r);
    r.stop_after = steps;
    const fv_status status = go(&r);
    assert_true(status == FV_ERR_INTERRUPTED || status == FV_OK);
    if (fv_trainer_save(r.trainer, path, NULL) != FV_OK)
        fail_msg("%s", fv_trainer_message(r.trainer));
    end(&r);
    begin_as(&r, threads % 4 + 1, v); /* on with another number of threads */
    fv_params_zero(r.params);
    make_trainer(&r);
    restore_or_fail(&r, path);
    assert_int_equal(go(&r), FV_OK);
    const outcome result = outcome_of(&r);
    end(&r);
    return result;
}

FV_TEST(checkpoint, a_run_stopped_after_any_step_ends_the_same)
{
    static const variant variants[] = { { .blocks = 1 },
                                        { .blocks = 4 },
                                        { .blocks = 2, .class_weights = "1=2, 3=0.5", .sampling = "auto" } };
    make_folder();
    for (size_t b = 0; b < sizeof variants / sizeof variants[0]; b++) {
        const outcome whole = uninterrupted(1, &variants[b]);
        for (int64_t steps = 1; steps <= EPOCHS * STEPS; steps++) {
            const outcome parts = interrupted(test_threads(1 + (int32_t)(steps % 4)), &variants[b], steps);
            expect_same(&whole, &parts);
        }
    }
    test_folder_remove(folder);
}

/* Every rule with slots and steps of its own, by every schedule; between them the averages, with the state that plateau keeps: it falls
 * after each epoch that is not ten times better. One stop each, at another step each time, in the middle of an epoch or between two. */
FV_TEST(checkpoint, every_optimizer_goes_on_by_every_schedule)
{
    static const fv_optimizer_options rules[] = {
        { .kind = FV_OPTIMIZER_SGD, .momentum = 0.9, .nesterov = true, .lookahead = 3 },
        { .kind = FV_OPTIMIZER_ADAGRAD },
        { .kind = FV_OPTIMIZER_ADADELTA },
        { .kind = FV_OPTIMIZER_RMSPROP, .momentum = 0.5, .centered = true },
        { .kind = FV_OPTIMIZER_ADAM, .clip_norm = 1 },
        { .kind = FV_OPTIMIZER_ADAMW, .weight_decay = 0.01, .lookahead = 2 },
        { .kind = FV_OPTIMIZER_LARS, .momentum = 0.9 },
        { .kind = FV_OPTIMIZER_LAMB },
        { .kind = FV_OPTIMIZER_MUON },
    };
    static const fv_schedule_options schedules[] = {
        { .kind = FV_SCHEDULE_COSINE, .warmup = 0.5 },
        { .kind = FV_SCHEDULE_CONSTANT },
        { .kind = FV_SCHEDULE_STEP, .every = 1, .per_epoch = true },
        { .kind = FV_SCHEDULE_EXPONENTIAL },
        { .kind = FV_SCHEDULE_POLYNOMIAL, .power = 2 },
        { .kind = FV_SCHEDULE_ONE_CYCLE },
        { .kind = FV_SCHEDULE_RESTARTS, .every = 1.5, .growth = 2 },
        { .kind = FV_SCHEDULE_PIECEWISE, .points = "0:1 1:0.5 3:0.1", .linear = true },
        { .kind = FV_SCHEDULE_PLATEAU, .patience = 1, .threshold = 0.9 },
    };
    enum { RULES = sizeof rules / sizeof rules[0], SCHEDULES = sizeof schedules / sizeof schedules[0] };
    const int64_t all = (EPOCHS + 1) * STEPS;
    make_folder();
    assert_null(fv_optimizer_kind_name((fv_optimizer_kind)RULES)); /* there are no more */
    assert_null(fv_schedule_kind_name((fv_schedule_kind)SCHEDULES));
    for (int64_t i = 0; i < RULES * SCHEDULES; i++) {
        variant v = { .blocks = 1, .optimizer = rules[i / SCHEDULES], .schedule = schedules[i % SCHEDULES] };
        v.schedule.rate = fv_optimizer_kind_rate(v.optimizer.kind);
        v.optimizer.average = (fv_average_kind)(i % 3);
        v.optimizer.average_start = v.optimizer.average == FV_AVERAGE_EQUAL ? 4 : 0;
        v.optimizer.average_every = 1 + (int32_t)(i % 2);
        v.patience = i % 2 == 0 ? 50 : 0; /* then averages take the weights' place between epochs */
        const outcome whole = uninterrupted(1, &v);
        const outcome parts = interrupted(1, &v, 1 + 7 * i % (all - 1));
        expect_same(&whole, &parts);
    }
    test_folder_remove(folder);
}

/* The same trainer: a stop is a pause. */
FV_TEST(checkpoint, going_on_after_a_stop)
{
    run r;
    const outcome whole = uninterrupted(2, &(variant){ .blocks = 1 });
    begin(&r, 2, 6);
    make_trainer(&r);
    for (r.stop_after = 2; go(&r) == FV_ERR_INTERRUPTED;)
        r.stop_after += 3;
    const outcome parts = outcome_of(&r);
    expect_same(&whole, &parts);
    end(&r);
}

/* Stopped while the epoch is measured: all its steps are done. */
FV_TEST(checkpoint, a_stop_in_the_measurement)
{
    make_folder();
    const variant plain = { .blocks = 1 };
    const outcome whole = uninterrupted(1, &plain), parts = interrupted(1, &plain, STEPS);
    expect_same(&whole, &parts);
    test_folder_remove(folder);
}

/* Saved by a run of `options` after 7 steps. */
static void save_after_seven(run *r)
{
    begin(r, 1, 6);
    make_trainer(r);
    r->stop_after = 7;
    assert_int_equal(go(r), FV_ERR_INTERRUPTED);
    assert_int_equal(fv_trainer_save(r->trainer, path, "{\"mine\": 1}"), FV_OK);
}

FV_TEST(checkpoint, a_checkpoint_is_a_model)
{
    run r;
    fv_model *model = NULL;
    fv_file_info info;
    char hash[17];
    make_folder();
    save_after_seven(&r);
    assert_int_equal(fv_model_read(&model, r.context, path), FV_OK);
    fv_params_hash(fv_model_params(model), hash);
    assert_string_equal(fv_model_extra(model), "{\"mine\": 1}");
    assert_int_equal(fv_file_verify(r.context, path, &info), FV_OK);
    assert_int_equal(info.kind, FV_FILE_CHECKPOINT);
    assert_string_equal(info.weights_hash, hash);
    assert_string_equal(info.network, "random");
    assert_int_equal(info.epoch, 1);
    assert_int_equal(info.step, 7);
    assert_int_equal(info.position, 2 * BATCH);
    fv_model_destroy(model);
    end(&r);
    test_folder_remove(folder);
}

/* Restoring the file fails, and nothing has changed. */
static void expect_refusal(run *r, fv_status status, const char *part)
{
    char before[17], after[17];
    make_trainer(r);
    fv_params_hash(r->params, before);
    assert_int_equal(fv_trainer_restore(r->trainer, path), status);
    if (strstr(fv_trainer_message(r->trainer), part) == NULL)
        fail_msg("'%s' is not in: %s", part, fv_trainer_message(r->trainer));
    fv_params_hash(r->params, after);
    assert_string_equal(before, after);
    assert_int_equal(fv_trainer_records(r->trainer, &(const fv_epoch_record *){ NULL }), 0);
    fv_trainer_destroy(r->trainer);
    r->trainer = NULL;
}

FV_TEST(checkpoint, those_of_another_run_are_refused)
{
    run r;
    make_folder();
    save_after_seven(&r);
    end(&r);
    begin(&r, 1, 7);
    expect_refusal(&r, FV_ERR_SHAPE, "of another network, 'random'");
    end(&r);
    begin(&r, 1, 6);
    const fv_train_options good = r.options;
    r.options.batch = 8;
    expect_refusal(&r, FV_ERR_ARGUMENT, "with batch 16; this one has 8");
    r.options = good;
    r.options.seed = 6;
    expect_refusal(&r, FV_ERR_ARGUMENT, "seed 5; this one has 6");
    r.options = good;
    r.options.augment.flip = false;
    expect_refusal(&r, FV_ERR_ARGUMENT, "augment");
    r.options = good;
    r.options.optimizer.momentum = 0.5;
    expect_refusal(&r, FV_ERR_ARGUMENT, "momentum 0.9; this one has 0.5");
    r.options = good;
    fv_dataset_destroy(r.data);
    r.data = small_dataset(r.context, IMAGES, 1, SMALL_CLASSES, 3);
    r.options.preprocess = good.preprocess;
    expect_refusal(&r, FV_ERR_ARGUMENT, "training data hash");
    fv_dataset_destroy(r.data);
    r.data = small_dataset(r.context, IMAGES + 1, 1, SMALL_CLASSES, 1);
    expect_refusal(&r, FV_ERR_ARGUMENT, "training data count 70; this one has 71");
    end(&r);
    test_folder_remove(folder);
}

FV_TEST(checkpoint, more_epochs_go_on)
{
    run r;
    make_folder();
    save_after_seven(&r);
    end(&r);
    begin(&r, 1, 6);
    r.options.epochs = EPOCHS + 2;
    make_trainer(&r);
    restore_or_fail(&r, path);
    assert_int_equal(go(&r), FV_OK);
    assert_int_equal(fv_trainer_records(r.trainer, &(const fv_epoch_record *){ NULL }), EPOCHS + 2);
    end(&r);
    begin(&r, 1, 6);
    r.options.epochs = 1;
    make_trainer(&r);
    restore_or_fail(&r, path);
    assert_true(fv_trainer_done(r.trainer)); /* nothing is left */
    assert_int_equal(fv_trainer_epoch(r.trainer, NULL), FV_ERR_STATE);
    end(&r);
    test_folder_remove(folder);
}

/* Every byte of the header and some of the tensors; every length. */
FV_TEST(checkpoint, damage_is_found)
{
    run r;
    size_t size = 0;
    make_folder();
    save_after_seven(&r);
    end(&r);
    begin(&r, 1, 6);
    make_trainer(&r);
    unsigned char *bytes = test_file_read(folder, "state.safetensors", &size);
    for (size_t i = 0; i < size; i += i < 600 ? 1 : 211) {
        bytes[i] ^= 4;
        test_file_write(folder, "state.safetensors", bytes, size);
        const fv_status status = fv_trainer_restore(r.trainer, path);
        if (status == FV_OK)
            fail_msg("byte %zu of %zu was turned without being noticed", i, size);
        bytes[i] ^= 4;
        test_file_write(folder, "state.safetensors", bytes, i);
        assert_int_not_equal(fv_trainer_restore(r.trainer, path), FV_OK);
    }
    test_file_write(folder, "state.safetensors", bytes, size);
    restore_or_fail(&r, path);
    free(bytes);
    end(&r);
    test_folder_remove(folder);
}

FV_TEST(checkpoint, a_model_is_no_checkpoint)
{
    run r;
    make_folder();
    begin(&r, 1, 6);
    assert_int_equal(fv_model_write(r.context, path, r.params, &r.options.preprocess, NULL), FV_OK);
    expect_refusal(&r, FV_ERR_FORMAT, "is a model, not a checkpoint");
    assert_int_equal(unlink(path), 0);
    expect_refusal(&r, FV_ERR_NOT_FOUND, "cannot be opened");
    end(&r);
    test_folder_remove(folder);
}

FV_TEST(checkpoint, a_full_disk_leaves_the_old_one)
{
    run r;
    size_t before = 0, after = 0;
    struct rlimit old, small;
    make_folder();
    save_after_seven(&r);
    unsigned char *one = test_file_read(folder, "state.safetensors", &before);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &small);
    const fv_status status = fv_trainer_save(r.trainer, path, NULL);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, FV_ERR_IO);
    assert_non_null(strstr(fv_trainer_message(r.trainer), "the file that was there is unchanged"));
    unsigned char *other = test_file_read(folder, "state.safetensors", &after);
    assert_int_equal(before, after);
    assert_memory_equal(one, other, before);
    assert_int_equal(test_file_count(folder), 1);
    free(one);
    free(other);
    end(&r);
    test_folder_remove(folder);
}

FV_TEST(checkpoint, failing_allocations_change_nothing)
{
    run r;
    char before[17], after[17];
    make_folder();
    save_after_seven(&r);
    fv_params_hash(r.params, before);
    for (long long k = 0;; k++) {
        test_allocator_fail_after(&r.allocator, k);
        const fv_status status = fv_trainer_save(r.trainer, path, NULL);
        test_allocator_succeed(&r.allocator);
        if (status == FV_OK)
            break;
        assert_int_equal(status, FV_ERR_MEMORY);
    }
    for (long long k = 0;; k++) {
        test_allocator_fail_after(&r.allocator, k);
        const fv_status status = fv_trainer_restore(r.trainer, path);
        test_allocator_succeed(&r.allocator);
        fv_params_hash(r.params, after);
        assert_string_equal(before, after);
        if (status == FV_OK)
            break;
        assert_int_equal(status, FV_ERR_MEMORY);
    }
    end(&r);
    test_folder_remove(folder);
}

FV_TESTS(checkpoint, a_run_stopped_after_any_step_ends_the_same, every_optimizer_goes_on_by_every_schedule,
         going_on_after_a_stop, a_stop_in_the_measurement, a_checkpoint_is_a_model, those_of_another_run_are_refused,
         more_epochs_go_on, damage_is_found, a_model_is_no_checkpoint, a_full_disk_leaves_the_old_one,
         failing_allocations_change_nothing)
