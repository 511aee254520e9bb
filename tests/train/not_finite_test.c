/* SPDX-License-Identifier: Apache-2.0
 *
 * not_finite_test.c - a NaN in a step: stopped, skipped or gone back from, with the layer named and the batch kept.
 */
#include <math.h>
#include <string.h>

#include "train/stopped_run.h"

static char folder[TEST_PATH];

/* Spoils a weight before step `bad_step`, and mends it when that step is over. */
typedef struct saboteur {
    run *r;
    int64_t steps, bad_step;
    int times, most; /* that the weight was spoilt, and may be */
    float kept;
    bool spoilt, stays; /* stays: the weight is not mended */
} saboteur;

static void sabotage(void *user, const fv_train_progress *progress)
{
    saboteur *s = user;
    float *weight = fv_params_values(s->r->params, 0);
    s->steps = (progress->epoch - 1) * STEPS + (progress->done + BATCH - 1) / BATCH;
    if (s->spoilt && !s->stays && isnan(*weight))
        *weight = s->kept;
    s->spoilt = false;
    if (!s->spoilt && s->steps == s->bad_step - 1 && s->times < s->most) {
        s->kept = *weight;
        *weight = NAN;
        s->spoilt = true;
        s->times++;
    }
}

static void start(run *r, saboteur *s, fv_on_nan policy, bool with_folder)
{
    begin(r, 1, 6);
    r->options.on_nan = policy;
    make_trainer(r);
    *s = (saboteur){ .r = r, .bad_step = 8, .most = 1 };
    fv_trainer_on_progress(r->trainer, sabotage, s);
    const fv_checkpoint_options options = { .folder = folder, .keep = 2, .every_steps = 3 };
    if (with_folder && fv_trainer_keep_checkpoints(r->trainer, &options) != FV_OK)
        fail_msg("%s", fv_trainer_message(r->trainer));
}

FV_TEST(not_finite, the_run_stops_and_says_where)
{
    run r;
    saboteur s;
    fv_file_info info;
    char path[TEST_PATH];
    test_folder_make(folder);
    start(&r, &s, FV_NAN_STOP, true);
    assert_int_equal(go(&r), FV_ERR_NUMERIC);
    const char *message = fv_trainer_message(r.trainer);
    assert_non_null(strstr(message, "epoch 2, step 3"));
    if (strstr(message, "conv2d 'conv") == NULL)
        fail_msg("no layer in: %s", message);
    assert_non_null(strstr(message, "crash-000000000007.safetensors"));
    test_path(path, folder, "crash-000000000007.safetensors");
    assert_int_equal(fv_file_verify(r.context, path, &info), FV_OK);
    assert_int_equal(info.kind, FV_FILE_CRASH);
    assert_int_equal(info.step, 7);
    assert_int_equal(fv_trainer_restore(r.trainer, path), FV_ERR_FORMAT); /* nothing to go on from */
    /* What can be gone on from is without it. */
    char *latest = NULL;
    assert_int_equal(fv_checkpoint_latest(r.context, folder, &latest), FV_OK);
    assert_int_equal(fv_trainer_restore(r.trainer, latest), FV_OK);
    const float *values = fv_params_data(r.params);
    for (size_t i = 0; i < fv_params_block_elements(r.params); i++)
        assert_true(isfinite(values[i]));
    fv_text_release(r.context, latest);
    end(&r);
    test_folder_remove(folder);
}

/* The batch is left out: statistics, slots and weights are those of a run that never saw it. */
FV_TEST(not_finite, a_skipped_batch_leaves_no_trace)
{
    run r;
    saboteur s;
    const fv_epoch_record *records = NULL;
    start(&r, &s, FV_NAN_SKIP, false);
    assert_int_equal(go(&r), FV_OK);
    assert_int_equal(fv_trainer_records(r.trainer, &records), EPOCHS);
    assert_int_equal(records[0].skipped, 0);
    assert_int_equal(records[1].skipped, 1);
    assert_int_equal(r.warnings, 1);
    assert_non_null(strstr(r.warning, "the batch is left out"));
    const float *values = fv_params_data(r.params);
    for (size_t i = 0; i < fv_params_block_elements(r.params); i++)
        assert_true(isfinite(values[i]));
    assert_true(isfinite(records[1].train_loss));
    end(&r);
}

