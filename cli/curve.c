/* SPDX-License-Identifier: Apache-2.0
 *
 * curve.c - rates on a logarithmic axis, losses on a linear one. Losses above the highest one before the lowest are cut: where a test
 * diverges they would leave no room for what matters.
 */
#include "curve.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "picture.h"

enum {
    ROWS = 16,
    MOST_COLUMNS = 100,
    LABEL = 9,
    WIDTH = 720,
    HEIGHT = 440,
    LEFT = 70,
    RIGHT = 20,
    TOP = 40,
    BOTTOM = 50
};

typedef struct frame {
    const fv_rate_test *test;
    double low, high;   /* losses shown */
    double first, last; /* logarithms of the rates to base 10 */
} frame;

static frame frame_of(const fv_rate_test *test)
{
    frame f = { .test = test,
                .low = test->points[test->lowest].smoothed,
                .first = log10(test->points[0].rate),
                .last = log10(test->points[test->count - 1].rate) };
    f.high = f.low;
    for (int32_t i = 0; i <= test->lowest; i++)
        f.high = fmax(f.high, test->points[i].smoothed);
    for (int32_t i = 0; i < test->count && f.high == f.low; i++) /* it only rises */
        f.high = fmax(f.high, test->points[i].smoothed);
    f.high = f.high > f.low ? f.high : f.low + 1;
    const double margin = 0.08 * (f.high - f.low);
    f.high += margin;
    f.low -= margin;
    return f;
}

/* 0 to 1 from the left; from the top. */
static double across(const frame *f, double rate)
{
    return f->last > f->first ? (log10(rate) - f->first) / (f->last - f->first) : 0;
}

static double down(const frame *f, double loss)
{
    return fmin(fmax((f->high - loss) / (f->high - f->low), 0), 1);
}

static int cell(double part, int cells)
{
    const int at = (int)(part * cells);
    return at < 0 ? 0 : at >= cells ? cells - 1 : at;
}

/* "1e-06" stands at the cell of its decade, if there is room. */
static void label_decades(const frame *f, char *line, int columns)
{
    int end = -1;
    for (int decade = (int)ceil(f->first - 1e-9); decade <= (int)floor(f->last + 1e-9); decade++) {
        char text[16];
        const int length = snprintf(text, sizeof text, "1e%d", decade);
        const int at = cell((decade - f->first) / (f->last > f->first ? f->last - f->first : 1), columns);
        if (at > end && at + length <= columns) {
            memcpy(line + at, text, (size_t)length);
            end = at + length;
        }
    }
}

void cli_curve_print(FILE *stream, const fv_rate_test *test)
{
    char cells[ROWS][MOST_COLUMNS + 1], axis[MOST_COLUMNS + 1];
    const frame f = frame_of(test);
    const int wide = cli_terminal_columns() - LABEL - 2;
    const int columns = wide < 20 ? 20 : wide > MOST_COLUMNS ? MOST_COLUMNS : wide;
    memset(cells, ' ', sizeof cells);
    memset(axis, ' ', sizeof axis);
    for (int row = 0; row < ROWS && test->rate >= test->points[0].rate; row++)
        cells[row][cell(across(&f, test->rate), columns)] = ':';
    for (int column = 0, i = 0; column < columns; column++) { /* the point nearest to the middle of the column */
        const double rate = pow(10, f.first + (column + 0.5) / columns * (f.last - f.first));
        while (i + 1 < test->count && test->points[i + 1].rate <= rate)
            i++;
        cells[cell(down(&f, test->points[i].smoothed), ROWS)][column] = 'o';
    }
    for (int row = 0; row < ROWS; row++) {
        cells[row][columns] = '\0';
        char label[LABEL + 8] = "";
        if (row % 5 == 0)
            snprintf(label, sizeof label, "%.4g", f.high - (row + 0.5) / ROWS * (f.high - f.low));
        fprintf(stream, "%*s |%s\n", LABEL, label, cells[row]);
    }
    label_decades(&f, axis, columns);
    axis[columns] = '\0';
    fprintf(stream, "%*s +", LABEL, "loss");
    for (int i = 0; i < columns; i++)
        fputc('-', stream);
    fprintf(stream, "\n%*s  %s\n", LABEL, "rate", axis);
}

