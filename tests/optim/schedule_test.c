/* SPDX-License-Identifier: Apache-2.0
 *
 * schedule_test.c - the rate at the steps where it is known, for every kind, and options that cannot be followed. A rate is a
 * handful of operations, of which a power by logarithm is the worst: 1e-13 of itself.
 */
#include <math.h>
#include <string.h>

#include "fovea/schedule.h"
#include "support/test.h"

enum { STEPS = 100 }; /* of an epoch */

static const double tolerance = 1e-13;

/* One point of a schedule. */
typedef struct point {
    int64_t step;
    double rate;
} point;

static void expect(const fv_schedule_options *options, int32_t epochs, const point *points, size_t count)
{
    assert_int_equal(fv_schedule_check(NULL, options, epochs), FV_OK);
    for (size_t i = 0; i < count; i++) {
        const double rate = fv_schedule_rate(options, epochs, STEPS, points[i].step);
        if (!(fabs(rate - points[i].rate) <= tolerance * points[i].rate))
            fail_msg("%s: the rate of step %lld is %.17g, not %.17g", fv_schedule_kind_name(options->kind),
                     (long long)points[i].step, rate, points[i].rate);
    }
}

#define EXPECT(options, epochs, ...)                                                                                   \
    expect(options, epochs, (const point[]){ __VA_ARGS__ }, sizeof((const point[]){ __VA_ARGS__ }) / sizeof(point))

FV_TEST(schedule, cosine_goes_from_the_rate_to_zero)
{
    const fv_schedule_options options = { .rate = 0.5 };
    EXPECT(&options, 4, { 0, 0.5 }, { 200, 0.25 }, { 100, 0.25 * (1 + sqrt(0.5)) });
    const double last = fv_schedule_rate(&options, 4, STEPS, 399);
    assert_true(last > 0 && last < 1e-4);
    for (int64_t step = 1; step < 400; step++)
        assert_true(fv_schedule_rate(&options, 4, STEPS, step) < fv_schedule_rate(&options, 4, STEPS, step - 1));
    const fv_schedule_options raised = { .rate = 0.5, .final = 0.2 };
    EXPECT(&raised, 4, { 0, 0.5 }, { 200, 0.3 }, { 400, 0.1 });
}

FV_TEST(schedule, constant_stays)
{
    const fv_schedule_options options = { .kind = FV_SCHEDULE_CONSTANT, .rate = 0.1 };
    EXPECT(&options, 2, { 0, 0.1 }, { 199, 0.1 });
}

FV_TEST(schedule, warm_up_rises_to_the_rate)
{
    const fv_schedule_options options = { .rate = 0.2, .warmup = 0.5 };
    EXPECT(&options, 3, { 0, 0.2 / 50 }, { 24, 0.1 }, { 49, 0.2 }, { 50, 0.2 },
           { 175, 0.1 }); /* 175: half of the rest */
    const fv_schedule_options all = { .rate = 0.2, .warmup = 1 };
    EXPECT(&all, 1, { 99, 0.2 });
    const fv_schedule_options raised = { .rate = 0.2, .warmup = 1, .warmup_start = 0.25 };
    EXPECT(&raised, 2, { 49, 0.2 * 0.625 }, { 99, 0.2 });
}

FV_TEST(schedule, steps_fall_by_gamma)
{
    const fv_schedule_options options = { .kind = FV_SCHEDULE_STEP, .rate = 0.4, .every = 2, .gamma = 0.5 };
    EXPECT(&options, 6, { 0, 0.4 }, { 199, 0.4 }, { 200, 0.2 }, { 399, 0.2 }, { 400, 0.1 });
    const fv_schedule_options plain = { .kind = FV_SCHEDULE_STEP, .rate = 1 };
    EXPECT(&plain, 90, { 2999, 1 }, { 3000, 0.1 }, { 6000, 0.01 });
}

FV_TEST(schedule, exponential_falls_all_the_time)
{
    const fv_schedule_options options = { .kind = FV_SCHEDULE_EXPONENTIAL, .rate = 0.4, .gamma = 0.81 };
    EXPECT(&options, 6, { 0, 0.4 }, { 50, 0.4 * 0.9 }, { 100, 0.4 * 0.81 }, { 200, 0.4 * 0.81 * 0.81 });
    const fv_schedule_options epochs = {
        .kind = FV_SCHEDULE_EXPONENTIAL, .rate = 0.4, .gamma = 0.81, .per_epoch = true
    };
    EXPECT(&epochs, 6, { 99, 0.4 }, { 100, 0.4 * 0.81 }, { 150, 0.4 * 0.81 });
}

FV_TEST(schedule, polynomial_ends_at_its_final_rate)
{
    const fv_schedule_options line = { .kind = FV_SCHEDULE_POLYNOMIAL, .rate = 2 };
    EXPECT(&line, 4, { 0, 2 }, { 100, 1.5 }, { 300, 0.5 });
    const fv_schedule_options square = { .kind = FV_SCHEDULE_POLYNOMIAL, .rate = 2, .power = 2, .final = 0.1 };
    EXPECT(&square, 4, { 0, 2 }, { 200, 2 * (0.1 + 0.9 * 0.25) }, { 400, 0.2 });
}

