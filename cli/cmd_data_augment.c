/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_data_augment.c - fovea data augment: the enlarged set, the training images and what transforms make of them, beside the test images
 * as they are.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "write_set.h"

typedef struct values {
    const char *out, *augment;
    int64_t copies, seed, limit;
} values;

static const cli_option options[] = {
    { "augment", NULL, CLI_TEXT, "LIST", offsetof(values, augment), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_NONE,
      "transforms, as fovea train takes them" },
    { "out", NULL, CLI_TEXT, "FOLDER|FILE", offsetof(values, out), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_FOLDER,
      "folder to write, or a pack, whose name ends in .pack" },
    { "copies", NULL, CLI_INTEGER, "N", offsetof(values, copies), 1, 1000, "1", NULL, CLI_COMPLETE_NONE,
      "so many transformed images of each" },
    { "limit", NULL, CLI_INTEGER, "N", offsetof(values, limit), 0, 1e15, "0", NULL, CLI_COMPLETE_NONE,
      "only the first so many images of each split; 0: all" },
    { "seed", NULL, CLI_INTEGER, "N", offsetof(values, seed), 0, 9e15, "1", NULL, CLI_COMPLETE_NONE,
      "of the draws, as of fovea train" },
    { 0 },
};

typedef struct enlarging {
    const cli_call *call;
    const values *given;
    fv_context *context;
    fv_augmentation *list;
    cli_set_writer writer;
    fv_pack_writer *pack; /* instead of writer, where a pack is written */
    fv_dataset *like;     /* whose classes the pack has */
    int64_t packed;       /* images of the split */
} enlarging;

static bool is_pack(const enlarging *e)
{
    const size_t length = strlen(e->given->out);
    return length > 5 && strcmp(e->given->out + length - 5, ".pack") == 0;
}

/* Values that a file cannot hold. */
static bool leaves_bytes(const cli_image *image)
{
    for (size_t i = 0; i < (size_t)image->shape.c * (size_t)image->shape.h * (size_t)image->shape.w; i++)
        if (!(image->pixels[i] > -0.01f && image->pixels[i] < 1.01f))
            return true;
    return false;
}

static int add_image(enlarging *e, const fv_dataset *data, int64_t index, const cli_image *image)
{
    const int32_t label = fv_dataset_label(data, index);
    if (e->pack == NULL)
        return cli_set_add(&e->writer, image, label);
    uint8_t *bytes = cli_image_bytes(image);
    const fv_sample sample = { .shape = image->shape, .order = FV_NCHW, .pixels = bytes };
    int status = CLI_DONE;
    if (bytes == NULL)
        status = cli_fail(e->call->command, "out of memory");
    else if (fv_pack_writer_add(e->pack, &sample, label, fv_dataset_targets(data, index)) != FV_OK)
        status = cli_fail(e->call->command, "%s", fv_context_message(e->context));
    free(bytes);
    e->packed++;
    return status;
}

static int add_copy(enlarging *e, const fv_dataset *data, const cli_image *image, int64_t index, int64_t copy)
{
    const fv_augment_key key = { .seed = (uint64_t)e->given->seed, .epoch = (uint64_t)copy, .sample = (uint64_t)index };
    cli_image made;
    if (fv_augmentation_apply(e->list, &key, image->pixels, image->shape, &made.pixels, &made.shape) != FV_OK)
        return cli_fail(e->call->command, "image %" PRId64 ": %s", index, fv_context_message(e->context));
    const int status = leaves_bytes(&made)
                           ? cli_fail(e->call->command,
                                      "image %" PRId64 " has values outside 0 to 1 after the list, which "
                                      "files cannot hold: leave normalise, standardise and whiten to "
                                      "fovea train",
                                      index)
                           : add_image(e, data, index, &made);
    fv_augmentation_release(e->list, made.pixels);
    return status;
}

static int add_images(enlarging *e, const fv_dataset *data, fv_reader *reader, bool enlarged)
{
    const int64_t count = fv_dataset_count(data);
    const int64_t used = e->given->limit > 0 && e->given->limit < count ? e->given->limit : count;
    int status = CLI_DONE;
    for (int64_t i = 0; status == CLI_DONE && i < used; i++) {
        cli_image image;
        status = cli_image_read(e->call->command, data, reader, i, &image);
        if (status == CLI_DONE)
            status = add_image(e, data, i, &image);
        for (int64_t copy = 0; status == CLI_DONE && enlarged && copy < e->given->copies; copy++)
            status = add_copy(e, data, &image, i, copy);
        cli_image_release(&image);
    }
    return status;
}

