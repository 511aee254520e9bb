/* SPDX-License-Identifier: Apache-2.0
 *
 * simd_cases.h - the checks of simd.h, compiled once per instruction set.
 */
#ifndef FVI_SIMD_CASES_H
#define FVI_SIMD_CASES_H

/* Each runs every check with one instruction set's vectors and returns NULL or what went wrong. */
const char *fvi_simd_cases_baseline(void);
const char *fvi_simd_cases_avx2(void);
const char *fvi_simd_cases_avx512(void);
const char *fvi_simd_cases_neon(void);
const char *fvi_simd_cases_wide(void);

#endif
