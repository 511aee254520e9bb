/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_eval.c - fovea eval: the report on a model, and its worst mistakes as pictures.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "picture.h"
#include "precision.h"
#include "run.h"

typedef struct values {
    const char *data, *out;
    int64_t split, batch, threads, mistakes, precision;
    bool json;
} values;

static const char *const splits[] = { "test", "train", NULL };

static const cli_option options[] = {
    { "data", NULL, CLI_TEXT, "WHERE", offsetof(values, data), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_DATA,
      "images to measure on: mnist-12k, mnist, cifar-10, cifar-100 or a path" },
    { "split", NULL, CLI_CHOICE, "SPLIT", offsetof(values, split), 0, 0, "test", splits, CLI_COMPLETE_NONE,
      "which part of them" },
    { "mistakes", NULL, CLI_INTEGER, "N", offsetof(values, mistakes), 0, 10000, "0", NULL, CLI_COMPLETE_NONE,
      "show so many mistakes, those first of which the network is surest" },
    { "out", NULL, CLI_TEXT, "FOLDER", offsetof(values, out), 0, 0, NULL, NULL, CLI_COMPLETE_FOLDER,
      "write report.txt, report.json, confusion.csv and confusion.svg there" },
    { "batch", NULL, CLI_INTEGER, "N", offsetof(values, batch), 1, 65536, "64", NULL, CLI_COMPLETE_NONE,
      "images computed at once" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(values, threads), 0, 1024, "(all)", NULL, CLI_COMPLETE_NONE,
      "threads to run" },
    CLI_PRECISION_OPTION(values, NULL),
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { 0 },
};

static int print_object(const cli_command *command, fv_context *context, const fv_report *report)
{
    char *text = NULL;
    if (fv_report_print(report, FV_REPORT_JSON, &text) != FV_OK)
        return cli_fail(command, "%s", fv_context_message(context));
    fputs(text, stdout);
    fv_text_release(context, text);
    return cli_finish_output(command);
}

static const char *class_of(const fv_report *report, int32_t index)
{
    return report->class_report[index].name;
}

static int print_mistakes(const cli_command *command, const fv_dataset *dataset, const fv_report *report)
{
    enum { CAPTION = 96 };
    const size_t count = (size_t)report->mistakes;
    cli_picture *pictures = calloc(count + 1, sizeof *pictures);
    char(*captions)[CAPTION] = calloc(count + 1, sizeof *captions);
    int status = CLI_DONE;
    if (pictures == NULL || captions == NULL)
        status = cli_fail(command, "out of memory");
    for (size_t i = 0; status == CLI_DONE && i < count; i++) {
        const fv_mistake *one = &report->mistake[i];
        snprintf(captions[i], CAPTION, "#%" PRId64 ": %.20s, not %.20s, %.0f%%", one->sample,
                 class_of(report, one->label), class_of(report, one->predicted), 100 * one->probability);
        pictures[i] = (cli_picture){ fv_dataset_image(dataset, one->sample), captions[i] };
    }
    if (status == CLI_DONE) {
        printf(
            "\nthe %zu mistakes of which it is surest: image, true class, the network's answer and how sure it is\n\n",
            count);
        cli_print_pictures(stdout, pictures, count, fv_dataset_shape(dataset), cli_terminal_columns());
    }
    free(pictures);
    free(captions);
    return status;
}

/* Mistakes whose pixels are at hand are drawn instead of listed. */
static bool draws(const fv_dataset *dataset, const fv_report *report)
{
    return report->classes > 0 && report->mistakes > 0 && fv_dataset_image(dataset, report->mistake[0].sample) != NULL;
}

static int print_told(const cli_command *command, const fv_dataset *dataset, const fv_report *report, const char *text)
{
    char samples[32], rate[32];
    cli_grouped(report->samples, samples, sizeof samples);
    cli_grouped((int64_t)report->images_per_second, rate, sizeof rate);
    if (report->class_reports > 0)
        printf("%s images of %s: accuracy %.2f%%, loss %.4f, %s images/s\n", samples, fv_dataset_name(dataset),
               100 * report->accuracy, report->loss, rate);
    else
        printf("%s samples of %s: loss %.6g, %s samples/s\n", samples, fv_dataset_name(dataset), report->loss, rate);
    const char *rest = strstr(text, "\n\n"); /* its first line is the one above, in other words */
    fputs(rest != NULL ? rest + 1 : text, stdout);
    const int status = draws(dataset, report) ? print_mistakes(command, dataset, report) : CLI_DONE;
    return status == CLI_DONE ? cli_finish_output(command) : status;
}

