/* SPDX-License-Identifier: Apache-2.0
 *
 * config_test.c - keys, values and their origins; experiment files with what can be wrong in them; the round trip.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fovea/model.h"
#include "support/allocator.h"
#include "support/files.h"
#include "support/test.h"
#include "train/config/config_internal.h"

typedef struct fixture {
    fv_context *context;
    fv_config *config;
    char folder[TEST_PATH], path[TEST_PATH];
} fixture;

static void start(fixture *f)
{
    const fv_context_options options = { .threads = 1 };
    assert_int_equal(fv_context_create(&f->context, &options), FV_OK);
    assert_int_equal(fv_config_create(&f->config, f->context), FV_OK);
    test_folder_make(f->folder);
    test_path(f->path, f->folder, "e.yaml");
}

static void finish(fixture *f)
{
    fv_config_destroy(f->config);
    fv_context_destroy(f->context);
    test_folder_remove(f->folder);
}

static fv_status read_text(fixture *f, const char *text)
{
    test_file_write(f->folder, "e.yaml", text, strlen(text));
    return fv_config_read_yaml(f->config, f->path);
}

FV_TEST(config, the_table_is_sound)
{
    char why[FVI_CONFIG_WHY];
    for (int32_t i = 0; i < fv_config_key_count(); i++) {
        const fv_config_key *key = fv_config_key_at(i);
        const char *dot = strchr(key->key, '.');
        bool section = false;
        assert_non_null(dot);
        for (int32_t j = 0; j < FVI_CONFIG_SECTIONS; j++) {
            const size_t length = strlen(fvi_config_sections[j].name);
            section =
                section || (strncmp(key->key, fvi_config_sections[j].name, length) == 0 && dot == key->key + length);
        }
        assert_true(section);
        assert_ptr_equal(fv_config_key_find(key->key), key); /* no key twice */
        assert_true((key->type == FV_CONFIG_FLAG) == (key->value == NULL));
        assert_true((key->type == FV_CONFIG_CHOICE) == (key->words != NULL));
        assert_true(key->help[0] != '\0' && key->help[strlen(key->help) - 1] != '.');
        if (key->fallback != NULL && key->fallback[0] != '(')
            assert_true(fvi_config_read_value(key, key->fallback, &(fvi_config_value){ 0 }, why));
        for (int32_t j = 0; j < i; j++)
            assert_true(key->option == NULL || fv_config_key_at(j)->option == NULL ||
                        strcmp(key->option, fv_config_key_at(j)->option) != 0);
    }
    assert_null(fv_config_key_at(-1));
    assert_null(fv_config_key_at(fv_config_key_count()));
    assert_null(fv_config_key_find("train"));
}

FV_TEST(config, later_origins_go_before_earlier_ones)
{
    fixture f;
    start(&f);
    assert_true(fv_config_integer(f.config, "train.epochs") == 10);
    assert_string_equal(fv_config_origin_text(f.config, "train.epochs"), "default");
    assert_int_equal(fv_config_put(f.config, "train.epochs", "5", FV_FROM_OPTION), FV_OK);
    assert_int_equal(fv_config_put(f.config, "train.epochs", "6", FV_FROM_RECIPE), FV_OK);
    assert_int_equal(read_text(&f, "train: {epochs: 7, batch: 0x20}\n"), FV_OK);
    assert_true(fv_config_integer(f.config, "train.epochs") == 5);
    assert_true(fv_config_integer(f.config, "train.batch") == 32);
    assert_string_equal(fv_config_text(f.config, "train.batch"), "32");
    assert_non_null(strstr(fv_config_origin_text(f.config, "train.batch"), "e.yaml:1:27"));
    assert_int_equal(fv_config_set(f.config, "train.epochs=8"), FV_OK);
    assert_int_equal(fv_config_origin_of(f.config, "train.epochs"), FV_FROM_SETTING);
    assert_int_equal(fv_config_put(f.config, "train.epochs", "9", FV_FROM_OPTION), FV_OK); /* equals: the last word */
    assert_true(fv_config_real(f.config, "train.epochs") == 9);
    /* What does not count is checked all the same. */
    assert_int_equal(fv_config_put(f.config, "train.epochs", "none", FV_FROM_RECIPE), FV_ERR_ARGUMENT);
    finish(&f);
}

