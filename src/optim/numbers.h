/* SPDX-License-Identifier: Apache-2.0
 *
 * numbers.h - powers with the same bits everywhere, and numbers read the C way in every locale.
 */
#ifndef FVI_NUMBERS_H
#define FVI_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

/* base to the power of a whole number, by squaring; 1 for exponents of 0 and below. */
double fvi_power(double base, int64_t exponent);
/* Reads a finite number of at least 0 and moves *text behind it; false, and *text as it was, where there is none. */
bool fvi_read_number(const char **text, double *value);

#endif
