/* SPDX-License-Identifier: Apache-2.0
 *
 * tuner.h - whom a layer asks which algorithm suits a convolution best on this machine. What stands behind it measures
 * (src/plan/tuning.h); a context without one leaves the choice to the cost model (fvi_conv2d_choose()).
 */
#ifndef FVI_TUNER_H
#define FVI_TUNER_H

#include "kernel/conv/conv2d.h"

typedef struct fvi_tuner fvi_tuner;
struct fvi_tuner {
    /* Names an algorithm of the table for each pass among `passes` (bits 1 << fvi_pass), or NULL where the cost model is to
     * choose, and what was measured: "name: 1.234 ms\n" for each candidate, the chosen one first, or NULL. Times live as
     * long as the tuner. */
    fv_status (*choose)(fvi_tuner *tuner, const fvi_conv2d_shape *shape, uint32_t passes, const char *name[FVI_PASSES],
                        const char *timed[FVI_PASSES]);
};

#endif
