/* SPDX-License-Identifier: Apache-2.0
 *
 * manual.c - manual pages made from the command table: fovea(1), and one for each command, as fovea-train(1).
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "command.h"

static const char *const statuses[][2] = {
    { "0", "done" },
    { "1",
      "failed: a file that cannot be read or written, data that do not fit the network, a check that did not hold" },
    { "2", "wrong usage or configuration; nothing was touched" },
    { "130", "interrupted by Ctrl-C (SIGINT); 143: by SIGTERM. The running step was finished and the model saved" },
};

static const char *const variables[][2] = {
    { "FOVEA_BF16", "emulated: --precision bf16 also on a CPU without AVX-512 BF16, as bf16-emulated" },
    { "FOVEA_ISA", "instruction set to run: baseline, avx2, avx512, avx512_bf16 or neon; the best one when unset" },
    { "FOVEA_DATA", "folder in which data sets are looked for first" },
};

enum { STATUSES = sizeof statuses / sizeof statuses[0], VARIABLES = sizeof variables / sizeof variables[0] };

enum { LINE = 60 };

/* Of this edition; not that of the build, so that a build can be repeated bit for bit. */
static const char date[] = "2026-11-22";

/* Text for roff: backslashes, hyphens and leading dots lose their meaning; an empty line becomes a paragraph; filled text (not a
 * line of its own) is cut into lines. */
static void print_roff_text(FILE *stream, const char *text, bool filled)
{
    int column = 0;
    for (const char *at = text; *at != '\0'; at++) {
        column = *at == '\n' ? 0 : column + 1;
        if (filled && column > LINE && *at == ' ' && strchr(" .'\n", at[1]) == NULL) {
            fputc('\n', stream);
            column = 0;
            continue;
        }
        if (*at == '\\')
            fputs("\\e", stream);
        else if (*at == '-')
            fputs("\\-", stream);
        else if (at[0] == '\n' && at[1] == '\n')
            fputs("\n.PP", stream);
        else if ((*at == '.' || *at == '\'') && (at == text || at[-1] == '\n'))
            fprintf(stream, "\\&%c", *at);
        else
            fputc(*at, stream);
    }
}

static void print_roff(FILE *stream, const char *text)
{
    print_roff_text(stream, text, true);
}

static void print_roff_pairs(FILE *stream, const char *title, const char *const pairs[][2], size_t count)
{
    fprintf(stream, ".SH %s\n", title);
    for (size_t i = 0; i < count; i++) {
        fprintf(stream, ".TP\n.B %s\n", pairs[i][0]);
        print_roff(stream, pairs[i][1]);
        fputc('\n', stream);
    }
}

/* "data export" as "data-export". Returns text. */
static const char *page_name(const cli_command *command, char *text, size_t size)
{
    snprintf(text, size, "%s", command->name);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == ' ' ? '-' : *at;
    return text;
}

static void print_option(FILE *stream, const cli_option *option)
{
    char form[96], *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    fprintf(stream, ".TP\n.B \"");
    print_roff(stream, cli_option_form(option, form, sizeof form));
    fprintf(stream, "\"\n");
    if (memory != NULL) {
        cli_print_option_help(memory, option);
        if (option->key != NULL && option->name != NULL)
            fprintf(memory, " (key %s)", option->key);
        fclose(memory);
        print_roff(stream, text);
    }
    free(text);
    fputc('\n', stream);
}

static void print_title(FILE *stream, const char *name)
{
    fputs(".TH FOVEA", stream);
    if (*name != '\0')
        fputs("\\-", stream);
    for (; *name != '\0'; name++)
        fputc(*name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name, stream);
    fprintf(stream, " 1 \"%s\" \"fovea %s\" \"User Commands\"\n.SH NAME\n", date, fv_version());
}

