/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_train.c - fovea train: one run over one network and one data set, into a run folder (run.h). Ctrl-C finishes the
 * step, saves the model and exits with 130; a second one ends the program at once.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "precision.h"
#include "progress.h"
#include "run.h"
#include "tuning.h"

typedef struct values {
    const char *out;
    bool overwrite, json;
} values;

/* What the run is to be comes from the library's table of keys (src/train/config_keys.c). */
static const cli_option options[] = {
    { "out", NULL, CLI_TEXT, "RUN", offsetof(values, out), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_FOLDER,
      "folder to write: log.jsonl, config.yaml, model.safetensors" },
    { "set", NULL, CLI_SETTING, "KEY=VALUE", 0, 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "set a value by its key, as often as needed" },
    { "overwrite", NULL, CLI_FLAG, NULL, offsetof(values, overwrite), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "replace the model of an earlier run in RUN" },
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "a JSON object per epoch, as in log.jsonl, and nothing else" },
    { 0 },
};

/* What suits a network of the zoo better than the defaults of the table above. */
static const struct {
    const char *network, *key, *value;
} network_defaults[] = {
    { "lenet5", "train.epochs", "18" },
    { "lenet5", "optimizer.lr", "0.05" },
    { "lenet5", "optimizer.decay", "0.001" },
    { "lenet5", "schedule.warmup", "1" },
    { "lenet5", "augment.shift", "2" },
    { "lenet5-1998", "train.epochs", "12" },
    { "lenet5-1998", "optimizer.lr", "0.003" },
    { "lenet5-1998", "augment.shift", "2" },
    { "convnetjs-mnist", "schedule.warmup", "1" },
    { "convnetjs-mnist", "augment.crop", "true" },
    { "convnetjs-cifar10", "augment.flip", "true" },
    { "convnetjs-cifar10", "augment.shift", "2" },
    { "convnetjs-cifar10", "schedule.warmup", "1" },
};

/* Everything one run holds; released by training_close(). */
typedef struct training {
    cli_call *call;
    const values *given;
    fv_config *config;
    fv_train_options options;
    fv_context *context;
    cli_network network;
    char classes[32], input[48]; /* the network's, as options say them */
    fv_dataset *train, *test;
    fv_params *params;
    fv_preprocess preprocess;
    const char *class_names[1024];
    fv_trainer *trainer;
    cli_run run;
    cli_tuning tuning;
} training;

/* The one trainer that a signal stops, and which signal it was: all that a handler may touch. */
static fv_trainer *volatile running;
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    caught = number;
    if (running != NULL)
        fv_trainer_stop(running);
}

/* SA_RESETHAND: the second signal finds the default action and ends the program. */
static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void training_close(training *t)
{
    running = NULL;
    fv_trainer_destroy(t->trainer);
    cli_run_close(&t->run);
    fv_params_destroy(t->params);
    fv_dataset_destroy(t->train);
    fv_dataset_destroy(t->test);
    cli_close_network(&t->network);
    cli_tuning_close(&t->tuning);
    fv_context_destroy(t->context);
}

static int context_failure(const training *t)
{
    return cli_fail(t->call->command, "%s", fv_context_message(t->context));
}

/* A value that the user left open, as the network has it. */
static void adopt(const training *t, const char *key, const char *value, fv_config_origin origin)
{
    (void)fv_config_put(t->config, key, value, origin); /* cannot fail: the value is from a table or a graph */
}

static void adopt_defaults(training *t)
{
    const fv_graph *graph = t->network.graph;
    const fv_image_shape scores = fv_graph_node(graph, fv_graph_output(graph)).output;
    for (size_t i = 0; i < sizeof network_defaults / sizeof network_defaults[0]; i++)
        if (strcmp(network_defaults[i].network, fv_graph_name(graph)) == 0)
            adopt(t, network_defaults[i].key, network_defaults[i].value, FV_FROM_RECIPE);
    snprintf(t->classes, sizeof t->classes, "%lld", (long long)scores.c * scores.h * scores.w);
    adopt(t, "model.classes", t->classes, FV_FROM_NETWORK);
    adopt(t, "model.input",
          cli_shape_text(fv_graph_node(graph, fv_graph_input(graph)).output, t->input, sizeof t->input),
          FV_FROM_NETWORK);
    if (t->network.entry != NULL && t->network.entry->default_flags != NULL)
        adopt(t, "model.flags", t->network.entry->default_flags, FV_FROM_NETWORK);
}

