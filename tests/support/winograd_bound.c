/* SPDX-License-Identifier: Apache-2.0
 *
 * winograd_bound.c - see winograd_bound.h. Its matrices come from the points by the general formulas (Toom-Cook), not from
 * the library's constants.
 */
#include "support/winograd_bound.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/test.h"

enum { WINDOW_MAX = 8, PARTS_MAX = 64, TAPS_MAX = 5, OUT = 4 };

/* |B^T| window x window, |A^T| OUT x window, |G| window x taps, each dense. */
typedef struct magnitudes {
    int window, taps;
    double input[PARTS_MAX], output[OUT * WINDOW_MAX], weights[WINDOW_MAX * TAPS_MAX];
} magnitudes;

static magnitudes make_matrices(int taps)
{
    static const double few[] = { 0, 0.625, -0.625, 1.5, -1.5 }, many[] = { 0, 0.5, -0.5, 1, -1, 2, -2 };
    const double *points = taps == 3 ? few : many;
    magnitudes made = { .window = OUT + taps - 1, .taps = taps };
    const int finite = made.window - 1;
    for (int p = 0; p <= finite; p++) {
        /* Row p of B^T: coefficients of the product of (x - q) over all other finite points q. */
        double row[WINDOW_MAX] = { 1 }, scale = 1;
        for (int q = 0; q < finite; q++) {
            if (q == p)
                continue;
            for (int i = finite; i > 0; i--)
                row[i] = row[i - 1] - points[q] * row[i];
            row[0] *= -points[q];
            scale *= p < finite ? points[p] - points[q] : 1;
        }
        for (int i = 0; i < made.window; i++)
            made.input[p * made.window + i] = fabs(row[i]);
        for (int i = 0; i < OUT; i++)
            made.output[i * made.window + p] = p < finite ? fabs(pow(points[p], i)) : (i == OUT - 1);
        for (int i = 0; i < taps; i++)
            made.weights[p * taps + i] = p < finite ? fabs(pow(points[p], i) / scale) : (i == taps - 1);
    }
    return made;
}

/* to = left * from * left^T; left is rows x inner, from inner x inner, all row by row and dense. */
static void both_sides(const double *left, int rows, int inner, const double *from, double *to)
{
    double half[PARTS_MAX];
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < inner; j++) {
            half[i * inner + j] = 0;
            for (int q = 0; q < inner; q++)
                half[i * inner + j] += left[i * inner + q] * from[q * inner + j];
        }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < rows; j++) {
            to[i * rows + j] = 0;
            for (int q = 0; q < inner; q++)
                to[i * rows + j] += half[i * inner + q] * left[j * inner + q];
        }
}

static void transposed(const double *from, int rows, int columns, double *to)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            to[j * rows + i] = from[i * columns + j];
}

/* Magnitudes of a size x size square of an image of c channels that begins at (row, column); zeros outside. */
static void square(const double *image, const int32_t extent[3], int32_t row, int32_t column, int32_t channel, int size,
                   double *to)
{
    for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
            const int32_t h = row + i, w = column + j;
            const bool inside = h >= 0 && h < extent[0] && w >= 0 && w < extent[1];
            to[i * size + j] =
                inside ? fabs(image[((size_t)h * (size_t)extent[1] + (size_t)w) * (size_t)extent[2] + (size_t)channel])
                       : 0;
        }
}

/* One gathering convolution: w of output o and input c of a group at w + o*outer + c*inner, taps^2 magnitudes. */
typedef struct gather {
    const double *in, *w;
    double *out;
    int32_t in_size[3], out_size[3], top, left, groups;
    size_t outer, inner, group;
} gather;

/* |G||w||G|^T of every output and input of its group, [outputs][inputs][parts]: the same for all tiles. */
static double *transform_weights(const gather *g, const magnitudes *m)
{
    const int32_t reduced = g->in_size[2] / g->groups, outputs = g->out_size[2] / g->groups;
    const size_t parts = (size_t)(m->window * m->window);
    double *const made = malloc((size_t)g->out_size[2] * (size_t)reduced * parts * sizeof *made);
    double kernel[TAPS_MAX * TAPS_MAX], *u = made;
    assert_non_null(made);
    for (int32_t o = 0; o < g->out_size[2]; o++)
        for (int32_t c = 0; c < reduced; c++, u += parts) {
            const double *w =
                g->w + (size_t)(o / outputs) * g->group + (size_t)(o % outputs) * g->outer + (size_t)c * g->inner;
            for (int tap = 0; tap < m->taps * m->taps; tap++)
                kernel[tap] = fabs(w[tap]);
            both_sides(m->weights, m->window, m->taps, kernel, u);
        }
    return made;
}

/* |B^T||d||B| of one tile, [inputs][parts]: the same for all outputs. */
static void transform_tile(const gather *g, const magnitudes *m, int32_t n, int32_t row, int32_t column, double *to)
{
    const size_t in_image = (size_t)g->in_size[0] * (size_t)g->in_size[1] * (size_t)g->in_size[2];
    double window[PARTS_MAX];
    for (int32_t c = 0; c < g->in_size[2]; c++, to += m->window * m->window) {
        square(g->in + (size_t)n * in_image, g->in_size, row - g->top, column - g->left, c, m->window, window);
        both_sides(m->input, m->window, m->window, window, to);
    }
}

