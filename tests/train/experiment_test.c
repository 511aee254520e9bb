/* SPDX-License-Identifier: Apache-2.0
 *
 * experiment_test.c - runs from configs: network, recipe, data, memory, trial, training; what can be wrong on the way.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "fovea/fovea.h"
#include "support/allocator.h"
#include "support/files.h"
#include "support/test.h"

typedef struct fixture {
    fv_context *context;
    fv_config *config;
    fv_experiment *experiment;
    char folder[TEST_PATH], path[TEST_PATH];
    int warnings;
} fixture;

static void count_warnings(void *user, fv_log_level level, const char *message)
{
    fixture *f = user;
    (void)message;
    f->warnings += level == FV_LOG_WARNING;
}

static const char network[] = "name: tiny\nparameters: {classes: 10}\ninput: [1, 28, 28]\nlayers:\n"
                              "  - max_pool2d: {kernel: 4, stride: 4}\n  - dense: {units: classes}\n";

static void start(fixture *f)
{
    const fv_context_options options = { .threads = 1, .log = count_warnings, .log_user = f };
    *f = (fixture){ 0 };
    assert_int_equal(fv_context_create(&f->context, &options), FV_OK);
    assert_int_equal(fv_config_create(&f->config, f->context), FV_OK);
    test_folder_make(f->folder);
    test_path(f->path, f->folder, "e.yaml");
    test_file_write(f->folder, "net.yaml", network, strlen(network));
}

static void finish(fixture *f)
{
    fv_experiment_destroy(f->experiment);
    fv_config_destroy(f->config);
    fv_context_destroy(f->context);
    test_folder_remove(f->folder);
}

static fv_status open_text(fixture *f, const char *text)
{
    fv_experiment_destroy(f->experiment);
    f->experiment = NULL;
    fv_config_destroy(f->config);
    assert_int_equal(fv_config_create(&f->config, f->context), FV_OK);
    test_file_write(f->folder, "e.yaml", text, strlen(text));
    if (fv_config_read_yaml(f->config, f->path) != FV_OK)
        fail_msg("%s", fv_context_message(f->context));
    return fv_experiment_open(&f->experiment, f->context, f->config);
}

FV_TEST(experiment, a_file_is_run_in_a_few_lines)
{
    fixture f;
    fv_epoch_record record;
    char model[TEST_PATH];
    fv_model *saved = NULL;
    start(&f);
    assert_int_equal(open_text(&f, "model: net.yaml\ndata: mnist-12k\noptimizer: {lr: 0.01}\n"
                                   "train: {epochs: 1, batch: 100}\n"),
                     FV_OK);
    assert_int_equal(fv_experiment_start(f.experiment), FV_OK);
    fv_trainer *trainer = fv_experiment_trainer(f.experiment);
    while (!fv_trainer_done(trainer))
        assert_int_equal(fv_trainer_epoch(trainer, &record), FV_OK);
    assert_true(record.test_accuracy > 0.5); /* a linear classifier on 7x7 pixels; chance is 0.1 */
    test_path(model, f.folder, "m.safetensors");
    assert_int_equal(fv_experiment_save(f.experiment, model, NULL), FV_OK);
    /* The model goes on from its values; what is as it was may be said again, another number of classes not. */
    assert_int_equal(
        open_text(&f, "model: {network: m.safetensors, classes: 10, input: [1, 28, 28]}\ndata: mnist-12k\n"), FV_OK);
    assert_int_equal(fv_experiment_open_data(f.experiment), FV_OK);
    char hash[17], wanted[17];
    assert_int_equal(fv_model_read(&saved, f.context, model), FV_OK);
    fv_params_hash(fv_model_params(saved), wanted);
    fv_params_hash(fv_experiment_params(f.experiment), hash);
    assert_string_equal(hash, wanted);
    assert_string_equal(wanted, record.weights_hash);
    fv_model_destroy(saved);
    assert_int_equal(open_text(&f, "model: {network: m.safetensors, classes: 11}\ndata: mnist-12k\n"), FV_ERR_ARGUMENT);
    assert_null(f.experiment);
    assert_int_equal(f.warnings, 0);
    finish(&f);
}

