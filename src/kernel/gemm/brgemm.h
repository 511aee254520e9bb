/* SPDX-License-Identifier: Apache-2.0
 *
 * brgemm.h - the one micro-kernel under every convolution and dense layer: the batch-reduce GEMM on a register tile,
 * C += sum over i of A_i * B_i (Georganas et al. 2019, arXiv:1906.06440), in two forms that share their operand order.
 * brgemm.isa.c is compiled once per instruction set; each exports one fvi_brgemm. Diagrams: docs/kernel-contract.md.
 */
#ifndef FVI_BRGEMM_H
#define FVI_BRGEMM_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/gemm/tile_end.h"

#define FVI_BRGEMM_MAX_VECTORS 2
#define FVI_BRGEMM_MAX_POINTS 16
#define FVI_BRGEMM_MAX_WIDTH 32 /* floats in the widest block: 2 vectors of 16 */

/* Forward form. width = vectors * lanes, P = points of the chosen kernel.
 *   y[p, j] = init[j] + sum over a < rows, b < segments, q < run of
 *             x[p*x_point + a*x_row + b*x_segment + q] * w[((a*segments + b)*run + q)*width + j]
 * for p < P*tiles. Each sum runs in that order, with one FMA a term: the value does not depend on P.
 * and then end: y[p, j] = f(y[p, j] + plus[p*plus_point + j]). x: any address; w and init: 64-byte aligned; y: stored whole but for the
 * last vector, of which `last` lanes are. They must not overlap. */
typedef struct fvi_brgemm_forward {
    const float *x, *w;
    const float *init; /* width floats; NULL: the sums go on from what y holds, and last is lanes */
    float *y;
    ptrdiff_t x_point, x_row, x_segment, y_point; /* strides in floats */
    int32_t rows, segments, run;                  /* any may be 0: y = init */
    int32_t tiles;                                /* tiles of P points, one after another */
    int32_t last;                                 /* 1 to lanes */
    fvi_tile_end end;
} fvi_brgemm_forward;

/* Outer form: pixels are summed over, points are consecutive floats of x.
 *   acc[p*width + j] += sum over a < rows, b < pixels of x[a*x_row + b*x_pixel + p] * d[(a*pixels + b)*width + j]
 * for p < P*tiles; d and acc 64-byte aligned. Each sum runs in that order, with one FMA a term.
 * Meanwhile each tile prefetches into the L2 what its two fetches name next: any address is harmless. */
typedef struct fvi_brgemm_fetch {
    const float *at;
    ptrdiff_t step;       /* floats from item to item */
    int32_t lines, items; /* neighbouring cache lines of an item; items a tile takes */
} fvi_brgemm_fetch;

typedef struct fvi_brgemm_outer {
    const float *x, *d;
    float *acc;
    ptrdiff_t x_row, x_pixel;
    int32_t rows, pixels;
    int32_t tiles;
    fvi_brgemm_fetch fetch[2];
} fvi_brgemm_outer;

/* Copies pixels of `count` floats to rows of whole vectors, zeros behind the last float:
 *   to[p*width + j] = from[p*from_pixel + j] for j < count, 0 for count <= j < width = count rounded up to lanes.
 * sum: NULL, or width floats (64-byte aligned, at most FVI_BRGEMM_MAX_VECTORS vectors) to which the
 * pixels are added in order.
 * blocks: as many neighbours of FVI_BRGEMM_MAX_VECTORS whole vectors instead, of one pixel after another, block b to
 * to + b*to_block; count and sum are not looked at. 0: one, as above. */
typedef struct fvi_brgemm_copy {
    const float *from;
    ptrdiff_t from_pixel;
    float *to, *sum;
    int32_t pixels, count, blocks;
    ptrdiff_t to_block;
} fvi_brgemm_copy;

typedef void fvi_brgemm_forward_fn(const fvi_brgemm_forward *arguments);
typedef void fvi_brgemm_outer_fn(const fvi_brgemm_outer *arguments);
typedef void fvi_brgemm_copy_fn(const fvi_brgemm_copy *arguments);

/* The kernels of one instruction set. forward[v - 1][P - 1] for v vectors and 1 <= P <= points[v - 1]; outer likewise. */
typedef struct fvi_brgemm {
    const char *name; /* the instruction set */
    int32_t lanes;
    int32_t points[FVI_BRGEMM_MAX_VECTORS];
    fvi_brgemm_forward_fn *forward[FVI_BRGEMM_MAX_VECTORS][FVI_BRGEMM_MAX_POINTS];
    fvi_brgemm_outer_fn *outer[FVI_BRGEMM_MAX_VECTORS][FVI_BRGEMM_MAX_POINTS];
    fvi_brgemm_copy_fn *copy;
} fvi_brgemm;

/* The compiled variants. What this build lacks (another architecture's) is absent; fvi_brgemm_for() knows. */
extern const fvi_brgemm fvi_brgemm_baseline;
extern const fvi_brgemm fvi_brgemm_avx2;
extern const fvi_brgemm fvi_brgemm_avx512;
extern const fvi_brgemm fvi_brgemm_neon;

#endif
