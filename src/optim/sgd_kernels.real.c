/* SPDX-License-Identifier: Apache-2.0
 *
 * sgd_kernels.real.c - groups of 16 values in loops of fixed length, which compilers turn into vectors.
 */
#include "optim/sgd_kernels.h"

#include <math.h>

#include "base/real.h"

enum { LANES = 16 };

double FVI_REAL_NAME(fvi_sum_of_squares)(size_t count, const fvi_real *values)
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

void FVI_REAL_NAME(fvi_sgd_update)(size_t count, const fvi_sgd_rates *rates, const fvi_real *g, fvi_real *v,
                                   fvi_real *w)
{
    const fvi_real rate = (fvi_real)rates->rate, momentum = (fvi_real)rates->momentum, decay = (fvi_real)rates->decay;
    const fvi_real *restrict gradient = g;
    fvi_real *restrict velocity = v, *restrict weight = w;
    for (size_t i = 0; i < count; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            velocity[i + j] = momentum * velocity[i + j] + (gradient[i + j] + decay * weight[i + j]);
            weight[i + j] -= rate * velocity[i + j];
        }
    }
}

void FVI_REAL_NAME(fvi_average_update)(size_t count, double momentum, const fvi_real *observed, fvi_real *w)
{
    const fvi_real part = (fvi_real)momentum;
    for (size_t i = 0; i < count; i++)
        w[i] += part * (observed[i] - w[i]);
}

void FVI_REAL_NAME(fvi_limit_norm)(size_t count, double limit, fvi_real *w)
{
    const size_t whole = count / LANES * LANES;
    double squares = FVI_REAL_NAME(fvi_sum_of_squares)(whole, w);
    for (size_t i = whole; i < count; i++)
        squares += (double)w[i] * (double)w[i];
    const double norm = sqrt(squares);
    if (!(norm > limit))
        return;
    const fvi_real factor = (fvi_real)(limit / norm);
    for (size_t i = 0; i < count; i++)
        w[i] *= factor;
}
