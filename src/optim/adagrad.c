/* SPDX-License-Identifier: Apache-2.0
 *
 * adagrad.c - Duchi, Hazan & Singer 2011, "Adaptive subgradient methods" (JMLR 12), the diagonal form of figure 1.
 */
#include "optim/rules.h"

static int32_t slots(const fv_optimizer_options *options, const char *names[FVI_UPDATE_SLOTS])
{
    (void)options;
    names[0] = "sum_of_squares";
    return 1;
}

static fvi_update begin(const fv_optimizer_options *options, bool plain, int64_t step, fvi_update_numbers *numbers)
{
    (void)options;
    (void)plain;
    (void)step;
    (void)numbers;
    return FVI_UPDATE_ADAGRAD;
}

const fvi_rule fvi_rule_adagrad = {
    .name = "adagrad",
    .rate = 0.01,
    .has = FVI_HAS_EPSILON | FVI_HAS_INSIDE | FVI_HAS_DECOUPLED,
    .epsilon = 1e-10,
    .slots = slots,
    .begin = begin,
};
