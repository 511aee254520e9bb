/* SPDX-License-Identifier: Apache-2.0
 *
 * adadelta.c - Zeiler 2012 (arXiv:1212.5701), algorithm 1. Epsilon is within both roots, there as in PyTorch.
 */
#include "optim/rules.h"

static int32_t slots(const fv_optimizer_options *options, const char *names[FVI_UPDATE_SLOTS])
{
    (void)options;
    names[0] = "mean_square";
    names[1] = "mean_square_step";
    return 2;
}

static fvi_update begin(const fv_optimizer_options *options, bool plain, int64_t step, fvi_update_numbers *numbers)
{
    (void)plain;
    (void)step;
    numbers->beta2 = options->smoothing;
    numbers->rest2 = 1 - options->smoothing;
    numbers->inside = options->epsilon;
    numbers->outside = 0;
    return FVI_UPDATE_ADADELTA;
}

const fvi_rule fvi_rule_adadelta = {
    .name = "adadelta",
    .rate = 1,
    .has = FVI_HAS_SMOOTHING | FVI_HAS_EPSILON | FVI_HAS_INSIDE | FVI_HAS_DECOUPLED,
    .smoothing = 0.9,
    .epsilon = 1e-6,
    .slots = slots,
    .begin = begin,
};