/* The operand: an experiment file, or the network. */
static int read_config(training *t)
{
    const char *operand = t->call->operands[0];
    const size_t length = strlen(operand);
    bool is_experiment = false;
    fv_status status = FV_OK;
    if (fv_zoo_find(operand) == NULL && length > 5 && strcmp(operand + length - 5, ".yaml") == 0)
        status = fv_config_is_experiment(t->call->config_context, operand, &is_experiment);
    if (status == FV_OK && is_experiment)
        status = fv_config_read_yaml(t->config, operand);
    else if (status == FV_OK || status == FV_ERR_NOT_FOUND) /* what is wrong with a network is told by its reader */
        status = fv_config_put(t->config, "model.network", operand, FV_FROM_OPTION);
    if (status == FV_OK)
        status = fv_config_check(t->config);
    if (status == FV_OK)
        return CLI_DONE;
    if (status == FV_ERR_IO || status == FV_ERR_MEMORY || status == FV_ERR_UNSUPPORTED)
        return cli_fail(t->call->command, "%s", fv_context_message(t->call->config_context));
    return cli_usage_error(t->call->command, "%s", fv_context_message(t->call->config_context));
}

/* What is measured after each epoch: the validation images where there are some, else the test images, else nothing. */
static int open_measured(training *t, const char *data)
{
    if (fv_dataset_open(&t->test, t->context, data, FV_SPLIT_VALIDATION) == FV_OK)
        return CLI_DONE;
    const fv_status status = fv_dataset_open(&t->test, t->context, data, FV_SPLIT_TEST);
    if (status == FV_ERR_NOT_FOUND && fv_dataset_image(t->train, 0) == NULL)
        fprintf(stderr, "fovea train: note: %s; nothing is measured beside the training images\n",
                fv_context_message(t->context));
    else if (status != FV_OK)
        return cli_fail(t->call->command, "%s", fv_context_message(t->context));
    return CLI_DONE;
}

/* Network, data and initial values. A trained model goes on from its values, with its own preprocessing. */
static int open_inputs(training *t)
{
    const char *data = fv_config_text(t->config, "data.source");
    const cli_adaptation adaptation = { .input = fv_config_text(t->config, "model.input"),
                                        .classes = fv_config_integer(t->config, "model.classes"),
                                        .flags = fv_config_text(t->config, "model.flags") };
    int status = cli_open_context_in(t->call->command, &t->context, fv_config_integer(t->config, "train.threads"),
                                     fv_config_integer(t->config, "train.precision"));
    if (status == CLI_DONE)
        status = cli_open_network_as(t->call->command, t->context, fv_config_text(t->config, "model.network"),
                                     &adaptation, &t->network);
    if (status != CLI_DONE)
        return status;
    adopt_defaults(t);
    if (fv_config_check(t->config) != FV_OK) /* again: the network's values may exclude the user's */
        return cli_usage_error(t->call->command, "%s", fv_context_message(t->call->config_context));
    t->options = fv_config_train_options(t->config);
    if (fv_dataset_open(&t->train, t->context, data, FV_SPLIT_TRAIN) != FV_OK)
        return context_failure(t);
    status = open_measured(t, data);
    if (status != CLI_DONE)
        return status;
    if (fv_params_create(&t->params, t->network.graph, FV_F32) != FV_OK)
        return context_failure(t);
    if (t->network.model == NULL)
        fv_params_initialize(t->params, t->options.seed);
    else if (fv_params_copy(t->params, fv_model_params(t->network.model)) != FV_OK)
        return context_failure(t);
    return CLI_DONE;
}

static void make_preprocess(training *t)
{
    if (t->network.model != NULL) {
        t->preprocess = *fv_model_preprocess(t->network.model);
        return;
    }
    t->preprocess = fv_preprocess_fit(t->network.graph, t->train);
    if ((size_t)t->preprocess.classes > sizeof t->class_names / sizeof t->class_names[0])
        return;
    for (int32_t i = 0; i < t->preprocess.classes; i++)
        t->class_names[i] = fv_dataset_class_name(t->train, i);
    if (t->class_names[0] != NULL)
        t->preprocess.class_names = t->class_names;
}

