/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_data_pack.c - fovea data pack: a data set decoded once, into one file.
 */
#include <inttypes.h>
#include <unistd.h>

#include "command.h"
#include "progress.h"

typedef struct values {
    const char *to;
    int64_t resize, bad, threads;
} values;

static const char *const bad_words[] = { "stop", "skip", NULL };

static const cli_option options[] = {
    { "to", NULL, CLI_TEXT, "FILE", offsetof(values, to), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_FILE,
      "file to write; it is replaced when it is there" },
    { "resize", NULL, CLI_INTEGER, "N", offsetof(values, resize), 0, 65535, "0", NULL, CLI_COMPLETE_NONE,
      "make images so large on their shorter side; 0: as they are" },
    { "bad", NULL, CLI_CHOICE, "WHAT", offsetof(values, bad), 0, 0, "stop", bad_words, CLI_COMPLETE_NONE,
      "a sample that cannot be read: stop, or skip it with a warning" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(values, threads), 0, 1024, "(all)", NULL, CLI_COMPLETE_NONE,
      "threads that decode" },
    { 0 },
};

static const char *const splits[] = { "train", "test", "val" };

typedef struct showing {
    bool terminal;
    double last;
} showing;

static bool show(void *user, fv_split split, int64_t done, int64_t total)
{
    showing *shown = user;
    const double time = cli_seconds();
    if (shown->terminal && time - shown->last > 0.1) {
        shown->last = time;
        fprintf(stderr, "\r\033[K%s: %" PRId64 " of %" PRId64, splits[split], done, total);
    }
    return true;
}

static int data_pack_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    showing shown = { .terminal = isatty(STDERR_FILENO) != 0 };
    const fv_data_pack_options wanted = {
        .resize = (int32_t)given->resize, .skip_bad = given->bad == 1, .progress = show, .user = &shown
    };
    fv_data_pack_report made;
    char count[32], bytes[32];
    int status = cli_open_context(call->command, &context, given->threads);
    if (status != CLI_DONE)
        return status;
    const fv_status packed = fv_data_pack(context, call->operands[0], given->to, &wanted, &made);
    if (shown.terminal)
        fputs("\r\033[K", stderr);
    if (packed != FV_OK) {
        status = cli_fail(call->command, "%s", fv_context_message(context));
    } else {
        printf("%s:", given->to);
        for (int s = 0; s < 3; s++)
            if (made.samples[s] > 0)
                printf(" %s %s,", cli_grouped(made.samples[s], count, sizeof count), splits[s]);
        if (made.skipped > 0)
            printf(" %" PRId64 " left out,", made.skipped);
        printf(" %s\n", cli_bytes((size_t)made.bytes, bytes, sizeof bytes));
        status = cli_finish_output(call->command);
    }
    fv_context_destroy(context);
    return status;
}

const cli_command cli_data_pack = {
    .name = "data pack",
    .operands = "WHERE",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_DATA,
    .purpose = "Decode a data set once, into one file that is mapped into memory afterwards",
    .description =
        "WHERE is what fovea train --data takes, and so is the file: it has the same splits, samples, "
        "classes and targets, and training on it\ngives the same weights; with --resize too, where that is what "
        "training does itself: 256 for networks of 224x224.",
    .examples = (const char *const[]){ "fovea data pack photos --to photos.pack --resize 256",
                                       "fovea train resnet-18 --data photos.pack", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = data_pack_run,
};
