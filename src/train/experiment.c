/* SPDX-License-Identifier: Apache-2.0
 *
 * experiment.c - from a config to a run: network and recipe, data, initial values, memory, trainer.
 */
#include "fovea/experiment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "fovea/lsuv.h"
#include "fovea/weights.h"
#include "optim/rules.h"
#include "train/config/config_internal.h"
#include "train/train_internal.h"

enum { MOST_NAMES = 1024 };

struct fv_experiment {
    fv_context *context;
    fv_config *config;
    fv_network network;
    fv_weights *pretrained; /* NULL: none */
    fv_dataset *train, *test;
    bool derived;           /* both are as the config wants them */
    const char *test_split; /* what test is */
    fv_params *params;
    fv_train_options options;
    fv_trainer *trainer;
    const char *class_names[MOST_NAMES];
};

fv_context_options fv_experiment_context_options(const fv_config *config)
{
    const char *precision = fv_config_text(config, "train.precision");
    return (fv_context_options){ .threads = (int32_t)fv_config_integer(config, "train.threads"),
                                 .emulate_bf16 = precision != NULL && strcmp(precision, "bf16-emulated") == 0 };
}

/* What failed on config is told by its context; where that is another one, this one tells it too. */
static fv_status of_config(fv_experiment *e, fv_status status)
{
    if (status != FV_OK && e->config->context != e->context)
        return fvi_fail(e->context, status, "%s", fv_context_message(e->config->context));
    return status;
}

static fv_status read_recipe(fv_experiment *e, const char *network)
{
    const char *recipe = fv_config_text(e->config, "model.recipe");
    return of_config(e, fv_config_read_recipe(e->config, network, recipe != NULL ? recipe : "default"));
}

/* What was left open, as the network has it. */
static fv_status adopt_network(fv_experiment *e)
{
    char text[64];
    const fv_graph *graph = e->network.graph;
    const fv_image_shape input = fv_graph_node(graph, fv_graph_input(graph)).output;
    snprintf(text, sizeof text, "%lld", (long long)fvi_graph_classes(graph));
    FV_TRY(of_config(e, fv_config_put(e->config, "model.classes", text, FV_FROM_NETWORK)));
    snprintf(text, sizeof text, "%dx%dx%d", input.c, input.h, input.w);
    FV_TRY(of_config(e, fv_config_put(e->config, "model.input", text, FV_FROM_NETWORK)));
    if (e->network.entry != NULL && e->network.entry->default_flags != NULL)
        FV_TRY(of_config(e, fv_config_put(e->config, "model.flags", e->network.entry->default_flags, FV_FROM_NETWORK)));
    return FV_OK;
}

/* Groups name parameters of the network: that they can be read is known before any data are touched. */
static fv_status check_groups(fv_experiment *e)
{
    fv_params *params = NULL;
    if (e->options.optimizer.groups == NULL)
        return FV_OK;
    FV_TRY(fv_params_create(&params, e->network.graph, FV_F32));
    const size_t count = (size_t)fv_params_count(params);
    fvi_group *groups = fvi_allocate_zeroed(e->context, count, sizeof *groups);
    const fv_status status = groups != NULL ? fvi_groups_read(params, &e->options.optimizer, groups)
                                            : fvi_out_of_memory(e->context, "groups", count * sizeof *groups);
    fvi_release(e->context, groups);
    fv_params_destroy(params);
    if (status == FV_ERR_ARGUMENT)
        return of_config(e, fvi_config_fail_at(e->config, "optimizer.groups", status, fv_context_message(e->context)));
    return status;
}

/* The network that config names, for these classes, or for those that config says; frozen where it shall be. */
static fv_status build_network(fv_experiment *e, int32_t classes)
{
    const char *name = fv_config_text(e->config, "model.network"), *freeze = fv_config_text(e->config, "model.freeze");
    const bool head = fv_config_text(e->config, "model.head") != NULL;
    fv_network_options options = { .input = fv_config_shape(e->config, "model.input"),
                                   .classes = classes,
                                   .new_head = head || e->pretrained != NULL,
                                   .flags = fv_config_text(e->config, "model.flags") };
    if (classes == 0)
        options.classes = (int32_t)fv_config_integer(e->config, head ? "model.head" : "model.classes");
    fv_network_close(&e->network);
    FV_TRY(fv_network_open(&e->network, e->context, name, &options));
    if (freeze == NULL)
        return FV_OK;
    fv_graph *graph = e->network.owned != NULL ? e->network.owned : fv_model_graph(e->network.model);
    const fv_status status = fv_graph_freeze(graph, freeze);
    if (status == FV_ERR_ARGUMENT)
        return of_config(e, fvi_config_fail_at(e->config, "model.freeze", status, fv_context_message(e->context)));
    return status;
}

