/* SPDX-License-Identifier: Apache-2.0
 *
 * update_kernels.real.c - updates one element at a time, in float32 and in float64: what the vector kernels are measured
 * against; and norms.
 */
#include "optim/update_kernels.h"

#include <math.h>

#include "base/real.h"

enum { SUMS = 16, LANES = 1 };

typedef fvi_real lane;
typedef fvi_real element;

#define lane_inline static inline

static inline lane lane_splat(double x)
{
    return (lane)x;
}

static inline lane lane_load(const element *from)
{
    return *from;
}

static inline void lane_store(element *to, lane x)
{
    *to = x;
}

/* count is 1, always. */
static inline lane lane_load_first(const element *from, size_t count)
{
    (void)count;
    return *from;
}

static inline void lane_store_first(element *to, lane x, size_t count)
{
    (void)count;
    *to = x;
}

static inline lane lane_sqrt(lane x)
{
    return (lane)sqrt((double)x); /* of a float, by double, rounded to nearest all the same */
}

static inline lane lane_greater(lane a, lane b, lane x, lane y)
{
    return a > b ? x : y;
}

#include "optim/update_rules.h"

static bool all_finite(size_t count, const void *values)
{
    const fvi_real *x = values;
    bool finite = true;
    for (size_t i = 0; i < count; i++)
        finite = finite && isfinite(x[i]);
    return finite;
}

static double squares(size_t count, const void *values)
{
    const fvi_real *x = values;
    double sum[SUMS] = { 0 };
    for (size_t i = 0; i < count; i++)
        sum[i % SUMS] += (double)x[i] * (double)x[i];
    for (size_t half = SUMS / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            sum[j] += sum[j + half];
    return sum[0];
}

extern const fvi_update_kernels FVI_REAL_NAME(fvi_update_kernels_reference);
const fvi_update_kernels FVI_REAL_NAME(fvi_update_kernels_reference) = {
    .name = "reference",
    .finite = all_finite,
    .squares = squares,
    FVI_UPDATE_RULES,
};

/* In loops of fixed length, which compilers turn into vectors. */
static double sum_of_squares(size_t count, const fvi_real *values)
{
    fvi_real sum[SUMS] = { 0 };
    for (size_t i = 0; i < count; i += SUMS)
        for (size_t j = 0; j < SUMS; j++)
            sum[j] += values[i + j] * values[i + j];
    for (size_t half = SUMS / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            sum[j] += sum[j + half];
    return (double)sum[0];
}

void FVI_REAL_NAME(fvi_limit_norm)(size_t count, double limit, fvi_real *w)
{
    const size_t whole = count / SUMS * SUMS;
    double squares = sum_of_squares(whole, w);
    for (size_t i = whole; i < count; i++)
        squares += (double)w[i] * (double)w[i];
    const double norm = sqrt(squares);
    if (!(norm > limit))
        return;
    const fvi_real factor = (fvi_real)(limit / norm);
    for (size_t i = 0; i < count; i++)
        w[i] *= factor;
}
