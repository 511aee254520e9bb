/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_train.c - fovea train: one run over one network and one data set, into a run folder (run.h), or on from where such a run was
 * (resume.h). Ctrl-C finishes the step, saves the run and exits with 130; a second one ends the program at once.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "dry_run.h"
#include "experiment.h"
#include "pretrained.h"
#include "progress.h"
#include "resume.h"
#include "run.h"
#include "tuning.h"

typedef struct values {
    const char *resume;
    bool dry, overwrite, json;
} values;

/* What the run is to be comes from the library's table of keys (src/train/config/config_keys.c). */
static const cli_option options[] = {
    { "resume", NULL, CLI_TEXT, "RUN", offsetof(values, resume), 0, 0, NULL, NULL, CLI_COMPLETE_FOLDER,
      "go on with the run in that folder, as if it had never stopped; more --epochs may be given" },
    { "set", NULL, CLI_SETTING, "KEY=VALUE", 0, 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "set a value by its key, as often as needed" },
    { "dry-run", NULL, CLI_FLAG, NULL, offsetof(values, dry), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "show layers, memory, data, one batch forward and backward and all values, and write nothing" },
    { "overwrite", NULL, CLI_FLAG, NULL, offsetof(values, overwrite), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "replace an earlier run in RUN" },
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
    cli_resume resume;
    cli_tuning tuning;
    char folder[PATH_BYTES];
} training;

/* The one trainer that a signal stops, and which signal it was: all that a handler may touch. */
static fv_trainer *volatile running;
static volatile sig_atomic_t caught;

static void on_save_signal(int number)
{
    (void)number;
    if (running != NULL)
        fv_trainer_save_soon(running);
}

static void on_signal(int number)
{
    caught = number;
    if (running != NULL)
        fv_trainer_stop(running);
}

