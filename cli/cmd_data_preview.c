/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_data_preview.c - fovea data preview: what transforms make of images, as a contact sheet.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "sheet.h"

typedef struct values {
    const char *out, *augment;
    int64_t split, samples, draws, scale, seed, first;
    bool list;
} values;

static const char *const splits[] = { "train", "test", NULL };

static const cli_option options[] = {
    { "augment", NULL, CLI_TEXT, "LIST", offsetof(values, augment), 0, 0, "(every transform)", NULL, CLI_COMPLETE_NONE,
      "transforms, as fovea train takes them; without: one row for each that there is" },
    { "out", NULL, CLI_TEXT, "FILE", offsetof(values, out), 0, 0, "preview.png", NULL, CLI_COMPLETE_FILE,
      "PNG to write" },
    { "samples", NULL, CLI_INTEGER, "N", offsetof(values, samples), 1, 1000, "8", NULL, CLI_COMPLETE_NONE,
      "rows: so many images, spread over the data" },
    { "draws", NULL, CLI_INTEGER, "N", offsetof(values, draws), 1, 1000, "10", NULL, CLI_COMPLETE_NONE,
      "columns: the image as so many epochs would see it, after the image as it is" },
    { "first", NULL, CLI_INTEGER, "INDEX", offsetof(values, first), 0, 1e15, "0", NULL, CLI_COMPLETE_NONE,
      "the first image" },
    { "split", NULL, CLI_CHOICE, "SPLIT", offsetof(values, split), 0, 0, "train", splits, CLI_COMPLETE_NONE,
      "which part of the data" },
    { "scale", NULL, CLI_INTEGER, "N", offsetof(values, scale), 0, 100, "0", NULL, CLI_COMPLETE_NONE,
      "draw a pixel as so many by so many; 0: small images larger" },
    { "seed", NULL, CLI_INTEGER, "N", offsetof(values, seed), 0, 9e15, "1", NULL, CLI_COMPLETE_NONE,
      "of the draws, as of fovea train" },
    { "list", NULL, CLI_FLAG, NULL, offsetof(values, list), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "print every transform with its formula and options, and draw nothing" },
    { 0 },
};

static void print_option(const fv_transform_option *option)
{
    printf("    %-12s %s", option->name, option->help);
    if (option->words == NULL)
        printf("; %.15g to %.15g", option->low, option->high);
    for (int i = 0; option->words != NULL && option->words[i] != NULL; i++)
        printf("%s%s", i == 0 ? ": " : ", ", option->words[i]);
    printf("; default %s\n", option->fallback);
}

static int print_list(const cli_command *command)
{
    fv_transform_option option;
    for (int32_t i = 0; fv_transform_name(i) != NULL; i++) {
        printf("%s%s\n    %s\n", i == 0 ? "" : "\n", fv_transform_name(i), fv_transform_formula(i));
        if (fv_transform_source(i) != NULL)
            printf("    after %s\n", fv_transform_source(i));
        for (int32_t k = 0; fv_transform_option_get(i, k, &option); k++)
            print_option(&option);
    }
    return cli_finish_output(command);
}

/* Everything one sheet holds. */
typedef struct preview {
    const cli_call *call;
    const values *given;
    fv_context *context;
    fv_dataset *data;
    fv_reader *reader;
    int32_t rows, columns;
    cli_image *images; /* [rows][columns] */
} preview;

static int64_t sample_of(const preview *p, int64_t row, int64_t of)
{
    const int64_t count = fv_dataset_count(p->data);
    return (p->given->first + row * (count / of)) % count;
}

/* Column `column` of a row whose images are samples[n]: the list applied, and mixed with the others of the column. */
static int apply_list(preview *p, const fv_augmentation *list, int64_t index, int32_t row, int32_t column)
{
    const cli_image *before = &p->images[row * p->columns];
    const fv_augment_key key = { .seed = (uint64_t)p->given->seed,
                                 .epoch = (uint64_t)(column - 1),
                                 .sample = (uint64_t)index };
    float *out = NULL;
    fv_image_shape shape;
    if (fv_augmentation_apply(list, &key, before->pixels, before->shape, &out, &shape) != FV_OK)
        return cli_fail(p->call->command, "%s", fv_context_message(p->context));
    const bool copied = cli_image_copy(out, shape, &p->images[row * p->columns + column]);
    fv_augmentation_release(list, out);
    return copied ? CLI_DONE : cli_fail(p->call->command, "out of memory");
}

