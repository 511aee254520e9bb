/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_import.c - fovea import: a model of somebody else's as a model of fovea. First all operators of the file are listed, those
 * that cannot be read too; then what became of them; then the model is written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

enum { MOST_CLASSES = 65536, MOST_NAME = 200 };

static const char *const normalisations[] = { "file", "none", "imagenet", NULL };
enum { AS_FILE, AS_NONE, AS_IMAGENET };

typedef struct values {
    const char *out, *input, *classes;
    int64_t normalize;
    bool nodes;
} values;

static const cli_option options[] = {
    { "out", NULL, CLI_TEXT, "FILE", offsetof(values, out), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_FILE,
      "the model to write (.safetensors)" },
    { "input", NULL, CLI_TEXT, "CxHxW", offsetof(values, input), 0, 0, "(the file's)", NULL, CLI_COMPLETE_NONE,
      "channels, rows and columns, where the file leaves them open" },
    { "classes-file", NULL, CLI_TEXT, "FILE", offsetof(values, classes), 0, 0, "(none)", NULL, CLI_COMPLETE_FILE,
      "names of the classes, one a line, in the order of the scores" },
    { "normalize", NULL, CLI_CHOICE, "HOW", offsetof(values, normalize), 0, 0, "file", normalisations,
      CLI_COMPLETE_NONE,
      "of pixels: as the file says (fovea.preprocess), none (divided by 255), or with ImageNet's means and "
      "deviations" },
    { "nodes", NULL, CLI_FLAG, NULL, offsetof(values, nodes), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "tell of every node of the file what became of it" },
    { 0 },
};

/* Names of classes: the lines of a file. */
typedef struct class_names {
    char *text;
    const char **names;
    int32_t count;
} class_names;

static void print_operators(void *user, const fv_onnx_operator *operators, int32_t count)
{
    size_t width = strlen("operator");
    (void)user;
    for (int32_t i = 0; i < count; i++)
        width = strlen(operators[i].name) > width ? strlen(operators[i].name) : width;
    width = width > 40 ? 40 : width;
    printf("%-*s  opset  nodes\n", (int)width, "operator");
    for (int32_t i = 0; i < count; i++) {
        const fv_onnx_operator *one = &operators[i];
        printf("%-*.40s  %5lld  %5d  %s%s%s%s%s\n", (int)width, one->name, (long long)one->opset, (int)one->count,
               one->why == NULL ? "supported" : "NOT SUPPORTED: ", one->why != NULL ? one->why : "",
               one->domain[0] != '\0' ? " (domain " : "", one->domain, one->domain[0] != '\0' ? ")" : "");
    }
    printf("\n");
    fflush(stdout);
}

static void print_node(void *user, const fv_onnx_node *node)
{
    (void)user;
    printf("%s '%s': %s\n", node->operator_name, node->name, node->became);
}

static int read_names(const cli_command *command, const char *path, class_names *out)
{
    FILE *file = fopen(path, "rb");
    char line[MOST_NAME + 2];
    size_t used = 0;
    if (file == NULL)
        return cli_fail(command, "cannot read '%s': %s", path, strerror(errno));
    out->text = malloc((size_t)MOST_CLASSES * 16);
    out->names = malloc((size_t)MOST_CLASSES * sizeof *out->names);
    int status = out->text != NULL && out->names != NULL ? CLI_DONE : cli_fail(command, "out of memory");
    while (status == CLI_DONE && fgets(line, sizeof line, file) != NULL) {
        const size_t length = strcspn(line, "\r\n");
        if (line[length] == '\0' && !feof(file)) {
            status =
                cli_fail(command, "'%s', line %d: a name of more than %d bytes", path, (int)out->count + 1, MOST_NAME);
        } else if (length > 0 && (out->count == MOST_CLASSES || used + length + 1 > (size_t)MOST_CLASSES * 16)) {
            status = cli_fail(command, "'%s' has more names than a model can have", path);
        } else if (length > 0) {
            line[length] = '\0';
            memcpy(out->text + used, line, length + 1);
            out->names[out->count++] = out->text + used;
            used += length + 1;
        }
    }
    fclose(file);
    return status;
}

