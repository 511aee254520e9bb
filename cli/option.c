/* SPDX-License-Identifier: Apache-2.0
 *
 * option.c - reads a command line by its table: --name value, --name=value, --flag, --set key=value, operands, and -- to
 * end the options. Values of the library's keys are read and checked by the library. Long names only; an unknown one is answered with the nearest.
 */
#include "option.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/text.h"

enum { MESSAGE_SIZE = 256 };

static int own_count(const cli_command *command)
{
    int count = 0;
    while (command->options[count].help != NULL)
        count++;
    return count;
}

int cli_option_count(const cli_command *command)
{
    return own_count(command) + (command->configured ? fv_config_key_count() : 0);
}

static cli_type type_of(fv_config_type type)
{
    return type == FV_CONFIG_FLAG     ? CLI_FLAG
           : type == FV_CONFIG_CHOICE ? CLI_CHOICE
                                      : CLI_TEXT; /* read by the library; here for help alone */
}

static cli_completion completion_of(fv_config_type type)
{
    switch (type) {
    case FV_CONFIG_FILE:
        return CLI_COMPLETE_FILE;
    case FV_CONFIG_FOLDER:
        return CLI_COMPLETE_FOLDER;
    case FV_CONFIG_NETWORK:
        return CLI_COMPLETE_NETWORK;
    case FV_CONFIG_DATA:
        return CLI_COMPLETE_DATA;
    default:
        return CLI_COMPLETE_NONE;
    }
}

cli_option cli_option_at(const cli_command *command, int index)
{
    const int own = own_count(command);
    if (index < own)
        return command->options[index];
    const fv_config_key *key = fv_config_key_at(index - own);
    return (cli_option){ .name = key->option,
                         .key = key->key,
                         .type = type_of(key->type),
                         .value = key->value,
                         .fallback = key->fallback,
                         .words = key->words,
                         .completion = completion_of(key->type),
                         .help = key->help };
}

int cli_usage_error(const cli_command *command, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "fovea%s%s: ", command != NULL ? " " : "", command != NULL ? command->name : "");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\ntry: fovea help%s%s\n", command != NULL ? " " : "", command != NULL ? command->name : "");
    return CLI_USAGE;
}

const char *cli_did_you_mean(const char *given, const char *prefix, const char *const *words, size_t count, char *text,
                             size_t size)
{
    const char *nearest = fv_nearest_word(given, words, (int32_t)count);
    if (nearest != NULL)
        snprintf(text, size, "; did you mean '%s%s'?", prefix, nearest);
    else
        text[0] = '\0';
    return text;
}

/* strtoll and strtod follow the locale only if somebody called setlocale(); this program never does. */
bool cli_read_integer(const char *text, int64_t *value)
{
    char *end = NULL;
    errno = 0;
    const long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        return false;
    *value = number;
    return true;
}

bool cli_read_real(const char *text, double *value)
{
    char *end = NULL;
    const double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number))
        return false;
    *value = number;
    return true;
}

static bool in_range(const cli_option *option, double value)
{
    return value >= option->low && value <= option->high;
}

static bool store_integer(const cli_option *option, void *member, const char *text, char *why)
{
    int64_t value = 0;
    if (!cli_read_integer(text, &value) || !in_range(option, (double)value)) {
        snprintf(why, MESSAGE_SIZE, "'%s' is not a whole number from %.0f to %.0f", text, option->low, option->high);
        return false;
    }
    *(int64_t *)member = value;
    return true;
}

static bool store_real(const cli_option *option, void *member, const char *text, char *why)
{
    double value = 0;
    if (!cli_read_real(text, &value) || !in_range(option, value)) {
        snprintf(why, MESSAGE_SIZE, "'%s' is not a number from %g to %g", text, option->low, option->high);
        return false;
    }
    *(double *)member = value;
    return true;
}

/* 0 is none where that is the default. */
static bool store_bytes(const cli_option *option, void *member, const char *text, char *why)
{
    int64_t value = 0;
    const bool none = option->fallback != NULL && strcmp(option->fallback, "0") == 0;
    if (!fv_bytes_read(text, &value) || !(in_range(option, (double)value) || (none && value == 0))) {
        snprintf(why, MESSAGE_SIZE, "'%.100s' is not %san amount of memory from %.0f bytes on, as 512M, 2G or 1.5GiB",
                 text, none ? "0 or " : "", option->low);
        return false;
    }
    *(int64_t *)member = value;
    return true;
}

static bool store_choice(const cli_option *option, void *member, const char *text, char *why)
{
    size_t count = 0;
    size_t used = (size_t)snprintf(why, MESSAGE_SIZE, "'%s' is not one of", text);
    for (; option->words[count] != NULL; count++) {
        if (strcmp(option->words[count], text) == 0) {
            *(int64_t *)member = (int64_t)count;
            return true;
        }
        if (used < MESSAGE_SIZE)
            used +=
                (size_t)snprintf(why + used, MESSAGE_SIZE - used, "%s %s", count > 0 ? "," : "", option->words[count]);
    }
    if (used < MESSAGE_SIZE)
        cli_did_you_mean(text, "", option->words, count, why + used, MESSAGE_SIZE - used);
    return false;
}

static bool store_flag(void *member, const char *text, char *why)
{
    const bool on = strcmp(text, "true") == 0;
    if (!on && strcmp(text, "false") != 0) {
        snprintf(why, MESSAGE_SIZE, "'%s' is neither true nor false", text);
        return false;
    }
    *(bool *)member = on;
    return true;
}