static double x_of(const frame *f, double rate)
{
    return LEFT + across(f, rate) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const frame *f, double loss)
{
    return TOP + down(f, loss) * (HEIGHT - TOP - BOTTOM);
}

static void write_axes(FILE *file, const frame *f)
{
    fprintf(file, "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"black\"/>\n", LEFT, TOP, HEIGHT - BOTTOM,
            WIDTH - RIGHT);
    for (int decade = (int)ceil(f->first - 1e-9); decade <= (int)floor(f->last + 1e-9); decade++) {
        const double x = x_of(f, pow(10, decade));
        fprintf(file, "<path d=\"M%.1f %dV%d\" stroke=\"#ddd\"/>\n", x, TOP, HEIGHT - BOTTOM);
        fprintf(file, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">1e%d</text>\n", x, HEIGHT - BOTTOM + 18,
                decade);
    }
    for (int i = 0; i <= 4; i++) {
        const double loss = f->low + i / 4.0 * (f->high - f->low);
        fprintf(file, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.3g</text>\n", LEFT - 8, y_of(f, loss) + 4, loss);
    }
    fprintf(file, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">learning rate</text>\n", (LEFT + WIDTH - RIGHT) / 2,
            HEIGHT - 10);
    fprintf(file, "<text x=\"18\" y=\"%d\" text-anchor=\"middle\" transform=\"rotate(-90 18 %d)\">loss</text>\n",
            (TOP + HEIGHT - BOTTOM) / 2, (TOP + HEIGHT - BOTTOM) / 2);
}

static void write_text(FILE *file, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '<' || *text == '&')
            fputs(*text == '<' ? "&lt;" : "&amp;", file);
        else
            fputc(*text, file);
}

static void write_drawing(FILE *file, const frame *f, const char *title)
{
    const fv_rate_test *test = f->test;
    fprintf(file,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT);
    fprintf(file, "<text x=\"%d\" y=\"22\" font-size=\"15\">", LEFT);
    write_text(file, title);
    fputs("</text>\n", file);
    write_axes(file, f);
    for (int32_t i = 0; i < test->count; i++)
        if (test->points[i].loss <= f->high && test->points[i].loss >= f->low)
            fprintf(file, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2\" fill=\"#bbb\"/>\n", x_of(f, test->points[i].rate),
                    y_of(f, test->points[i].loss));
    fputs("<polyline fill=\"none\" stroke=\"#1f5fbf\" stroke-width=\"2\" points=\"", file);
    for (int32_t i = 0; i < test->count; i++)
        fprintf(file, "%.1f,%.1f ", x_of(f, test->points[i].rate), y_of(f, test->points[i].smoothed));
    fputs("\"/>\n", file);
    if (test->rate >= test->points[0].rate) {
        const double x = x_of(f, test->rate);
        const bool left = x > (LEFT + WIDTH - RIGHT) / 2.0;
        fprintf(file, "<path d=\"M%.1f %dV%d\" stroke=\"#c03020\" stroke-dasharray=\"5 4\"/>\n", x, TOP,
                HEIGHT - BOTTOM);
        fprintf(file,
                "<text x=\"%.1f\" y=\"%d\" fill=\"#c03020\" text-anchor=\"%s\">%.2g: a tenth of the lowest's</text>\n",
                x + (left ? -6 : 6), TOP + 12, left ? "end" : "start", test->rate);
    }
    fputs("</svg>\n", file);
}

int cli_curve_write(const cli_command *command, const char *path, const fv_rate_test *test, const char *title)
{
    const frame f = frame_of(test);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return cli_fail(command, "cannot write '%s': %s", path, strerror(errno));
    write_drawing(file, &f, title);
    const bool wrote = ferror(file) == 0;
    const bool closed = fclose(file) == 0;
    return wrote && closed ? CLI_DONE : cli_fail(command, "cannot write '%s': %s", path, strerror(errno));
}