FV_TEST(config, types_are_read)
{
    fixture f;
    start(&f);
    assert_int_equal(fv_config_set(f.config, "model.input=3x32x24"), FV_OK);
    const fv_image_shape shape = fv_config_shape(f.config, "model.input");
    assert_true(shape.c == 3 && shape.h == 32 && shape.w == 24);
    assert_int_equal(fv_config_set(f.config, "augment.flip=true"), FV_OK);
    assert_true(fv_config_flag(f.config, "augment.flip"));
    assert_int_equal(fv_config_set(f.config, "schedule.kind=constant"), FV_OK);
    assert_true(fv_config_integer(f.config, "schedule.kind") == 1);
    assert_int_equal(fv_config_set(f.config, "optimizer.lr=.5e-1"), FV_OK);
    assert_true(fv_config_real(f.config, "optimizer.lr") == 0.05);
    assert_null(fv_config_text(f.config, "train.choices"));
    assert_null(fv_config_text(f.config, "no.key"));
    finish(&f);
}

FV_TEST(config, amounts_of_memory_have_units)
{
    static const struct {
        const char *text;
        double bytes; /* 0: refused */
    } cases[] = { { "4096", 4096 },   { "2G", 2e9 },      { "2GB", 2e9 },  { "1.5GiB", 1.5 * 1073741824.0 },
                  { "512k", 512000 }, { "3Ki", 3072 },    { "1b", 1 },     { "2GG", 0 },
                  { "", 0 },          { "-1", 0 },        { "1e3", 0 },    { "G", 0 },
                  { "2 G", 0 },       { "99999999T", 0 }, { "1.2.3G", 0 }, { "0", 0 } };
    const fv_config_key key = { .key = "x.y", .type = FV_CONFIG_BYTES, .value = "SIZE", .low = 1, .high = 9e15 };
    char why[FVI_CONFIG_WHY];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fvi_config_value value = { 0 };
        assert_true(fvi_config_read_value(&key, cases[i].text, &value, why) == (cases[i].bytes > 0));
        assert_true(cases[i].bytes == 0 || ((double)value.integer == cases[i].bytes && value.real == cases[i].bytes));
    }
}

/* What is wrong, where, and a word that the message must hold. */
FV_TEST(config, mistakes_are_told_with_their_place)
{
    static const struct {
        const char *text, *place, *word;
    } cases[] = {
        { "train:\n  epocs: 3\n", ":2:3: ", "did you mean 'epochs'" },
        { "trian: {epochs: 3}\n", ":1:1: ", "did you mean 'train'" },
        { "train:\n  lr: 3\n", ":2:3: ", "did you mean 'optimizer.lr'" },
        { "epochs: 3\n", ":1:1: ", "did you mean 'train.epochs'" },
        { "zzzzzz: 3\n", ":1:1: ", "known: model, data" },
        { "train: {epochs: ten}\n", ":1:17: ", "whole number from 1 to 100000" },
        { "train: {epochs: 2.5}\n", ":1:17: ", "'2.5' is not a whole number" },
        { "train: {epochs: \"3\"}\n", ":1:17: ", "in quotes is a text; write 3" },
        { "train: {epochs: 0}\n", ":1:17: ", "from 1 to" },
        { "train: {epochs: [1, 2]}\n", ":1:17: ", "a single value is meant, not a list" },
        { "train: {epochs: {a: 2}}\n", ":1:17: ", "not a map" },
        { "train: {epochs: 1, epochs: 2}\n", ":1:20: ", "given twice" },
        { "train: 5\n", ":1:8: ", "must be a map of keys" },
        { "train:\n- epochs\n", ":2:1: ", "must be a map of keys, not a list" },
        { "optimizer: {lr: .inf}\n", ":1:17: ", "'.inf' is not a number" },
        { "optimizer:\n  lr: 0,5\n", ":2:7: ", "'0,5' is not a number" },
        { "optimizer: {lr: true}\n", ":1:17: ", "'true' is not a number" },
        { "schedule: cosin\n", ":1:11: ", "did you mean 'cosine'" },
        { "augment: {flip: yes}\n", ":1:17: ", "neither true nor false" },
        { "model: {input: [3, 32]}\n", ":1:16: ", "3x32x32" },
        { "model: {input: [3, 32, [1]]}\n", ":1:24: ", "single values" },
        { "model: {network: ''}\n", ":1:18: ", "empty" },
        { "model: &a lenet5\n", ":1:8: ", "anchors" },
        { "train: {seed: 99999999999999999999}\n", ":1:15: ", "whole number" },
        { "train: {epochs: 3\n", ":", "invalid YAML" },
        { "- train\n", ":1:1: ", "must be a map" },
        { "", ":1:1: ", "empty" },
        { "a: 1\n---\nb: 2\n", ":2:1: ", "second document" },
    };
    fixture f;
    start(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (read_text(&f, cases[i].text) == FV_OK)
            fail_msg("case %zu is taken", i);
        const char *message = fv_context_message(f.context);
        if (strstr(message, cases[i].place) == NULL || strstr(message, cases[i].word) == NULL)
            fail_msg("case %zu: %s", i, message);
        assert_int_equal(strncmp(message, f.path, strlen(f.path)), 0);
    }
    assert_int_equal(fv_config_read_yaml(f.config, "/nowhere/e.yaml"), FV_ERR_NOT_FOUND);
    finish(&f);
}

