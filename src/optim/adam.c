/* SPDX-License-Identifier: Apache-2.0
 *
 * adam.c - Kingma & Ba 2015 (arXiv:1412.6980), algorithm 1; simplified: without the correction of the first steps' bias. AdamW:
 * Loshchilov & Hutter 2019 (arXiv:1711.05101), algorithm 2, with the rate as a factor of the decay, as in PyTorch.
 */
#include "optim/adam.h"

int32_t fvi_adam_slots(const fv_optimizer_options *options, const char *names[FVI_UPDATE_SLOTS])
{
    (void)options;
    names[0] = "mean";
    names[1] = "mean_square";
    return 2;
}

void fvi_adam_correct(const fv_optimizer_options *options, int64_t step, fvi_update_numbers *numbers)
{
    if (options->simplified)
        return;
    numbers->correct1 = 1 / (1 - fvi_power(options->beta1, step));
    numbers->correct2 = 1 / (1 - fvi_power(options->beta2, step));
}

static fvi_update begin(const fv_optimizer_options *options, bool plain, int64_t step, fvi_update_numbers *numbers)
{
    (void)plain;
    fvi_adam_correct(options, step, numbers);
    return FVI_UPDATE_ADAM;
}

const fvi_rule fvi_rule_adam = {
    .name = "adam",
    .rate = 0.001,
    .has = FVI_HAS_BETAS | FVI_HAS_EPSILON | FVI_HAS_INSIDE | FVI_HAS_SIMPLIFIED | FVI_HAS_DECOUPLED,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .epsilon = 1e-8,
    .slots = fvi_adam_slots,
    .begin = begin,
};

const fvi_rule fvi_rule_adamw = {
    .name = "adamw",
    .rate = 0.001,
    .has = FVI_HAS_BETAS | FVI_HAS_EPSILON | FVI_HAS_INSIDE | FVI_HAS_SIMPLIFIED | FVI_HAS_DECOUPLED,
    .decouples = true,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .epsilon = 1e-8,
    .slots = fvi_adam_slots,
    .begin = begin,
};
