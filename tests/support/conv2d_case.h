/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_case.h - one convolution with data, its exact answers in float64, and a comparison whose bound is derived:
 * a sum of m products in float32 errs by at most m*eps/(1 - m*eps) times the sum of the products' magnitudes (Higham 2002,
 * section 3.1), in any order; that sum is the float64 reference on absolute values. Minimal filtering: winograd_bound.h.
 */
#ifndef FVI_TEST_CONV2D_CASE_H
#define FVI_TEST_CONV2D_CASE_H

#include "kernel/conv/conv2d.h"

/* Arrays are dense: activations n,h,w,c; weights OIHW. The absolute sums bound the errors. Answers and bounds are NULL until
 * conv2d_case_answer(): they cost more than what is tested. */
typedef struct conv2d_case {
    fvi_conv2d_shape shape; /* of the plan */
    int32_t n;              /* of the call, at most shape.n */
    fv_context *context;
    size_t x_count, y_count, w_count;
    double *x, *w, *b, *dy;
    double *y, *dx, *dw, *db;
    double *y_sum, *dx_sum, *dw_sum, *db_sum;
    double *y_winograd, *dx_winograd, *dw_winograd; /* the same for minimal filtering */
} conv2d_case;

/* What one algorithm computed, as dense arrays in the order of the case; elements are of the plan's dtype, widened. */
typedef struct conv2d_result {
    double *y, *dx, *dw, *db;
    bool winograd[FVI_PASSES]; /* the pass was done by minimal filtering, which has a bound of its own */
} conv2d_result;

/* Fills a case with random data. Fails the test when the problem is wrong. */
conv2d_case conv2d_case_make(fv_context *context, const char *problem, int32_t n);
/* Computes y, dx, dw, db and their bounds in float64, once. */
void conv2d_case_answer(conv2d_case *conv);
void conv2d_case_free(conv2d_case *conv);

/* Runs the three passes as plan says. extra: channels of neighbours beside the view's in every pixel, which hold NaN and
 * must keep their bits; so must the borders of outputs. With some, what may be done behind a pass (fvi_conv2d_epilogue) is checked too. */
conv2d_result conv2d_case_run(const conv2d_case *conv, const fvi_conv2d_plan *plan, fv_context *context, int32_t extra);
void conv2d_result_free(conv2d_result *result);

/* Checks a float32 result against the case's answers, element by element; label goes into the message. */
void conv2d_case_check(conv2d_case *conv, const conv2d_result *result, const char *label);
bool conv2d_result_same_bits(const conv2d_case *conv, const conv2d_result *a, const conv2d_result *b);

#endif