static int print_text(const cli_call *call, fv_context *context, const fv_dataset *dataset,
                      const fv_evaluation *evaluation, const fv_report *report)
{
    fv_report *plain = NULL;
    char *text = NULL;
    const fv_report_options none = { .mistakes = -1 };
    fv_status status = FV_OK;
    if (draws(dataset, report))
        status = fv_report_create(&plain, context, dataset, evaluation, &none);
    if (status == FV_OK)
        status = fv_report_print(plain != NULL ? plain : report, FV_REPORT_TEXT, &text);
    const int done = status == FV_OK ? print_told(call->command, dataset, report, text)
                                     : cli_fail(call->command, "%s", fv_context_message(context));
    fv_text_release(context, text);
    fv_report_destroy(plain);
    return done;
}

/* As many mistakes as a report has by itself, at least. */
static int write_files(const cli_call *call, fv_context *context, const fv_dataset *dataset,
                       const fv_evaluation *evaluation)
{
    enum { USUAL = 20 };
    const values *given = call->values;
    const fv_report_options wanted = { .mistakes = given->mistakes > USUAL ? (int32_t)given->mistakes : USUAL };
    fv_report *report = NULL;
    if (given->out == NULL)
        return CLI_DONE;
    if (!cli_make_folder(given->out))
        return cli_fail(call->command, "cannot make the folder '%s': %s", given->out, strerror(errno));
    fv_status status = fv_report_create(&report, context, dataset, evaluation, &wanted);
    if (status == FV_OK)
        status = fv_report_write(report, given->out);
    fv_report_destroy(report);
    return status == FV_OK ? CLI_DONE : cli_fail(call->command, "%s", fv_context_message(context));
}

static int report_on(const cli_call *call, fv_context *context, const fv_dataset *dataset,
                     const fv_evaluation *evaluation)
{
    const values *given = call->values;
    fv_report *report = NULL;
    const int32_t mistakes = given->mistakes > 0 ? (int32_t)given->mistakes : -1;
    if (fv_report_create(&report, context, dataset, evaluation, &(fv_report_options){ .mistakes = mistakes }) != FV_OK)
        return cli_fail(call->command, "%s", fv_context_message(context));
    const int status = given->json ? print_object(call->command, context, report)
                                   : print_text(call, context, dataset, evaluation, report);
    fv_report_destroy(report);
    return status;
}

static int evaluate(const cli_call *call, fv_context *context, fv_model *model, const fv_dataset *dataset)
{
    const values *given = call->values;
    fv_evaluation evaluation = { 0 };
    if (fv_evaluate(context, fv_model_params(model), dataset, fv_model_preprocess(model), (int32_t)given->batch,
                    cli_precision_dtype(given->precision, fv_model_graph(model)), &evaluation) != FV_OK)
        return cli_fail(call->command, "%s", fv_context_message(context));
    int status = write_files(call, context, dataset, &evaluation);
    if (status == CLI_DONE)
        status = report_on(call, context, dataset, &evaluation);
    fv_evaluation_release(context, &evaluation);
    return status;
}

static int eval_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    fv_model *model = NULL;
    fv_dataset *dataset = NULL;
    int status = cli_open_context_in(call->command, &context, given->threads, given->precision);
    if (status == CLI_DONE)
        status = cli_open_model(call->command, context, call->operands[0], &model);
    if (status == CLI_DONE &&
        fv_dataset_open(&dataset, context, given->data, given->split == 0 ? FV_SPLIT_TEST : FV_SPLIT_TRAIN) != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(context));
    if (status == CLI_DONE)
        status = evaluate(call, context, model, dataset);
    fv_dataset_destroy(dataset);
    fv_model_destroy(model);
    fv_context_destroy(context);
    return status;
}

const cli_command cli_eval = {
    .name = "eval",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_FILE,
    .purpose = "Measure a trained model: accuracy, loss, confusion matrix, mistakes",
    .description =
        "MODEL is a file that fovea train wrote; it brings its own preprocessing. Told are accuracy (top-1 and top-5), "
        "loss,\n"
        "precision, recall and F1 of each class and their means, the calibration error (how far the network is from as "
        "right as\n"
        "it is sure) and the confusion matrix; of values to come close to, the errors.",
    .examples = (const char *const[]){ "fovea eval runs/first/model.safetensors --data mnist-12k --mistakes 10", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = eval_run,
};
