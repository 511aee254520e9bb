/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_zoo_show.c - fovea zoo show: what is known of one network, or its description as YAML.
 */
#include "command.h"

typedef struct values {
    cli_adaptation adaptation;
    bool yaml;
} values;

static const cli_option options[] = {
    { "yaml", NULL, CLI_FLAG, NULL, offsetof(values, yaml), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "the network's description, which fovea reads back" },
    { "classes", NULL, CLI_INTEGER, "N", offsetof(values, adaptation.classes), 1, 1000000, "(the network's)", NULL,
      CLI_COMPLETE_NONE, "tell so many classes apart" },
    { "input", NULL, CLI_TEXT, "CxHxW", offsetof(values, adaptation.input), 0, 0, "(the network's)", NULL,
      CLI_COMPLETE_NONE, "channels, rows and columns of the images" },
    { "flags", NULL, CLI_TEXT, "NAMES", offsetof(values, adaptation.flags), 0, 0, "(the network's)", NULL,
      CLI_COMPLETE_NONE, "variants of the network, separated by commas, or none; fovea zoo --json lists them" },
    { 0 },
};

static int print_yaml(const cli_command *command, const cli_network *network)
{
    fv_context *context = fv_graph_context(network->graph);
    char *text = NULL;
    if (fv_graph_to_yaml(network->graph, &text) != FV_OK)
        return cli_fail(command, "%s", fv_context_message(context));
    if (network->entry != NULL)
        printf("# %s\n# %s\n", network->entry->title, network->entry->paper);
    fputs(text, stdout);
    fv_text_release(context, text);
    return cli_finish_output(command);
}

static void print_percent(const char *what, double percent)
{
    if (percent > 0)
        printf("%s %.4g%%, ", what, percent);
}

static void print_published(const fv_zoo_entry *entry)
{
    for (int i = 0; i < FV_ZOO_MAX_PUBLISHED && entry->published[i].source != NULL; i++) {
        const fv_published_error *error = &entry->published[i];
        printf("%-14s ", i == 0 ? "published" : "");
        print_percent("top-1 error", error->top1);
        print_percent("top-5 error", error->top5);
        printf("%d crop%s, %d model%s: %s\n", (int)error->crops, error->crops == 1 ? "" : "s", (int)error->models,
               error->models == 1 ? "" : "s", error->source);
    }
}

static int print_text(const cli_command *command, const cli_network *network)
{
    const fv_graph *graph = network->graph;
    const fv_zoo_entry *entry = network->entry;
    const fv_image_shape input = fv_graph_node(graph, fv_graph_input(graph)).output;
    const fv_image_shape output = fv_graph_node(graph, fv_graph_output(graph)).output;
    char text[64];
    printf("%-14s %s\n", "name", fv_graph_name(graph));
    if (entry != NULL) {
        printf("%-14s %s\n%-14s %s\n%-14s %d\n", "title", entry->title, "paper", entry->paper, "year",
               (int)entry->year);
        if (entry->flags != NULL)
            printf("%-14s %s; on by default: %s\n", "flags", entry->flags,
                   entry->default_flags != NULL ? entry->default_flags : "none");
    }
    printf("%-14s %s\n", "input", cli_shape_text(input, text, sizeof text));
    printf("%-14s %lld\n", "classes", (long long)output.c * output.h * output.w);
    printf("%-14s %d\n", "layers", (int)fv_graph_node_count(graph));
    printf("%-14s %s", "parameters", cli_grouped(fv_graph_parameters(graph), text, sizeof text));
    if (fv_graph_training_parameters(graph) != fv_graph_parameters(graph))
        printf(" (%s while training)", cli_grouped(fv_graph_training_parameters(graph), text, sizeof text));
    printf("\n%-14s %s an image\n", "multiply-adds", cli_grouped(fv_graph_multiply_adds(graph), text, sizeof text));
    if (entry != NULL)
        print_published(entry);
    return cli_finish_output(command);
}

static int show_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    cli_network network = { 0 };
    int status = cli_open_context(call->command, &context, 1);
    if (status == CLI_DONE)
        status = cli_open_network_as(call->command, context, call->operands[0], &given->adaptation, &network);
    if (status == CLI_DONE)
        status = given->yaml ? print_yaml(call->command, &network) : print_text(call->command, &network);
    cli_close_network(&network);
    fv_context_destroy(context);
    return status;
}

const cli_command cli_zoo_show = {
    .name = "zoo show",
    .operands = "NAME|FILE|MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_NETWORK,
    .purpose = "Tell what is known of a network, or write its description",
    .description = "NAME is a network of the zoo, FILE a YAML description, MODEL a trained model. With --yaml the "
                   "description reads back to the\nsame network: a start for one's own.",
    .examples = (const char *const[]){ "fovea zoo show lenet5", "fovea zoo show lenet5 --yaml > mine.yaml", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = show_run,
};
