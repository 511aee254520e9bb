/* SPDX-License-Identifier: Apache-2.0
 *
 * sgd_kernels.h - loops over a range of a parameter block. count is a multiple of 16 (FVI_PARAM_ALIGNMENT): gaps are
 * zero and stay so.
 */
#ifndef FVI_SGD_KERNELS_H
#define FVI_SGD_KERNELS_H

#include <stddef.h>

/* Numbers of one update; the kernels compute in their own precision. */
typedef struct fvi_sgd_rates {
    double rate, momentum, decay;
} fvi_sgd_rates;

/* Sum of squares in 16 lanes, lane i of every group of 16 first, then the lanes in pairs: a fixed order. Not finite
 * when a value is not, and also when the sum overflows. */
double fvi_sum_of_squares_f32(size_t count, const float *values);
double fvi_sum_of_squares_f64(size_t count, const double *values);
/* v = momentum*v + (g + decay*w);  w = w - rate*v. The three do not overlap. */
void fvi_sgd_update_f32(size_t count, const fvi_sgd_rates *rates, const float *g, float *v, float *w);
void fvi_sgd_update_f64(size_t count, const fvi_sgd_rates *rates, const double *g, double *v, double *w);

/* w = w + momentum * (observed - w) */
void fvi_average_update_f32(size_t count, double momentum, const float *observed, float *w);
void fvi_average_update_f64(size_t count, double momentum, const double *observed, double *w);
/* Multiplies count (any) values by limit / norm where their Euclidean norm is above limit. The sum of squares is taken in 16
 * lanes, as above. */
void fvi_limit_norm_f32(size_t count, double limit, float *w);
void fvi_limit_norm_f64(size_t count, double limit, double *w);

#endif
