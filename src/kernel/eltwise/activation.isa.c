/* SPDX-License-Identifier: Apache-2.0
 *
 * activation.isa.c - activations in float32, a vector at a time: the bits of activation.real.c, operation by operation.
 */
#include "base/simd_math.h"
#include "kernel/vector.h"

enum { LANES = FVI_ISA_LANES };

/* One vector of an activation with its two numbers, and of its backward pass; v is y or x, as kernels.h says. */
typedef fvi_vf forward_step(fvi_vf x, fvi_vf a, fvi_vf b);
typedef fvi_vf backward_step(fvi_vf v, fvi_vf dy, fvi_vf a, fvi_vf b);

FVI_INLINE void forward(const fvi_activation *f, size_t count, const float *x, float *y, forward_step *step)
{
    const fvi_vf a = fvi_vf_splat((float)f->a), b = fvi_vf_splat((float)f->b);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(y + i, step(fvi_vf_load(x + i), a, b));
    if (i < count) {
        const fvi_vmask mask = fvi_vmask_first(count - i);
        fvi_vf_store_masked(y + i, step(fvi_vf_load_masked(x + i, mask), a, b), mask);
    }
}

FVI_INLINE void backward(const fvi_activation *f, size_t count, const float *v, const float *dy, float *dx,
                         backward_step *step)
{
    const fvi_vf a = fvi_vf_splat((float)f->a), b = fvi_vf_splat((float)f->b);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(dx + i, step(fvi_vf_load(v + i), fvi_vf_load(dy + i), a, b));
    if (i < count) {
        const fvi_vmask mask = fvi_vmask_first(count - i);
        fvi_vf_store_masked(dx + i, step(fvi_vf_load_masked(v + i, mask), fvi_vf_load_masked(dy + i, mask), a, b),
                            mask);
    }
}

FVI_INLINE fvi_vf number(float x)
{
    return fvi_vf_splat(x);
}

/* Minima and maxima this way round let a NaN through. */
FVI_INLINE fvi_vf relu(fvi_vf x, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return fvi_vf_max(number(0), x);
}

FVI_INLINE fvi_vf relu_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return fvi_vf_select_greater(y, number(0), dy, number(0));
}

FVI_INLINE fvi_vf relu6(fvi_vf x, fvi_vf a, fvi_vf b)
{
    return fvi_vf_min(number(6), relu(x, a, b));
}

FVI_INLINE fvi_vf relu6_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    return fvi_vf_select_greater(number(6), y, relu_backward(y, dy, a, b), number(0));
}

FVI_INLINE fvi_vf leaky_relu(fvi_vf x, fvi_vf a, fvi_vf b)
{
    (void)b;
    return fvi_vf_select_greater(x, number(0), x, a * x);
}

FVI_INLINE fvi_vf leaky_relu_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)b;
    return fvi_vf_select_greater(y, number(0), dy, a * dy);
}

FVI_INLINE fvi_vf elu(fvi_vf x, fvi_vf a, fvi_vf b)
{
    (void)b;
    return fvi_vf_select_greater(x, number(0), x, a * (fvi_vf_exp(x) - number(1)));
}

FVI_INLINE fvi_vf elu_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)b;
    return fvi_vf_select_greater(y, number(0), dy, dy * (y + a));
}

FVI_INLINE fvi_vf log_plus_one(fvi_vf e)
{
    const fvi_vf u = number(1) + e, rounded = u - number(1);
    return fvi_vf_select(rounded == number(0), e, fvi_vf_log(u) * (e / rounded));
}

FVI_INLINE fvi_vf softplus(fvi_vf x, fvi_vf a, fvi_vf b)
{
    const fvi_vf z = a * x;
    return (relu(z, a, b) + log_plus_one(fvi_vf_exp(-fvi_vf_absolute(z)))) / a;
}

FVI_INLINE fvi_vf softplus_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    const fvi_vf t = a * y;
    (void)b;
    return dy * (fvi_vf_tanh(number(0.5f) * t) * (number(1) + fvi_vf_exp(-t)));
}

FVI_INLINE fvi_vf sigmoid(fvi_vf x, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return number(1) / (number(1) + fvi_vf_exp(-x));
}

FVI_INLINE fvi_vf sigmoid_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return dy * (y * (number(1) - y));
}

FVI_INLINE fvi_vf hard_sigmoid(fvi_vf x, fvi_vf a, fvi_vf b)
{
    return relu6(x + number(3), a, b) / number(6);
}

FVI_INLINE fvi_vf hard_sigmoid_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    return fvi_vf_select_greater(number(1), y, relu_backward(y, dy / number(6), a, b), number(0));
}

FVI_INLINE fvi_vf tanh_of(fvi_vf x, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return fvi_vf_tanh(x);
}

FVI_INLINE fvi_vf tanh_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return dy * (number(1) - y * y);
}

FVI_INLINE fvi_vf scaled_tanh(fvi_vf x, fvi_vf a, fvi_vf b)
{
    return a * fvi_vf_tanh(b * x);
}

FVI_INLINE fvi_vf scaled_tanh_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    return dy * (b * (a - y * y * (number(1) / a)));
}

FVI_INLINE fvi_vf selu(fvi_vf x, fvi_vf a, fvi_vf b)
{
    return fvi_vf_select_greater(x, number(0), b * x, a * (fvi_vf_exp(x) - number(1)));
}

