/* SPDX-License-Identifier: Apache-2.0
 *
 * lamb.c - You et al. 2020 (arXiv:1904.00962), algorithm 2, with the identity for its function of norms: Adam's step plus decay * w,
 * scaled for each parameter to the norm of its weights. Biases and normalisation go without the scaling, as in the authors' code.
 */
#include "optim/adam.h"

static fvi_update begin(const fv_optimizer_options *options, bool plain, int64_t step, fvi_update_numbers *numbers)
{
    (void)plain;
    fvi_adam_correct(options, step, numbers);
    return FVI_UPDATE_LAMB;
}

static double trust(const fv_optimizer_options *options, double decay, double weights, double direction)
{
    (void)options;
    (void)decay;
    return weights > 0 && direction > 0 ? weights / direction : 1;
}

const fvi_rule fvi_rule_lamb = {
    .name = "lamb",
    .rate = 0.001,
    .has = FVI_HAS_BETAS | FVI_HAS_EPSILON | FVI_HAS_INSIDE | FVI_HAS_SIMPLIFIED,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .epsilon = 1e-6,
    .slots = fvi_adam_slots,
    .begin = begin,
    .trust = trust,
    .directs = true,
    .direction = FVI_DIRECTION_LAMB,
};
