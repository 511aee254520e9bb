/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_bench.c - fovea bench: images per second of a network, the time of each pass of each layer, or of one convolution.
 */
#include <string.h>
#include <sys/resource.h>

#include "command.h"
#include "fovea/bench.h"
#include "precision.h"
#include "tuning.h"

typedef struct values {
    cli_adaptation adaptation;
    const char *problem, *algorithm, *choices;
    int64_t tune, batch, threads, mode, precision;
    double seconds;
    int64_t memory;
    bool keep, no_fusion, wait, json;
} values;

enum { BOTH_MODES, TRAINING, INFERENCE };
static const char *const modes[] = { "both", "train", "inference", NULL };

static const cli_option option_table[] = {
    { "batch", NULL, CLI_INTEGER, "N", offsetof(values, batch), 1, 65536, "64", NULL, CLI_COMPLETE_NONE,
      "images of a step" },
    { "classes", NULL, CLI_INTEGER, "N", offsetof(values, adaptation.classes), 1, 1000000, "(the network's)", NULL,
      CLI_COMPLETE_NONE, "tell so many classes apart" },
    { "input", NULL, CLI_TEXT, "CxHxW", offsetof(values, adaptation.input), 0, 0, "(the network's)", NULL,
      CLI_COMPLETE_NONE, "channels, rows and columns of the images" },
    { "flags", NULL, CLI_TEXT, "NAMES", offsetof(values, adaptation.flags), 0, 0, "(the network's)", NULL,
      CLI_COMPLETE_NONE, "variants of the network, separated by commas, or none; fovea zoo --json lists them" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(values, threads), 0, 1024, "(all)", NULL, CLI_COMPLETE_NONE,
      "threads to run" },
    { "seconds", NULL, CLI_REAL, "X", offsetof(values, seconds), 0.001, 3600, "1", NULL, CLI_COMPLETE_NONE,
      "time for each thing that is measured" },
    { "mode", NULL, CLI_CHOICE, "MODE", offsetof(values, mode), 0, 0, "both", modes, CLI_COMPLETE_NONE,
      "train, inference or both" },
    { "wait", NULL, CLI_FLAG, NULL, offsetof(values, wait), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "with one --mode and --json: again for every line read, a line of JSON each, to alternate with other programs" },
    { "problem", NULL, CLI_TEXT, "PROBLEM", offsetof(values, problem), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "instead of a network one convolution, as conv:n16c64h56w56k64r3s3p1" },
    { "algorithm", NULL, CLI_TEXT, "NAME", offsetof(values, algorithm), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "with --problem: use this one for every pass that it can do" },
    { "no-fusion", NULL, CLI_FLAG, NULL, offsetof(values, no_fusion), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "run a step for each layer" },
    { "keep-activations", NULL, CLI_FLAG, NULL, offsetof(values, keep), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "keep all that backward reads instead of computing cheap parts again: a little faster, with more memory" },
    { "memory-limit", NULL, CLI_BYTES, "LIMIT", offsetof(values, memory), 1e6, 9e15, "0", NULL, CLI_COMPLETE_NONE,
      "most that the session of a training step may take, computing values again instead of keeping them; 0: no "
      "limit" },
    CLI_PRECISION_OPTION(values, NULL),
    CLI_TUNING_OPTIONS(values, NULL, NULL),
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { 0 },
};

/* The most memory that this process held at once, as the operating system counted. */
static json_int_t peak_memory(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
#ifdef __APPLE__
    return usage.ru_maxrss;
#else
    return (json_int_t)usage.ru_maxrss * 1024;
#endif
}

static json_t *pass_object(const fv_bench_pass *pass, bool network)
{
    json_t *object =
        json_pack("{s:s,s:s,s:f,s:f,s:f,s:s}", "name", pass->layer, "pass", pass->pass, "ms", 1e3 * pass->seconds,
                  "gflops", pass->gflops, "share_of_peak", pass->share_of_peak, "algorithm", pass->algorithm);
    if (object != NULL && network)
        json_object_set_new(object, "mode", json_string(pass->training ? "train" : "inference"));
    else if (object != NULL)
        json_object_set_new(object, "spread", json_real(pass->spread));
    return object;
}

static json_t *rate_object(const fv_bench_rate *rate)
{
    return json_pack("{s:f,s:f,s:i,s:I}", "images_per_second", rate->images_per_second, "spread", rate->spread, "runs",
                     (int)rate->runs, "memory_bytes", (json_int_t)rate->memory_bytes);
}

static int print_object(const cli_call *call, const char *name, fv_context *context, const fv_bench_result *result)
{
    const values *given = call->values;
    const bool network = given->problem == NULL;
    json_t *layers = json_array();
    for (int32_t i = 0; i < result->pass_count; i++)
        json_array_append_new(layers, pass_object(&result->passes[i], network));
    json_t *object = json_pack("{s:s,s:s,s:i,s:f,s:I}", "name", name, "isa", fv_context_isa(context), "threads",
                               (int)fv_context_threads(context), "peak_gflops", result->peak_gflops,
                               "peak_memory_bytes", peak_memory());
    if (object != NULL && network) {
        json_object_set_new(object, "batch", json_integer(given->batch));
        json_object_set_new(object, "train", result->train.runs > 0 ? rate_object(&result->train) : json_null());
        json_object_set_new(object, "inference",
                            result->inference.runs > 0 ? rate_object(&result->inference) : json_null());
    }
    if (object == NULL || json_object_set_new(object, "layers", layers) != 0)
        return cli_fail(call->command, "out of memory");
    return cli_print_json(call->command, object);
}

