/* SPDX-License-Identifier: Apache-2.0
 *
 * command.c - what the commands share: opening a context and a network, printing errors and JSON.
 */
#include "command.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fovea/text.h"
#include "precision.h"

int cli_fail(const cli_command *command, const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    fprintf(stderr, "fovea %s: ", command->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return CLI_FAILED;
}

static void print_log(void *user, fv_log_level level, const char *message)
{
    const cli_command *command = user;
    if (level == FV_LOG_WARNING)
        fprintf(stderr, "fovea %s: warning: %s\n", command->name, message);
}

int cli_open_context(const cli_command *command, fv_context **out, int64_t threads)
{
    return cli_open_context_in(command, out, threads, CLI_PRECISION_F32);
}

int cli_open_context_in(const cli_command *command, fv_context **out, int64_t threads, int64_t precision)
{
    const fv_context_options options = { .threads = (int32_t)threads,
                                         .emulate_bf16 = precision == CLI_PRECISION_BF16_EMULATED };
    return cli_open_context_with(command, out, &options);
}

int cli_open_context_with(const cli_command *command, fv_context **out, const fv_context_options *options)
{
    fv_context_options logging = *options;
    logging.log = print_log;
    logging.log_user = (void *)(uintptr_t)command; /* only read by print_log(), which takes it back as const */
    const fv_status status = fv_context_create(out, &logging);
    if (status == FV_OK)
        return CLI_DONE;
    if (status == FV_ERR_ARGUMENT || status == FV_ERR_UNSUPPORTED) {
        char features[256];
        fv_cpu_features(features, sizeof features);
        return cli_usage_error(command, "FOVEA_ISA=%s cannot be used here; this CPU has: %s",
                               getenv("FOVEA_ISA") != NULL ? getenv("FOVEA_ISA") : "", features);
    }
    return cli_fail(command, "cannot start: %s", fv_status_name(status));
}

bool cli_read_shape(const char *text, fv_image_shape *shape)
{
    int32_t *const sizes[] = { &shape->c, &shape->h, &shape->w };
    for (int i = 0; i < 3; i++) {
        char *end = NULL;
        const long size = strtol(text, &end, 10);
        if (end == text || *text < '0' || *text > '9' || size < 1 || size > 65536 || *end != (i < 2 ? 'x' : '\0'))
            return false;
        *sizes[i] = (int32_t)size;
        text = end + 1;
    }
    return true;
}

/* The value of --input. Prints when it is none. */
static bool read_input(const cli_command *command, const char *text, fv_image_shape *shape)
{
    if (cli_read_shape(text, shape))
        return true;
    cli_usage_error(command, "--input: '%s' is not CHANNELSxROWSxCOLUMNS, as 3x32x32", text);
    return false;
}

int cli_open_network(const cli_command *command, fv_context *context, const char *name, cli_network *out)
{
    return cli_open_network_as(command, context, name, &(cli_adaptation){ 0 }, out);
}

int cli_open_network_as(const cli_command *command, fv_context *context, const char *name,
                        const cli_adaptation *adaptation, cli_network *out)
{
    fv_network_options options = { .classes = (int32_t)adaptation->classes, .flags = adaptation->flags };
    memset(out, 0, sizeof *out);
    if (adaptation->input != NULL && !read_input(command, adaptation->input, &options.input))
        return CLI_USAGE;
    const fv_status status = fv_network_open(out, context, name, &options);
    return status == FV_OK ? CLI_DONE : cli_network_failure(command, context, name, status);
}

int cli_network_failure(const cli_command *command, const fv_context *context, const char *name, fv_status status)
{
    const size_t length = strlen(name);
    const bool model = length > 12 && strcmp(name + length - 12, ".safetensors") == 0;
    if (strncmp(fv_context_message(context), name, length) == 0 && !model) { /* NAME:LINE:COLUMN: help would not help */
        cli_fail(command, "%s", fv_context_message(context));
        return CLI_USAGE;
    }
    if (status == FV_ERR_ARGUMENT || status == FV_ERR_SHAPE || (status == FV_ERR_NOT_FOUND && !model))
        return cli_usage_error(command, "%s", fv_context_message(context));
    cli_fail(command, "%s", fv_context_message(context));
    return status == FV_ERR_FORMAT && !model ? CLI_USAGE : CLI_FAILED;
}

void cli_close_network(cli_network *network)
{
    fv_network_close(network);
}

int cli_open_model(const cli_command *command, fv_context *context, const char *path, fv_model **out)
{
    *out = NULL;
    if (fv_zoo_find(path) != NULL) {
        struct stat status;
        if (stat(path, &status) != 0)
            return cli_usage_error(
                command, "'%s' is a network without trained values; name a model file, as fovea train writes", path);
    }
    if (fv_model_read(out, context, path) != FV_OK)
        return cli_fail(command, "%s", fv_context_message(context));
    return CLI_DONE;
}

int cli_finish_output(const cli_command *command)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return cli_fail(command, "cannot write to standard output: %s", strerror(errno));
    return CLI_DONE;
}

int cli_print_json(const cli_command *command, json_t *object)
{
    if (object == NULL)
        return cli_fail(command, "out of memory");
    const int status = json_dumpf(object, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12));
    json_decref(object);
    if (status != 0)
        return cli_fail(command, "cannot write to standard output: %s", strerror(errno));
    putchar('\n');
    return cli_finish_output(command);
}

json_t *cli_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *cli_json_shape(fv_image_shape shape)
{
    return json_pack("[i,i,i]", (int)shape.c, (int)shape.h, (int)shape.w);
}

const char *cli_shape_text(fv_image_shape shape, char *text, size_t size)
{
    snprintf(text, size, "%dx%dx%d", (int)shape.c, (int)shape.h, (int)shape.w);
    return text;
}

const char *cli_grouped(int64_t number, char *text, size_t size)
{
    char digits[32];
    const int length = snprintf(digits, sizeof digits, "%" PRId64, number);
    size_t used = 0;
    for (int i = 0; i < length && used + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-')
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

const char *cli_bytes(size_t bytes, char *text, size_t size)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    snprintf(text, size, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}
