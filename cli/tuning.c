/* SPDX-License-Identifier: Apache-2.0
 *
 * tuning.c - choices of algorithms between the library, the cache folder and the terminal.
 */
#include "tuning.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "progress.h"
#include "run.h"

const char *const cli_tuning_levels[] = { "off", "fast", "full", NULL };

/* "<cache>/fovea/tuning/<machine>.json", its folder made; NULL when the user has no such place. */
static char *cache_file(const fv_context *context)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    const bool given = cache != NULL && cache[0] == '/';
    char machine[192];
    if (!given && (home == NULL || home[0] != '/'))
        return NULL;
    fv_tuning_machine(context, machine, sizeof machine);
    const size_t size = strlen(given ? cache : home) + strlen(machine) + 64;
    char *path = malloc(size);
    if (path == NULL)
        return NULL;
    const int folder = snprintf(path, size, "%s%s/fovea/tuning", given ? cache : home, given ? "" : "/.cache");
    if (!cli_make_folder(path)) {
        free(path);
        return NULL;
    }
    snprintf(path + folder, size - (size_t)folder, "/%s.json", machine);
    return path;
}

static void show_choice(void *user, const fv_tuning_choice *choice)
{
    const cli_tuning *tuning = user;
    if (tuning->terminal)
        fprintf(stderr, "\r\033[Ktuning: %s %s: %s", choice->problem, choice->pass, choice->algorithm);
}

/* What is known already. The cache may be absent or spoilt: it is made anew. */
static int read_known(cli_tuning *tuning, fv_context *context, const char *choices)
{
    if (choices != NULL && fv_tuning_read(tuning->tuning, choices, true) != FV_OK)
        return cli_fail(tuning->command, "--choices: %s", fv_context_message(context));
    if (tuning->cache != NULL) {
        const fv_status status = fv_tuning_read(tuning->tuning, tuning->cache, false);
        if (status != FV_OK && status != FV_ERR_NOT_FOUND)
            fprintf(stderr, "fovea %s: warning: %s; it will be written anew\n", tuning->command->name,
                    fv_context_message(context));
    }
    tuning->known = fv_tuning_count(tuning->tuning);
    return CLI_DONE;
}

int cli_tuning_open(cli_tuning *tuning, const cli_command *command, fv_context *context, int64_t level,
                    const char *choices, bool quiet)
{
    const fv_tuning_options options = { .level = (fv_tune)level };
    *tuning = (cli_tuning){ .command = command, .quiet = quiet, .start = cli_seconds() };
    if (level == FV_TUNE_OFF && choices == NULL)
        return CLI_DONE;
    if (fv_tuning_create(&tuning->tuning, context, &options) != FV_OK)
        return cli_fail(command, "%s", fv_context_message(context));
    tuning->terminal = isatty(STDERR_FILENO) != 0;
    if (level != FV_TUNE_OFF)
        tuning->cache = cache_file(context);
    fv_tuning_on_choice(tuning->tuning, show_choice, tuning);
    return read_known(tuning, context, choices);
}

void cli_tuning_keep(cli_tuning *tuning)
{
    if (tuning->tuning == NULL)
        return;
    const int32_t measured = fv_tuning_count(tuning->tuning) - tuning->known;
    const int32_t left = fv_tuning_unmeasured(tuning->tuning);
    if (tuning->terminal)
        fputs("\r\033[K", stderr);
    if (!tuning->quiet && (measured > 0 || left > 0)) {
        fprintf(stderr, "tuned %d convolution passes in %.1f s, %d were known", (int)measured,
                cli_seconds() - tuning->start, (int)tuning->known);
        if (left > 0)
            fprintf(stderr, ", %d left to the estimate for want of time", (int)left);
        fprintf(stderr, "%s%s\n", tuning->cache != NULL ? "; kept in " : "",
                tuning->cache != NULL ? tuning->cache : "");
    }
    if (measured > 0 && tuning->cache != NULL && fv_tuning_write(tuning->tuning, tuning->cache) != FV_OK)
        fprintf(stderr, "fovea %s: warning: %s could not be written; the next run will measure again\n",
                tuning->command->name, tuning->cache);
    tuning->known += measured;
}

int cli_tuning_save(const cli_tuning *tuning, const char *folder)
{
    if (tuning->tuning == NULL)
        return CLI_DONE;
    const size_t size = strlen(folder) + sizeof "/tuning.json";
    char *path = malloc(size);
    if (path == NULL)
        return cli_fail(tuning->command, "out of memory");
    snprintf(path, size, "%s/tuning.json", folder);
    const fv_status status = fv_tuning_write(tuning->tuning, path);
    const int result = status == FV_OK ? CLI_DONE : cli_fail(tuning->command, "cannot write '%s'", path);
    free(path);
    return result;
}

void cli_tuning_close(cli_tuning *tuning)
{
    fv_tuning_destroy(tuning->tuning);
    free(tuning->cache);
    *tuning = (cli_tuning){ 0 };
}
