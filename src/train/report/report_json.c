/* SPDX-License-Identifier: Apache-2.0
 *
 * report_json.c - a report as one JSON object: docs/formats.md#reports.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/report/report_internal.h"

json_t *fvi_report_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *fvi_report_string(const char *text)
{
    json_t *string = json_string(text);
    char *plain = string == NULL ? strdup(text) : NULL;
    for (size_t i = 0; plain != NULL && plain[i] != '\0'; i++)
        plain[i] = (unsigned char)plain[i] < 128 ? plain[i] : '?';
    if (plain != NULL)
        string = json_string(plain);
    free(plain);
    return string;
}

/* Each returns NULL when memory is short; jansson's setters take NULL and say so. */
static json_t *means(const fv_report *report)
{
    return json_pack("{s:o, s:o, s:o}", "precision", fvi_report_number(report->precision), "recall",
                     fvi_report_number(report->recall), "f1", fvi_report_number(report->f1));
}

static json_t *classes(const fv_report *report)
{
    json_t *list = json_array();
    bool good = list != NULL;
    for (int32_t i = 0; good && i < report->class_reports; i++) {
        const fv_class_report *one = &report->class_report[i];
        good = json_array_append_new(
                   list, json_pack("{s:i, s:o, s:I, s:I, s:I, s:o, s:o, s:o}", "index", (int)i, "name",
                                   fvi_report_string(one->name), "samples", (json_int_t)one->samples, "predicted",
                                   (json_int_t)one->predicted, "correct", (json_int_t)one->correct, "precision",
                                   fvi_report_number(one->precision), "recall", fvi_report_number(one->recall), "f1",
                                   fvi_report_number(one->f1))) == 0;
    }
    return list;
}

static json_t *confusion(const fv_report *report)
{
    json_t *rows = json_array();
    for (int32_t row = 0; row < report->classes; row++) {
        json_t *line = json_array();
        for (int32_t column = 0; column < report->classes; column++)
            json_array_append_new(line, json_integer(report->confusion[(int64_t)row * report->classes + column]));
        json_array_append_new(rows, line);
    }
    return rows;
}

static json_t *calibration(const fv_report *report)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < report->bins; i++) {
        const fv_calibration_bin *bin = &report->bin[i];
        json_array_append_new(list,
                              json_pack("{s:f, s:f, s:I, s:o, s:o}", "low", bin->low, "high", bin->high, "samples",
                                        (json_int_t)bin->samples, "accuracy", fvi_report_number(bin->accuracy),
                                        "confidence", fvi_report_number(bin->confidence)));
    }
    return list;
}

static json_t *mistakes(const fv_report *report)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < report->mistakes; i++) {
        const fv_mistake *one = &report->mistake[i];
        if (report->classes == 0)
            json_array_append_new(list,
                                  json_pack("{s:I, s:o, s:o}", "index", (json_int_t)one->sample, "file",
                                            fvi_report_string(one->file), "error", fvi_report_number(one->error)));
        else
            json_array_append_new(list,
                                  json_pack("{s:I, s:o, s:i, s:i, s:o, s:o}", "index", (json_int_t)one->sample, "file",
                                            fvi_report_string(one->file), "label", (int)one->label, "predicted",
                                            (int)one->predicted, "probability", fvi_report_number(one->probability),
                                            "own_probability", fvi_report_number(one->own_probability)));
    }
    return list;
}

static json_t *targets(const fv_report *report)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < report->targets; i++) {
        const fv_target_report *one = &report->target[i];
        json_array_append_new(list, json_pack("{s:i, s:o, s:o, s:o, s:o}", "index", (int)i, "name",
                                              fvi_report_string(one->name), "rmse", fvi_report_number(one->rmse), "mae",
                                              fvi_report_number(one->mae), "r2", fvi_report_number(one->r2)));
    }
    return list;
}

json_t *fvi_report_object(const fv_report *report)
{
    json_t *object =
        json_pack("{s:o, s:I, s:I, s:o, s:o}", "data", fvi_report_string(report->data), "samples",
                  (json_int_t)report->samples, "skipped", (json_int_t)report->skipped, "loss",
                  fvi_report_number(report->loss), "images_per_second", fvi_report_number(report->images_per_second));
    bool good = object != NULL;
    if (good && report->class_reports > 0) {
        good = json_object_set_new(object, "accuracy", fvi_report_number(report->accuracy)) == 0;
        good = json_object_set_new(object, "macro", means(report)) == 0 && good;
        good = json_object_set_new(object, "classes", classes(report)) == 0 && good;
    }
    if (good && report->classes > 5)
        good = json_object_set_new(object, "top5", fvi_report_number(report->top5)) == 0;
    if (good && report->classes > 0) {
        good = json_object_set_new(object, "calibration_error", fvi_report_number(report->calibration_error)) == 0;
        good = json_object_set_new(object, "calibration", calibration(report)) == 0 && good;
        good = json_object_set_new(object, "confusion", confusion(report)) == 0 && good;
    }
    if (good && report->targets > 0)
        good = json_object_set_new(object, "targets", targets(report)) == 0;
    if (good && report->mistakes > 0)
        good = json_object_set_new(object, "mistakes", mistakes(report)) == 0;
    if (good)
        return object;
    json_decref(object);
    return NULL;
}

fv_status fvi_report_dump(fv_context *context, json_t *object, char **text)
{
    fvi_text_buffer buffer = { .context = context };
    char *dump =
        object != NULL ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12)) : NULL;
    *text = NULL;
    json_decref(object);
    if (dump == NULL)
        return fvi_out_of_memory(context, "a report as JSON", 0);
    fvi_text_append(&buffer, dump);
    fvi_text_append(&buffer, "\n");
    free(dump);
    return fvi_text_finish(&buffer, text);
}
