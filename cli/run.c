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

static const char *const origins[] = { "default", "the network's default", "command line", "--set" };

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

static bool needs_quotes(cli_type type)
{
    return type == CLI_TEXT;
}

/* A YAML double-quoted scalar is JSON's string. */
static void write_quoted(FILE *file, const char *text)
{
    json_t *string = json_string(text);
    if (string == NULL || json_dumpf(string, file, JSON_ENCODE_ANY) != 0)
        fputs("\"\"", file); /* not UTF-8 */
    json_decref(string);
}

/* One section per first word of the keys, in the order of the option table; "model" is open already. */
static void write_sections(FILE *file, const cli_call *call)
{
    const cli_option *options = call->command->options;
    const int count = cli_option_count(call->command);
    bool written[CLI_MAX_OPTIONS] = { false };
    char value[4096];
    const char *open = "model";
    for (int i = 0; i < count; i++) {
        if (options[i].key == NULL || written[i])
            continue;
        const size_t section = strcspn(options[i].key, ".");
        if (strncmp(options[i].key, open, section) != 0 || open[section] != '\0')
            fprintf(file, "%.*s:\n", (int)section, options[i].key);
        for (int j = i; j < count; j++) {
            if (options[j].key == NULL || written[j] || strncmp(options[j].key, options[i].key, section + 1) != 0)
                continue;
            written[j] = true;
            cli_value_text(call, &options[j], value, sizeof value);
            fprintf(file, "  %s: ", options[j].key + section + 1);
            if (needs_quotes(options[j].type))
                write_quoted(file, value);
            else
                fputs(value, file);
            fprintf(file, "  # %s\n", origins[call->origin[j]]);
        }
    }
}

static int write_config(const cli_run *run, const cli_call *call, const char *folder)
{
    char *path = join(folder, "config.yaml");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    int status = CLI_DONE;
    if (file != NULL) {
        fprintf(
            file,
            "# written by fovea %s: the run as resolved; behind each value, where it came from\nmodel:\n  network: ",
            fv_version());
        write_quoted(file, call->operands[0]);
        fprintf(file, "  # command line\n");
        write_sections(file, call);
    }
    if (file == NULL)
        status = cli_fail(run->command, "cannot write '%s': %s", path != NULL ? path : "config.yaml", strerror(errno));
    else if ((fflush(file) != 0) | ferror(file) | (fclose(file) != 0))
        status = cli_fail(run->command, "cannot write '%s': %s", path, strerror(errno));
    free(path);
    return status;
}

int cli_run_open(cli_run *run, const cli_call *call, const char *folder, bool overwrite)
{
    memset(run, 0, sizeof *run);
    run->command = call->command;
    run->model_path = join(folder, "model.safetensors");
    run->log_path = join(folder, "log.jsonl");
    if (run->model_path == NULL || run->log_path == NULL)
        return cli_fail(run->command, "out of memory");
    if (!cli_make_folder(folder))
        return cli_fail(run->command, "cannot make the folder '%s': %s", folder, strerror(errno));
    if (!overwrite && access(run->model_path, F_OK) == 0)
        return cli_usage_error(run->command,
                               "'%s' holds a trained model already; choose another --out, or --overwrite it", folder);
    const int status = write_config(run, call, folder);
    if (status != CLI_DONE)
        return status;
    run->log = fopen(run->log_path, "w");
    if (run->log == NULL)
        return cli_fail(run->command, "cannot write '%s': %s", run->log_path, strerror(errno));
    return CLI_DONE;
}

static json_t *record_object(const fv_epoch_record *record)
{
    return json_pack("{s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:s}", "epoch", (int)record->epoch, "train_loss",
                     cli_json_number(record->train_loss), "train_accuracy", cli_json_number(record->train_accuracy),
                     "test_loss", cli_json_number(record->test_loss), "test_accuracy",
                     cli_json_number(record->test_accuracy), "images_per_second",
                     cli_json_number(record->images_per_second), "seconds", cli_json_number(record->seconds),
                     "weights_hash", record->weights_hash);
}

int cli_run_log(cli_run *run, const fv_epoch_record *record, int epochs, bool json)
{
    char rate[32];
    json_t *object = record_object(record);
    if (object == NULL)
        return cli_fail(run->command, "out of memory");
    const int failed = json_dumpf(object, run->log, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12));
    if (failed != 0 || fputc('\n', run->log) == EOF || fflush(run->log) != 0) {
        json_decref(object);
        return cli_fail(run->command, "cannot write '%s': %s", run->log_path, strerror(errno));
    }
    if (json)
        return cli_print_json(run->command, object);
    json_decref(object);
    printf("epoch %3d/%d  train loss %.4f accuracy %6.2f%%  test loss %.4f accuracy %6.2f%%  %s images/s  %.1f s  %s\n",
           (int)record->epoch, epochs, record->train_loss, 100 * record->train_accuracy, record->test_loss,
           100 * record->test_accuracy, cli_grouped((int64_t)record->images_per_second, rate, sizeof rate),
           record->seconds, record->weights_hash);
    return cli_finish_output(run->command);
}

void cli_run_close(cli_run *run)
{
    if (run->log != NULL)
        fclose(run->log);
    free(run->model_path);
    free(run->log_path);
    memset(run, 0, sizeof *run);
}
