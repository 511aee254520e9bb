/* SPDX-License-Identifier: Apache-2.0
 *
 * number.h - numbers as texts, the C way whatever locale the host program set.
 */
#ifndef FVI_NUMBER_H
#define FVI_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

enum { FVI_REAL_TEXT = 32 };

/* [+-]?digits that fit 64 bits, nothing before or behind. */
bool fvi_read_integer(const char *text, int64_t *value);
/* [+-]?(digits, with one point or none)([eE][+-]?digits)?, finite, nothing before or behind. */
bool fvi_read_real(const char *text, double *value);
/* The shortest text that fvi_read_real() reads back to the same number. Not finite: "inf", "-inf", "nan". Returns text. */
const char *fvi_write_real(double value, char text[FVI_REAL_TEXT]);

#endif
