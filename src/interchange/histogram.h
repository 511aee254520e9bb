/* SPDX-License-Identifier: Apache-2.0
 *
 * histogram.h - how values are distributed, counted piece by piece in a fixed little memory: four buckets for each power of two from 2^-40 to
 * 2^40, for both signs, and one for what is nearer to zero. What is further out counts in the last.
 */
#ifndef FVI_HISTOGRAM_H
#define FVI_HISTOGRAM_H

#include <stdint.h>

enum { FVI_HISTOGRAM_SIDE = 320, FVI_HISTOGRAM_BUCKETS = 2 * FVI_HISTOGRAM_SIDE + 1 };

/* Zeros: empty. */
typedef struct fvi_histogram {
    double least, most, count, sum, squares; /* of the finite values */
    uint32_t bucket[FVI_HISTOGRAM_BUCKETS];  /* from the most negative on */
} fvi_histogram;

/* Adds the finite ones of count values. */
void fvi_histogram_add(fvi_histogram *histogram, const float *values, int64_t count);
/* Values of bucket `index` lie between limit(index - 1) and limit(index), the end nearer to zero included. */
double fvi_histogram_limit(int32_t index);

#endif