static void print_rate(const char *what, const fv_bench_rate *rate)
{
    char images[32], memory[32];
    if (rate->runs > 0)
        printf("%-10s %14s images/s  (half of %d runs within %.1f%%)  memory %s\n", what,
               cli_grouped((int64_t)rate->images_per_second, images, sizeof images), (int)rate->runs,
               100 * rate->spread, cli_bytes(rate->memory_bytes, memory, sizeof memory));
}

static int print_table(const cli_call *call, const char *name, fv_context *context, const fv_bench_result *result)
{
    char memory[32];
    const bool is_network = result->inference.runs > 0 || result->train.runs > 0;
    printf("%s on %s, %d thread%s; peak %.1f GFLOP/s\n\n", name, fv_context_isa(context),
           (int)fv_context_threads(context), fv_context_threads(context) == 1 ? "" : "s", result->peak_gflops);
    print_rate("train", &result->train);
    print_rate("inference", &result->inference);
    printf("%s%-26s %-17s %10s %9s %7s  %s\n", is_network ? "\n" : "", "layer", "pass", "ms", "GFLOP/s", "share",
           "algorithm");
    for (int32_t i = 0; i < result->pass_count; i++) {
        const fv_bench_pass *pass = &result->passes[i];
        if (i > 0 && is_network && result->passes[i - 1].training && !pass->training)
            printf("in inference:\n");
        printf("%-26s %-17s %10.4f", pass->layer, pass->pass, 1e3 * pass->seconds);
        if (pass->gflops > 0)
            printf(" %9.1f %6.1f%%", pass->gflops, 100 * pass->share_of_peak);
        else
            printf(" %9s %7s", "", "");
        printf("  %s\n", pass->algorithm);
    }
    printf("\nmemory of the process at most: %s\n", cli_bytes((size_t)peak_memory(), memory, sizeof memory));
    return cli_finish_output(call->command);
}

static int bench_problem(const cli_call *call, fv_context *context, fv_bench_result *result)
{
    const values *given = call->values;
    const fv_status status = fv_bench_problem(context, given->problem, given->algorithm, given->seconds, result);
    if (status == FV_ERR_ARGUMENT)
        return cli_usage_error(call->command, "%s", fv_context_message(context));
    return status == FV_OK ? CLI_DONE : cli_fail(call->command, "%s", fv_context_message(context));
}

/* Tells the rate; true when a further line asks for another. */
static bool ask(void *user, const fv_bench_rate *rate)
{
    const cli_call *call = user;
    char line[16];
    return cli_print_json(call->command, rate_object(rate)) == CLI_DONE && fgets(line, sizeof line, stdin) != NULL;
}

static int bench_network(cli_call *call, fv_context *context, fv_bench_result *result)
{
    const values *given = call->values;
    cli_network network;
    int status = cli_open_network_as(call->command, context, call->operands[0], &given->adaptation, &network);
    if (status != CLI_DONE)
        return status;
    const fv_bench_options options = {
        .batch = (int32_t)given->batch,
        .seconds = given->seconds,
        .dtype = cli_precision_dtype(given->precision, network.graph),
        .no_repeat = given->keep,
        .no_fusion = given->no_fusion,
        .memory_limit = (size_t)given->memory,
        .no_training = given->mode == INFERENCE,
        .no_inference = given->mode == TRAINING,
        .again = given->wait ? ask : NULL,
        .user = call,
    };
    if (fv_bench_network(network.graph, &options, result) != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(context));
    cli_close_network(&network);
    return status;
}

static int bench_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    fv_bench_result result = { 0 };
    if ((call->operand_count == 1) == (given->problem != NULL))
        return cli_usage_error(call->command, "name a network, or a convolution with --problem");
    if (given->algorithm != NULL && given->problem == NULL)
        return cli_usage_error(call->command, "--algorithm belongs to --problem");
    if (given->wait && (given->mode == BOTH_MODES || !given->json || given->problem != NULL))
        return cli_usage_error(call->command, "--wait needs a network, --mode train or inference, and --json");
    int status = cli_open_context_in(call->command, &context, given->threads, given->precision);
    if (status != CLI_DONE)
        return status;
    cli_tuning tuning;
    status = cli_tuning_open(&tuning, call->command, context, given->tune, given->choices, given->json);
    const char *name = given->problem != NULL ? given->problem : call->operands[0];
    if (status == CLI_DONE)
        status = given->problem != NULL ? bench_problem(call, context, &result) : bench_network(call, context, &result);
    cli_tuning_keep(&tuning);
    if (status == CLI_DONE)
        status = given->json ? print_object(call, name, context, &result) : print_table(call, name, context, &result);
    fv_bench_release(context, &result);
    cli_tuning_close(&tuning);
    fv_context_destroy(context);
    return status;
}

const cli_command cli_bench = {
    .name = "bench",
    .operands = "[NAME|FILE|MODEL]",
    .max_operands = 1,
    .completion = CLI_COMPLETE_NETWORK,
    .purpose = "Measure how fast a network, or one convolution, runs here",
    .description =
        "Images per second are medians; the spread is the distance of the quartiles over the median. The share is that "
        "of this\n"
        "machine's multiply-adds at their best, measured in the same call. Training is forward, backward and update.",
    .examples = (const char *const[]){ "fovea bench lenet5 --batch 64 --threads 2",
                                       "fovea bench --problem conv:n16c64h56w56k64r3s3p1 --json", NULL },
    .options = option_table,
    .values_size = sizeof(values),
    .run = bench_run,
};
