/* SPDX-License-Identifier: Apache-2.0
 *
 * activation.h - element-wise activations: their formulas and kernels. Part of the table in kernels.h.
 */
#ifndef FVI_ELTWISE_ACTIVATION_H
#define FVI_ELTWISE_ACTIVATION_H

#include <stddef.h>

/* Activations y = f(x) with up to two numbers:
 *   relu         max(x, 0), a NaN stays            relu6         min(max(x, 0), 6)
 *   leaky_relu   x > 0 ? x : a*x                   elu           x > 0 ? x : a*(exp(x)-1)
 *   softplus     log(1 + exp(a*x)) / a             sigmoid       1 / (1 + exp(-x))
 *   hard_sigmoid relu6(x + 3) / 6                  tanh          tanh(x)
 *   scaled_tanh  a * tanh(b*x)                     gelu          x * Phi(x), Phi that of N(0, 1), by erf
 *   gelu_tanh    x * (1 + tanh(sqrt(2/pi)*(x + 0.044715*x^3))) / 2
 *   silu         x * sigmoid(x)                    hard_swish    x * hard_sigmoid(x)
 *   selu         x > 0 ? b*x : a*(exp(x)-1)        clip          min(max(x, a), b)
 *   clipped_line min(max(a*x + b, 0), 1)           linear        a*x + b
 *   exp, log, absolute                             power         x^(a+b), a whole, |b| < 1, of the same sign
 * Up to exp f' is computed from y alone; from gelu on f is not monotone or y does not tell f' exactly, and it is computed from x.
 * f' at a kink: relu 0, relu6 0, leaky_relu a, elu a, selu a, hard_sigmoid 0, hard_swish 0 at -3 and 1 at 3, clip and
 * clipped_line 0, absolute 0. Of a power the whole part is products, 1/2 a square root, another b exp(b*log(x)). */
typedef enum fvi_activation_kind {
    FVI_RELU,
    FVI_RELU6,
    FVI_LEAKY_RELU,
    FVI_ELU,
    FVI_SOFTPLUS,
    FVI_SIGMOID,
    FVI_HARD_SIGMOID,
    FVI_TANH,
    FVI_SCALED_TANH,
    FVI_SELU,
    FVI_CLIP,
    FVI_CLIPPED_LINE,
    FVI_LINEAR,
    FVI_EXP,
    FVI_GELU, /* the first whose derivative is computed from x */
    FVI_GELU_TANH,
    FVI_SILU,
    FVI_HARD_SWISH,
    FVI_LOG,
    FVI_ABSOLUTE,
    FVI_POWER,
    FVI_ACTIVATIONS
} fvi_activation_kind;

typedef struct fvi_activation {
    fvi_activation_kind kind;
    double a, b;
} fvi_activation;

/* y[i] = f(x[i]), and dx[i] = dy[i] * f' with v = y or x as said above; dx may be dy. */
typedef void fvi_activation_fn(const fvi_activation *f, size_t count, const void *x, void *y);
typedef void fvi_activation_backward_fn(const fvi_activation *f, size_t count, const void *v, const void *dy, void *dx);

#endif
