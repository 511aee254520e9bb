/* SPDX-License-Identifier: Apache-2.0
 *
 * depthwise.h - the micro-kernels of depthwise convolution and of convolutions in small groups: a vector of lanes runs over
 * the output channels of one or of several groups, so that a group that would not fill a vector wastes none.
 * depthwise.isa.c is compiled once per instruction set. Layout and method: docs/kernel-contract.md#small-groups.
 */
#ifndef FVI_DEPTHWISE_H
#define FVI_DEPTHWISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/gemm/tile_end.h"

/* How the lanes of a vector of outputs find their inputs: lane j of the vector that begins at output k0 reads, for
 * c < reduced, input (k0 + j) / outputs_per_group * reduced + c. */
typedef enum fvi_lane_map {
    FVI_LANES_SAME,    /* one channel in, one out: a load */
    FVI_LANES_QUARTET, /* groups of two or four channels in and out: a load, then a choice within each four lanes */
    FVI_LANES_CHOSEN,  /* the vector's inputs fit into one vector: a load, then a choice among all lanes */
    FVI_LANES_ONE,     /* the vector lies within a group: one number in all lanes */
    FVI_LANES_GATHERED /* anything else: lane by lane */
} fvi_lane_map;
#define FVI_LANE_MAPS 5

/* Memory that a call brings into the L2 cache meanwhile, for the next call: lines of 64 bytes from two addresses on. Any address is
 * harmless. */
typedef struct fvi_depthwise_ahead {
    const float *x, *y;
    int32_t x_lines, y_lines;
} fvi_depthwise_ahead;

/* One row of outputs, all channels.
 *   y[p*y_point + k] = bias[k] + sum over a < rows, b < columns, c < reduced of
 *                      x[p*x_point + a*x_row + b*x_column + input(k, c)] * w[k / lanes][(a*columns + b)*reduced + c][k % lanes]
 * Each sum runs in that order with one FMA a term, then end is done. w: vectors w_vector floats apart, 64-byte aligned; lanes that do not exist
 * are zero. Neither inputs beyond `inputs` nor outputs beyond `outputs` are touched. bias may be NULL. */
typedef struct fvi_depthwise_forward {
    const float *x, *w, *bias;
    float *y;
    ptrdiff_t x_point, x_row, x_column, y_point;
    size_t w_vector;
    int32_t points, rows, columns;
    int32_t inputs, outputs;            /* channels */
    int32_t outputs_per_group, reduced; /* reduced: inputs of a group */
    fvi_tile_end end;                   /* its clamp; plus is not looked at */
    fvi_depthwise_ahead ahead;          /* y will be written */
    bool past_caches;                   /* stores go past the caches; y, y_point and outputs are whole lines */
} fvi_depthwise_forward;

/* One row of output gradients, all channels, tap rows [first, first + rows) of the kernel.
 *   acc[k / lanes][(a*columns + b)*reduced + c][k % lanes] += sum over p of x[p*x_pixel + a*x_row + b*x_column + input(k, c)] * dy[p*dy_pixel + k]
 * for a in that range; x lies at tap row 0. Each sum runs in the order of the pixels. acc as w above.
 *   sum[k] += sum over p of dy[p*dy_pixel + k]          unless sum is NULL; it holds whole vectors */
typedef struct fvi_depthwise_weights {
    const float *x, *dy;
    float *acc, *sum;
    ptrdiff_t x_pixel, x_row, x_column, dy_pixel;
    size_t acc_vector;
    int32_t pixels, first, rows, columns;
    int32_t inputs, outputs, outputs_per_group, reduced;
    fvi_depthwise_ahead ahead; /* y: dy */
} fvi_depthwise_weights;

typedef void fvi_depthwise_forward_fn(const fvi_depthwise_forward *arguments);
typedef void fvi_depthwise_weights_fn(const fvi_depthwise_weights *arguments);

typedef struct fvi_depthwise {
    int32_t lanes;
    fvi_depthwise_forward_fn *forward[FVI_LANE_MAPS];
    fvi_depthwise_weights_fn *weights[FVI_LANE_MAPS];
} fvi_depthwise;

/* The compiled variants; those of another architecture are absent. */
extern const fvi_depthwise fvi_depthwise_baseline;
extern const fvi_depthwise fvi_depthwise_avx2;
extern const fvi_depthwise fvi_depthwise_avx512;
extern const fvi_depthwise fvi_depthwise_neon;

#endif