FV_TEST(config, sections_take_their_main_value_and_lists)
{
    fixture f;
    start(&f);
    assert_int_equal(read_text(&f, "model: lenet5\ndata: mnist-12k\nschedule: constant\n"), FV_OK);
    assert_string_equal(fv_config_text(f.config, "model.network"), "lenet5");
    assert_string_equal(fv_config_text(f.config, "data.source"), "mnist-12k");
    assert_int_equal(read_text(&f, "model: {input: [1, 20, 24], flags: [a, b]}\ntrain:\n"), FV_OK);
    assert_string_equal(fv_config_text(f.config, "model.input"), "1x20x24");
    assert_string_equal(fv_config_text(f.config, "model.flags"), "a,b");
    finish(&f);
}

FV_TEST(config, paths_are_relative_to_the_file)
{
    char wanted[TEST_PATH + 16];
    fixture f;
    start(&f);
    assert_int_equal(read_text(&f, "model: net.yaml\ndata: ../images\ntrain: {choices: /t.json}\n"), FV_OK);
    snprintf(wanted, sizeof wanted, "%s/net.yaml", f.folder);
    assert_string_equal(fv_config_text(f.config, "model.network"), wanted);
    snprintf(wanted, sizeof wanted, "%s/../images", f.folder);
    assert_string_equal(fv_config_text(f.config, "data.source"), wanted);
    assert_string_equal(fv_config_text(f.config, "train.choices"), "/t.json");
    finish(&f);
}

FV_TEST(config, what_is_written_reads_back)
{
    char written[TEST_PATH], cwd[PATH_MAX];
    fixture f;
    fv_config *back = NULL;
    start(&f);
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_int_equal(read_text(&f, "model: lenet5\noptimizer: {lr: 0.3}\n"), FV_OK);
    assert_int_equal(fv_config_set(f.config, "data.source=some where/\"quoted\": #1"), FV_OK);
    assert_int_equal(fv_config_set(f.config, "augment.flip=true"), FV_OK);
    assert_int_equal(fv_config_set(f.config, "model.input=1x28x28"), FV_OK);
    test_path(written, f.folder, "config.yaml");
    assert_int_equal(fv_config_write(f.config, written), FV_OK);
    assert_int_equal(fv_config_create(&back, f.context), FV_OK);
    if (fv_config_read_yaml(back, written) != FV_OK)
        fail_msg("%s", fv_context_message(f.context));
    for (int32_t i = 0; i < fv_config_key_count(); i++) {
        const fv_config_key *key = fv_config_key_at(i);
        const char *one = fv_config_text(f.config, key->key), *other = fv_config_text(back, key->key);
        assert_true((one == NULL) == (other == NULL));
        if (one != NULL && key->type != FV_CONFIG_DATA)
            assert_string_equal(one, other);
    }
    const char *source = fv_config_text(back, "data.source"); /* absolute now */
    assert_int_equal(strncmp(source, cwd, strlen(cwd)), 0);
    assert_string_equal(source + strlen(cwd), "/some where/\"quoted\": #1");
    fv_config_destroy(back);
    finish(&f);
}

