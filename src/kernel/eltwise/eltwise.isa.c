/* SPDX-License-Identifier: Apache-2.0
 *
 * eltwise.isa.c - sums in float32, a vector at a time: the bits of eltwise.real.c.
 */
#include "base/simd_math.h"
#include "kernel/vector.h"

enum { LANES = FVI_ISA_LANES };

void FVI_ISA_NAME(fvi_add_f32)(size_t count, const void *a, const void *b, void *y)
{
    const float *left = a, *right = b;
    float *sum = y;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(sum + i, fvi_vf_load(left + i) + fvi_vf_load(right + i));
    for (; i < count; i++)
        sum[i] = left[i] + right[i];
}
