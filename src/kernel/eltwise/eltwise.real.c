/* SPDX-License-Identifier: Apache-2.0
 *
 * eltwise.real.c - sums, one element at a time: what the vector kernels are measured against.
 */
#include "kernel/reference.h"

void FVI_REAL_NAME(fvi_add_reference)(size_t count, const void *a, const void *b, void *y)
{
    const fvi_real *left = a, *right = b;
    fvi_real *out = y;
    for (size_t i = 0; i < count; i++)
        out[i] = left[i] + right[i];
}
