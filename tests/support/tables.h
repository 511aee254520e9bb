/* SPDX-License-Identifier: Apache-2.0
 *
 * tables.h - the tables of float32 vector kernels that this machine can run, the 16-lane one lowered to AVX2 included.
 */
#ifndef FVI_TEST_TABLES_H
#define FVI_TEST_TABLES_H

#include "kernel/kernels.h"

enum { TEST_TABLES = 8 };

/* Fills tables[TEST_TABLES]; returns how many. */
size_t test_tables(const fvi_kernels *tables[TEST_TABLES]);

#endif
