/* SPDX-License-Identifier: Apache-2.0
 *
 * dry_run.c - what a run would be, from the experiment that it would be.
 */
#include "dry_run.h"

#include <stdlib.h>
#include <string.h>

typedef struct dry_run {
    const cli_command *command;
    fv_context *context;
    fv_experiment *experiment;
    const fv_config *config;
    fv_memory memory;
    size_t data_bytes;
    int64_t *counts; /* images of each class */
    int32_t classes;
    fv_experiment_trial trial;
} dry_run;

static int failure(const dry_run *d)
{
    return cli_fail(d->command, "%s", fv_context_message(d->context));
}

static int count_classes(dry_run *d)
{
    d->classes = fv_dataset_classes(fv_experiment_train_data(d->experiment));
    if (d->classes <= 0)
        return CLI_DONE;
    d->counts = calloc((size_t)d->classes, sizeof *d->counts);
    if (d->counts == NULL)
        return cli_fail(d->command, "out of memory");
    fv_experiment_count_classes(d->experiment, d->counts);
    return CLI_DONE;
}

static void print_layers(const dry_run *d)
{
    char shape[48], parameters[32], multiply_adds[32];
    const fv_graph *graph = fv_experiment_network(d->experiment)->graph;
    int width = 5;
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const int length = (int)strlen(fv_graph_node(graph, i).name);
        width = length > width ? length : width;
    }
    printf("%-*s %-24s %-14s %14s %16s\n", width, "layer", "type", "output", "parameters", "multiply-adds");
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        printf("%-*s %-24s %-14s %14s %16s\n", width, node.name, node.type,
               cli_shape_text(node.output, shape, sizeof shape),
               cli_grouped(node.parameters, parameters, sizeof parameters),
               cli_grouped(node.multiply_adds, multiply_adds, sizeof multiply_adds));
    }
    printf("%s: %s parameters, %s multiply-adds an image\n\n", fv_graph_name(graph),
           cli_grouped(fv_graph_parameters(graph), parameters, sizeof parameters),
           cli_grouped(fv_graph_multiply_adds(graph), multiply_adds, sizeof multiply_adds));
}

static void print_memory(const dry_run *d)
{
    char total[32], parameters[32], session[32], optimizer[32], loader[32], evaluation[32], data[32];
    const fv_memory *memory = &d->memory;
    printf("memory: %s (parameters %s, session %s, optimizer %s, batch %s, measuring %s, data %s)\n",
           cli_bytes(memory->total + d->data_bytes, total, sizeof total),
           cli_bytes(memory->parameters, parameters, sizeof parameters),
           cli_bytes(memory->session, session, sizeof session),
           cli_bytes(memory->optimizer, optimizer, sizeof optimizer), cli_bytes(memory->loader, loader, sizeof loader),
           cli_bytes(memory->evaluation, evaluation, sizeof evaluation), cli_bytes(d->data_bytes, data, sizeof data));
}

static void print_data(const dry_run *d)
{
    char train[32], measured[32], shape[48], least[32], most[32];
    const fv_dataset *data = fv_experiment_train_data(d->experiment), *test = fv_experiment_test_data(d->experiment);
    printf("data: %s, %s training and %s test images", fv_dataset_name(data),
           cli_grouped(fv_dataset_count(data), train, sizeof train),
           cli_grouped(test != NULL ? fv_dataset_count(test) : 0, measured, sizeof measured));
    if (fv_dataset_shape(data).c > 0)
        printf(" of %s", cli_shape_text(fv_dataset_shape(data), shape, sizeof shape));
    if (d->classes > 0) {
        int64_t low = d->counts[0], high = d->counts[0];
        for (int32_t i = 1; i < d->classes; i++) {
            low = d->counts[i] < low ? d->counts[i] : low;
            high = d->counts[i] > high ? d->counts[i] : high;
        }
        printf(", %d classes of %s to %s", (int)d->classes, cli_grouped(low, least, sizeof least),
               cli_grouped(high, most, sizeof most));
    }
    putchar('\n');
}

static int print_config(const dry_run *d)
{
    char *text = NULL;
    if (fv_config_to_yaml(d->config, &text) != FV_OK)
        return cli_fail(d->command, "out of memory");
    printf("\n%s", text);
    fv_text_release(d->context, text);
    return CLI_DONE;
}

static int print_text(const dry_run *d)
{
    print_layers(d);
    print_memory(d);
    print_data(d);
    printf("first batch: %d images, loss %.4f, length of the gradient %.4g, %.3f s forward and backward\n",
           (int)d->trial.images, d->trial.loss, d->trial.gradient_norm, d->trial.seconds);
    const int status = print_config(d);
    if (status == CLI_DONE)
        printf("\nnothing was written; without --dry-run the run starts\n");
    return status == CLI_DONE ? cli_finish_output(d->command) : status;
}

static json_t *config_object(const fv_config *config)
{
    json_t *object = json_object();
    for (int32_t i = 0; i < fv_config_key_count(); i++) {
        const char *key = fv_config_key_at(i)->key, *value = fv_config_text(config, key);
        json_object_set_new(object, key,
                            json_pack("{s:s?,s:s}", "value", value, "origin", fv_config_origin_text(config, key)));
    }
    return object;
}

static int print_json(const dry_run *d)
{
    const fv_graph *graph = fv_experiment_network(d->experiment)->graph;
    const fv_dataset *data = fv_experiment_train_data(d->experiment), *test = fv_experiment_test_data(d->experiment);
    json_t *counts = json_array();
    for (int32_t i = 0; i < d->classes; i++)
        json_array_append_new(counts, json_integer(d->counts[i]));
    return cli_print_json(
        d->command,
        json_pack("{s:s,s:I,s:I,s:{s:s,s:I,s:I,s:o},s:{s:i,s:o,s:o,s:o},s:o}", "network", fv_graph_name(graph),
                  "parameters", (json_int_t)fv_graph_parameters(graph), "memory_bytes",
                  (json_int_t)(d->memory.total + d->data_bytes), "data", "name", fv_dataset_name(data), "train",
                  (json_int_t)fv_dataset_count(data), "test", (json_int_t)(test != NULL ? fv_dataset_count(test) : 0),
                  "classes", counts, "first_batch", "images", (int)d->trial.images, "loss",
                  cli_json_number(d->trial.loss), "gradient_norm", cli_json_number(d->trial.gradient_norm), "seconds",
                  cli_json_number(d->trial.seconds), "config", config_object(d->config)));
}

int cli_dry_run(const cli_command *command, fv_context *context, fv_experiment *experiment, const fv_config *config,
                bool json)
{
    dry_run d = { .command = command, .context = context, .experiment = experiment, .config = config };
    int status = count_classes(&d);
    if (status == CLI_DONE && (fv_experiment_memory(experiment, &d.memory, &d.data_bytes) != FV_OK ||
                               fv_experiment_try(experiment, &d.trial) != FV_OK))
        status = failure(&d);
    if (status == CLI_DONE)
        status = json ? print_json(&d) : print_text(&d);
    free(d.counts);
    return status;
}
