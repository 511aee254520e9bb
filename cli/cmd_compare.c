/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_compare.c - fovea compare: where two models part, layer by layer and in what they answer.
 */
#include <inttypes.h>
#include <string.h>

#include "command.h"

typedef struct values {
    const char *data;
    int64_t split, images, reference, threads;
    double tolerance;
    bool json;
} values;

static const char *const splits[] = { "test", "train", NULL };
static const char *const sides[] = { "none", "a", "b", "both", NULL };

static const cli_option options[] = {
    { "data", NULL, CLI_TEXT, "WHERE", offsetof(values, data), 0, 0, NULL, NULL, CLI_COMPLETE_DATA,
      "images to run them on: mnist-12k, mnist, cifar-10 or a path; without it, made-up ones" },
    { "split", NULL, CLI_CHOICE, "SPLIT", offsetof(values, split), 0, 0, "test", splits, CLI_COMPLETE_NONE,
      "which part of them" },
    { "images", NULL, CLI_INTEGER, "N", offsetof(values, images), 1, 1e9, "64", NULL, CLI_COMPLETE_NONE,
      "the first so many" },
    { "tolerance", NULL, CLI_REAL, "X", offsetof(values, tolerance), 1e-12, 1e6, "1e-4", NULL, CLI_COMPLETE_NONE,
      "from which difference on two layers part; the status is 1 if their outputs do" },
    { "reference", NULL, CLI_CHOICE, "SIDE", offsetof(values, reference), 0, 0, "none", sides, CLI_COMPLETE_NONE,
      "which of them runs by reference kernels: plain loops" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(values, threads), 0, 1024, "(all)", NULL, CLI_COMPLETE_NONE,
      "threads to run" },
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { 0 },
};

/* What is compared. */
typedef struct pair {
    const cli_call *call;
    const values *given;
    fv_context *context;
    fv_model *a, *b;
    fv_dataset *dataset; /* NULL: made-up images */
} pair;

static json_t *json_names(const char *const *names, int32_t count)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(names[i]));
    return list;
}

static json_t *json_layers(const fv_comparison *comparison)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < comparison->layers; i++) {
        const fv_compared_layer *one = &comparison->layer[i];
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:I}", "a", one->a, "b", one->b, "type",
                                        one->type, "shape", cli_json_shape(one->shape), "difference",
                                        cli_json_number(one->difference), "mean", cli_json_number(one->mean), "largest",
                                        cli_json_number(one->largest), "image", (json_int_t)one->image));
    }
    return list;
}

static json_t *json_answers(const fv_comparison *comparison)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < comparison->answers; i++) {
        const fv_compared_answer *one = &comparison->answer[i];
        json_array_append_new(list, json_pack("{s:I,s:i,s:i,s:o,s:o,s:o}", "image", (json_int_t)one->image, "a",
                                              (int)one->a, "b", (int)one->b, "label",
                                              one->label >= 0 ? json_integer(one->label) : json_null(), "probability_a",
                                              cli_json_number(one->probability_a), "probability_b",
                                              cli_json_number(one->probability_b)));
    }
    return list;
}

static json_t *json_accuracy(const fv_comparison *comparison, int64_t correct)
{
    return comparison->labelled > 0 ? cli_json_number((double)correct / (double)comparison->labelled) : json_null();
}

static int print_object(const pair *p, const fv_comparison *comparison)
{
    return cli_print_json(
        p->call->command,
        json_pack(
            "{s:s,s:s,s:o,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:o,s:o,s:o}", "a", p->call->operands[0], "b",
            p->call->operands[1], "data", p->dataset != NULL ? json_string(fv_dataset_name(p->dataset)) : json_null(),
            "images", (json_int_t)comparison->images, "layers", json_layers(comparison), "parts",
            comparison->parts >= 0 ? json_integer(comparison->parts) : json_null(), "only_a",
            json_names(comparison->alone_a, comparison->only_a), "only_b",
            json_names(comparison->alone_b, comparison->only_b), "difference", cli_json_number(comparison->difference),
            "largest", cli_json_number(comparison->largest), "same_class", (json_int_t)comparison->same_class,
            "accuracy_a", json_accuracy(comparison, comparison->correct_a), "accuracy_b",
            json_accuracy(comparison, comparison->correct_b), "answers", json_answers(comparison)));
}

static void print_layers(const pair *p, const fv_comparison *comparison)
{
    printf("%-28s %-20s %-14s %12s %12s %8s\n", "layer", "type", "output", "max|a-b|/|b|", "mean", "image");
    for (int32_t i = 0; i < comparison->layers; i++) {
        const fv_compared_layer *one = &comparison->layer[i];
        char shape[48];
        printf("%-28s %-20s %-14s %12.2g %12.2g ", one->b, one->type, cli_shape_text(one->shape, shape, sizeof shape),
               one->difference, one->mean);
        if (one->difference > 0) /* or NaN */
            printf("%8" PRId64, one->image);
        else
            printf("%8s", one->difference == 0 ? "" : "NaN");
        if (strcmp(one->a, one->b) != 0)
            printf("  a: %s", one->a);
        printf(i == comparison->parts ? "  <- here they part: above %g\n" : "\n", p->given->tolerance);
    }
}

static void print_alone(const char *side, const char *const *names, int32_t count)
{
    enum { SHOWN = 8 };
    if (count == 0)
        return;
    printf("only in %s, %d layer%s:", side, (int)count, count == 1 ? "" : "s");
    for (int32_t i = 0; i < count && i < SHOWN; i++)
        printf(" %s", names[i]);
    printf(count > SHOWN ? " ...\n" : "\n");
}

