/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_data_split.c - fovea data split: parts to train, validate and test on.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

typedef struct values {
    const char *parts, *to;
    int64_t seed, threads;
} values;

static const cli_option options[] = {
    { "parts", NULL, CLI_TEXT, "SHARES", offsetof(values, parts), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_NONE,
      "the share of each part: train=0.8,val=0.1,test=0.1" },
    { "to", NULL, CLI_TEXT, "FOLDER|FILE", offsetof(values, to), 0, 0, CLI_REQUIRED, NULL, CLI_COMPLETE_FOLDER,
      "folder to write, or a pack, whose name ends in .pack" },
    { "seed", NULL, CLI_INTEGER, "N", offsetof(values, seed), 0, 9e15, "1", NULL, CLI_COMPLETE_NONE, "of the draws" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(values, threads), 0, 1024, "(all)", NULL, CLI_COMPLETE_NONE,
      "threads that read" },
    { 0 },
};

enum { PARTS = 3 };
static const char *const parts[PARTS] = { "train", "test", "val" };

/* "train=0.8": one part. */
static int take_part(const cli_call *call, const char *text, double share[PARTS])
{
    char name[64], hint[128];
    const char *equals = strchr(text, '=');
    snprintf(name, sizeof name, "%.*s", equals != NULL ? (int)(equals - text) : 60, text);
    if (equals == NULL)
        return cli_usage_error(call->command, "--parts: '%s' is not PART=SHARE, as train=0.8", name);
    for (int p = 0; p < PARTS; p++)
        if (strcmp(parts[p], name) == 0) {
            if (share[p] >= 0)
                return cli_usage_error(call->command, "--parts: %s comes twice", name);
            if (!cli_read_real(equals + 1, &share[p]) || share[p] <= 0 || share[p] > 1)
                return cli_usage_error(call->command,
                                       "--parts: '%.40s' is no share of %s: a number above 0 and up to 1", equals + 1,
                                       name);
            return CLI_DONE;
        }
    return cli_usage_error(call->command, "--parts: there is no part '%s'%s; there are train, val and test", name,
                           cli_did_you_mean(name, "", parts, PARTS, hint, sizeof hint));
}

static int take_parts(const cli_call *call, const char *text, double share[PARTS])
{
    int status = CLI_DONE;
    char *copy = strdup(text), *rest = NULL;
    if (copy == NULL)
        return cli_fail(call->command, "out of memory");
    for (int p = 0; p < PARTS; p++)
        share[p] = -1;
    for (char *part = strtok_r(copy, ", ", &rest); status == CLI_DONE && part != NULL;
         part = strtok_r(NULL, ", ", &rest))
        status = take_part(call, part, share);
    for (int p = 0; p < PARTS; p++)
        share[p] = share[p] < 0 ? 0 : share[p];
    free(copy);
    return status;
}

static void show(void *user, int64_t done, int64_t total)
{
    if (*(bool *)user)
        fprintf(stderr, "\r%" PRId64 " of %" PRId64 " \r", done, total);
}

static int report(const cli_call *call, const fv_data_split_report *made)
{
    char count[32];
    printf("%s:", made->path);
    for (int i = 0; i < PARTS; i++) {
        const int p = i == 0 ? FV_SPLIT_TRAIN : i == 1 ? FV_SPLIT_VALIDATION : FV_SPLIT_TEST;
        if (made->samples[p] > 0)
            printf("%s %s %s%s", i > 0 ? "," : "", cli_grouped(made->samples[p], count, sizeof count), parts[p],
                   made->carried[p] > 0 ? " (as it was)" : "");
    }
    printf("\n");
    if (made->equal > 0)
        printf("kept together with an equal one: %" PRId64 "\n", made->equal);
    if (made->leaked > 0)
        printf("left out, being also in a split that stays as it was: %" PRId64 "\n", made->leaked);
    if (made->unreadable > 0)
        printf("left out, since they cannot be read: %" PRId64 "; fovea data check names them\n", made->unreadable);
    if (made->rest > 0)
        printf("in no part: %" PRId64 "\n", made->rest);
    if (made->thin > 0)
        printf("classes with too few samples for every part: %d\n", (int)made->thin);
    return cli_finish_output(call->command);
}

static int data_split_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    bool terminal = isatty(STDERR_FILENO) != 0;
    fv_data_split_options wanted = { .seed = (uint64_t)given->seed, .progress = show, .user = &terminal };
    fv_data_split_report made;
    int status = take_parts(call, given->parts, wanted.share);
    if (status == CLI_DONE)
        status = cli_open_context(call->command, &context, given->threads);
    if (status != CLI_DONE)
        return status;
    const fv_status split = fv_data_split(context, call->operands[0], given->to, &wanted, &made);
    if (split == FV_ERR_ARGUMENT)
        status = cli_usage_error(call->command, "%s", fv_context_message(context));
    else if (split != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(context));
    else
        status = report(call, &made);
    fv_context_destroy(context);
    return status;
}

const cli_command cli_data_split = {
    .name = "data split",
    .operands = "WHERE",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_DATA,
    .purpose = "Divide a data set into parts to train, validate and test on",
    .description =
        "The splits of WHERE that are named in --parts are taken together and divided anew, each class by itself; a "
        "split that is not named stays as it is.\nThe same images and seed give the same parts. Images of the same "
        "pixels go into one part. Sets of image files become manifests\n(train.csv, val.csv, test.csv), others a pack; "
        "--data takes the folder or the file. Nothing that is there is replaced.",
    .examples =
        (const char *const[]){ "fovea data split photos --parts train=0.8,val=0.1,test=0.1 --to parts",
                               "fovea data split mnist --parts train=0.9,val=0.1 --to mnist.pack --seed 7", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = data_split_run,
};