/* The file that the run begins with: that of pretrained, or a model that gets another classifier. */
static fv_status open_pretrained(fv_experiment *e)
{
    const char *path = fv_config_text(e->config, "model.pretrained");
    const bool head = fv_config_text(e->config, "model.head") != NULL;
    if (path == NULL && e->network.model != NULL && (e->network.owned != NULL || head))
        path = fv_config_text(e->config, "model.network");
    if (path == NULL || e->pretrained != NULL)
        return FV_OK;
    return fv_weights_open(&e->pretrained, e->context, path);
}

static fv_status open_network(fv_experiment *e)
{
    const char *name = fv_config_text(e->config, "model.network");
    if (name == NULL)
        return of_config(e, fv_config_check(e->config));
    if (fv_zoo_find(name) != NULL) { /* of a file it is told first whether it is a network at all */
        FV_TRY(read_recipe(e, name));
        FV_TRY(of_config(e, fv_config_check(e->config)));
    }
    FV_TRY(build_network(e, 0));
    /* A description or model of a network of the zoo has its recipe, too. */
    if (e->network.entry == NULL)
        FV_TRY(read_recipe(e, fv_graph_name(e->network.graph)));
    FV_TRY(adopt_network(e));
    FV_TRY(of_config(e, fv_config_check(e->config)));
    FV_TRY(open_pretrained(e));
    fv_config_settle(e->config);
    e->options = fv_config_train_options(e->config);
    return check_groups(e);
}

/* Where a file of weights is given and no number of classes, it is the data's. */
static fv_status adopt_classes(fv_experiment *e)
{
    const int32_t classes = fv_dataset_classes(e->train);
    const bool open = e->pretrained != NULL && fv_config_text(e->config, "model.head") == NULL &&
                      fv_config_origin_of(e->config, "model.classes") <= FV_FROM_RECIPE;
    if (!open || classes < 1 || classes == fvi_graph_classes(e->network.graph))
        return FV_OK;
    FV_TRY(build_network(e, classes));
    return adopt_network(e);
}

fv_status fv_experiment_open(fv_experiment **out, fv_context *context, fv_config *config)
{
    *out = NULL;
    fv_experiment *e = fvi_allocate_zeroed(context, 1, sizeof *e);
    if (e == NULL)
        return fvi_out_of_memory(context, "an experiment", sizeof *e);
    e->context = context;
    e->config = config;
    const fv_status status = open_network(e);
    if (status != FV_OK) {
        fv_experiment_destroy(e);
        return status;
    }
    *out = e;
    return FV_OK;
}

void fv_experiment_destroy(fv_experiment *experiment)
{
    if (experiment == NULL)
        return;
    fv_trainer_destroy(experiment->trainer);
    fv_params_destroy(experiment->params);
    fv_dataset_destroy(experiment->train);
    fv_dataset_destroy(experiment->test);
    fv_network_close(&experiment->network);
    fv_weights_close(experiment->pretrained);
    fvi_release(experiment->context, experiment);
}

/* The validation images where there are some, else the test images, else nothing. */
static fv_status open_measured(fv_experiment *e, const char *where)
{
    fv_status status = fv_dataset_open(&e->test, e->context, where, FV_SPLIT_VALIDATION);
    e->test_split = "validation";
    if (status == FV_ERR_NOT_FOUND) {
        status = fv_dataset_open(&e->test, e->context, where, FV_SPLIT_TEST);
        e->test_split = "test";
    }
    if (status != FV_ERR_NOT_FOUND || fv_dataset_image(e->train, 0) != NULL)
        return status;
    fvi_log_message(e->context, FV_LOG_WARNING, "%s; nothing is measured beside the training images",
                    fv_context_message(e->context));
    return FV_OK;
}

