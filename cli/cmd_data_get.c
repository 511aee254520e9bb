/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_data_get.c - fovea data get: published data sets, downloaded, checked and put where --data finds them.
 */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "progress.h"

enum { BAR = 24, BAR_MS = 100, LINE_MS = 10000, INTERRUPTED = 130, TERMINATED = 143 };

typedef struct values {
    const char *to, *mirror;
    bool overwrite;
} values;

static const cli_option options[] = {
    { "to", NULL, CLI_TEXT, "FOLDER", offsetof(values, to), 0, 0, NULL, NULL, CLI_COMPLETE_FOLDER,
      "data folder, in which the set gets one of its own (default: $FOVEA_DATA, else ~/.local/share/fovea)" },
    { "mirror", NULL, CLI_TEXT, "ADDRESS", offsetof(values, mirror), 0, 0, NULL, NULL, CLI_COMPLETE_FOLDER,
      "where else the files are: an address or a folder, tried first (default: $FOVEA_MIRROR)" },
    { "overwrite", NULL, CLI_FLAG, NULL, offsetof(values, overwrite), 0, 0, NULL, NULL, CLI_COMPLETE_NONE,
      "replace files that are there and are not what was published" },
    { 0 },
};

static volatile sig_atomic_t caught; /* the signal, for the only place that a handler can reach */

static void take_signal(int signal)
{
    caught = signal;
}

static void catch_signals(void)
{
    struct sigaction action = { .sa_handler = take_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

typedef struct showing {
    bool terminal;
    double last;      /* when something was shown */
    const char *file; /* of which */
    fv_data_get_action action;
} showing;

static void show_bar(const fv_data_get_progress *now)
{
    char bar[BAR + 1], done[32], total[32], rate[32], left[32] = "?";
    const double share = now->total > 0 ? (double)now->done / (double)now->total : 0;
    const int filled = (int)(share * BAR);
    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)(filled < BAR ? filled : BAR));
    bar[BAR] = '\0';
    cli_bytes((size_t)now->done, done, sizeof done);
    cli_bytes((size_t)now->total, total, sizeof total);
    cli_bytes((size_t)now->rate, rate, sizeof rate);
    if (now->seconds_left >= 0)
        cli_clock(now->seconds_left, left, sizeof left);
    if (now->total > 0)
        fprintf(stderr, "\r\033[K%s [%s] %s of %s  %s/s  %s left", now->file, bar, done, total, rate, left);
    else
        fprintf(stderr, "\r\033[K%s %s  %s/s", now->file, done, rate);
}

static void show_line(const fv_data_get_progress *now)
{
    char done[32], total[32], rate[32], left[32];
    fprintf(stderr, "%s: %s", now->file, cli_bytes((size_t)now->done, done, sizeof done));
    if (now->total > 0)
        fprintf(stderr, " of %s", cli_bytes((size_t)now->total, total, sizeof total));
    fprintf(stderr, ", %s/s", cli_bytes((size_t)now->rate, rate, sizeof rate));
    if (now->seconds_left >= 0)
        fprintf(stderr, ", %s left", cli_clock(now->seconds_left, left, sizeof left));
    fputc('\n', stderr);
}

static bool show(void *user, const fv_data_get_progress *now)
{
    showing *shown = user;
    const double time = cli_seconds();
    const bool changed = shown->file != now->file || shown->action != now->action;
    if (caught != 0)
        return false;
    if (changed)
        shown->last = shown->terminal ? 0 : time;
    shown->file = now->file;
    shown->action = now->action;
    if (time - shown->last < (shown->terminal ? BAR_MS : LINE_MS) * 1e-3)
        return true;
    shown->last = time;
    if (now->action != FV_GET_DOWNLOAD && shown->terminal)
        fprintf(stderr, "\r\033[K%s %s", now->action == FV_GET_CHECK ? "checking" : "unpacking", now->file);
    else if (now->action == FV_GET_DOWNLOAD && shown->terminal)
        show_bar(now);
    else if (now->action == FV_GET_DOWNLOAD)
        show_line(now);
    fflush(stderr);
    return true;
}

/* Opens what was brought: what it holds is the best proof that it can be used. */
static int report(const cli_call *call, fv_context *context, const fv_data_get_report *got)
{
    char bytes[32], train[32], test[32];
    fv_dataset *splits[2] = { NULL };
    int status = CLI_DONE;
    for (int s = 0; status == CLI_DONE && s < 2; s++)
        if (fv_dataset_open(&splits[s], context, got->folder, (fv_split)s) != FV_OK)
            status = cli_fail(call->command, "%s", fv_context_message(context));
    if (status == CLI_DONE) {
        printf("%s: %s training and %s test images of %d classes in %s, ", call->operands[0],
               cli_grouped(fv_dataset_count(splits[0]), train, sizeof train),
               cli_grouped(fv_dataset_count(splits[1]), test, sizeof test), (int)fv_dataset_classes(splits[0]),
               got->folder);
        if (got->files > 0)
            printf("%d file%s downloaded (%s)\n", (int)got->files, got->files == 1 ? "" : "s",
                   cli_bytes((size_t)got->bytes, bytes, sizeof bytes));
        else
            printf("all there already and as published\n");
        printf("train on them with --data %s\n", got->found ? call->operands[0] : got->folder);
        status = cli_finish_output(call->command);
    }
    fv_dataset_destroy(splits[0]);
    fv_dataset_destroy(splits[1]);
    return status;
}

static int data_get_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    showing shown = { .terminal = isatty(STDERR_FILENO) != 0 };
    const fv_data_get_options wanted = {
        .to = given->to, .mirror = given->mirror, .overwrite = given->overwrite, .progress = show, .user = &shown
    };
    fv_data_get_report got;
    int status = cli_open_context(call->command, &context, 1);
    if (status != CLI_DONE)
        return status;
    catch_signals();
    const fv_status brought = fv_data_get(context, call->operands[0], &wanted, &got);
    if (shown.terminal)
        fputs("\r\033[K", stderr);
    if (brought == FV_OK)
        status = report(call, context, &got);
    else if (brought == FV_ERR_NOT_FOUND && got.folder[0] == '\0')
        status = cli_usage_error(call->command, "%s", fv_context_message(context));
    else
        status = cli_fail(call->command, "%s", fv_context_message(context));
    if (brought == FV_ERR_INTERRUPTED)
        status = caught == SIGTERM ? TERMINATED : INTERRUPTED;
    fv_context_destroy(context);
    return status;
}

const cli_command cli_data_get = {
    .name = "data get",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_DATA,
    .purpose = "Download a published data set",
    .description = "NAME is mnist, fashion-mnist, cifar-10 or cifar-100. The files are compared with their published "
                   "checksums, and CIFAR is unpacked, to\nwhere --data NAME finds it. What is there already is checked "
                   "and left alone. A download that was interrupted goes on\nwhere it stopped.",
    .examples = (const char *const[]){ "fovea data get mnist",
                                       "fovea data get cifar-10 --to sets --mirror /media/stick", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = data_get_run,
};
