/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_train.c - fovea train: one run over one network and one data set, into a run folder (run.h). Ctrl-C finishes the
 * step, saves the model and exits with 130; a second one ends the program at once.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "dry_run.h"
#include "progress.h"
#include "run.h"
#include "tuning.h"

typedef struct values {
    bool dry, overwrite, json;
} values;

/* What the run is to be comes from the library's table of keys (src/train/config_keys.c). */
static const cli_option options[] = {
    { "set", NULL, CLI_SETTING, "KEY=VALUE", 0, 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "set a value by its key, as often as needed" },
    { "dry-run", NULL, CLI_FLAG, NULL, offsetof(values, dry), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "show layers, memory, data, one batch forward and backward and all values, and write nothing" },
    { "overwrite", NULL, CLI_FLAG, NULL, offsetof(values, overwrite), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "replace the model of an earlier run in RUN" },
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "a JSON object per epoch, as in log.jsonl, and nothing else" },
    { 0 },
};

enum { PATH_BYTES = 4096, MOST_RUNS = 10000 };

/* Everything one run holds; released by training_close(). */
typedef struct training {
    cli_call *call;
    const values *given;
    fv_config *config;
    fv_context *context;
    fv_experiment *experiment;
    cli_run run;
    cli_tuning tuning;
    char folder[PATH_BYTES];
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
    fv_experiment_destroy(t->experiment);
    cli_run_close(&t->run);
    cli_tuning_close(&t->tuning);
    fv_context_destroy(t->context);
}

static int context_failure(const training *t)
{
    return cli_fail(t->call->command, "%s", fv_context_message(t->context));
}

/* The run's folder: train.out, or else the first of runs/NAME, runs/NAME-2, ... that is not there yet. NAME is the experiment
 * file's or the network's, without folder and ending. */
static int choose_folder(training *t)
{
    char name[256], recipe[80] = "";
    const char *given = fv_config_text(t->config, "train.out"), *operand = t->call->operands[0];
    const char *slash = strrchr(operand, '/'), *base = slash != NULL ? slash + 1 : operand;
    const char *dot = strrchr(base, '.');
    const size_t length = dot != NULL && dot > base ? (size_t)(dot - base) : strlen(base);
    int used = 0;
    if (given != NULL) {
        used = snprintf(t->folder, sizeof t->folder, "%s", given);
    } else {
        if (fv_config_origin_of(t->config, "model.recipe") >= FV_FROM_OPTION)
            snprintf(recipe, sizeof recipe, "-%.64s", fv_config_text(t->config, "model.recipe"));
        snprintf(name, sizeof name, "%.*s%s", (int)(length < 128 ? length : 128), base, recipe);
        used = snprintf(t->folder, sizeof t->folder, "runs/%s", name);
        for (int i = 2; i < MOST_RUNS && access(t->folder, F_OK) == 0; i++)
            used = snprintf(t->folder, sizeof t->folder, "runs/%s-%d", name, i);
    }
    if (used >= (int)sizeof t->folder)
        return cli_usage_error(t->call->command, "--out: a path of %d bytes is too long", used);
    if (fv_config_put(t->config, "train.out", t->folder, FV_FROM_DEFAULT) != FV_OK)
        return cli_fail(t->call->command, "%s", fv_context_message(t->call->config_context));
    return CLI_DONE;
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
        return CLI_DONE;
    const bool no_yaml = status == FV_ERR_UNSUPPORTED && strstr(fv_libraries(), "libyaml") == NULL;
    if (status == FV_ERR_IO || status == FV_ERR_MEMORY || no_yaml)
        return cli_fail(t->call->command, "%s", fv_context_message(t->call->config_context));
    return cli_usage_error(t->call->command, "%s", fv_context_message(t->call->config_context));
}

/* Context and network: what the user's words decide alone. */
static int open_network(training *t)
{
    const fv_context_options wanted = fv_experiment_context_options(t->config);
    int status = cli_open_context_with(t->call->command, &t->context, &wanted);
    if (status != CLI_DONE)
        return status;
    const fv_status opened = fv_experiment_open(&t->experiment, t->context, t->config);
    const char *network = fv_config_text(t->config, "model.network");
    if (opened != FV_OK)
        return cli_network_failure(t->call->command, t->context, network != NULL ? network : "", opened);
    return CLI_DONE;
}

/* What would make the network fit the data, where it is one of the zoo. */
static int shape_failure(const training *t)
{
    char shape[48];
    const fv_dataset *train = fv_experiment_train_data(t->experiment);
    if (fv_experiment_network(t->experiment)->entry == NULL)
        return context_failure(t);
    if (fv_dataset_shape(train).c == 0)
        return cli_fail(t->call->command, "%s\n--classes %d would make the network fit", fv_context_message(t->context),
                        (int)fv_dataset_classes(train));
    return cli_fail(t->call->command, "%s\n--classes %d --input %s would make the network fit, where it can",
                    fv_context_message(t->context), (int)fv_dataset_classes(train),
                    cli_shape_text(fv_dataset_shape(train), shape, sizeof shape));
}

static int make_trainer(training *t)
{
    const fv_status status = fv_experiment_start(t->experiment);
    if (status == FV_ERR_SHAPE && fv_experiment_train_data(t->experiment) != NULL)
        return shape_failure(t);
    return status == FV_OK ? CLI_DONE : context_failure(t);
}

