/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics_test.c - softmax rows, the first of equals, the end of the logarithm.
 */
#include <float.h>
#include <math.h>

#include "support/test.h"
#include "train/train_internal.h"

FV_TEST(metrics, scores_become_probabilities)
{
    float scores[] = { 0, 0, 0, 0, 1e4f, -1e4f, 0, 9999, logf(1), logf(2), logf(3), logf(4) };
    fvi_scores_to_probabilities(3, 4, scores);
    for (int i = 0; i < 4; i++)
        assert_true(scores[i] == 0.25f);
    assert_true(fabsf(scores[4] - 1 / (1 + expf(-1))) < 1e-6f && scores[5] == 0 && scores[6] == 0);
    for (int i = 0; i < 4; i++) /* logf is within one ULP, exp and the division round once more */
        assert_true(fabsf(scores[8 + i] - 0.1f * (float)(i + 1)) <= 4 * FLT_EPSILON * 0.5f);
}

FV_TEST(metrics, largest_is_the_first_of_equals)
{
    const float values[] = { 1, 3, 3, 2 };
    assert_int_equal(fvi_largest(values, 4), 1);
    assert_int_equal(fvi_largest(values, 1), 0);
}

FV_TEST(metrics, cross_entropy_stays_finite)
{
    assert_true(fvi_cross_entropy(1) == 0);
    assert_true(fabs(fvi_cross_entropy(0.5f) - log(2)) < 1e-15);
    assert_true(fabs(fvi_cross_entropy(0) + log((double)FLT_MIN)) < 1e-12);
}

FV_TESTS(metrics, scores_become_probabilities, largest_is_the_first_of_equals, cross_entropy_stays_finite)
