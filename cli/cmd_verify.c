/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_verify.c - fovea verify: are models, checkpoints and run folders what was written?
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"

typedef struct values {
    bool json;
} values;

static const cli_option options[] = {
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "a JSON object per file, and nothing else" },
    { 0 },
};

/* The call and what it has found so far. */
typedef struct verifying {
    const cli_call *call;
    const values *given;
    fv_context *context;
    int files, damaged;
} verifying;

static const char *const kinds[] = { "model", "checkpoint", "crash bundle" };

static int report_damage(verifying *v, const char *path, const char *why)
{
    v->damaged++;
    if (!v->given->json) {
        cli_fail(v->call->command, "%s", why);
        return CLI_DONE;
    }
    return cli_print_json(v->call->command, json_pack("{s:s,s:b,s:s}", "file", path, "whole", 0, "error", why));
}

static int report_as_json(const verifying *v, const char *path, const fv_file_info *info)
{
    const fv_self_test_result *test = &info->self_test;
    json_t *tested = test->outputs > 0
                         ? json_pack("{s:i,s:o,s:o}", "outputs", (int)test->outputs, "difference",
                                     cli_json_number(test->difference), "bound", cli_json_number(test->bound))
                         : json_null();
    return cli_print_json(v->call->command,
                          json_pack("{s:s,s:b,s:s,s:s,s:s,s:I,s:i,s:i,s:I,s:I,s:s,s:s,s:o}", "file", path, "whole", 1,
                                    "kind", kinds[info->kind], "network", info->network, "version", info->version,
                                    "bytes", (json_int_t)info->bytes, "tensors", (int)info->tensors, "epoch",
                                    (int)info->epoch, "step", (json_int_t)info->step, "position",
                                    (json_int_t)info->position, "checksum", info->checksum, "weights_hash",
                                    info->weights_hash, "self_test", tested));
}

static int report_file(const verifying *v, const char *path, const fv_file_info *info)
{
    const fv_self_test_result *test = &info->self_test;
    char bytes[32];
    if (v->given->json)
        return report_as_json(v, path, info);
    printf("%s: whole; %s of %s", path, kinds[info->kind], info->network);
    if (info->kind != FV_FILE_MODEL)
        printf(" after %" PRId64 " step%s, %d epoch%s", info->step, info->step == 1 ? "" : "s", (int)info->epoch,
               info->epoch == 1 ? "" : "s");
    if (info->position > 0)
        printf(" and %" PRId64 " images", info->position);
    printf("; %d tensors, %s, weights %s\n", (int)info->tensors, cli_bytes((size_t)info->bytes, bytes, sizeof bytes),
           info->weights_hash);
    if (test->outputs > 0)
        printf("%s: self-test: %d output%s agree%s to %.2g of the largest (rounding explains up to %.2g)\n", path,
               (int)test->outputs, test->outputs == 1 ? "" : "s", test->outputs == 1 ? "s" : "", test->difference,
               test->bound);
    return cli_finish_output(v->call->command);
}

static int verify_pack(verifying *v, const char *path)
{
    if (fv_data_pack_verify(v->context, path) != FV_OK)
        return report_damage(v, path, fv_context_message(v->context));
    if (v->given->json)
        return cli_print_json(v->call->command, json_pack("{s:s,s:b,s:s}", "file", path, "whole", 1, "kind", "pack"));
    printf("%s: whole; pack\n", path);
    return cli_finish_output(v->call->command);
}

static int verify_file(verifying *v, const char *path)
{
    fv_file_info info;
    v->files++;
    if (fv_data_pack_is(path))
        return verify_pack(v, path);
    if (fv_file_verify(v->context, path, &info) != FV_OK)
        return report_damage(v, path, fv_context_message(v->context));
    return report_file(v, path, &info);
}

