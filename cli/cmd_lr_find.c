/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_lr_find.c - fovea lr-find: a learning rate to begin with, by the range test (include/fovea/rate_test.h).
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "curve.h"
#include "experiment.h"

typedef struct values {
    double low, high;
    int64_t steps;
    const char *plot;
    bool json;
} values;

/* What is trained comes from the library's table of keys, as of fovea train. */
static const cli_option options[] = {
    { "low", NULL, CLI_REAL, "X", offsetof(values, low), 1e-12, 1e6, "1e-6", NULL, CLI_COMPLETE_NONE,
      "the first rate" },
    { "high", NULL, CLI_REAL, "X", offsetof(values, high), 1e-12, 1e6, "10", NULL, CLI_COMPLETE_NONE, "the last rate" },
    { "steps", NULL, CLI_INTEGER, "N", offsetof(values, steps), 10, 100000, "100", NULL, CLI_COMPLETE_NONE,
      "batches to train on, each with the next rate" },
    { "plot", NULL, CLI_TEXT, "FILE.svg", offsetof(values, plot), 0, 0, NULL, NULL, CLI_COMPLETE_FILE,
      "draw the curve into a file" },
    { "set", NULL, CLI_SETTING, "KEY=VALUE", 0, 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "set a value by its key, as often as needed" },
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "print the rate and all points as JSON" },
    { 0 },
};

static int print_json(const cli_command *command, const fv_rate_test *test)
{
    json_t *points = json_array();
    for (int32_t i = 0; i < test->count; i++)
        json_array_append_new(points, json_pack("{s:o,s:o,s:o}", "rate", cli_json_number(test->points[i].rate), "loss",
                                                cli_json_number(test->points[i].loss), "smoothed",
                                                cli_json_number(test->points[i].smoothed)));
    return cli_print_json(
        command, json_pack("{s:o,s:o,s:o,s:b,s:o}", "rate", test->rate > 0 ? cli_json_number(test->rate) : json_null(),
                           "lowest", cli_json_number(test->points[test->lowest].rate), "steepest",
                           test->steepest >= 0 ? cli_json_number(test->points[test->steepest].rate) : json_null(),
                           "diverged", (int)test->diverged, "points", points));
}

static int print_curve(const cli_call *call, const fv_rate_test *test)
{
    cli_curve_print(stdout, test);
    if (test->rate > 0)
        printf("\nrate %.2g: a tenth of the one at which the loss is lowest, %.2g\n", test->rate,
               test->points[test->lowest].rate);
    else
        printf("\nno rate: the loss falls nowhere; try other --low and --high, or more --steps\n");
    if (test->steepest >= 0)
        printf("the loss falls fastest at %.2g", test->points[test->steepest].rate);
    if (test->steepest >= 0)
        printf(test->diverged ? ", and has blown up behind %.2g\n" : ", and was followed up to %.2g\n",
               test->points[test->count - 1].rate);
    if (test->rate > 0)
        printf("to train with it: fovea train %s ... --lr %.2g\n", call->operands[0], test->rate);
    return cli_finish_output(call->command);
}

static int report(const cli_call *call, fv_experiment *experiment, const fv_rate_test *test)
{
    const values *given = call->values;
    const fv_train_options *train = fv_experiment_options(experiment);
    char title[512];
    snprintf(title, sizeof title, "%.100s on %.200s: %s, batch %d, %d steps",
             fv_graph_name(fv_experiment_network(experiment)->graph),
             fv_dataset_name(fv_experiment_train_data(experiment)), fv_optimizer_kind_name(train->optimizer.kind),
             (int)train->batch, (int)test->count);
    if (!given->json)
        printf("%s\n\n", title);
    const int status = given->json ? print_json(call->command, test) : print_curve(call, test);
    if (status != CLI_DONE || given->plot == NULL)
        return status;
    return cli_curve_write(call->command, given->plot, test, title);
}

static int find(const cli_call *call, fv_context *context, fv_experiment *experiment)
{
    const values *given = call->values;
    const fv_rate_test_options wanted = { .low = given->low, .high = given->high, .steps = (int32_t)given->steps };
    fv_rate_test test;
    if (fv_experiment_open_data(experiment) != FV_OK ||
        fv_rate_test_run(&test, fv_experiment_params(experiment), fv_experiment_train_data(experiment),
                         fv_experiment_options(experiment), &wanted) != FV_OK)
        return cli_fail(call->command, "%s", fv_context_message(context));
    const int status = report(call, experiment, &test);
    fv_rate_test_release(context, &test);
    return status;
}

static int lr_find_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    fv_experiment *experiment = NULL;
    const size_t length = given->plot != NULL ? strlen(given->plot) : 0;
    if (given->low >= given->high)
        return cli_usage_error(call->command, "--low %g is not below --high %g", given->low, given->high);
    if (given->plot != NULL && (length < 5 || strcmp(given->plot + length - 4, ".svg") != 0))
        return cli_usage_error(call->command, "--plot: '%s' does not end in .svg, the only kind of drawing",
                               given->plot);
    int status = cli_read_experiment(call, call->operands[0]);
    if (status == CLI_DONE)
        status = cli_open_experiment(call, &context, &experiment, false);
    if (status == CLI_DONE)
        status = find(call, context, experiment);
    fv_experiment_destroy(experiment);
    fv_context_destroy(context);
    return status;
}

const cli_command cli_lr_find = {
    .name = "lr-find",
    .operands = "NAME|FILE|EXPERIMENT",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_NETWORK,
    .purpose = "find a learning rate: train some steps with rising rates",
    .description = "The range test of Smith 2015 (arXiv:1506.01186): a copy of the network is trained on one batch "
                   "after another, as fovea train "
                   "would,\nwith a rate that rises by the same factor from step to step. Where rates are too small the "
                   "loss stays, where they "
                   "are too\nlarge it blows up, which ends the test. A tenth of the rate at which the loss (the mean "
                   "of the steps around) is lowest "
                   "is one to\nbegin with. Another --optimizer, --batch or --augment has another one.",
    .examples =
        (const char *const[]){ "fovea lr-find lenet5 --data mnist-12k",
                               "fovea lr-find resnet-18 --data photos --optimizer adamw --plot rates.svg", NULL },
    .options = options,
    .configured = true,
    .values_size = sizeof(values),
    .run = lr_find_run,
};
