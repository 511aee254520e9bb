/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_quantize.c - fovea quantize: a trained network in 8 bits, if that is worth it: measured before it is written.
 */
#include <math.h>
#include <unistd.h>

#include "command.h"

typedef struct values {
    const char *data, *out;
    int64_t method, images, split, batch, threads, seed;
    double percentile, margin, seconds;
    bool per_tensor, force, slower, json;
} values;

static const char *const methods[] = { "percentile", "entropy", "min-max", NULL };
static const char *const splits[] = { "test", "validation", NULL };

static const cli_option options[] = {
    { "data", NULL, CLI_TEXT, "WHERE", offsetof(values, data), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_DATA,
      "images: its training split to calibrate by, another to measure on" },
    { "out", NULL, CLI_TEXT, "FILE", offsetof(values, out), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_FILE,
      "where the model in 8 bits is written" },
    { "method", NULL, CLI_CHOICE, "METHOD", offsetof(values, method), 0, 0, "percentile", methods, CLI_COMPLETE_NONE,
      "how ranges of values are clipped: percentile (see --percentile), entropy (where the distribution loses least), "
      "min-max (not at all)" },
    { "percentile", NULL, CLI_REAL, "P", offsetof(values, percentile), 50, 100, "99.99", NULL, CLI_COMPLETE_NONE,
      "share of the values, in percent, that a range holds" },
    { "images", NULL, CLI_INTEGER, "N", offsetof(values, images), 1, 1000000, "512", NULL, CLI_COMPLETE_NONE,
      "training images to calibrate by" },
    { "seed", NULL, CLI_INTEGER, "N", offsetof(values, seed), 0, 1e15, "0", NULL, CLI_COMPLETE_NONE, "which of them" },
    { "per-tensor", NULL, CLI_FLAG, NULL, offsetof(values, per_tensor), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "one scale for all weights of a layer instead of one for each output" },
    { "split", NULL, CLI_CHOICE, "SPLIT", offsetof(values, split), 0, 0, "test", splits, CLI_COMPLETE_NONE,
      "what to measure on" },
    { "margin", NULL, CLI_REAL, "M", offsetof(values, margin), 0, 1, "0.01", NULL, CLI_COMPLETE_NONE,
      "most accuracy that may be lost: 0.01 is one image in a hundred" },
    { "batch", NULL, CLI_INTEGER, "N", offsetof(values, batch), 1, 65536, "32", NULL, CLI_COMPLETE_NONE,
      "images computed at once, also where speed is measured" },
    { "seconds", NULL, CLI_REAL, "S", offsetof(values, seconds), 0.01, 3600, "2", NULL, CLI_COMPLETE_NONE,
      "how long speed is measured" },
    { "allow-slower", NULL, CLI_FLAG, NULL, offsetof(values, slower), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "write the model though it is slower than float32 on this machine: for another machine, or for its size" },
    { "force", NULL, CLI_FLAG, NULL, offsetof(values, force), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "write the model whatever it loses" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(values, threads), 0, 1024, "(all)", NULL, CLI_COMPLETE_NONE,
      "threads to run" },
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { 0 },
};

/* What the command has open. */
typedef struct quantizing {
    const cli_call *call;
    const values *given;
    fv_context *context;
    fv_model *model;
    fv_dataset *training, *validation;
    fv_graph *graph[2]; /* inference form; the second one's is in 8 bits */
    fv_params *params[2];
    fv_quantize_report report;
} quantizing;

/* A line on a terminal that the next one takes the place of. */
static void tell(const quantizing *q, const char *what)
{
    if (isatty(STDERR_FILENO) && !q->given->json)
        fprintf(stderr, "\r\033[K%s%s", what, what[0] != '\0' ? " ..." : "");
}

static double loss_of(const quantizing *q)
{
    return q->report.accuracy[0] - q->report.accuracy[1];
}

static bool is_slower(const quantizing *q)
{
    return q->report.seconds[1] > q->report.seconds[0];
}

static bool loses_too_much(const quantizing *q)
{
    return loss_of(q) > q->given->margin;
}

static bool is_refused(const quantizing *q)
{
    return !q->given->force && (loses_too_much(q) || (is_slower(q) && !q->given->slower));
}