FVI_INLINE fvi_vf selu_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    return fvi_vf_select_greater(y, number(0), b * dy, dy * (y + a));
}

FVI_INLINE fvi_vf clip(fvi_vf x, fvi_vf a, fvi_vf b)
{
    return fvi_vf_min(b, fvi_vf_max(a, x));
}

FVI_INLINE fvi_vf clip_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    return fvi_vf_select_greater(b, y, fvi_vf_select_greater(y, a, dy, number(0)), number(0));
}

FVI_INLINE fvi_vf clipped_line(fvi_vf x, fvi_vf a, fvi_vf b)
{
    return clip(a * x + b, number(0), number(1));
}

FVI_INLINE fvi_vf clipped_line_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)b;
    return clip_backward(y, a * dy, number(0), number(1));
}

FVI_INLINE fvi_vf linear(fvi_vf x, fvi_vf a, fvi_vf b)
{
    return a * x + b;
}

FVI_INLINE fvi_vf linear_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)y, (void)b;
    return a * dy;
}

FVI_INLINE fvi_vf exponential(fvi_vf x, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return fvi_vf_exp(x);
}

FVI_INLINE fvi_vf exponential_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return dy * y;
}

FVI_INLINE fvi_vf gelu(fvi_vf x, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return x * fvi_vf_normal(x);
}

FVI_INLINE fvi_vf gelu_backward(fvi_vf x, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return dy * fvi_vf_gelu_slope(x);
}

static const double gelu_cubic = 0.044715, gelu_slope = 0.79788456080286535588;

FVI_INLINE fvi_vf gelu_cut(fvi_vf x)
{
    return fvi_vf_min(number(16), fvi_vf_max(number(-16), x));
}

FVI_INLINE fvi_vf gelu_inner_tanh(fvi_vf cut)
{
    return fvi_vf_tanh(number((float)gelu_slope) * (cut + number((float)gelu_cubic) * (cut * cut * cut)));
}

FVI_INLINE fvi_vf gelu_tanh(fvi_vf x, fvi_vf a, fvi_vf b)
{
    const fvi_vf half = number(0.5f);
    (void)a, (void)b;
    return x * (half + half * gelu_inner_tanh(gelu_cut(x)));
}

FVI_INLINE fvi_vf gelu_tanh_backward(fvi_vf x, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    const fvi_vf half = number(0.5f), cut = gelu_cut(x), t = gelu_inner_tanh(cut);
    const fvi_vf inner = number((float)gelu_slope) * (number(1) + number((float)(3 * gelu_cubic)) * (cut * cut));
    (void)a, (void)b;
    return dy * (half + half * t + half * cut * ((number(1) - t * t) * inner));
}

FVI_INLINE fvi_vf silu(fvi_vf x, fvi_vf a, fvi_vf b)
{
    return x * sigmoid(x, a, b);
}

FVI_INLINE fvi_vf silu_backward(fvi_vf x, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    const fvi_vf s = sigmoid(x, a, b);
    return dy * (s * (number(1) + x * (number(1) - s)));
}

FVI_INLINE fvi_vf hard_swish(fvi_vf x, fvi_vf a, fvi_vf b)
{
    return x * hard_sigmoid(x, a, b);
}

FVI_INLINE fvi_vf hard_swish_backward(fvi_vf x, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    const fvi_vf inside = fvi_vf_select_greater(number(3), x, dy * (x / number(3) + number(0.5f)), dy);
    (void)a, (void)b;
    return fvi_vf_select_greater(x, number(-3), inside, number(0));
}

FVI_INLINE fvi_vf logarithm(fvi_vf x, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return fvi_vf_log(x);
}

FVI_INLINE fvi_vf logarithm_backward(fvi_vf x, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return dy / x;
}

FVI_INLINE fvi_vf absolute(fvi_vf x, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return fvi_vf_absolute(x);
}

FVI_INLINE fvi_vf absolute_backward(fvi_vf x, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return fvi_vf_select_greater(x, number(0), dy, fvi_vf_select_greater(number(0), x, -dy, number(0)));
}

FVI_INLINE fvi_vf whole_power(fvi_vf x, int exponent)
{
    fvi_vf product = number(1), square = x;
    for (int left = exponent < 0 ? -exponent : exponent; left > 0; left >>= 1, square *= square)
        product = left & 1 ? product * square : product;
    return exponent < 0 ? number(1) / product : product;
}

/* All lanes have one exponent. */
FVI_INLINE fvi_vf power(fvi_vf x, fvi_vf a, fvi_vf b)
{
    const fvi_vf whole = whole_power(x, (int)a[0]);
    if (b[0] == 0)
        return whole;
    if (b[0] == 0.5f)
        return whole * fvi_vf_sqrt(x);
    return b[0] == -0.5f ? whole / fvi_vf_sqrt(x) : whole * fvi_vf_exp(b * fvi_vf_log(x));
}

FVI_INLINE fvi_vf power_backward(fvi_vf x, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    return dy * ((a + b) * (a[0] == 0 && b[0] > 0 ? power(x, a, b - number(1)) : power(x, a - number(1), b)));
}

void FVI_ISA_NAME(fvi_activation_f32)(const fvi_activation *f, size_t count, const void *x, void *y)
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

void FVI_ISA_NAME(fvi_activation_backward_f32)(const fvi_activation *f, size_t count, const void *v, const void *dy,
                                               void *dx)
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