static void make_preprocess(fv_experiment *e)
{
    fv_preprocess *preprocess = &e->options.preprocess;
    const bool decode_whole = preprocess->decode_whole;
    if (e->network.model != NULL && e->pretrained == NULL) {
        *preprocess = *fv_model_preprocess(e->network.model);
        if (fv_config_origin_of(e->config, "data.decode") != FV_FROM_DEFAULT)
            preprocess->decode_whole = decode_whole;
        return;
    }
    *preprocess = fv_preprocess_fit(e->network.graph, e->train);
    preprocess->decode_whole = decode_whole;
    if (e->pretrained != NULL)
        fvi_pretrained_preprocess(preprocess, e->pretrained, e->network.entry);
    if (preprocess->classes > MOST_NAMES)
        return;
    for (int32_t i = 0; i < preprocess->classes; i++)
        e->class_names[i] = fv_dataset_class_name(e->train, i);
    if (e->class_names[0] != NULL)
        preprocess->class_names = e->class_names;
}

/* A class without a single image cannot be learned; mostly a folder was mistyped or left empty. */
static fv_status warn_of_empty_classes(fv_experiment *e)
{
    const int32_t classes = fv_dataset_classes(e->train);
    if (classes <= 0)
        return FV_OK;
    int64_t *counts = fvi_allocate_zeroed(e->context, (size_t)classes, sizeof *counts);
    if (counts == NULL)
        return fvi_out_of_memory(e->context, "a count per class", (size_t)classes * sizeof *counts);
    fv_experiment_count_classes(e, counts);
    int32_t empty = 0, first = -1;
    for (int32_t i = 0; i < classes; i++) {
        first = counts[i] == 0 && first < 0 ? i : first;
        empty += counts[i] == 0;
    }
    fvi_release(e->context, counts);
    if (empty == 0)
        return FV_OK;
    const char *name = fv_dataset_class_name(e->train, first);
    fvi_log_message(e->context, FV_LOG_WARNING,
                    "data set '%s': %d of %d classes have no training image; the first is %d%s%s%s",
                    fv_dataset_name(e->train), empty, classes, first, name != NULL ? " ('" : "",
                    name != NULL ? name : "", name != NULL ? "')" : "");
    return FV_OK;
}

/* The part of the set that is wanted, its labels and pixels as they are wanted, in its place. */
static fv_status derive_data(fv_experiment *e, fv_dataset **dataset, bool training)
{
    const fv_derive_options options = fv_config_derive_options(e->config, training);
    fv_dataset *derived = NULL;
    const bool part = options.per_class > 0 || (options.fraction > 0 && options.fraction < 1);
    if (*dataset == NULL || (!part && !(options.label_noise > 0) && options.pixels == FV_PIXELS_KEPT))
        return FV_OK;
    FV_TRY(fv_dataset_derive(&derived, e->context, *dataset, &options));
    fv_dataset_destroy(*dataset);
    *dataset = derived;
    return FV_OK;
}

/* Biases of layers with weights. */
static void set_biases(fv_params *params, float value)
{
    for (int32_t i = 1; i < fv_params_count(params); i++) {
        const fv_param_info info = fv_params_info(params, i), before = fv_params_info(params, i - 1);
        float *values = fv_params_values(params, i);
        for (int64_t j = 0;
             info.trained && !info.decayed && before.decayed && before.node == info.node && j < info.elements; j++)
            values[j] = value;
    }
}

static fv_status run_lsuv(fv_experiment *e)
{
    fv_train_options alone = e->options; /* without workers */
    fvi_run_transforms transforms = { .training = NULL };
    fv_loader *loader = NULL;
    fv_batch batch;
    alone.workers = 0;
    alone.batch = (e->options.batch + e->options.blocks - 1) / e->options.blocks;
    fv_status status = fvi_run_loader(&loader, &transforms, e->context, &alone, e->train);
    if (status == FV_OK) {
        status = fv_loader_next(loader, &batch);
        if (status != FV_OK)
            status = fvi_fail(e->context, status, "%s", fv_loader_message(loader));
    }
    if (status == FV_OK)
        status = fv_params_lsuv(e->params, &batch, &(fv_lsuv_options){ .seed = e->options.seed });
    fv_loader_destroy(loader);
    fvi_run_transforms_close(&transforms);
    return status;
}

static fv_status load_pretrained(fv_experiment *e)
{
    const fv_weights_options options = { .fresh_head = fv_config_text(e->config, "model.head") != NULL,
                                         .layout = (fv_weights_layout)fv_config_integer(e->config, "model.layout"),
                                         .partial = fv_config_flag(e->config, "model.partial") };
    const fv_status status = fv_weights_load(e->params, e->pretrained, &options);
    if (status != FV_ERR_SHAPE)
        return status;
    const bool said = fv_config_text(e->config, "model.pretrained") != NULL; /* or it is the network's own file */
    return of_config(e, fvi_config_fail_at(e->config, said ? "model.pretrained" : "model.network", FV_ERR_ARGUMENT,
                                           fv_context_message(e->context)));
}