/* The pack, with the first split, or its next split. */
static int open_pack(enlarging *e, const fv_dataset *data, fv_split split)
{
    e->packed = 0;
    if (e->pack == NULL && access(e->given->out, F_OK) == 0)
        return cli_fail(e->call->command, "'%s' is there already: give another --out", e->given->out);
    if ((e->pack == NULL && fv_pack_writer_open(&e->pack, e->context, e->given->out, data) != FV_OK) ||
        fv_pack_writer_begin(e->pack, split, NULL) != FV_OK)
        return cli_fail(e->call->command, "%s", fv_context_message(e->context));
    return CLI_DONE;
}

static int write_split(enlarging *e, const fv_dataset *data, fv_reader *reader, fv_split split)
{
    static const char *const words[] = { "training", "test", "validation" };
    const bool train = split == FV_SPLIT_TRAIN, packed = is_pack(e);
    int status = packed ? open_pack(e, data, split)
                        : cli_set_open(&e->writer, e->call->command, e->context, data, e->given->out, train);
    if (status == CLI_DONE)
        status = add_images(e, data, reader, train);
    if (!packed)
        status = cli_set_close(&e->writer, status);
    if (status == CLI_DONE)
        printf("%s: %" PRId64 " %s images, %s\n", e->given->out, packed ? e->packed : e->writer.count, words[split],
               packed ? "packed" : cli_set_kind(&e->writer));
    return status;
}

/* Where there is no test split, the validation split is opened instead: it need not be written twice. */
static bool is_validation(enlarging *e, const fv_dataset *test)
{
    fv_dataset *validation = NULL;
    char one[512], other[512];
    if (fv_dataset_open(&validation, e->context, e->call->operands[0], FV_SPLIT_VALIDATION) != FV_OK)
        return false;
    fv_dataset_sample_name(test, 0, one, sizeof one);
    fv_dataset_sample_name(validation, 0, other, sizeof other);
    fv_dataset_destroy(validation);
    return strcmp(one, other) == 0;
}

static int enlarge_split(enlarging *e, fv_split split)
{
    const bool train = split == FV_SPLIT_TRAIN;
    const fv_augment_key key = { .seed = (uint64_t)e->given->seed };
    fv_dataset *data = NULL;
    fv_reader *reader = NULL;
    int status = CLI_DONE;
    const fv_status opened = fv_dataset_open(&data, e->context, e->call->operands[0], split);
    if (!train && opened == FV_ERR_NOT_FOUND)
        return CLI_DONE;
    if (opened != FV_OK || fv_reader_create(&reader, e->context, data) != FV_OK ||
        (train && fv_augmentation_fit(e->list, data, &key) != FV_OK))
        status = cli_fail(e->call->command, "%s", fv_context_message(e->context));
    if (status == CLI_DONE && train)
        fv_augmentation_warn(e->list, data);
    if (status == CLI_DONE && !(split == FV_SPLIT_TEST && is_pack(e) && is_validation(e, data)))
        status = write_split(e, data, reader, split);
    fv_reader_destroy(reader);
    if (train)
        e->like = data;
    else
        fv_dataset_destroy(data);
    return status;
}

static int data_augment_run(cli_call *call)
{
    enlarging e = { .call = call, .given = call->values };
    int status = cli_open_context(call->command, &e.context, 1);
    if (status == CLI_DONE && fv_augmentation_create(&e.list, e.context, e.given->augment) != FV_OK)
        status = cli_usage_error(call->command, "%s", fv_context_message(e.context));
    if (status == CLI_DONE && fv_augmentation_mixes(e.list))
        status = cli_usage_error(call->command, "mixup and cutmix mix labels, which files of classes cannot hold");
    if (status == CLI_DONE)
        status = enlarge_split(&e, FV_SPLIT_TRAIN);
    if (status == CLI_DONE)
        status = enlarge_split(&e, FV_SPLIT_TEST);
    if (status == CLI_DONE && is_pack(&e))
        status = enlarge_split(&e, FV_SPLIT_VALIDATION);
    if (fv_pack_writer_close(e.pack, status == CLI_DONE, NULL) != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(e.context));
    fv_dataset_destroy(e.like);
    fv_augmentation_destroy(e.list);
    fv_context_destroy(e.context);
    return status == CLI_DONE ? cli_finish_output(call->command) : status;
}

const cli_command cli_data_augment = {
    .name = "data augment",
    .operands = "WHERE",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_DATA,
    .purpose = "Write training images and what transforms make of them as a data set",
    .description =
        "WHERE is mnist-12k, mnist, cifar-10, cifar-100 or a path. The folder holds each training image followed "
        "by its transformed copies, and the\ntest images as they are: as IDX files where images are grey and of "
        "one size, else as PNG files in folders of classes.\nA pack also holds validation images. Copy N is what epoch "
        "N of fovea train with the "
        "same seed would see.",
    .examples =
        (const char *const[]){
            "fovea data augment mnist-12k --augment \"elastic rotate(10)\" --copies 4 --out digits60k", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = data_augment_run,
};
