/* SPDX-License-Identifier: Apache-2.0
 *
 * report_internal.h - what the files of a report share:
 *
 *   report.c       the figures
 *   report_text.c  as text
 *   report_json.c  as JSON
 *   confusion.c    the confusion matrix as CSV and SVG
 *   run_report.c   of a run: the last and the best epoch
 */
#ifndef FVI_REPORT_INTERNAL_H
#define FVI_REPORT_INTERNAL_H

#include <jansson.h>

#include "base/arena.h"
#include "base/text_buffer.h"
#include "fovea/report.h"

typedef struct fvi_report {
    fv_report told; /* first: fv_report_destroy() finds the rest behind it */
    fv_context *context;
    fvi_arena *arena; /* of all that it points to */
} fvi_report;

/* Space for a number with so many digits behind the point; the same in every locale. Returns text. */
enum { FVI_FIXED_TEXT = 48 };
const char *fvi_fixed(double value, int32_t digits, char text[FVI_FIXED_TEXT]);

/* A column of the table of figures: a report, and what it is of; NULL where it was not measured. */
typedef struct fvi_report_column {
    const char *title;
    const fv_report *report;
} fvi_report_column;
/* The table of figures side by side. */
void fvi_report_print_figures(fvi_text_buffer *to, const fvi_report_column *columns, int32_t count);
/* Classes, confusion (of few classes) and mistakes. */
void fvi_report_print_details(fvi_text_buffer *to, const fv_report *report);
/* As an object, the caller's; NULL when memory is short. */
json_t *fvi_report_object(const fv_report *report);
/* A text, with '?' for what is not ASCII where it is not UTF-8, as names of files may be. */
json_t *fvi_report_string(const char *text);
/* A number, or null where it is not finite. */
json_t *fvi_report_number(double value);
void fvi_confusion_csv(fvi_text_buffer *to, const fv_report *report);
void fvi_confusion_svg(fvi_text_buffer *to, const fv_report *report);
/* folder/name holds text then. Releases text. */
fv_status fvi_report_file(fv_context *context, const char *folder, const char *name, char *text);
/* confusion.csv and confusion.svg, where there are classes. */
fv_status fvi_report_write_confusion(const fv_report *report, const char *folder);
/* An object as text with a newline behind; takes it. */
fv_status fvi_report_dump(fv_context *context, json_t *object, char **text);

#endif