static fv_status make_initial(fv_experiment *e)
{
    const bool lsuv = fv_config_integer(e->config, "model.initial") == 1;
    const bool bias = fv_config_text(e->config, "model.initial_bias") != NULL;
    if ((e->network.model != NULL || e->pretrained != NULL) && (lsuv || bias))
        return fvi_fail(e->context, FV_ERR_ARGUMENT,
                        "%s (%s): training goes on from the values of a model or of a file of weights",
                        lsuv ? "model.initial" : "model.initial_bias",
                        fv_config_origin_text(e->config, lsuv ? "model.initial" : "model.initial_bias"));
    if (e->network.model != NULL && e->pretrained == NULL)
        return fv_params_copy(e->params, fv_model_params(e->network.model));
    fv_params_initialize(e->params, e->options.seed);
    if (e->pretrained != NULL)
        return load_pretrained(e);
    if (bias)
        set_biases(e->params, (float)fv_config_real(e->config, "model.initial_bias"));
    return lsuv ? run_lsuv(e) : FV_OK;
}

fv_status fv_experiment_open_data(fv_experiment *experiment)
{
    fv_experiment *e = experiment;
    const char *where = fv_config_text(e->config, "data.source");
    if (e->params != NULL)
        return FV_OK;
    if (e->train == NULL)
        FV_TRY(fv_dataset_open(&e->train, e->context, where, FV_SPLIT_TRAIN));
    if (e->test == NULL)
        FV_TRY(open_measured(e, where));
    if (!e->derived) {
        FV_TRY(derive_data(e, &e->train, true));
        FV_TRY(derive_data(e, &e->test, false));
        e->derived = true;
    }
    FV_TRY(adopt_classes(e));
    make_preprocess(e);
    FV_TRY(fvi_check_run(e->network.graph, e->train, &e->options));
    FV_TRY(warn_of_empty_classes(e));
    FV_TRY(fv_params_create(&e->params, e->network.graph, FV_F32));
    return make_initial(e);
}

static size_t data_bytes(const fv_dataset *dataset)
{
    if (dataset == NULL || fv_dataset_count(dataset) < 1 || fv_dataset_image(dataset, 0) == NULL)
        return 0;
    const fv_image_shape shape = fv_dataset_shape(dataset);
    return (size_t)fv_dataset_count(dataset) * ((size_t)shape.c * (size_t)shape.h * (size_t)shape.w + sizeof(int32_t));
}

fv_status fv_experiment_memory(fv_experiment *experiment, fv_memory *memory, size_t *data)
{
    if (data != NULL)
        *data = data_bytes(experiment->train) + data_bytes(experiment->test);
    return fv_training_memory(experiment->network.graph, &experiment->options, memory);
}

/* Whether the run fits into `limit` bytes with these blocks, values computed again where that is needed; keeps the options then.
 * *least: the smallest total seen. */
static bool fits_in(fv_experiment *e, size_t limit, int32_t blocks, size_t *least)
{
    fv_memory memory;
    const fv_train_options before = e->options;
    e->options.blocks = blocks;
    if (fv_training_memory(e->network.graph, &e->options, &memory) == FV_OK) {
        *least = memory.total < *least ? memory.total : *least;
        if (memory.total <= limit)
            return true;
        const size_t others = memory.total - memory.session;
        if (others < limit && !e->options.no_repeat) {
            const size_t wanted = limit - others;
            e->options.memory_limit =
                before.memory_limit > 0 && before.memory_limit < wanted ? before.memory_limit : wanted;
            if (fv_training_memory(e->network.graph, &e->options, &memory) == FV_OK && memory.total <= limit)
                return true;
        }
    }
    e->options = before;
    return false;
}

