/* SPDX-License-Identifier: Apache-2.0
 *
 * dot.h - the micro-kernels under convolutions in bfloat16: products of pairs, summed in float32 (dot.isa.c). One table for each
 * instruction set. Diagram: docs/kernel-contract.md.
 */
#ifndef FVI_KERNEL_BF16_DOT_H
#define FVI_KERNEL_BF16_DOT_H

#include <stddef.h>
#include <stdint.h>

enum { FVI_BF16_VECTORS = 2, FVI_BF16_ROWS = 6 }; /* of a register tile: vectors of outputs, rows (or inputs) */
enum { FVI_BF16_OUTPUTS_MOST = 32 };              /* of a table */

/* y[i*y_row + k] = init[k] (or, init NULL, what it was) + sum over p < pairs of x[i*x_row + 2p + 1] * w[p][k].high, then + x[i*x_row + 2p] * w[p][k].low
 * for i < rows and k < outputs (of the table). w: [pairs][outputs] pairs, the low half first in memory. None overlap. */
typedef struct fvi_bf16_rows {
    const uint16_t *x;
    const int32_t *w;
    const float *init; /* [outputs] or NULL */
    float *y;
    ptrdiff_t x_row, y_row; /* in elements */
    size_t pairs, rows;
} fvi_bf16_rows;

/* sum[i*outputs + k] += sum over p < pairs of x[p*x_pairs + i].high * dy[p*outputs + k].high, then of the low halves
 * for i < inputs and k < outputs: a pair is one channel of two pixels. */
typedef struct fvi_bf16_sums {
    const int32_t *x, *dy;
    float *sum;
    size_t x_pairs; /* from pair to pair of pixels in x */
    size_t pairs, inputs;
} fvi_bf16_sums;

typedef struct fvi_bf16_dot {
    const char *name; /* as fovea explain shows it: "bf16_avx512_bf16", ... */
    size_t outputs;
    void (*rows)(const fvi_bf16_rows *arguments);
    void (*sums)(const fvi_bf16_sums *arguments);
    /* to[i] = low[i] | high[i] << 16 */
    void (*pair)(size_t count, const uint16_t *low, const uint16_t *high, int32_t *to);
} fvi_bf16_dot;

#endif
