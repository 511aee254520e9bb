/* SPDX-License-Identifier: Apache-2.0
 *
 * winograd_bound.h - how far minimal filtering in float32 may be from the exact result (docs/numerics.md#winograd).
 */
#ifndef FVI_TEST_WINOGRAD_BOUND_H
#define FVI_TEST_WINOGRAD_BOUND_H

#include "support/conv2d_case.h"

/* Roundings on the longest path beside one for each product of a sum: constants, both dimensions of the three transforms, bias:
 * F(4x4, 3x3) and F(4x4, 5x5). */
static inline int winograd_roundings(int taps)
{
    return taps == 3 ? 19 : 25;
}

/* The algorithm in float64 with every number and every matrix entry replaced by its magnitude, and everything added: what
 * roundings are multiplied with. Filled like y, dx and dw of the case, whose kernel must be 3x3 or 5x5 with stride and dilation 1. */
void winograd_magnitudes(const conv2d_case *conv, double *y, double *dx, double *dw);

#endif
