/* SPDX-License-Identifier: Apache-2.0
 *
 * schedule.c - the learning rate of a step, a function of the step's number alone, so that a run can be picked up anywhere.
 * After a linear warm-up it follows half a cosine to 0 (Loshchilov & Hutter 2017, arXiv:1608.03983, equation 5 with one
 * cycle). Warm-up: the first steps from random weights have the largest gradients (Goyal et al. 2017, arXiv:1706.02677, 2.2).
 */
#include "base/math.h"
#include "train/train_internal.h"

double fvi_rate_of_step(const fv_train_options *options, int64_t steps_per_epoch, int64_t step)
{
    const double all = (double)options->epochs * (double)steps_per_epoch;
    const double warm = options->warmup * (double)steps_per_epoch;
    if ((double)step + 1 <= warm)
        return options->rate * ((double)step + 1) / warm;
    if (options->constant_rate || all <= warm)
        return options->rate;
    return 0.5 * options->rate * (1 + fvi_cos_turns(0.5 * ((double)step - warm) / (all - warm)));
}
