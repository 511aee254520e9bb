/* SPDX-License-Identifier: Apache-2.0
 *
 * option.h - the table that describes a command. It drives parsing, `fovea help COMMAND`, the manual page and shell
 * completion, so none of them can disagree with another. A command that is configured also takes the keys of the library's table
 * (include/fovea/config.h), which is what experiment files, --set and config.yaml go by.
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fovea/config.h"

/* The command's exit statuses. 130 and 143: interrupted by SIGINT or SIGTERM, with the state saved. */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

typedef enum cli_type {
    CLI_FLAG,    /* bool */
    CLI_INTEGER, /* int64_t */
    CLI_REAL,    /* double */
    CLI_BYTES,   /* int64_t: an amount of memory */
    CLI_TEXT,    /* const char * */
    CLI_CHOICE,  /* int64_t: index in words */
    CLI_SETTING  /* no member of its own: "key=value", sets a key of the library's table */
} cli_type;

/* What the shell may offer for a value. */
typedef enum cli_completion {
    CLI_COMPLETE_NONE,
    CLI_COMPLETE_FILE,
    CLI_COMPLETE_FOLDER,
    CLI_COMPLETE_NETWORK,
    CLI_COMPLETE_DATA
} cli_completion;

typedef struct cli_option {
    const char *
        name; /* "epochs" for --epochs; NULL: reached through --set only. "out" is -o too, the only one with a short form */
    const char *key; /* "train.epochs" for --set and config.yaml, or NULL */
    cli_type type;
    const char *value;        /* how help calls the value: "N" */
    size_t offset;            /* of the member in the command's struct */
    double low, high;         /* INTEGER and REAL: legal range, ends included */
    const char *fallback;     /* the default: parsed like a value, so help cannot differ from it; NULL: zero.
                               * "(words)": for help only, the member stays zero until the command fills it */
    const char *const *words; /* CHOICE: NULL-terminated */
    cli_completion completion;
    const char *help; /* one line */
} cli_option;

/* Where a value came from. */
typedef enum cli_origin { CLI_FROM_DEFAULT, CLI_FROM_OPTION } cli_origin;

enum { CLI_MAX_OPTIONS = 40 }; /* of its own, without those of the library's keys */

/* A fallback that says: there is none, the user must give one. */
#define CLI_REQUIRED "(required)"

struct cli_command;

/* A parsed command line. Texts are borrowed from argv. */
typedef struct cli_call {
    const struct cli_command *command;
    void *values;               /* the command's struct, as large as command->values_size */
    fv_config *config;          /* where command->configured, else NULL */
    fv_context *config_context; /* for its messages */
    cli_origin origin[CLI_MAX_OPTIONS];
    const char **operands;
    int operand_count;
} cli_call;

typedef struct cli_command {
    const char *name;               /* one or two words: "train", "data export" */
    const char *operands;           /* as help shows them: "NAME|FILE" */
    int min_operands, max_operands; /* max -1: any number */
    cli_completion completion;      /* of the operands */
    const char *purpose;            /* one line */
    const char *description;        /* paragraphs, separated by an empty line */
    const char *const *examples;    /* NULL-terminated command lines, or NULL */
    const cli_option *options;      /* ends with a help of NULL */
    bool configured;                /* also takes the library's keys (fv_config_key) as options and in --set */
    size_t values_size;
    int (*run)(cli_call *call);
} cli_command;

/* The command table, NULL-terminated, in the order of help. In main.c. */
extern const cli_command *const cli_commands[];

/* Fills call from argv[0..count-1] (what follows the command's name). call->values must be zeroed memory of values_size
 * and call->operands an array of count entries. Prints to stderr and returns CLI_USAGE on a mistake, else CLI_DONE.
 * *wants_help is set by --help. */
int cli_parse(cli_call *call, int count, char **argv, bool *wants_help);
/* Whether the user gave this option of the command's own. */
bool cli_was_given(const cli_call *call, const char *name);
/* The command's options: its own, then those of the library's keys. */
int cli_option_count(const cli_command *command);
cli_option cli_option_at(const cli_command *command, int index);
/* Prints "fovea: COMMAND: message" and the hint to read help; returns CLI_USAGE. command may be NULL. */
int cli_usage_error(const cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes "; did you mean '<prefix><word>'?" or "" for the word nearest to `given` among words. Returns text. */
const char *cli_did_you_mean(const char *given, const char *prefix, const char *const *words, size_t count, char *text,
                             size_t size);
/* A whole number or a finite real in the C locale's form, nothing behind it. */
bool cli_read_integer(const char *text, int64_t *value);
bool cli_read_real(const char *text, double *value);

/* help.c: pages made from the tables. */
void cli_print_overview(FILE *stream);
void cli_print_help(FILE *stream, const cli_command *command);
void cli_print_keys(FILE *stream);
void cli_print_completion_bash(FILE *stream);
void cli_print_completion_zsh(FILE *stream);
const cli_command *cli_find_command(const char *name);
/* "--epochs N". Returns text. */
const char *cli_option_form(const cli_option *option, char *text, size_t size);
/* "help; default 10; key train.epochs" */
void cli_print_option_help(FILE *stream, const cli_option *option);

/* manual.c: fovea(1); the page of a command; all of them into a folder, which is made: prints on failure. */
void cli_print_manual(FILE *stream);
void cli_print_manual_of(FILE *stream, const cli_command *command);
int cli_write_manual(const cli_command *command, const char *folder);

#endif