FV_TEST(config, words_are_the_kinds_of_the_library)
{
    const char *const *optimizers = fv_config_key_find("optimizer.kind")->words;
    const char *const *schedules = fv_config_key_find("schedule.kind")->words;
    int32_t i = 0;
    for (; optimizers[i] != NULL; i++)
        assert_string_equal(optimizers[i], fv_optimizer_kind_name((fv_optimizer_kind)i));
    assert_null(fv_optimizer_kind_name((fv_optimizer_kind)i));
    for (i = 0; schedules[i] != NULL; i++)
        assert_string_equal(schedules[i], fv_schedule_kind_name((fv_schedule_kind)i));
    assert_null(fv_schedule_kind_name((fv_schedule_kind)i));
}

FV_TEST(config, optimizers_and_schedules_come_through)
{
    fixture f;
    start(&f);
    assert_int_equal(read_text(&f,
                               "model: lenet5\ndata: mnist-12k\n"
                               "optimizer: {kind: adamw, beta2: 0.95, groups: ['conv1.*(frozen)', '*.bias(rate=2)']}\n"
                               "schedule: {kind: piecewise, points: '0:1 3:0.1', linear: true}\n"),
                     FV_OK);
    fv_config_settle(f.config);
    const fv_train_options options = fv_config_train_options(f.config);
    assert_int_equal(options.optimizer.kind, FV_OPTIMIZER_ADAMW);
    assert_true(options.optimizer.beta2 == 0.95 && options.optimizer.momentum == 0);
    assert_string_equal(options.optimizer.groups, "conv1.*(frozen),*.bias(rate=2)");
    assert_int_equal(options.schedule.kind, FV_SCHEDULE_PIECEWISE);
    assert_true(options.schedule.rate == 0.001 && options.schedule.linear); /* AdamW's own rate */
    assert_string_equal(options.schedule.points, "0:1 3:0.1");
    assert_string_equal(fv_config_text(f.config, "optimizer.lr"), "0.001");
    finish(&f);
    start(&f);
    assert_int_equal(fv_config_set(f.config, "optimizer.kind=rmsprop"), FV_OK);
    assert_int_equal(fv_config_set(f.config, "optimizer.momentum=0.5"), FV_OK);
    assert_int_equal(fv_config_put(f.config, "optimizer.lr", "0.05", FV_FROM_RECIPE), FV_OK); /* of sgd */
    fv_config_settle(f.config);
    assert_true(fv_config_real(f.config, "optimizer.momentum") == 0.5);
    assert_true(fv_config_real(f.config, "optimizer.lr") == 0.001);
    finish(&f);
    start(&f); /* a recipe's own optimizer: its rate counts, and sgd's momentum does not */
    assert_int_equal(fv_config_put(f.config, "optimizer.kind", "adadelta", FV_FROM_RECIPE), FV_OK);
    assert_int_equal(fv_config_put(f.config, "optimizer.lr", "0.5", FV_FROM_RECIPE), FV_OK);
    fv_config_settle(f.config);
    assert_true(fv_config_real(f.config, "optimizer.momentum") == 0);
    assert_true(fv_config_real(f.config, "optimizer.lr") == 0.5);
    finish(&f);
    for (int order = 0; order < 2;
         order++) { /* sgd instead of it: neither its rate nor its momentum, whichever is read first */
        start(&f);
        if (order == 0)
            assert_int_equal(fv_config_set(f.config, "optimizer.kind=sgd"), FV_OK);
        assert_int_equal(fv_config_put(f.config, "optimizer.kind", "adadelta", FV_FROM_RECIPE), FV_OK);
        assert_int_equal(fv_config_put(f.config, "optimizer.lr", "1", FV_FROM_RECIPE), FV_OK);
        assert_int_equal(fv_config_put(f.config, "optimizer.momentum", "0", FV_FROM_RECIPE), FV_OK);
        if (order == 1)
            assert_int_equal(fv_config_set(f.config, "optimizer.kind=sgd"), FV_OK);
        fv_config_settle(f.config);
        assert_true(fv_config_real(f.config, "optimizer.momentum") == 0.9);
        assert_true(fv_config_real(f.config, "optimizer.lr") == fv_optimizer_kind_rate(FV_OPTIMIZER_SGD));
        finish(&f);
    }
}

