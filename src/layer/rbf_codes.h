/* SPDX-License-Identifier: Apache-2.0
 *
 * rbf_codes.h - the fixed codes of LeNet-5's output units.
 */
#ifndef FVI_RBF_CODES_H
#define FVI_RBF_CODES_H

enum { FVI_RBF_CLASSES = 10, FVI_RBF_ROWS = 12, FVI_RBF_COLUMNS = 7, FVI_RBF_INPUTS = FVI_RBF_ROWS * FVI_RBF_COLUMNS };

/* '#' is +1, anything else -1; row by row. */
extern const char *const fvi_rbf_digits[FVI_RBF_CLASSES][FVI_RBF_ROWS];

#endif
