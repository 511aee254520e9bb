/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_zoo.c - fovea zoo: the named networks.
 */
#include <string.h>

#include "command.h"

typedef struct values {
    bool json, names, recipes;
} values;

static const cli_option options[] = {
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { "names", NULL, CLI_FLAG, NULL, offsetof(values, names), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "only the names, one a line" },
    { "recipes", NULL, CLI_FLAG, NULL, offsetof(values, recipes), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "the networks that have recipes, and those: fovea train NAME --recipe RECIPE" },
    { 0 },
};

static json_t *error_number(double percent)
{
    return percent > 0 ? json_real(percent) : json_null();
}

static json_t *published_list(const fv_zoo_entry *entry)
{
    json_t *list = json_array();
    for (int i = 0; i < FV_ZOO_MAX_PUBLISHED && entry->published[i].source != NULL; i++) {
        const fv_published_error *error = &entry->published[i];
        json_array_append_new(list,
                              json_pack("{s:o,s:o,s:i,s:i,s:b,s:s}", "top1_error", error_number(error->top1),
                                        "top5_error", error_number(error->top5), "crops", (int)error->crops, "models",
                                        (int)error->models, "ensemble", error->models > 1, "source", error->source));
    }
    return list;
}

/* Names separated by commas, as a list. */
static json_t *name_list(const char *names)
{
    json_t *list = json_array();
    while (names != NULL && *names != '\0') {
        const size_t length = strcspn(names, ",");
        json_array_append_new(list, json_stringn(names, length));
        names += length + (names[length] == ',');
    }
    return list;
}

static json_t *entry_object(const fv_zoo_entry *entry, const fv_graph *graph)
{
    json_t *object =
        json_pack("{s:s,s:s,s:s,s:i,s:o,s:o,s:i,s:I,s:I}", "name", entry->name, "title", entry->title, "paper",
                  entry->paper, "year", (int)entry->year, "input", cli_json_shape(entry->input), "data",
                  cli_json_shape(entry->data), "classes", (int)entry->classes, "parameters",
                  (json_int_t)fv_graph_parameters(graph), "multiply_adds", (json_int_t)fv_graph_multiply_adds(graph));
    if (fv_graph_training_parameters(graph) != fv_graph_parameters(graph))
        json_object_set_new(object, "training_parameters", json_integer(fv_graph_training_parameters(graph)));
    json_object_set_new(object, "flags", name_list(entry->flags));
    json_object_set_new(object, "default_flags", name_list(entry->default_flags));
    json_object_set_new(object, "published", published_list(entry));
    return object;
}

/* "21.2", "18.2/10/1": of 10 crops and 1 model, "8.1 dense", or "-" */
static const char *error_text(const fv_published_error *error, double percent, char *text, size_t size)
{
    if (percent <= 0)
        snprintf(text, size, "-");
    else if (error->crops == 0)
        snprintf(text, size, "%.4g dense", percent);
    else if (error->crops == 1 && error->models == 1)
        snprintf(text, size, "%.4g", percent);
    else
        snprintf(text, size, "%.4g/%d/%d", percent, (int)error->crops, (int)error->models);
    return text;
}

static void print_entry(const fv_zoo_entry *entry, const fv_graph *graph)
{
    char input[48], parameters[32], multiply_adds[32], top1[48], top5[48];
    const fv_published_error *error = &entry->published[0];
    printf("%-24s %4d %-9s %7d %13s %15s %12s %12s  %s\n", entry->name, (int)entry->year,
           cli_shape_text(entry->input, input, sizeof input), (int)entry->classes,
           cli_grouped(fv_graph_parameters(graph), parameters, sizeof parameters),
           cli_grouped(fv_graph_multiply_adds(graph), multiply_adds, sizeof multiply_adds),
           error_text(error, error->top1, top1, sizeof top1), error_text(error, error->top5, top5, sizeof top5),
           entry->title);
}

/* A line for each network that has recipes. */
static int print_recipes(const cli_command *command)
{
    fv_context *context = NULL;
    int status = cli_open_context(command, &context, 1);
    for (int32_t i = 0; status == CLI_DONE && i < fv_zoo_count(); i++) {
        char *names = NULL;
        if (fv_recipe_names(context, fv_zoo_get(i)->name, &names) != FV_OK)
            status = cli_fail(command, "%s", fv_context_message(context));
        else if (names[0] != '\0')
            printf("%-24s %s\n", fv_zoo_get(i)->name, names);
        fv_text_release(context, names);
    }
    fv_context_destroy(context);
    return status == CLI_DONE ? cli_finish_output(command) : status;
}

static int zoo_run(cli_call *call)
{
    const values *given = call->values;
    if (given->recipes)
        return print_recipes(call->command);
    fv_context *context = NULL;
    json_t *networks = json_array();
    int status = cli_open_context(call->command, &context, 1);
    if (status == CLI_DONE && !given->json && !given->names)
        printf("%-24s %4s %-9s %7s %13s %15s %12s %12s\n", "name", "year", "input", "classes", "parameters",
               "multiply-adds", "top-1", "top-5");
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
    .description =
        "The input is channels x rows x columns; parameters and multiply-adds (of one image's forward pass) are those "
        "of the network\n"
        "without classifiers that only train. top-1 and top-5 are errors in percent as published by others, on their "
        "data and training,\n"
        "not measured here: of one crop and one model, as error/crops/models, or dense (run over the whole image). "
        "--json names the papers and sources.",
    .options = options,
    .values_size = sizeof(values),
    .run = zoo_run,
};
