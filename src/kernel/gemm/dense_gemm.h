/* SPDX-License-Identifier: Apache-2.0
 *
 * dense_gemm.h - the micro-kernels of dense layers on weights as they are, [outputs][inputs], without a packed copy: a sum
 * along the inputs for the forward pass, and a product of panels for the two others. dense_gemm.isa.c is compiled once per
 * instruction set; each exports one fvi_dense_gemm.
 */
#ifndef FVI_DENSE_GEMM_H
#define FVI_DENSE_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FVI_DENSE_POINTS = 3, /* images of a tile of sums */
    FVI_DENSE_ROWS = 4,   /* rows of either tile */
    FVI_DENSE_VECTORS = 3 /* of a panel's width */
};

/* The sums of a tile of images and rows of weights along `count` inputs, added to `sum`:
 *   sum[p*sum_point + r] += sum over q < count of x[p*x_point + q] * w[r*w_row + q]   for p < P, r < rows <= 4
 * Lane l adds the terms l, l + lanes, ... with one FMA each, the lanes are added along a tree, and what is behind the last whole
 * vector follows term by term: the value does not depend on P, rows or neighbours. */
typedef struct fvi_dense_sums {
    const float *x, *w;
    float *sum;
    ptrdiff_t x_point, w_row, sum_point; /* strides in floats */
    size_t count;
    int32_t rows;
} fvi_dense_sums;

/* A product of panels, stored or added:
 *   y[r*y_row + j] (+)= sum over q < count of a[q*4 + r] * b[q*width + j]   for r < rows <= 4, j < columns <= width
 * where width = 3 * lanes. Each sum runs in the order of q, with one FMA a term, from 0 or from y. a and b are whole panels, at any
 * address. */
typedef struct fvi_dense_product {
    const float *a, *b;
    float *y;
    ptrdiff_t y_row;
    size_t count;
    int32_t rows, columns;
    bool add;
} fvi_dense_product;

/* Rows of a matrix as panels, row by row: to[(p*rows + q)*width + j] = from[q*from_row + p*width + j], zeros behind the
 * `last` columns of the last panel. */
typedef struct fvi_dense_spread {
    const float *from;
    float *to;
    ptrdiff_t from_row;
    int32_t rows, panels, last;
} fvi_dense_spread;

typedef void fvi_dense_spread_fn(const fvi_dense_spread *arguments);
typedef void fvi_dense_sums_fn(const fvi_dense_sums *arguments);
typedef void fvi_dense_product_fn(const fvi_dense_product *arguments);

typedef struct fvi_dense_gemm {
    const char *name; /* the instruction set */
    int32_t lanes;
    fvi_dense_sums_fn *sums[FVI_DENSE_POINTS]; /* sums[P - 1] */
    fvi_dense_product_fn *product;
    fvi_dense_spread_fn *spread;
} fvi_dense_gemm;

/* The compiled variants; what this build lacks (another architecture's) is absent. */
extern const fvi_dense_gemm fvi_dense_gemm_baseline;
extern const fvi_dense_gemm fvi_dense_gemm_avx2;
extern const fvi_dense_gemm fvi_dense_gemm_avx512;
extern const fvi_dense_gemm fvi_dense_gemm_neon;

#endif