static void print_head(const training *t)
{
    char parameters[32], train[32], test[32];
    const fv_train_options *train_options = fv_experiment_options(t->experiment);
    const fv_graph *graph = fv_experiment_network(t->experiment)->graph;
    const fv_dataset *train_data = fv_experiment_train_data(t->experiment);
    const fv_dataset *test_data = fv_experiment_test_data(t->experiment);
    const fv_image_shape image = fv_dataset_shape(train_data), input = train_options->preprocess.input;
    if (t->given->json)
        return;
    printf("%s, %s parameters, on %s: %s training and %s test images, %d classes\n", fv_graph_name(graph),
           cli_grouped(fv_graph_parameters(graph), parameters, sizeof parameters), fv_dataset_name(train_data),
           cli_grouped(fv_dataset_count(train_data), train, sizeof train),
           cli_grouped(test_data != NULL ? fv_dataset_count(test_data) : 0, test, sizeof test),
           (int)fv_dataset_classes(train_data));
    if (image.c == 0)
        printf("images are resized to a shorter side of %d, then cropped to %dx%d, %s in training, at the centre in "
               "tests\n",
               (int)train_options->preprocess.resize, (int)input.h, (int)input.w,
               train_options->augment.random_crop ? "at random" : "at the centre");
    else if (image.h != input.h || image.w != input.w)
        printf("images of %dx%d become %dx%d: cropped or padded, %s in training, at the centre in tests\n",
               (int)image.h, (int)image.w, (int)input.h, (int)input.w,
               train_options->augment.random_crop ? "at random" : "at the centre");
    if (fv_trainer_transforms(fv_experiment_trainer(t->experiment)) != NULL)
        printf("training images pass through: %s\n", fv_trainer_transforms(fv_experiment_trainer(t->experiment)));
    const fv_optimizer_kind kind = train_options->optimizer.kind;
    const bool f32 = train_options->dtype == FV_F32, sgd = kind == FV_OPTIMIZER_SGD;
    printf("batch %d, %s%srate %g (%s), momentum %g, decay %g, shift %d%s%s, seed %" PRIu64 "%s%s; %s, %d thread%s\n\n",
           (int)train_options->batch, sgd ? "" : fv_optimizer_kind_name(kind), sgd ? "" : " at ",
           train_options->schedule.rate, fv_config_text(t->config, "schedule.kind"), train_options->optimizer.momentum,
           train_options->optimizer.weight_decay, (int)train_options->augment.shift,
           train_options->augment.flip ? ", flip" : "", train_options->augment.random_crop ? ", crop" : "",
           train_options->seed, f32 ? "" : ", ", f32 ? "" : fv_config_text(t->config, "train.precision"),
           fv_context_isa(t->context), (int)fv_context_threads(t->context),
           fv_context_threads(t->context) == 1 ? "" : "s");
    fflush(stdout);
}

static void note_left_out(const training *t)
{
    const int64_t images = fv_trainer_left_out(fv_experiment_trainer(t->experiment));
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
    json_t *extra =
        json_pack("{s:s,s:s,s:i,s:o,s:o}", "network", fv_graph_name(fv_experiment_network(t->experiment)->graph),
                  "data", fv_dataset_name(fv_experiment_train_data(t->experiment)), "epochs", (int)last->epoch,
                  "test_accuracy", json_real(last->test_accuracy), "config", config);
    char *dump = extra != NULL ? json_dumps(extra, JSON_COMPACT) : NULL;
    json_decref(extra);
    return dump;
}

static int save(const training *t, const fv_epoch_record *last)
{
    char *extra = extra_text(t, last);
    const fv_status status = fv_experiment_save(t->experiment, t->run.model_path, extra);
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
            fv_trainer_message(fv_experiment_trainer(t->experiment)), t->run.model_path, t->run.model_path,
            fv_config_text(t->config, "data.source"));
    return 128 + (number != 0 ? number : SIGINT);
}

static int train_epochs(training *t)
{
    fv_trainer *trainer = fv_experiment_trainer(t->experiment);
    cli_progress progress;
    cli_progress_start(&progress, t->given->json);
    fv_trainer_on_progress(trainer, cli_progress_show, &progress);
    running = trainer;
    catch_signals();
    while (!fv_trainer_done(trainer)) {
        fv_epoch_record record;
        const fv_status status = fv_trainer_epoch(trainer, &record);
        cli_progress_clear(&progress);
        if (status == FV_ERR_INTERRUPTED)
            return interrupted(t, &record);
        if (status != FV_OK)
            return cli_fail(t->call->command, "%s%s", fv_trainer_message(trainer),
                            status == FV_ERR_NUMERIC
                                ? "; a lower --lr may help, and the model of the last whole epoch is kept"
                                : "");
        int done = cli_run_log(&t->run, &record, (int)fv_config_integer(t->config, "train.epochs"), t->given->json);
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
        status = open_network(&t);
    if (status == CLI_DONE)
        status = cli_tuning_open(&t.tuning, call->command, t.context, fv_config_integer(t.config, "train.tune"),
                                 fv_config_text(t.config, "train.choices"), t.given->json);
    if (status == CLI_DONE)
        status = make_trainer(&t);
    cli_tuning_keep(&t.tuning);
    if (status == CLI_DONE && t.given->dry) {
        status = cli_dry_run(call->command, t.context, t.experiment, t.config, t.given->json);
        training_close(&t);
        return status;
    }
    if (status == CLI_DONE)
        status = choose_folder(&t);
    if (status == CLI_DONE)
        status = cli_run_open(&t.run, call, t.folder, t.given->overwrite);
    if (status == CLI_DONE)
        status = cli_tuning_save(&t.tuning, t.folder);
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
