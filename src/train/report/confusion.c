/* SPDX-License-Identifier: Apache-2.0
 *
 * confusion.c - a confusion matrix as CSV, and as a picture in SVG: blue on the diagonal, red beside it, darker the larger a cell's share of its
 * row (off the diagonal by the root of it, so that rare mistakes show). Cells that are empty are not drawn, numbers and names where
 * they fit.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/report/report_internal.h"

enum { MOST_NUMBERED = 20, MOST_NAMED = 100, LONGEST_NAME = 18, LETTER = 7, MARGIN = 16, HEAD = 56, LEAST_WIDTH = 560 };

static void append_quoted(fvi_text_buffer *to, const char *name)
{
    const bool plain = strpbrk(name, ",\"\r\n") == NULL;
    if (plain) {
        fvi_text_append(to, name);
        return;
    }
    fvi_text_append(to, "\"");
    for (const char *at = name; *at != '\0'; at++) {
        const char one[3] = { *at, *at == '"' ? '"' : '\0', '\0' };
        fvi_text_append(to, one);
    }
    fvi_text_append(to, "\"");
}

void fvi_confusion_csv(fvi_text_buffer *to, const fv_report *report)
{
    fvi_text_append(to, "true class");
    for (int32_t i = 0; i < report->classes; i++) {
        fvi_text_append(to, ",");
        append_quoted(to, report->class_report[i].name);
    }
    fvi_text_append(to, "\n");
    for (int32_t row = 0; row < report->classes; row++) {
        append_quoted(to, report->class_report[row].name);
        for (int32_t column = 0; column < report->classes; column++)
            fvi_text_format(to, ",%" PRId64, report->confusion[(int64_t)row * report->classes + column]);
        fvi_text_append(to, "\n");
    }
}

/* Cut to `most` characters, with what XML keeps for itself written otherwise; bytes that are not UTF-8 become '?'. */
static void append_name(fvi_text_buffer *to, const char *name, int most)
{
    for (int count = 0; *name != '\0'; count++) {
        const unsigned char lead = (unsigned char)*name;
        size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0, i = 1;
        char one[8] = "?";
        if (count == most) {
            fvi_text_append(to, "\xE2\x80\xA6"); /* an ellipsis */
            return;
        }
        while (i < length && ((unsigned char)name[i] & 0xC0) == 0x80)
            i++;
        if (i == length && lead >= ' ')
            snprintf(one, sizeof one, "%.*s", (int)length, name);
        fvi_text_append(to, one[0] == '<' ? "&lt;" : one[0] == '>' ? "&gt;" : one[0] == '&' ? "&amp;" : one);
        name += i == length && length > 0 ? length : 1;
    }
}

/* Where things lie, in pixels. */
typedef struct layout {
    int cell, letters, left, top, width, height;
} layout;

static layout make_layout(const fv_report *report)
{
    const int n = report->classes;
    layout at = { .cell = n <= MOST_NUMBERED ? 40 : n <= 40 ? 22 : n <= MOST_NAMED ? 12 : n <= 500 ? 2 : 1 };
    for (int i = 0; i < n && n <= MOST_NAMED; i++) {
        const int length = (int)strlen(report->class_report[i].name);
        at.letters = length > at.letters ? length : at.letters;
    }
    at.letters = at.letters > LONGEST_NAME ? LONGEST_NAME + 1 : at.letters;
    at.left = MARGIN + at.letters * LETTER + 8;
    at.top = HEAD + at.letters * LETTER + 8;
    at.width = at.left + n * at.cell + MARGIN;
    at.width = at.width < LEAST_WIDTH ? LEAST_WIDTH : at.width;
    at.height = at.top + n * at.cell + MARGIN;
    return at;
}

/* White for 0, the whole colour for 1. */
static void append_colour(fvi_text_buffer *to, double share, const int whole[3])
{
    int value[3];
    for (int i = 0; i < 3; i++)
        value[i] = 255 - (int)(share * (255 - whole[i]) + 0.5);
    fvi_text_format(to, "#%02x%02x%02x", (unsigned)value[0], (unsigned)value[1], (unsigned)value[2]);
}

static void append_cell(fvi_text_buffer *to, const fv_report *report, const layout *at, int row, int column)
{
    static const int right[3] = { 0x1f, 0x5f, 0xa8 }, wrong[3] = { 0xb8, 0x1d, 0x1d };
    const int64_t count = report->confusion[(int64_t)row * report->classes + column];
    const int64_t samples = report->class_report[row].samples;
    const double share = samples > 0 ? (double)count / (double)samples : 0;
    const double shade = row == column ? share : 0.1 + 0.9 * sqrt(share);
    const int x = at->left + column * at->cell, y = at->top + row * at->cell;
    if (count == 0)
        return;
    fvi_text_format(to, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"", x, y, at->cell, at->cell);
    append_colour(to, shade, row == column ? right : wrong);
    fvi_text_append(to, "\"/>\n");
    if (report->classes <= MOST_NUMBERED)
        fvi_text_format(
            to, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" font-size=\"%d\" fill=\"%s\">%" PRId64 "</text>\n",
            x + at->cell / 2, y + at->cell / 2 + 4, count < 10000 ? 12 : 9, shade > 0.5 ? "#fff" : "#222", count);
}

static void append_names(fvi_text_buffer *to, const fv_report *report, const layout *at)
{
    const int size = at->cell < 14 ? 9 : 12;
    for (int i = 0; i < report->classes; i++) {
        const int middle = i * at->cell + at->cell / 2 + size / 3;
        fvi_text_format(to, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" font-size=\"%d\">", at->left - 8,
                        at->top + middle, size);
        append_name(to, report->class_report[i].name, LONGEST_NAME);
        fvi_text_format(to, "</text>\n<text transform=\"translate(%d %d) rotate(-90)\" font-size=\"%d\">",
                        at->left + middle, at->top - 8, size);
        append_name(to, report->class_report[i].name, LONGEST_NAME);
        fvi_text_append(to, "</text>\n");
    }
}

void fvi_confusion_svg(fvi_text_buffer *to, const fv_report *report)
{
    char accuracy[FVI_FIXED_TEXT];
    const layout at = make_layout(report);
    const int side = report->classes * at.cell;
    fvi_text_format(to,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                    "font-family=\"sans-serif\" fill=\"#222\">\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
                    at.width, at.height, at.width, at.height, at.width, at.height);
    fvi_text_format(to, "<text x=\"%d\" y=\"24\" font-size=\"15\">Confusion on ", MARGIN);
    append_name(to, report->data, 40);
    fvi_text_format(to, ": %s%% of %" PRId64 " right</text>\n", fvi_fixed(100 * report->accuracy, 2, accuracy),
                    report->samples);
    fvi_text_format(to,
                    "<text x=\"%d\" y=\"44\" font-size=\"12\" fill=\"#666\">a row is the true class, a column the "
                    "network's answer</text>\n",
                    MARGIN);
    for (int row = 0; row < report->classes; row++)
        for (int column = 0; column < report->classes; column++)
            append_cell(to, report, &at, row, column);
    for (int i = 0; i <= report->classes && report->classes <= MOST_NUMBERED; i++)
        fvi_text_format(to, "<path d=\"M%d %dh%dM%d %dv%d\" stroke=\"#ddd\"/>\n", at.left, at.top + i * at.cell, side,
                        at.left + i * at.cell, at.top, side);
    fvi_text_format(to, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#888\"/>\n", at.left,
                    at.top, side, side);
    if (report->classes <= MOST_NAMED)
        append_names(to, report, &at);
    fvi_text_append(to, "</svg>\n");
}
