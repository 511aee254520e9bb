/* SPDX-License-Identifier: Apache-2.0
 *
 * reduce.isa.c - softmax in float32, a vector of scores at a time: the bits of reduce.real.c, because the sum runs from
 * the first score to the last here too (ten to a thousand additions beside as many exponentials).
 */
#include "base/math.h"
#include "base/simd_math.h"
#include "kernel/vector.h"

enum { LANES = FVI_ISA_LANES };

/* As the reference wherever no score is NaN; with a NaN, all probabilities are NaN either way. */
static float row_max(size_t count, const float *x)
{
    size_t k = 0;
    float max = x[0];
    if (count >= LANES) {
        fvi_vf best = fvi_vf_load(x);
        for (k = LANES; k + LANES <= count; k += LANES)
            best = fvi_vf_max(fvi_vf_load(x + k), best);
        max = fvi_vf_largest(best);
    }
    for (; k < count; k++)
        max = x[k] > max ? x[k] : max;
    return max;
}

static void row_softmax(size_t count, const float *x, float *y, double *log_sum)
{
    const float max = row_max(count, x);
    const fvi_vf shift = fvi_vf_splat(max);
    const fvi_vmask rest = fvi_vmask_first(count % LANES);
    size_t k = 0;
    for (; k + LANES <= count; k += LANES)
        fvi_vf_store(y + k, fvi_vf_exp(fvi_vf_load(x + k) - shift));
    if (k < count)
        fvi_vf_store_masked(y + k, fvi_vf_exp(fvi_vf_load_masked(x + k, rest) - shift), rest);
    float sum = 0;
    for (k = 0; k < count; k++)
        sum += y[k];
    if (log_sum)
        *log_sum = (double)max + fvi_log((double)sum);
    const fvi_vf divisor = fvi_vf_splat(sum);
    for (k = 0; k + LANES <= count; k += LANES)
        fvi_vf_store(y + k, fvi_vf_load(y + k) / divisor);
    for (; k < count; k++)
        y[k] /= sum;
}

void FVI_ISA_NAME(fvi_softmax_f32)(size_t rows, size_t count, ptrdiff_t x_stride, const void *x, ptrdiff_t y_stride,
                                   void *y, double *log_sum)
{
    const float *in = x;
    float *out = y;
    for (size_t row = 0; row < rows; row++, in += x_stride, out += y_stride)
        row_softmax(count, in, out, log_sum ? log_sum + row : NULL);
}
