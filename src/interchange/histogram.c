/* SPDX-License-Identifier: Apache-2.0
 *
 * histogram.c - buckets by the bits of a float: exponent and the two leading bits of the mantissa are the bucket's number, so that counting
 * takes no logarithm and its result no rounding.
 */
#include "interchange/histogram.h"

#include <math.h>
#include <string.h>

enum { LEAST_EXPONENT = -40, BIAS = 127, MANTISSA = 23, PER_POWER = 4, SHIFT = MANTISSA - 2, INFINITE = 255 };

static int32_t bucket_of(uint32_t bits)
{
    const int32_t from_zero = (int32_t)((bits & 0x7FFFFFFF) >> SHIFT) - (BIAS + LEAST_EXPONENT) * PER_POWER;
    if (from_zero < 0)
        return FVI_HISTOGRAM_SIDE;
    const int32_t place = from_zero < FVI_HISTOGRAM_SIDE ? from_zero : FVI_HISTOGRAM_SIDE - 1;
    return bits >> 31 != 0 ? FVI_HISTOGRAM_SIDE - 1 - place : FVI_HISTOGRAM_SIDE + 1 + place;
}

void fvi_histogram_add(fvi_histogram *histogram, const float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const double value = (double)values[i];
        uint32_t bits = 0;
        memcpy(&bits, &values[i], sizeof bits);
        if ((bits >> MANTISSA & INFINITE) == INFINITE)
            continue;
        histogram->least = histogram->count == 0 || value < histogram->least ? value : histogram->least;
        histogram->most = histogram->count == 0 || value > histogram->most ? value : histogram->most;
        histogram->count++;
        histogram->sum += value;
        histogram->squares += value * value;
        histogram->bucket[bucket_of(bits)]++;
    }
}

/* The smallest magnitude of the place-th interval; place FVI_HISTOGRAM_SIDE: the end of the last. */
static double magnitude(int32_t place)
{
    return ldexp(1 + (double)(place % PER_POWER) / PER_POWER, LEAST_EXPONENT + place / PER_POWER);
}

double fvi_histogram_limit(int32_t index)
{
    return index < FVI_HISTOGRAM_SIDE ? -magnitude(FVI_HISTOGRAM_SIDE - 1 - index)
                                      : magnitude(index - FVI_HISTOGRAM_SIDE);
}
