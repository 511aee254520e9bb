/* SPDX-License-Identifier: Apache-2.0
 *
 * sgd_kernels.real.c - updates one element at a time, in float32 and in float64: what the vector kernels are measured
 * against; and norms.
 */
#include "optim/sgd_kernels.h"

#include <math.h>

#include "base/real.h"

enum { LANES = 16 };

static bool finite_reference(size_t count, const void *values)
{
    const fvi_real *x = values;
    bool finite = true;
    for (size_t i = 0; i < count; i++)
        finite = finite && isfinite(x[i]);
    return finite;
}

static void update_reference(size_t count, const fvi_sgd_rates *rates, const void *g, void *v, void *w)
{
    const fvi_real rate = (fvi_real)rates->rate, momentum = (fvi_real)rates->momentum, decay = (fvi_real)rates->decay;
    const fvi_real *gradient = g;
    fvi_real *velocity = v, *weight = w;
    for (size_t i = 0; i < count; i++) {
        velocity[i] = momentum * velocity[i] + (gradient[i] + decay * weight[i]);
        weight[i] -= rate * velocity[i];
    }
}

static void average_reference(size_t count, double momentum, const void *observed, void *w)
{
    const fvi_real part = (fvi_real)momentum, *seen = observed;
    fvi_real *value = w;
    for (size_t i = 0; i < count; i++)
        value[i] += part * (seen[i] - value[i]);
}

extern const fvi_sgd_kernels FVI_REAL_NAME(fvi_sgd_kernels_reference);
const fvi_sgd_kernels FVI_REAL_NAME(fvi_sgd_kernels_reference) = {
    .name = "reference",
    .finite = finite_reference,
    .update = update_reference,
    .average = average_reference,
};

/* In loops of fixed length, which compilers turn into vectors. */
static double sum_of_squares(size_t count, const fvi_real *values)
{
    fvi_real lane[LANES] = { 0 };
    for (size_t i = 0; i < count; i += LANES)
        for (size_t j = 0; j < LANES; j++)
            lane[j] += values[i + j] * values[i + j];
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            lane[j] += lane[j + half];
    return (double)lane[0];
}

void FVI_REAL_NAME(fvi_limit_norm)(size_t count, double limit, fvi_real *w)
{
    const size_t whole = count / LANES * LANES;
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
