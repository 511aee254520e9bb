/* SPDX-License-Identifier: Apache-2.0
 *
 * sgd.c - stochastic gradient descent with momentum, in PyTorch's form or with the rate in the velocity (Sutskever et al. 2013, "On the
 * importance of initialization and momentum in deep learning", section 2; Nesterov's in the form of its section 3.1 that
 * looks from the point ahead).
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

const fvi_rule fvi_rule_sgd = {
    .name = "sgd",
    .rate = 0.02,
    .has = FVI_HAS_MOMENTUM | FVI_HAS_NESTEROV | FVI_HAS_VELOCITY | FVI_HAS_DECOUPLED,
    .slots = slots,
    .begin = begin,
};