/* "Train a network" as "train a network": what follows the dash of a manual page's NAME; names and abbreviations stay. */
static void print_purpose(FILE *stream, const char *purpose)
{
    char text[256];
    snprintf(text, sizeof text, "%s", purpose);
    if (text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z')
        text[0] = (char)(text[0] - 'A' + 'a');
    print_roff(stream, text);
    fputc('\n', stream);
}

void cli_print_manual(FILE *stream)
{
    char name[64];
    print_title(stream, "");
    fprintf(stream, "fovea \\- train, inspect and ship convolutional networks\n.SH SYNOPSIS\n.B fovea\n.I COMMAND\n");
    fprintf(stream, "[\\fIOPTION\\fR]... [\\fIOPERAND\\fR]...\n.SH DESCRIPTION\n");
    fprintf(stream,
            "Each command has a manual page of its own; the same text comes from\n.BR \"fovea help\" \" COMMAND.\"\n");
    fprintf(
        stream,
        "A first step:\n.PP\n.RS\nfovea train lenet5 \\-\\-data mnist\\-12k \\-\\-out runs/first\n.RE\n.SH COMMANDS\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        fprintf(stream, ".TP\n.BR fovea\\-");
        print_roff(stream, page_name(cli_commands[i], name, sizeof name));
        fprintf(stream, " (1)\n");
        print_roff(stream, cli_commands[i]->purpose);
        fputc('\n', stream);
    }
    print_roff_pairs(stream, "EXIT STATUS", statuses, STATUSES);
    print_roff_pairs(stream, "ENVIRONMENT", variables, VARIABLES);
}

static void print_synopsis(FILE *stream, const cli_command *command)
{
    fprintf(stream, ".SH SYNOPSIS\n.B fovea %s\n", command->name);
    if (command->operands[0] != '\0') {
        fprintf(stream, ".I ");
        print_roff(stream, command->operands);
        fputc('\n', stream);
    }
    fprintf(stream, "[\\fIOPTION\\fR]...\n");
}

static void print_examples(FILE *stream, const char *const *examples)
{
    fprintf(stream, ".SH EXAMPLES\n.nf\n");
    for (size_t i = 0; examples[i] != NULL; i++) {
        print_roff_text(stream, examples[i], false);
        fputc('\n', stream);
    }
    fprintf(stream, ".fi\n");
}

void cli_print_manual_of(FILE *stream, const cli_command *command)
{
    char name[64];
    const char *section = "";
    page_name(command, name, sizeof name);
    print_title(stream, name);
    fputs("fovea\\-", stream);
    print_roff(stream, name);
    fputs(" \\- ", stream);
    print_purpose(stream, command->purpose);
    print_synopsis(stream, command);
    if (command->description[0] != '\0') {
        fprintf(stream, ".SH DESCRIPTION\n");
        print_roff(stream, command->description);
        fputc('\n', stream);
    }
    fprintf(stream, ".SH OPTIONS\n");
    for (int i = 0; i < cli_option_count(command); i++) {
        const cli_option option = cli_option_at(command, i);
        if (option.key != NULL && strncmp(option.key, section, strcspn(option.key, ".") + 1) != 0)
            fprintf(stream, ".SS \"Keys of %.*s\"\n", (int)strcspn(option.key, "."), option.key);
        section = option.key != NULL ? option.key : section;
        print_option(stream, &option);
    }
    fprintf(stream, ".TP\n.B \\-\\-help\nthis text\n");
    if (command->examples != NULL)
        print_examples(stream, command->examples);
    fprintf(stream, ".SH SEE ALSO\n.BR fovea (1)\n");
}

/* One page into folder; NULL: fovea(1). */
static bool write_page(const char *folder, const cli_command *command)
{
    char path[4096], name[64];
    if (command == NULL)
        snprintf(path, sizeof path, "%s/fovea.1", folder);
    else
        snprintf(path, sizeof path, "%s/fovea-%s.1", folder, page_name(command, name, sizeof name));
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    if (command == NULL)
        cli_print_manual(file);
    else
        cli_print_manual_of(file, command);
    const bool good = ferror(file) == 0;
    return fclose(file) == 0 && good;
}

int cli_write_manual(const cli_command *command, const char *folder)
{
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return cli_fail(command, "cannot make folder '%s': %s", folder, strerror(errno));
    bool good = write_page(folder, NULL);
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        good = write_page(folder, cli_commands[i]) && good;
    return good ? CLI_DONE : cli_fail(command, "cannot write a page to '%s': %s", folder, strerror(errno));
}
