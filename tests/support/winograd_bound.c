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

typedef struct magnitudes {
    double input[6][6], output[4][6], weights[6][3]; /* |B^T|, |A^T|, |G| */
} magnitudes;

static magnitudes make_matrices(void)
{
    static const double points[5] = { 0, 0.625, -0.625, 1.5, -1.5 };
    magnitudes made = { 0 };
    for (int p = 0; p <= 5; p++) {
        /* Row p of B^T: coefficients of the product of (x - q) over all other finite points q. */
        double row[7] = { 1 }, scale = 1;
        for (int q = 0; q < 5; q++) {
            if (q == p)
                continue;
            for (int i = 6; i > 0; i--)
                row[i] = row[i - 1] - points[q] * row[i];
            row[0] *= -points[q];
            scale *= p < 5 ? points[p] - points[q] : 1;
        }
        for (int i = 0; i < 6; i++)
            made.input[p][i] = fabs(row[i]);
        for (int i = 0; i < 4; i++)
            made.output[i][p] = p < 5 ? fabs(pow(points[p], i)) : (i == 3);
        for (int i = 0; i < 3; i++)
            made.weights[p][i] = p < 5 ? fabs(pow(points[p], i) / scale) : (i == 2);
    }
    return made;
}

/* to = left * from * left^T; left is rows x inner, from inner x inner, all row by row and dense. */
static void both_sides(const double *left, int rows, int inner, const double *from, double *to)
{
    double half[36];
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

/* One gathering convolution: w of output o and input c of a group at w + o*outer + c*inner, nine magnitudes. */
typedef struct gather {
    const double *in, *w;
    double *out;
    int32_t in_size[3], out_size[3], top, left, groups;
    size_t outer, inner, group;
} gather;

static void add_tile(const gather *g, const magnitudes *m, int32_t n, int32_t row, int32_t column, int32_t o)
{
    const int32_t reduced = g->in_size[2] / g->groups, outputs = g->out_size[2] / g->groups, group = o / outputs;
    const size_t in_image = (size_t)g->in_size[0] * (size_t)g->in_size[1] * (size_t)g->in_size[2];
    const size_t out_image = (size_t)g->out_size[0] * (size_t)g->out_size[1] * (size_t)g->out_size[2];
    double sum[36] = { 0 }, window[36], transformed[36], kernel[9], u[36], y[16];
    for (int32_t c = 0; c < reduced; c++) {
        square(g->in + (size_t)n * in_image, g->in_size, row - g->top, column - g->left, group * reduced + c, 6,
               window);
        both_sides(&m->input[0][0], 6, 6, window, transformed);
        const double *w = g->w + (size_t)group * g->group + (size_t)(o % outputs) * g->outer + (size_t)c * g->inner;
        for (int tap = 0; tap < 9; tap++)
            kernel[tap] = fabs(w[tap]);
        both_sides(&m->weights[0][0], 6, 3, kernel, u);
        for (int e = 0; e < 36; e++)
            sum[e] += u[e] * transformed[e];
    }
    both_sides(&m->output[0][0], 4, 6, sum, y);
    for (int i = 0; i < 4 && row + i < g->out_size[0]; i++)
        for (int j = 0; j < 4 && column + j < g->out_size[1]; j++)
            g->out[(size_t)n * out_image +
                   ((size_t)(row + i) * (size_t)g->out_size[1] + (size_t)(column + j)) * (size_t)g->out_size[2] +
                   (size_t)o] = y[i * 4 + j];
}

static void run(const gather *g, const magnitudes *m, int32_t n)
{
    for (int32_t image = 0; image < n; image++)
        for (int32_t row = 0; row < g->out_size[0]; row += 4)
            for (int32_t column = 0; column < g->out_size[1]; column += 4)
                for (int32_t o = 0; o < g->out_size[2]; o++)
                    add_tile(g, m, image, row, column, o);
}

/* dw of one pair of channels. */
static void weights(const conv2d_case *conv, const magnitudes *m, int32_t k, int32_t c, double *to)
{
    const fvi_conv2d_shape *shape = &conv->shape;
    const int32_t x_size[3] = { shape->h, shape->w, shape->c }, y_size[3] = { shape->oh, shape->ow, shape->k };
    const size_t x_image = conv->x_count / (size_t)conv->n, y_image = conv->y_count / (size_t)conv->n;
    double a[6 * 4], g[3 * 6], window[36], v[36], tile[16], z[36], sum[36] = { 0 };
    transposed(&m->output[0][0], 4, 6, a);
    transposed(&m->weights[0][0], 6, 3, g);
    for (int32_t n = 0; n < conv->n; n++)
        for (int32_t row = 0; row < shape->oh; row += 4)
            for (int32_t column = 0; column < shape->ow; column += 4) {
                square(conv->x + (size_t)n * x_image, x_size, row - shape->pad[0], column - shape->pad[1], c, 6,
                       window);
                square(conv->dy + (size_t)n * y_image, y_size, row, column, k, 4, tile);
                both_sides(&m->input[0][0], 6, 6, window, v);
                both_sides(a, 6, 4, tile, z);
                for (int e = 0; e < 36; e++)
                    sum[e] += v[e] * z[e];
            }
    both_sides(g, 3, 6, sum, to);
}

void winograd_magnitudes(const conv2d_case *conv, double *y, double *dx, double *dw)
{
    const fvi_conv2d_shape *shape = &conv->shape;
    const magnitudes m = make_matrices();
    const int32_t channels = shape->c / shape->groups, filters = shape->k / shape->groups;
    const size_t kernel = 9, row = kernel * (size_t)channels, group = row * (size_t)filters;
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
                              .top = 2 - shape->pad[0],
                              .left = 2 - shape->pad[1],
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
