/* SPDX-License-Identifier: Apache-2.0
 *
 * report_text.c - a report for people: figures, a line per class, the confusion matrix of a few classes, the worst mistakes. Numbers are written
 * by integers, so that no locale puts a comma into them.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "train/report/report_internal.h"

enum { MOST_IN_MATRIX = 20, NAME_WIDTH = 24 };

const char *fvi_fixed(double value, int32_t digits, char text[FVI_FIXED_TEXT])
{
    static const int64_t powers[] = { 1, 10, 100, 1000, 10000, 100000, 1000000 };
    const int64_t power = powers[digits >= 0 && digits <= 6 ? digits : 6];
    const double scaled = fabs(value) * (double)power + 0.5;
    if (!(scaled < 9e15)) {
        snprintf(text, FVI_FIXED_TEXT, "%s", isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
        return text;
    }
    const int64_t whole = (int64_t)scaled;
    const char *sign = value < 0 && whole > 0 ? "-" : "";
    if (power == 1)
        snprintf(text, FVI_FIXED_TEXT, "%s%" PRId64, sign, whole);
    else
        snprintf(text, FVI_FIXED_TEXT, "%s%" PRId64 ".%0*" PRId64, sign, whole / power, (int)digits, whole % power);
    return text;
}

static void append_percent(fvi_text_buffer *to, int width, double share)
{
    char text[FVI_FIXED_TEXT];
    fvi_text_format(to, " %*s%%", width - 1, fvi_fixed(100 * share, 2, text));
}

static void append_number(fvi_text_buffer *to, int width, double value, int32_t digits)
{
    char text[FVI_FIXED_TEXT];
    fvi_text_format(to, " %*s", width, fvi_fixed(value, digits, text));
}

typedef enum kind { PERCENT, NUMBER } kind;

/* One line: what a figure is in each column, "-" where it was not measured. */
static void append_figure(fvi_text_buffer *to, const char *title, const fvi_report_column *columns, int32_t count,
                          size_t offset, kind as)
{
    fvi_text_format(to, "%-26s", title);
    for (int32_t i = 0; i < count; i++) {
        double value = 0;
        if (columns[i].report == NULL) {
            fvi_text_format(to, " %15s", "-");
            continue;
        }
        memcpy(&value, (const char *)columns[i].report + offset, sizeof value);
        if (as == PERCENT)
            append_percent(to, 15, value);
        else
            append_number(to, 15, value, 4);
    }
    fvi_text_append(to, "\n");
}

void fvi_report_print_figures(fvi_text_buffer *to, const fvi_report_column *columns, int32_t count)
{
    const fv_report *report = columns[0].report;
    static const struct {
        const char *title;
        size_t offset;
        kind as;
    } figures[] = {
        { "precision (macro)", offsetof(fv_report, precision), PERCENT },
        { "recall (macro)", offsetof(fv_report, recall), PERCENT },
        { "F1 (macro)", offsetof(fv_report, f1), PERCENT },
    };
    if (columns[0].title != NULL) {
        fvi_text_format(to, "%-26s", "");
        for (int32_t i = 0; i < count; i++)
            fvi_text_format(to, " %15s", columns[i].title);
        fvi_text_append(to, "\n");
    }
    append_figure(to, "loss", columns, count, offsetof(fv_report, loss), NUMBER);
    if (report->class_reports > 0)
        append_figure(to, report->classes > 0 ? "accuracy (top-1)" : "accuracy (all outputs)", columns, count,
                      offsetof(fv_report, accuracy), PERCENT);
    if (report->classes > 5)
        append_figure(to, "top-5", columns, count, offsetof(fv_report, top5), PERCENT);
    for (size_t i = 0; report->class_reports > 0 && i < sizeof figures / sizeof figures[0]; i++)
        append_figure(to, figures[i].title, columns, count, figures[i].offset, figures[i].as);
    if (report->classes > 0)
        append_figure(to, "calibration error", columns, count, offsetof(fv_report, calibration_error), PERCENT);
}

static void print_classes(fvi_text_buffer *to, const fv_report *report)
{
    fvi_text_format(to, "\n%-*s %9s %9s %9s %10s %10s %10s\n", NAME_WIDTH, "class", "samples", "answered", "correct",
                    "precision", "recall", "F1");
    for (int32_t i = 0; i < report->class_reports; i++) {
        const fv_class_report *one = &report->class_report[i];
        fvi_text_format(to, "%-*.*s %9" PRId64 " %9" PRId64 " %9" PRId64, NAME_WIDTH, NAME_WIDTH, one->name,
                        one->samples, one->predicted, one->correct);
        append_percent(to, 10, one->precision);
        append_percent(to, 10, one->recall);
        append_percent(to, 10, one->f1);
        fvi_text_append(to, "\n");
    }
}

static void print_matrix(fvi_text_buffer *to, const fv_report *report)
{
    fvi_text_format(to, "\nconfusion: a row is the true class, a column the network's answer\n%12s", "");
    for (int32_t i = 0; i < report->classes; i++)
        fvi_text_format(to, " %5.5s", report->class_report[i].name);
    fvi_text_append(to, "\n");
    for (int32_t row = 0; row < report->classes; row++) {
        fvi_text_format(to, "%12.12s", report->class_report[row].name);
        for (int32_t column = 0; column < report->classes; column++) {
            const int64_t count = report->confusion[(int64_t)row * report->classes + column];
            if (count > 0)
                fvi_text_format(to, " %5" PRId64, count);
            else
                fvi_text_format(to, " %5s", ".");
        }
        fvi_text_append(to, "\n");
    }
}

