/* SPDX-License-Identifier: Apache-2.0
 *
 * eigen.h - eigenvalues and eigenvectors of a symmetric matrix, the same bits on every machine (a library's may differ).
 */
#ifndef FVI_EIGEN_H
#define FVI_EIGEN_H

#include "base/base.h"

/* a [n][n], symmetric, both triangles filled; destroyed. values [n], the largest first; vectors [n][n]: row i belongs to values[i], has length 1 and
 * its largest element is positive. FV_ERR_MEMORY; FV_ERR_NUMERIC when it does not converge (NaN). Takes about 6 n^3 operations. */
fv_status fvi_eigen_symmetric(fv_context *context, int32_t n, double *a, double *values, double *vectors);

#endif
