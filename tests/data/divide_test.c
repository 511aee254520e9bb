/* SPDX-License-Identifier: Apache-2.0
 *
 * divide_test.c - the arithmetic of parts: sums, strata, groups of equals, and that nothing but pixels and seed decides.
 */
#include "data/divide.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "support/test.h"

enum { MOST = 500 };

static fv_context *context;

FV_TEST(divide, counts_add_up)
{
    static const double shares[][FVI_PARTS] = { { 0.8, 0.1, 0.1 }, { 0.5, 0, 0.5 },      { 1, 0, 0 },
                                                { 0.7, 0.2, 0.1 }, { 0.34, 0.33, 0.33 }, { 0.1, 0.45, 0.45 } };
    for (size_t s = 0; s < sizeof shares / sizeof shares[0]; s++)
        for (int64_t n = 1; n < 120; n++) {
            int64_t wanted[FVI_PARTS];
            fvi_divide_counts(n, shares[s], wanted);
            assert_int_equal(wanted[0] + wanted[1] + wanted[2], n);
            assert_true(wanted[0] >= 1);
            for (int p = 0; p < FVI_PARTS;
                 p++) /* largest remainders miss by less than one; the one for training is from somebody */
                assert_true(fabs((double)wanted[p] - shares[s][p] * (double)n) < (n < 10 ? 2 : 1));
        }
    int64_t wanted[FVI_PARTS];
    fvi_divide_counts(100, (const double[]){ 0.5, 0.25, 0 }, wanted);
    assert_true(wanted[0] == 50 && wanted[1] == 25 && wanted[2] == 0); /* the rest is left out */
}

/* Of 3 classes; every tenth sample is like the one before. */
static void fill(fvi_divided samples[MOST])
{
    fvi_random random = fvi_random_start(5, FVI_PURPOSE_TEST, 0);
    for (int i = 0; i < MOST; i++) {
        const uint64_t high = fvi_random_u32(&random);
        samples[i] = (fvi_divided){ .hash = high << 32 | fvi_random_u32(&random), .label = i / 10 % 3, .order = i };
        if (i % 10 == 9)
            samples[i].hash = samples[i - 1].hash;
    }
}

FV_TEST(divide, classes_are_divided_alike_and_equals_stay_together)
{
    static const double share[FVI_PARTS] = { 0.8, 0.1, 0.1 };
    fvi_divided samples[MOST];
    int64_t equal = 0, count[3][FVI_PARTS] = { { 0 } };
    int32_t thin = 0;
    fill(samples);
    assert_int_equal(fvi_divide(context, samples, MOST, share, 1, &equal, &thin), FV_OK);
    assert_true(equal == MOST / 10 && thin == 0);
    for (int i = 0; i < MOST; i++) {
        assert_in_range(samples[i].part, 0, 2);
        count[samples[i].label][samples[i].part]++;
        if (i > 0 && samples[i].hash == samples[i - 1].hash)
            assert_int_equal(samples[i].part, samples[i - 1].part);
    }
    for (int c = 0; c < 3; c++)
        for (int p = 0; p < FVI_PARTS; p++) {
            const double wanted = share[p] * (double)(count[c][0] + count[c][1] + count[c][2]);
            assert_true(fabs((double)count[c][p] - wanted) <= 2); /* a group has two */
        }
}

static int by_order(const void *left, const void *right)
{
    const fvi_divided *a = left, *b = right;
    return a->order < b->order ? -1 : a->order > b->order;
}

FV_TEST(divide, order_of_samples_decides_nothing)
{
    static const double share[FVI_PARTS] = { 0.6, 0.2, 0.2 };
    fvi_divided one[MOST], other[MOST];
    int64_t equal = 0;
    int32_t thin = 0, differ = 0;
    fill(one);
    for (int i = 0; i < MOST; i++)
        other[i] = one[MOST - 1 - i];
    assert_int_equal(fvi_divide(context, one, MOST, share, 4, &equal, &thin), FV_OK);
    assert_int_equal(fvi_divide(context, other, MOST, share, 4, &equal, &thin), FV_OK);
    qsort(one, MOST, sizeof *one, by_order);
    qsort(other, MOST, sizeof *other, by_order);
    assert_memory_equal(one, other, sizeof one);
    assert_int_equal(fvi_divide(context, other, MOST, share, 5, &equal, &thin), FV_OK); /* but the seed does */
    qsort(other, MOST, sizeof *other, by_order);
    for (int i = 0; i < MOST; i++)
        differ += one[i].part != other[i].part;
    assert_true(differ > MOST / 4);
}

FV_TEST(divide, thin_classes_are_counted)
{
    fvi_divided samples[3] = { { .hash = 1, .label = 0 }, { .hash = 2, .label = 1 }, { .hash = 3, .label = 1 } };
    int64_t equal = 0;
    int32_t thin = 0;
    assert_int_equal(fvi_divide(context, samples, 3, (const double[]){ 0.5, 0, 0.5 }, 1, &equal, &thin), FV_OK);
    assert_int_equal(thin, 1);
    for (int i = 0; i < 3; i++)
        if (samples[i].label == 0)
            assert_int_equal(samples[i].part, 0); /* a class can be trained on, whatever else */
    assert_int_equal(fvi_divide(context, samples, 0, (const double[]){ 0.5, 0, 0.5 }, 1, &equal, &thin), FV_OK);
}

static int set_up(void **state)
{
    (void)state;
    return fv_context_create(&context, &(fv_context_options){ .threads = 1 }) == FV_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fv_context_destroy(context);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(divide_counts_add_up),
        cmocka_unit_test(divide_classes_are_divided_alike_and_equals_stay_together),
        cmocka_unit_test(divide_order_of_samples_decides_nothing),
        cmocka_unit_test(divide_thin_classes_are_counted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
