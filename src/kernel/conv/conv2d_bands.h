/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_bands.h - three convolutions in a row, forward, in bands of rows: a dense one (the head), a depthwise one, a 1x1 one (the
 * tail), as inverted residuals are (Sandler et al. 2018, arXiv:1801.04381). What lies between them, several times wider than
 * what goes in and out, stays in the caches of the thread that computes it. The bits are those of the three calls one after the other.
 */
#ifndef FVI_CONV2D_BANDS_H
#define FVI_CONV2D_BANDS_H

#include "kernel/conv/conv2d.h"

typedef struct fvi_conv2d_bands {
    int32_t rows;                          /* of the tail's output, the most of a band */
    size_t narrow_floats, filtered_floats; /* of one worker: a block of the head's channels, the depthwise output */
    size_t scratch_bytes;
} fvi_conv2d_bands;

/* What one of the three is called with. */
typedef struct fvi_conv2d_part {
    const fvi_conv2d_plan *plan;
    const void *packed, *bias;           /* as for fvi_conv2d_forward() */
    const fvi_conv2d_epilogue *epilogue; /* or NULL; of the first two without a summand */
} fvi_conv2d_part;

/* Whether these three plans can run in bands, and pay; then fills bands, else returns the reason. activation: of head, depthwise and tail,
 * NULL where there is none. */
const char *fvi_conv2d_bands_accept(fvi_conv2d_bands *bands, const fvi_conv2d_plan *const plan[3],
                                    const fvi_activation *const activation[3]);
/* y as the tail's fvi_conv2d_forward() would have written it, given x, the head's input (with the border that its plan wants). */
void fvi_conv2d_bands_forward(const fvi_conv2d_bands *bands, fv_context *context, const fvi_conv2d_part part[3],
                              const fvi_view *x, const fvi_view *y, void *scratch);

#endif
