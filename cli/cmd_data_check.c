/* SPDX-License-Identifier: Apache-2.0
 *
 * cmd_data_check.c - fovea data check: reads every sample of a data set and names those that are damaged, odd, there twice, or in
 * two splits.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

typedef struct values {
    const char *manifest;
    int64_t threads, most;
    bool json;
} values;

static const cli_option options[] = {
    { "manifest", NULL, CLI_TEXT, "FILE", offsetof(values, manifest), 0, 0, NULL, NULL, CLI_COMPLETE_FILE,
      "write a CSV file of all samples, with their label, size and a hash of their pixels" },
    { "most", NULL, CLI_INTEGER, "N", offsetof(values, most), 0, 1e9, "20", NULL, CLI_COMPLETE_NONE,
      "print so many findings of each kind at most; 0: all" },
    { "threads", NULL, CLI_INTEGER, "N", offsetof(values, threads), 0, 1024, "(all)", NULL, CLI_COMPLETE_NONE,
      "threads" },
    { "json", NULL, CLI_FLAG, NULL, offsetof(values, json), 0, 0, NULL, NULL, CLI_COMPLETE_NONE, "one JSON object" },
    { 0 },
};

static const char *const splits[FV_DATA_SPLITS] = { "train", "test", "val" };

static void show_progress(void *user, int64_t done, int64_t total)
{
    if (*(bool *)user)
        fprintf(stderr, "\r%" PRId64 " of %" PRId64 " \r", done, total);
}

static void print_split(const fv_data_check *check, int split)
{
    char count[32];
    int64_t least = INT64_MAX, most = 0;
    int32_t rarest = 0, commonest = 0;
    if (check->split[split] == NULL)
        return;
    printf("%-5s %s samples", splits[split], cli_grouped(check->samples[split], count, sizeof count));
    for (int32_t c = 0; c < check->classes; c++) {
        const int64_t here = check->histogram[split][c];
        rarest = here < least ? c : rarest;
        least = here < least ? here : least;
        commonest = here > most ? c : commonest;
        most = here > most ? here : most;
    }
    if (check->classes > 0)
        printf(", %" PRId64 " (%s) to %" PRId64 " (%s) of a class", least,
               fv_dataset_class_name(check->split[split], rarest), most,
               fv_dataset_class_name(check->split[split], commonest));
    printf("\n");
    for (int32_t c = 0; check->classes <= 20 && c < check->classes; c++)
        printf("      %8" PRId64 "  %s\n", check->histogram[split][c], fv_dataset_class_name(check->split[split], c));
}

static void print_findings(const fv_data_check *check, int64_t most)
{
    for (int problem = 0; problem < FV_DATA_PROBLEMS; problem++) {
        int64_t printed = 0;
        for (int64_t i = 0; i < check->finding_count && (most == 0 || printed < most); i++)
            if (check->findings[i].problem == (fv_data_problem)problem) {
                printf("%s: %s\n", fv_data_problem_name((fv_data_problem)problem), check->findings[i].text);
                printed++;
            }
        if (printed < check->count[problem])
            printf("%s: and %" PRId64 " more; --most 0 prints all\n", fv_data_problem_name((fv_data_problem)problem),
                   check->count[problem] - printed);
    }
}

static void print_text(const char *where, const fv_data_check *check, const values *given)
{
    printf("%s, %d classes\n", where, (int)check->classes);
    for (int s = 0; s < FV_DATA_SPLITS; s++)
        print_split(check, s);
    if (check->smallest.c > 0) {
        printf("sizes %dx%d to %dx%d, %d%s%s channels\n", (int)check->smallest.h, (int)check->smallest.w,
               (int)check->largest.h, (int)check->largest.w, (int)check->smallest.c,
               check->smallest.c != check->largest.c ? " or " : "",
               check->smallest.c == check->largest.c ? ""
               : check->largest.c == 3               ? "3"
                                                     : "more");
        printf("mean %.4f %.4f %.4f, deviation %.4f %.4f %.4f of the training pixels\n", check->mean[0], check->mean[1],
               check->mean[2], check->deviation[0], check->deviation[1], check->deviation[2]);
    }
    if (check->finding_count > 0)
        printf("\n");
    print_findings(check, given->most);
    printf("%s\n", check->finding_count == 0 ? "nothing is wrong" : "");
}

static json_t *split_object(const fv_data_check *check, int split)
{
    json_t *classes = json_object();
    for (int32_t c = 0; c < check->classes; c++)
        json_object_set_new(classes, fv_dataset_class_name(check->split[split], c),
                            json_integer(check->histogram[split][c]));
    return json_pack("{s:I,s:o}", "samples", (json_int_t)check->samples[split], "classes", classes);
}

static int print_object(const cli_command *command, const fv_data_check *check)
{
    json_t *parts = json_object(), *findings = json_array();
    for (int s = 0; s < FV_DATA_SPLITS; s++)
        if (check->split[s] != NULL)
            json_object_set_new(parts, splits[s], split_object(check, s));
    for (int64_t i = 0; i < check->finding_count; i++) {
        const fv_data_finding *finding = &check->findings[i];
        json_array_append_new(
            findings, json_pack("{s:s,s:s,s:I,s:s}", "problem", fv_data_problem_name(finding->problem), "split",
                                splits[finding->split], "sample", (json_int_t)finding->sample, "text", finding->text));
    }
    return cli_print_json(command,
                          json_pack("{s:o,s:o,s:o,s:[f,f,f],s:[f,f,f],s:o}", "splits", parts, "smallest",
                                    cli_json_shape(check->smallest), "largest", cli_json_shape(check->largest), "mean",
                                    check->mean[0], check->mean[1], check->mean[2], "deviation", check->deviation[0],
                                    check->deviation[1], check->deviation[2], "findings", findings));
}

static int data_check_run(cli_call *call)
{
    const values *given = call->values;
    fv_context *context = NULL;
    fv_data_check check = { .context = NULL };
    bool shown = !given->json && isatty(STDERR_FILENO);
    int status = cli_open_context(call->command, &context, given->threads);
    if (status == CLI_DONE && fv_data_check_run(context, call->operands[0], show_progress, &shown, &check) != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(context));
    if (status == CLI_DONE && given->manifest != NULL && fv_data_check_write_manifest(&check, given->manifest) != FV_OK)
        status = cli_fail(call->command, "%s", fv_context_message(context));
    if (status == CLI_DONE && given->json) {
        status = print_object(call->command, &check);
    } else if (status == CLI_DONE) {
        print_text(call->operands[0], &check, given);
        status = cli_finish_output(call->command);
    }
    if (status == CLI_DONE && (check.count[FV_DATA_UNREADABLE] > 0 || check.count[FV_DATA_LEAKED] > 0))
        status = CLI_FAILED;
    fv_data_check_release(&check);
    fv_context_destroy(context);
    return status;
}

const cli_command cli_data_check = {
    .name = "data check",
    .operands = "WHERE",
    .min_operands = 1,
    .max_operands = 1,
    .completion = CLI_COMPLETE_DATA,
    .purpose = "Read a whole data set and name what is wrong with it",
    .description = "Every sample of every split is decoded. Named are files that cannot be read, the same pixels in "
                   "two splits (leaked), "
                   "twice in\none split (duplicate) or there with two labels (contradicted), and odd images: of one "
                   "colour, very small or very long.\n"
                   "The status is 1 when something cannot be read or is leaked.",
    .examples =
        (const char *const[]){ "fovea data check photos", "fovea data check photos --manifest photos.csv", NULL },
    .options = options,
    .values_size = sizeof(values),
    .run = data_check_run,
};