/* SA_RESETHAND: the second signal finds the default action and ends the program. */
static void catch_signals(void)
{
    struct sigaction save_now = { .sa_handler = on_save_signal, .sa_flags = SA_RESTART };
    sigemptyset(&save_now.sa_mask);
    sigaction(SIGUSR1, &save_now, NULL);
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
    cli_resume_close(&t->resume);
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
    const bool said = fv_config_origin_of(t->config, "train.out") >= FV_FROM_OPTION;
    const char *given = fv_config_text(t->config, "train.out");
    const char *operand = t->call->operand_count > 0 ? t->call->operands[0] : "";
    if (t->given->resume != NULL && !said)
        given = t->given->resume; /* where it is now: it may have been moved */
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

/* The operand: an experiment file, or the network. A run that goes on has its own. */
static int read_config(training *t)
{
    if (t->given->resume != NULL && t->call->operand_count > 0)
        return cli_usage_error(t->call->command,
                               "--resume: '%s' is one operand too many: a run goes on with its network",
                               t->call->operands[0]);
    if (t->given->resume != NULL)
        return cli_resume_open(&t->resume, t->call, t->given->resume);
    if (t->call->operand_count == 0)
        return cli_usage_error(t->call->command, "%s is missing", t->call->command->operands);
    return cli_read_experiment(t->call, t->call->operands[0]);
}

/* Context and network: what the user's words decide alone. */
static int open_network(training *t)
{
    return cli_open_experiment(t->call, &t->context, &t->experiment, t->given->resume != NULL);
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

/* What happens to images on their way to the network. */
static void print_preparation(const training *t)
{
    const fv_trainer *trainer = fv_experiment_trainer(t->experiment);
    const fv_preprocess *preprocess = fv_trainer_preprocess(trainer);
    const fv_image_shape image = fv_dataset_shape(fv_experiment_train_data(t->experiment)), input = preprocess->input;
    const bool crops = fv_experiment_options(t->experiment)->augment.random_crop;
    const char *list = fv_trainer_transforms(trainer);
    const char *places = crops ? "at random in training, at the centre in tests" : "at the centre";
    if (list != NULL)
        printf("training images pass through: %s\n", list);
    if (preprocess->transforms != NULL)
        printf("all images pass through: %s\n", fv_augmentation_text(preprocess->transforms));
    if (list != NULL && image.c == 0 && preprocess->resize > 0)
        printf("images that are measured are resized to a shorter side of %d and cropped to %dx%d at the centre\n",
               (int)preprocess->resize, (int)input.h, (int)input.w);
    else if (list == NULL && image.c == 0)
        printf("images are resized to a shorter side of %d, then cropped to %dx%d, %s\n", (int)preprocess->resize,
               (int)input.h, (int)input.w, places);
    else if (list == NULL && (image.h != input.h || image.w != input.w))
        printf("images of %dx%d become %dx%d: cropped or padded, %s\n", (int)image.h, (int)image.w, (int)input.h,
               (int)input.w, places);
}

/* How the data differ from those that lie there, so that nobody takes the figures for others. */
static void print_switches(const training *t)
{
    const fv_derive_options derived = fv_config_derive_options(t->config, true);
    const char *sampling = fv_config_text(t->config, "data.sampling"),
               *weights = fv_config_text(t->config, "train.class_weights");
    if (derived.per_class > 0)
        printf("training on the first %" PRId64 " images of each class\n", derived.per_class);
    if (derived.fraction < 1)
        printf("training on %g of each class, drawn with data.seed %" PRIu64 "\n", derived.fraction, derived.seed);
    if (derived.label_noise > 0)
        printf("training labels are random with a probability of %g\n", derived.label_noise);
    if (derived.pixels != FV_PIXELS_KEPT)
        printf("pixels of training and test images are %s\n", fv_config_text(t->config, "data.pixels"));
    if (!fv_class_weights_none(sampling))
        printf("images are drawn with replacement, by class: %s\n", sampling);
    if (!fv_class_weights_none(weights))
        printf("losses are weighted by class: %s\n", weights);
}

static void print_head(const training *t)
{
    char parameters[32], train[32], test[32];
    const fv_train_options *train_options = fv_experiment_options(t->experiment);
    const fv_graph *graph = fv_experiment_network(t->experiment)->graph;
    const fv_dataset *train_data = fv_experiment_train_data(t->experiment);
    const fv_dataset *test_data = fv_experiment_test_data(t->experiment);
    if (t->given->json)
        return;
    printf("%s, %s parameters, on %s: %s training and %s test images, %d classes\n", fv_graph_name(graph),
           cli_grouped(fv_graph_parameters(graph), parameters, sizeof parameters), fv_dataset_name(train_data),
           cli_grouped(fv_dataset_count(train_data), train, sizeof train),
           cli_grouped(test_data != NULL ? fv_dataset_count(test_data) : 0, test, sizeof test),
           (int)fv_dataset_classes(train_data));
    cli_print_pretrained(t->experiment);
    print_preparation(t);
    print_switches(t);
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

/* A path by its last part: the same run gives the same file wherever it is started from, and where it is gone on with, whose config.yaml has
 * whole paths. */
static json_t *shown_value(const fv_config_key *key, const char *value)
{
    const bool path = key->type == FV_CONFIG_NETWORK || key->type == FV_CONFIG_DATA || key->type == FV_CONFIG_FILE ||
                      key->type == FV_CONFIG_FOLDER;
    if (value == NULL)
        return json_null();
    if (!path)
        return json_string(value);
    char *whole = realpath(value, NULL);
    const char *shown = whole != NULL ? whole : value, *slash = strrchr(shown, '/');
    json_t *string = json_string(slash != NULL && slash[1] != '\0' ? slash + 1 : shown);
    free(whole);
    return string;
}

/* What the model file keeps of its making; last: NULL in a checkpoint, which holds all records. */
static char *extra_text(const training *t, const fv_epoch_record *last)
{
    json_t *config = json_object();
    for (int32_t i = 0; i < fv_config_key_count(); i++) {
        const fv_config_key *key = fv_config_key_at(i);
        if (key->may_change)
            continue; /* how fast it was: the file is to be the same for any number of threads */
        json_object_set_new(config, key->key, shown_value(key, fv_config_text(t->config, key->key)));
    }
    const char *data = fv_dataset_name(fv_experiment_train_data(t->experiment)), *slash = strrchr(data, '/');
    json_t *extra = json_pack("{s:s,s:s,s:o}", "network", fv_graph_name(fv_experiment_network(t->experiment)->graph),
                              "data", slash != NULL ? slash + 1 : data, "config", config);
    if (last != NULL) {
        json_object_set_new(extra, "epochs", json_integer(last->epoch));
        json_object_set_new(extra, "test_accuracy", json_real(last->test_accuracy));
    }
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

/* The run is saved as it was after the running step; the status is the shell's for that signal. */
static int interrupted(const training *t)
{
    const int number = caught;
    fprintf(stderr, "fovea train: %s; the run is saved\nto go on: fovea train --resume %s\n",
            fv_trainer_message(fv_experiment_trainer(t->experiment)), t->folder);
    return 128 + (number != 0 ? number : SIGINT);
}

static int failed(const training *t, fv_status status)
{
    const char *message = fv_trainer_message(fv_experiment_trainer(t->experiment));
    if (status == FV_ERR_NUMERIC)
        return cli_fail(
            t->call->command,
            "%s\nwhat was saved before is whole. A lower --lr may help, or --resume %s with --on-nan skip or "
            "rollback",
            message, t->folder);
    return cli_fail(t->call->command, "%s\nwhat was saved before is whole; to go on: fovea train --resume %s", message,
                    t->folder);
}

/* With patience the model is that of the best epoch, else that of the last. */
static int save_epoch(const training *t, const fv_epoch_record *record)
{
    const bool best = fv_trainer_best(fv_experiment_trainer(t->experiment))->epoch == record->epoch;
    return best || fv_config_integer(t->config, "train.patience") == 0 ? save(t, record) : CLI_DONE;
}

/* The best epoch, where it is not the last. */
static void print_best(const training *t)
{
    const fv_trainer *trainer = fv_experiment_trainer(t->experiment);
    const fv_epoch_record *records = NULL, *best = fv_trainer_best(trainer);
    const int32_t count = fv_trainer_records(trainer, &records);
    char accuracy[32];
    if (best == NULL)
        return;
    if (count < fv_config_integer(t->config, "train.epochs"))
        printf("\nstopped early: none of the last %d epochs was better than epoch %d\n", (int)(count - best->epoch),
               (int)best->epoch);
    if (best->epoch != count)
        printf("\nbest: epoch %d, test loss %.4f%s, in %s/best.safetensors\n", (int)best->epoch, best->test_loss,
               cli_run_accuracy(&t->run, best->test_accuracy, accuracy, sizeof accuracy), t->run.checkpoints);
}

/* What the run's model is worth, beside that of the best epoch: report.txt, report.json, confusion.csv and .svg. */
static int write_report(const training *t)
{
    char best[PATH_BYTES];
    fv_trainer *trainer = fv_experiment_trainer(t->experiment);
    const int used = snprintf(best, sizeof best, "%s/best.safetensors", t->run.checkpoints);
    const fv_run_report_options wanted = { .folder = t->folder,
                                           .best = used < (int)sizeof best && access(best, R_OK) == 0 ? best : NULL,
                                           .split = fv_experiment_test_split(t->experiment),
                                           .model_is_best = fv_config_integer(t->config, "train.patience") > 0 };
    return fv_trainer_report(trainer, &wanted) == FV_OK ? CLI_DONE
                                                        : cli_fail(t->call->command, "%s", fv_trainer_message(trainer));
}

/* A finished run that was killed before its report was written gets it now. */
static int write_missing_report(const training *t)
{
    char path[PATH_BYTES];
    const int used = snprintf(path, sizeof path, "%s/report.json", t->folder);
    return used >= (int)sizeof path || access(path, F_OK) == 0 ? CLI_DONE : write_report(t);
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
            return interrupted(t);
        if (status != FV_OK)
            return failed(t, status);
        int done = cli_run_log(&t->run, &record, (int)fv_config_integer(t->config, "train.epochs"), t->given->json);
        if (done == CLI_DONE)
            done = save_epoch(t, &record);
        if (done != CLI_DONE)
            return done;
    }
    const int reported = write_report(t);
    if (reported != CLI_DONE)
        return reported;
    if (!t->given->json)
        print_best(t);
    if (!t->given->json)
        printf("\nsaved %s, with %s/report.txt\ntry: fovea eval %s --data %s --mistakes 10\n", t->run.model_path,
               t->folder, t->run.model_path, fv_config_text(t->config, "data.source"));
    return cli_finish_output(t->call->command);
}

/* A run that goes on keeps to the algorithms that it chose. */
static int open_tuning(training *t)
{
    char path[PATH_BYTES];
    const char *choices = fv_config_text(t->config, "train.choices");
    int64_t level = fv_config_integer(t->config, "train.tune");
    if (t->given->resume != NULL &&
        snprintf(path, sizeof path, "%s/tuning.json", t->given->resume) < (int)sizeof path && access(path, R_OK) == 0) {
        choices = path;
        level = FV_TUNE_OFF;
    } else if (t->resume.checkpoint != NULL && level != FV_TUNE_OFF) {
        choices = t->resume.checkpoint; /* which keeps them too */
        level = FV_TUNE_OFF;
    }
    return cli_tuning_open(&t->tuning, t->call->command, t->context, level, choices, t->given->json);
}

/* The folder and its log. */
static int open_run(training *t)
{
    const fv_epoch_record *records = NULL;
    const int32_t count = fv_trainer_records(fv_experiment_trainer(t->experiment), &records);
    int status = choose_folder(t);
    if (status == CLI_DONE && t->given->resume == NULL)
        status = cli_run_open(&t->run, t->call, t->folder, t->given->overwrite);
    else if (status == CLI_DONE)
        status = cli_run_continue(&t->run, t->call, t->folder, t->resume.changed, records, count);
    t->run.values = fv_dataset_target_count(fv_experiment_train_data(t->experiment)) > 0;
    return status == CLI_DONE ? cli_tuning_save(&t->tuning, t->folder) : status;
}

static int keep_checkpoints(const training *t)
{
    fv_trainer *trainer = fv_experiment_trainer(t->experiment);
    char *extra = extra_text(t, NULL);
    const fv_checkpoint_options kept = {
        .folder = t->run.checkpoints,
        .extra = extra,
        .keep = (int32_t)fv_config_integer(t->config, "train.keep_checkpoints"),
        .every_steps = fv_config_integer(t->config, "train.checkpoint_steps"),
        .every_seconds = 60 * fv_config_real(t->config, "train.checkpoint_minutes"),
        .replace = t->given->overwrite,
    };
    const fv_status status = fv_trainer_keep_checkpoints(trainer, &kept);
    free(extra);
    return status == FV_OK ? CLI_DONE : cli_fail(t->call->command, "%s", fv_trainer_message(trainer));
}

static int keep_events(const training *t)
{
    enum { ALL, SCALARS, OFF };
    fv_trainer *trainer = fv_experiment_trainer(t->experiment);
    const int64_t wanted = fv_config_integer(t->config, "train.tensorboard");
    const fv_events_options kept = { .folder = t->folder,
                                     .every_steps = fv_config_integer(t->config, "train.tensorboard_steps"),
                                     .no_distributions = wanted == SCALARS };
    if (wanted == OFF || fv_trainer_done(trainer) || fv_trainer_keep_events(trainer, &kept) == FV_OK)
        return CLI_DONE;
    return cli_fail(t->call->command, "%s", fv_trainer_message(trainer));
}

/* Where a run goes on. One that was killed behind its last checkpoint may have an older model. */
static int tell_place(const training *t)
{
    const fv_trainer *trainer = fv_experiment_trainer(t->experiment);
    const fv_epoch_record *records = NULL;
    const int32_t count = fv_trainer_records(trainer, &records);
    char hash[17];
    if (t->given->resume == NULL)
        return CLI_DONE;
    fv_params_hash(fv_experiment_params(t->experiment), hash);
    const bool between_epochs = count > 0 && strcmp(hash, records[count - 1].weights_hash) == 0;
    const int status = between_epochs ? save_epoch(t, &records[count - 1]) : CLI_DONE;
    if (t->given->json || status != CLI_DONE)
        return status;
    if (fv_trainer_done(trainer))
        printf("nothing is left of '%s': %d epoch%s trained; --epochs N with a larger N goes on\n", t->given->resume,
               (int)count, count == 1 ? " is" : "s are");
    else
        printf("going on with '%s' after %d epoch%s%s%s\n", t->given->resume, (int)count, count == 1 ? "" : "s",
               t->resume.checkpoint != NULL ? ", from " : ": nothing was saved yet",
               t->resume.checkpoint != NULL ? t->resume.checkpoint : "");
    return cli_finish_output(t->call->command);
}

/* Up to the trainer, at its place. */
static int prepare(training *t)
{
    int status = read_config(t);
    if (status == CLI_DONE)
        status = open_network(t);
    if (status == CLI_DONE && t->given->resume != NULL)
        status = cli_resume_find(&t->resume, t->context);
    if (status == CLI_DONE)
        status = open_tuning(t);
    if (status == CLI_DONE)
        status = make_trainer(t);
    cli_tuning_keep(&t->tuning);
    if (status == CLI_DONE)
        status = cli_resume_restore(&t->resume, fv_experiment_trainer(t->experiment));
    return status;
}

static int run(training *t)
{
    int status = open_run(t);
    if (status == CLI_DONE)
        status = keep_checkpoints(t);
    if (status == CLI_DONE)
        status = keep_events(t);
    if (status == CLI_DONE) {
        print_head(t);
        note_left_out(t);
        status = tell_place(t);
    }
    if (status == CLI_DONE)
        status = fv_trainer_done(fv_experiment_trainer(t->experiment)) ? write_missing_report(t) : train_epochs(t);
    return status;
}

static int train_run(cli_call *call)
{
    training t = { .call = call, .given = call->values, .config = call->config };
    int status = prepare(&t);
    if (status == CLI_DONE)
        status = t.given->dry ? cli_dry_run(call->command, t.context, t.experiment, t.config, t.given->json) : run(&t);
    training_close(&t);
    return status;
}

const cli_command cli_train = {
    .name = "train",
    .operands = "NAME|FILE|MODEL|EXPERIMENT",
    .min_operands = 0,
    .max_operands = 1,
    .completion = CLI_COMPLETE_NETWORK,
    .purpose = "Train a network and save it",
    .description =
        "NAME is a network of the zoo, FILE a YAML description; a MODEL is trained on from its values. EXPERIMENT is a "
        "YAML file that says\n"
        "what the run is to be, by the keys below; options and --set go before it. Each epoch is measured on the\n"
        "test images, logged to RUN/log.jsonl and saved to RUN/model.safetensors. Networks of the zoo bring defaults "
        "of their own\n"
        "for some options; RUN/config.yaml says what was used and where each value came from. RUN/report.txt says in "
        "the "
        "end how good\n"
        "the model is, class by class, beside that of the best epoch.\n\n"
        "The state of the run is saved to RUN/checkpoints after each epoch and every ten minutes; --resume RUN goes on "
        "from "
        "the last one\n"
        "that is whole and ends with the same bits as a run that never stopped. Ctrl-C (and SIGTERM) finishes the "
        "step, "
        "saves and\n"
        "exits with 130 (143); a second one ends the program at once. SIGUSR1 saves and goes on.\n"
        "The same command gives the same weights, bit for bit, with any number of threads.",
    .examples =
        (const char *const[]){ "fovea train lenet5 --data mnist-12k --out runs/first",
                               "fovea train lenet5 --data mnist --out runs/all --epochs 20 --set optimizer.lr=0.03",
                               "fovea train --resume runs/first --epochs 30", NULL },
    .options = options,
    .configured = true,
    .values_size = sizeof(values),
    .run = train_run,
};
