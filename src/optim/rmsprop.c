/* SPDX-License-Identifier: Apache-2.0
 *
 * rmsprop.c - Tieleman & Hinton 2012 (Coursera, "Neural networks for machine learning", lecture 6e); centered and with momentum:
 * Graves 2013 (arXiv:1308.0850), equations 38 to 41.
 */
#include "optim/rules.h"

static int32_t slots(const fv_optimizer_options *options, const char *names[FVI_UPDATE_SLOTS])
{
    int32_t count = 0;
    names[count++] = "mean_square";
    if (options->centered)
        names[count++] = "mean";
    if (options->momentum > 0)
        names[count++] = "velocity";
    return count;
}

static fvi_update begin(const fv_optimizer_options *options, bool plain, int64_t step, fvi_update_numbers *numbers)
{
    (void)plain;
    (void)step;
    numbers->beta2 = options->smoothing;
    numbers->rest2 = 1 - options->smoothing;
    if (options->centered)
        return options->momentum > 0 ? FVI_UPDATE_RMSPROP_CENTERED_MOMENTUM : FVI_UPDATE_RMSPROP_CENTERED;
    return options->momentum > 0 ? FVI_UPDATE_RMSPROP_MOMENTUM : FVI_UPDATE_RMSPROP;
}

const fvi_rule fvi_rule_rmsprop = {
    .name = "rmsprop",
    .rate = 0.001,
    .has = FVI_HAS_MOMENTUM | FVI_HAS_VELOCITY | FVI_HAS_SMOOTHING | FVI_HAS_EPSILON | FVI_HAS_INSIDE |
           FVI_HAS_CENTERED | FVI_HAS_DECOUPLED,
    .smoothing = 0.99,
    .epsilon = 1e-8,
    .slots = slots,
    .begin = begin,
};
