/* SPDX-License-Identifier: Apache-2.0
 *
 * export_c.c - fovea export --to c: a model as C source, and how often it agrees with the library.
 */
#include "agreement.h"
#include "export.h"

static int print_report(const cli_export *export, const fv_c_source_report *report)
{
    const char *const out = export->given->out;
    char arena[32], constants[32], source[32], operations[32];
    printf("wrote %s.c (%s)%s%s.h%s%s%s: %d functions, %s multiply-adds\n", out,
           cli_bytes(report->source_bytes, source, sizeof source), export->given->blob ? ", " : " and ", out,
           export->given->blob ? " and " : "", export->given->blob ? out : "", export->given->blob ? ".bin" : "",
           (int)report->steps, cli_grouped(report->multiply_adds, operations, sizeof operations));
    printf("arena     %s bytes of memory; no placing needs less than %s\n",
           cli_grouped((int64_t)report->arena_bytes, arena, sizeof arena),
           cli_grouped((int64_t)report->least_bytes, source, sizeof source));
    printf("constants %s bytes\n", cli_grouped((int64_t)report->constant_bytes, constants, sizeof constants));
    printf("call      %s_predict(input, output)\n", report->name);
    return cli_finish_output(export->call->command);
}

/* The sets of --data: of no use to a float export without it. */
static int open_data(const cli_export *export, fv_dataset **train, fv_dataset **test)
{
    const cli_export_values *given = export->given;
    if (given->data == NULL && given->arithmetic == FV_C_FIXED_POINT)
        return cli_usage_error(export->call->command,
                               "--arithmetic fixed needs --data: training images say how large values become");
    if (given->data == NULL)
        return CLI_DONE;
    if (fv_dataset_open(train, export->context, given->data, FV_SPLIT_TRAIN) != FV_OK ||
        fv_dataset_open(test, export->context, given->data, FV_SPLIT_TEST) != FV_OK)
        return cli_fail(export->call->command, "%s", fv_context_message(export->context));
    return CLI_DONE;
}

static int write_source(const cli_export *export, const fv_dataset *train, const fv_dataset *test)
{
    const cli_export_values *given = export->given;
    const fv_c_source_options options = {
        .name = given->name,
        .arithmetic = (fv_c_arithmetic)given->arithmetic,
        .blob = given->blob,
        .no_self_test = given->no_self_test,
        .calibration = train,
        .calibration_images = (int32_t)given->images,
    };
    fv_c_source_report report;
    if (fv_c_source_write(export->context, export->model, given->out, &options, &report) != FV_OK)
        return cli_fail(export->call->command, "%s", fv_context_message(export->context));
    const int status = print_report(export, &report);
    return status == CLI_DONE && test != NULL ? cli_print_agreement(export, &report, test) : status;
}

int cli_export_c(const cli_export *export)
{
    fv_dataset *train = NULL, *test = NULL;
    int status = open_data(export, &train, &test);
    if (status == CLI_DONE)
        status = write_source(export, train, test);
    fv_dataset_destroy(test);
    fv_dataset_destroy(train);
    return status;
}