/* A batch of images of one shape, mixed. */
static int mix_images(const preview *p, const fv_augmentation *list, cli_image *const *images, const uint64_t *samples,
                      int32_t n, int32_t column)
{
    const fv_image_shape shape = images[0]->shape;
    const size_t each = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    float *batch = malloc((size_t)n * each * sizeof *batch), *labels = calloc((size_t)n, sizeof *labels);
    fv_status status = FV_OK;
    bool same = batch != NULL && labels != NULL;
    for (int32_t i = 0; same && i < n; i++) {
        same = images[i]->shape.c == shape.c && images[i]->shape.h == shape.h && images[i]->shape.w == shape.w;
        if (same)
            memcpy(batch + (size_t)i * each, images[i]->pixels, each * sizeof *batch);
    }
    if (same)
        status = fv_augmentation_mix(list, (uint64_t)p->given->seed, (uint64_t)(column - 1), samples, n, shape, batch,
                                     1, labels);
    for (int32_t i = 0; same && status == FV_OK && i < n; i++)
        memcpy(images[i]->pixels, batch + (size_t)i * each, each * sizeof *batch);
    free(batch);
    free(labels);
    if (!same)
        return cli_fail(p->call->command, "images of one size only can be mixed: put a crop or resize before");
    return status == FV_OK ? CLI_DONE : cli_fail(p->call->command, "%s", fv_context_message(p->context));
}

static int mix_column(const preview *p, const fv_augmentation *list, int32_t column)
{
    enum { MOST = 1000 };
    cli_image *images[MOST];
    uint64_t samples[MOST];
    for (int32_t row = 0; row < p->rows; row++) {
        images[row] = &p->images[row * p->columns + column];
        samples[row] = (uint64_t)sample_of(p, row, p->rows);
    }
    return mix_images(p, list, images, samples, p->rows, column);
}

static int open_list(const preview *p, const char *text, fv_augmentation **list)
{
    const fv_augment_key key = { .seed = (uint64_t)p->given->seed };
    if (fv_augmentation_create(list, p->context, text) != FV_OK)
        return cli_usage_error(p->call->command, "%s", fv_context_message(p->context));
    if (fv_augmentation_fit(*list, p->data, &key) != FV_OK)
        return cli_fail(p->call->command, "%s", fv_context_message(p->context));
    fv_augmentation_warn(*list, p->data);
    return CLI_DONE;
}

/* One list: a row for each sample. */
static int fill_samples(preview *p)
{
    fv_augmentation *list = NULL;
    int status = open_list(p, p->given->augment, &list);
    for (int32_t row = 0; status == CLI_DONE && row < p->rows; row++) {
        const int64_t index = sample_of(p, row, p->rows);
        status = cli_image_read(p->call->command, p->data, p->reader, index, &p->images[row * p->columns]);
        for (int32_t column = 1; status == CLI_DONE && column < p->columns; column++)
            status = apply_list(p, list, index, row, column);
    }
    for (int32_t column = 1; status == CLI_DONE && fv_augmentation_mixes(list) && column < p->columns; column++)
        status = mix_column(p, list, column);
    if (status == CLI_DONE)
        printf("%s: %s\n", p->given->out, fv_augmentation_text(list));
    fv_augmentation_destroy(list);
    return status;
}

/* A transform that mixes: the row's images are mixed with those of the row before. */
static int mix_row(preview *p, const fv_augmentation *list, int32_t row)
{
    int status = CLI_DONE;
    for (int32_t column = 1; status == CLI_DONE && row > 0 && column < p->columns; column++) {
        cli_image other = { 0 };
        if (!cli_image_copy(p->images[(row - 1) * p->columns].pixels, p->images[(row - 1) * p->columns].shape, &other))
            return cli_fail(p->call->command, "out of memory");
        cli_image *const both[] = { &p->images[row * p->columns + column], &other };
        const uint64_t samples[] = { (uint64_t)row, (uint64_t)row - 1 };
        status = mix_images(p, list, both, samples, 2, column);
        cli_image_release(&other);
    }
    return status;
}

