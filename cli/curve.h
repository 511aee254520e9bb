/* SPDX-License-Identifier: Apache-2.0
 *
 * curve.h - the curve of a learning rate range test: as characters, and as a drawing.
 */
#ifndef CLI_CURVE_H
#define CLI_CURVE_H

#include "command.h"

/* Loss against rate, as wide as the terminal. */
void cli_curve_print(FILE *stream, const fv_rate_test *test);
/* The same as SVG, with the losses of single steps as dots; title above it. Prints on failure. */
int cli_curve_write(const cli_command *command, const char *path, const fv_rate_test *test, const char *title);

#endif
