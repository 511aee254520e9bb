/* SPDX-License-Identifier: Apache-2.0
 *
 * timing_test.c - how often a call is repeated, and that a failing one ends it.
 */
#include "train/timing.h"

#include "support/test.h"

typedef struct counter {
    int64_t calls, fail_at;
} counter;

static fv_status count(void *argument)
{
    counter *c = argument;
    return ++c->calls == c->fail_at ? FV_ERR_NUMERIC : FV_OK;
}

FV_TEST(timing, repeats_and_orders)
{
    counter c = { 0 };
    fvi_timing timing;
    assert_int_equal(fvi_time(count, &c, 0.01, &timing), FV_OK);
    assert_true(timing.runs >= 5 && timing.runs <= FVI_TIMING_RUNS);
    assert_true(c.calls > timing.runs); /* so short a call is measured many together */
    assert_true(timing.first_quartile <= timing.median && timing.median <= timing.third_quartile);
    assert_true(timing.median > 0 && timing.median < 1e-3);
    assert_true(fvi_timing_spread(&timing) >= 0);
}

FV_TEST(timing, ends_at_a_failure)
{
    counter c = { .fail_at = 9 };
    fvi_timing timing;
    assert_int_equal(fvi_time(count, &c, 0.01, &timing), FV_ERR_NUMERIC);
    assert_int_equal(c.calls, 9);
}

FV_TESTS(timing, repeats_and_orders, ends_at_a_failure)