static const char *class_name(const pair *p, int32_t index, char text[16])
{
    const fv_preprocess *preprocess = fv_model_preprocess(p->b);
    const char *name = p->dataset != NULL ? fv_dataset_class_name(p->dataset, index) : NULL;
    if (name == NULL && preprocess->class_names != NULL && index < preprocess->classes)
        name = preprocess->class_names[index];
    snprintf(text, 16, "%d", (int)index);
    return name != NULL ? name : text;
}

static void print_answers(const pair *p, const fv_comparison *comparison)
{
    for (int32_t i = 0; i < comparison->answers; i++) {
        const fv_compared_answer *one = &comparison->answer[i];
        char a[16], b[16], label[16];
        printf("  #%" PRId64 ": a says %s (%.0f%%), b says %s (%.0f%%)", one->image, class_name(p, one->a, a),
               100 * one->probability_a, class_name(p, one->b, b), 100 * one->probability_b);
        if (one->label >= 0)
            printf(", it is %s", class_name(p, one->label, label));
        printf("\n");
    }
    if (comparison->images - comparison->same_class > comparison->answers)
        printf("  ...\n");
}

static int print_text(const pair *p, const fv_comparison *comparison)
{
    char images[32], same[32];
    cli_grouped(comparison->images, images, sizeof images);
    cli_grouped(comparison->same_class, same, sizeof same);
    printf("a: %s (%s)\nb: %s (%s)\n%s image%s of %s\n\n", p->call->operands[0], fv_graph_name(fv_model_graph(p->a)),
           p->call->operands[1], fv_graph_name(fv_model_graph(p->b)), images, comparison->images == 1 ? "" : "s",
           p->dataset != NULL ? fv_dataset_name(p->dataset) : "noise, as self-tests use it");
    print_layers(p, comparison);
    print_alone("a", comparison->alone_a, comparison->only_a);
    print_alone("b", comparison->alone_b, comparison->only_b);
    printf("\noutputs: %.2g of the largest, %.2g at most; ", comparison->difference, comparison->largest);
    if (comparison->classes > 1)
        printf("the same class for %s of %s images (%.2f%%)", same, images,
               100.0 * (double)comparison->same_class / (double)comparison->images);
    printf(comparison->parts < 0 ? "; no layer parts from the other's by more than %g\n" : "\n", p->given->tolerance);
    if (comparison->labelled > 0)
        printf("accuracy: a %.2f%%, b %.2f%%\n", 100.0 * (double)comparison->correct_a / (double)comparison->labelled,
               100.0 * (double)comparison->correct_b / (double)comparison->labelled);
    if (comparison->classes > 1)
        print_answers(p, comparison);
    return cli_finish_output(p->call->command);
}

static int compare(pair *p)
{
    const values *given = p->given;
    const fv_compare_options wanted = { .images = given->images,
                                        .tolerance = given->tolerance,
                                        .reference_a = given->reference == 1 || given->reference == 3,
                                        .reference_b = given->reference >= 2 };
    fv_comparison comparison;
    if (fv_compare(&comparison, p->context, p->a, p->b, p->dataset, &wanted) != FV_OK)
        return cli_fail(p->call->command, "%s", fv_context_message(p->context));
    int status = given->json ? print_object(p, &comparison) : print_text(p, &comparison);
    if (status == CLI_DONE && !(comparison.difference <= given->tolerance))
        status = CLI_FAILED;
    fv_comparison_release(p->context, &comparison);
    return status;
}

/* A model of fovea or, by its name, an ONNX file. */
static int open_side(const pair *p, const char *path, fv_model **out)
{
    const char *ending = strrchr(path, '.');
    if (ending == NULL || strcmp(ending, ".onnx") != 0)
        return cli_open_model(p->call->command, p->context, path, out);
    return fv_onnx_read(out, p->context, path, NULL) == FV_OK
               ? CLI_DONE
               : cli_fail(p->call->command, "%s", fv_context_message(p->context));
}

static int compare_run(cli_call *call)
{
    pair p = { .call = call, .given = call->values };
    int status = cli_open_context(call->command, &p.context, p.given->threads);
    if (status == CLI_DONE)
        status = open_side(&p, call->operands[0], &p.a);
    if (status == CLI_DONE)
        status = open_side(&p, call->operands[1], &p.b);
    if (status == CLI_DONE && p.given->data != NULL &&
        fv_dataset_open(&p.dataset, p.context, p.given->data, p.given->split == 0 ? FV_SPLIT_TEST : FV_SPLIT_TRAIN) !=
            FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(p.context));
    if (status == CLI_DONE)
        status = compare(&p);
    fv_dataset_destroy(p.dataset);
    fv_model_destroy(p.a);
    fv_model_destroy(p.b);
    fv_context_destroy(p.context);
    return status;
}

const cli_command cli_compare = {
    .name = "compare",
    .operands = "A B",
    .min_operands = 2,
    .max_operands = 2,
    .completion = CLI_COMPLETE_FILE,
    .purpose = "Show where two models part: layer by layer, and in what they answer",
    .description =
        "A and B are models, checkpoints or ONNX files (.onnx) that should compute the same: before and after an "
        "export, "
        "two epochs of a run. Both run on the same images, each with its own preprocessing, and each layer of B is "
        "compared with its "
        "partner in A: of its name, else of its type and shape in order. The first layer that differs by more than "
        "--tolerance is pointed out.\n\n"
        "The status is 1 when the outputs differ by more.",
    .examples = (const char *const[]){ "fovea compare model.safetensors small.safetensors --data mnist-12k",
                                       "fovea compare model.safetensors model.onnx --data mnist-12k --images 1000",
                                       "fovea compare model.safetensors model.safetensors --reference b", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = compare_run,
};