static int make_trainer(training *t)
{
    t->options.preprocess = t->preprocess;
    const fv_status status =
        fv_trainer_create(&t->trainer, t->network.graph, t->params, t->train, t->test, &t->options);
    if (status == FV_ERR_SHAPE && t->network.entry != NULL && fv_dataset_shape(t->train).c == 0)
        return cli_fail(t->call->command, "%s\n--classes %d would make the network fit", fv_context_message(t->context),
                        (int)fv_dataset_classes(t->train));
    if (status == FV_ERR_SHAPE && t->network.entry != NULL) {
        char shape[48];
        return cli_fail(t->call->command, "%s\n--classes %d --input %s would make the network fit, where it can",
                        fv_context_message(t->context), (int)fv_dataset_classes(t->train),
                        cli_shape_text(fv_dataset_shape(t->train), shape, sizeof shape));
    }
    return status == FV_OK ? CLI_DONE : context_failure(t);
}

static void print_head(const training *t)
{
    char parameters[32], train[32], test[32];
    const values *given = t->given;
    const fv_graph *graph = t->network.graph;
    const fv_image_shape image = fv_dataset_shape(t->train), input = t->preprocess.input;
    if (given->json)
        return;
    printf("%s, %s parameters, on %s: %s training and %s test images, %d classes\n", fv_graph_name(graph),
           cli_grouped(fv_graph_parameters(graph), parameters, sizeof parameters), fv_dataset_name(t->train),
           cli_grouped(fv_dataset_count(t->train), train, sizeof train),
           cli_grouped(t->test != NULL ? fv_dataset_count(t->test) : 0, test, sizeof test),
           (int)fv_dataset_classes(t->train));
    if (image.c == 0)
        printf("images are resized to a shorter side of %d, then cropped to %dx%d, %s in training, at the centre in "
               "tests\n",
               (int)t->preprocess.resize, (int)input.h, (int)input.w,
               t->options.augment.random_crop ? "at random" : "at the centre");
    else if (image.h != input.h || image.w != input.w)
        printf("images of %dx%d become %dx%d: cropped or padded, %s in training, at the centre in tests\n",
               (int)image.h, (int)image.w, (int)input.h, (int)input.w,
               t->options.augment.random_crop ? "at random" : "at the centre");
    const bool f32 = t->options.dtype == FV_F32;
    printf("batch %d, rate %g (%s), momentum %g, decay %g, shift %d%s%s, seed %" PRIu64 "%s%s; %s, %d thread%s\n\n",
           (int)t->options.batch, t->options.schedule.rate, fv_config_text(t->config, "schedule.kind"),
           t->options.optimizer.momentum, t->options.optimizer.weight_decay, (int)t->options.augment.shift,
           t->options.augment.flip ? ", flip" : "", t->options.augment.random_crop ? ", crop" : "", t->options.seed,
           f32 ? "" : ", ", f32 ? "" : fv_config_text(t->config, "train.precision"), fv_context_isa(t->context),
           (int)fv_context_threads(t->context), fv_context_threads(t->context) == 1 ? "" : "s");
    fflush(stdout);
}

static void note_left_out(const training *t)
{
    const int64_t images = fv_trainer_left_out(t->trainer);
    if (images > 0)
        fprintf(stderr,
                "fovea train: note: each epoch leaves out %" PRId64 " image%s, another choice each time: a last batch "
                "of so few has no variance for batch norm; another --batch avoids it\n",
                images, images == 1 ? "" : "s");
}

/* What the model file keeps of its making. */
static char *extra_text(const training *t, const fv_epoch_record *last)
{
    json_t *config = json_object();
    for (int32_t i = 0; i < fv_config_key_count(); i++) {
        const char *key = fv_config_key_at(i)->key, *value = fv_config_text(t->config, key);
        if (fv_config_key_at(i)->may_change)
            continue; /* how fast it was: the file is to be the same for any number of threads */
        json_object_set_new(config, key, value != NULL ? json_string(value) : json_null());
    }
    json_t *extra = json_pack("{s:s,s:s,s:i,s:o,s:o}", "network", fv_graph_name(t->network.graph), "data",
                              fv_dataset_name(t->train), "epochs", (int)last->epoch, "test_accuracy",
                              json_real(last->test_accuracy), "config", config);
    char *dump = extra != NULL ? json_dumps(extra, JSON_COMPACT) : NULL;
    json_decref(extra);
    return dump;
}

