/* SPDX-License-Identifier: Apache-2.0
 *
 * run.c - the run folder.
 */
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resume.h"

static char *join(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

bool cli_make_folder(const char *folder)
{
    char *path = strdup(folder);
    bool made = path != NULL;
    for (char *at = path; made && at != NULL;) {
        at = strchr(at + 1, '/');
        if (at != NULL)
            *at = '\0';
        made = mkdir(path, 0777) == 0 || errno == EEXIST;
        if (at != NULL)
            *at = '/';
    }
    struct stat status;
    if (made && stat(folder, &status) == 0 && !S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        made = false;
    }
    free(path);
    return made;
}

static int write_config(const cli_run *run, const cli_call *call, const char *folder)
{
    char *path = join(folder, "config.yaml");
    int status = CLI_DONE;
    if (path == NULL)
        status = cli_fail(run->command, "out of memory");
    else if (fv_config_write(call->config, path) != FV_OK)
        status = cli_fail(run->command, "%s", fv_context_message(call->config_context));
    free(path);
    return status;
}

static int open_log(cli_run *run, const char *mode)
{
    run->log = fopen(run->log_path, mode);
    if (run->log == NULL)
        return cli_fail(run->command, "cannot write '%s': %s", run->log_path, strerror(errno));
    return CLI_DONE;
}

static int start(cli_run *run, const cli_call *call, const char *folder)
{
    memset(run, 0, sizeof *run);
    run->command = call->command;
    run->model_path = join(folder, "model.safetensors");
    run->log_path = join(folder, "log.jsonl");
    run->checkpoints = join(folder, "checkpoints");
    if (run->model_path == NULL || run->log_path == NULL || run->checkpoints == NULL)
        return cli_fail(run->command, "out of memory");
    if (!cli_make_folder(folder))
        return cli_fail(run->command, "cannot make the folder '%s': %s", folder, strerror(errno));
    return CLI_DONE;
}

/* What an earlier run in the folder said at its end. */
static void remove_reports(const char *folder)
{
    static const char *const names[] = { "report.txt", "report.json", "confusion.csv", "confusion.svg" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *path = join(folder, names[i]);
        if (path != NULL)
            (void)unlink(path); /* mostly there is none */
        free(path);
    }
}

int cli_run_open(cli_run *run, const cli_call *call, const char *folder, bool overwrite)
{
    int status = start(run, call, folder);
    if (status != CLI_DONE)
        return status;
    if (!overwrite && access(run->model_path, F_OK) == 0)
        return cli_usage_error(run->command,
                               "'%s' holds a trained model already; choose another --out, or --overwrite it%s", folder,
                               access(run->checkpoints, F_OK) == 0 ? ", or --resume it" : "");
    if (!overwrite && access(run->checkpoints, F_OK) == 0)
        return cli_usage_error(
            run->command, "'%s' holds a run already; --resume it, choose another --out, or --overwrite it", folder);
    remove_reports(folder);
    status = write_config(run, call, folder);
    return status == CLI_DONE ? open_log(run, "w") : status;
}

int cli_run_continue(cli_run *run, const cli_call *call, const char *folder, bool new_config,
                     const fv_epoch_record *records, int32_t count)
{
    int status = start(run, call, folder);
    if (status == CLI_DONE && new_config)
        status = write_config(run, call, folder);
    if (status == CLI_DONE && !cli_log_repair(run->log_path, records, count))
        status = cli_fail(run->command, "cannot write '%s': %s", run->log_path, strerror(errno));
    return status == CLI_DONE ? open_log(run, "a") : status;
}

static json_t *record_object(const fv_epoch_record *record)
{
    return json_pack("{s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:i,s:I,s:s}", "epoch", (int)record->epoch, "train_loss",
                     cli_json_number(record->train_loss), "train_accuracy", cli_json_number(record->train_accuracy),
                     "test_loss", cli_json_number(record->test_loss), "test_accuracy",
                     cli_json_number(record->test_accuracy), "images_per_second",
                     cli_json_number(record->images_per_second), "seconds", cli_json_number(record->seconds),
                     "gradient_norm", cli_json_number(record->gradient_norm), "largest_gradient_norm",
                     cli_json_number(record->largest_gradient_norm), "learning_rate", cli_json_number(record->rate),
                     "skipped_batches", (int)record->skipped, "skipped_images", (json_int_t)record->skipped_images,
                     "weights_hash", record->weights_hash);
}

bool cli_run_write_record(FILE *file, const fv_epoch_record *record)
{
    json_t *object = record_object(record);
    const int failed =
        object == NULL || json_dumpf(object, file, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12)) != 0;
    json_decref(object);
    return !failed && fputc('\n', file) != EOF;
}

const char *cli_run_accuracy(const cli_run *run, double accuracy, char *text, size_t size)
{
    snprintf(text, size, " accuracy %6.2f%%", 100 * accuracy);
    return run->values ? "" : text;
}

int cli_run_log(cli_run *run, const fv_epoch_record *record, int epochs, bool json)
{
    char rate[32], train[32], test[32];
    if (!cli_run_write_record(run->log, record) || fflush(run->log) != 0)
        return cli_fail(run->command, "cannot write '%s': %s", run->log_path, strerror(errno));
    if (json)
        return cli_print_json(run->command, record_object(record));
    printf("epoch %3d/%d  train loss %.4f%s  test loss %.4f%s  %s images/s  %.1f s  %s\n", (int)record->epoch, epochs,
           record->train_loss, cli_run_accuracy(run, record->train_accuracy, train, sizeof train), record->test_loss,
           cli_run_accuracy(run, record->test_accuracy, test, sizeof test),
           cli_grouped((int64_t)record->images_per_second, rate, sizeof rate), record->seconds, record->weights_hash);
    return cli_finish_output(run->command);
}

void cli_run_close(cli_run *run)
{
    if (run->log != NULL)
        fclose(run->log);
    free(run->model_path);
    free(run->log_path);
    free(run->checkpoints);
    memset(run, 0, sizeof *run);
}