FV_TEST(not_finite, a_run_that_only_skips_stops)
{
    run r;
    begin(&r, 1, 6);
    r.options.batch = 2;
    r.options.on_nan = FV_NAN_SKIP;
    make_trainer(&r);
    *(float *)fv_params_values(r.params, 0) = NAN;
    assert_int_equal(go(&r), FV_ERR_NUMERIC);
    assert_non_null(strstr(fv_trainer_message(r.trainer), "20 batches in a row"));
    assert_int_equal(r.warnings, 20);
    end(&r);
}

/* Back to step 6, on with half the rate: the rest is that of a run restored there with half the rate. */
FV_TEST(not_finite, going_back_halves_the_rate)
{
    run r;
    saboteur s;
    const fv_epoch_record *records = NULL;
    char first[17], second[17];
    test_folder_make(folder);
    for (int again = 0; again < 2; again++) {
        start(&r, &s, FV_NAN_ROLL_BACK, true);
        assert_int_equal(go(&r), FV_OK);
        assert_int_equal(fv_trainer_records(r.trainer, &records), EPOCHS);
        assert_int_equal(r.warnings, 1);
        assert_non_null(strstr(r.warning, "going back to epoch 2, image 16, with 0.5 times the learning rate"));
        fv_params_hash(r.params, again ? second : first);
        end(&r);
        test_folder_remove(folder);
        test_folder_make(folder);
    }
    assert_string_equal(first, second);
    begin(&r, 1, 6);
    make_trainer(&r);
    assert_int_equal(go(&r), FV_OK);
    fv_params_hash(r.params, second);
    assert_string_not_equal(first, second); /* the rate was another */
    end(&r);
    test_folder_remove(folder);
}

/* Copies what a run that is killed as soon as it has gone back would go on from. */
static void keep_place(void *user, const fv_train_progress *progress)
{
    saboteur *s = user;
    size_t size = 0;
    sabotage(user, progress);
    if (s->r->warnings == 1 && test_file_count(folder) > 0) {
        unsigned char *bytes = test_file_read(folder, "step-000000000006.safetensors", &size);
        test_file_write(folder, "kept", bytes, size);
        free(bytes);
        s->r->warnings++;
    }
}

FV_TEST(not_finite, what_is_killed_after_going_back_keeps_the_lower_rate)
{
    run r;
    saboteur s;
    char whole[17], parts[17], path[TEST_PATH];
    test_folder_make(folder);
    start(&r, &s, FV_NAN_ROLL_BACK, true);
    fv_trainer_on_progress(r.trainer, keep_place, &s);
    assert_int_equal(go(&r), FV_OK);
    assert_int_equal(r.warnings, 2); /* one of them kept the file */
    fv_params_hash(r.params, whole);
    end(&r);
    begin(&r, 1, 6);
    r.options.on_nan = FV_NAN_ROLL_BACK;
    make_trainer(&r);
    test_path(path, folder, "kept");
    assert_int_equal(fv_trainer_restore(r.trainer, path), FV_OK);
    assert_int_equal(go(&r), FV_OK);
    fv_params_hash(r.params, parts);
    assert_string_equal(whole, parts);
    end(&r);
    test_folder_remove(folder);
}

/* The checkpoint after step 6 holds the NaN already: the one before, at the end of the epoch, does not. */
FV_TEST(not_finite, further_back_where_the_last_checkpoint_is_spoilt)
{
    run r;
    saboteur s;
    const fv_epoch_record *records = NULL;
    test_folder_make(folder);
    start(&r, &s, FV_NAN_ROLL_BACK, true);
    fv_trainer_keep_checkpoints(
        r.trainer, &(fv_checkpoint_options){ .folder = folder, .keep = 3, .every_steps = 3, .replace = true });
    s.bad_step = 7;
    s.stays = true;
    assert_int_equal(go(&r), FV_OK);
    assert_int_equal(r.warnings, 2);
    assert_non_null(strstr(r.warning, "going back to epoch 2, image 0, with 0.25 times the learning rate"));
    assert_int_equal(fv_trainer_records(r.trainer, &records), EPOCHS);
    const float *values = fv_params_data(r.params);
    for (size_t i = 0; i < fv_params_block_elements(r.params); i++)
        assert_true(isfinite(values[i]));
    end(&r);
    test_folder_remove(folder);
}

FV_TESTS(not_finite, the_run_stops_and_says_where, a_skipped_batch_leaves_no_trace, a_run_that_only_skips_stops,
         going_back_halves_the_rate, what_is_killed_after_going_back_keeps_the_lower_rate,
         further_back_where_the_last_checkpoint_is_spoilt)
