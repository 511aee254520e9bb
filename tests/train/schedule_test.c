/* SPDX-License-Identifier: Apache-2.0
 *
 * schedule_test.c - the rate at the steps where it is known.
 */
#include <math.h>

#include "support/test.h"
#include "train/train_internal.h"

enum { STEPS = 100 }; /* of an epoch */

static double rate(const fv_train_options *options, int64_t step)
{
    return fvi_rate_of_step(options, STEPS, step);
}

FV_TEST(schedule, cosine_goes_from_the_rate_to_zero)
{
    const fv_train_options options = { .epochs = 4, .rate = 0.5 };
    assert_true(rate(&options, 0) == 0.5);
    assert_true(fabs(rate(&options, 200) - 0.25) < 1e-15);
    assert_true(fabs(rate(&options, 100) - 0.25 * (1 + sqrt(0.5))) < 1e-15);
    assert_true(rate(&options, 399) > 0 && rate(&options, 399) < 1e-4);
    for (int64_t step = 1; step < 400; step++)
        assert_true(rate(&options, step) < rate(&options, step - 1));
}

FV_TEST(schedule, constant_stays)
{
    const fv_train_options options = { .epochs = 2, .rate = 0.1, .constant_rate = true };
    assert_true(rate(&options, 0) == 0.1 && rate(&options, 199) == 0.1);
}

FV_TEST(schedule, warm_up_rises_to_the_rate)
{
    const fv_train_options options = { .epochs = 3, .rate = 0.2, .warmup = 0.5 };
    assert_true(fabs(rate(&options, 0) - 0.2 / 50) < 1e-15);
    assert_true(fabs(rate(&options, 24) - 0.1) < 1e-15);
    assert_true(rate(&options, 49) == 0.2 && rate(&options, 50) == 0.2);
    assert_true(fabs(rate(&options, 175) - 0.1) < 1e-15); /* half of the rest */
    const fv_train_options all = { .epochs = 1, .rate = 0.2, .warmup = 1 };
    assert_true(rate(&all, 99) == 0.2);
}

FV_TESTS(schedule, cosine_goes_from_the_rate_to_zero, constant_stays, warm_up_rises_to_the_rate)
