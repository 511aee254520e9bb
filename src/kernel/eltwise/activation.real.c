/* SPDX-License-Identifier: Apache-2.0
 *
 * activation.real.c - activations, one element at a time: what the vector kernels are measured against. Formulas in
 * kernels.h. A derivative is written in terms of y wherever y tells it, so that x may be overwritten.
 */
#include <math.h>
#include <stdlib.h>

#include "kernel/reference.h"

/* One element of an activation with its two numbers, and of its backward pass; v is y or x, as kernels.h says. */
typedef fvi_real forward_step(fvi_real x, fvi_real a, fvi_real b);
typedef fvi_real backward_step(fvi_real v, fvi_real dy, fvi_real a, fvi_real b);

static inline void forward(const fvi_activation *f, size_t count, const fvi_real *x, fvi_real *y, forward_step *step)
{
    const fvi_real a = (fvi_real)f->a, b = (fvi_real)f->b;
    for (size_t i = 0; i < count; i++)
        y[i] = step(x[i], a, b);
}

static inline void backward(const fvi_activation *f, size_t count, const fvi_real *v, const fvi_real *dy, fvi_real *dx,
                            backward_step *step)
{
    const fvi_real a = (fvi_real)f->a, b = (fvi_real)f->b;
    for (size_t i = 0; i < count; i++)
        dx[i] = step(v[i], dy[i], a, b);
}

/* Comparisons this way round let a NaN through. */
static fvi_real relu(fvi_real x, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return 0 > x ? 0 : x;
}

static fvi_real relu_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return y > 0 ? dy : 0;
}

static fvi_real relu6(fvi_real x, fvi_real a, fvi_real b)
{
    const fvi_real positive = relu(x, a, b);
    return 6 < positive ? 6 : positive;
}

static fvi_real relu6_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return y > 0 && 6 > y ? dy : 0;
}

static fvi_real leaky_relu(fvi_real x, fvi_real a, fvi_real b)
{
    (void)b;
    return x > 0 ? x : a * x;
}

static fvi_real leaky_relu_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)b;
    return y > 0 ? dy : a * dy;
}

static fvi_real elu(fvi_real x, fvi_real a, fvi_real b)
{
    (void)b;
    return x > 0 ? x : a * (FVI_REAL_MATH(exp)(x) - 1);
}

static fvi_real elu_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)b;
    return y > 0 ? dy : dy * (y + a);
}

/* log(1 + e) for e in [0, 1]: the rounding of 1 + e is put right by e / (u - 1) (Higham 2002, 1.14.1). */
static fvi_real log_plus_one(fvi_real e)
{
    const fvi_real u = 1 + e, rounded = u - 1;
    return rounded == 0 ? e : FVI_REAL_MATH(log)(u) * (e / rounded);
}

static fvi_real softplus(fvi_real x, fvi_real a, fvi_real b)
{
    const fvi_real z = a * x, size = z < 0 ? -z : z;
    return (relu(z, a, b) + log_plus_one(FVI_REAL_MATH(exp)(-size))) / a;
}

/* The derivative is 1 - exp(-t), t = a*y, without cancellation: tanh(t/2) * (1 + exp(-t)). */
static fvi_real softplus_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    const fvi_real t = a * y;
    (void)b;
    return dy * (FVI_REAL_MATH(tanh)((fvi_real)0.5 * t) * (1 + FVI_REAL_MATH(exp)(-t)));
}

static fvi_real sigmoid(fvi_real x, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return 1 / (1 + FVI_REAL_MATH(exp)(-x));
}

static fvi_real sigmoid_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return dy * (y * (1 - y));
}

static fvi_real hard_sigmoid(fvi_real x, fvi_real a, fvi_real b)
{
    return relu6(x + 3, a, b) / 6;
}

static fvi_real hard_sigmoid_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return y > 0 && 1 > y ? dy / 6 : 0;
}

static fvi_real tanh_of(fvi_real x, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return FVI_REAL_MATH(tanh)(x);
}

static fvi_real tanh_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return dy * (1 - y * y);
}

static fvi_real scaled_tanh(fvi_real x, fvi_real a, fvi_real b)
{
    return a * FVI_REAL_MATH(tanh)(b * x);
}

static fvi_real scaled_tanh_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    return dy * (b * (a - y * y * (1 / a)));
}

static fvi_real selu(fvi_real x, fvi_real a, fvi_real b)
{
    return x > 0 ? b * x : a * (FVI_REAL_MATH(exp)(x) - 1);
}

static fvi_real selu_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    return y > 0 ? b * dy : dy * (y + a);
}

