/* SPDX-License-Identifier: Apache-2.0
 *
 * local.real.c - the kernels of local.h, one element at a time, sums of a window anew for each: what the vector kernels are
 * measured against.
 */
#include "kernel/reference.h"

#include <math.h>

static fvi_real power(const fvi_local_norm *norm, fvi_real s)
{
    const fvi_real root =
        (fvi_real)sqrt((double)s); /* the same as in fvi_real: double has more than twice its digits */
    if (norm->beta == 0.75)
        return (fvi_real)1 / (root * (fvi_real)sqrt((double)root));
    return FVI_REAL_MATH(exp)(-(fvi_real)norm->beta * FVI_REAL_MATH(log)(s));
}

static fvi_real term(const fvi_local_norm *norm, fvi_real x, fvi_real dy, fvi_real s)
{
    return dy * x * power(norm, s) / s;
}

/* The window of channel c is [first, last). */
static size_t first_of(const fvi_local_norm *norm, size_t c)
{
    return c < norm->half ? 0 : c - norm->half;
}

static size_t last_of(const fvi_local_norm *norm, size_t channels, size_t c)
{
    return channels - c <= norm->half ? channels : c + norm->half + 1;
}

static fvi_real sum_across(const fvi_local_norm *norm, size_t channels, const fvi_real *x, size_t c)
{
    fvi_real sum = 0;
    for (size_t j = first_of(norm, c); j < last_of(norm, channels, c); j++)
        sum += x[j] * x[j];
    return (fvi_real)norm->k + (fvi_real)norm->alpha * sum;
}

void FVI_REAL_NAME(fvi_local_across_reference)(const fvi_local_norm *norm, size_t channels, const void *x, void *y)
{
    const fvi_real *in = x;
    fvi_real *out = y;
    for (size_t c = 0; c < channels; c++)
        out[c] = in[c] * power(norm, sum_across(norm, channels, in, c));
}

void FVI_REAL_NAME(fvi_local_across_backward_reference)(const fvi_local_norm *norm, size_t channels, const void *x,
                                                        const void *dy, void *dx)
{
    const fvi_real *in = x, *up = dy, twice = (fvi_real)(2 * norm->alpha * norm->beta);
    fvi_real *down = dx;
    for (size_t c = 0; c < channels; c++) {
        fvi_real sum = 0;
        for (size_t j = first_of(norm, c); j < last_of(norm, channels, c); j++)
            sum += term(norm, in[j], up[j], sum_across(norm, channels, in, j));
        down[c] = up[c] * power(norm, sum_across(norm, channels, in, c)) - twice * in[c] * sum;
    }
}

void FVI_REAL_NAME(fvi_local_within_reference)(const fvi_local_norm *norm, const fvi_local_window *window,
                                               const void *cells, const void *x, void *y, void *s)
{
    const fvi_real *in = x;
    fvi_real *out = y, *saved = s;
    for (size_t c = 0; c < window->channels; c++) {
        fvi_real sum = 0;
        for (size_t i = 0; i < window->rows; i++)
            for (size_t j = 0; j < window->columns; j++) {
                const fvi_real v =
                    ((const fvi_real *)cells)[(ptrdiff_t)i * window->row + (ptrdiff_t)j * window->pixel + (ptrdiff_t)c];
                sum += v * v;
            }
        sum = (fvi_real)norm->k + (fvi_real)norm->alpha * sum;
        out[c] = in[c] * power(norm, sum);
        if (saved != NULL)
            saved[c] = sum;
    }
}

void FVI_REAL_NAME(fvi_local_terms_reference)(const fvi_local_norm *norm, size_t count, const void *x, const void *dy,
                                              const void *s, void *t)
{
    const fvi_real *in = x, *up = dy, *sums = s;
    fvi_real *terms = t;
    for (size_t i = 0; i < count; i++)
        terms[i] = term(norm, in[i], up[i], sums[i]);
}

void FVI_REAL_NAME(fvi_local_within_backward_reference)(const fvi_local_norm *norm, const fvi_local_window *window,
                                                        const void *cells, const void *x, const void *dy, const void *s,
                                                        void *dx)
{
    const fvi_real *in = x, *up = dy, *sums = s, twice = (fvi_real)(2 * norm->alpha * norm->beta);
    fvi_real *down = dx;
    for (size_t c = 0; c < window->channels; c++) {
        fvi_real sum = 0;
        for (size_t i = 0; i < window->rows; i++)
            for (size_t j = 0; j < window->columns; j++)
                sum +=
                    ((const fvi_real *)cells)[(ptrdiff_t)i * window->row + (ptrdiff_t)j * window->pixel + (ptrdiff_t)c];
        down[c] = up[c] * power(norm, sums[c]) - twice * in[c] * sum;
    }
}
