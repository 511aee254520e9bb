/* SPDX-License-Identifier: Apache-2.0
 *
 * command.h - what the commands share: opening a context and a network, printing errors and JSON.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <jansson.h>
#include <stdarg.h>

#include "fovea/fovea.h"
#include "option.h"

extern const cli_command cli_lr_find, cli_train, cli_eval, cli_predict, cli_summary, cli_zoo, cli_explain, cli_info,
    cli_gradcheck, cli_bench, cli_data_get, cli_data_pack, cli_data_split, cli_data_export, cli_data_info,
    cli_data_check, cli_data_preview, cli_data_augment, cli_data_corrupt, cli_zoo_show, cli_import, cli_export_command,
    cli_compare, cli_quantize, cli_verify, cli_bundle, cli_help;

/* Prints "fovea COMMAND: message" to stderr and returns CLI_FAILED. */
int cli_fail(const cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Creates a context with so many threads (0: all) whose warnings go to stderr; prints on failure. */
int cli_open_context(const cli_command *command, fv_context **out, int64_t threads);
/* The same with options, all but the log. */
int cli_open_context_with(const cli_command *command, fv_context **out, const fv_context_options *options);

/* How a network of the zoo is to differ from its entry, or a description from its file; zeros: not at all. */
typedef struct cli_adaptation {
    const char *input; /* "3x32x32" */
    int64_t classes;
    const char *flags; /* "label-smoothing,bn-auxiliary" */
} cli_adaptation;

typedef fv_network cli_network;

/* Opens NAME, FILE (.yaml) or MODEL (.safetensors), told by the file's first bytes. Prints on failure: CLI_USAGE for a
 * name that is neither a network nor a file. */
int cli_open_network(const cli_command *command, fv_context *context, const char *name, cli_network *out);
/* The same, adapted; a trained model cannot be, a description has no flags. */
int cli_open_network_as(const cli_command *command, fv_context *context, const char *name,
                        const cli_adaptation *adaptation, cli_network *out);
void cli_close_network(cli_network *network);
/* Prints the context's message of a network that could not be opened; CLI_USAGE where the user's words were at fault, else CLI_FAILED. */
int cli_network_failure(const cli_command *command, const fv_context *context, const char *name, fv_status status);
/* Opens a model file. Prints on failure. */
int cli_open_model(const cli_command *command, fv_context *context, const char *path, fv_model **out);

/* Prints object on one line to stdout and releases it; CLI_FAILED when stdout cannot take it or object is NULL. */
int cli_print_json(const cli_command *command, json_t *object);
/* Flushes stdout: a full disk or a closed pipe is a failure, not a shrug. */
int cli_finish_output(const cli_command *command);
/* A real, or null for infinity and NaN, which JSON does not know. */
json_t *cli_json_number(double value);
/* [c,h,w] */
json_t *cli_json_shape(fv_image_shape shape);
/* Shapes as the command line and help write them: "3x32x32". */
bool cli_read_shape(const char *text, fv_image_shape *shape);
const char *cli_shape_text(fv_image_shape shape, char *text, size_t size);
/* 61706 as "61,706". Returns text. */
const char *cli_grouped(int64_t number, char *text, size_t size);
/* 1234567 bytes as "1.2 MB". Returns text. */
const char *cli_bytes(size_t bytes, char *text, size_t size);

#endif
