/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_summary.c - fovea summary: the layers of a network, their output shapes, parameters, multiply-adds, activation memory and
 * receptive fields, and the memory that training and running it will take.
 */
#include <string.h>

#include "drawing.h"

typedef struct values {
    cli_adaptation adaptation;
    int64_t batch;
    const char *out;
    bool json, dot, inside, backward;
} values;

static const cli_option options[] = {
    { "classes", NULL, CLI_INTEGER, "N", offsetof(values, adaptation.classes), 1, 1000000, "(the network's)", NULL,
      CLI_COMPLETE_NONE, "tell so many classes apart" },
    { "input", NULL, CLI_TEXT, "CxHxW", offsetof(values, adaptation.input), 0, 0, "(the network's)", NULL,
      CLI_COMPLETE_NONE, "channels, rows and columns of the images" },
    { "flags", NULL, CLI_TEXT, "NAMES", offsetof(values, adaptation.flags), 0, 0, "(the network's)", NULL,
      CLI_COMPLETE_NONE, "variants of the network, separated by commas, or none; fovea zoo --json lists them" },
    { "batch", NULL, CLI_INTEGER, "N", offsetof(values, batch), 1, 1000000, "64", NULL, CLI_COMPLETE_NONE,
      "images of a step, for the memory" },
    { "dot", NULL, CLI_FLAG, NULL, offsetof(values, dot), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "the graph as a drawing, in Graphviz's language" },
    { "inside", NULL, CLI_FLAG, NULL, offsetof(values, inside), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "draw the stages in which layers compute, too" },
    { "backward", NULL, CLI_FLAG, NULL, offsetof(values, backward), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "draw the backward pass, too, with what it reads of the forward pass" },
    { "out", NULL, CLI_TEXT, "FILE", offsetof(values, out), 0, 0, "(standard output)", NULL, CLI_COMPLETE_FILE,
      "where the drawing goes: .dot, or with Graphviz installed .svg, .png, .pdf" },
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

/* What the network takes at a batch. */
typedef struct predicted_memory {
    int32_t batch;
    bool trains;
    fv_memory training, inference;
} predicted_memory;

static int predict_memory(const cli_command *command, fv_context *context, const fv_graph *graph, int64_t batch,
                          predicted_memory *out)
{
    const fv_train_options training = { .batch = (int32_t)batch };
    *out = (predicted_memory){ .batch = (int32_t)batch };
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++)
        out->trains = out->trains || fv_graph_node(graph, i).loss;
    fv_status status = fv_inference_memory(graph, out->batch, &out->inference);
    if (status == FV_OK && out->trains)
        status = fv_training_memory(graph, &training, &out->training);
    return status == FV_OK ? CLI_DONE : cli_fail(command, "%s", fv_context_message(context));
}

/* Bytes of a value, float32. */
static int64_t activation_bytes(fv_image_shape shape, int32_t batch)
{
    return (int64_t)shape.c * shape.h * shape.w * batch * (int64_t)sizeof(float);
}

static json_t *memory_object(const fv_memory *memory)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "parameters", (json_int_t)memory->parameters, "session",
                     (json_int_t)memory->session, "optimizer", (json_int_t)memory->optimizer, "loader",
                     (json_int_t)memory->loader, "evaluation", (json_int_t)memory->evaluation, "total",
                     (json_int_t)memory->total);
}

static json_t *pair(const double numbers[2])
{
    return json_pack("[o,o]", cli_json_number(numbers[0]), cli_json_number(numbers[1]));
}

static json_t *layer_object(const fv_node_info *node, int32_t batch)
{
    return json_pack("{s:s,s:s,s:o,s:I,s:I,s:I,s:{s:o,s:o,s:o}}", "name", node->name, "type", node->type, "output",
                     cli_json_shape(node->output), "parameters", (json_int_t)node->parameters, "multiply_adds",
                     (json_int_t)node->multiply_adds, "activation_bytes",
                     (json_int_t)activation_bytes(node->output, batch), "receptive_field", "size",
                     pair(node->field.size), "stride", pair(node->field.stride), "start", pair(node->field.start));
}

/* Layers whose weights are bytes. */
static int32_t quantized_layers(const fv_graph *graph)
{
    int32_t count = 0;
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++)
        count += fv_graph_quantized(graph, i).weight_scale != NULL;
    return count;
}

static int print_object(const cli_command *command, const fv_graph *graph, const predicted_memory *memory)
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
        json_array_append_new(layers, layer_object(&node, memory->batch));
    }
    json_object_set_new(object, "layers", layers);
    if (fv_graph_is_quantized(graph))
        json_object_set_new(object, "int8_layers", json_integer(quantized_layers(graph)));
    json_object_set_new(object, "batch", json_integer(memory->batch));
    if (memory->trains)
        json_object_set_new(object, "training_memory", memory_object(&memory->training));
    json_object_set_new(object, "inference_memory", memory_object(&memory->inference));
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

/* "7x7 every 2 from -3": the field of the first output cell, its size, the step to the next, its first pixel. */
static const char *field_text(const fv_receptive_field *field, char *text, size_t size)
{
    if (field->size[0] == field->size[1] && field->stride[0] == field->stride[1] && field->start[0] == field->start[1])
        snprintf(text, size, "%g/%g%+g", field->size[0], field->stride[0], field->start[0]);
    else
        snprintf(text, size, "%gx%g/%gx%g%+g%+g", field->size[0], field->size[1], field->stride[0], field->stride[1],
                 field->start[0], field->start[1]);
    return text;
}

