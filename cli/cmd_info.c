/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_info.c - fovea info: version, what was built in, and what this machine offers. Starts in a few milliseconds.
 */
#include <string.h>

#include "command.h"

typedef struct values {
    bool json;
    int64_t threads;
} values;

static const cli_option options[] = {
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(values, threads), 0, 1024, "(the processors this process may use)",
      NULL, CLI_COMPLETE_NONE, "threads to run" },
    { 0 },
};

/* Space-separated words as a JSON array. */
static json_t *word_array(const char *words)
{
    json_t *array = json_array();
    for (const char *at = words; *at != '\0';) {
        const size_t length = strcspn(at, " ");
        if (length > 0)
            json_array_append_new(array, json_stringn(at, length));
        at += length + (at[length] == ' ');
    }
    return array;
}

static int info_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    char features[512];
    int status = cli_open_context(call->command, &context, given->threads);
    if (status != CLI_DONE)
        return status;
    fv_cpu_features(features, sizeof features);
    if (given->json) {
        status = cli_print_json(call->command,
                                json_pack("{s:s,s:s,s:o,s:i,s:o}", "version", fv_version(), "isa",
                                          fv_context_isa(context), "features", word_array(features), "threads",
                                          (int)fv_context_threads(context), "libraries", word_array(fv_libraries())));
    } else {
        printf("version   %s\n", fv_version());
        printf("isa       %s\n", fv_context_isa(context));
        printf("features  %s\n", features);
        printf("threads   %d\n", (int)fv_context_threads(context));
        printf("libraries %s\n", fv_libraries());
        status = cli_finish_output(call->command);
    }
    fv_context_destroy(context);
    return status;
}

const cli_command cli_info = {
    .name = "info",
    .operands = "",
    .purpose = "Show the version, the instruction set in use and the machine",
    .description = "",
    .options = options,
    .values_size = sizeof(values),
    .run = info_run,
};
