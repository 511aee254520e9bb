/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_zoo.c - fovea zoo: the named networks.
 */
#include "command.h"

typedef struct values {
    bool json, names;
} values;

static const cli_option options[] = {
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { "names", NULL, CLI_FLAG, NULL, offsetof(values, names), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "only the names, one a line" },
    { 0 },
};

static json_t *entry_object(const fv_zoo_entry *entry, const fv_graph *graph)
{
    return json_pack("{s:s,s:s,s:s,s:i,s:o,s:o,s:i,s:I,s:I}", "name", entry->name, "title", entry->title, "paper",
                     entry->paper, "year", (int)entry->year, "input", cli_json_shape(entry->input), "data",
                     cli_json_shape(entry->data), "classes", (int)entry->classes, "parameters",
                     (json_int_t)fv_graph_parameters(graph), "multiply_adds",
                     (json_int_t)fv_graph_multiply_adds(graph));
}

static void print_entry(const fv_zoo_entry *entry, const fv_graph *graph)
{
    char input[48], parameters[32], multiply_adds[32];
    snprintf(input, sizeof input, "%dx%dx%d", (int)entry->input.c, (int)entry->input.h, (int)entry->input.w);
    printf("%-20s %-11s %7d %14s %16s  %s\n", entry->name, input, (int)entry->classes,
           cli_grouped(fv_graph_parameters(graph), parameters, sizeof parameters),
           cli_grouped(fv_graph_multiply_adds(graph), multiply_adds, sizeof multiply_adds), entry->title);
}

static int zoo_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    json_t *networks = json_array();
    int status = cli_open_context(call->command, &context, 1);
    if (status == CLI_DONE && !given->json && !given->names)
        printf("%-20s %-11s %7s %14s %16s\n", "name", "input", "classes", "parameters", "multiply-adds");
    for (int32_t i = 0; status == CLI_DONE && i < fv_zoo_count(); i++) {
        const fv_zoo_entry *entry = fv_zoo_get(i);
        fv_graph *graph = NULL;
        if (given->names)
            puts(entry->name);
        else if (fv_zoo_build(&graph, context, entry->name) != FV_OK)
            status = cli_fail(call->command, "%s", fv_context_message(context));
        else if (given->json)
            json_array_append_new(networks, entry_object(entry, graph));
        else
            print_entry(entry, graph);
        fv_graph_destroy(graph);
    }
    fv_context_destroy(context);
    if (status == CLI_DONE && given->json)
        return cli_print_json(call->command, json_pack("{s:o}", "networks", networks));
    json_decref(networks);
    return status == CLI_DONE ? cli_finish_output(call->command) : status;
}

const cli_command cli_zoo = {
    .name = "zoo",
    .operands = "",
    .purpose = "List the networks that have a name",
    .description = "The input is channels x rows x columns; multiply-adds are those of one image's forward pass.",
    .options = options,
    .values_size = sizeof(values),
    .run = zoo_run,
};
