/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_data_export.c - fovea data export: images of a data set as PNG files, in folders named after their classes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "run.h"

typedef struct values {
    const char *out;
    int64_t split, each;
} values;

static const char *const splits[] = { "test", "train", NULL };

static const cli_option options[] = {
    { "out", NULL, CLI_TEXT, "FOLDER", offsetof(values, out), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_FOLDER,
      "folder to write" },
    { "split", NULL, CLI_CHOICE, "SPLIT", offsetof(values, split), 0, 0, "test", splits, CLI_COMPLETE_NONE,
      "which part of the data" },
    { "each", NULL, CLI_INTEGER, "N", offsetof(values, each), 0, 1e9, "0", NULL, CLI_COMPLETE_NONE,
      "only the first so many images of each class; 0: all" },
    { 0 },
};

/* The folder of a class: its name without what a file system or a shell would trip over. */
static void folder_name(const fv_dataset *dataset, int32_t class_index, char *text, size_t size)
{
    const char *name = fv_dataset_class_name(dataset, class_index);
    if (name != NULL && name[0] != '\0' && name[0] != '.')
        snprintf(text, size, "%s", name);
    else
        snprintf(text, size, "%d", (int)class_index);
    for (char *at = text; *at != '\0'; at++)
        if (*at == '/' || *at == ' ' || (unsigned char)*at < ' ')
            *at = '_';
}

/* As planes, which is what a file is written from; released by the caller. NULL: no memory. */
static uint8_t *copy_planes(const fv_sample *sample)
{
    const size_t plane = (size_t)sample->shape.h * (size_t)sample->shape.w, c = (size_t)sample->shape.c;
    uint8_t *copy = malloc(plane * c);
    for (size_t i = 0; copy != NULL && i < plane * c; i++)
        copy[i] = sample->order == FV_NHWC ? sample->pixels[i % plane * c + i / plane] : sample->pixels[i];
    return copy;
}

static int write_sample(const cli_call *call, fv_context *context, fv_reader *reader, int64_t index, const char *path)
{
    fv_sample sample;
    if (fv_reader_read(reader, index, 0, &sample) != FV_OK)
        return cli_fail(call->command, "%s", fv_reader_message(reader));
    if (sample.pixels == NULL)
        return cli_fail(call->command, "'%s' holds numbers, not images", call->operands[0]);
    uint8_t *planes = copy_planes(&sample);
    if (planes == NULL)
        return cli_fail(call->command, "out of memory");
    const fv_status status = fv_image_write_png(context, path, planes, sample.shape);
    free(planes);
    return status == FV_OK ? CLI_DONE : cli_fail(call->command, "%s", fv_context_message(context));
}

static int write_image(const cli_call *call, fv_context *context, const fv_dataset *dataset, fv_reader *reader,
                       int64_t index)
{
    const values *given = call->values;
    char path[4096], class_folder[128];
    folder_name(dataset, fv_dataset_label(dataset, index), class_folder, sizeof class_folder);
    int length = snprintf(path, sizeof path, "%s/%s", given->out, class_folder);
    if (length < 0 || (size_t)length + 32 > sizeof path)
        return cli_fail(call->command, "the path '%s' is too long", given->out);
    if (!cli_make_folder(path))
        return cli_fail(call->command, "cannot make the folder '%s': %s", path, strerror(errno));
    snprintf(path + length, sizeof path - (size_t)length, "/%05" PRId64 ".png", index);
    const int status = write_sample(call, context, reader, index, path);
    if (status == CLI_DONE)
        puts(path);
    return status;
}

static int write_images(const cli_call *call, fv_context *context, const fv_dataset *dataset)
{
    const values *given = call->values;
    int64_t *written = calloc((size_t)fv_dataset_classes(dataset) + 1, sizeof *written);
    fv_reader *reader = NULL;
    int status = written != NULL ? CLI_DONE : cli_fail(call->command, "out of memory");
    if (status == CLI_DONE && fv_reader_create(&reader, context, dataset) != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(context));
    for (int64_t i = 0; status == CLI_DONE && i < fv_dataset_count(dataset); i++) {
        const int32_t label = fv_dataset_label(dataset, i) < 0 ? 0 : fv_dataset_label(dataset, i);
        if (given->each == 0 || written[label] < given->each) {
            written[label]++;
            status = write_image(call, context, dataset, reader, i);
        }
    }
    fv_reader_destroy(reader);
    free(written);
    return status == CLI_DONE ? cli_finish_output(call->command) : status;
}

static int data_export_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    fv_dataset *dataset = NULL;
    int status = cli_open_context(call->command, &context, 1);
    if (status == CLI_DONE && fv_dataset_open(&dataset, context, call->operands[0],
                                              given->split == 0 ? FV_SPLIT_TEST : FV_SPLIT_TRAIN) != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(context));
    if (status == CLI_DONE)
        status = write_images(call, context, dataset);
    fv_dataset_destroy(dataset);
    fv_context_destroy(context);
    return status;
}

const cli_command cli_data_export = {
    .name = "data export",
    .operands = "WHERE",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_DATA,
    .purpose = "Write the images of a data set as PNG files, one folder per class",
    .description = "WHERE is mnist-12k, mnist, cifar-10, cifar-100 or a path. Files are FOLDER/CLASS/INDEX.png; their "
                   "paths are printed.",
    .examples = (const char *const[]){ "fovea data export mnist-12k --out digits --each 1", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = data_export_run,
};