static void print_memory(const char *what, int32_t batch, const fv_memory *memory)
{
    char total[24], parameters[24], session[24], optimizer[24], loader[24], evaluation[24];
    printf("%s at batch %d: %s (values %s, session %s", what, (int)batch, cli_bytes(memory->total, total, sizeof total),
           cli_bytes(memory->parameters, parameters, sizeof parameters),
           cli_bytes(memory->session, session, sizeof session));
    if (memory->optimizer > 0)
        printf(", optimizer %s", cli_bytes(memory->optimizer, optimizer, sizeof optimizer));
    printf(", batch %s", cli_bytes(memory->loader, loader, sizeof loader));
    if (memory->evaluation > 0)
        printf(", measuring on the test set %s", cli_bytes(memory->evaluation, evaluation, sizeof evaluation));
    printf(")\n");
}

/* How images become a model's input. */
static void print_preparation(const fv_preprocess *preprocess)
{
    const int32_t channels = preprocess->input.c;
    printf("images:");
    if (preprocess->resize > 0)
        printf(" shorter side to %d,", (int)preprocess->resize);
    if (preprocess->transforms != NULL)
        printf(" through %s,", fv_augmentation_text(preprocess->transforms));
    printf(" centre to %dx%d, less", (int)preprocess->input.h, (int)preprocess->input.w);
    for (int32_t c = 0; c < channels; c++)
        printf(" %.4g", preprocess->mean[c]);
    printf(", over");
    for (int32_t c = 0; c < channels; c++)
        printf(" %.4g", preprocess->deviation[c] != 0 ? preprocess->deviation[c] : 1.0);
    printf("\n");
}

static int print_table(const cli_command *command, const fv_graph *graph, const fv_preprocess *preprocess,
                       const predicted_memory *memory)
{
    char shape[48], parameters[32], multiply_adds[32], bytes[24], field[96];
    const int width = name_width(graph);
    printf("%-*s %-24s %-14s %14s %16s %12s  %s\n", width, "layer", "type", "output", "parameters", "multiply-adds",
           "activations", "field/stride+start");
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++) {
        const fv_node_info node = fv_graph_node(graph, i);
        printf("%-*s %-24s %-14s %14s %16s %12s%s%s%s\n", width, node.name, node.type,
               cli_shape_text(node.output, shape, sizeof shape),
               cli_grouped(node.parameters, parameters, sizeof parameters),
               cli_grouped(node.multiply_adds, multiply_adds, sizeof multiply_adds),
               cli_bytes((size_t)activation_bytes(node.output, 1), bytes, sizeof bytes), node.loss ? "" : "  ",
               node.loss ? "" : field_text(&node.field, field, sizeof field), node.auxiliary ? "  training only" : "");
    }
    printf("\n%s: input %s, %lld classes, %s parameters, %s multiply-adds an image\n", fv_graph_name(graph),
           cli_shape_text(input_shape(graph), shape, sizeof shape), (long long)class_count(graph),
           cli_grouped(fv_graph_parameters(graph), parameters, sizeof parameters),
           cli_grouped(fv_graph_multiply_adds(graph), multiply_adds, sizeof multiply_adds));
    if (fv_graph_is_quantized(graph))
        printf("computed in 8 bits: %d layers\n", (int)quantized_layers(graph));
    if (has_auxiliary(graph))
        printf("with the classifiers that only train: %s parameters\n",
               cli_grouped(fv_graph_training_parameters(graph), parameters, sizeof parameters));
    if (preprocess != NULL)
        print_preparation(preprocess);
    print_memory("running", memory->batch, &memory->inference);
    if (memory->trains)
        print_memory("training", memory->batch, &memory->training);
    return cli_finish_output(command);
}

static int print_summary(const cli_command *command, fv_context *context, const cli_network *network,
                         const values *given)
{
    const fv_graph *graph = network->graph;
    const fv_preprocess *preprocess = network->model != NULL ? fv_model_preprocess(network->model) : NULL;
    predicted_memory memory;
    if (given->dot)
        return cli_draw(command, graph, &(fv_dot_options){ .inside = given->inside, .backward = given->backward },
                        given->out);
    const int status = predict_memory(command, context, graph, given->batch, &memory);
    if (status != CLI_DONE)
        return status;
    return given->json ? print_object(command, graph, &memory) : print_table(command, graph, preprocess, &memory);
}

static int summary_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    cli_network network = { 0 };
    if (!given->dot && (given->inside || given->backward || given->out != NULL))
        return cli_usage_error(call->command, "--inside, --backward and --out belong to a drawing; add --dot");
    if (given->dot && given->json)
        return cli_usage_error(call->command, "--dot and --json: one of them");
    int status = cli_open_context(call->command, &context, 1);
    if (status == CLI_DONE)
        status = cli_open_network_as(call->command, context, call->operands[0], &given->adaptation, &network);
    if (status == CLI_DONE)
        status = print_summary(call->command, context, &network, given);
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
    .purpose = "List the layers of a network with shapes, parameters, memory and receptive fields",
    .description = "NAME is a network of the zoo, FILE a YAML description, MODEL a trained model.\n"
                   "\n"
                   "Activations are those of one image. Field/stride+start says which pixels of the image the first "
                   "cell of a layer's\n"
                   "output sees (14/2-2: 14 rows and columns from pixel -2 on, which lies in the padding) and how far "
                   "apart the fields\n"
                   "of neighbouring cells are. Memory is what a run takes at its peak, without the data set.",
    .examples = (const char *const[]){ "fovea summary lenet5", "fovea summary runs/first/model.safetensors --json",
                                       "fovea summary lenet5 --dot --backward --out lenet5.svg", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = summary_run,
};
