/* SPDX-License-Identifier: Apache-2.0
 *
 * sgd_kernels.h - loops over a range of one parameter, of any length. Each float32 vector kernel gives the bits of the
 * reference: the same operations on each element, in the same order, none fused.
 */
#ifndef FVI_SGD_KERNELS_H
#define FVI_SGD_KERNELS_H

#include <stddef.h>

#include "base/base.h"
#include "fovea/tensor.h"

/* Numbers of one update; the kernels compute in their own precision. */
typedef struct fvi_sgd_rates {
    double rate, momentum, decay;
} fvi_sgd_rates;

/* Pointers are to elements of the table's dtype, and do not overlap. */
typedef struct fvi_sgd_kernels {
    const char *name;                                 /* "reference", "avx2", ... */
    bool (*finite)(size_t count, const void *values); /* none is NaN or infinite */
    /* v = momentum*v + (g + decay*w);  w = w - rate*v */
    void (*update)(size_t count, const fvi_sgd_rates *rates, const void *g, void *v, void *w);
    void (*average)(size_t count, double momentum, const void *observed, void *w); /* w = w + momentum*(observed - w) */
} fvi_sgd_kernels;

/* Never NULL. reference: the plain loops, also for float32. */
const fvi_sgd_kernels *fvi_sgd_kernels_for(fv_dtype dtype, fvi_isa isa, bool reference);

/* Multiplies count values by limit / norm where their Euclidean norm is above limit. The sum of squares is taken in 16
 * lanes, lane i of every group of 16 first, then the lanes in pairs, then what is left: a fixed order. */
void fvi_limit_norm_f32(size_t count, double limit, float *w);
void fvi_limit_norm_f64(size_t count, double limit, double *w);

#endif
