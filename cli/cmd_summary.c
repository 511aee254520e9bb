/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_summary.c - fovea summary: the layers of a network, their output shapes, parameters and multiply-adds.
 */
#include <string.h>

#include "command.h"

typedef struct values {
    cli_adaptation adaptation;
    bool json;
} values;

static const cli_option options[] = {
    { "classes", NULL, CLI_INTEGER, "N", offsetof(values, adaptation.classes), 1, 1000000, "(the network's)", NULL,
      CLI_COMPLETE_NONE, "tell so many classes apart" },
    { "input", NULL, CLI_TEXT, "CxHxW", offsetof(values, adaptation.input), 0, 0, "(the network's)", NULL,
      CLI_COMPLETE_NONE, "channels, rows and columns of the images" },
    { "flags", NULL, CLI_TEXT, "NAMES", offsetof(values, adaptation.flags), 0, 0, "(the network's)", NULL,
      CLI_COMPLETE_NONE, "variants of the network, separated by commas, or none; fovea zoo --json lists them" },
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { 0 },
};

static fv_image_shape input_shape(const fv_graph *graph)
{
    return fv_graph_node(graph, fv_graph_input(graph)).output;
}

static int64_t class_count(const fv_graph *graph)
{
    const fv_image_shape shape = fv_graph_node(graph, fv_graph_output(graph)).output;
    return (int64_t)shape.c * shape.h * shape.w;
}

static bool has_auxiliary(const fv_graph *graph)
{
    return fv_graph_training_parameters(graph) != fv_graph_parameters(graph);
}

static int print_object(const cli_command *command, const fv_graph *graph)
{
    json_t *object =
        json_pack("{s:s,s:o,s:I,s:I,s:I}", "name", fv_graph_name(graph), "input", cli_json_shape(input_shape(graph)),
                  "classes", (json_int_t)class_count(graph), "parameters", (json_int_t)fv_graph_parameters(graph),
                  "multiply_adds", (json_int_t)fv_graph_multiply_adds(graph));
    json_t *layers = json_array();
    if (has_auxiliary(graph))
        json_object_set_new(object, "training_parameters", json_integer(fv_graph_training_parameters(graph)));
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        json_array_append_new(layers, json_pack("{s:s,s:s,s:o,s:I,s:I}", "name", node.name, "type", node.type, "output",
                                                cli_json_shape(node.output), "parameters", (json_int_t)node.parameters,
                                                "multiply_adds", (json_int_t)node.multiply_adds));
    }
    json_object_set_new(object, "layers", layers);
    return cli_print_json(command, object);
}

/* Columns for the longest name. */
static int name_width(const fv_graph *graph)
{
    size_t width = 20;
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const size_t length = strlen(fv_graph_node(graph, i).name);
        width = length > width ? length : width;
    }
    return (int)width;
}

static int print_table(const cli_command *command, const fv_graph *graph)
{
    char shape[48], parameters[32], multiply_adds[32];
    const int width = name_width(graph);
    printf("%-*s %-24s %-14s %14s %16s\n", width, "layer", "type", "output", "parameters", "multiply-adds");
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        printf("%-*s %-24s %-14s %14s %16s%s\n", width, node.name, node.type,
               cli_shape_text(node.output, shape, sizeof shape),
               cli_grouped(node.parameters, parameters, sizeof parameters),
               cli_grouped(node.multiply_adds, multiply_adds, sizeof multiply_adds),
               node.auxiliary ? "  training only" : "");
    }
    printf("\n%s: input %s, %lld classes, %s parameters, %s multiply-adds an image\n", fv_graph_name(graph),
           cli_shape_text(input_shape(graph), shape, sizeof shape), (long long)class_count(graph),
           cli_grouped(fv_graph_parameters(graph), parameters, sizeof parameters),
           cli_grouped(fv_graph_multiply_adds(graph), multiply_adds, sizeof multiply_adds));
    if (has_auxiliary(graph))
        printf("with the classifiers that only train: %s parameters\n",
               cli_grouped(fv_graph_training_parameters(graph), parameters, sizeof parameters));
    return cli_finish_output(command);
}

static int summary_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    cli_network network = { 0 };
    int status = cli_open_context(call->command, &context, 1);
    if (status == CLI_DONE)
        status = cli_open_network_as(call->command, context, call->operands[0], &given->adaptation, &network);
    if (status == CLI_DONE)
        status = given->json ? print_object(call->command, network.graph) : print_table(call->command, network.graph);
    cli_close_network(&network);
    fv_context_destroy(context);
    return status;
}

const cli_command cli_summary = {
    .name = "summary",
    .operands = "NAME|FILE|MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_NETWORK,
    .purpose = "List the layers of a network with shapes, parameters and multiply-adds",
    .description = "NAME is a network of the zoo, FILE a YAML description, MODEL a trained model.",
    .examples =
        (const char *const[]){ "fovea summary lenet5", "fovea summary runs/first/model.safetensors --json", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = summary_run,
};
