/* SPDX-License-Identifier: Apache-2.0
 *
 * option.c - reads a command line by its table: --name value, --name=value, --flag, --set key=value, operands, and -- to
 * end the options. Long names only; an unknown one is answered with the nearest.
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

int cli_option_count(const cli_command *command)
{
    int count = 0;
    while (command->options[count].help != NULL)
        count++;
    return count;
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
    for (int i = 0; i < cli_option_count(call->command); i++) {
        const cli_option *option = &call->command->options[i];
        call->origin[i] = CLI_FROM_DEFAULT;
        if (option->fallback != NULL && option->fallback[0] != '(')
            store(call, option, option->fallback, why);
    }
}

/* The option whose name (or key) is text[0..length), or NULL. */
static const cli_option *find(const cli_command *command, const char *text, size_t length, bool by_key)
{
    for (const cli_option *option = command->options; option->help != NULL; option++) {
        const char *name = by_key ? option->key : option->name;
        if (name != NULL && strlen(name) == length && strncmp(name, text, length) == 0)
            return option;
    }
    return NULL;
}

static int unknown(const cli_command *command, const char *text, size_t length, bool by_key)
{
    const char *words[CLI_MAX_OPTIONS + 1];
    char given[128], hint[MESSAGE_SIZE];
    size_t count = 0;
    for (const cli_option *option = command->options; option->help != NULL; option++) {
        const char *name = by_key ? option->key : option->name;
        if (name != NULL)
            words[count++] = name;
    }
    if (!by_key)
        words[count++] = "help";
    snprintf(given, sizeof given, "%.*s", (int)(length < 100 ? length : 100), text);
    if (by_key)
        return cli_usage_error(command, "--set: unknown key '%s'%s", given,
                               cli_did_you_mean(given, "", words, count, hint, sizeof hint));
    return cli_usage_error(command, "unknown option '--%s'%s", given,
                           cli_did_you_mean(given, "--", words, count, hint, sizeof hint));
}

static int parse_setting(cli_call *call, const char *text)
{
    char why[MESSAGE_SIZE];
    const char *equals = strchr(text, '=');
    if (equals == NULL)
        return cli_usage_error(call->command, "--set: '%s' is not of the form key=value", text);
    const cli_option *option = find(call->command, text, (size_t)(equals - text), true);
    if (option == NULL)
        return unknown(call->command, text, (size_t)(equals - text), true);
    if (!store(call, option, equals + 1, why))
        return cli_usage_error(call->command, "--set %s: %s", option->key, why);
    call->origin[option - call->command->options] = CLI_FROM_SET;
    return CLI_DONE;
}

/* argument is "--name" or "--name=value"; *next is what follows it or NULL, and becomes NULL when used. */
static int parse_option(cli_call *call, const char *argument, const char **next)
{
    char why[MESSAGE_SIZE];
    const char *name = argument + 2;
    const char *equals = strchr(name, '=');
    const size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const cli_option *option = find(call->command, name, length, false);
    const char *value = equals != NULL ? equals + 1 : NULL;
    if (option == NULL)
        return unknown(call->command, name, length, false);
    if (option->type == CLI_FLAG && value == NULL) {
        value = "true";
    } else if (value == NULL) {
        if (*next == NULL)
            return cli_usage_error(call->command, "option '--%s' needs a value: --%s %s", option->name, option->name,
                                   option->value);
        value = *next;
        *next = NULL;
    }
    if (option->type == CLI_SETTING)
        return parse_setting(call, value);
    if (!store(call, option, value, why))
        return cli_usage_error(call->command, "--%s: %s", option->name, why);
    call->origin[option - call->command->options] = CLI_FROM_OPTION;
    return CLI_DONE;
}

static int check_complete(const cli_call *call)
{
    const cli_command *command = call->command;
    if (call->operand_count < command->min_operands)
        return cli_usage_error(command, "%s is missing", command->operands);
    if (command->max_operands >= 0 && call->operand_count > command->max_operands)
        return cli_usage_error(command, "'%s' is one operand too many", call->operands[command->max_operands]);
    for (int i = 0; i < cli_option_count(command); i++) {
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
        } else if (argument[1] != '-') {
            return cli_usage_error(call->command, "unknown option '%s': options are words, as in --%s", argument,
                                   call->command->options[0].name != NULL ? call->command->options[0].name : "help");
        } else {
            const bool has_next = next != NULL;
            const int status = parse_option(call, argument, &next);
            if (status != CLI_DONE)
                return status;
            if (has_next && next == NULL)
                i++;
        }
    }
    return check_complete(call);
}

void cli_default(cli_call *call, const char *name, const char *text)
{
    char why[MESSAGE_SIZE];
    const cli_option *option = find(call->command, name, strlen(name), false);
    if (option == NULL)
        option = find(call->command, name, strlen(name), true);
    if (option == NULL || call->origin[option - call->command->options] > CLI_FROM_NETWORK)
        return;
    if (store(call, option, text, why))
        call->origin[option - call->command->options] = CLI_FROM_NETWORK;
}

const char *cli_value_text(const cli_call *call, const cli_option *option, char *text, size_t size)
{
    const void *member = (const char *)call->values + option->offset;
    const char *value = NULL;
    switch (option->type) {
    case CLI_FLAG:
        snprintf(text, size, "%s", *(const bool *)member ? "true" : "false");
        break;
    case CLI_INTEGER:
        snprintf(text, size, "%" PRId64, *(const int64_t *)member);
        break;
    case CLI_REAL:
        snprintf(text, size, "%.17g", *(const double *)member);
        if (strtod(text, NULL) == *(const double *)member) { /* the shortest text that reads back */
            for (int digits = 1; digits < 17; digits++) {
                snprintf(text, size, "%.*g", digits, *(const double *)member);
                if (strtod(text, NULL) == *(const double *)member)
                    break;
            }
        }
        break;
    case CLI_CHOICE:
        snprintf(text, size, "%s", option->words[*(const int64_t *)member]);
        break;
    case CLI_TEXT:
        value = *(const char *const *)member;
        snprintf(text, size, "%s", value != NULL ? value : "");
        break;
    case CLI_SETTING:
        text[0] = '\0';
        break;
    }
    return text;
}
