/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_eval.c - fovea eval: accuracy, loss and confusion matrix of a model, and its worst mistakes as pictures.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "picture.h"
#include "precision.h"

typedef struct values {
    const char *data;
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
    { "batch", NULL, CLI_INTEGER, "N", offsetof(values, batch), 1, 65536, "64", NULL, CLI_COMPLETE_NONE,
      "images computed at once" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(values, threads), 0, 1024, "(all)", NULL, CLI_COMPLETE_NONE,
      "threads to run" },
    CLI_PRECISION_OPTION(values, NULL),
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { 0 },
};

typedef struct mistake {
    int64_t sample;
    float confidence;
} mistake;

static int surest_first(const void *left, const void *right)
{
    const mistake *a = left, *b = right;
    if (a->confidence != b->confidence)
        return a->confidence > b->confidence ? -1 : 1;
    return a->sample < b->sample ? -1 : a->sample > b->sample;
}

/* The up to `wanted` surest mistakes, *count of them; NULL when memory is short. */
static mistake *find_mistakes(const fv_dataset *dataset, const fv_evaluation *evaluation, int64_t wanted, size_t *count)
{
    mistake *found = calloc((size_t)evaluation->samples + 1, sizeof *found);
    *count = 0;
    for (int64_t i = 0; found != NULL && i < evaluation->samples; i++)
        if (evaluation->predicted[i] != fv_dataset_label(dataset, i))
            found[(*count)++] = (mistake){ i, evaluation->confidence[i] };
    if (found != NULL)
        qsort(found, *count, sizeof *found, surest_first);
    if (*count > (size_t)wanted)
        *count = (size_t)wanted;
    return found;
}

static const char *class_name(const fv_dataset *dataset, int32_t index, char *text, size_t size)
{
    const char *name = fv_dataset_class_name(dataset, index);
    if (name != NULL)
        return name;
    snprintf(text, size, "%d", (int)index);
    return text;
}

static json_t *mistakes_array(const fv_dataset *dataset, const fv_evaluation *evaluation, const mistake *found,
                              size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, json_pack("{s:I,s:i,s:i,s:f}", "index", (json_int_t)found[i].sample, "label",
                                               (int)fv_dataset_label(dataset, found[i].sample), "predicted",
                                               (int)evaluation->predicted[found[i].sample], "probability",
                                               (double)found[i].confidence));
    return array;
}

static int print_object(const cli_command *command, const fv_dataset *dataset, const fv_evaluation *evaluation,
                        const mistake *found, size_t count, bool with_mistakes)
{
    json_t *confusion = json_array();
    for (int32_t row = 0; row < evaluation->classes; row++) {
        json_t *line = json_array();
        for (int32_t column = 0; column < evaluation->classes; column++)
            json_array_append_new(line,
                                  json_integer(evaluation->confusion[(int64_t)row * evaluation->classes + column]));
        json_array_append_new(confusion, line);
    }
    json_t *object =
        json_pack("{s:I,s:f,s:f,s:f,s:o}", "samples", (json_int_t)evaluation->samples, "accuracy", evaluation->accuracy,
                  "loss", evaluation->loss, "images_per_second", evaluation->images_per_second, "confusion", confusion);
    if (object != NULL && with_mistakes)
        json_object_set_new(object, "mistakes", mistakes_array(dataset, evaluation, found, count));
    return cli_print_json(command, object);
}

static void print_confusion(const fv_dataset *dataset, const fv_evaluation *evaluation)
{
    char text[16];
    printf("\nconfusion: a row is the true class, a column the network's answer\n%12s", "");
    for (int32_t i = 0; i < evaluation->classes; i++)
        printf(" %5.5s", class_name(dataset, i, text, sizeof text));
    printf("\n");
    for (int32_t row = 0; row < evaluation->classes; row++) {
        printf("%12.12s", class_name(dataset, row, text, sizeof text));
        for (int32_t column = 0; column < evaluation->classes; column++) {
            const int64_t count = evaluation->confusion[(int64_t)row * evaluation->classes + column];
            if (count > 0)
                printf(" %5" PRId64, count);
            else
                printf(" %5s", ".");
        }
        printf("\n");
    }
}

