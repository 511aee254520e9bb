/* SPDX-License-Identifier: Apache-2.0
 *
 * pixel_gemm.h - the micro-kernel for few channels: the lanes of a vector are neighbouring pixels of a row instead of
 * channels (brgemm.h), so one output channel fills them. x is planar: the same channel of neighbouring pixels is contiguous.
 * pixel_gemm.isa.c is compiled once per instruction set; each exports one fvi_pixel_gemm. Diagram: docs/kernel-contract.md.
 */
#ifndef FVI_PIXEL_GEMM_H
#define FVI_PIXEL_GEMM_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/gemm/brgemm.h"

#define FVI_PIXEL_GEMM_OUTPUTS 8 /* largest tile, in output channels and in vectors */
#define FVI_PIXEL_GEMM_VECTORS 6
#define FVI_PIXEL_GEMM_ROWS 3 /* output rows that one tile computes when there is a single output channel */

/* Forward form on K outputs and tiles of V vectors:
 *   y[j*y_pixel + k] = init[k] + sum over t < terms of x[j + offset[t]] * w[t*K + k]   for j < pixels, k < K
 * Each sum runs in the order of t with one FMA a term: the bits of brgemm's forward form for the same order of terms.
 * pixels is at least V*lanes; the last tile is moved back to end with the row, and computes some pixels again.
 * In the form on several rows (K = 1) row i < FVI_PIXEL_GEMM_ROWS is
 *   y[i*y_row + j*y_pixel] = init[0] + sum over t < terms of x[j + offset[i*row_terms + t]] * w[t]
 * and terms is at least FVI_PIXEL_GEMM_ROWS * row_terms.
 * Nothing but y[j*y_pixel + k] is written. y must not overlap the others. */
typedef struct fvi_pixel_gemm_forward {
    const float *x, *w, *init;
    const int32_t *offset;
    float *y;
    ptrdiff_t y_pixel, y_row; /* strides in floats */
    int32_t terms, row_terms, pixels;
} fvi_pixel_gemm_forward;

/* Outer form on K outputs and T terms, summed over a run of pixels:
 *   acc[(t*K + k)*lanes + l] += sum over b < vectors of d[k*d_output + b*lanes + l] * x[offset[t] + b*lanes + l]
 * for t < T*tiles, k < K and lanes l. Each sum runs in that order. */
typedef struct fvi_pixel_gemm_outer {
    const float *x, *d;
    const int32_t *offset;
    float *acc;
    ptrdiff_t d_output;
    int32_t vectors, tiles;
} fvi_pixel_gemm_outer;

/* From channels last to planes:
 *   to[i*to_row + c*to_channel + p] = from[i*from_row + p*from_pixel + c]   for i < rows, p < pixels, c < channels */
typedef struct fvi_pixel_gemm_copy {
    const float *from;
    float *to;
    ptrdiff_t from_row, from_pixel, to_row, to_channel;
    int32_t rows, pixels, channels;
} fvi_pixel_gemm_copy;

/* to[i] = the sum of the lanes of vector i of `from`, for i < count, each along the same tree. */
typedef void fvi_pixel_gemm_sum_fn(size_t count, const float *from, float *to);
typedef void fvi_pixel_gemm_forward_fn(const fvi_pixel_gemm_forward *arguments);
typedef void fvi_pixel_gemm_outer_fn(const fvi_pixel_gemm_outer *arguments);
typedef void fvi_pixel_gemm_copy_fn(const fvi_pixel_gemm_copy *arguments);

/* The kernels of one instruction set: forward[K - 1][V - 1] and outer[K - 1][T - 1] for K <= outputs and V, T <=
 * vectors[K - 1], which never grows with K; rows[V - 1] for V <= row_vectors. */
typedef struct fvi_pixel_gemm {
    const char *name; /* the instruction set */
    int32_t lanes;
    const fvi_brgemm *channels; /* the kernels with lanes of channels, which they must be faster than */
    int32_t outputs, vectors[FVI_PIXEL_GEMM_OUTPUTS], row_vectors;
    fvi_pixel_gemm_forward_fn *forward[FVI_PIXEL_GEMM_OUTPUTS][FVI_PIXEL_GEMM_VECTORS];
    fvi_pixel_gemm_forward_fn *rows[FVI_PIXEL_GEMM_VECTORS];
    fvi_pixel_gemm_outer_fn *outer[FVI_PIXEL_GEMM_OUTPUTS][FVI_PIXEL_GEMM_VECTORS];
    fvi_pixel_gemm_copy_fn *copy;
    fvi_pixel_gemm_sum_fn *sum;
} fvi_pixel_gemm;

/* The compiled variants; what this build lacks (another architecture's) is absent. */
extern const fvi_pixel_gemm fvi_pixel_gemm_baseline;
extern const fvi_pixel_gemm fvi_pixel_gemm_avx2;
extern const fvi_pixel_gemm fvi_pixel_gemm_avx512;
extern const fvi_pixel_gemm fvi_pixel_gemm_neon;

#endif