/* A line of a log must be a whole JSON object, and epochs must follow each other. */
static bool good_line(const char *line, int *epochs)
{
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const json_t *epoch = json_object_get(object, "epoch");
    const bool good = json_is_object(object) && (epoch == NULL || json_integer_value(epoch) == *epochs + 1);
    *epochs += epoch != NULL;
    json_decref(object);
    return good;
}

static int verify_log(verifying *v, const char *path)
{
    char *line = NULL, why[256];
    size_t room = 0;
    int lines = 0, epochs = 0, bad = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return CLI_DONE;
    v->files++;
    while (getline(&line, &room, file) > 0) {
        lines++;
        if (bad == 0 && (strchr(line, '\n') == NULL || !good_line(line, &epochs)))
            bad = lines;
    }
    free(line);
    fclose(file);
    if (bad > 0) {
        snprintf(why, sizeof why, "'%.200s': line %d is cut, no JSON or out of order", path, bad);
        return report_damage(v, path, why);
    }
    if (v->given->json)
        return cli_print_json(v->call->command, json_pack("{s:s,s:b,s:s,s:i}", "file", path, "whole", 1, "kind", "log",
                                                          "epochs", epochs));
    printf("%s: whole; %d epoch%s\n", path, epochs, epochs == 1 ? "" : "s");
    return cli_finish_output(v->call->command);
}

static bool is_tensors(const char *name)
{
    const char *ending = ".safetensors";
    const size_t length = strlen(name), end = strlen(ending);
    return length > end && strcmp(name + length - end, ending) == 0;
}

static int wanted(const struct dirent *entry)
{
    return is_tensors(entry->d_name);
}

/* Every model and checkpoint in a folder, by name. */
static int verify_folder(verifying *v, const char *folder)
{
    struct dirent **entries = NULL;
    char path[4096];
    int status = CLI_DONE;
    const int count = scandir(folder, &entries, wanted, alphasort);
    if (count < 0)
        return errno == ENOENT ? CLI_DONE : cli_fail(v->call->command, "cannot read '%s': %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (status == CLI_DONE && snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) < (int)sizeof path)
            status = verify_file(v, path);
        free(entries[i]);
    }
    free(entries);
    return status;
}

static int verify_run(verifying *v, const char *folder)
{
    char path[4096];
    const int before = v->files;
    int status = verify_folder(v, folder);
    snprintf(path, sizeof path, "%s/checkpoints", folder);
    if (status == CLI_DONE)
        status = verify_folder(v, path);
    snprintf(path, sizeof path, "%s/log.jsonl", folder);
    if (status == CLI_DONE)
        status = verify_log(v, path);
    if (status == CLI_DONE && v->files == before)
        return cli_fail(v->call->command, "'%s' holds no model, no checkpoint and no log", folder);
    return status;
}

static int verify_all(cli_call *call)
{
    verifying v = { .call = call, .given = call->values };
    int status = cli_open_context(call->command, &v.context, 0);
    for (int i = 0; status == CLI_DONE && i < call->operand_count; i++) {
        struct stat info;
        const char *path = call->operands[i];
        const bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
        status = folder ? verify_run(&v, path) : verify_file(&v, path);
    }
    fv_context_destroy(v.context);
    return status == CLI_DONE && v.damaged > 0 ? CLI_FAILED : status;
}

const cli_command cli_verify = {
    .name = "verify",
    .operands = "FILE|RUN...",
    .min_operands = 1,
    .max_operands = -1,
    .completion = CLI_COMPLETE_FILE,
    .purpose = "Check that models, checkpoints and runs are whole",
    .description =
        "Reads each FILE whole: its structure, the checksums of its header and its tensors, and that the tensors "
        "fit the network. A model also carries a self-test, the output of its network for an input that anyone can "
        "make "
        "again: it is run, and must agree but for rounding.\n"
        "Of a run's folder: its model, its checkpoints and its log. The status is 1 when anything is damaged.",
    .examples = (const char *const[]){ "fovea verify runs/first", "fovea verify model.safetensors --json", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = verify_all,
};
