/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_export.c - fovea export: a model in the format of somebody else.
 */
#include "export.h"

static const char *const formats[] = { "model", "onnx", "torchvision", "npz", "c", NULL };
static cli_export_function *const functions[] = { cli_export_model, cli_export_onnx, cli_export_torchvision,
                                                  cli_export_npz, cli_export_c };
static const char *const arithmetics[] = { "float", "int8", "fixed", NULL }; /* in the order of fv_c_arithmetic */

static const cli_option options[] = {
    { "to", NULL, CLI_CHOICE, "FORMAT", offsetof(cli_export_values, to), 0, 0, CLI_REQUIRED, formats, CLI_COMPLETE_NONE,
      "what to write" },
    { "out", NULL, CLI_TEXT, "FILE", offsetof(cli_export_values, out), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_FILE,
      "where to write it" },
    { "keep-batch-norm", NULL, CLI_FLAG, NULL, offsetof(cli_export_values, keep_batch_norm), 0, 0, NULL, NULL,
      CLI_COMPLETE_NONE, "leave batch normalisation a layer of its own, instead of folding it into weights" },
    { "opset", NULL, CLI_INTEGER, "N", offsetof(cli_export_values, opset), 7, 21, "17", NULL, CLI_COMPLETE_NONE,
      "onnx: version of the operators" },
    { "softmax", NULL, CLI_FLAG, NULL, offsetof(cli_export_values, softmax), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "onnx: end in probabilities instead of scores" },
    { "name", NULL, CLI_TEXT, "NAME", offsetof(cli_export_values, name), 0, 0, "(FILE's last part)", NULL,
      CLI_COMPLETE_NONE, "c: what every name of the source begins with" },
    { "arithmetic", NULL, CLI_CHOICE, "KIND", offsetof(cli_export_values, arithmetic), 0, 0, "float", arithmetics,
      CLI_COMPLETE_NONE, "c: float; int8: weights as int8; fixed: integers only" },
    { "blob", NULL, CLI_FLAG, NULL, offsetof(cli_export_values, blob), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "c: weights in FILE.bin instead of the source" },
    { "no-self-test", NULL, CLI_FLAG, NULL, offsetof(cli_export_values, no_self_test), 0, 0, NULL, NULL,
      CLI_COMPLETE_NONE, "c: leave the self-test out" },
    { "data", NULL, CLI_TEXT, "DATA", offsetof(cli_export_values, data), 0, 0, NULL, NULL, CLI_COMPLETE_DATA,
      "c: training images say how large values become (fixed), test images how often source and library agree" },
    { "images", NULL, CLI_INTEGER, "N", offsetof(cli_export_values, images), 1, 1e9, "512", NULL, CLI_COMPLETE_NONE,
      "c: so many training images" },
    { "seed", NULL, CLI_INTEGER, "N", offsetof(cli_export_values, seed), 0, 1e15, "(a model's values)", NULL,
      CLI_COMPLETE_NONE, "of a network without values: export initial values of this seed" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(cli_export_values, threads), 0, 1024, "0", NULL, CLI_COMPLETE_NONE,
      "threads; 0: all" },
    { 0 },
};

/* Initial values, and preprocessing that changes nothing but 255 to 1. The model owns the network's graph. */
static fv_status make_model(cli_network *network, fv_context *context, uint64_t seed, fv_model **out)
{
    fv_graph *graph = network->owned;
    const fv_image_shape answer = fv_graph_node(graph, fv_graph_output(graph)).output;
    const fv_preprocess preprocess = { .input = fv_graph_node(graph, fv_graph_input(graph)).output,
                                       .classes = answer.c * answer.h * answer.w };
    fv_params *params = NULL;
    const fv_status status = fv_params_create(&params, graph, FV_F32);
    if (status != FV_OK)
        return status;
    fv_params_initialize(params, seed);
    network->owned = NULL;
    return fv_model_create(out, context, graph, params, &preprocess, NULL);
}

/* A model file, or with --seed also a network that has no values yet. */
static int open_exported(const cli_call *call, fv_context *context, fv_model **out)
{
    const cli_export_values *given = call->values;
    const bool has_seed = cli_was_given(call, "seed");
    cli_network network = { 0 };
    if (!has_seed)
        return cli_open_model(call->command, context, call->operands[0], out);
    const int status = cli_open_network(call->command, context, call->operands[0], &network);
    if (status != CLI_DONE)
        return status;
    int result = CLI_DONE;
    if (network.model != NULL)
        result = cli_usage_error(call->command, "'%s' has values; --seed is for networks without", call->operands[0]);
    else if (make_model(&network, context, (uint64_t)given->seed, out) != FV_OK)
        result = cli_fail(call->command, "%s", fv_context_message(context));
    cli_close_network(&network);
    return result;
}

static int export_run(cli_call *call)
{
    const cli_export_values *given = call->values;
    cli_export export = { .call = call, .given = given };
    int status = cli_open_context(call->command, &export.context, given->threads);
    if (status == CLI_DONE)
        status = open_exported(call, export.context, &export.model);
    if (status == CLI_DONE)
        status = functions[given->to](&export);
    fv_model_destroy(export.model);
    fv_context_destroy(export.context);
    return status;
}

const cli_command cli_export_command = {
    .name = "export",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_FILE,
    .purpose = "Write a model in another form or format",
    .description =
        "MODEL is a file that fovea train or fovea import wrote; with --seed also a network of the zoo or a "
        "description.\n\n"
        "--to model writes a model of fovea as inference needs it: batch normalisation folded into the "
        "weights, without what only "
        "training uses. --to torchvision writes safetensors for load_state_dict(strict=True), --to npz "
        "NumPy's arrays: the values under their names, whatever the network is.\n\n"
        "--to onnx writes the same as ONNX, for any number of images at a time, with the preprocessing in its "
        "metadata.\n\n"
        "--to c writes FILE.c and FILE.h, C99 that needs nothing but <math.h>: docs/c-source.md.",
    .examples =
        (const char *const[]){ "fovea export runs/first/model.safetensors --to model --out small.safetensors",
                               "fovea export runs/first/model.safetensors --to onnx --out net.onnx",
                               "fovea export lenet5 --seed 1 --to onnx --opset 13 --softmax --out lenet5.onnx",
                               "fovea export runs/first/model.safetensors --to c --out net --data mnist-12k", NULL },
    .options = options,
    .values_size = sizeof(cli_export_values),
    .run = export_run,
};
