/* SPDX-License-Identifier: Apache-2.0
 *
 * tuning.h - --tune and --choices of the commands that plan: choices of algorithms are measured once a machine and kept in the
 * user's cache folder ($XDG_CACHE_HOME/fovea/tuning, else ~/.cache/fovea/tuning).
 */
#ifndef CLI_TUNING_H
#define CLI_TUNING_H

#include "command.h"

/* The options, for a command's values `type` with members tune (int64_t) and choices (const char *), with keys or NULL. */
#define CLI_TUNING_OPTIONS(type, tune_key, choices_key)                                                                \
    { "tune",                                                                                                          \
      tune_key,                                                                                                        \
      CLI_CHOICE,                                                                                                      \
      "LEVEL",                                                                                                         \
      offsetof(type, tune),                                                                                            \
      0,                                                                                                               \
      0,                                                                                                               \
      "off",                                                                                                           \
      cli_tuning_levels,                                                                                               \
      CLI_COMPLETE_NONE,                                                                                               \
      "time the algorithms of each convolution on this machine, fast or full, instead of estimating" },                \
    {                                                                                                                  \
        "choices", choices_key, CLI_TEXT, "FILE", offsetof(type, choices), 0, 0, NULL, NULL, CLI_COMPLETE_FILE,        \
            "keep to the algorithms of an earlier run: its tuning.json"                                                \
    }

extern const char *const cli_tuning_levels[];

typedef struct cli_tuning {
    const cli_command *command;
    fv_tuning *tuning; /* NULL: off */
    char *cache;       /* file in the cache folder, or NULL */
    int32_t known;     /* choices read from files */
    double start;
    bool terminal, quiet;
} cli_tuning;

/* Before planning: gives the context a tuning of this level (an index of cli_tuning_levels) with what is in the cache, or
 * with the choices of a file. quiet: nothing is printed but failures. Prints on failure. */
int cli_tuning_open(cli_tuning *tuning, const cli_command *command, fv_context *context, int64_t level,
                    const char *choices, bool quiet);
/* After planning: tells what was measured and keeps it in the cache. A cache that cannot be written is a warning. */
void cli_tuning_keep(cli_tuning *tuning);
/* The choices into a run's folder, where there are any. Prints on failure. */
int cli_tuning_save(const cli_tuning *tuning, const char *folder);
void cli_tuning_close(cli_tuning *tuning);

#endif
