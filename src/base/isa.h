/* SPDX-License-Identifier: Apache-2.0
 *
 * isa.h - for sources named *.isa.c, which are compiled once per instruction set.
 * The build defines FVI_ISA_SUFFIX (baseline, avx2, avx512, neon; wide in tests: 16 lanes lowered to AVX2) and
 * FVI_ISA_LANES (floats in a vector: 4, 8, 16). Everything that such a file exports goes through FVI_ISA_NAME.
 * A table that lists the variants asks by processor which there are: baseline, avx2 and avx512 where __x86_64__,
 * neon where __aarch64__, baseline alone elsewhere. Tests: wide where FVI_TEST_WIDE is defined.
 */
#ifndef FVI_ISA_H
#define FVI_ISA_H

#if !defined(FVI_ISA_SUFFIX) || !defined(FVI_ISA_LANES)
#error "isa.h is for *.isa.c sources, which the build compiles once per instruction set"
#endif

#define FVI_ISA_PASTE(name, suffix) name##_##suffix
#define FVI_ISA_PASTE_EXPANDED(name, suffix) FVI_ISA_PASTE(name, suffix)
#define FVI_ISA_NAME(name) FVI_ISA_PASTE_EXPANDED(name, FVI_ISA_SUFFIX) /* fvi_relu -> fvi_relu_avx2 */

#endif
