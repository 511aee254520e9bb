/* SPDX-License-Identifier: Apache-2.0
 *
 * noise.c - many normal numbers: both of each pair of Box & Muller 1958, on our own logarithm, sine and cosine.
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
