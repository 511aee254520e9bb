/* SPDX-License-Identifier: Apache-2.0
 *
 * eigen.c - Householder's reduction to tridiagonal form and the implicit QL algorithm with Wilkinson's shift (Golub & Van Loan,
 * "Matrix computations", sections 8.3.1 and 8.3.3), with rows where the book has columns, so that memory is read in order.
 */
#include "data/augment/eigen.h"

#include <math.h>
#include <string.h>

enum { MOST_STEPS = 60 };

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* y += factor * x */
static void add_scaled(size_t n, double factor, const double *x, double *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] += factor * x[i];
}

/* The reflection 1 - beta v v' that takes x to (first, 0, ..., 0); v[0] = 1, in place of x. */
static double reflection(size_t n, double *x, double *first)
{
    const double rest = dot(n - 1, x + 1, x + 1), head = x[0];
    if (rest == 0) {
        *first = head;
        x[0] = 1;
        return 0;
    }
    const double length = sqrt(head * head + rest);
    const double v = head <= 0 ? head - length : -rest / (head + length);
    *first = length;
    for (size_t i = 1; i < n; i++)
        x[i] /= v;
    x[0] = 1;
    return 2 * v * v / (rest + v * v);
}

/* a becomes tridiagonal: diagonal [n] and below it off [n]; row k of a holds the k-th v from column k+1 on, betas [n]. p [n]: room. */
static void tridiagonalise(size_t n, double *a, double *diagonal, double *off, double *betas, double *p)
{
    for (size_t k = 0; k + 1 < n; k++) {
        const size_t m = n - k - 1;
        double *v = a + k * n + k + 1;
        diagonal[k] = a[k * n + k];
        betas[k] = reflection(m, v, &off[k]);
        if (betas[k] == 0)
            continue;
        for (size_t i = 0; i < m; i++)
            p[i] = betas[k] * dot(m, a + (k + 1 + i) * n + k + 1, v);
        add_scaled(m, -betas[k] / 2 * dot(m, p, v), v, p);
        for (size_t i = 0; i < m; i++) {
            double *row = a + (k + 1 + i) * n + k + 1;
            for (size_t j = 0; j < m; j++)
                row[j] -= v[i] * p[j] + p[i] * v[j];
        }
    }
    diagonal[n - 1] = a[n * n - 1];
    off[n - 1] = 0;
}

/* q [n][n]: row i is the i-th column of the product of the reflections. p [n]: room. */
static void accumulate(size_t n, const double *a, const double *betas, double *q, double *p)
{
    memset(q, 0, n * n * sizeof *q);
    for (size_t i = 0; i < n; i++)
        q[i * n + i] = 1;
    for (size_t k = n - 1; k-- > 0;) {
        const size_t m = n - k - 1;
        const double *v = a + k * n + k + 1;
        if (betas[k] == 0)
            continue;
        for (size_t i = 0; i < m; i++) { /* row i of q' H = q' - beta (q' v) v' */
            double *row = q + (k + 1 + i) * n + k + 1;
            p[i] = betas[k] * dot(m, row, v);
            add_scaled(m, -p[i], v, row);
        }
    }
}

/* Rows i and i+1 of q turned by (c, s). */
static void turn_rows(size_t n, double *q, size_t i, double c, double s)
{
    double *upper = q + i * n, *lower = upper + n;
    for (size_t j = 0; j < n; j++) {
        const double a = upper[j], b = lower[j];
        upper[j] = c * a - s * b;
        lower[j] = s * a + c * b;
    }
}

/* One implicit QL step on rows l ... m of the tridiagonal matrix. */
static void step(size_t n, size_t l, size_t m, double *d, double *e, double *q)
{
    const double half = (d[l + 1] - d[l]) / (2 * e[l]), root = sqrt(half * half + 1);
    double g = d[m] - d[l] + e[l] / (half + (half >= 0 ? root : -root));
    double c = 1, s = 1, p = 0;
    for (size_t i = m; i-- > l;) {
        const double f = s * e[i], b = c * e[i];
        const double r = sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r == 0) {
            d[i + 1] -= p;
            e[m] = 0;
            return;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        const double t = (d[i] - g) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        turn_rows(n, q, i, c, s);
    }
    d[l] -= p;
    e[l] = g;
    e[m] = 0;
}

static bool diagonalise(size_t n, double *d, double *e, double *q)
{
    double norm = 0;
    for (size_t l = 0; l < n; l++)
        norm = fabs(d[l]) + fabs(e[l]) > norm ? fabs(d[l]) + fabs(e[l]) : norm;
    for (size_t l = 0; l < n; l++)
        for (int steps = 0;; steps++) {
            size_t m = l;
            while (m + 1 < n && fabs(e[m]) > 0x1p-53 * norm)
                m++;
            if (m == l)
                break;
            if (steps == MOST_STEPS)
                return false;
            step(n, l, m, d, e, q);
        }
    return true;
}

/* The largest value first, by selection; each vector with its largest element positive. */
static void sort(size_t n, double *values, double *vectors, double *room)
{
    for (size_t i = 0; i < n; i++) {
        size_t largest = i, peak = 0;
        for (size_t j = i + 1; j < n; j++)
            largest = values[j] > values[largest] ? j : largest;
        const double value = values[largest];
        values[largest] = values[i];
        values[i] = value;
        memcpy(room, vectors + largest * n, n * sizeof *room);
        memmove(vectors + largest * n, vectors + i * n, n * sizeof *room);
        for (size_t j = 1; j < n; j++)
            peak = fabs(room[j]) > fabs(room[peak]) ? j : peak;
        const double sign = room[peak] < 0 ? -1 : 1;
        for (size_t j = 0; j < n; j++)
            vectors[i * n + j] = sign * room[j];
    }
}

fv_status fvi_eigen_symmetric(fv_context *context, int32_t n, double *a, double *values, double *vectors)
{
    const size_t count = (size_t)n;
    double *room = fvi_allocate(context, 3 * count * sizeof *room);
    if (room == NULL)
        return fvi_out_of_memory(context, "an eigenvalue problem", 3 * count * sizeof *room);
    double *off = room, *betas = room + count, *p = room + 2 * count;
    tridiagonalise(count, a, values, off, betas, p);
    accumulate(count, a, betas, vectors, p);
    const bool converged = diagonalise(count, values, off, vectors);
    if (converged)
        sort(count, values, vectors, p);
    fvi_release(context, room);
    return converged ? FV_OK
                     : fvi_fail(context, FV_ERR_NUMERIC, "eigenvalues of a matrix of %d rows were not found", n);
}