static int print_mistakes(const cli_command *command, const fv_dataset *dataset, const fv_evaluation *evaluation,
                          const mistake *found, size_t count)
{
    enum { CAPTION = 96 };
    cli_picture *pictures = calloc(count + 1, sizeof *pictures);
    char(*captions)[CAPTION] = calloc(count + 1, sizeof *captions);
    char answer[16], truth[16];
    int status = CLI_DONE;
    if (pictures == NULL || captions == NULL)
        status = cli_fail(command, "out of memory");
    for (size_t i = 0; status == CLI_DONE && i < count; i++) {
        const int64_t sample = found[i].sample;
        snprintf(captions[i], CAPTION, "#%" PRId64 ": %.20s, not %.20s, %.0f%%", sample,
                 class_name(dataset, fv_dataset_label(dataset, sample), truth, sizeof truth),
                 class_name(dataset, evaluation->predicted[sample], answer, sizeof answer),
                 100 * (double)found[i].confidence);
        pictures[i] = (cli_picture){ fv_dataset_image(dataset, sample), captions[i] };
    }
    if (status == CLI_DONE && count > 0) {
        const bool drawn = pictures[0].pixels != NULL; /* those of files are named instead: they differ in size */
        printf("\nthe %zu mistakes of which it is surest: %s, true class, the network's answer and how sure it is\n\n",
               count, drawn ? "image" : "file");
        for (size_t i = 0; !drawn && i < count; i++) {
            char name[512];
            fv_dataset_sample_name(dataset, found[i].sample, name, sizeof name);
            printf("%s %s\n", name, captions[i]);
        }
        if (drawn)
            cli_print_pictures(stdout, pictures, count, fv_dataset_shape(dataset), cli_terminal_columns());
    }
    free(pictures);
    free(captions);
    return status;
}

static int print_text(const cli_command *command, const fv_dataset *dataset, const fv_evaluation *evaluation,
                      const mistake *found, size_t count)
{
    char samples[32], rate[32];
    int status = CLI_DONE;
    if (fv_dataset_classes(dataset) == 0) { /* values to come close to */
        printf("%s samples of %s: loss %.6g, %s samples/s\n", cli_grouped(evaluation->samples, samples, sizeof samples),
               fv_dataset_name(dataset), evaluation->loss,
               cli_grouped((int64_t)evaluation->images_per_second, rate, sizeof rate));
        return cli_finish_output(command);
    }
    printf("%s images of %s: accuracy %.2f%%, loss %.4f, %s images/s\n",
           cli_grouped(evaluation->samples, samples, sizeof samples), fv_dataset_name(dataset),
           100 * evaluation->accuracy, evaluation->loss,
           cli_grouped((int64_t)evaluation->images_per_second, rate, sizeof rate));
    if (evaluation->classes <= 20)
        print_confusion(dataset, evaluation);
    if (count > 0)
        status = print_mistakes(command, dataset, evaluation, found, count);
    return status == CLI_DONE ? cli_finish_output(command) : status;
}

static int evaluate(const cli_call *call, fv_context *context, fv_model *model, const fv_dataset *dataset)
{
    const values *given = call->values;
    fv_evaluation evaluation = { 0 };
    size_t count = 0;
    if (fv_evaluate(context, fv_model_params(model), dataset, fv_model_preprocess(model), (int32_t)given->batch,
                    cli_precision_dtype(given->precision), &evaluation) != FV_OK)
        return cli_fail(call->command, "%s", fv_context_message(context));
    mistake *found = find_mistakes(dataset, &evaluation, given->mistakes, &count);
    int status = CLI_DONE;
    if (found == NULL)
        status = cli_fail(call->command, "out of memory");
    else if (given->json)
        status = print_object(call->command, dataset, &evaluation, found, count, given->mistakes > 0);
    else
        status = print_text(call->command, dataset, &evaluation, found, count);
    free(found);
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
    .description = "MODEL is a file that fovea train wrote; it brings its own preprocessing.",
    .examples = (const char *const[]){ "fovea eval runs/first/model.safetensors --data mnist-12k --mistakes 10", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = eval_run,
};
