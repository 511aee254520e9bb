/* SPDX-License-Identifier: Apache-2.0
 *
 * pretrained_test.c - runs that begin with the values of a file: what is loaded, how images are prepared, how many classes there are, what is frozen,
 * and that such a run goes on with the same bits.
 */
#include <stdio.h>
#include <string.h>

#include "fovea/fovea.h"
#include "support/files.h"
#include "support/test.h"
#include "train/train_internal.h"

static fv_context *context;
static char folder[TEST_PATH], model[TEST_PATH];

static int setup(void **state)
{
    (void)state;
    test_folder_make(folder);
    test_path(model, folder, "model.safetensors");
    return fv_context_create(&context, &(fv_context_options){ .threads = 1 }) == FV_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fv_context_destroy(context);
    test_folder_remove(folder);
    return 0;
}

/* A run of few images; each setting is "key=value", NULL ends them. */
static fv_experiment *open_run(fv_config **config, const char *network, const char *const *settings)
{
    fv_experiment *experiment = NULL;
    assert_int_equal(fv_config_create(config, context), FV_OK);
    fv_config_put(*config, "model.network", network, FV_FROM_OPTION);
    fv_config_set(*config, "data.source=mnist-12k");
    fv_config_set(*config, "data.per_class=4");
    fv_config_set(*config, "train.epochs=1");
    fv_config_set(*config, "train.batch=20");
    for (; *settings != NULL; settings++)
        if (fv_config_set(*config, *settings) != FV_OK)
            fail_msg("%s", fv_context_message(context));
    if (fv_experiment_open(&experiment, context, *config) != FV_OK || fv_experiment_open_data(experiment) != FV_OK) {
        fv_experiment_destroy(experiment);
        experiment = NULL;
    }
    return experiment;
}

static void close_run(fv_experiment *experiment, fv_config *config)
{
    fv_experiment_destroy(experiment);
    fv_config_destroy(config);
}

static const float *values_of(const fv_experiment *experiment, const char *name)
{
    fv_params *params = fv_experiment_params(experiment);
    const int32_t index = fv_params_find(params, name);
    assert_true(index >= 0);
    return fv_params_values(params, index);
}

static void save_model(uint64_t seed, int32_t classes, fv_preprocess preprocess)
{
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    assert_int_equal(fv_zoo_build_with(&graph, context, "lenet5", &(fv_zoo_options){ .classes = classes }), FV_OK);
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    fv_params_initialize(params, seed);
    preprocess.input = (fv_image_shape){ 1, 28, 28 };
    preprocess.classes = classes;
    assert_int_equal(fv_model_write(context, model, params, &preprocess, NULL), FV_OK);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

static void a_model_of_other_classes_is_a_beginning(void **state)
{
    (void)state;
    char setting[TEST_PATH + 32];
    fv_config *config = NULL;
    const char *const settings[] = { setting, "model.freeze=*,!fc3", NULL };
    snprintf(setting, sizeof setting, "model.pretrained=%s", model);
    save_model(77, 4, (fv_preprocess){ .mean = { 0.25 }, .deviation = { 0.75 } });
    fv_experiment *run = open_run(&config, "lenet5", settings);
    if (run == NULL)
        fail_msg("%s", fv_context_message(context));
    const fv_weights_report report = fv_weights_report_of(fv_experiment_pretrained(run));
    assert_int_equal(report.counts[FV_WEIGHT_HEAD], 2);
    assert_int_equal(report.counts[FV_WEIGHT_LOADED], 8);
    assert_true(fv_experiment_options(run)->preprocess.mean[0] == 0.25);
    assert_true(fv_experiment_options(run)->preprocess.deviation[0] == 0.75);
    assert_int_equal(fv_experiment_options(run)->preprocess.classes, 10);
    const float before = values_of(run, "conv1.weight")[0], head = values_of(run, "fc3.weight")[0];
    assert_int_equal(fv_experiment_start(run), FV_OK);
    assert_int_equal(fv_trainer_epoch(fv_experiment_trainer(run), NULL), FV_OK);
    assert_true(values_of(run, "conv1.weight")[0] == before);
    assert_true(values_of(run, "fc3.weight")[0] != head);
    close_run(run, config);
}

/* A network that is a model itself. */
static void a_model_gets_another_head(void **state)
{
    (void)state;
    fv_config *config = NULL;
    save_model(77, 4, (fv_preprocess){ .mean = { 0.25 } });
    fv_experiment *run = open_run(&config, model, (const char *const[]){ "model.head=10", NULL });
    if (run == NULL)
        fail_msg("%s", fv_context_message(context));
    assert_int_equal(fv_weights_report_of(fv_experiment_pretrained(run)).counts[FV_WEIGHT_LOADED], 8);
    assert_int_equal(fv_config_integer(config, "model.classes"), 10);
    close_run(run, config);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *network, *setting, *says;
    } cases[] = {
        { "mlp-mnist", "", "does not fit network 'mlp-mnist'" },
        { "lenet5", "model.freeze=conv9", "model.freeze (--set): freezing: 'conv9' matches no parameter" },
        { "lenet5", "model.initial=lsuv", "model.initial (--set)" },
        { "lenet5", "model.classes=3", "3 classes" },
    };
    char setting[TEST_PATH + 32];
    snprintf(setting, sizeof setting, "model.pretrained=%s", model);
    save_model(77, 4, (fv_preprocess){ .mean = { 0.25 } });
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_config *config = NULL;
        const char *const settings[] = { setting, cases[i].setting[0] != '\0' ? cases[i].setting : NULL, NULL };
        fv_experiment *run = open_run(&config, cases[i].network, settings);
        if (run != NULL || strstr(fv_context_message(context), cases[i].says) == NULL)
            fail_msg("%s %s: %s", cases[i].network, cases[i].setting, fv_context_message(context));
        close_run(run, config);
    }
}

static void imagenet_is_prepared_as_torchvision_does(void **state)
{
    (void)state;
    fv_graph *graph = NULL;
    fv_params *params = NULL;
    fv_weights *weights = NULL;
    assert_int_equal(fv_zoo_build(&graph, context, "lenet5"), FV_OK); /* any file of another program */
    assert_int_equal(fv_params_create(&params, graph, FV_F32), FV_OK);
    assert_int_equal(fv_weights_write(params, model, FV_WEIGHTS_SAFETENSORS), FV_OK);
    assert_int_equal(fv_weights_open(&weights, context, model), FV_OK);
    fv_preprocess wide = { .input = { 3, 224, 224 }, .resize = 224 }, own = { .input = { 1, 28, 28 }, .mean = { 0.5 } },
                  high = { .input = { 3, 299, 299 }, .resize = 299 };
    fvi_pretrained_preprocess(&wide, weights, fv_zoo_find("resnet-18"));
    assert_true(wide.mean[0] == 0.485 && wide.deviation[2] == 0.225 && wide.resize == 256);
    fvi_pretrained_preprocess(&high, weights, fv_zoo_find("inception-v3"));
    assert_true(high.mean[0] == 0.5 && high.deviation[2] == 0.5 && high.resize == 342);
    fvi_pretrained_preprocess(&own, weights, fv_zoo_find("lenet5"));
    assert_true(own.mean[0] == 0.5 && own.resize == 0);
    fv_weights_close(weights);
    fv_params_destroy(params);
    fv_graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_model_of_other_classes_is_a_beginning, setup, teardown),
        cmocka_unit_test_setup_teardown(a_model_gets_another_head, setup, teardown),
        cmocka_unit_test_setup_teardown(mistakes_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(imagenet_is_prepared_as_torchvision_does, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
