/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_pixels_cost.c - estimates of what lanes of pixels and lanes of channels cost, by counting instructions: FMAs, loads
 * and the latency of the chains that a tile holds. Constants measured on Zen 3 (docs/performance.md, few channels); what
 * they decide is where one way is clearly better, and in between it matters little.
 */
#include "kernel/conv/conv2d_pixels.h"

#define FMAS_A_CYCLE 2
#define LOADS_A_CYCLE 2
#define ISSUED_A_CYCLE 5
#define FMA_LATENCY 4
#define COUNTING 2.5    /* instructions of a term beside its loads and FMAs */
#define RUN_CYCLES 20   /* what beginning a row of taps costs a tile with lanes of channels */
#define COPY_CYCLES 0.4 /* a float */
#define DY_CYCLES 3     /* copying a pixel of dy and adding it to db, a block of outputs */
#define MARGIN 1.2      /* pixels must be estimated that much faster: measured, they miss their estimate by more */

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* FMAs on `fmas` accumulators, `loads` of vectors and broadcasts. */
static double term_cycles(double fmas, double loads, double loads_counted)
{
    const double issue = (fmas + loads + COUNTING) / ISSUED_A_CYCLE;
    return larger(larger(fmas / FMAS_A_CYCLE, loads_counted / LOADS_A_CYCLE), larger(issue, FMA_LATENCY));
}

double fvi_conv2d_pixel_term_cycles(const fvi_pixel_gemm *gemm, int32_t outputs, int32_t vectors)
{
    /* A vector at any address lies in two cache lines in (lanes - 1) of 16 cases, and then counts twice. */
    const double crossing = 1.0 + (gemm->lanes - 1) / 16.0;
    return term_cycles((double)outputs * vectors, outputs + vectors, outputs + vectors * crossing);
}

/* The terms of one row of `count` points cut into even tiles: the sum over tiles. */
static double tiles_cycles(const fvi_brgemm *gemm, int32_t vectors, int32_t count)
{
    const int32_t tiles = fvi_conv2d_ceil(count, gemm->points[vectors - 1]);
    double sum = 0;
    for (int32_t i = 0; i < tiles; i++) {
        const int32_t points = fvi_conv2d_even_span(count, gemm->points[vectors - 1], i).count;
        sum += term_cycles((double)points * vectors, points + vectors, points + vectors);
    }
    return sum;
}

double fvi_conv2d_channel_row_cycles(const fvi_brgemm *gemm, int32_t outputs, int32_t width, int32_t rows,
                                     int32_t row_terms)
{
    double sum = 0;
    for (int32_t i = 0; i < fvi_conv2d_block_count(gemm, outputs); i++) {
        const int32_t vectors = fvi_conv2d_block_at(gemm, outputs, i).vectors;
        const int32_t tiles = fvi_conv2d_ceil(width, gemm->points[vectors - 1]);
        sum += rows * (row_terms * tiles_cycles(gemm, vectors, width) + RUN_CYCLES * tiles);
    }
    return sum;
}

double fvi_conv2d_channel_weights_cycles(const fvi_brgemm *gemm, int32_t outputs, int32_t rows, int32_t row_terms)
{
    double sum = 0;
    for (int32_t i = 0; i < fvi_conv2d_block_count(gemm, outputs); i++)
        sum += rows * tiles_cycles(gemm, fvi_conv2d_block_at(gemm, outputs, i).vectors, row_terms) + DY_CYCLES;
    return sum;
}

double fvi_conv2d_copy_cycles(int64_t floats)
{
    return COPY_CYCLES * (double)floats;
}

const char *fvi_conv2d_refuse_cost(fvi_conv2d_cost cost)
{
    return cost.pixels * MARGIN < cost.channels ? NULL : "lanes of channels are estimated to be as fast";
}