FV_TEST(config, a_list_of_transforms_replaces_the_recipes_moves)
{
    fixture f;
    for (int given = 0; given < 2; given++) {
        start(&f);
        assert_int_equal(fv_config_put(f.config, "augment.shift", "2", FV_FROM_RECIPE), FV_OK);
        assert_int_equal(fv_config_put(f.config, "augment.flip", "true", FV_FROM_RECIPE), FV_OK);
        assert_int_equal(fv_config_set(f.config, "augment.crop=true"), FV_OK);
        if (given == 1)
            assert_int_equal(fv_config_set(f.config, "augment.transforms=rotate(degrees=10)"), FV_OK);
        fv_config_settle(f.config);
        const fv_augment augment = fv_config_train_options(f.config).augment;
        assert_int_equal(augment.shift, given == 1 ? 0 : 2);
        assert_int_equal(augment.flip, given == 0);
        assert_true(augment.random_crop); /* the user's own */
        assert_string_equal(fv_config_text(f.config, "augment.shift"), given == 1 ? "0" : "2");
        finish(&f);
    }
}

FV_TEST(config, networks_are_told_from_experiments)
{
    static const char network[] = "input: [1, 8, 8]\nlayers: [relu]\n", experiment[] = "model: lenet5\n";
    bool is = false;
    fixture f;
    start(&f);
    test_file_write(f.folder, "e.yaml", experiment, strlen(experiment));
    assert_int_equal(fv_config_is_experiment(f.context, f.path, &is), FV_OK);
    assert_true(is);
    test_file_write(f.folder, "e.yaml", network, strlen(network));
    assert_int_equal(fv_config_is_experiment(f.context, f.path, &is), FV_OK);
    assert_false(is);
    assert_int_equal(fv_config_is_experiment(f.context, "/nowhere.yaml", &is), FV_ERR_NOT_FOUND);
    finish(&f);
}

FV_TEST(config, keys_that_exclude_each_other_are_found)
{
    fixture f;
    start(&f);
    assert_int_equal(fv_config_check(f.config), FV_ERR_ARGUMENT);
    assert_string_equal(fv_context_message(f.context), "model.network is missing");
    assert_int_equal(read_text(&f, "model: lenet5\ndata: mnist-12k\n"), FV_OK);
    assert_int_equal(fv_config_check(f.config), FV_OK);
    assert_int_equal(fv_config_set(f.config, "train.blocks=65"), FV_OK);
    assert_int_equal(fv_config_check(f.config), FV_ERR_ARGUMENT);
    assert_int_equal(fv_config_set(f.config, "train.blocks=64"), FV_OK);
    assert_int_equal(fv_config_set(f.config, "schedule.warmup=10.5"), FV_OK);
    assert_int_equal(fv_config_check(f.config), FV_ERR_ARGUMENT);
    finish(&f);
}

FV_TEST(config, a_limit_of_memory_is_none_or_an_amount)
{
    static const struct {
        const char *text;
        int64_t bytes; /* -1: none */
    } cases[] = { { "0", 0 },
                  { "1500000", 1500000 },
                  { "800MB", 800000000 },
                  { "1.5GB", 1500000000 },
                  { "1.5g", 1500000000 },
                  { "2GiB", 2147483648 },
                  { "512Mi", 536870912 },
                  { "1T", 1000000000000 },
                  { "400", -1 },
                  { "1,5GB", -1 },
                  { "-1G", -1 },
                  { "1.5 GB", -1 },
                  { "GB", -1 },
                  { "1e9", -1 },
                  { "1XB", -1 },
                  { "99999T", -1 } };
    fixture f;
    start(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const fv_status status = fv_config_put(f.config, "train.memory_limit", cases[i].text, FV_FROM_SETTING);
        assert_int_equal(status, cases[i].bytes < 0 ? FV_ERR_ARGUMENT : FV_OK);
        if (status == FV_OK)
            assert_true(fv_config_train_options(f.config).memory_limit == (size_t)cases[i].bytes);
    }
    assert_non_null(strstr(fv_context_message(f.context), "0 or an amount of memory from 1000000 bytes on"));
    finish(&f);
}

