/* SPDX-License-Identifier: Apache-2.0
 *
 * average_test.c - averages of weights where any epoch may be the last: each is measured and kept as it would be were it the last, and
 * training goes on from the weights.
 */
#include "train/stopped_run.h"

static void begin_as(run *r, fv_average_kind kind, int32_t epochs, int32_t patience)
{
    begin(r, 1, 6);
    r->options.epochs = epochs;
    r->options.patience = patience;
    r->options.schedule = (fv_schedule_options){ .kind = FV_SCHEDULE_CONSTANT, .rate = 0.05 };
    r->options.optimizer.average = kind;
    r->options.optimizer.average_decay = 0.8;
    r->options.optimizer.average_start = STEPS - 1;
}

static void train_to_the_end(run *r)
{
    make_trainer(r);
    if (go(r) != FV_OK)
        fail_msg("%s", fv_trainer_message(r->trainer));
}

static void check_kind(fv_average_kind kind)
{
    const fv_epoch_record *records = NULL, *last = NULL;
    run r, plain;
    begin_as(&r, kind, EPOCHS, 100);
    train_to_the_end(&r);
    assert_int_equal(fv_trainer_records(r.trainer, &records), EPOCHS);
    for (int32_t epochs = 1; epochs <= EPOCHS; epochs++) {
        begin_as(&plain, kind, epochs, 0);
        train_to_the_end(&plain);
        assert_int_equal(fv_trainer_records(plain.trainer, &last), epochs);
        assert_string_equal(records[epochs - 1].weights_hash, last[epochs - 1].weights_hash);
        assert_memory_equal(&records[epochs - 1].train_loss, &last[epochs - 1].train_loss, 4 * sizeof(double));
        end(&plain);
    }
    /* Of a run without, the same epoch is another: the test can fail. */
    begin_as(&plain, FV_AVERAGE_NONE, 2, 0);
    train_to_the_end(&plain);
    fv_trainer_records(plain.trainer, &last);
    assert_memory_equal(&records[1].train_loss, &last[1].train_loss, sizeof records[1].train_loss);
    assert_string_not_equal(records[1].weights_hash, last[1].weights_hash);
    end(&plain);
    end(&r);
}

FV_TEST(average, each_epoch_may_be_the_last)
{
    check_kind(FV_AVERAGE_EXPONENTIAL);
    check_kind(FV_AVERAGE_EQUAL); /* with statistics taken again */
}

/* The file of the best epoch, and params after it, are the average that was measured. */
FV_TEST(average, the_best_is_an_average)
{
    char folder[TEST_PATH], path[TEST_PATH], hash[17];
    fv_epoch_record record;
    fv_model *model = NULL;
    run r;
    test_folder_make(folder);
    begin_as(&r, FV_AVERAGE_EQUAL, EPOCHS, 100);
    r.options.metric = FV_METRIC_TRAIN_LOSS;
    make_trainer(&r);
    assert_int_equal(fv_trainer_keep_checkpoints(r.trainer, &(fv_checkpoint_options){ .folder = folder }), FV_OK);
    assert_int_equal(fv_trainer_epoch(r.trainer, &record), FV_OK);
    assert_int_equal(fv_trainer_epoch(r.trainer, &record), FV_OK);
    fv_params_hash(r.params, hash);
    assert_string_equal(hash, record.weights_hash);
    assert_int_equal(fv_trainer_best(r.trainer)->epoch, 2);
    test_path(path, folder, "best.safetensors");
    if (fv_model_read(&model, r.context, path) != FV_OK)
        fail_msg("%s", fv_context_message(r.context));
    fv_params_hash(fv_model_params(model), hash);
    assert_string_equal(hash, record.weights_hash);
    fv_model_destroy(model);
    end(&r);
    test_folder_remove(folder);
}

FV_TESTS(average, each_epoch_may_be_the_last, the_best_is_an_average)
