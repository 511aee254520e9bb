/* SPDX-License-Identifier: Apache-2.0
 *
 * write_set.h - labelled images into a folder that fovea reads as a data set: IDX files where all are grey and of one size, else PNG files as
 * train/CLASS/NUMBER.png or test/CLASS/NUMBER.png.
 */
#ifndef CLI_WRITE_SET_H
#define CLI_WRITE_SET_H

#include "sheet.h"

typedef struct cli_set_writer {
    const cli_command *command;
    fv_context *context;
    const fv_dataset *like; /* names of classes */
    const char *folder;
    bool train, as_files, sorted; /* sorted: names of classes are in the order in which a reader finds folders */
    fv_image_shape shape;         /* of IDX: the first image's */
    FILE *images, *labels;
    int64_t count;
} cli_set_writer;

/* Makes the folder; classes are those of `like`. Refuses a folder with a data set in it. Prints on failure. */
int cli_set_open(cli_set_writer *writer, const cli_command *command, fv_context *context, const fv_dataset *like,
                 const char *folder, bool train);
int cli_set_add(cli_set_writer *writer, const cli_image *image, int32_t label);
/* Writes what is left, and the counts; also after a failure, whose status it keeps. */
int cli_set_close(cli_set_writer *writer, int status);
/* What was written, for a line of output: "IDX files" or "PNG files". */
const char *cli_set_kind(const cli_set_writer *writer);

#endif