fv_status fv_experiment_fit(fv_experiment *experiment)
{
    fv_experiment *e = experiment;
    const size_t limit = (size_t)fv_config_integer(e->config, "train.memory");
    const size_t data = data_bytes(e->train) + data_bytes(e->test);
    const int32_t given = e->options.blocks;
    size_t least = SIZE_MAX - data;
    if (limit == 0)
        return FV_OK;
    for (int32_t blocks = given; data < limit;) {
        if (fits_in(e, limit - data, blocks, &least))
            break;
        if (blocks >= e->options.batch) {
            blocks = 0;
            e->options.blocks = 0;
            break;
        }
        blocks = blocks > e->options.batch / 2 ? e->options.batch : 2 * blocks;
    }
    if (data >= limit || e->options.blocks == 0) {
        e->options.blocks = given;
        if (least + data == SIZE_MAX)
            return fvi_fail(e->context, FV_ERR_MEMORY,
                            "train.memory (%s): %.1f MB are less than the data alone take, %.1f MB",
                            fv_config_origin_text(e->config, "train.memory"), (double)limit / 1e6, (double)data / 1e6);
        return fvi_fail(e->context, FV_ERR_MEMORY,
                        "train.memory (%s): the run does not fit into %.1f MB; image by image it takes %.1f MB",
                        fv_config_origin_text(e->config, "train.memory"), (double)limit / 1e6,
                        (double)(least + data) / 1e6);
    }
    if (e->options.blocks == given)
        return FV_OK;
    char text[16];
    const int32_t of_key = e->options.blocks / (int32_t)fv_config_integer(e->config, "train.accumulate");
    fvi_config_value value = { .integer = of_key, .real = of_key, .origin = FV_FROM_SETTING };
    snprintf(text, sizeof text, "%d", (int)of_key);
    fvi_log_message(
        e->context, FV_LOG_WARNING,
        "to fit into train.memory a batch of %d is computed as %d blocks, one after another; sums have another "
        "order%s",
        (int)e->options.batch, (int)e->options.blocks,
        fvi_graph_has_statistics(e->network.graph) ? ", and batch norm sees a block at a time" : "");
    return of_config(
        e, fvi_config_keep(e->config, fvi_config_index("train.blocks"), text, value, "to fit into train.memory"));
}

fv_status fv_experiment_start(fv_experiment *experiment)
{
    fv_experiment *e = experiment;
    FV_TRY(fv_experiment_open_data(e));
    FV_TRY(fv_experiment_fit(e));
    fv_trainer_destroy(e->trainer);
    e->trainer = NULL;
    return fv_trainer_create(&e->trainer, e->network.graph, e->params, e->train, e->test, &e->options);
}

fv_trainer *fv_experiment_trainer(const fv_experiment *experiment)
{
    return experiment->trainer;
}

const fv_network *fv_experiment_network(const fv_experiment *experiment)
{
    return &experiment->network;
}

fv_weights *fv_experiment_pretrained(const fv_experiment *experiment)
{
    return experiment->pretrained;
}

fv_params *fv_experiment_params(const fv_experiment *experiment)
{
    return experiment->params;
}

const fv_dataset *fv_experiment_train_data(const fv_experiment *experiment)
{
    return experiment->train;
}

const fv_dataset *fv_experiment_test_data(const fv_experiment *experiment)
{
    return experiment->test;
}

const char *fv_experiment_test_split(const fv_experiment *experiment)
{
    return experiment->test != NULL ? experiment->test_split : NULL;
}

fv_train_options *fv_experiment_options(fv_experiment *experiment)
{
    return &experiment->options;
}

void fv_experiment_count_classes(const fv_experiment *experiment, int64_t *counts)
{
    const fv_dataset *train = experiment->train;
    const int32_t classes = fv_dataset_classes(train);
    memset(counts, 0, (size_t)classes * sizeof *counts);
    for (int64_t i = 0; i < fv_dataset_count(train); i++) {
        const int32_t label = fv_dataset_label(train, i);
        if (label >= 0 && label < classes)
            counts[label]++;
    }
}

typedef struct trial_parts {
    fv_params *params;
    fvi_run_transforms transforms;
    fv_loader *loader;
    fv_plan *plan;
    fv_session *session;
    fv_blocks *blocks;    /* NULL for one */
    fv_params *gradients; /* the sum over blocks; NULL for one */
    double squares;       /* of the gradient */
} trial_parts;

static void add_squares(trial_parts *parts, int32_t parameter, const float *values, int64_t count)
{
    const fv_param_info info = fv_params_info(parts->params, parameter);
    for (int64_t i = 0; info.trained && i < (count > 0 ? count : info.elements); i++)
        parts->squares += (double)values[i] * (double)values[i];
}

