/* SPDX-License-Identifier: Apache-2.0
 *
 * noise.c - numbers of other distributions: normal, both of each pair of Box & Muller 1958; gamma by Marsaglia & Tsang 2000 ("A simple
 * method for generating gamma variables"), beta of two gammas; Poisson. All on our own logarithm, sine and cosine.
 */
#include <math.h>

#include "base/math.h"
#include "data/augment/transform.h"

void fvi_fill_gaussian(fvi_random *random, size_t count, float *out)
{
    for (size_t i = 0; i < count; i += 2) {
        const double u = 1.0 - fvi_random_uniform(random), turns = fvi_random_uniform(random);
        const double length = sqrt(-2.0 * fvi_log(u));
        out[i] = (float)(length * fvi_cos_turns(turns));
        if (i + 1 < count)
            out[i + 1] = (float)(length * fvi_sin_turns(turns));
    }
}

/* Gamma(shape, 1). */
static double draw_gamma(fvi_random *random, double shape)
{
    if (shape < 1.0) { /* section 6 of the paper: gamma(a) = gamma(a + 1) * u^(1/a) */
        const double u = 1.0 - fvi_random_uniform(random);
        return draw_gamma(random, shape + 1.0) * fvi_exp(fvi_log(u) / shape);
    }
    const double d = shape - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        const double x = fvi_random_gaussian(random), cube_root = 1.0 + c * x;
        const double u = 1.0 - fvi_random_uniform(random);
        const double v = cube_root * cube_root * cube_root;
        if (v > 0 && fvi_log(u) < 0.5 * x * x + d - d * v + d * fvi_log(v))
            return d * v;
    }
}

double fvi_random_beta(fvi_random *random, double alpha)
{
    const double a = draw_gamma(random, alpha), b = draw_gamma(random, alpha);
    return a + b > 0 ? a / (a + b) : 0.5; /* both vanish only for a tiny alpha */
}
