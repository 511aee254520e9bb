/* SPDX-License-Identifier: Apache-2.0
 *
 * experiment.h - what the commands share that train: the operand, and the network and data that it names.
 */
#ifndef CLI_EXPERIMENT_H
#define CLI_EXPERIMENT_H

#include "command.h"

/* The operand, an experiment file or a network, into call->config. Prints on failure. */
int cli_read_experiment(const cli_call *call, const char *operand);
/* Context and experiment of call->config, both the caller's also on failure: what the user's words decide alone. resumed: a run goes on, whose
 * network may have been moved. Prints on failure. */
int cli_open_experiment(const cli_call *call, fv_context **context, fv_experiment **experiment, bool resumed);

#endif
