/* SPDX-License-Identifier: Apache-2.0
 *
 * run.h - the run folder: config.yaml (as resolved, with the origin of each value), log.jsonl (an object per epoch) and
 * model.safetensors. Formats: docs/formats.md.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "command.h"

typedef struct cli_run {
    const cli_command *command;
    FILE *log;
    char *model_path, *log_path, *checkpoints;
    bool values; /* targets are values: there is no accuracy to print */
} cli_run;

/* Makes the folder (and those above it) where missing, writes config.yaml and opens the log. Refuses a folder that holds
 * a model or checkpoints unless overwrite. Everything that could keep the run from being saved shows here, before it starts. Prints on failure. */
int cli_run_open(cli_run *run, const cli_call *call, const char *folder, bool overwrite);
/* The same for a run that goes on, in its folder or another: the log is brought to hold these records (resume.h) and then continued.
 * new_config: config.yaml is written anew. */
int cli_run_continue(cli_run *run, const cli_call *call, const char *folder, bool new_config,
                     const fv_epoch_record *records, int32_t count);
/* The line of an epoch. */
bool cli_run_write_record(FILE *file, const fv_epoch_record *record);
/* Logs an epoch and prints it: as a table line, or as JSON. */
int cli_run_log(cli_run *run, const fv_epoch_record *record, int epochs, bool json);
/* " accuracy  97.50%", or "" where there is none. Returns text. */
const char *cli_run_accuracy(const cli_run *run, double accuracy, char *text, size_t size);
void cli_run_close(cli_run *run);
/* Makes folder and those above it. False: errno says why. */
bool cli_make_folder(const char *folder);

#endif
