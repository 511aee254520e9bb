/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_data_info.c - fovea data info: what a data set holds, without reading all of it.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "command.h"

typedef struct values {
    bool json;
} values;

static const cli_option options[] = {
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { 0 },
};

enum { SPLITS = 3 };
static const char *const names[SPLITS] = { "train", "test", "val" };

static int64_t *count_classes(const fv_dataset *dataset)
{
    int64_t *counts = calloc((size_t)fv_dataset_classes(dataset) + 1, sizeof *counts);
    for (int64_t i = 0; counts != NULL && i < fv_dataset_count(dataset); i++)
        if (fv_dataset_label(dataset, i) >= 0)
            counts[fv_dataset_label(dataset, i)]++;
    return counts;
}

static json_t *split_object(const fv_dataset *dataset)
{
    json_t *classes = json_object();
    int64_t *counts = count_classes(dataset);
    for (int32_t c = 0; counts != NULL && c < fv_dataset_classes(dataset); c++)
        json_object_set_new(classes, fv_dataset_class_name(dataset, c), json_integer(counts[c]));
    free(counts);
    return json_pack("{s:I,s:o}", "samples", (json_int_t)fv_dataset_count(dataset), "classes", classes);
}

/* As many as are known: of files that are not looked at, what decoding gives at most. */
static int channels_of(const fv_dataset *dataset)
{
    const int32_t c = fv_dataset_shape(dataset).c;
    return c == 0 ? 3 : c < FV_MAX_CHANNELS ? (int)c : FV_MAX_CHANNELS;
}

static json_t *number_list(const double *numbers, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_real(numbers[i]));
    return list;
}

static void print_numbers(const char *name, const double *numbers, int count)
{
    printf("%s", name);
    for (int i = 0; i < count; i++)
        printf(" %.4f", numbers[i]);
}

static int print_object(const cli_command *command, fv_dataset *const splits[SPLITS])
{
    double mean[4], deviation[4];
    json_t *parts = json_object();
    for (int s = 0; s < SPLITS; s++)
        if (splits[s] != NULL)
            json_object_set_new(parts, names[s], split_object(splits[s]));
    fv_dataset_statistics(splits[0], mean, deviation);
    const int channels = channels_of(splits[0]);
    return cli_print_json(
        command, json_pack("{s:s,s:o,s:i,s:i,s:o,s:o,s:o}", "data", fv_dataset_name(splits[0]), "shape",
                           cli_json_shape(fv_dataset_shape(splits[0])), "classes", (int)fv_dataset_classes(splits[0]),
                           "targets", (int)fv_dataset_target_count(splits[0]), "splits", parts, "mean",
                           number_list(mean, channels), "deviation", number_list(deviation, channels)));
}

static void print_classes(fv_dataset *const splits[SPLITS])
{
    int64_t *counts[SPLITS] = { NULL };
    for (int s = 0; s < SPLITS; s++)
        counts[s] = splits[s] != NULL ? count_classes(splits[s]) : NULL;
    for (int32_t c = 0; c < fv_dataset_classes(splits[0]); c++) {
        printf("  %-24.24s", fv_dataset_class_name(splits[0], c));
        for (int s = 0; s < SPLITS; s++)
            if (counts[s] != NULL)
                printf(" %10" PRId64, counts[s][c]);
        printf("\n");
    }
    for (int s = 0; s < SPLITS; s++)
        free(counts[s]);
}

static int print_text(const cli_command *command, fv_dataset *const splits[SPLITS])
{
    double mean[4], deviation[4];
    const fv_image_shape shape = fv_dataset_shape(splits[0]);
    char text[48];
    printf("%s: %d classes, %s%s\n", fv_dataset_name(splits[0]), (int)fv_dataset_classes(splits[0]),
           shape.c != 0 ? "samples of " : "images that may differ in size",
           shape.c != 0 ? cli_shape_text(shape, text, sizeof text) : "");
    if (fv_dataset_target_count(splits[0]) > 0)
        printf("each with %d values as target\n", (int)fv_dataset_target_count(splits[0]));
    fv_dataset_statistics(splits[0], mean, deviation);
    if (deviation[0] != 1) {
        print_numbers("mean", mean, channels_of(splits[0]));
        print_numbers(", deviation", deviation, channels_of(splits[0]));
        printf("%s\n", shape.c != 0 ? "" : ", of up to 256 images");
    }
    printf("  %-24s", "");
    for (int s = 0; s < SPLITS; s++)
        if (splits[s] != NULL)
            printf(" %10s", names[s]);
    printf("\n  %-24s", "samples");
    for (int s = 0; s < SPLITS; s++)
        if (splits[s] != NULL)
            printf(" %10" PRId64, fv_dataset_count(splits[s]));
    printf("\n");
    print_classes(splits);
    return cli_finish_output(command);
}

static int data_info_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    fv_dataset *splits[SPLITS] = { NULL };
    int status = cli_open_context(call->command, &context, 0);
    for (int s = 0; status == CLI_DONE && s < SPLITS; s++) {
        const fv_status opened = fv_dataset_open(&splits[s], context, call->operands[0], (fv_split)s);
        if (opened != FV_OK && (s == 0 || opened != FV_ERR_NOT_FOUND))
            status = cli_fail(call->command, "%s", fv_context_message(context));
    }
    if (status == CLI_DONE)
        status = given->json ? print_object(call->command, splits) : print_text(call->command, splits);
    for (int s = 0; s < SPLITS; s++)
        fv_dataset_destroy(splits[s]);
    fv_context_destroy(context);
    return status;
}

const cli_command cli_data_info = {
    .name = "data info",
    .operands = "WHERE",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_DATA,
    .purpose = "Show what a data set holds",
    .description = "WHERE is what fovea train --data takes. `fovea data check` reads all of it.",
    .examples = (const char *const[]){ "fovea data info mnist-12k", "fovea data info photos --json", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = data_info_run,
};
