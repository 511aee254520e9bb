/* SPDX-License-Identifier: Apache-2.0
 *
 * progress.c - a bar on a terminal, a plain line now and then elsewhere.
 */
#include "progress.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"

enum { BAR = 24, BAR_INTERVAL_MS = 100, LINE_INTERVAL_MS = 30000 };

double cli_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void cli_progress_start(cli_progress *progress, bool silent)
{
    progress->terminal = isatty(STDERR_FILENO) != 0;
    progress->silent = silent && !progress->terminal;
    progress->last = cli_seconds();
}

const char *cli_clock(double seconds, char *text, size_t size)
{
    const long whole = (long)(seconds + 0.5);
    if (whole >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, size, "%ld:%02ld", whole / 60, whole % 60);
    return text;
}

void cli_progress_show(void *user, const fv_train_progress *now)
{
    cli_progress *progress = user;
    char bar[BAR + 1], rate[32], left[32];
    const double time = cli_seconds();
    if (progress->silent || time - progress->last < (progress->terminal ? BAR_INTERVAL_MS : LINE_INTERVAL_MS) * 1e-3)
        return;
    progress->last = time;
    const double share = now->total > 0 ? (double)now->done / (double)now->total : 1;
    const int filled = (int)(share * BAR);
    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)(filled < BAR ? filled : BAR));
    bar[BAR] = '\0';
    cli_grouped((int64_t)now->images_per_second, rate, sizeof rate);
    cli_clock(now->seconds_left, left, sizeof left);
    if (progress->terminal)
        fprintf(stderr, "\r\033[Kepoch %d/%d [%s] %3.0f%%  loss %.4f  accuracy %.2f%%  %s images/s  %s left",
                (int)now->epoch, (int)now->epochs, bar, 100 * share, now->loss, 100 * now->accuracy, rate, left);
    else
        fprintf(stderr, "epoch %d/%d %3.0f%%  loss %.4f  accuracy %.2f%%  %s images/s  %s left\n", (int)now->epoch,
                (int)now->epochs, 100 * share, now->loss, 100 * now->accuracy, rate, left);
    fflush(stderr);
}

void cli_progress_clear(cli_progress *progress)
{
    if (progress->terminal)
        fputs("\r\033[K", stderr);
    fflush(stderr);
}