static fvi_real clip(fvi_real x, fvi_real a, fvi_real b)
{
    const fvi_real above = a > x ? a : x;
    return b < above ? b : above;
}

static fvi_real clip_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    return y > a && b > y ? dy : 0;
}

static fvi_real clipped_line(fvi_real x, fvi_real a, fvi_real b)
{
    return clip(a * x + b, 0, 1);
}

static fvi_real clipped_line_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)b;
    return clip_backward(y, a * dy, 0, 1);
}

static fvi_real linear(fvi_real x, fvi_real a, fvi_real b)
{
    return a * x + b;
}

static fvi_real linear_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)y, (void)b;
    return a * dy;
}

static fvi_real exponential(fvi_real x, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return FVI_REAL_MATH(exp)(x);
}

static fvi_real exponential_backward(fvi_real y, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return dy * y;
}

static fvi_real gelu(fvi_real x, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return x * FVI_REAL_MATH(normal)(x);
}

static fvi_real gelu_backward(fvi_real x, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return dy * FVI_REAL_MATH(gelu_slope)(x);
}

static const double gelu_cubic = 0.044715, gelu_slope = 0.79788456080286535588; /* sqrt(2/pi) */

/* tanh(slope*(x + cubic*x^3)), which is 1 or -1 exactly from |x| = 16 on: cut there, so that no power overflows. */
static fvi_real gelu_cut(fvi_real x)
{
    const fvi_real above = -16 > x ? -16 : x;
    return 16 < above ? 16 : above;
}

static fvi_real gelu_inner_tanh(fvi_real cut)
{
    return FVI_REAL_MATH(tanh)((fvi_real)gelu_slope * (cut + (fvi_real)gelu_cubic * (cut * cut * cut)));
}

static fvi_real gelu_tanh(fvi_real x, fvi_real a, fvi_real b)
{
    const fvi_real half = (fvi_real)0.5;
    (void)a, (void)b;
    return x * (half + half * gelu_inner_tanh(gelu_cut(x)));
}

static fvi_real gelu_tanh_backward(fvi_real x, fvi_real dy, fvi_real a, fvi_real b)
{
    const fvi_real half = (fvi_real)0.5, cut = gelu_cut(x), t = gelu_inner_tanh(cut);
    const fvi_real inner = (fvi_real)gelu_slope * (1 + (fvi_real)(3 * gelu_cubic) * (cut * cut));
    (void)a, (void)b;
    return dy * (half + half * t + half * cut * ((1 - t * t) * inner));
}

static fvi_real silu(fvi_real x, fvi_real a, fvi_real b)
{
    return x * sigmoid(x, a, b);
}

static fvi_real silu_backward(fvi_real x, fvi_real dy, fvi_real a, fvi_real b)
{
    const fvi_real s = sigmoid(x, a, b);
    return dy * (s * (1 + x * (1 - s)));
}

static fvi_real hard_swish(fvi_real x, fvi_real a, fvi_real b)
{
    return x * hard_sigmoid(x, a, b);
}

static fvi_real hard_swish_backward(fvi_real x, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return x > -3 ? (3 > x ? dy * (x / 3 + (fvi_real)0.5) : dy) : 0;
}

static fvi_real logarithm(fvi_real x, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return FVI_REAL_MATH(log)(x);
}

static fvi_real logarithm_backward(fvi_real x, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return dy / x;
}

static fvi_real absolute(fvi_real x, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return (fvi_real)fabs((double)x);
}

static fvi_real absolute_backward(fvi_real x, fvi_real dy, fvi_real a, fvi_real b)
{
    (void)a, (void)b;
    return x > 0 ? dy : (0 > x ? -dy : 0);
}

static fvi_real square_root(fvi_real x)
{
    return (fvi_real)sqrt((double)x); /* the same as in fvi_real: double has more than twice its digits */
}

static fvi_real whole_power(fvi_real x, int exponent)
{
    fvi_real product = 1, square = x;
    for (int left = abs(exponent); left > 0; left >>= 1, square *= square)
        product = left & 1 ? product * square : product;
    return exponent < 0 ? 1 / product : product;
}

static fvi_real power(fvi_real x, fvi_real a, fvi_real b)
{
    const fvi_real whole = whole_power(x, (int)a), half = (fvi_real)0.5;
    if (b == 0)
        return whole;
    if (b == half)
        return whole * square_root(x);
    return b == -half ? whole / square_root(x) : whole * FVI_REAL_MATH(exp)(b * FVI_REAL_MATH(log)(x));
}

