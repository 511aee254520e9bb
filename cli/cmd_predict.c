/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_predict.c - fovea predict: the most probable classes of image files.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "precision.h"

typedef struct values {
    int64_t top, threads, precision;
    bool json;
} values;

static const cli_option options[] = {
    { "top", NULL, CLI_INTEGER, "N", offsetof(values, top), 1, 1000, "5", NULL, CLI_COMPLETE_NONE,
      "classes to name for each file" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(values, threads), 0, 1024, "(all)", NULL, CLI_COMPLETE_NONE,
      "threads to run" },
    CLI_PRECISION_OPTION(values, NULL),
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "a JSON object per file" },
    { 0 },
};

/* What classifying a file needs. */
typedef struct classifier {
    const cli_call *call;
    fv_context *context;
    const fv_preprocess *preprocess;
    fv_predictor *predictor;
    float *image;         /* as the network takes it */
    float *probabilities; /* [classes] */
    int32_t *order;       /* [classes] */
    int32_t classes;
} classifier;

static const char *class_name(const classifier *c, int32_t index, char *text, size_t size)
{
    const fv_preprocess *preprocess = c->preprocess;
    if (preprocess->class_names != NULL && index < preprocess->classes && preprocess->class_names[index] != NULL)
        return preprocess->class_names[index];
    snprintf(text, size, "%d", (int)index);
    return text;
}

/* Puts the `top` most probable classes first in order, the lower index first among equals. */
static void find_top(const classifier *c, int32_t top)
{
    for (int32_t i = 0; i < c->classes; i++)
        c->order[i] = i;
    for (int32_t i = 0; i < top; i++) {
        int32_t best = i;
        for (int32_t j = i + 1; j < c->classes; j++) {
            const float difference = c->probabilities[c->order[j]] - c->probabilities[c->order[best]];
            if (difference > 0 || (difference == 0 && c->order[j] < c->order[best]))
                best = j;
        }
        const int32_t kept = c->order[i];
        c->order[i] = c->order[best];
        c->order[best] = kept;
    }
}

static int print_answer(const classifier *c, const char *path)
{
    const values *given = c->call->values;
    const int32_t top = given->top < c->classes ? (int32_t)given->top : c->classes;
    char name[16];
    find_top(c, top);
    if (given->json) {
        json_t *array = json_array();
        for (int32_t i = 0; i < top; i++)
            json_array_append_new(
                array, json_pack("{s:s,s:i,s:f}", "class", class_name(c, c->order[i], name, sizeof name), "index",
                                 (int)c->order[i], "probability", (double)c->probabilities[c->order[i]]));
        return cli_print_json(c->call->command, json_pack("{s:s%,s:o}", "file", path, strlen(path), "top", array));
    }
    printf("%s:", path);
    for (int32_t i = 0; i < top; i++)
        printf("%s %s %.2f%%", i > 0 ? "," : "", class_name(c, c->order[i], name, sizeof name),
               100 * (double)c->probabilities[c->order[i]]);
    printf("\n");
    return cli_finish_output(c->call->command);
}

static int classify(const classifier *c, const char *path)
{
    const fv_batch batch = { .n = 1, .images = c->image, .dtype = FV_F32, .order = FV_NHWC };
    if (fv_preprocess_file(c->context, c->preprocess, path, c->image) != FV_OK)
        return cli_fail(c->call->command, "%s", fv_context_message(c->context));
    if (fv_predictor_run(c->predictor, &batch, c->probabilities) != FV_OK)
        return cli_fail(c->call->command, "'%s': %s", path, fv_predictor_message(c->predictor));
    return print_answer(c, path);
}

/* Every file is tried; one that cannot be read makes the status 1. */
static int classify_all(classifier *c, fv_model *model)
{
    c->preprocess = fv_model_preprocess(model);
    const values *given = c->call->values;
    const fv_predictor_options predicting = { .batch = 1,
                                              .dtype = cli_precision_dtype(given->precision, fv_model_graph(model)) };
    if (fv_predictor_create_with(&c->predictor, fv_model_params(model), &predicting) != FV_OK)
        return cli_fail(c->call->command, "%s", fv_context_message(c->context));
    const fv_image_shape input = c->preprocess->input;
    c->classes = fv_predictor_classes(c->predictor);
    c->image = calloc((size_t)input.c * (size_t)input.h * (size_t)input.w, sizeof *c->image);
    c->probabilities = calloc((size_t)c->classes, sizeof *c->probabilities);
    c->order = calloc((size_t)c->classes, sizeof *c->order);
    if (c->image == NULL || c->probabilities == NULL || c->order == NULL)
        return cli_fail(c->call->command, "out of memory");
    int status = CLI_DONE;
    for (int i = 1; i < c->call->operand_count; i++)
        if (classify(c, c->call->operands[i]) != CLI_DONE)
            status = CLI_FAILED;
    return status;
}

static int predict_run(cli_call *call)
{
    const values *given = call->values;
    classifier c = { .call = call };
    fv_model *model = NULL;
    int status = cli_open_context_in(call->command, &c.context, given->threads, given->precision);
    if (status == CLI_DONE)
        status = cli_open_model(call->command, c.context, call->operands[0], &model);
    if (status == CLI_DONE)
        status = classify_all(&c, model);
    free(c.image);
    free(c.probabilities);
    free(c.order);
    fv_predictor_destroy(c.predictor);
    fv_model_destroy(model);
    fv_context_destroy(c.context);
    return status;
}

const cli_command cli_predict = {
    .name = "predict",
    .operands = "MODEL FILE...",
    .min_operands = 2,
    .max_operands = -1,
    .completion = CLI_COMPLETE_FILE,
    .purpose = "Name the most probable classes of image files",
    .description =
        "MODEL is a file that fovea train wrote. FILEs are PNG, JPEG, PGM or PPM images, prepared as the model says.",
    .examples = (const char *const[]){ "fovea predict runs/first/model.safetensors digit.png --json", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = predict_run,
};