static int print_object(const quantizing *q)
{
    const fv_quantize_report *r = &q->report;
    json_t *layers = json_array();
    for (int32_t i = 0; i < r->layers; i++) {
        const fv_quantized value =
            fv_graph_quantized(q->graph[1], fv_graph_node(q->graph[1], r->layer[i].node).inputs[0]);
        json_array_append_new(
            layers, json_pack("{s:s,s:o,s:f,s:i,s:I,s:I}", "layer", fv_graph_node(q->graph[1], r->layer[i].node).name,
                              "signal_to_noise", cli_json_number(r->layer[i].signal), "input_scale",
                              (double)value.scale, "input_zero_point", (int)value.zero_point, "bytes",
                              (json_int_t)r->layer[i].bytes[0], "bytes_int8", (json_int_t)r->layer[i].bytes[1]));
    }
    return cli_print_json(q->call->command,
                          json_pack("{s:s,s:b,s:I,s:f,s:f,s:f,s:f,s:i,s:f,s:f,s:I,s:I,s:o}", "name",
                                    fv_graph_name(q->graph[1]), "written", !is_refused(q), "samples",
                                    (json_int_t)r->samples, "accuracy", r->accuracy[0], "accuracy_int8", r->accuracy[1],
                                    "loss", r->loss[0], "loss_int8", r->loss[1], "batch", (int)r->batch, "seconds",
                                    r->seconds[0], "seconds_int8", r->seconds[1], "bytes", (json_int_t)r->bytes[0],
                                    "bytes_int8", (json_int_t)r->bytes[1], "layers", layers));
}

static void print_table(const quantizing *q)
{
    const fv_quantize_report *r = &q->report;
    char a[32], b[32], count[32];
    printf("%-24s %-8s %14s %10s %12s %12s\n", "layer", "type", "signal/noise", "input", "bytes", "in 8 bits");
    for (int32_t i = 0; i < r->layers; i++) {
        const fv_node_info node = fv_graph_node(q->graph[1], r->layer[i].node);
        const fv_quantized input = fv_graph_quantized(q->graph[1], node.inputs[0]);
        char range[48];
        snprintf(range, sizeof range, "%.3g..%.3g", (double)input.scale * -input.zero_point,
                 (double)input.scale * (255 - input.zero_point));
        printf("%-24s %-8s %11.1f dB %10s %12s %12s\n", node.name, node.type, r->layer[i].signal, range,
               cli_bytes(r->layer[i].bytes[0], a, sizeof a), cli_bytes(r->layer[i].bytes[1], b, sizeof b));
    }
    printf("\n%-24s %12s %12s\n", "", "float32", "8 bits");
    printf("%-24s %11.2f%% %11.2f%%   %+.2f points, %s images of %s\n", "accuracy", 100 * r->accuracy[0],
           100 * r->accuracy[1], -100 * loss_of(q), cli_grouped(r->samples, count, sizeof count),
           fv_dataset_name(q->validation));
    printf("%-24s %12.4f %12.4f\n", "loss", r->loss[0], r->loss[1]);
    printf("%-24s %12.4g %12.4g   %.2f times as fast, in batches of %d\n", "milliseconds an image", 1e3 * r->seconds[0],
           1e3 * r->seconds[1], r->seconds[0] / r->seconds[1], (int)r->batch);
    printf("%-24s %12s %12s   %.2f times as small\n", "parameters", cli_bytes(r->bytes[0], a, sizeof a),
           cli_bytes(r->bytes[1], b, sizeof b), (double)r->bytes[0] / (double)r->bytes[1]);
}

static int refuse(const quantizing *q)
{
    const fv_quantize_report *r = &q->report;
    if (loses_too_much(q))
        return cli_fail(q->call->command,
                        "not written: it loses %.2f points of accuracy (%.2f%% to %.2f%%), --margin allows %.2f; try "
                        "another --method, more --images, or --force",
                        100 * loss_of(q), 100 * r->accuracy[0], 100 * r->accuracy[1], 100 * q->given->margin);
    return cli_fail(q->call->command,
                    "not written: on this machine it takes %.4g ms an image, float32 %.4g ms; --allow-slower writes it "
                    "for another machine, or for its size",
                    1e3 * r->seconds[1], 1e3 * r->seconds[0]);
}

