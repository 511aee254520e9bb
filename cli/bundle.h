/* SPDX-License-Identifier: Apache-2.0
 *
 * bundle.h - one file that classifies images: a copy of this command with a model behind it, and behind that a trailer of 32 bytes
 * (docs/formats.md#bundle).
 */
#ifndef CLI_BUNDLE_H
#define CLI_BUNDLE_H

#include "command.h"

/* Writes a copy of the running command with the file `model` behind it to path, executable; path is replaced only when the copy is complete.
 * *bytes: its size. Prints on failure. */
int cli_bundle_write(const cli_command *command, const char *model, const char *path, int64_t *bytes);

/* Whether the running command has a model behind it. */
bool cli_bundle_present(void);
/* The bundled model as a file that fv_model_read() can open, for as long as the program runs. path has 64 bytes. Prints on failure: a model that is
 * damaged. */
int cli_bundle_open(char path[64]);
/* What `APP --help` prints. */
int cli_bundle_help(const char *app);

#endif