static fv_status take_gradients(void *user, const fv_gradient *gradients, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        add_squares(user, gradients[i].parameter, gradients[i].values, gradients[i].count);
    return FV_OK;
}

/* Gradients of a batch as the run would compute them, and the sum of their squares. */
static fv_status try_batch(const fv_experiment *e, trial_parts *parts, const fv_batch *batch, fv_step_result *result)
{
    fv_params *gradients = parts->gradients;
    fv_status status;
    if (parts->blocks != NULL) {
        status = fv_blocks_gradients(parts->blocks, batch, 0, e->options.blocks, fvi_weight_of_batch(batch), gradients,
                                     result);
    } else {
        status = fv_session_step(parts->session, batch, result);
        gradients = fv_session_gradients(parts->session);
    }
    if (status != FV_OK)
        return fvi_fail(e->context, status, "%s", fv_session_message(parts->session));
    for (int32_t i = 0; gradients != NULL && i < fv_params_count(gradients); i++)
        add_squares(parts, i, fv_params_values(gradients, i), 0);
    return FV_OK;
}

static fv_status run_trial(fv_experiment *e, trial_parts *parts, fv_experiment_trial *trial)
{
    const fv_train_options *options = &e->options;
    const fv_plan_options plan = { .batch = (options->batch + options->blocks - 1) / options->blocks,
                                   .dtype = options->dtype,
                                   .no_repeat = options->no_repeat,
                                   .memory_limit = options->memory_limit,
                                   .hand_over = fvi_hands_over(options),
                                   .keep_packed = options->blocks > 1 };
    fv_batch batch;
    fv_step_result result;
    fv_train_options alone = *options; /* without workers */
    alone.workers = 0;
    FV_TRY(fvi_run_loader(&parts->loader, &parts->transforms, e->context, &alone, e->train));
    FV_TRY(fv_plan_create(&parts->plan, e->network.graph, &plan));
    FV_TRY(fv_session_create(&parts->session, parts->plan, e->params));
    if (options->blocks > 1) {
        FV_TRY(fv_blocks_create(&parts->blocks, parts->session, options->blocks));
        FV_TRY(fv_params_create(&parts->gradients, e->network.graph, FV_F32));
    }
    parts->params = e->params;
    fv_session_on_gradients(parts->session, take_gradients, parts);
    fv_session_set_seed(parts->session, options->seed);
    fv_loader_start(parts->loader, 0, 0);
    const double start = fvi_seconds();
    if (fv_loader_next(parts->loader, &batch) != FV_OK)
        return fvi_fail(e->context, FV_ERR_FORMAT, "%s", fv_loader_message(parts->loader));
    if (batch.n == 0)
        return fvi_fail(e->context, FV_ERR_FORMAT, "data set '%s': no image can be read", fv_dataset_name(e->train));
    FV_TRY(try_batch(e, parts, &batch, &result));
    *trial = (fv_experiment_trial){ .images = batch.n,
                                    .loss = result.weight > 0 ? result.loss / result.weight : 0,
                                    .gradient_norm = sqrt(parts->squares),
                                    .seconds = fvi_seconds() - start };
    if (!isfinite(trial->gradient_norm))
        return fvi_fail(e->context, FV_ERR_NUMERIC, "the gradient of the first batch is not finite");
    return FV_OK;
}

fv_status fv_experiment_try(fv_experiment *experiment, fv_experiment_trial *trial)
{
    trial_parts parts = { 0 };
    *trial = (fv_experiment_trial){ 0 };
    FV_TRY(fv_experiment_open_data(experiment));
    FV_TRY(fv_experiment_fit(experiment));
    fv_trainer_destroy(experiment->trainer); /* the two together would take twice the memory */
    experiment->trainer = NULL;
    const fv_status status = run_trial(experiment, &parts, trial);
    fv_params_destroy(parts.gradients);
    fv_blocks_destroy(parts.blocks);
    fv_session_destroy(parts.session);
    fv_plan_destroy(parts.plan);
    fv_loader_destroy(parts.loader);
    fvi_run_transforms_close(&parts.transforms);
    return status;
}

fv_status fv_experiment_save(fv_experiment *experiment, const char *path, const char *extra)
{
    const fv_preprocess *preprocess =
        experiment->trainer != NULL ? fv_trainer_preprocess(experiment->trainer) : &experiment->options.preprocess;
    return fv_model_write(experiment->context, path, experiment->params, preprocess, extra);
}
