/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_data_corrupt.c - fovea data corrupt: test sets as bad cameras, weather and files make them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "write_set.h"

typedef struct values {
    const char *out, *kind, *sheet;
    int64_t severity, seed, limit;
} values;

enum { MOST_KINDS = 32 };

static const cli_option options[] = {
    { "out", NULL, CLI_TEXT, "FOLDER", offsetof(values, out), 0, 0, "(none)", NULL, CLI_COMPLETE_FOLDER,
      "folder to write: a data set in FOLDER/KIND-SEVERITY for each" },
    { "kind", NULL, CLI_TEXT, "KIND", offsetof(values, kind), 0, 0, "all", NULL, CLI_COMPLETE_NONE,
      "which corruption: gaussian_noise, shot_noise, impulse_noise, defocus_blur, glass_blur, motion_blur, zoom_blur, "
      "snow, "
      "frost, fog, brightness, contrast, elastic, pixelate, jpeg, or all" },
    { "severity", NULL, CLI_INTEGER, "N", offsetof(values, severity), 0, FV_CORRUPTION_SEVERITIES, "0", NULL,
      CLI_COMPLETE_NONE, "how strong, 1 to 5; 0: all five" },
    { "limit", NULL, CLI_INTEGER, "N", offsetof(values, limit), 0, 1e15, "0", NULL, CLI_COMPLETE_NONE,
      "only the first so many test images; 0: all" },
    { "sheet", NULL, CLI_TEXT, "FILE", offsetof(values, sheet), 0, 0, "(none)", NULL, CLI_COMPLETE_FILE,
      "draw one image corrupted in each way as a PNG: a row for each kind, a column for each severity" },
    { "seed", NULL, CLI_INTEGER, "N", offsetof(values, seed), 0, 9e15, "1", NULL, CLI_COMPLETE_NONE, "of the draws" },
    { 0 },
};

typedef struct corrupting {
    const cli_call *call;
    const values *given;
    fv_context *context;
    fv_dataset *data;
    fv_reader *reader;
    int32_t first, end; /* kinds */
} corrupting;

static int corrupt(const corrupting *c, int32_t kind, int32_t severity, int64_t index, const cli_image *image,
                   cli_image *out)
{
    const fv_augment_key key = { .seed = (uint64_t)c->given->seed, .sample = (uint64_t)index };
    if (!cli_image_copy(image->pixels, image->shape, out))
        return cli_fail(c->call->command, "out of memory");
    if (fv_corruption_apply(c->context, kind, severity, &key, image->pixels, image->shape, out->pixels) == FV_OK)
        return CLI_DONE;
    cli_image_release(out);
    return cli_fail(c->call->command, "%s", fv_context_message(c->context));
}

static int write_set(const corrupting *c, int32_t kind, int32_t severity)
{
    char folder[4096];
    cli_set_writer writer;
    const int64_t count = fv_dataset_count(c->data);
    const int64_t used = c->given->limit > 0 && c->given->limit < count ? c->given->limit : count;
    snprintf(folder, sizeof folder, "%s/%s-%d", c->given->out, fv_corruption_name(kind), (int)severity);
    int status = cli_set_open(&writer, c->call->command, c->context, c->data, folder, false);
    for (int64_t i = 0; status == CLI_DONE && i < used; i++) {
        cli_image image = { 0 }, made = { 0 };
        status = cli_image_read(c->call->command, c->data, c->reader, i, &image);
        if (status == CLI_DONE)
            status = corrupt(c, kind, severity, i, &image, &made);
        if (status == CLI_DONE)
            status = cli_set_add(&writer, &made, fv_dataset_label(c->data, i));
        cli_image_release(&image);
        cli_image_release(&made);
    }
    status = cli_set_close(&writer, status);
    if (status == CLI_DONE)
        printf("%s: %" PRId64 " test images, %s\n", folder, writer.count, cli_set_kind(&writer));
    return status;
}

static int write_sets(const corrupting *c)
{
    const int32_t first = c->given->severity > 0 ? (int32_t)c->given->severity : 1;
    const int32_t end = c->given->severity > 0 ? first + 1 : FV_CORRUPTION_SEVERITIES + 1;
    int status = CLI_DONE;
    for (int32_t kind = c->first; kind < c->end; kind++)
        for (int32_t severity = first; status == CLI_DONE && severity < end; severity++)
            status = write_set(c, kind, severity);
    return status;
}

