/* SPDX-License-Identifier: Apache-2.0
 *
 * initializer.c - the first values of parameters.
 * Element i of a parameter takes its draws from a fixed place of the stream (seed, hash of the name), so that values
 * depend on nothing else: neither on other layers, nor on threads. Variances: Glorot & Bengio 2010 ("Understanding the
 * difficulty of training deep feedforward neural networks"), He et al. 2015 (arXiv:1502.01852).
 */
#include <math.h>

#include "base/random.h"
#include "graph/params_internal.h"

enum { DRAWS_UNIFORM = 2, DRAWS_GAUSSIAN = 4 }; /* 32-bit draws of one value: src/base/random.h */

/* How one parameter is drawn: value = center + scale * draw. */
typedef struct distribution {
    bool constant, uniform;
    double scale; /* the value, the deviation, or half the width */
} distribution;

static distribution with_variance(double variance, bool uniform)
{
    /* U(-a, a) has the variance a*a/3. */
    return (distribution){ .uniform = uniform, .scale = sqrt(uniform ? 3 * variance : variance) };
}

static distribution distribution_of(const fv_param_info *info)
{
    const fv_initializer *init = info->initializer;
    const double fan_in = (double)(info->fan_in > 0 ? info->fan_in : 1);
    const double fan_out = (double)(info->fan_out > 0 ? info->fan_out : 1);
    switch (init->kind) {
    case FV_INIT_GAUSSIAN:
        return (distribution){ .scale = init->value };
    case FV_INIT_UNIFORM:
        return (distribution){ .uniform = true, .scale = init->value };
    case FV_INIT_XAVIER:
        return with_variance(1 / fan_in, init->uniform);
    case FV_INIT_GLOROT:
        return with_variance(2 / (fan_in + fan_out), init->uniform);
    case FV_INIT_HE:
        return with_variance(2 / fan_in, init->uniform);
    case FV_INIT_ORTHOGONAL: /* what fvi_orthogonalize() starts from */
        return (distribution){ .scale = 1 };
    case FV_INIT_IDENTITY:
    case FV_INIT_DEFAULT: /* resolved by the layer, so it cannot come here */
    case FV_INIT_CONSTANT:
        break;
    }
    return (distribution){ .constant = true, .scale = init->value };
}

/* Filter o of a group of `out` passes on channel o of the group, if there is one. */
static void initialize_identity(const fv_param_info *info, size_t first, size_t count, float *values)
{
    const fv_shape *shape = &info->shape;
    const int64_t r = shape->rank == 4 ? shape->size[2] : 1, s = shape->rank == 4 ? shape->size[3] : 1;
    const int64_t inputs = info->elements / shape->size[0] / (r * s);
    const int64_t out = info->fan_out >= r * s ? info->fan_out / (r * s) : shape->size[0];
    const double gain = info->initializer->value != 0 ? info->initializer->value : 1;
    for (size_t i = 0; i < count; i++) {
        const int64_t at = (int64_t)(first + i), filter = at / (inputs * r * s), input = at / (r * s) % inputs;
        const bool middle = at % (r * s) == r / 2 * s + s / 2;
        values[i] = middle && filter % out == input ? (float)gain : 0;
    }
}

void fvi_initialize(const fv_param_info *info, uint64_t seed, size_t first, size_t count, float *values)
{
    if (info->initializer->kind == FV_INIT_IDENTITY) {
        initialize_identity(info, first, count, values);
        return;
    }
    const distribution how = distribution_of(info);
    fvi_random random = fvi_random_start(seed, FVI_PURPOSE_PARAMETER, fvi_hash_text(info->name));
    random.position = first * (how.uniform ? DRAWS_UNIFORM : DRAWS_GAUSSIAN);
    for (size_t i = 0; i < count; i++) {
        double draw = 1;
        if (how.uniform)
            draw = 2 * fvi_random_uniform(&random) - 1;
        else if (!how.constant)
            draw = fvi_random_gaussian(&random);
        values[i] = (float)(how.scale * draw);
    }
}
