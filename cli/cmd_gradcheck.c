/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_gradcheck.c - fovea gradcheck: a network's gradients against central differences of its loss, in float64.
 */
#include <inttypes.h>

#include "command.h"
#include "fovea/gradcheck.h"

typedef struct values {
    int64_t samples, elements, seed, threads;
    double step, tolerance;
    bool json;
} values;

static const cli_option options[] = {
    { "samples", NULL, CLI_INTEGER, "N", offsetof(values, samples), 1, 64, "2", NULL, CLI_COMPLETE_NONE,
      "images in the batch" },
    { "elements", NULL, CLI_INTEGER, "N", offsetof(values, elements), -1, 1e9, "32", NULL, CLI_COMPLETE_NONE,
      "checked of each parameter and of the input, evenly spread; -1: all" },
    { "step", NULL, CLI_REAL, "X", offsetof(values, step), 1e-9, 0.1, "1e-05", NULL, CLI_COMPLETE_NONE,
      "step of the differences" },
    { "tolerance", NULL, CLI_REAL, "X", offsetof(values, tolerance), 1e-15, 1, "1e-06", NULL, CLI_COMPLETE_NONE,
      "largest error that passes: max|gradient - difference| / max|difference| of a tensor" },
    { "seed", NULL, CLI_INTEGER, "N", offsetof(values, seed), 0, 9e15, "1", NULL, CLI_COMPLETE_NONE,
      "of values, images and targets" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(values, threads), 0, 1024, "(all)", NULL, CLI_COMPLETE_NONE,
      "threads to run" },
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { 0 },
};

static int print_result(const cli_call *call, const fv_graph *graph, const fv_gradient_check_result *result)
{
    const values *given = call->values;
    const bool passed = result->worst <= given->tolerance; /* false for NaN */
    int status;
    if (given->json) {
        status = cli_print_json(
            call->command,
            json_pack("{s:s,s:b,s:o,s:f,s:s,s:I,s:o,s:o,s:I,s:I}", "name", fv_graph_name(graph), "passed", (int)passed,
                      "worst", cli_json_number(result->worst), "tolerance", given->tolerance, "worst_name",
                      result->worst_name, "worst_index", (json_int_t)result->worst_index, "gradient",
                      cli_json_number(result->gradient), "difference", cli_json_number(result->difference), "checked",
                      (json_int_t)result->checked, "skipped", (json_int_t)result->skipped));
    } else {
        printf("%s: %s; worst error %.2e (up to %.0e passes) in %s[%" PRId64
               "]: gradient %.12g, difference %.12g; %" PRId64 " elements checked, %" PRId64 " skipped at kinks\n",
               fv_graph_name(graph), passed ? "gradients agree" : "GRADIENTS DIFFER", result->worst, given->tolerance,
               result->worst_name, result->worst_index, result->gradient, result->difference, result->checked,
               result->skipped);
        status = cli_finish_output(call->command);
    }
    return status == CLI_DONE && !passed ? CLI_FAILED : status;
}

static int gradcheck_run(cli_call *call)
{
    const values *given = call->values;
    const fv_gradient_check_options check = { .seed = (uint64_t)given->seed,
                                              .samples = (int32_t)given->samples,
                                              .elements = (int32_t)given->elements,
                                              .step = given->step };
    fv_context *context = NULL;
    cli_network network = { 0 };
    fv_gradient_check_result result;
    if (given->elements == 0)
        return cli_usage_error(call->command, "--elements: '0' checks nothing; -1 checks all");
    int status = cli_open_context(call->command, &context, given->threads);
    if (status == CLI_DONE)
        status = cli_open_network(call->command, context, call->operands[0], &network);
    if (status == CLI_DONE && fv_gradient_check(network.graph, &check, &result) != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(context));
    else if (status == CLI_DONE)
        status = print_result(call, network.graph, &result);
    cli_close_network(&network);
    fv_context_destroy(context);
    return status;
}

const cli_command cli_gradcheck = {
    .name = "gradcheck",
    .operands = "NAME|FILE|MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_NETWORK,
    .purpose = "Compare a network's gradients with differences of its loss",
    .description =
        "In float64, on the reference kernels, by every parameter and by the input. Status 1 when they differ.",
    .examples = (const char *const[]){ "fovea gradcheck lenet5", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = gradcheck_run,
};
