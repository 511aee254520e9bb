/* SPDX-License-Identifier: Apache-2.0
 *
 * write_set.c - labelled images into a folder that fovea reads as a data set.
 */
#include "write_set.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "run.h"

enum { PATH = 4096, MOST_IDX_CLASSES = 256, NAME = 200 };

static FILE *open_idx(cli_set_writer *writer, const char *what, int rank, int *status)
{
    char path[PATH];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s-%s-idx%d-ubyte", writer->folder, writer->train ? "train" : "t10k", what, rank);
    if (stat(path, &found) == 0) {
        *status = cli_fail(writer->command, "'%s' is there already: give another --out", path);
        return NULL;
    }
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        *status = cli_fail(writer->command, "cannot write '%s': %s", path, strerror(errno));
    return file;
}

static bool names_are_sorted(const fv_dataset *like)
{
    for (int32_t i = 1; i < fv_dataset_classes(like); i++) {
        const char *before = fv_dataset_class_name(like, i - 1), *name = fv_dataset_class_name(like, i);
        if (before == NULL || name == NULL || strcmp(before, name) >= 0)
            return false;
    }
    return fv_dataset_class_name(like, 0) != NULL;
}

int cli_set_open(cli_set_writer *writer, const cli_command *command, fv_context *context, const fv_dataset *like,
                 const char *folder, bool train)
{
    const fv_image_shape shape = fv_dataset_shape(like);
    struct stat found;
    char path[PATH];
    int status = CLI_DONE;
    *writer = (cli_set_writer){ .command = command,
                                .context = context,
                                .like = like,
                                .folder = folder,
                                .train = train,
                                .sorted = names_are_sorted(like),
                                .as_files = shape.c != 1 || fv_dataset_classes(like) > MOST_IDX_CLASSES };
    if (fv_dataset_classes(like) < 1)
        return cli_fail(command, "'%s' has no classes", fv_dataset_name(like));
    if (!cli_make_folder(folder))
        return cli_fail(command, "cannot make the folder '%s': %s", folder, strerror(errno));
    if (writer->as_files) {
        snprintf(path, sizeof path, "%s/%s", folder, train ? "train" : "test");
        return stat(path, &found) != 0 ? CLI_DONE
                                       : cli_fail(command, "'%s' is there already: give another --out", path);
    }
    writer->images = open_idx(writer, "images", 3, &status);
    if (status == CLI_DONE)
        writer->labels = open_idx(writer, "labels", 1, &status);
    return status;
}

static void big_endian(uint8_t to[4], uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static bool write_header(FILE *file, uint32_t magic, const uint32_t *sizes, int rank)
{
    uint8_t header[16];
    big_endian(header, magic);
    for (int i = 0; i < rank; i++)
        big_endian(header + 4 + 4 * i, sizes[i]);
    return fseek(file, 0, SEEK_SET) == 0 && fwrite(header, 4, (size_t)rank + 1, file) == (size_t)rank + 1;
}

static bool write_counts(cli_set_writer *writer)
{
    const uint32_t sizes[] = { (uint32_t)writer->count, (uint32_t)writer->shape.h, (uint32_t)writer->shape.w };
    return write_header(writer->images, 0x803, sizes, 3) && write_header(writer->labels, 0x801, sizes, 1);
}

/* The folder of a class: a name that a reader sorts into the same order. */
static void class_folder(const cli_set_writer *writer, int32_t label, char name[NAME])
{
    const char *given = fv_dataset_class_name(writer->like, label);
    if (writer->sorted)
        snprintf(name, NAME, "%.150s", given);
    else
        snprintf(name, NAME, "%05d%s%.150s", (int)label, given != NULL ? "-" : "", given != NULL ? given : "");
    for (char *at = name; *at != '\0'; at++)
        if (*at == '/' || (unsigned char)*at < ' ' || (at == name && *at == '.'))
            *at = '_';
}

static int add_file(cli_set_writer *writer, const uint8_t *bytes, fv_image_shape shape, int32_t label)
{
    char name[NAME], path[PATH];
    class_folder(writer, label, name);
    const int length = snprintf(path, sizeof path, "%s/%s/%s", writer->folder, writer->train ? "train" : "test", name);
    if (length < 0 || (size_t)length + 32 > sizeof path)
        return cli_fail(writer->command, "the path '%s' is too long", writer->folder);
    if (!cli_make_folder(path))
        return cli_fail(writer->command, "cannot make the folder '%s': %s", path, strerror(errno));
    snprintf(path + length, sizeof path - (size_t)length, "/%07" PRId64 ".png", writer->count);
    return fv_image_write_png(writer->context, path, bytes, shape) == FV_OK
               ? CLI_DONE
               : cli_fail(writer->command, "%s", fv_context_message(writer->context));
}

static int add_idx(cli_set_writer *writer, const uint8_t *bytes, fv_image_shape shape, int32_t label)
{
    const size_t count = (size_t)shape.h * (size_t)shape.w;
    if (writer->count == 0)
        writer->shape = shape;
    if (shape.c != 1 || shape.h != writer->shape.h || shape.w != writer->shape.w)
        return cli_fail(writer->command,
                        "image %" PRId64 " is %dx%dx%d, the first was 1x%dx%d: let the list end with a crop or resize",
                        writer->count, (int)shape.c, (int)shape.h, (int)shape.w, (int)writer->shape.h,
                        (int)writer->shape.w);
    if (writer->count == 0 && !write_counts(writer))
        return cli_fail(writer->command, "cannot write to '%s': %s", writer->folder, strerror(errno));
    if (fwrite(bytes, 1, count, writer->images) != count || putc(label, writer->labels) == EOF)
        return cli_fail(writer->command, "cannot write to '%s': %s", writer->folder, strerror(errno));
    return CLI_DONE;
}

int cli_set_add(cli_set_writer *writer, const cli_image *image, int32_t label)
{
    uint8_t *bytes = cli_image_bytes(image);
    if (bytes == NULL)
        return cli_fail(writer->command, "out of memory");
    const int status = (writer->as_files ? add_file : add_idx)(writer, bytes, image->shape, label);
    free(bytes);
    writer->count++;
    return status;
}

int cli_set_close(cli_set_writer *writer, int status)
{
    bool good = true;
    if (status == CLI_DONE && writer->images != NULL && writer->labels != NULL)
        good = write_counts(writer);
    if (writer->images != NULL)
        good = fclose(writer->images) == 0 && good;
    if (writer->labels != NULL)
        good = fclose(writer->labels) == 0 && good;
    writer->images = writer->labels = NULL;
    if (status == CLI_DONE && !good)
        return cli_fail(writer->command, "cannot write to '%s': %s", writer->folder, strerror(errno));
    return status;
}

const char *cli_set_kind(const cli_set_writer *writer)
{
    return writer->as_files ? "PNG files" : "IDX files";
}