/* Reads text into the option's member; on failure says why (MESSAGE_SIZE bytes). */
static bool store(const cli_call *call, const cli_option *option, const char *text, char *why)
{
    void *member = (char *)call->values + option->offset;
    switch (option->type) {
    case CLI_FLAG:
        return store_flag(member, text, why);
    case CLI_INTEGER:
        return store_integer(option, member, text, why);
    case CLI_REAL:
        return store_real(option, member, text, why);
    case CLI_BYTES:
        return store_bytes(option, member, text, why);
    case CLI_CHOICE:
        return store_choice(option, member, text, why);
    case CLI_TEXT:
        if (text[0] == '\0') {
            snprintf(why, MESSAGE_SIZE, "the value is empty");
            return false;
        }
        *(const char **)member = text;
        return true;
    case CLI_SETTING:
        break;
    }
    return false;
}

static void store_defaults(cli_call *call)
{
    char why[MESSAGE_SIZE];
    for (int i = 0; i < own_count(call->command); i++) {
        const cli_option *option = &call->command->options[i];
        call->origin[i] = CLI_FROM_DEFAULT;
        if (option->fallback != NULL && option->fallback[0] != '(')
            store(call, option, option->fallback, why);
    }
}

/* The option whose name is text[0..length), or -1. */
static int find(const cli_command *command, const char *text, size_t length)
{
    for (int i = 0; i < cli_option_count(command); i++) {
        const cli_option option = cli_option_at(command, i);
        if (option.name != NULL && strlen(option.name) == length && strncmp(option.name, text, length) == 0)
            return i;
    }
    return -1;
}

static int unknown(const cli_command *command, const char *text, size_t length)
{
    enum { MOST = 512 };
    const char *words[MOST];
    char given[128], hint[MESSAGE_SIZE];
    size_t count = 0;
    for (int i = 0; i < cli_option_count(command) && count + 1 < MOST; i++) {
        const cli_option option = cli_option_at(command, i);
        if (option.name != NULL)
            words[count++] = option.name;
    }
    words[count++] = "help";
    snprintf(given, sizeof given, "%.*s", (int)(length < 100 ? length : 100), text);
    return cli_usage_error(command, "unknown option '--%s'%s", given,
                           cli_did_you_mean(given, "--", words, count, hint, sizeof hint));
}

/* A value of the library's table. */
static int configure(const cli_call *call, const cli_option *option, const char *text)
{
    const fv_status status = option->type == CLI_SETTING
                                 ? fv_config_set(call->config, text)
                                 : fv_config_put(call->config, option->key, text, FV_FROM_OPTION);
    if (status == FV_OK)
        return CLI_DONE;
    return cli_usage_error(call->command, "%s%s", option->type == CLI_SETTING ? "--set: " : "",
                           fv_context_message(call->config_context));
}

/* argument is "--name" or "--name=value"; *next is what follows it or NULL, and becomes NULL when used. */
static int parse_option(cli_call *call, const char *argument, const char **next)
{
    char why[MESSAGE_SIZE];
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    const size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const int index = find(call->command, name, length);
    const char *value = equals != NULL ? equals + 1 : NULL;
    if (index < 0)
        return unknown(call->command, name, length);
    const cli_option option = cli_option_at(call->command, index);
    if (option.type == CLI_FLAG && value == NULL) {
        value = "true";
    } else if (value == NULL) {
        if (*next == NULL)
            return cli_usage_error(call->command, "option '--%s' needs a value: --%s %s", option.name, option.name,
                                   option.value);
        value = *next;
        *next = NULL;
    }
    if (option.key != NULL || option.type == CLI_SETTING)
        return configure(call, &option, value);
    if (!store(call, &option, value, why))
        return cli_usage_error(call->command, "--%s: %s", option.name, why);
    call->origin[index] = CLI_FROM_OPTION;
    return CLI_DONE;
}

static int check_complete(const cli_call *call)
{
    const cli_command *command = call->command;
    if (call->operand_count < command->min_operands)
        return cli_usage_error(command, "%s is missing", command->operands);
    if (command->max_operands >= 0 && call->operand_count > command->max_operands)
        return cli_usage_error(command, "'%s' is one operand too many", call->operands[command->max_operands]);
    for (int i = 0; i < own_count(command); i++) {
        const cli_option *option = &command->options[i];
        if (option->fallback != NULL && strcmp(option->fallback, CLI_REQUIRED) == 0 &&
            call->origin[i] == CLI_FROM_DEFAULT)
            return cli_usage_error(command, "--%s %s is missing", option->name, option->value);
    }
    return CLI_DONE;
}

int cli_parse(cli_call *call, int count, char **argv, bool *wants_help)
{
    bool only_operands = false;
    *wants_help = false;
    call->operand_count = 0;
    store_defaults(call);
    for (int i = 0; i < count; i++) {
        const char *argument = argv[i];
        const char *next = i + 1 < count ? argv[i + 1] : NULL;
        if (only_operands || argument[0] != '-' || argument[1] == '\0') {
            call->operands[call->operand_count++] = argument;
        } else if (strcmp(argument, "--") == 0) {
            only_operands = true;
        } else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            *wants_help = true;
            return CLI_DONE;
        } else if (argument[1] != '-' && !(strcmp(argument, "-o") == 0 && find(call->command, "out", 3) >= 0)) {
            return cli_usage_error(call->command, "unknown option '%s': options are words, as in --help", argument);
        } else {
            const bool has_next = next != NULL;
            const int status = parse_option(call, argument[1] == 'o' ? "--out" : argument, &next);
            if (status != CLI_DONE)
                return status;
            if (has_next && next == NULL)
                i++;
        }
    }
    return check_complete(call);
}

bool cli_was_given(const cli_call *call, const char *name)
{
    for (int i = 0; call->command->options[i].help != NULL; i++)
        if (call->command->options[i].name != NULL && strcmp(call->command->options[i].name, name) == 0)
            return call->origin[i] == CLI_FROM_OPTION;
    return false;
}
