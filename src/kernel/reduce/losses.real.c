/* SPDX-License-Identifier: Apache-2.0
 *
 * losses.real.c - the arithmetic of the losses, for one vector or one position of an image. Contracts in kernels.h. Sums
 * are in double, from the first term to the last; losses are short beside the layers before them, so these loops serve
 * every instruction set.
 */
#include "kernel/reference.h"

/* t[k]: soft labels, or 1 at the label. */
static double plain_target(const fvi_target *target, size_t k)
{
    if (target->values)
        return (double)target->values[(ptrdiff_t)k * target->stride];
    return k == (size_t)target->label ? 1.0 : 0.0;
}

/* q[k] of kernels.h. */
static double mixed_target(const fvi_target *target, size_t count, size_t k)
{
    const double mixed = (1 - target->smoothing) * plain_target(target, k) + target->smoothing / (double)count;
    return target->class_weights ? target->class_weights[k] * mixed : mixed;
}

/* Whether q is zero everywhere but at the label. */
static bool is_one_class(const fvi_target *target)
{
    return !target->values && target->smoothing == 0;
}

double FVI_REAL_NAME(fvi_cross_entropy_reference)(size_t count, const fvi_target *target, const void *x, double log_sum)
{
    const fvi_real *score = x;
    if (is_one_class(target))
        return mixed_target(target, count, (size_t)target->label) * (log_sum - (double)score[target->label]);
    double loss = 0;
    for (size_t k = 0; k < count; k++)
        loss += mixed_target(target, count, k) * (log_sum - (double)score[k]);
    return loss;
}

void FVI_REAL_NAME(fvi_cross_entropy_backward_reference)(size_t count, const fvi_target *target, double factor,
                                                         const void *p, void *dx)
{
    const fvi_real *probability = p;
    fvi_real *down = dx;
    if (is_one_class(target)) {
        const fvi_real scale = (fvi_real)(factor * mixed_target(target, count, (size_t)target->label));
        for (size_t k = 0; k < count; k++)
            down[k] = scale * probability[k];
        down[target->label] = scale * (probability[target->label] - 1);
        return;
    }
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += mixed_target(target, count, k);
    const fvi_real scale = (fvi_real)factor, mass = (fvi_real)sum;
    for (size_t k = 0; k < count; k++)
        down[k] = scale * (probability[k] * mass - (fvi_real)mixed_target(target, count, k));
}

/* log(1 + e) for e in [0, 1]: the rounding of 1 + e is put right by e / (u - 1) (Higham 2002, 1.14.1). */
static double log_plus_one(double e)
{
    const double u = 1 + e, rounded = u - 1;
    return rounded == 0 ? e : fvi_log(u) * (e / rounded);
}

double FVI_REAL_NAME(fvi_binary_cross_entropy_reference)(size_t count, const fvi_target *target, const void *x)
{
    const fvi_real *score = x;
    double loss = 0;
    for (size_t k = 0; k < count; k++) {
        const double s = (double)score[k], size = s < 0 ? -s : s;
        loss += (0 > s ? 0 : s) - s * plain_target(target, k) + log_plus_one(fvi_exp(-size));
    }
    return loss;
}

void FVI_REAL_NAME(fvi_binary_cross_entropy_backward_reference)(size_t count, const fvi_target *target, double factor,
                                                                const void *x, void *dx)
{
    const fvi_real *score = x;
    fvi_real *down = dx;
    for (size_t k = 0; k < count; k++)
        down[k] = (fvi_real)(factor * (1 / (1 + fvi_exp(-(double)score[k])) - plain_target(target, k)));
}

double FVI_REAL_NAME(fvi_hinge_reference)(size_t count, const fvi_hinge *hinge, const void *x)
{
    const fvi_real *score = x;
    double loss = 0;
    for (size_t k = 0; k < count; k++) {
        const double short_of = hinge->margin + (double)score[k] - (double)score[hinge->label];
        const double violation = 0 > short_of ? 0 : short_of; /* a NaN stays */
        if (k != (size_t)hinge->label)
            loss += hinge->squared ? violation * violation : violation;
    }
    return loss;
}

void FVI_REAL_NAME(fvi_hinge_backward_reference)(size_t count, const fvi_hinge *hinge, double factor, const void *x,
                                                 void *dx)
{
    const fvi_real *score = x;
    fvi_real *down = dx;
    double sum = 0;
    for (size_t k = 0; k < count; k++) {
        const double short_of = hinge->margin + (double)score[k] - (double)score[hinge->label];
        const double slope = !(short_of > 0) || k == (size_t)hinge->label ? 0 : hinge->squared ? 2 * short_of : 1;
        sum += slope;
        down[k] = (fvi_real)(factor * slope);
    }
    down[hinge->label] = (fvi_real)(-factor * sum);
}

double FVI_REAL_NAME(fvi_squared_difference_reference)(size_t count, const void *x, const float *t, ptrdiff_t t_stride)
{
    const fvi_real *in = x;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        const double difference = (double)in[i] - (double)t[(ptrdiff_t)i * t_stride];
        sum += difference * difference;
    }
    return sum;
}

void FVI_REAL_NAME(fvi_difference_reference)(size_t count, double factor, const void *x, const float *t,
                                             ptrdiff_t t_stride, void *dx)
{
    const fvi_real *in = x, scale = (fvi_real)factor;
    fvi_real *down = dx;
    for (size_t i = 0; i < count; i++)
        down[i] = scale * (in[i] - (fvi_real)t[(ptrdiff_t)i * t_stride]);
}