/* One less, split so that the two parts have one sign: at 0 no infinity meets a 0. */
static fvi_real power_backward(fvi_real x, fvi_real dy, fvi_real a, fvi_real b)
{
    return dy * ((a + b) * (a == 0 && b > 0 ? power(x, 0, b - 1) : power(x, a - 1, b)));
}

void FVI_REAL_NAME(fvi_activation_reference)(const fvi_activation *f, size_t count, const void *x, void *y)
{
    switch (f->kind) {
    case FVI_RELU:
        return forward(f, count, x, y, relu);
    case FVI_RELU6:
        return forward(f, count, x, y, relu6);
    case FVI_LEAKY_RELU:
        return forward(f, count, x, y, leaky_relu);
    case FVI_ELU:
        return forward(f, count, x, y, elu);
    case FVI_SOFTPLUS:
        return forward(f, count, x, y, softplus);
    case FVI_SIGMOID:
        return forward(f, count, x, y, sigmoid);
    case FVI_HARD_SIGMOID:
        return forward(f, count, x, y, hard_sigmoid);
    case FVI_TANH:
        return forward(f, count, x, y, tanh_of);
    case FVI_SCALED_TANH:
        return forward(f, count, x, y, scaled_tanh);
    case FVI_SELU:
        return forward(f, count, x, y, selu);
    case FVI_CLIP:
        return forward(f, count, x, y, clip);
    case FVI_CLIPPED_LINE:
        return forward(f, count, x, y, clipped_line);
    case FVI_LINEAR:
        return forward(f, count, x, y, linear);
    case FVI_EXP:
        return forward(f, count, x, y, exponential);
    case FVI_GELU:
        return forward(f, count, x, y, gelu);
    case FVI_GELU_TANH:
        return forward(f, count, x, y, gelu_tanh);
    case FVI_SILU:
        return forward(f, count, x, y, silu);
    case FVI_HARD_SWISH:
        return forward(f, count, x, y, hard_swish);
    case FVI_LOG:
        return forward(f, count, x, y, logarithm);
    case FVI_ABSOLUTE:
        return forward(f, count, x, y, absolute);
    case FVI_POWER:
        return forward(f, count, x, y, power);
    case FVI_ACTIVATIONS:
        return;
    }
}

void FVI_REAL_NAME(fvi_activation_backward_reference)(const fvi_activation *f, size_t count, const void *v,
                                                      const void *dy, void *dx)
{
    switch (f->kind) {
    case FVI_RELU:
        return backward(f, count, v, dy, dx, relu_backward);
    case FVI_RELU6:
        return backward(f, count, v, dy, dx, relu6_backward);
    case FVI_LEAKY_RELU:
        return backward(f, count, v, dy, dx, leaky_relu_backward);
    case FVI_ELU:
        return backward(f, count, v, dy, dx, elu_backward);
    case FVI_SOFTPLUS:
        return backward(f, count, v, dy, dx, softplus_backward);
    case FVI_SIGMOID:
        return backward(f, count, v, dy, dx, sigmoid_backward);
    case FVI_HARD_SIGMOID:
        return backward(f, count, v, dy, dx, hard_sigmoid_backward);
    case FVI_TANH:
        return backward(f, count, v, dy, dx, tanh_backward);
    case FVI_SCALED_TANH:
        return backward(f, count, v, dy, dx, scaled_tanh_backward);
    case FVI_SELU:
        return backward(f, count, v, dy, dx, selu_backward);
    case FVI_CLIP:
        return backward(f, count, v, dy, dx, clip_backward);
    case FVI_CLIPPED_LINE:
        return backward(f, count, v, dy, dx, clipped_line_backward);
    case FVI_LINEAR:
        return backward(f, count, v, dy, dx, linear_backward);
    case FVI_EXP:
        return backward(f, count, v, dy, dx, exponential_backward);
    case FVI_GELU:
        return backward(f, count, v, dy, dx, gelu_backward);
    case FVI_GELU_TANH:
        return backward(f, count, v, dy, dx, gelu_tanh_backward);
    case FVI_SILU:
        return backward(f, count, v, dy, dx, silu_backward);
    case FVI_HARD_SWISH:
        return backward(f, count, v, dy, dx, hard_swish_backward);
    case FVI_LOG:
        return backward(f, count, v, dy, dx, logarithm_backward);
    case FVI_ABSOLUTE:
        return backward(f, count, v, dy, dx, absolute_backward);
    case FVI_POWER:
        return backward(f, count, v, dy, dx, power_backward);
    case FVI_ACTIVATIONS:
        return;
    }
}