/* torch.optim.lr_scheduler.OneCycleLR with pct_start 0.25, div_factor 10, final_div_factor 100. */
FV_TEST(schedule, one_cycle_rises_and_falls)
{
    const fv_schedule_options options = {
        .kind = FV_SCHEDULE_ONE_CYCLE, .rate = 1, .peak = 0.25, .divisor = 10, .final = 0.001
    };
    EXPECT(&options, 4, { 0, 0.1 }, { 50, 0.55 }, { 100, 1 }, { 250, 0.5005 }, { 400, 0.001 });
    const fv_schedule_options usual = { .kind = FV_SCHEDULE_ONE_CYCLE, .rate = 1 },
                              to_zero = { .kind = FV_SCHEDULE_ONE_CYCLE, .rate = 1, .given = FV_GIVEN_FINAL };
    EXPECT(&usual, 4, { 400, 4e-6 });
    EXPECT(&to_zero, 4, { 400, 0 });
}

FV_TEST(schedule, restarts_begin_again)
{
    const fv_schedule_options options = { .kind = FV_SCHEDULE_RESTARTS, .rate = 1, .every = 2 };
    EXPECT(&options, 8, { 0, 1 }, { 100, 0.5 }, { 200, 1 }, { 300, 0.5 }, { 400, 1 });
    const fv_schedule_options longer = { .kind = FV_SCHEDULE_RESTARTS, .rate = 1, .every = 1, .growth = 2 };
    EXPECT(&longer, 8, { 50, 0.5 }, { 100, 1 }, { 200, 0.5 }, { 300, 1 }, { 500, 0.5 }, { 700, 1 });
}

FV_TEST(schedule, points_are_followed)
{
    fv_schedule_options options = { .kind = FV_SCHEDULE_PIECEWISE, .rate = 2, .points = "0:1 1.5:0.5, 3:1e-1" };
    EXPECT(&options, 5, { 0, 2 }, { 149, 2 }, { 150, 1 }, { 299, 1 }, { 300, 0.2 }, { 499, 0.2 });
    options.linear = true;
    options.points = "0:0 1:1 3:0.5";
    EXPECT(&options, 5, { 0, 0 }, { 50, 1 }, { 100, 2 }, { 200, 1.5 }, { 300, 1 }, { 450, 1 });
}

FV_TEST(schedule, a_plateau_lowers_the_rate)
{
    const fv_schedule_options options = {
        .kind = FV_SCHEDULE_PLATEAU, .rate = 1, .gamma = 0.5, .patience = 2, .cooldown = 1, .least = 0.2
    };
    /* Losses, and the factor behind each: it falls with the third that is not lower; one more does not count then. */
    static const double losses[] = { 3, 2, 2, 2.5, 1.99999, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    static const double factors[] = { 1, 1, 1, 1, .5, .5, .5, .5, .25, .25, .25, .25, .2, .2, .2, .2, .2, .2 };
    fv_plateau plateau = { 0 };
    assert_true(fv_plateau_factor(&plateau, &options) == 1);
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        fv_plateau_observe(&plateau, &options, losses[i]);
        if (fv_plateau_factor(&plateau, &options) != factors[i])
            fail_msg("factor %g behind loss %zu", fv_plateau_factor(&plateau, &options), i);
    }
    assert_true(plateau.best == 1);
    fv_plateau_observe(&plateau, &options, (double)NAN);
    assert_true(plateau.best == 1);
    assert_true(fv_plateau_factor(&plateau, &(fv_schedule_options){ .rate = 1 }) == 1);
}

FV_TEST(schedule, bad_options_are_named)
{
    static const struct {
        fv_schedule_options options;
        const char *word;
    } cases[] = {
        { { .rate = -1 }, "rate is -1" },
        { { .rate = NAN }, "rate" },
        { { .rate = 1, .warmup = 3.5 }, "warmup is 3.5" },
        { { .rate = 1, .final = 2 }, "final" },
        { { .rate = 1, .gamma = -0.5 }, "gamma" },
        { { .rate = 1, .growth = 0.5 }, "growth" },
        { { .rate = 1, .patience = -1 }, "patience" },
        { { .rate = 1, .kind = (fv_schedule_kind)99 }, "kind 99" },
        { { .rate = 1, .kind = FV_SCHEDULE_PIECEWISE }, "points" },
        { { .rate = 1, .kind = FV_SCHEDULE_PIECEWISE, .points = "1:1" }, "begin at epoch 1" },
        { { .rate = 1, .kind = FV_SCHEDULE_PIECEWISE, .points = "0:1 2:0.5 2:0.1" }, "2:0.1" },
        { { .rate = 1, .kind = FV_SCHEDULE_PIECEWISE, .points = "0:1 x" }, "at 'x'" },
        { { .rate = 1, .kind = FV_SCHEDULE_PIECEWISE, .points = "0:-1" }, "at '0:-1'" },
    };
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, NULL), FV_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(fv_schedule_check(context, &cases[i].options, 3), FV_ERR_ARGUMENT);
        if (strstr(fv_context_message(context), cases[i].word) == NULL)
            fail_msg("'%s' does not say '%s'", fv_context_message(context), cases[i].word);
    }
    fv_context_destroy(context);
}

FV_TEST(schedule, kinds_have_names)
{
    assert_string_equal(fv_schedule_kind_name(FV_SCHEDULE_COSINE), "cosine");
    assert_string_equal(fv_schedule_kind_name(FV_SCHEDULE_PLATEAU), "plateau");
    assert_null(fv_schedule_kind_name((fv_schedule_kind)(FV_SCHEDULE_PLATEAU + 1)));
}

FV_TESTS(schedule, cosine_goes_from_the_rate_to_zero, constant_stays, warm_up_rises_to_the_rate, steps_fall_by_gamma,
         exponential_falls_all_the_time, polynomial_ends_at_its_final_rate, one_cycle_rises_and_falls,
         restarts_begin_again, points_are_followed, a_plateau_lowers_the_rate, bad_options_are_named, kinds_have_names)
