/* SPDX-License-Identifier: Apache-2.0
 *
 * pretrained.h - what a run began with: the values of a file, and what of it was not taken; what does not learn.
 */
#ifndef CLI_PRETRAINED_H
#define CLI_PRETRAINED_H

#include "command.h"

/* Prints nothing for a run that begins with its network's own initial values and learns all. */
void cli_print_pretrained(const fv_experiment *experiment);

#endif