static int report(const quantizing *q)
{
    int status = CLI_DONE;
    if (q->given->json)
        status = print_object(q);
    else
        print_table(q);
    if (status == CLI_DONE && is_refused(q))
        return refuse(q);
    if (status == CLI_DONE &&
        fv_model_write(q->context, q->given->out, q->params[1], fv_model_preprocess(q->model), NULL) != FV_OK)
        return cli_fail(q->call->command, "%s", fv_context_message(q->context));
    if (status == CLI_DONE && !q->given->json)
        printf("\nwrote %s\n", q->given->out);
    return status == CLI_DONE ? cli_finish_output(q->call->command) : status;
}

static fv_status quantize(quantizing *q)
{
    const values *given = q->given;
    const fv_quantize_options calibrating = { .method = (fv_quantize_method)given->method,
                                              .percentile = given->percentile,
                                              .images = (int32_t)given->images,
                                              .batch = (int32_t)given->batch,
                                              .seed = (uint64_t)given->seed,
                                              .per_tensor = given->per_tensor };
    const fv_quantize_measuring measuring = { .batch = (int32_t)given->batch, .seconds = given->seconds };
    const fv_preprocess *preprocess = fv_model_preprocess(q->model);
    fv_status status = FV_OK;
    for (int i = 0; status == FV_OK && i < 2; i++)
        status = fv_inference_form(&q->graph[i], &q->params[i], fv_model_params(q->model), NULL);
    tell(q, "calibrating");
    if (status == FV_OK)
        status = fv_quantize(q->params[1], q->training, preprocess, &calibrating);
    tell(q, "measuring");
    if (status == FV_OK)
        status = fv_quantize_compare(&q->report, q->params[0], q->params[1], q->validation, preprocess, &measuring);
    tell(q, "");
    return status;
}

static int open_all(quantizing *q)
{
    const values *given = q->given;
    const cli_command *command = q->call->command;
    int status = cli_open_context(command, &q->context, given->threads);
    if (status == CLI_DONE)
        status = cli_open_model(command, q->context, q->call->operands[0], &q->model);
    if (status != CLI_DONE)
        return status;
    if (fv_graph_is_quantized(fv_model_graph(q->model)))
        return cli_fail(command, "'%s' is in 8 bits already; give the model that it was made from",
                        q->call->operands[0]);
    if (fv_dataset_open(&q->training, q->context, given->data, FV_SPLIT_TRAIN) != FV_OK ||
        fv_dataset_open(&q->validation, q->context, given->data,
                        given->split == 0 ? FV_SPLIT_TEST : FV_SPLIT_VALIDATION) != FV_OK)
        return cli_fail(command, "%s", fv_context_message(q->context));
    return CLI_DONE;
}

static int quantize_run(cli_call *call)
{
    quantizing q = { .call = call, .given = call->values };
    int status = open_all(&q);
    if (status == CLI_DONE && quantize(&q) != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(q.context));
    else if (status == CLI_DONE)
        status = report(&q);
    if (q.context != NULL)
        fv_quantize_report_release(q.context, &q.report);
    for (int i = 0; i < 2; i++) {
        fv_params_destroy(q.params[i]);
        fv_graph_destroy(q.graph[i]);
    }
    fv_dataset_destroy(q.validation);
    fv_dataset_destroy(q.training);
    fv_model_destroy(q.model);
    fv_context_destroy(q.context);
    return status;
}

const cli_command cli_quantize = {
    .name = "quantize",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_FILE,
    .purpose = "Make a model compute in 8 bits, if it is as good then and faster",
    .description =
        "Convolutions and dense layers get signed bytes for weights, a scale for each output, and bytes for what they "
        "read, in ranges that are\n"
        "found on training images. Told are, for each layer, how far its output is off (signal to noise; 6 dB are a "
        "bit), and for the\n"
        "network accuracy, loss, time and size before and after, on images that it was not calibrated by. A model that "
        "loses more than\n"
        "--margin, or is slower on this machine, is not written (exit status 1). docs/quantization.md.",
    .examples = (const char *const[]){ "fovea quantize runs/first/model.safetensors --data mnist-12k --out "
                                       "small.safetensors",
                                       NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = quantize_run,
};
