/* SPDX-License-Identifier: Apache-2.0
 *
 * real.h - for sources named *.real.c, which are compiled twice: with FVI_REAL_DOUBLE for float64 and without for float32.
 */
#ifndef FVI_REAL_H
#define FVI_REAL_H

#include "base/math.h"

#ifdef FVI_REAL_DOUBLE
typedef double fvi_real;
#define FVI_REAL_NAME(name) name##_f64
#define FVI_REAL_MATH(name) fvi_##name
#else
typedef float fvi_real;
#define FVI_REAL_NAME(name) name##_f32
#define FVI_REAL_MATH(name) fvi_##name##f
#endif

#endif
