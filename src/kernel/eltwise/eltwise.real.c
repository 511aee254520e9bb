/* SPDX-License-Identifier: Apache-2.0
 *
 * eltwise.real.c - activations and sums, one element at a time: what the vector kernels are measured against.
 * Formulas in kernels.h. Derivatives are written in terms of y, so that x may be overwritten:
 * relu: y > 0; leaky: y > 0 ? 1 : a; elu: y > 0 ? 1 : y + a; sigmoid: y(1-y); tanh: 1-y^2; a*tanh(bx): b(a - y^2/a).
 */
#include "kernel/reference.h"

void FVI_REAL_NAME(fvi_relu_reference)(size_t count, double a, double b, const void *x, void *y)
{
    const fvi_real *in = x;
    fvi_real *out = y;
    (void)a, (void)b;
    for (size_t i = 0; i < count; i++)
        out[i] = 0 > in[i] ? 0 : in[i]; /* this way round a NaN stays */
}

void FVI_REAL_NAME(fvi_relu_backward_reference)(size_t count, double a, double b, const void *y, const void *dy,
                                                void *dx)
{
    const fvi_real *out = y, *up = dy;
    fvi_real *down = dx;
    (void)a, (void)b;
    for (size_t i = 0; i < count; i++)
        down[i] = out[i] > 0 ? up[i] : 0;
}

void FVI_REAL_NAME(fvi_leaky_relu_reference)(size_t count, double a, double b, const void *x, void *y)
{
    const fvi_real *in = x, slope = (fvi_real)a;
    fvi_real *out = y;
    (void)b;
    for (size_t i = 0; i < count; i++)
        out[i] = in[i] > 0 ? in[i] : slope * in[i];
}

void FVI_REAL_NAME(fvi_leaky_relu_backward_reference)(size_t count, double a, double b, const void *y, const void *dy,
                                                      void *dx)
{
    const fvi_real *out = y, *up = dy, slope = (fvi_real)a;
    fvi_real *down = dx;
    (void)b;
    for (size_t i = 0; i < count; i++)
        down[i] = out[i] > 0 ? up[i] : slope * up[i];
}

void FVI_REAL_NAME(fvi_elu_reference)(size_t count, double a, double b, const void *x, void *y)
{
    const fvi_real *in = x, alpha = (fvi_real)a;
    fvi_real *out = y;
    (void)b;
    for (size_t i = 0; i < count; i++)
        out[i] = in[i] > 0 ? in[i] : alpha * (FVI_REAL_MATH(exp)(in[i]) - 1);
}

void FVI_REAL_NAME(fvi_elu_backward_reference)(size_t count, double a, double b, const void *y, const void *dy,
                                               void *dx)
{
    const fvi_real *out = y, *up = dy, alpha = (fvi_real)a;
    fvi_real *down = dx;
    (void)b;
    for (size_t i = 0; i < count; i++)
        down[i] = out[i] > 0 ? up[i] : up[i] * (out[i] + alpha);
}

void FVI_REAL_NAME(fvi_sigmoid_reference)(size_t count, double a, double b, const void *x, void *y)
{
    const fvi_real *in = x;
    fvi_real *out = y;
    (void)a, (void)b;
    for (size_t i = 0; i < count; i++)
        out[i] = 1 / (1 + FVI_REAL_MATH(exp)(-in[i]));
}

void FVI_REAL_NAME(fvi_sigmoid_backward_reference)(size_t count, double a, double b, const void *y, const void *dy,
                                                   void *dx)
{
    const fvi_real *out = y, *up = dy;
    fvi_real *down = dx;
    (void)a, (void)b;
    for (size_t i = 0; i < count; i++)
        down[i] = up[i] * (out[i] * (1 - out[i]));
}

void FVI_REAL_NAME(fvi_tanh_reference)(size_t count, double a, double b, const void *x, void *y)
{
    const fvi_real *in = x;
    fvi_real *out = y;
    (void)a, (void)b;
    for (size_t i = 0; i < count; i++)
        out[i] = FVI_REAL_MATH(tanh)(in[i]);
}

void FVI_REAL_NAME(fvi_tanh_backward_reference)(size_t count, double a, double b, const void *y, const void *dy,
                                                void *dx)
{
    const fvi_real *out = y, *up = dy;
    fvi_real *down = dx;
    (void)a, (void)b;
    for (size_t i = 0; i < count; i++)
        down[i] = up[i] * (1 - out[i] * out[i]);
}

void FVI_REAL_NAME(fvi_scaled_tanh_reference)(size_t count, double a, double b, const void *x, void *y)
{
    const fvi_real *in = x, amplitude = (fvi_real)a, slope = (fvi_real)b;
    fvi_real *out = y;
    for (size_t i = 0; i < count; i++)
        out[i] = amplitude * FVI_REAL_MATH(tanh)(slope * in[i]);
}

void FVI_REAL_NAME(fvi_scaled_tanh_backward_reference)(size_t count, double a, double b, const void *y, const void *dy,
                                                       void *dx)
{
    const fvi_real *out = y, *up = dy, amplitude = (fvi_real)a, slope = (fvi_real)b;
    const fvi_real inverse = 1 / amplitude;
    fvi_real *down = dx;
    for (size_t i = 0; i < count; i++)
        down[i] = up[i] * (slope * (amplitude - out[i] * out[i] * inverse));
}

void FVI_REAL_NAME(fvi_add_reference)(size_t count, const void *a, const void *b, void *y)
{
    const fvi_real *left = a, *right = b;
    fvi_real *out = y;
    for (size_t i = 0; i < count; i++)
        out[i] = left[i] + right[i];
}
