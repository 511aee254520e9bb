/* SPDX-License-Identifier: Apache-2.0
 *
 * int8.h - 8-bit kernels: products of unsigned activations and signed weights summed in 32 bits, and the way between such sums, bytes
 * and float32. One table for each instruction set; all give the same bits: integers are exact (nothing saturates, see dot.isa.c), and
 * the few operations in float32 are each rounded once, without FMA.
 *
 * A byte q stands for (q - zero) * scale (Jacob et al. 2018, arXiv:1712.05877, section 2.1); of weights zero is 0.
 */
#ifndef FVI_KERNEL_INT8_H
#define FVI_KERNEL_INT8_H

#include "base/base.h"

enum { FVI_INT8_VECTORS = 2, FVI_INT8_ROWS = 6 }; /* of a register tile: vectors of outputs, rows */
enum { FVI_INT8_OUTPUTS_MOST = 32 };              /* of a table */
enum { FVI_INT8_TERMS_MOST = 65536 };             /* of one sum: 255 * 127 * this is below 2^31 */

/* y[i*y_row + k] = init[k] (or, init NULL, what it was)
 *                  + sum over s < segments, p < steps, j < group of x[i][s][p*group + j] * w[s][p][k][j]
 * for i < rows and k < outputs (of the table). x: what spread() wrote, x_row bytes from row to row, x_segment from segment to
 * segment; w: [segments][steps][outputs] of 32 bits, as pack() wrote them. None overlap. */
typedef struct fvi_int8_rows {
    const char *x;
    const int32_t *w;
    const int32_t *init; /* [outputs] or NULL */
    int32_t *y;
    size_t x_row, x_segment, y_row; /* in bytes; y_row in elements */
    size_t segments, steps, rows;
} fvi_int8_rows;

/* How sums become bytes: t = sum * factor[k] + bias[k]; q = zero + round(t * inverse), halves to even, held in
 * [lowest, 255]. lowest is `zero` behind a ReLU, else 0. */
typedef struct fvi_int8_ends {
    const float *factor, *bias;
    float inverse;
    int32_t zero, lowest;
} fvi_int8_ends;

/* `channels` of `pixels` pixels; sums of a pixel lie row apart, bytes y_step apart. Sums, factors and biases behind the last channel
 * may be read, up to a whole vector, and have no effect. */
typedef struct fvi_int8_run {
    size_t pixels, channels, row;
    ptrdiff_t y_step;
} fvi_int8_run;

/* A depthwise convolution's pixels of one row of y: y[j*channels + c] = init[c] + sum over t < taps of x[t][j*x_step + c] * w[t][c],
 * for j < pixels; w: [(taps + 1) / 2][channels] pairs of 16 bits, the tap of even number low. */
typedef struct fvi_int8_deep {
    const uint8_t *const *x; /* [taps] */
    const int32_t *w, *init;
    int32_t *y;
    ptrdiff_t x_step;
    size_t taps, pixels,
        channels; /* bytes and weights behind the last channel may be read, up to a vector; sums are written */
} fvi_int8_deep;

/* One row of maximum pooling: y[j*y_step + c] = the largest of x[r*x_row + w*x_step + c] over r < rows and the w in
 * [j*stride - pad, j*stride - pad + columns) that are inside [0, width), for j < pixels; 0 where none is. */
typedef struct fvi_int8_pool {
    const uint8_t *x;
    uint8_t *y;
    ptrdiff_t x_row, x_step, y_step;
    int32_t rows, columns, stride, pad, width, pixels;
    size_t channels;
} fvi_int8_pool;

typedef struct fvi_int8_kernels {
    const char *name;     /* as fovea explain shows it: "int8_avx2", ... */
    size_t outputs;       /* of a tile */
    size_t group;         /* products in 32 bits of x and w: 4 bytes, or 2 numbers of 16 bits */
    int32_t x_offset;     /* spread() takes this off each byte */
    size_t element_bytes; /* of x behind spread(): 4 / group */
    void (*rows)(const fvi_int8_rows *arguments);
    void (*depthwise)(const fvi_int8_deep *arguments);
    /* to[i] = from[i] - x_offset, element_bytes each; count bytes of `value` likewise */
    void (*spread)(size_t count, const uint8_t *from, void *to);
    void (*spread_value)(size_t count, uint8_t value, void *to);
    /* The weights w[j][k], j < group, of one step: to[k] */
    void (*pack)(size_t count, const int8_t *const w[4], int32_t *to);
    void (*ends)(const fvi_int8_run *run, const fvi_int8_ends *ends, const int32_t *sums, uint8_t *y);
    /* y[i*row + k] = sums[i*row + k] * factor[k] + bias[k]; y may be the memory of sums */
    void (*scale)(const fvi_int8_run *run, const fvi_int8_ends *ends, const int32_t *sums, float *y);
    /* q = zero + round(x * inverse), halves to even, held in [0, 255]; of a NaN 0 */
    void (*quantize)(size_t count, float inverse, int32_t zero, const float *x, uint8_t *q);
    /* x = (q - zero) * scale */
    void (*dequantize)(size_t count, float scale, int32_t zero, const uint8_t *q, float *x);
    void (*max_pool)(const fvi_int8_pool *arguments);
} fvi_int8_kernels;

/* The table for an instruction set on a CPU with these features (base/cpu.h). Never NULL. */
const fvi_int8_kernels *fvi_int8_kernels_for(fvi_isa isa, uint32_t features);
const fvi_int8_kernels *fvi_int8_kernels_of(const fv_context *context);

#endif
