/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_help.c - fovea help: the pages that help.c makes from the tables.
 */
#include <string.h>

#include "command.h"

typedef struct values {
    bool manual, keys;
    const char *pages;
    int64_t completion;
} values;

static const char *const shells[] = { "none", "bash", "zsh", NULL };

static const cli_option options[] = {
    { "man", NULL, CLI_FLAG, NULL, offsetof(values, manual), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "the manual page, of fovea or of COMMAND, as roff" },
    { "man-pages", NULL, CLI_TEXT, "FOLDER", offsetof(values, pages), 0, 0, NULL, NULL, CLI_COMPLETE_FOLDER,
      "write all manual pages into a folder" },
    { "keys", NULL, CLI_FLAG, NULL, offsetof(values, keys), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "the keys of experiment files, as the tables of docs/experiments.md" },
    { "completion", NULL, CLI_CHOICE, "SHELL", offsetof(values, completion), 0, 0, "none", shells, CLI_COMPLETE_NONE,
      "a completion script for" },
    { 0 },
};

static int help_run(cli_call *call)
{
    const values *given = call->values;
    if (given->pages != NULL)
        return cli_write_manual(call->command, given->pages);
    if (given->manual && call->operand_count == 0) {
        cli_print_manual(stdout);
    } else if (given->keys) {
        cli_print_keys(stdout);
    } else if (given->completion == 1) {
        cli_print_completion_bash(stdout);
    } else if (given->completion == 2) {
        cli_print_completion_zsh(stdout);
    } else if (call->operand_count == 0) {
        cli_print_overview(stdout);
    } else {
        char name[128], hint[256];
        const char *words[64];
        size_t count = 0;
        snprintf(name, sizeof name, "%.60s%s%.60s", call->operands[0], call->operand_count > 1 ? " " : "",
                 call->operand_count > 1 ? call->operands[1] : "");
        const cli_command *command = cli_find_command(name);
        for (; cli_commands[count] != NULL && count < 64; count++)
            words[count] = cli_commands[count]->name;
        if (command == NULL)
            return cli_usage_error(call->command, "unknown command '%s'%s", name,
                                   cli_did_you_mean(name, "", words, count, hint, sizeof hint));
        (given->manual ? cli_print_manual_of : cli_print_help)(stdout, command);
    }
    return cli_finish_output(call->command);
}

const cli_command cli_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .max_operands = 2,
    .purpose = "Say what a command does and which options it takes",
    .description =
        "Without a command: the list of commands. Everything is made from the tables that parse the command line.",
    .examples = (const char *const[]){ "fovea help train", "source <(fovea help --completion bash)", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = help_run,
};
