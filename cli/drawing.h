/* SPDX-License-Identifier: Apache-2.0
 *
 * drawing.h - a network's graph as a drawing: Graphviz's language, or what its program `dot` makes of it.
 */
#ifndef CLI_DRAWING_H
#define CLI_DRAWING_H

#include "command.h"

/* To standard output (path NULL), to a file as it is (.dot, .gv), or through `dot` to .svg, .png or .pdf. Prints on failure. */
int cli_draw(const cli_command *command, const fv_graph *graph, const fv_dot_options *options, const char *path);

#endif
