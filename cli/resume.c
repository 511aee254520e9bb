/* SPDX-License-Identifier: Apache-2.0
 *
 * resume.c - train --resume: what a run was to be, where it was, and a log without a line twice.
 */
#include "resume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"

static char *join(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/* What the user may say although the run has another value: where its data and its network lie now, too, for data are told by their
 * hash and networks by their layers. */
static bool may_change(const fv_config_key *key)
{
    return key->may_change || strcmp(key->key, "data.source") == 0 || strcmp(key->key, "model.network") == 0;
}

static bool same_file(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* "0.10" is 0.1, and ./data the folder that config.yaml has the whole path of. */
static bool same_value(const fv_config_key *key, const fv_config *a, const fv_config *b)
{
    const char *one = fv_config_text(a, key->key), *other = fv_config_text(b, key->key);
    if (one == NULL || other == NULL)
        return one == other;
    switch (key->type) {
    case FV_CONFIG_INTEGER:
    case FV_CONFIG_BYTES:
        return fv_config_integer(a, key->key) == fv_config_integer(b, key->key);
    case FV_CONFIG_REAL: {
        const double x = fv_config_real(a, key->key), y = fv_config_real(b, key->key);
        return !(x < y) && !(x > y);
    }
    case FV_CONFIG_FILE:
    case FV_CONFIG_FOLDER:
    case FV_CONFIG_NETWORK:
    case FV_CONFIG_DATA:
        return strcmp(one, other) == 0 || same_file(one, other);
    default:
        return strcmp(one, other) == 0;
    }
}

static int refuse_change(const cli_resume *resume, const fv_config_key *key, const char *given, const char *stored)
{
    const bool option = key->option != NULL;
    return cli_usage_error(
        resume->command,
        "%s%s: '%s' was begun with %s %s, which cannot become %s: a run goes on with what it began "
        "with, but for epochs, threads and other values that its weights do not depend on (those with "
        "a * in docs/experiments.md). For a new run from its weights: fovea train "
        "%s/model.safetensors --%s%s%s%s",
        option ? "--" : "", option ? key->option : key->key, resume->run, key->key, stored != NULL ? stored : "not set",
        given != NULL ? given : "not set", resume->run, option ? key->option : "set ", option ? "" : key->key,
        option ? " " : "=", given != NULL ? given : "");
}

/* Compares what the command line gave with the file alone. */
static int check_changes(cli_resume *resume, const cli_call *call, const fv_config *stored)
{
    for (int32_t i = 0; i < fv_config_key_count(); i++) {
        const fv_config_key *key = fv_config_key_at(i);
        if (fv_config_origin_of(call->config, key->key) < FV_FROM_OPTION)
            continue;
        const char *given = fv_config_text(call->config, key->key), *there = fv_config_text(stored, key->key);
        if (same_value(key, call->config, stored)) { /* in the words of the run, which its files keep */
            if (there != NULL && fv_config_put(call->config, key->key, there, FV_FROM_OPTION) != FV_OK)
                return cli_fail(resume->command, "%s", fv_context_message(call->config_context));
            continue;
        }
        if (!may_change(key))
            return refuse_change(resume, key, given, there);
        resume->changed = true;
    }
    return CLI_DONE;
}

/* The folder of the run that a path inside of it, run/model.safetensors or run/checkpoints/..., belongs to; "": none. */
static void find_run_above(const char *path, char *above, size_t size)
{
    snprintf(above, size, "%s", path);
    for (size_t length = strlen(above); length > 1 && above[length - 1] == '/'; length--)
        above[length - 1] = '\0';
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(above, '/'), *config = NULL;
        if (slash == NULL || slash == above)
            break;
        *slash = '\0';
        config = join(above, "config.yaml");
        const bool found = config != NULL && access(config, F_OK) == 0;
        free(config);
        if (found)
            return;
    }
    above[0] = '\0';
}

/* No config.yaml: another folder, or a run that was killed before it wrote one. It is the first file of a run. */
static int no_config(const cli_resume *resume)
{
    char above[4096];
    struct stat info;
    const bool there = stat(resume->run, &info) == 0;
    find_run_above(resume->run, above, sizeof above);
    if (above[0] != '\0')
        return cli_usage_error(resume->command, "--resume: '%s' is %s inside of a run: --resume %s", resume->run,
                               there && !S_ISDIR(info.st_mode) ? "a file" : "a folder", above);
    if (there && !S_ISDIR(info.st_mode))
        return cli_usage_error(resume->command,
                               "--resume: '%s' is a file; the folder of a run is wanted, as runs/first", resume->run);
    if (there)
        return cli_usage_error(
            resume->command,
            "--resume: '%s' holds no run: it has no config.yaml. Where a run was killed as it began, "
            "nothing is lost: start it again, with --out %s",
            resume->run, resume->run);
    return cli_usage_error(resume->command, "--resume: '%s' is not there", resume->run);
}

static int config_failure(const cli_resume *resume, const cli_call *call, fv_status status)
{
    const char *message = fv_context_message(call->config_context);
    char *path = join(resume->run, "config.yaml");
    const bool missing = path != NULL && access(path, F_OK) != 0;
    free(path);
    if (missing)
        return no_config(resume);
    if (status == FV_ERR_UNSUPPORTED)
        return cli_fail(resume->command,
                        "%s: the run's settings cannot be read. Its last state is a model, too, which a new run can "
                        "start from: fovea train %s/checkpoints/step-....safetensors",
                        message, resume->run);
    if (status == FV_ERR_IO || status == FV_ERR_MEMORY)
        return cli_fail(resume->command, "%s", message);
    return cli_usage_error(resume->command, "%s", message);
}

int cli_resume_open(cli_resume *resume, const cli_call *call, const char *run)
{
    fv_config *stored = NULL;
    *resume = (cli_resume){ .command = call->command, .run = run };
    char *path = join(run, "config.yaml");
    if (path == NULL)
        return cli_fail(call->command, "out of memory");
    fv_status status = fv_config_create(&stored, call->config_context);
    if (status == FV_OK)
        status = fv_config_read_yaml(stored, path);
    int result = status == FV_OK ? check_changes(resume, call, stored) : config_failure(resume, call, status);
    if (result == CLI_DONE) {
        status = fv_config_read_yaml(call->config, path);
        if (status != FV_OK)
            result = config_failure(resume, call, status);
    }
    fv_config_destroy(stored);
    free(path);
    return result;
}

int cli_resume_find(cli_resume *resume, fv_context *context)
{
    char *folder = join(resume->run, "checkpoints"), *found = NULL;
    if (folder == NULL)
        return cli_fail(resume->command, "out of memory");
    const fv_status status = fv_checkpoint_latest(context, folder, &found);
    free(folder);
    if (status == FV_ERR_NOT_FOUND)
        return CLI_DONE; /* killed before the first one: from the beginning */
    if (status != FV_OK)
        return cli_fail(resume->command, "%s", fv_context_message(context));
    resume->checkpoint = strdup(found);
    fv_text_release(context, found);
    return resume->checkpoint != NULL ? CLI_DONE : cli_fail(resume->command, "out of memory");
}

int cli_resume_restore(const cli_resume *resume, fv_trainer *trainer)
{
    if (resume->checkpoint == NULL)
        return CLI_DONE;
    if (fv_trainer_restore(trainer, resume->checkpoint) != FV_OK)
        return cli_fail(resume->command, "%s", fv_trainer_message(trainer));
    return CLI_DONE;
}

void cli_resume_close(cli_resume *resume)
{
    free(resume->checkpoint);
    *resume = (cli_resume){ 0 };
}

/* 0: not the line of an epoch; -1: no whole line. */
static json_int_t epoch_of(const char *line)
{
    json_t *object = strchr(line, '\n') != NULL ? json_loads(line, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_int_t epoch = json_object_get(object, "weights_hash") != NULL
                                 ? json_integer_value(json_object_get(object, "epoch"))
                             : object != NULL ? 0
                                              : -1;
    json_decref(object);
    return epoch;
}

/* Lines up to the last epoch that follows the one before. Returns the number of epochs copied. */
static int32_t copy_lines(FILE *from, FILE *to, int32_t count)
{
    char *line = NULL;
    size_t room = 0;
    int32_t epochs = 0;
    while (epochs < count && getline(&line, &room, from) > 0) {
        const json_int_t epoch = epoch_of(line);
        if (epoch < 0 || epoch > epochs + 1)
            break;
        if (epoch == 0 || epoch == epochs + 1)
            fputs(line, to);
        epochs += epoch == epochs + 1;
    }
    free(line);
    return epochs;
}

bool cli_log_repair(const char *path, const fv_epoch_record *records, int32_t count)
{
    const size_t size = strlen(path) + sizeof ".partial";
    char *beside = malloc(size);
    FILE *to = NULL;
    bool good = beside != NULL;
    if (good) {
        snprintf(beside, size, "%s.partial", path);
        to = fopen(beside, "w");
        good = to != NULL;
    }
    if (good) {
        FILE *from = fopen(path, "r");
        int32_t epochs = from != NULL ? copy_lines(from, to, count) : 0;
        if (from != NULL)
            fclose(from);
        for (; epochs < count && good; epochs++)
            good = cli_run_write_record(to, &records[epochs]);
        good = fflush(to) == 0 && fsync(fileno(to)) == 0 && good;
        good = fclose(to) == 0 && good;
        good = good && rename(beside, path) == 0;
        if (!good)
            (void)unlink(beside);
    }
    free(beside);
    return good;
}
