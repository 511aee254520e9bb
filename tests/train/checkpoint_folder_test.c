/* SPDX-License-Identifier: Apache-2.0
 *
 * checkpoint_folder_test.c - which checkpoints a folder holds, and which one is taken when some are damaged.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "train/stopped_run.h"

static char folder[TEST_PATH];

static bool there(const char *name)
{
    char path[TEST_PATH];
    test_path(path, folder, name);
    return access(path, F_OK) == 0;
}

static void keep(run *r, fv_checkpoint_options options)
{
    options.folder = folder;
    if (fv_trainer_keep_checkpoints(r->trainer, &options) != FV_OK)
        fail_msg("%s", fv_trainer_message(r->trainer));
}

static fv_status resume(run *r)
{
    char *path = NULL;
    fv_status status = fv_checkpoint_latest(r->context, folder, &path);
    if (status == FV_OK)
        status = fv_trainer_restore(r->trainer, path);
    fv_text_release(r->context, path);
    return status;
}

FV_TEST(checkpoint_folder, the_last_and_the_best_are_kept)
{
    run r;
    test_folder_make(folder);
    begin(&r, 1, 6);
    make_trainer(&r);
    keep(&r, (fv_checkpoint_options){ .keep = 3 });
    assert_true(there("step-000000000000.safetensors")); /* before the first step */
    assert_int_equal(go(&r), FV_OK);
    assert_int_equal(test_file_count(folder), 4);
    assert_true(there("step-000000000005.safetensors") && there("step-000000000010.safetensors"));
    assert_true(there("step-000000000015.safetensors") && there("best.safetensors"));
    char path[TEST_PATH];
    fv_file_info info;
    test_path(path, folder, "best.safetensors");
    assert_int_equal(fv_file_verify(r.context, path, &info), FV_OK);
    assert_int_equal(info.epoch, fv_trainer_best(r.trainer)->epoch);
    assert_string_equal(info.weights_hash, fv_trainer_best(r.trainer)->weights_hash);
    end(&r);
    test_folder_remove(folder);
}

FV_TEST(checkpoint_folder, one_after_every_so_many_steps)
{
    run r;
    test_folder_make(folder);
    begin(&r, 1, 6);
    make_trainer(&r);
    keep(&r, (fv_checkpoint_options){ .keep = 100, .every_steps = 2 });
    assert_int_equal(go(&r), FV_OK);
    for (int step = 0; step <= EPOCHS * STEPS; step++) {
        char name[64];
        snprintf(name, sizeof name, "step-%012d.safetensors", step);
        assert_int_equal(there(name), step % 2 == 0 || step % STEPS == 0);
    }
    end(&r);
    test_folder_remove(folder);
}

FV_TEST(checkpoint_folder, one_after_some_time_and_when_asked)
{
    run r;
    test_folder_make(folder);
    begin(&r, 1, 6);
    make_trainer(&r);
    keep(&r, (fv_checkpoint_options){ .keep = 100, .every_seconds = 1e-9 });
    r.stop_after = 3;
    assert_int_equal(go(&r), FV_ERR_INTERRUPTED);
    assert_true(there("step-000000000001.safetensors") && there("step-000000000002.safetensors"));
    keep(&r, (fv_checkpoint_options){ .keep = 100, .replace = true });
    assert_int_equal(test_file_count(folder), 1);
    r.stop_after = 7; /* of step 4 to 7 */
    fv_trainer_save_soon(r.trainer);
    assert_int_equal(go(&r), FV_ERR_INTERRUPTED);
    assert_true(there("step-000000000003.safetensors") && there("step-000000000005.safetensors"));
    assert_true(there("step-000000000007.safetensors"));
    end(&r);
    test_folder_remove(folder);
}

/* Changes a byte of a file, or cuts it. */
static void spoil(const char *name, bool cut)
{
    size_t size = 0;
    unsigned char *bytes = test_file_read(folder, name, &size);
    bytes[size - 3] ^= 16;
    test_file_write(folder, name, bytes, cut ? size / 2 : size);
    free(bytes);
}