/* What the rules refuse is told where it stands in the file. */
FV_TEST(config, rules_are_told_with_the_place)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "optimizer: {kind: adam, momentum: 0.5}\n", "e.yaml:3:35: optimizer.momentum: adam: it has no momentum" },
        { "optimizer:\n  clip_value: 1\n  clip_norm: 2\n", "e.yaml:5:14: optimizer.clip_norm: sgd: clip_value is 1" },
        { "optimizer: {nesterov: true, momentum: 0}\n", "e.yaml:3:23: optimizer.nesterov: sgd: nesterov needs" },
        { "schedule:\n  kind: piecewise\n  points: 1:1\n", "e.yaml:5:11: schedule.points: schedule: points '1:1'" },
        { "train: {epochs: 3}\nschedule: {warmup: 4}\n", "e.yaml:4:20: schedule.warmup: 4 epochs" },
        { "train: {batch: 2, blocks: 3}\n", "e.yaml:3:27: train.blocks: a batch of 2" },
        { "augment: [flop]\n", "e.yaml:3:10: augment.transforms: augmentation" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture f;
        char text[256];
        start(&f);
        snprintf(text, sizeof text, "model: lenet5\ndata: mnist-12k\n%s", cases[i].text);
        assert_int_equal(read_text(&f, text), FV_OK);
        assert_int_equal(fv_config_check(f.config), FV_ERR_ARGUMENT);
        if (strstr(fv_context_message(f.context), cases[i].message) == NULL)
            fail_msg("'%s' is not in: %s", cases[i].message, fv_context_message(f.context));
        finish(&f);
    }
}

FV_TEST(config, what_is_neither_experiment_nor_network_is_named)
{
    static const char *const texts[] = { "lenet5\n", "- a\n", "3\n", "version: 3\nservices: {}\n" };
    fixture f;
    start(&f);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bool is = true;
        test_file_write(f.folder, "e.yaml", texts[i], strlen(texts[i]));
        assert_int_equal(fv_config_is_experiment(f.context, f.path, &is), FV_ERR_ARGUMENT);
        assert_false(is);
        assert_non_null(strstr(fv_context_message(f.context), "neither an experiment"));
    }
    finish(&f);
}

FV_TEST(config, memory_that_runs_out_leaves_nothing_behind)
{
    static const char text[] = "model: {network: lenet5, input: [1, 28, 28]}\ndata: mnist-12k\ntrain: {epochs: 3}\n";
    test_allocator allocator;
    test_allocator_reset(&allocator);
    const fv_context_options options = { .threads = 1, .allocator = test_allocator_callbacks(&allocator) };
    fv_context *context = NULL;
    char folder[TEST_PATH], path[TEST_PATH];
    fv_status status = FV_ERR_MEMORY;
    test_folder_make(folder);
    test_path(path, folder, "e.yaml");
    test_file_write(folder, "e.yaml", text, strlen(text));
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    const long long live = atomic_load(&allocator.live);
    for (long long successes = 0; status != FV_OK && successes < 200; successes++) {
        fv_config *config = NULL;
        char *yaml = NULL;
        test_allocator_fail_after(&allocator, successes);
        status = fv_config_create(&config, context);
        if (status == FV_OK)
            status = fv_config_read_yaml(config, path);
        if (status == FV_OK)
            status = fv_config_set(config, "train.seed=4");
        if (status == FV_OK)
            status = fv_config_to_yaml(config, &yaml);
        test_allocator_succeed(&allocator);
        assert_true(status == FV_OK || (status == FV_ERR_MEMORY && yaml == NULL));
        fv_text_release(context, yaml);
        fv_config_destroy(config);
        assert_true(atomic_load(&allocator.live) == live);
    }
    assert_int_equal(status, FV_OK);
    fv_context_destroy(context);
    test_folder_remove(folder);
}

FV_TESTS(config, the_table_is_sound, later_origins_go_before_earlier_ones, types_are_read, amounts_of_memory_have_units,
         mistakes_are_told_with_their_place, sections_take_their_main_value_and_lists, paths_are_relative_to_the_file,
         what_is_written_reads_back, words_are_the_kinds_of_the_library, optimizers_and_schedules_come_through,
         a_list_of_transforms_replaces_the_recipes_moves, networks_are_told_from_experiments,
         keys_that_exclude_each_other_are_found, a_limit_of_memory_is_none_or_an_amount, rules_are_told_with_the_place,
         what_is_neither_experiment_nor_network_is_named, memory_that_runs_out_leaves_nothing_behind)