FV_TEST(experiment, the_network_and_its_recipe_fill_what_is_open)
{
    fixture f;
    start(&f);
    assert_int_equal(open_text(&f, "model: lenet5\ndata: mnist-12k\noptimizer: {lr: 0.5}\n"), FV_OK);
    assert_true(fv_config_real(f.config, "optimizer.lr") == 0.5);
    assert_true(fv_config_real(f.config, "optimizer.decay") == 0.001);
    assert_string_equal(fv_config_origin_text(f.config, "optimizer.decay"), "recipe lenet5/default");
    assert_true(fv_config_integer(f.config, "model.classes") == 10);
    assert_int_equal(fv_config_origin_of(f.config, "model.classes"), FV_FROM_NETWORK);
    assert_string_equal(fv_config_text(f.config, "model.input"), "1x28x28");
    assert_true(fv_experiment_options(f.experiment)->optimizer.weight_decay == 0.001);
    assert_int_equal(open_text(&f, "model: {network: lenet5, recipe: none}\ndata: mnist-12k\n"), FV_OK);
    assert_true(fv_config_real(f.config, "optimizer.decay") == 0.0001);
    assert_int_equal(open_text(&f, "model: {network: lenet5, recipe: zzz}\ndata: mnist-12k\n"), FV_ERR_NOT_FOUND);
    assert_non_null(strstr(fv_context_message(f.context), "default"));
    assert_int_equal(open_text(&f, "model: net.yaml\ndata: mnist-12k\n"), FV_OK); /* has none, and needs none */
    assert_int_equal(f.warnings, 0);
    finish(&f);
}

/* Each file of data/recipes is a recipe of a network of the zoo, and can be read. */
FV_TEST(experiment, every_recipe_is_sound)
{
    fixture f;
    int count = 0;
    start(&f);
    for (int32_t i = 0; i < fv_zoo_count(); i++) {
        char *names = NULL;
        const char *zoo = fv_zoo_get(i)->name;
        assert_int_equal(fv_recipe_names(f.context, zoo, &names), FV_OK);
        for (char *name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
            fv_config *config = NULL;
            assert_int_equal(fv_config_create(&config, f.context), FV_OK);
            if (fv_config_read_recipe(config, zoo, name) != FV_OK)
                fail_msg("%s/%s: %s", zoo, name, fv_context_message(f.context));
            assert_string_equal(fv_config_text(config, "model.network"), zoo);
            assert_int_equal(fv_config_put(config, "data.source", "mnist-12k", FV_FROM_SETTING), FV_OK);
            if (fv_config_check(config) != FV_OK)
                fail_msg("%s/%s: %s", zoo, name, fv_context_message(f.context));
            fv_config_destroy(config);
            count++;
        }
        fv_text_release(f.context, names);
    }
    assert_true(count >= 4);
    finish(&f);
}

/* A recipe's numbers for its own optimizer are none for another. */
FV_TEST(experiment, every_recipe_takes_another_optimizer)
{
    static const char *const kinds[] = { "sgd", "adadelta", "adam", "rmsprop", "lars", "muon" };
    static const char *const recipes[][2] = { { "convnetjs-mnist", "paper" }, { "cifar-resnet-20", "fast" } };
    fixture f;
    start(&f);
    for (size_t i = 0; i < 2 * sizeof kinds / sizeof kinds[0]; i++) {
        fv_config *config = NULL;
        assert_int_equal(fv_config_create(&config, f.context), FV_OK);
        assert_int_equal(fv_config_put(config, "optimizer.kind", kinds[i / 2], FV_FROM_OPTION), FV_OK);
        assert_int_equal(fv_config_read_recipe(config, recipes[i % 2][0], recipes[i % 2][1]), FV_OK);
        assert_int_equal(fv_config_put(config, "data.source", "mnist-12k", FV_FROM_SETTING), FV_OK);
        if (fv_config_check(config) != FV_OK)
            fail_msg("%s/%s by %s: %s", recipes[i % 2][0], recipes[i % 2][1], kinds[i / 2],
                     fv_context_message(f.context));
        assert_true(fv_config_flag(config, "optimizer.nesterov") == (i == 1)); /* sgd's, of the second */
        fv_config_destroy(config);
    }
    finish(&f);
}

