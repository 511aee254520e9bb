/* SPDX-License-Identifier: Apache-2.0
 *
 * math.h - exp, log, tanh, erf, Phi of our own: libm picks variants by CPU, so its bits differ from machine to machine.
 * Scalar double and float here; the vector forms in base/simd_math.h give the same bits as the float forms.
 * Errors are asserted in tests/base/math_test.c.
 */
#ifndef FVI_MATH_H
#define FVI_MATH_H

double fvi_exp(double x);
double fvi_log(double x); /* x > 0; -infinity at 0, NaN below */
double fvi_tanh(double x);
double fvi_erf(double x);
double fvi_normal(double x);        /* Phi(x), the distribution function of N(0, 1) */
double fvi_gelu_slope(double x);    /* the derivative of x Phi(x), which is Phi(x) + x Phi'(x) */
double fvi_sin_turns(double turns); /* sin(2*pi*turns) and cos(2*pi*turns) for turns in [0, 1) */
double fvi_cos_turns(double turns);
float fvi_expf(float x);
float fvi_logf(float x);
float fvi_tanhf(float x);
float fvi_normalf(float x);
float fvi_gelu_slopef(float x);

#endif
