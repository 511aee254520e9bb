/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_bundle.c - fovea bundle: a model and what runs it in one executable file.
 */
#include <link.h>
#include <string.h>

#include "bundle.h"

typedef struct values {
    const char *out;
} values;

static const cli_option options[] = {
    { "out", NULL, CLI_TEXT, "FILE", offsetof(values, out), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_FILE,
      "the executable to write" },
    { 0 },
};

/* Prints the last part of the name of a library that the program was linked with; those of every system are left out. */
static int print_library(struct dl_phdr_info *info, size_t size, void *user)
{
    static const char *const everywhere[] = { "linux-vdso", "libc.so", "libm.so", "ld-linux" };
    bool *any = user;
    const char *const slash = strrchr(info->dlpi_name, '/'), *const name = slash != NULL ? slash + 1 : info->dlpi_name;
    (void)size;
    for (size_t i = 0; i < sizeof everywhere / sizeof everywhere[0]; i++)
        if (name[0] == '\0' || strncmp(name, everywhere[i], strlen(everywhere[i])) == 0)
            return 0;
    printf("%s%s", *any ? ", " : "needs of the system, beside the C library: ", name);
    *any = true;
    return 0;
}

static int bundle_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    fv_model *model = NULL;
    int64_t bytes = 0;
    char size[32];
    bool any = false;
    int status = cli_open_context(call->command, &context, 1);
    if (status == CLI_DONE)
        status = cli_open_model(call->command, context, call->operands[0], &model);
    if (status == CLI_DONE)
        status = cli_bundle_write(call->command, call->operands[0], given->out, &bytes);
    if (status == CLI_DONE) {
        printf("wrote %s (%s): %s\n", given->out, cli_bytes((size_t)bytes, size, sizeof size),
               fv_graph_name(fv_model_graph(model)));
        dl_iterate_phdr(print_library, &any);
        printf("%stry: %s%s IMAGE\n", any ? "\n" : "", strchr(given->out, '/') != NULL ? "" : "./", given->out);
        status = cli_finish_output(call->command);
    }
    fv_model_destroy(model);
    fv_context_destroy(context);
    return status;
}

const cli_command cli_bundle = {
    .name = "bundle",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_FILE,
    .purpose = "Make one executable file of a model and what runs it",
    .description = "The file is a copy of this command with the model behind it. It takes images and prints what fovea "
                   "predict prints; it runs "
                   "wherever the shared libraries are that it names, without fovea installed.",
    .examples =
        (const char *const[]){ "fovea bundle runs/first/model.safetensors --out digits", "./digits digit.png", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = bundle_run,
};