FV_TEST(experiment, networks_that_are_not_there_are_told)
{
    fixture f;
    start(&f);
    assert_int_equal(open_text(&f, "model: nothing.yaml\ndata: mnist-12k\n"), FV_ERR_NOT_FOUND);
    assert_int_equal(open_text(&f, "data: mnist-12k\n"), FV_ERR_ARGUMENT);
    assert_int_equal(open_text(&f, "model: {network: net.yaml, flags: a}\ndata: mnist-12k\n"), FV_ERR_ARGUMENT);
    assert_int_equal(open_text(&f, "model: {network: net.yaml, classes: 7}\ndata: mnist-12k\n"), FV_OK);
    assert_true(fv_graph_parameters(fv_experiment_network(f.experiment)->graph) == 7 * 49 + 7);
    assert_int_equal(fv_experiment_open_data(f.experiment), FV_ERR_SHAPE);
    assert_int_equal(open_text(&f, "model: net.yaml\ndata: nowhere\n"), FV_OK);
    assert_int_equal(fv_experiment_start(f.experiment), FV_ERR_NOT_FOUND);
    assert_null(fv_experiment_trainer(f.experiment));
    finish(&f);
}

FV_TEST(experiment, a_limit_on_memory_is_met_or_refused)
{
    fixture f;
    fv_memory memory;
    size_t data = 0;
    start(&f);
    assert_int_equal(open_text(&f, "model: convnetjs-mnist\ndata: mnist-12k\ntrain: {batch: 500, memory: 17M}\n"),
                     FV_OK);
    assert_int_equal(fv_experiment_open_data(f.experiment), FV_OK);
    assert_int_equal(fv_experiment_memory(f.experiment, &memory, &data), FV_OK);
    assert_true(memory.total + data > 17000000);
    assert_int_equal(fv_experiment_fit(f.experiment), FV_OK);
    assert_int_equal(fv_experiment_memory(f.experiment, &memory, &data), FV_OK);
    assert_true(memory.total + data <= 17000000);
    assert_true(fv_experiment_options(f.experiment)->blocks > 1);
    assert_true(fv_config_integer(f.config, "train.blocks") == fv_experiment_options(f.experiment)->blocks);
    assert_int_equal(f.warnings, 1);
    assert_int_equal(open_text(&f, "model: convnetjs-mnist\ndata: mnist-12k\ntrain: {memory: 60M}\n"), FV_OK);
    assert_int_equal(fv_experiment_start(f.experiment), FV_OK);
    assert_true(fv_config_integer(f.config, "train.blocks") == 1);
    assert_int_equal(open_text(&f, "model: convnetjs-mnist\ndata: mnist-12k\ntrain: {memory: 10M}\n"), FV_OK);
    assert_int_equal(fv_experiment_start(f.experiment), FV_ERR_MEMORY);
    assert_int_equal(open_text(&f, "model: convnetjs-mnist\ndata: mnist-12k\ntrain: {memory: 1M}\n"), FV_OK);
    assert_int_equal(fv_experiment_start(f.experiment), FV_ERR_MEMORY);
    finish(&f);
}

FV_TEST(experiment, a_trial_computes_a_batch_and_changes_nothing)
{
    fixture f;
    fv_experiment_trial trial;
    char before[17], after[17];
    int64_t counts[10];
    start(&f);
    assert_int_equal(open_text(&f, "model: net.yaml\ndata: mnist-12k\ntrain: {batch: 50}\n"), FV_OK);
    assert_int_equal(fv_experiment_open_data(f.experiment), FV_OK);
    fv_params_hash(fv_experiment_params(f.experiment), before);
    assert_int_equal(fv_experiment_try(f.experiment, &trial), FV_OK);
    fv_params_hash(fv_experiment_params(f.experiment), after);
    assert_string_equal(before, after);
    assert_int_equal(trial.images, 50);
    assert_true(trial.loss > 1 && trial.loss < 10 && trial.gradient_norm > 0);
    fv_experiment_count_classes(f.experiment, counts);
    for (int32_t i = 0; i < 10; i++)
        assert_true(counts[i] == 1000);
    finish(&f);
}