static int save(const training *t, const fv_epoch_record *last)
{
    char *extra = extra_text(t, last);
    const fv_status status = fv_model_write(t->context, t->run.model_path, t->params, &t->preprocess, extra);
    free(extra);
    return status == FV_OK ? CLI_DONE : context_failure(t);
}

/* The model as it was after the running step is saved; the status is the shell's for that signal. */
static int interrupted(training *t, const fv_epoch_record *record)
{
    const int number = caught;
    const int status = save(t, record);
    if (status != CLI_DONE)
        return status;
    fprintf(stderr,
            "fovea train: %s; the model as it is now is in %s\nto go on from its values: fovea train %s --data %s "
            "--out RUN\n",
            fv_trainer_message(t->trainer), t->run.model_path, t->run.model_path,
            fv_config_text(t->config, "data.source"));
    return 128 + (number != 0 ? number : SIGINT);
}

static int train_epochs(training *t)
{
    cli_progress progress;
    cli_progress_start(&progress, t->given->json);
    fv_trainer_on_progress(t->trainer, cli_progress_show, &progress);
    running = t->trainer;
    catch_signals();
    while (!fv_trainer_done(t->trainer)) {
        fv_epoch_record record;
        const fv_status status = fv_trainer_epoch(t->trainer, &record);
        cli_progress_clear(&progress);
        if (status == FV_ERR_INTERRUPTED)
            return interrupted(t, &record);
        if (status != FV_OK)
            return cli_fail(t->call->command, "%s%s", fv_trainer_message(t->trainer),
                            status == FV_ERR_NUMERIC
                                ? "; a lower --lr may help, and the model of the last whole epoch is kept"
                                : "");
        int done = cli_run_log(&t->run, &record, (int)t->options.epochs, t->given->json);
        if (done == CLI_DONE)
            done = save(t, &record);
        if (done != CLI_DONE)
            return done;
    }
    if (!t->given->json)
        printf("\nsaved %s\ntry: fovea eval %s --data %s --mistakes 10\n", t->run.model_path, t->run.model_path,
               fv_config_text(t->config, "data.source"));
    return cli_finish_output(t->call->command);
}

static int train_run(cli_call *call)
{
    training t = { .call = call, .given = call->values, .config = call->config };
    int status = read_config(&t);
    if (status == CLI_DONE)
        status = open_inputs(&t);
    if (status == CLI_DONE) {
        make_preprocess(&t);
        status = cli_tuning_open(&t.tuning, call->command, t.context, fv_config_integer(t.config, "train.tune"),
                                 fv_config_text(t.config, "train.choices"), t.given->json);
    }
    if (status == CLI_DONE)
        status = make_trainer(&t);
    cli_tuning_keep(&t.tuning);
    if (status == CLI_DONE)
        status = cli_run_open(&t.run, call, t.given->out, t.given->overwrite);
    if (status == CLI_DONE)
        status = cli_tuning_save(&t.tuning, t.given->out);
    if (status == CLI_DONE) {
        print_head(&t);
        note_left_out(&t);
        status = train_epochs(&t);
    }
    training_close(&t);
    return status;
}

const cli_command cli_train = {
    .name = "train",
    .operands = "NAME|FILE|MODEL|EXPERIMENT",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_NETWORK,
    .purpose = "Train a network and save it",
    .description =
        "NAME is a network of the zoo, FILE a YAML description; a MODEL is trained on from its values. EXPERIMENT is a "
        "YAML file that says\n"
        "what the run is to be, by the keys below; options and --set go before it. Each epoch is measured on the\n"
        "test images, logged to RUN/log.jsonl and saved to RUN/model.safetensors. Networks of the zoo bring defaults "
        "of their own\n"
        "for some options; RUN/config.yaml says what was used and where each value came from.\n\n"
        "Ctrl-C finishes the running step, saves the model and exits with 130; a second one ends the program at once.\n"
        "The same command gives the same weights, bit for bit, with any number of threads.",
    .examples =
        (const char *const[]){ "fovea train lenet5 --data mnist-12k --out runs/first",
                               "fovea train lenet5 --data mnist --out runs/all --epochs 20 --set optimizer.lr=0.03",
                               NULL },
    .options = options,
    .configured = true,
    .values_size = sizeof(values),
    .run = train_run,
};