FV_TEST(checkpoint_folder, the_one_before_a_damaged_one_is_taken)
{
    run r;
    char whole[17], hash[17];
    test_folder_make(folder);
    begin(&r, 1, 6);
    make_trainer(&r);
    keep(&r, (fv_checkpoint_options){ .keep = 3 });
    assert_int_equal(go(&r), FV_OK);
    fv_params_hash(r.params, whole);
    end(&r);
    spoil("step-000000000015.safetensors", false);
    spoil("step-000000000010.safetensors", true);
    test_file_write(folder, "step-000000000011.safetensors.partial-7-0", "half", 4);
    begin(&r, 1, 6);
    make_trainer(&r);
    assert_int_equal(resume(&r), FV_OK);
    assert_int_equal(r.warnings, 2);
    assert_non_null(strstr(r.warning, "step-000000000010.safetensors"));
    keep(&r, (fv_checkpoint_options){ .keep = 3 });
    assert_false(there("step-000000000011.safetensors.partial-7-0"));
    assert_int_equal(go(&r), FV_OK);
    fv_params_hash(r.params, hash);
    assert_string_equal(whole, hash);
    end(&r);
    begin(&r, 1, 6);
    spoil("step-000000000005.safetensors", false);
    spoil("step-000000000010.safetensors", false);
    spoil("step-000000000015.safetensors", false);
    make_trainer(&r);
    assert_int_equal(resume(&r), FV_ERR_FORMAT);
    assert_non_null(strstr(fv_context_message(r.context), "none of the 3 checkpoints"));
    end(&r);
    test_folder_remove(folder);
}

FV_TEST(checkpoint_folder, those_of_another_run_are_not_touched)
{
    run r;
    test_folder_make(folder);
    begin(&r, 1, 6);
    make_trainer(&r);
    assert_int_equal(resume(&r), FV_ERR_NOT_FOUND);
    keep(&r, (fv_checkpoint_options){ .folder = NULL });
    end(&r);
    begin(&r, 1, 6);
    make_trainer(&r);
    const fv_checkpoint_options options = { .folder = folder };
    assert_int_equal(fv_trainer_keep_checkpoints(r.trainer, &options), FV_ERR_STATE);
    assert_non_null(strstr(fv_trainer_message(r.trainer), "of another run"));
    assert_int_equal(test_file_count(folder), 1);
    char below[TEST_PATH];
    test_path(below, folder, "no/such");
    assert_int_equal(fv_trainer_keep_checkpoints(r.trainer, &(fv_checkpoint_options){ .folder = below }), FV_ERR_IO);
    assert_int_equal(fv_trainer_keep_checkpoints(r.trainer, &(fv_checkpoint_options){ .folder = "" }), FV_ERR_ARGUMENT);
    end(&r);
    test_folder_remove(folder);
}

/* What is not better than the best before for two epochs ends the run; so does it after going on from a file. */
FV_TEST(checkpoint_folder, patience_ends_a_run)
{
    run r;
    test_folder_make(folder);
    for (int again = 0; again < 2; again++) {
        begin(&r, 1, 6);
        r.options.epochs = 60;
        r.options.patience = 2;
        r.options.metric = FV_METRIC_TEST_ACCURACY; /* of 20 images: it cannot grow for long */
        make_trainer(&r);
        if (again)
            assert_int_equal(resume(&r), FV_OK);
        keep(&r, (fv_checkpoint_options){ .keep = 1 });
        r.stop_after = again ? 0 : 2 * STEPS + 2;
        assert_int_equal(go(&r), again ? FV_OK : FV_ERR_INTERRUPTED);
        end(&r);
    }
    begin(&r, 1, 6);
    r.options.epochs = 60;
    r.options.patience = 2;
    make_trainer(&r);
    assert_int_equal(resume(&r), FV_OK);
    const fv_epoch_record *records = NULL;
    const int32_t count = fv_trainer_records(r.trainer, &records), best = fv_trainer_best(r.trainer)->epoch;
    assert_true(fv_trainer_done(r.trainer) && count < 60);
    assert_int_equal(count, best + 2);
    for (int32_t i = 0; i < count; i++)
        assert_true(records[i].test_accuracy <= records[best - 1].test_accuracy);
    assert_int_equal(fv_trainer_epoch(r.trainer, NULL), FV_ERR_STATE);
    assert_non_null(strstr(fv_trainer_message(r.trainer), "stopped early"));
    end(&r);
    test_folder_remove(folder);
}

FV_TESTS(checkpoint_folder, the_last_and_the_best_are_kept, one_after_every_so_many_steps,
         one_after_some_time_and_when_asked, the_one_before_a_damaged_one_is_taken,
         those_of_another_run_are_not_touched, patience_ends_a_run)
