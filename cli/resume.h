/* SPDX-License-Identifier: Apache-2.0
 *
 * resume.h - going on with the run of a folder: its config.yaml below what the command line says, its last checkpoint, its log.
 */
#ifndef CLI_RESUME_H
#define CLI_RESUME_H

#include "command.h"

typedef struct cli_resume {
    const cli_command *command;
    const char *run;  /* the folder, NULL: a new run */
    char *checkpoint; /* the file to go on from, NULL: the run had not saved one yet */
    bool changed;     /* the command line gives a value that config.yaml has not */
} cli_resume;

/* Reads run/config.yaml into the call's config, where what the command line gave stays. Refuses what a run cannot change when it
 * goes on. Prints on failure. */
int cli_resume_open(cli_resume *resume, const cli_call *call, const char *run);
/* Finds the last checkpoint that is whole; the context's log tells of others. Prints on failure. */
int cli_resume_find(cli_resume *resume, fv_context *context);
/* Puts the trainer there. Prints on failure. */
int cli_resume_restore(const cli_resume *resume, fv_trainer *trainer);
void cli_resume_close(cli_resume *resume);

/* Makes the log hold one line for each record, in order, whatever a killed run left: other lines before the last of them stay, what is behind
 * goes, what is missing is written. False: errno says why. */
bool cli_log_repair(const char *path, const fv_epoch_record *records, int32_t count);

#endif
