/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_pixels.h - the types of the algorithm for few channels, whose lanes are neighbouring pixels (docs/kernel-contract.md):
 * the window of a few rows that it copies to planes, and how outputs and pixels are cut into register tiles.
 */
#ifndef FVI_CONV2D_PIXELS_H
#define FVI_CONV2D_PIXELS_H

#include "kernel/conv/conv2d_direct.h"
#include "kernel/gemm/pixel_gemm.h"

/* Output channels [first, first + count) of a tile: K outputs are cut into nearly equal blocks of at most `most`. */
typedef struct fvi_conv2d_span {
    int32_t first, count;
} fvi_conv2d_span;

static inline fvi_conv2d_span fvi_conv2d_even_span(int32_t total, int32_t most, int32_t index)
{
    const int32_t blocks = fvi_conv2d_ceil(total, most), small = total / blocks, larger = total % blocks;
    const fvi_conv2d_span span = { index * small + (index < larger ? index : larger), small + (index < larger) };
    return span;
}

static inline int32_t fvi_conv2d_smaller(int64_t a, int64_t b)
{
    return (int32_t)(a < b ? a : b);
}

/* Estimates in cycles of a core that starts two FMAs and two loads in each: what a row of outputs costs, up to a factor that
 * is the same for all. They choose tiles, and an algorithm. */
typedef struct fvi_conv2d_cost {
    double pixels, channels; /* with lanes of pixels, and of channels */
} fvi_conv2d_cost;

/* One term on a tile of `outputs` x `vectors` of pixels, some of which lie in two lines. */
double fvi_conv2d_pixel_term_cycles(const fvi_pixel_gemm *gemm, int32_t outputs, int32_t vectors);
/* A row of `width` outputs with lanes of channels: rows of taps of row_terms each. */
double fvi_conv2d_channel_row_cycles(const fvi_brgemm *gemm, int32_t outputs, int32_t width, int32_t rows,
                                     int32_t row_terms);
/* One pixel of backward by weights with lanes of channels. */
double fvi_conv2d_channel_weights_cycles(const fvi_brgemm *gemm, int32_t outputs, int32_t rows, int32_t row_terms);
/* Cycles of copying `floats` from channels last to planes. */
double fvi_conv2d_copy_cycles(int64_t floats);
/* NULL, or why lanes of channels are to do it. */
const char *fvi_conv2d_refuse_cost(fvi_conv2d_cost cost);

const char *fvi_conv2d_pixels_accept_weights(fvi_conv2d_plan *plan);

#endif
