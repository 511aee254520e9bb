/* SPDX-License-Identifier: Apache-2.0
 *
 * progress.h - a bar on a terminal, a plain line now and then elsewhere. On stderr, so that stdout can be read by programs.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>

#include "fovea/trainer.h"

typedef struct cli_progress {
    bool terminal, silent;
    double last; /* when something was shown, in seconds */
} cli_progress;

void cli_progress_start(cli_progress *progress, bool silent);
/* For fv_trainer_on_progress(); user is a cli_progress. */
void cli_progress_show(void *user, const fv_train_progress *now);
/* Removes the bar before other output. */
void cli_progress_clear(cli_progress *progress);
/* Seconds on a clock that only runs forward. */
double cli_seconds(void);
/* "1:05" or "2:01:05". Returns text. */
const char *cli_clock(double seconds, char *text, size_t size);

#endif
