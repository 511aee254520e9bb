/* SPDX-License-Identifier: Apache-2.0
 *
 * values.h - arrays of numbers for tests: filled by the counter-based generator, compared as design section 9 says.
 */
#ifndef FVI_TEST_VALUES_H
#define FVI_TEST_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* values[count] uniform in [low, high), a function of the seed alone. */
void test_fill(double *values, size_t count, uint64_t seed, double low, double high);
/* A permutation of count distinct values, `step` apart, around 0: no two are equal or nearly so. */
void test_fill_distinct(double *values, size_t count, uint64_t seed, double step);
/* Element `index` of stream `stream`, as tools/golden.py draws it: a hash of 32 bits ("lowbias32", Wellons 2018); and from it a
 * number in [-0.5, 0.5), a multiple of 2^-24, which float32 holds exactly. */
uint32_t test_hash(uint32_t index, uint32_t stream);
double test_hashed(uint32_t index, uint32_t stream);
/* The error of a tensor: max|a-b| / max|b|; max|a| when b is all zero; infinity when a has a NaN that b has not. */
double test_values_error(const double *a, const double *b, size_t count);
/* count zeroed doubles; fails the test when memory is short. */
double *test_doubles(size_t count);

#endif