static void print_targets(fvi_text_buffer *to, const fv_report *report)
{
    fvi_text_format(to, "\n%-*s %15s %15s %10s\n", NAME_WIDTH, "target", "root of mean sq.", "mean error", "R2");
    for (int32_t i = 0; i < report->targets; i++) {
        const fv_target_report *one = &report->target[i];
        fvi_text_format(to, "%-*.*s", NAME_WIDTH, NAME_WIDTH, one->name);
        append_number(to, 16, one->rmse, 6);
        append_number(to, 15, one->mae, 6);
        append_number(to, 10, one->r2, 4);
        fvi_text_append(to, "\n");
    }
}

static void print_mistakes(fvi_text_buffer *to, const fv_report *report)
{
    char text[FVI_FIXED_TEXT], own[FVI_FIXED_TEXT];
    fvi_text_append(to, report->targets > 0 ? "\nfurthest off: sample, its file, the error\n"
                                            : "\nworst mistakes, those first of which it is surest\n");
    for (int32_t i = 0; i < report->mistakes; i++) {
        const fv_mistake *one = &report->mistake[i];
        if (report->targets > 0)
            fvi_text_format(to, "#%-8" PRId64 " %s  %s\n", one->sample, fvi_fixed(one->error, 6, text), one->file);
        else
            fvi_text_format(to, "#%-8" PRId64 " %.60s taken for %.60s, %s%% (its own: %s%%)  %.700s\n", one->sample,
                            report->class_report[one->label].name, report->class_report[one->predicted].name,
                            fvi_fixed(100 * one->probability, 1, text), fvi_fixed(100 * one->own_probability, 1, own),
                            one->file);
    }
}

void fvi_report_print_details(fvi_text_buffer *to, const fv_report *report)
{
    if (report->class_reports > 0)
        print_classes(to, report);
    if (report->targets > 0)
        print_targets(to, report);
    if (report->classes > 0 && report->classes <= MOST_IN_MATRIX)
        print_matrix(to, report);
    if (report->mistakes > 0)
        print_mistakes(to, report);
}

static void print_text(fvi_text_buffer *to, const fv_report *report)
{
    const fvi_report_column column = { NULL, report };
    fvi_text_format(to, "%" PRId64 " samples of %.900s\n", report->samples, report->data);
    if (report->skipped > 0)
        fvi_text_format(to, "%" PRId64 " more could not be read\n", report->skipped);
    fvi_text_append(to, "\n");
    fvi_report_print_figures(to, &column, 1);
    fvi_report_print_details(to, report);
}

fv_status fv_report_print(const fv_report *report, fv_report_format format, char **text)
{
    const fvi_report *r = (const fvi_report *)report;
    fvi_text_buffer buffer = { .context = r->context };
    *text = NULL;
    if (format == FV_REPORT_JSON)
        return fvi_report_dump(r->context, fvi_report_object(report), text);
    if (format != FV_REPORT_TEXT && report->classes == 0)
        return fvi_fail(r->context, FV_ERR_ARGUMENT, "report: there is no confusion matrix of values");
    if (format == FV_REPORT_TEXT)
        print_text(&buffer, report);
    else if (format == FV_REPORT_CONFUSION_CSV)
        fvi_confusion_csv(&buffer, report);
    else
        fvi_confusion_svg(&buffer, report);
    return fvi_text_finish(&buffer, text);
}

fv_status fvi_report_file(fv_context *context, const char *folder, const char *name, char *text)
{
    fvi_writer writer;
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = fvi_allocate(context, size);
    fv_status status = path != NULL ? FV_OK : fvi_out_of_memory(context, "a file name", size);
    if (status == FV_OK) {
        snprintf(path, size, "%s/%s", folder, name);
        status = fvi_writer_open(&writer, context, path);
    }
    if (status == FV_OK) {
        status = fvi_writer_append(&writer, text, strlen(text));
        if (status == FV_OK)
            status = fvi_writer_commit(&writer);
        fvi_writer_discard(&writer);
    }
    fvi_release(context, path);
    fvi_release(context, text);
    return status;
}

static fv_status write_one(const fv_report *report, const char *folder, fv_report_format format, const char *name)
{
    char *text = NULL;
    FV_TRY(fv_report_print(report, format, &text));
    return fvi_report_file(((const fvi_report *)report)->context, folder, name, text);
}

fv_status fvi_report_write_confusion(const fv_report *report, const char *folder)
{
    if (report->classes == 0)
        return FV_OK;
    FV_TRY(write_one(report, folder, FV_REPORT_CONFUSION_CSV, "confusion.csv"));
    return write_one(report, folder, FV_REPORT_CONFUSION_SVG, "confusion.svg");
}

fv_status fv_report_write(const fv_report *report, const char *folder)
{
    FV_TRY(write_one(report, folder, FV_REPORT_TEXT, "report.txt"));
    FV_TRY(write_one(report, folder, FV_REPORT_JSON, "report.json"));
    return fvi_report_write_confusion(report, folder);
}
