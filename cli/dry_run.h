/* SPDX-License-Identifier: Apache-2.0
 *
 * dry_run.h - fovea train --dry-run: everything that a run does before its first update, shown.
 */
#ifndef CLI_DRY_RUN_H
#define CLI_DRY_RUN_H

#include "command.h"

/* Layers, memory, data, one batch forward and backward, and the config with the origin of each value. Writes no file. Prints on
 * failure. */
int cli_dry_run(const cli_command *command, fv_context *context, fv_experiment *experiment, const fv_config *config,
                bool json);

#endif