static int write_sheet(const corrupting *c)
{
    const int32_t rows = c->end - c->first, columns = FV_CORRUPTION_SEVERITIES + 1;
    cli_image *images = calloc((size_t)rows * (size_t)columns, sizeof *images);
    int status = images != NULL ? CLI_DONE : cli_fail(c->call->command, "out of memory");
    for (int32_t row = 0; status == CLI_DONE && row < rows; row++) {
        const int64_t index = row % fv_dataset_count(c->data);
        status = cli_image_read(c->call->command, c->data, c->reader, index, &images[row * columns]);
        for (int32_t severity = 1; status == CLI_DONE && severity < columns; severity++)
            status =
                corrupt(c, c->first + row, severity, index, &images[row * columns], &images[row * columns + severity]);
        if (status == CLI_DONE)
            printf("row %d: %s, %s\n", (int)row + 1, fv_corruption_name(c->first + row),
                   fv_corruption_text(c->first + row));
    }
    if (status == CLI_DONE) {
        const int32_t side = images[0].shape.h > images[0].shape.w ? images[0].shape.h : images[0].shape.w;
        status = cli_sheet_write(c->call->command, c->context, c->given->sheet, images, rows, columns,
                                 side < 64 ? 96 / side : 1);
    }
    for (int32_t i = 0; images != NULL && i < rows * columns; i++)
        cli_image_release(&images[i]);
    free(images);
    return status;
}

static int find_kinds(corrupting *c)
{
    const char *words[MOST_KINDS];
    char hint[128];
    size_t count = 0;
    for (; fv_corruption_name((int32_t)count) != NULL && count + 1 < MOST_KINDS; count++) {
        words[count] = fv_corruption_name((int32_t)count);
        if (strcmp(words[count], c->given->kind) == 0)
            c->first = (int32_t)count;
    }
    words[count] = "all";
    if (strcmp(c->given->kind, "all") == 0)
        c->first = 0;
    if (c->first < 0)
        return cli_usage_error(c->call->command, "--kind: there is no corruption '%s'%s", c->given->kind,
                               cli_did_you_mean(c->given->kind, "", words, count + 1, hint, sizeof hint));
    c->end = strcmp(c->given->kind, "all") == 0 ? (int32_t)count : c->first + 1;
    return CLI_DONE;
}

static int data_corrupt_run(cli_call *call)
{
    corrupting c = { .call = call, .given = call->values, .first = -1 };
    int status = find_kinds(&c);
    if (status == CLI_DONE && c.given->out == NULL && c.given->sheet == NULL)
        status = cli_usage_error(call->command, "give --out FOLDER for data sets, or --sheet FILE for a picture");
    if (status == CLI_DONE)
        status = cli_open_context(call->command, &c.context, 1);
    if (status == CLI_DONE && (fv_dataset_open(&c.data, c.context, call->operands[0], FV_SPLIT_TEST) != FV_OK ||
                               fv_reader_create(&c.reader, c.context, c.data) != FV_OK))
        status = cli_fail(call->command, "%s", fv_context_message(c.context));
    if (status == CLI_DONE && fv_dataset_count(c.data) == 0)
        status = cli_fail(call->command, "'%s' has no test images", call->operands[0]);
    if (status == CLI_DONE && c.given->sheet != NULL)
        status = write_sheet(&c);
    if (status == CLI_DONE && c.given->out != NULL)
        status = write_sets(&c);
    fv_reader_destroy(c.reader);
    fv_dataset_destroy(c.data);
    fv_context_destroy(c.context);
    return status == CLI_DONE ? cli_finish_output(call->command) : status;
}

const cli_command cli_data_corrupt = {
    .name = "data corrupt",
    .operands = "WHERE",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_DATA,
    .purpose = "Write test images as bad cameras, weather and files make them",
    .description =
        "WHERE is mnist-12k, mnist, cifar-10, cifar-100 or a path. The fifteen common corruptions of Hendrycks & "
        "Dietterich 2019, in a rendering of\nfovea's own, at five severities. Each is a data set: fovea eval "
        "MODEL --data FOLDER/fog-3 tells how well a model bears it.",
    .examples = (const char *const[]){ "fovea data corrupt cifar-10 --kind fog --out corrupted",
                                       "fovea data corrupt cifar-10 --sheet corruptions.png", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = data_corrupt_run,
};
