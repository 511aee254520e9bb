/* SPDX-License-Identifier: Apache-2.0
 *
 * values.c - see values.h.
 */
#include "support/values.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"
#include "support/test.h"

void test_fill(double *values, size_t count, uint64_t seed, double low, double high)
{
    fvi_random random = fvi_random_start(seed, FVI_PURPOSE_TEST, count);
    for (size_t i = 0; i < count; i++)
        values[i] = low + (high - low) * fvi_random_uniform(&random);
}

void test_fill_distinct(double *values, size_t count, uint64_t seed, double step)
{
    fvi_random random = fvi_random_start(seed, FVI_PURPOSE_TEST, count);
    for (size_t i = 0; i < count; i++)
        values[i] = ((double)i - (double)count / 2) * step;
    for (size_t i = count; i > 1; i--) { /* Fisher and Yates */
        const size_t other = fvi_random_below(&random, (uint32_t)i);
        const double kept = values[i - 1];
        values[i - 1] = values[other];
        values[other] = kept;
    }
}

uint32_t test_hash(uint32_t index, uint32_t stream)
{
    uint32_t x = index + 0x9E3779B9u * (stream + 1);
    x = (x ^ (x >> 16)) * 0x7FEB352Du;
    x = (x ^ (x >> 15)) * 0x846CA68Bu;
    return x ^ (x >> 16);
}

double test_hashed(uint32_t index, uint32_t stream)
{
    return (test_hash(index, stream) >> 8) / 16777216.0 - 0.5;
}

double test_values_error(const double *a, const double *b, size_t count)
{
    double difference = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(a[i]) != isnan(b[i]))
            return INFINITY;
        if (isnan(a[i]) || a[i] == b[i])
            continue;
        difference = fmax(difference, fabs(a[i] - b[i]));
    }
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(b[i]));
    return largest == 0 ? difference : difference / largest;
}

double *test_doubles(size_t count)
{
    double *values = calloc(count == 0 ? 1 : count, sizeof *values);
    assert_non_null(values);
    return values;
}
