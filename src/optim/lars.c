/* SPDX-License-Identifier: Apache-2.0
 *
 * lars.c - You, Gitman & Ginsburg 2017 (arXiv:1708.03888), algorithm 1: momentum with a rate for each parameter that is in proportion to
 * |w| / (|g| + decay |w|). The paper's form has the rate in the velocity. Biases and normalisation go without, as in the
 * authors' recipes.
 */
#include "optim/rules.h"

static int32_t slots(const fv_optimizer_options *options, const char *names[FVI_UPDATE_SLOTS])
{
    (void)options;
    names[0] = "velocity";
    return 1;
}

static fvi_update begin(const fv_optimizer_options *options, bool plain, int64_t step, fvi_update_numbers *numbers)
{
    (void)plain;
    (void)step;
    (void)numbers;
    return options->nesterov ? FVI_UPDATE_NESTEROV : FVI_UPDATE_SGD;
}

static double trust(const fv_optimizer_options *options, double decay, double weights, double gradient)
{
    return weights > 0 && gradient > 0 ? options->trust * weights / (gradient + decay * weights) : 1;
}

const fvi_rule fvi_rule_lars = {
    .name = "lars",
    .rate = 1,
    .has = FVI_HAS_MOMENTUM | FVI_HAS_NESTEROV | FVI_HAS_VELOCITY | FVI_HAS_TRUST,
    .slots = slots,
    .begin = begin,
    .trust = trust,
};