static void add_tile(const gather *g, const magnitudes *m, int32_t n, int32_t row, int32_t column, int32_t o,
                     const double *u, const double *tile)
{
    const int32_t reduced = g->in_size[2] / g->groups, outputs = g->out_size[2] / g->groups, group = o / outputs;
    const size_t out_image = (size_t)g->out_size[0] * (size_t)g->out_size[1] * (size_t)g->out_size[2];
    const int parts = m->window * m->window;
    double sum[PARTS_MAX] = { 0 }, y[OUT * OUT];
    u += (size_t)o * (size_t)reduced * (size_t)parts;
    tile += (size_t)group * (size_t)reduced * (size_t)parts;
    for (int32_t c = 0; c < reduced; c++, u += parts, tile += parts)
        for (int e = 0; e < parts; e++)
            sum[e] += u[e] * tile[e];
    both_sides(m->output, OUT, m->window, sum, y);
    for (int i = 0; i < 4 && row + i < g->out_size[0]; i++)
        for (int j = 0; j < 4 && column + j < g->out_size[1]; j++)
            g->out[(size_t)n * out_image +
                   ((size_t)(row + i) * (size_t)g->out_size[1] + (size_t)(column + j)) * (size_t)g->out_size[2] +
                   (size_t)o] = y[i * 4 + j];
}

static void run(const gather *g, const magnitudes *m, int32_t n)
{
    double *const u = transform_weights(g, m);
    double *const tile = malloc((size_t)g->in_size[2] * (size_t)(m->window * m->window) * sizeof *tile);
    assert_non_null(tile);
    for (int32_t image = 0; image < n; image++)
        for (int32_t row = 0; row < g->out_size[0]; row += 4)
            for (int32_t column = 0; column < g->out_size[1]; column += 4) {
                transform_tile(g, m, image, row, column, tile);
                for (int32_t o = 0; o < g->out_size[2]; o++)
                    add_tile(g, m, image, row, column, o, u, tile);
            }
    free(u);
    free(tile);
}

/* dw of one pair of channels. */
static void weights(const conv2d_case *conv, const magnitudes *m, int32_t k, int32_t c, double *to)
{
    const fvi_conv2d_shape *shape = &conv->shape;
    const int32_t x_size[3] = { shape->h, shape->w, shape->c }, y_size[3] = { shape->oh, shape->ow, shape->k };
    const size_t x_image = conv->x_count / (size_t)conv->n, y_image = conv->y_count / (size_t)conv->n;
    const int parts = m->window * m->window;
    double a[WINDOW_MAX * OUT], g[TAPS_MAX * WINDOW_MAX];
    double window[PARTS_MAX], v[PARTS_MAX], tile[OUT * OUT], z[PARTS_MAX], sum[PARTS_MAX] = { 0 };
    transposed(m->output, OUT, m->window, a);
    transposed(m->weights, m->window, m->taps, g);
    for (int32_t n = 0; n < conv->n; n++)
        for (int32_t row = 0; row < shape->oh; row += 4)
            for (int32_t column = 0; column < shape->ow; column += 4) {
                square(conv->x + (size_t)n * x_image, x_size, row - shape->pad[0], column - shape->pad[1], c, m->window,
                       window);
                square(conv->dy + (size_t)n * y_image, y_size, row, column, k, 4, tile);
                both_sides(m->input, m->window, m->window, window, v);
                both_sides(a, m->window, OUT, tile, z);
                for (int e = 0; e < parts; e++)
                    sum[e] += v[e] * z[e];
            }
    both_sides(g, m->taps, m->window, sum, to);
}

void winograd_magnitudes(const conv2d_case *conv, double *y, double *dx, double *dw)
{
    const fvi_conv2d_shape *shape = &conv->shape;
    const magnitudes m = make_matrices(shape->r);
    const int32_t channels = shape->c / shape->groups, filters = shape->k / shape->groups;
    const size_t kernel = (size_t)(shape->r * shape->s), row = kernel * (size_t)channels, group = row * (size_t)filters;
    double *const turned = malloc(conv->w_count * sizeof *turned);
    assert_non_null(turned);
    for (size_t i = 0; i < conv->w_count; i++)
        turned[i] = conv->w[i / kernel * kernel + (kernel - 1 - i % kernel)];
    const gather forward = { .in = conv->x,
                             .w = conv->w,
                             .out = y,
                             .in_size = { shape->h, shape->w, shape->c },
                             .out_size = { shape->oh, shape->ow, shape->k },
                             .top = shape->pad[0],
                             .left = shape->pad[1],
                             .groups = shape->groups,
                             .outer = row,
                             .inner = kernel,
                             .group = group };
    const gather backward = { .in = conv->dy,
                              .w = turned,
                              .out = dx,
                              .in_size = { shape->oh, shape->ow, shape->k },
                              .out_size = { shape->h, shape->w, shape->c },
                              .top = m.taps - 1 - shape->pad[0],
                              .left = m.taps - 1 - shape->pad[1],
                              .groups = shape->groups,
                              .outer = kernel,
                              .inner = row,
                              .group = group };
    run(&forward, &m, conv->n);
    run(&backward, &m, conv->n);
    free(turned);
    for (int32_t k = 0; k < shape->k; k++)
        for (int32_t c = 0; c < channels; c++)
            weights(conv, &m, k, k / filters * channels + c, dw + ((size_t)k * (size_t)channels + (size_t)c) * kernel);
}