/* Every transform: a row each, of another image. */
static int fill_transforms(preview *p)
{
    int status = CLI_DONE;
    for (int32_t row = 0; status == CLI_DONE && row < p->rows; row++) {
        const int64_t index = sample_of(p, row, p->rows);
        const char *name = fv_transform_name(row);
        fv_augmentation *list = NULL;
        char small[128];
        status = cli_image_read(p->call->command, p->data, p->reader, index, &p->images[row * p->columns]);
        const fv_image_shape shape = p->images[row * p->columns].shape;
        const int32_t side = shape.h < shape.w ? shape.h : shape.w;
        if (strcmp(name, "whiten") == 0) /* of few values, so that a sheet of all is made in seconds */
            snprintf(small, sizeof small, "resize(size=%d) whiten(samples=1000)", shape.c == 1 ? 16 : 10);
        else if (strcmp(name, "random_crop") == 0)
            snprintf(small, sizeof small, "random_crop(padding=%d)", (int)(side + 7) / 8);
        else if (strcmp(name, "resize") == 0 || strcmp(name, "centre_crop") == 0)
            snprintf(small, sizeof small, "%s(size=%d)", name, (int)(side + 1) / 2);
        else
            snprintf(small, sizeof small, "%s", name);
        if (status == CLI_DONE)
            status = open_list(p, small, &list);
        for (int32_t column = 1; status == CLI_DONE && column < p->columns; column++)
            status = apply_list(p, list, index, row, column);
        if (status == CLI_DONE && fv_augmentation_mixes(list))
            status = mix_row(p, list, row);
        if (status == CLI_DONE)
            printf("row %d: %s\n", (int)row + 1, fv_augmentation_text(list));
        fv_augmentation_destroy(list);
    }
    return status;
}

static int32_t scale_of(const preview *p)
{
    const fv_image_shape shape = p->images[0].shape;
    const int32_t side = shape.h > shape.w ? shape.h : shape.w;
    return p->given->scale > 0 ? (int32_t)p->given->scale : side < 64 ? 96 / side : 1;
}

static int draw_preview(preview *p)
{
    p->rows = (int32_t)p->given->samples;
    p->columns = (int32_t)p->given->draws + 1;
    if (p->given->augment == NULL)
        for (p->rows = 0; fv_transform_name(p->rows) != NULL;)
            p->rows++;
    p->images = calloc((size_t)p->rows * (size_t)p->columns, sizeof *p->images);
    if (p->images == NULL)
        return cli_fail(p->call->command, "out of memory");
    int status = p->given->augment != NULL ? fill_samples(p) : fill_transforms(p);
    if (status == CLI_DONE)
        status =
            cli_sheet_write(p->call->command, p->context, p->given->out, p->images, p->rows, p->columns, scale_of(p));
    for (int32_t i = 0; i < p->rows * p->columns; i++)
        cli_image_release(&p->images[i]);
    free(p->images);
    return status == CLI_DONE ? cli_finish_output(p->call->command) : status;
}

static int data_preview_run(cli_call *call)
{
    preview p = { .call = call, .given = call->values };
    const fv_split split = p.given->split == 0 ? FV_SPLIT_TRAIN : FV_SPLIT_TEST;
    if (p.given->list)
        return print_list(call->command);
    if (call->operand_count == 0)
        return cli_usage_error(call->command, "which data? give mnist-12k, mnist, cifar-10, cifar-100 or a path");
    int status = cli_open_context(call->command, &p.context, 1);
    if (status == CLI_DONE && p.given->augment != NULL) { /* a mistake in the list is told before data are read */
        fv_augmentation *list = NULL;
        if (fv_augmentation_create(&list, p.context, p.given->augment) != FV_OK)
            status = cli_usage_error(call->command, "%s", fv_context_message(p.context));
        fv_augmentation_destroy(list);
    }
    if (status == CLI_DONE && (fv_dataset_open(&p.data, p.context, call->operands[0], split) != FV_OK ||
                               fv_reader_create(&p.reader, p.context, p.data) != FV_OK))
        status = cli_fail(call->command, "%s", fv_context_message(p.context));
    if (status == CLI_DONE && fv_dataset_count(p.data) == 0)
        status = cli_fail(call->command, "'%s' is empty", call->operands[0]);
    if (status == CLI_DONE)
        status = draw_preview(&p);
    fv_reader_destroy(p.reader);
    fv_dataset_destroy(p.data);
    fv_context_destroy(p.context);
    return status;
}

const cli_command cli_data_preview = {
    .name = "data preview",
    .operands = "WHERE",
    .min_operands = 0,
    .max_operands = 1,
    .completion = CLI_COMPLETE_DATA,
    .purpose = "Draw what transforms make of images, as a contact sheet",
    .description =
        "WHERE is mnist-12k, mnist, cifar-10, cifar-100 or a path. Each row shows an image as it is, apart on "
        "the left, and as it comes out of\nthe list in one epoch after the other. Values outside 0 to 1 are "
        "stretched to be seen. --list tells all transforms.",
    .examples = (const char *const[]){ "fovea data preview mnist-12k --augment \"elastic rotate(15)\" --out digits.png",
                                       "fovea data preview cifar-10", "fovea data preview --list", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = data_preview_run,
};
