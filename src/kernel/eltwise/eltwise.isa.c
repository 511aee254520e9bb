/* SPDX-License-Identifier: Apache-2.0
 *
 * eltwise.isa.c - activations and sums in float32, a vector at a time: the bits of eltwise.real.c, operation by operation.
 */
#include "base/simd_math.h"
#include "kernel/vector.h"

enum { LANES = FVI_ISA_LANES };

/* One vector of an activation with its two numbers, and of its backward pass. */
typedef fvi_vf forward_step(fvi_vf x, fvi_vf a, fvi_vf b);
typedef fvi_vf backward_step(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b);

FVI_INLINE void forward(size_t count, double a, double b, const float *x, float *y, forward_step *step)
{
    const fvi_vf va = fvi_vf_splat((float)a), vb = fvi_vf_splat((float)b);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(y + i, step(fvi_vf_load(x + i), va, vb));
    if (i < count) {
        const fvi_vmask mask = fvi_vmask_first(count - i);
        fvi_vf_store_masked(y + i, step(fvi_vf_load_masked(x + i, mask), va, vb), mask);
    }
}

FVI_INLINE void backward(size_t count, double a, double b, const float *y, const float *dy, float *dx,
                         backward_step *step)
{
    const fvi_vf va = fvi_vf_splat((float)a), vb = fvi_vf_splat((float)b);
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(dx + i, step(fvi_vf_load(y + i), fvi_vf_load(dy + i), va, vb));
    if (i < count) {
        const fvi_vmask mask = fvi_vmask_first(count - i);
        fvi_vf_store_masked(dx + i, step(fvi_vf_load_masked(y + i, mask), fvi_vf_load_masked(dy + i, mask), va, vb),
                            mask);
    }
}

FVI_INLINE fvi_vf one(void)
{
    return fvi_vf_splat(1.0f);
}

FVI_INLINE fvi_vf relu(fvi_vf x, fvi_vf a, fvi_vf b)
{
    const fvi_vf zero = { 0 };
    (void)a, (void)b;
    return fvi_vf_max(zero, x); /* this way round a NaN stays */
}

FVI_INLINE fvi_vf relu_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    const fvi_vf zero = { 0 };
    (void)a, (void)b;
    return fvi_vf_select_greater(y, zero, dy, zero);
}

FVI_INLINE fvi_vf leaky_relu(fvi_vf x, fvi_vf a, fvi_vf b)
{
    const fvi_vf zero = { 0 };
    (void)b;
    return fvi_vf_select_greater(x, zero, x, a * x);
}

FVI_INLINE fvi_vf leaky_relu_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    const fvi_vf zero = { 0 };
    (void)b;
    return fvi_vf_select_greater(y, zero, dy, a * dy);
}

FVI_INLINE fvi_vf elu(fvi_vf x, fvi_vf a, fvi_vf b)
{
    const fvi_vf zero = { 0 };
    (void)b;
    return fvi_vf_select_greater(x, zero, x, a * (fvi_vf_exp(x) - one()));
}

FVI_INLINE fvi_vf elu_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    const fvi_vf zero = { 0 };
    (void)b;
    return fvi_vf_select_greater(y, zero, dy, dy * (y + a));
}

FVI_INLINE fvi_vf sigmoid(fvi_vf x, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return one() / (one() + fvi_vf_exp(-x));
}

FVI_INLINE fvi_vf sigmoid_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return dy * (y * (one() - y));
}

FVI_INLINE fvi_vf tanh_of(fvi_vf x, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return fvi_vf_tanh(x);
}

FVI_INLINE fvi_vf tanh_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    (void)a, (void)b;
    return dy * (one() - y * y);
}

FVI_INLINE fvi_vf scaled_tanh(fvi_vf x, fvi_vf a, fvi_vf b)
{
    return a * fvi_vf_tanh(b * x);
}

FVI_INLINE fvi_vf scaled_tanh_backward(fvi_vf y, fvi_vf dy, fvi_vf a, fvi_vf b)
{
    return dy * (b * (a - y * y * (one() / a)));
}

void FVI_ISA_NAME(fvi_relu_f32)(size_t count, double a, double b, const void *x, void *y)
{
    forward(count, a, b, x, y, relu);
}

void FVI_ISA_NAME(fvi_relu_backward_f32)(size_t count, double a, double b, const void *y, const void *dy, void *dx)
{
    backward(count, a, b, y, dy, dx, relu_backward);
}

void FVI_ISA_NAME(fvi_leaky_relu_f32)(size_t count, double a, double b, const void *x, void *y)
{
    forward(count, a, b, x, y, leaky_relu);
}

void FVI_ISA_NAME(fvi_leaky_relu_backward_f32)(size_t count, double a, double b, const void *y, const void *dy,
                                               void *dx)
{
    backward(count, a, b, y, dy, dx, leaky_relu_backward);
}

void FVI_ISA_NAME(fvi_elu_f32)(size_t count, double a, double b, const void *x, void *y)
{
    forward(count, a, b, x, y, elu);
}

void FVI_ISA_NAME(fvi_elu_backward_f32)(size_t count, double a, double b, const void *y, const void *dy, void *dx)
{
    backward(count, a, b, y, dy, dx, elu_backward);
}

void FVI_ISA_NAME(fvi_sigmoid_f32)(size_t count, double a, double b, const void *x, void *y)
{
    forward(count, a, b, x, y, sigmoid);
}

void FVI_ISA_NAME(fvi_sigmoid_backward_f32)(size_t count, double a, double b, const void *y, const void *dy, void *dx)
{
    backward(count, a, b, y, dy, dx, sigmoid_backward);
}

void FVI_ISA_NAME(fvi_tanh_f32)(size_t count, double a, double b, const void *x, void *y)
{
    forward(count, a, b, x, y, tanh_of);
}

void FVI_ISA_NAME(fvi_tanh_backward_f32)(size_t count, double a, double b, const void *y, const void *dy, void *dx)
{
    backward(count, a, b, y, dy, dx, tanh_backward);
}

void FVI_ISA_NAME(fvi_scaled_tanh_f32)(size_t count, double a, double b, const void *x, void *y)
{
    forward(count, a, b, x, y, scaled_tanh);
}

void FVI_ISA_NAME(fvi_scaled_tanh_backward_f32)(size_t count, double a, double b, const void *y, const void *dy,
                                                void *dx)
{
    backward(count, a, b, y, dy, dx, scaled_tanh_backward);
}

void FVI_ISA_NAME(fvi_add_f32)(size_t count, const void *a, const void *b, void *y)
{
    const float *left = a, *right = b;
    float *sum = y;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        fvi_vf_store(sum + i, fvi_vf_load(left + i) + fvi_vf_load(right + i));
    for (; i < count; i++)
        sum[i] = left[i] + right[i];
}