/* The trial is planned as the run is, and the run's trainer does not lie beside it. */
FV_TEST(experiment, a_trial_keeps_to_the_memory_of_the_run)
{
    static const char *const limits[] = { "train: {batch: 500}\n", "train: {batch: 500, memory: 17M}\n",
                                          "train: {batch: 100, memory_limit: 9MB}\n" };
    double loss = 0, norm = 0;
    fixture f;
    start(&f);
    for (int i = 0; i < 3; i++) {
        fv_experiment_trial trial;
        char text[128];
        snprintf(text, sizeof text, "model: convnetjs-mnist\ndata: mnist-12k\n%s", limits[i]);
        assert_int_equal(open_text(&f, text), FV_OK);
        assert_int_equal(fv_experiment_start(f.experiment), FV_OK);
        if (fv_experiment_try(f.experiment, &trial) != FV_OK)
            fail_msg("%s", fv_context_message(f.context));
        assert_null(fv_experiment_trainer(f.experiment));
        if (i == 0) {
            loss = trial.loss;
            norm = trial.gradient_norm;
        } else if (i == 1) { /* the same batch in blocks: sums in another order */
            assert_true(fv_experiment_options(f.experiment)->blocks > 1);
            assert_true(fabs(trial.loss - loss) < 1e-5 * loss && fabs(trial.gradient_norm - norm) < 1e-4 * norm);
        }
    }
    assert_int_equal(open_text(&f, "model: convnetjs-mnist\ndata: mnist-12k\ntrain: {memory_limit: 1MB}\n"), FV_OK);
    assert_int_equal(fv_experiment_open_data(f.experiment), FV_OK);
    assert_int_equal(fv_experiment_try(f.experiment, &(fv_experiment_trial){ 0 }), FV_ERR_MEMORY);
    finish(&f);
}

FV_TEST(experiment, memory_that_runs_out_leaves_nothing_behind)
{
    test_allocator allocator;
    test_allocator_reset(&allocator);
    const fv_context_options options = { .threads = 1, .allocator = test_allocator_callbacks(&allocator) };
    fv_context *context = NULL;
    fv_config *config = NULL;
    fv_experiment *experiment = NULL;
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    assert_int_equal(fv_config_create(&config, context), FV_OK);
    assert_int_equal(fv_config_set(config, "model.network=convnetjs-mnist"), FV_OK);
    assert_int_equal(fv_config_set(config, "data.source=mnist-12k"), FV_OK);
    const long long live = atomic_load(&allocator.live);
    fv_status status = FV_ERR_MEMORY;
    for (long long successes = 0; status != FV_OK && successes < 1000; successes++) {
        test_allocator_fail_after(&allocator, successes);
        status = fv_experiment_open(&experiment, context, config);
        test_allocator_succeed(&allocator);
        assert_true(status == FV_OK || (status == FV_ERR_MEMORY && experiment == NULL));
    }
    assert_int_equal(status, FV_OK);
    fv_experiment_destroy(experiment);
    fv_config_destroy(config);
    fv_context_destroy(context);
    assert_true(live > 0 && atomic_load(&allocator.live) == 0);
}

FV_TESTS(experiment, a_file_is_run_in_a_few_lines, the_network_and_its_recipe_fill_what_is_open, every_recipe_is_sound,
         every_recipe_takes_another_optimizer, networks_that_are_not_there_are_told,
         a_limit_on_memory_is_met_or_refused, a_trial_computes_a_batch_and_changes_nothing,
         a_trial_keeps_to_the_memory_of_the_run, memory_that_runs_out_leaves_nothing_behind)
