/* SPDX-License-Identifier: Apache-2.0
 *
 * main.c - the command table, and the way from argv to one of its entries. A command is one file, cmd_<name>.c, which
 * holds its option table (option.h) and what it does. The command uses the public headers only: what it can do, a
 * program that links the library can do.
 */
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "command.h"

const cli_command *const cli_commands[] = {
    &cli_train,        &cli_lr_find,      &cli_eval,        &cli_predict,
    &cli_summary,      &cli_zoo,          &cli_zoo_show,    &cli_explain,
    &cli_gradcheck,    &cli_bench,        &cli_import,      &cli_export_command,
    &cli_quantize,     &cli_compare,      &cli_bundle,      &cli_verify,
    &cli_info,         &cli_data_get,     &cli_data_info,   &cli_data_check,
    &cli_data_pack,    &cli_data_split,   &cli_data_export, &cli_data_preview,
    &cli_data_augment, &cli_data_corrupt, &cli_help,        NULL,
};

/* The command that argv[1], or argv[1] and argv[2], name. *used: how many words. */
static const cli_command *find_command(int argc, char **argv, int *used)
{
    char name[64];
    *used = 2;
    if (argc > 2) {
        snprintf(name, sizeof name, "%s %s", argv[1], argv[2]);
        const cli_command *command = cli_find_command(name);
        if (command != NULL) {
            *used = 3;
            return command;
        }
    }
    return cli_find_command(argv[1]);
}

static int unknown_command(int argc, char **argv)
{
    const char *words[64];
    char hint[128], given[128];
    size_t count = 0;
    bool is_prefix = false; /* "data": the first word of two */
    const size_t length = strlen(argv[1]);
    for (; cli_commands[count] != NULL && count < 64; count++) {
        words[count] = cli_commands[count]->name;
        is_prefix = is_prefix || (strncmp(words[count], argv[1], length) == 0 && words[count][length] == ' ');
    }
    if (is_prefix && argc > 2)
        snprintf(given, sizeof given, "%.50s %.50s", argv[1], argv[2]);
    else
        snprintf(given, sizeof given, "%.100s", argv[1]);
    return cli_usage_error(NULL, "unknown command '%s'%s", given,
                           cli_did_you_mean(given, "", words, count, hint, sizeof hint));
}

static int run(const cli_command *command, int count, char **argv)
{
    cli_call call = { .command = command };
    bool wants_help = false;
    int status = CLI_FAILED;
    const fv_context_options quiet = { .threads = 1, .isa = "baseline" }; /* for the config's messages alone */
    call.values = calloc(1, command->values_size > 0 ? command->values_size : 1);
    call.operands = calloc((size_t)count + 1, sizeof *call.operands);
    if (call.values == NULL || call.operands == NULL ||
        (command->configured && (fv_context_create(&call.config_context, &quiet) != FV_OK ||
                                 fv_config_create(&call.config, call.config_context) != FV_OK)))
        cli_fail(command, "out of memory");
    else
        status = cli_parse(&call, count, argv, &wants_help);
    if (status == CLI_DONE && wants_help) {
        cli_print_help(stdout, command);
        status = cli_finish_output(command);
    } else if (status == CLI_DONE) {
        status = command->run(&call);
    }
    fv_config_destroy(call.config);
    fv_context_destroy(call.config_context);
    free(call.values);
    free(call.operands);
    return status;
}

/* A bundle: its model and the arguments go to predict. */
static int run_bundle(int argc, char **argv)
{
    static char model[64]; /* argv points to it */
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return cli_bundle_help(argv[0]) == CLI_DONE && argc >= 2 ? CLI_DONE : CLI_USAGE;
    const int status = cli_bundle_open(model);
    argv[0] = model;
    return status == CLI_DONE ? run(&cli_predict, argc, argv) : status;
}

int main(int argc, char **argv)
{
    if (cli_bundle_present())
        return run_bundle(argc, argv);
    if (argc < 2) {
        cli_print_overview(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return run(&cli_help, 0, argv);
    if (strcmp(argv[1], "--version") == 0) {
        printf("fovea %s\n", fv_version());
        return cli_finish_output(&cli_help);
    }
    int used = 0;
    const cli_command *command = find_command(argc, argv, &used);
    if (command == NULL)
        return unknown_command(argc, argv);
    return run(command, argc - used, argv + used);
}