/* The file's preprocessing, changed as the user wants. */
static int choose_preprocess(const cli_call *call, fv_model *model, const class_names *names, fv_preprocess *out)
{
    static const double mean[3] = { 0.485, 0.456, 0.406 }, deviation[3] = { 0.229, 0.224, 0.225 };
    const values *given = call->values;
    *out = *fv_model_preprocess(model);
    if (given->normalize != AS_FILE)
        for (int32_t c = 0; c < FV_MAX_CHANNELS; c++)
            out->mean[c] = out->deviation[c] = 0;
    if (given->normalize == AS_IMAGENET) {
        if (out->input.c != 3)
            return cli_usage_error(call->command, "--normalize imagenet is for 3 channels; this network takes %d",
                                   (int)out->input.c);
        memcpy(out->mean, mean, sizeof mean);
        memcpy(out->deviation, deviation, sizeof deviation);
    }
    if (names->count == 0)
        return CLI_DONE;
    if (names->count != out->classes)
        return cli_usage_error(call->command, "'%s' names %d classes; the network has %d scores", given->classes,
                               (int)names->count, (int)out->classes);
    out->class_names = names->names;
    return CLI_DONE;
}

static void print_model(const char *path, fv_model *model)
{
    const fv_graph *graph = fv_model_graph(model);
    const fv_image_shape output = fv_graph_node(graph, fv_graph_output(graph)).output;
    char input[40], answer[40], parameters[40], work[40];
    bool trains = false;
    for (int32_t i = 0; i < fv_graph_node_count(graph); i++)
        trains = trains || fv_graph_node(graph, i).loss;
    printf("network    %s, %d layers\n", fv_graph_name(graph), (int)fv_graph_node_count(graph));
    printf("input      %s\n", cli_shape_text(fv_model_preprocess(model)->input, input, sizeof input));
    printf("output     %s\n", cli_shape_text(output, answer, sizeof answer));
    printf("parameters %s\n", cli_grouped(fv_graph_parameters(graph), parameters, sizeof parameters));
    printf("work       %s multiply-adds for one image\n",
           cli_grouped(fv_graph_multiply_adds(graph), work, sizeof work));
    printf("\nsaved %s\ntry: fovea summary %s\n", path, path);
    if (trains)
        printf("     fovea train %s --data DATA    (softmax_cross_entropy was added to train by)\n", path);
}

static int import_run(cli_call *call)
{
    const values *given = call->values;
    fv_onnx_read_options read = { .operators = print_operators, .node = given->nodes ? print_node : NULL };
    fv_context *context = NULL;
    fv_model *model = NULL;
    fv_preprocess preprocess;
    class_names names = { 0 };
    if (given->input != NULL && !cli_read_shape(given->input, &read.input))
        return cli_usage_error(call->command, "--input '%s' is not CxHxW, as 3x224x224", given->input);
    int status = cli_open_context(call->command, &context, 1);
    if (status == CLI_DONE && given->classes != NULL)
        status = read_names(call->command, given->classes, &names);
    if (status == CLI_DONE && fv_onnx_read(&model, context, call->operands[0], &read) != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(context));
    if (status == CLI_DONE)
        status = choose_preprocess(call, model, &names, &preprocess);
    if (status == CLI_DONE && fv_model_write(context, given->out, fv_model_params(model), &preprocess, NULL) != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(context));
    if (status == CLI_DONE) {
        if (given->nodes)
            printf("\n");
        print_model(given->out, model);
        status = cli_finish_output(call->command);
    }
    fv_model_destroy(model);
    fv_context_destroy(context);
    free(names.text);
    free((void *)names.names);
    return status;
}

const cli_command cli_import = {
    .name = "import",
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_FILE,
    .purpose = "Make a model of an ONNX file",
    .description =
        "FILE is a model in the ONNX format (opsets 7 to 21), as PyTorch, TensorFlow and others export it. First the "
        "operators that it uses are listed, with those that cannot be read; then the model is written, with its "
        "values, for fovea predict, eval, summary and export, and for fovea train to go on from.\n\n"
        "An ONNX file seldom says how images become the network's input: --normalize does.",
    .examples = (const char *const[]){ "fovea import resnet18.onnx --out resnet18.safetensors --normalize imagenet",
                                       "fovea import digits.onnx --out digits.safetensors --input 1x28x28", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = import_run,
};
