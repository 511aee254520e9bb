/* SPDX-License-Identifier: Apache-2.0
 *
 * winograd.h - the transforms of minimal filtering F(4x4, 3x3) and F(4x4, 5x5) (Winograd 1980; Lavin & Gray 2016,
 * arXiv:1509.09308), on vectors whose lanes are channels. A 3x3 convolution of stride 1 computes a tile of 4x4 outputs from a
 * 6x6 window by 36 multiplications a channel instead of 144; a 5x5 one from an 8x8 window by 64 instead of 400:
 *
 *   forward            Y  = A^T [ sum over c of (G g G^T) * (B^T d B) ] A          g taps, d window, Y 4x4; * element by element
 *   backward by weights dg = G^T [ sum over tiles of (A dY A^T) * (B^T d B) ] G
 *
 * for the points 0, +-5/8, +-3/2 and infinity (3x3) or 0, +-1/2, +-1, +-2 and infinity (5x5). The usual 1 and 2 for 3x3 lose two
 * to three times as much to rounding; with these every constant but those of G is exact (docs/numerics.md#winograd).
 * winograd.isa.c is compiled once per instruction set; each exports one fvi_winograd.
 */
#ifndef FVI_WINOGRAD_H
#define FVI_WINOGRAD_H

#include <stdbool.h>

#include "kernel/gemm/brgemm.h"

/* to[e*component + c] = component e of B^T d B, for c < channels rounded up to whole vectors (zeros behind).
 * d[i][j] = x[i*row + j*pixel + c]; rows and columns of the window outside [begin, end) are zero and not read. */
typedef struct fvi_winograd_input {
    const float *x; /* of the window's first pixel, which need not exist */
    ptrdiff_t row, pixel;
    int32_t row_begin, row_end, column_begin, column_end;
    int32_t channels;
    float *to;
    ptrdiff_t component;
} fvi_winograd_input;

/* y[i*row + j*pixel + k] = bias[k] + (A^T m A)[i][j], m[e] = from[e*component + k], for i < rows, j < columns, k < count.
 * Vectors of m are read whole. bias: NULL for none. */
typedef struct fvi_winograd_output {
    const float *from;
    ptrdiff_t component;
    const float *bias;
    float *y;
    ptrdiff_t row, pixel;
    int32_t rows, columns, count;
} fvi_winograd_output;

/* to[e*component + k] = component e of A dY A^T and to[parts*component + k] = the sum of dY, for k < count rounded up to whole
 * vectors (zeros behind). dY[i][j] = dy[i*row + j*pixel + k] for i < rows, j < columns, else 0. */
typedef struct fvi_winograd_gradient {
    const float *dy;
    ptrdiff_t row, pixel;
    int32_t rows, columns, count;
    float *to;
    ptrdiff_t component;
} fvi_winograd_gradient;

/* Weights: lane j of channel c is the kernel g[tap] = w[j*lane_stride + c*channel_stride + tap] (turned: taps*taps - 1 - tap), j < count;
 * lanes beyond are zero. To or from packed[e*component + c*width + j], width = count rounded up to whole vectors. */
typedef struct fvi_winograd_weights {
    const float *w; /* read by `weights` */
    float *dw;      /* written by `weights_gradient`, never turned */
    ptrdiff_t lane_stride, channel_stride;
    int32_t channels, count;
    bool turned;
    bool past_caches; /* `weights` stores so: packed is large */
    float *packed;    /* read by `weights_gradient` */
    ptrdiff_t component;
} fvi_winograd_weights;

typedef void fvi_winograd_input_fn(const fvi_winograd_input *arguments);
typedef void fvi_winograd_output_fn(const fvi_winograd_output *arguments);
typedef void fvi_winograd_gradient_fn(const fvi_winograd_gradient *arguments);
typedef void fvi_winograd_weights_fn(const fvi_winograd_weights *arguments);

/* F(out x out, taps x taps): window = out + taps - 1, parts = window^2 components of a transformed window. */
typedef struct fvi_winograd_form {
    int32_t out, taps, window, parts;
    fvi_winograd_input_fn *input;
    fvi_winograd_output_fn *output;
    fvi_winograd_gradient_fn *gradient;
    fvi_winograd_weights_fn *weights, *weights_gradient;
} fvi_winograd_form;

#ifdef FVI_INFERENCE_ONLY
#define FVI_WINOGRAD_FORMS 1 /* 3x3 kernels; 5x5 go the direct way, for the size of the library */
#else
#define FVI_WINOGRAD_FORMS 2
#endif

typedef struct fvi_winograd {
    const fvi_brgemm *gemm; /* of the same instruction set */
    fvi_winograd_form form[FVI_WINOGRAD_FORMS];
} fvi_winograd;

extern const fvi_winograd fvi_winograd_baseline;
extern const fvi_winograd fvi_winograd_avx2;
extern const fvi_winograd fvi_winograd_avx512;
extern const fvi_winograd fvi_winograd_neon;

#endif
