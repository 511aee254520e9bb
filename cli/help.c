/* SPDX-License-Identifier: Apache-2.0
 *
 * help.c - pages made from the command table: `fovea help`, `fovea help COMMAND`, the tables of keys and the completion scripts of
 * bash and zsh. Manual pages: manual.c.
 */
#include <string.h>

#include "fovea/fovea.h"
#include "option.h"

const cli_command *cli_find_command(const char *name)
{
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        if (strcmp(cli_commands[i]->name, name) == 0)
            return cli_commands[i];
    return NULL;
}

void cli_print_overview(FILE *stream)
{
    fprintf(stream, "fovea %s: train, inspect and ship convolutional networks\n\n", fv_version());
    fprintf(stream, "usage: fovea COMMAND ...\n\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        fprintf(stream, "  %-12s %s\n", cli_commands[i]->name, cli_commands[i]->purpose);
    fprintf(stream,
            "\nfovea help COMMAND says more. A first step: fovea train lenet5 --data mnist-12k --out runs/first\n");
}

const char *cli_option_form(const cli_option *option, char *text, size_t size)
{
    if (option->name == NULL)
        snprintf(text, size, "--set %s=%s", option->key, option->value != NULL ? option->value : "true");
    else if (option->type == CLI_FLAG)
        snprintf(text, size, "--%s", option->name);
    else
        snprintf(text, size, "%s--%s %s", strcmp(option->name, "out") == 0 ? "-o, " : "", option->name, option->value);
    return text;
}

void cli_print_option_help(FILE *stream, const cli_option *option)
{
    fprintf(stream, "%s", option->help);
    for (size_t i = 0; option->words != NULL && option->words[i] != NULL; i++)
        fprintf(stream, "%s%s", i == 0 ? ": " : ", ", option->words[i]);
    if (option->fallback != NULL && strcmp(option->fallback, CLI_REQUIRED) == 0)
        fprintf(stream, "; required");
    else if (option->fallback != NULL && option->fallback[0] == '(')
        fprintf(stream, "; default: %.*s", (int)strlen(option->fallback) - 2, option->fallback + 1);
    else if (option->fallback != NULL && option->type != CLI_FLAG)
        fprintf(stream, "; default %s", option->fallback);
}

static void print_option(FILE *stream, const cli_option *option)
{
    char form[96];
    fprintf(stream, "  %-22s ", cli_option_form(option, form, sizeof form));
    if (strlen(form) > 22)
        fprintf(stream, "\n  %-22s ", "");
    cli_print_option_help(stream, option);
    if (option->key != NULL && option->name != NULL)
        fprintf(stream, " [%s]", option->key);
    fprintf(stream, "\n");
}

void cli_print_help(FILE *stream, const cli_command *command)
{
    const char *section = "";
    fprintf(stream, "usage: fovea %s%s%s [OPTION]...\n\n%s.\n", command->name, command->operands[0] != '\0' ? " " : "",
            command->operands, command->purpose);
    if (command->description[0] != '\0')
        fprintf(stream, "\n%s\n", command->description);
    fprintf(stream, "\noptions:\n");
    for (int i = 0; i < cli_option_count(command); i++) {
        const cli_option option = cli_option_at(command, i);
        if (option.key != NULL && section[0] == '\0')
            fprintf(stream,
                    "  %-22s this text\n\nwhat the run is to be; in brackets the key for --set and experiment "
                    "files:\n",
                    "--help");
        if (option.key != NULL && strncmp(option.key, section, strcspn(option.key, ".") + 1) != 0)
            fprintf(stream, " %.*s\n", (int)strcspn(option.key, "."), option.key);
        section = option.key != NULL ? option.key : section;
        print_option(stream, &option);
    }
    if (!command->configured)
        fprintf(stream, "  %-22s this text\n", "--help");
    if (command->examples != NULL) {
        fprintf(stream, "\nexamples:\n");
        for (size_t i = 0; command->examples[i] != NULL; i++)
            fprintf(stream, "  %s\n", command->examples[i]);
    }
}

/* What a key takes, in a cell of Markdown. */
static void print_key_values(FILE *stream, const fv_config_key *key)
{
    static const char *const kinds[] = {
        [FV_CONFIG_FLAG] = "`true` or `false`",
        [FV_CONFIG_INTEGER] = "a whole number, ",
        [FV_CONFIG_REAL] = "a number, ",
        [FV_CONFIG_CHOICE] = "",
        [FV_CONFIG_BYTES] = "memory: `2G`, `1.5GiB`",
        [FV_CONFIG_SHAPE] = "`3x32x32` or `[3, 32, 32]`",
        [FV_CONFIG_TEXT] = "a text or a list",
        [FV_CONFIG_TRANSFORMS] = "a list of transforms",
        [FV_CONFIG_WEIGHTS] = "`none`, `auto`, `cat=2, dog=0.5` or `{cat: 2, dog: 0.5}`",
        [FV_CONFIG_FILE] = "a file",
        [FV_CONFIG_FOLDER] = "a folder",
        [FV_CONFIG_NETWORK] = "a network or a file",
        [FV_CONFIG_DATA] = "a data set's name, a folder or a file",
    };
    fputs(kinds[key->type], stream);
    if (key->type == FV_CONFIG_INTEGER)
        fprintf(stream, "%.0f to %.0f", key->low, key->high);
    else if (key->type == FV_CONFIG_REAL)
        fprintf(stream, "%.10g to %.10g", key->low, key->high);
    for (size_t i = 0; key->words != NULL && key->words[i] != NULL; i++)
        fprintf(stream, "%s`%s`", i > 0 ? ", " : "", key->words[i]);
}

void cli_print_keys(FILE *stream)
{
    const char *section = "";
    for (int32_t i = 0; i < fv_config_key_count(); i++) {
        const fv_config_key *key = fv_config_key_at(i);
        if (strncmp(key->key, section, strcspn(key->key, ".") + 1) != 0)
            fprintf(stream,
                    "%s### %.*s\n\n| key | option | value | default | what |\n| --- | --- | --- | --- | --- |\n",
                    i > 0 ? "\n" : "", (int)strcspn(key->key, "."), key->key);
        section = key->key;
        fprintf(stream, "| `%s` |", strchr(key->key, '.') + 1);
        if (key->option != NULL)
            fprintf(stream, " `--%s`", key->option);
        fputs(" | ", stream);
        print_key_values(stream, key);
        if (key->fallback != NULL && key->fallback[0] == '(')
            fprintf(stream, " | %.*s", (int)strlen(key->fallback) - 2, key->fallback + 1);
        else
            fprintf(stream, " | %s",
                    key->fallback != NULL         ? key->fallback
                    : key->type == FV_CONFIG_FLAG ? "false"
                                                  : "");
        fprintf(stream, " | %s%s |\n", key->help, key->may_change ? " *" : "");
    }
}

/* The words that a shell offers for a value or operand: a command substitution or a fixed list. */
static const char *bash_words(cli_completion completion)
{
    switch (completion) {
    case CLI_COMPLETE_NETWORK:
        return "$(fovea zoo --names 2>/dev/null) $(compgen -f -- \"$word\")";
    case CLI_COMPLETE_DATA:
        return "mnist-12k mnist fashion-mnist cifar-10 cifar-100 $(compgen -f -- \"$word\")";
    case CLI_COMPLETE_FILE:
        return "$(compgen -f -- \"$word\")";
    case CLI_COMPLETE_FOLDER:
        return "$(compgen -d -- \"$word\")";
    case CLI_COMPLETE_NONE:
        break;
    }
    return "";
}

/* "train.epochs= " for each key of --set. */
static void print_bash_keys(FILE *stream)
{
    for (int32_t i = 0; i < fv_config_key_count(); i++)
        fprintf(stream, "%s= ", fv_config_key_at(i)->key);
}

static void print_bash_command(FILE *stream, const cli_command *command)
{
    const int count = cli_option_count(command);
    fprintf(stream, "    '%s')\n        case $previous in\n", command->name);
    for (int i = 0; i < count; i++) {
        const cli_option option = cli_option_at(command, i);
        if (option.name == NULL || option.type == CLI_FLAG)
            continue;
        fprintf(stream, "        --%s) words=\"", option.name);
        for (size_t j = 0; option.words != NULL && option.words[j] != NULL; j++)
            fprintf(stream, "%s%s", j > 0 ? " " : "", option.words[j]);
        if (option.type == CLI_SETTING)
            print_bash_keys(stream);
        fprintf(stream, "%s\" ;;\n", bash_words(option.completion));
    }
    fprintf(stream, "        *) case $word in -*) words=\"");
    for (int i = 0; i < count; i++)
        if (cli_option_at(command, i).name != NULL)
            fprintf(stream, "--%s ", cli_option_at(command, i).name);
    fprintf(stream, "--help\" ;; *) words=\"%s\" ;; esac ;;\n        esac ;;\n", bash_words(command->completion));
}

static void print_command_words(FILE *stream)
{
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        fprintf(stream, "%s%.*s", i > 0 ? " " : "", (int)strcspn(cli_commands[i]->name, " "), cli_commands[i]->name);
}

void cli_print_completion_bash(FILE *stream)
{
    fprintf(stream, "# bash completion for fovea: source <(fovea help --completion bash)\n_fovea() {\n");
    fprintf(stream, "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} "
                    "command=${COMP_WORDS[1]} words=\n");
    fprintf(stream, "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W '");
    print_command_words(stream);
    fprintf(stream, "' -- \"$word\"))\n        return\n    fi\n");
    fprintf(stream, "    [ \"$command\" = data ] && [ \"$COMP_CWORD\" -eq 2 ] && { COMPREPLY=(export); return; }\n");
    fprintf(stream, "    [ \"$command\" = data ] && command=\"data ${COMP_WORDS[2]}\"\n    case $command in\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        print_bash_command(stream, cli_commands[i]);
    fprintf(
        stream,
        "    esac\n    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\ncomplete -o filenames -F _fovea fovea\n");
}

static const char *zsh_action(cli_completion completion)
{
    switch (completion) {
    case CLI_COMPLETE_NETWORK:
        return "_fovea_networks";
    case CLI_COMPLETE_DATA:
        return "_fovea_data";
    case CLI_COMPLETE_FILE:
        return "_files";
    case CLI_COMPLETE_FOLDER:
        return "_files -/";
    case CLI_COMPLETE_NONE:
        break;
    }
    return " ";
}

static void print_zsh_text(FILE *stream, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", stream);
        else if (strchr("[]:\\", *text) != NULL)
            fprintf(stream, "\\%c", *text);
        else
            fputc(*text, stream);
    }
}

static void print_zsh_command(FILE *stream, const cli_command *command)
{
    fprintf(stream, "    '%s') _arguments", command->name);
    for (int i = 0; i < cli_option_count(command); i++) {
        const cli_option option = cli_option_at(command, i);
        if (option.name == NULL)
            continue;
        fprintf(stream, " \\\n        '%s--%s%s[", option.type == CLI_SETTING ? "*" : "", option.name,
                option.type == CLI_FLAG ? "" : "=");
        print_zsh_text(stream, option.help);
        fputc(']', stream);
        if (option.type != CLI_FLAG)
            fprintf(stream, ":%s:", option.value);
        if (option.words != NULL) {
            fputc('(', stream);
            for (size_t j = 0; option.words[j] != NULL; j++)
                fprintf(stream, "%s%s", j > 0 ? " " : "", option.words[j]);
            fputc(')', stream);
        } else if (option.type != CLI_FLAG) {
            fprintf(stream, "%s", zsh_action(option.completion));
        }
        fputc('\'', stream);
    }
    fprintf(stream, " \\\n        '--help[this text]' '*:operand:%s' ;;\n", zsh_action(command->completion));
}

void cli_print_completion_zsh(FILE *stream)
{
    fprintf(stream,
            "#compdef fovea\n# zsh completion for fovea: fovea help --completion zsh > a folder of $fpath/_fovea\n");
    fprintf(stream, "_fovea_networks() { _alternative 'names:network:(($(fovea zoo --names 2>/dev/null)))' "
                    "'files:file:_files' }\n");
    fprintf(stream, "_fovea_data() { _alternative 'names:data set:(mnist-12k mnist fashion-mnist cifar-10 cifar-100)' "
                    "'files:file:_files' }\n");
    fprintf(stream, "_fovea() {\n    if (( CURRENT == 2 )); then\n        local -a commands=(");
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        fprintf(stream, " '%.*s:", (int)strcspn(cli_commands[i]->name, " "), cli_commands[i]->name);
        print_zsh_text(stream, cli_commands[i]->purpose);
        fputc('\'', stream);
    }
    fprintf(stream, " )\n        _describe command commands\n        return\n    fi\n");
    fprintf(stream, "    local command=$words[2]\n    if [[ $command == data ]]; then\n");
    fprintf(stream, "        (( CURRENT == 3 )) && { compadd export; return }\n        command=\"data $words[3]\"\n    "
                    "    shift words; (( CURRENT-- ))\n    fi\n");
    fprintf(stream, "    shift words; (( CURRENT-- ))\n    case $command in\n");
    for (size_t i = 0; cli_commands[i] != NULL; i++)
        print_zsh_command(stream, cli_commands[i]);
    fprintf(stream, "    esac\n}\n_fovea \"$@\"\n");
}
