/* SPDX-License-Identifier: Apache-2.0
 *
 * loss_test.c - losses: values done by hand, extreme scores, weights, and targets that are wrong.
 */
#include <math.h>
#include <string.h>

#include "support/layer_case.h"
#include "support/test.h"

typedef struct loss_case {
    layer_case problem;
    fv_context *context;
    layer_run *run;
} loss_case;

static void start(loss_case *loss, const char *problem, fv_dtype dtype)
{
    const fv_context_options options = { .threads = 1 };
    loss->problem = layer_case_parse(problem);
    assert_int_equal(fv_context_create(&loss->context, &options), FV_OK);
    loss->run = layer_run_create(&loss->problem, loss->context, (layer_run_options){ .dtype = dtype });
}

static void stop(loss_case *loss)
{
    layer_run_destroy(loss->run);
    fv_context_destroy(loss->context);
}

static void set_scores(loss_case *loss, const double *scores)
{
    layer_view_set(loss->run, &loss->run->x[0].view, scores);
}

static void check_near(double got, double wanted, double error)
{
    if (!(fabs(got - wanted) <= error))
        fail_msg("%.17g is not within %g of %.17g", got, error, wanted);
}

FV_TEST(loss, equal_scores_cost_the_logarithm_of_the_classes)
{
    const double scores[10] = { 0 };
    for (int dtype = FV_F32; dtype <= FV_F64; dtype++) {
        loss_case loss;
        start(&loss, "softmax_cross_entropy c10t1", (fv_dtype)dtype);
        set_scores(&loss, scores);
        assert_int_equal(layer_run_forward(loss.run), FV_OK);
        check_near(loss.run->loss, 2.302585092994046, 1e-15);
        stop(&loss);
    }
}

FV_TEST(loss, scores_of_ten_thousand_neither_overflow_nor_vanish)
{
    const double right[3] = { -1e4, 0, 1e4 }, wrong[3] = { 1e4, 0, -1e4 };
    for (int dtype = FV_F32; dtype <= FV_F64; dtype++) {
        loss_case loss;
        double dx[3];
        start(&loss, "softmax_cross_entropy c3t1", (fv_dtype)dtype);
        assert_int_equal(loss.run->classes[0], 2);
        loss.run->scale = 1;
        set_scores(&loss, right);
        assert_int_equal(layer_run_forward(loss.run), FV_OK);
        check_near(loss.run->loss, 0, 0);
        set_scores(&loss, wrong);
        assert_int_equal(layer_run_forward(loss.run), FV_OK);
        check_near(loss.run->loss, 2e4, 0);
        assert_int_equal(layer_run_backward(loss.run), FV_OK);
        layer_view_get(loss.run, &loss.run->dx[0].view, dx);
        assert_true(dx[0] == 1 && dx[1] == 0 && dx[2] == -1);
        stop(&loss);
    }
}

/* log(exp(-1) + exp(0) + exp(0)) - 0, and the limit of a j that no score reaches. */
FV_TEST(loss, map_loss_counts_the_rubbish_class)
{
    const double scores[2] = { 0, 0 };
    loss_case loss;
    start(&loss, "map_loss c2t1", FV_F64);
    set_scores(&loss, scores);
    assert_int_equal(layer_run_forward(loss.run), FV_OK);
    check_near(loss.run->loss, 0.861994804058251, 1e-15);
    stop(&loss);
    start(&loss, "map_loss c2t1q90000", FV_F64); /* j = 900 */
    set_scores(&loss, scores);
    assert_int_equal(layer_run_forward(loss.run), FV_OK);
    check_near(loss.run->loss, 0.6931471805599453, 1e-15); /* cross-entropy of two equal scores */
    stop(&loss);
}

FV_TEST(loss, map_loss_is_exact_for_scores_of_ten_thousand)
{
    static const struct {
        double scores[3], loss, dx[3];
    } cases[] = {
        { { -1e4, 0, 1e4 }, 0, { 0, 0, 0 } },
        { { 1e4, 0, -1e4 }, 2e4, { 1, 0, -1 } },
        { { -1e4, -1e4, -1e4 }, 9999, { 0, 0, -1 } }, /* all are far: the right one is pulled, none is pushed */
    };
    for (int dtype = FV_F32; dtype <= FV_F64; dtype++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            loss_case loss;
            double dx[3];
            start(&loss, "map_loss c3t1", (fv_dtype)dtype);
            assert_int_equal(loss.run->classes[0], 2);
            loss.run->scale = 1;
            set_scores(&loss, cases[i].scores);
            assert_int_equal(layer_run_forward(loss.run), FV_OK);
            check_near(loss.run->loss, cases[i].loss, 0);
            assert_int_equal(layer_run_backward(loss.run), FV_OK);
            layer_view_get(loss.run, &loss.run->dx[0].view, dx);
            for (int k = 0; k < 3; k++)
                check_near(dx[k], cases[i].dx[k], 0);
            stop(&loss);
        }
}

FV_TEST(loss, hard_classes_and_their_soft_labels_agree)
{
    const double scores[10] = { 1, -2, 0.5, 3, 2, 0.25, -1, -0.75, 1.5, 2.5 };
    double hard_dx[10], soft_dx[10];
    loss_case hard, soft;
    start(&hard, "softmax_cross_entropy n2c5t1z1", FV_F64);
    start(&soft, "softmax_cross_entropy n2c5t2z1", FV_F64);
    set_scores(&hard, scores);
    set_scores(&soft, scores);
    memset(soft.run->values, 0, 10 * sizeof(float));
    for (int i = 0; i < 2; i++)
        soft.run->values[i * 5 + hard.run->classes[i]] = 1;
    assert_int_equal(layer_run_forward(hard.run), FV_OK);
    assert_int_equal(layer_run_forward(soft.run), FV_OK);
    check_near(soft.run->loss, hard.run->loss, 1e-15 * hard.run->loss);
    assert_int_equal(layer_run_backward(hard.run), FV_OK);
    assert_int_equal(layer_run_backward(soft.run), FV_OK);
    layer_view_get(hard.run, &hard.run->dx[0].view, hard_dx);
    layer_view_get(soft.run, &soft.run->dx[0].view, soft_dx);
    for (int i = 0; i < 10; i++)
        check_near(soft_dx[i], hard_dx[i], 1e-16);
    stop(&hard);
    stop(&soft);
}

FV_TEST(loss, a_sample_of_weight_zero_counts_for_nothing)
{
    loss_case loss;
    double dx[10];
    start(&loss, "softmax_cross_entropy n2c5t1z1", FV_F32);
    loss.run->weights[0] = 0;
    loss.run->weights[1] = 0;
    assert_int_equal(layer_run_forward(loss.run), FV_OK);
    check_near(loss.run->loss, 0, 0);
    assert_int_equal(layer_run_backward(loss.run), FV_OK);
    layer_view_get(loss.run, &loss.run->dx[0].view, dx);
    for (int i = 0; i < 10; i++)
        assert_true(dx[i] == 0);
    stop(&loss);
}

FV_TEST(loss, euclidean_sum_of_squares_and_its_half)
{
    const double x[4] = { 1, 2, 3, 4 };
    const float t[4] = { 0, 2, 5, 1 };
    const double dx_whole[4] = { 2, 0, -4, 6 };
    double dx[4];
    loss_case whole, half;
    start(&whole, "euclidean_loss c4t3", FV_F64);
    start(&half, "euclidean_loss c4t3f1", FV_F64);
    set_scores(&whole, x);
    set_scores(&half, x);
    memcpy(whole.run->values, t, sizeof t);
    memcpy(half.run->values, t, sizeof t);
    whole.run->scale = 1;
    assert_int_equal(layer_run_forward(whole.run), FV_OK);
    assert_int_equal(layer_run_forward(half.run), FV_OK);
    check_near(whole.run->loss, 1 + 0 + 4 + 9, 0);
    check_near(half.run->loss, 7, 0);
    assert_int_equal(layer_run_backward(whole.run), FV_OK);
    layer_view_get(whole.run, &whole.run->dx[0].view, dx);
    assert_memory_equal(dx, dx_whole, sizeof dx);
    stop(&whole);
    stop(&half);
}

static void check_refused(loss_case *loss, const char *says)
{
    assert_int_equal(layer_run_forward(loss->run), FV_ERR_ARGUMENT);
    if (!strstr(loss->run->message.text, says))
        fail_msg("\"%s\" does not say \"%s\"", loss->run->message.text, says);
}

FV_TEST(loss, a_label_out_of_range_is_named)
{
    loss_case loss;
    start(&loss, "softmax_cross_entropy n3c10t1", FV_F32);
    loss.run->classes[1] = 10;
    check_refused(&loss, "softmax_cross_entropy 'node1': sample 1 has class 10, which is not in 0 to 9");
    loss.run->classes[1] = -1;
    check_refused(&loss, "sample 1 has class -1");
    loss.run->classes[1] = 9;
    assert_int_equal(layer_run_forward(loss.run), FV_OK);
    stop(&loss);
}

FV_TEST(loss, missing_or_double_targets_are_refused)
{
    loss_case loss;
    start(&loss, "softmax_cross_entropy n3c10t1", FV_F32);
    const float soft[30] = { 0 };
    loss.run->batch.values = soft;
    check_refused(&loss, "both classes and values");
    loss.run->batch.classes = NULL;
    loss.run->batch.values = NULL;
    check_refused(&loss, "no targets");
    stop(&loss);
    start(&loss, "map_loss n3c10t1", FV_F32);
    loss.run->classes[2] = 12;
    check_refused(&loss, "map_loss 'node1': sample 2 has class 12, which is not in 0 to 9");
    loss.run->batch.classes = NULL;
    check_refused(&loss, "no targets; give classes");
    stop(&loss);
    start(&loss, "euclidean_loss n3c10t3", FV_F32);
    loss.run->batch.values = NULL;
    check_refused(&loss, "no target values");
    stop(&loss);
}

FV_TEST(loss, sample_weights_must_be_finite_and_not_negative)
{
    const float bad[] = { -1.0f, NAN, INFINITY };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        loss_case loss;
        start(&loss, i == 1 ? "euclidean_loss n3c10t3z1" : "softmax_cross_entropy n3c10t1z1", FV_F32);
        loss.run->weights[2] = bad[i];
        check_refused(&loss, "sample 2 has weight");
        stop(&loss);
    }
}

FV_TEST(loss, a_nan_score_shows_in_the_loss)
{
    loss_case loss;
    const double scores[3] = { 1, (double)NAN, 2 };
    start(&loss, "softmax_cross_entropy c3t1", FV_F32);
    set_scores(&loss, scores);
    assert_int_equal(layer_run_forward(loss.run), FV_OK);
    assert_true(isnan(loss.run->loss));
    stop(&loss);
}

FV_TEST(loss, smoothing_and_class_weights_by_hand)
{
    /* q = w * (0.9*t + 0.1/3) at class 2 with weights 0.5, 1.25, 2: probabilities of scores log 1, log 2, log 5 are
     * 1/8, 2/8, 5/8. */
    const double scores[3] = { 0, log(2.0), log(5.0) };
    const double q[3] = { 0.5 * 0.1 / 3, 1.25 * 0.1 / 3, 2 * (0.9 + 0.1 / 3) }, p[3] = { 0.125, 0.25, 0.625 };
    loss_case loss;
    double dx[3];
    start(&loss, "softmax_cross_entropy c3t1q10y1", FV_F64);
    assert_int_equal(loss.run->classes[0], 2);
    loss.run->scale = 1;
    set_scores(&loss, scores);
    assert_int_equal(layer_run_forward(loss.run), FV_OK);
    check_near(loss.run->loss, -q[0] * log(p[0]) - q[1] * log(p[1]) - q[2] * log(p[2]), 1e-15);
    assert_int_equal(layer_run_backward(loss.run), FV_OK);
    layer_view_get(loss.run, &loss.run->dx[0].view, dx);
    for (int k = 0; k < 3; k++)
        check_near(dx[k], p[k] * (q[0] + q[1] + q[2]) - q[k], 1e-15);
    stop(&loss);
}

FV_TEST(loss, smoothed_scores_of_ten_thousand_stay_exact)
{
    const double wrong[3] = { 1e4, 0, -1e4 };
    for (int dtype = FV_F32; dtype <= FV_F64; dtype++) {
        loss_case loss;
        double dx[3];
        start(&loss, "softmax_cross_entropy c3t1q30", (fv_dtype)dtype);
        loss.run->scale = 1;
        set_scores(&loss, wrong);
        assert_int_equal(layer_run_forward(loss.run), FV_OK);
        check_near(loss.run->loss, 0.1 * 0 + 0.1 * 1e4 + 0.8 * 2e4, 1e-11); /* class 2; a few ulp of 1e4 */
        assert_int_equal(layer_run_backward(loss.run), FV_OK);
        layer_view_get(loss.run, &loss.run->dx[0].view, dx);
        check_near(dx[0], 0.9, 1e-7);
        check_near(dx[1], -0.1, 1e-7);
        check_near(dx[2], -0.8, 1e-7);
        stop(&loss);
    }
}

FV_TEST(loss, binary_scores_of_ten_thousand_and_zero)
{
    const double scores[4] = { 1e4, -1e4, 0, 1e4 }, wanted_dx[4] = { 1, -1, -0.25, 0 };
    const float targets[4] = { 0, 1, 0.75f, 1 };
    for (int dtype = FV_F32; dtype <= FV_F64; dtype++) {
        loss_case loss;
        double dx[4];
        start(&loss, "binary_cross_entropy c4t2", (fv_dtype)dtype);
        loss.run->scale = 1;
        memcpy(loss.run->values, targets, sizeof targets);
        set_scores(&loss, scores);
        assert_int_equal(layer_run_forward(loss.run), FV_OK);
        check_near(loss.run->loss, 2e4 + log(2.0), 4e-12); /* an ulp of 2e4 */
        assert_int_equal(layer_run_backward(loss.run), FV_OK);
        layer_view_get(loss.run, &loss.run->dx[0].view, dx);
        assert_memory_equal(dx, wanted_dx, sizeof dx);
        stop(&loss);
    }
}

/* A right answer's loss is exp(-x) to a few eps, where log(1 + exp(-x)) would round to 0. */
FV_TEST(loss, binary_loss_keeps_its_tail)
{
    for (double x = 5; x < 600; x *= 1.5) {
        loss_case loss;
        start(&loss, "binary_cross_entropy c1t1", FV_F64);
        set_scores(&loss, &x);
        assert_int_equal(layer_run_forward(loss.run), FV_OK);
        check_near(loss.run->loss, log1p(exp(-x)), 8 * 2.2e-16 * exp(-x) * x); /* exp magnifies the rounding of x */
        stop(&loss);
    }
}

FV_TEST(loss, binary_classes_and_their_one_hot_values_agree)
{
    loss_case hard, soft;
    double hard_dx[10], soft_dx[10];
    start(&hard, "binary_cross_entropy n2c5t1z1", FV_F64);
    start(&soft, "binary_cross_entropy n2c5t2z1", FV_F64);
    memset(soft.run->values, 0, 10 * sizeof(float));
    for (int i = 0; i < 2; i++)
        soft.run->values[i * 5 + hard.run->classes[i]] = 1;
    assert_int_equal(layer_run_forward(hard.run), FV_OK);
    assert_int_equal(layer_run_forward(soft.run), FV_OK);
    check_near(soft.run->loss, hard.run->loss, 0);
    assert_int_equal(layer_run_backward(hard.run), FV_OK);
    assert_int_equal(layer_run_backward(soft.run), FV_OK);
    layer_view_get(hard.run, &hard.run->dx[0].view, hard_dx);
    layer_view_get(soft.run, &soft.run->dx[0].view, soft_dx);
    assert_memory_equal(hard_dx, soft_dx, sizeof hard_dx);
    stop(&hard);
    stop(&soft);
}

FV_TEST(loss, hinge_by_hand)
{
    /* class 2 of scores 3, 0.5, 2, 1.5: violations 2, 0, -, 0.5 of margin 1 */
    const double scores[4] = { 3, 0.5, 2, 1.5 }, dx_plain[4] = { 1, 0, -2, 1 }, dx_squared[4] = { 4, 0, -5, 1 };
    const char *const problems[2] = { "hinge_loss c4t1", "hinge_loss c4t1f1" };
    for (int squared = 0; squared < 2; squared++) {
        loss_case loss;
        double dx[4];
        start(&loss, problems[squared], FV_F32);
        assert_int_equal(loss.run->classes[0], 2);
        loss.run->scale = 1;
        set_scores(&loss, scores);
        assert_int_equal(layer_run_forward(loss.run), FV_OK);
        check_near(loss.run->loss, squared ? 4.25 : 2.5, 0);
        assert_int_equal(layer_run_backward(loss.run), FV_OK);
        layer_view_get(loss.run, &loss.run->dx[0].view, dx);
        assert_memory_equal(dx, squared ? dx_squared : dx_plain, sizeof dx);
        stop(&loss);
    }
}

FV_TEST(loss, hinge_of_ten_thousand_and_of_equal_scores)
{
    const double far[3] = { 1e4, -1e4, -1e4 }, equal[3] = { 7, 7, 7 };
    loss_case loss;
    start(&loss, "hinge_loss c3t1", FV_F32);
    set_scores(&loss, far);
    assert_int_equal(layer_run_forward(loss.run), FV_OK);
    check_near(loss.run->loss, 20001 + 1, 0);
    set_scores(&loss, equal);
    assert_int_equal(layer_run_forward(loss.run), FV_OK);
    check_near(loss.run->loss, 2, 0);
    loss.run->batch.classes = NULL;
    check_refused(&loss, "hinge_loss 'node1': the batch has no targets; give classes");
    stop(&loss);
}

/* Scores of ten thousand through everything at once: soft labels that need not add up to one, smoothing, weights of classes, of
 * the sample and of the loss, by the formula in double. Five products with a few roundings each: 20 eps of the whole. */
FV_TEST(loss, soft_smoothed_and_weighted_scores_of_ten_thousand)
{
    enum { CLASSES = 5 };
    static const double weights[CLASSES] = { 0.5, 1.25, 2, 0, 1 }, soft[CLASSES] = { 0.25, 0, 0.5, 0.75, 0.125 };
    static const double scores[][CLASSES] = {
        { 1e4, -1e4, 0, 1e4, -1e4 },
        { -1e4, -1e4, -1e4, -1e4, -1e4 },
        { 1e4, 1e4 - 1, 1e4 - 2, 1e4, 1e4 - 4 },
        { -1e4, 1, 2, 1e4, 3 },
    };
    for (int dtype = FV_F32; dtype <= FV_F64; dtype++)
        for (size_t i = 0; i < sizeof scores / sizeof scores[0]; i++) {
            const double *x = scores[i], eps = dtype == FV_F32 ? 6e-8 : 1.2e-16;
            double top = x[0], sum = 0, whole = 0, wanted = 0, q[CLASSES], dx[CLASSES];
            loss_case loss;
            start(&loss, "softmax_cross_entropy c5t2z1q20y1a150", (fv_dtype)dtype);
            loss.run->scale = 1;
            loss.run->weights[0] = 0.5F;
            for (int k = 0; k < CLASSES; k++)
                loss.run->values[k] = (float)soft[k];
            for (int k = 0; k < CLASSES; k++)
                top = fmax(top, x[k]);
            for (int k = 0; k < CLASSES; k++) {
                sum += exp(x[k] - top);
                q[k] = 0.5 * 1.5 * weights[k] * (0.8 * soft[k] + 0.2 / CLASSES);
                whole += q[k];
            }
            for (int k = 0; k < CLASSES; k++)
                wanted += q[k] * (top + log(sum) - x[k]);
            set_scores(&loss, x);
            assert_int_equal(layer_run_forward(loss.run), FV_OK);
            check_near(loss.run->loss, wanted, 20 * eps * fmax(1, fabs(wanted)));
            assert_int_equal(layer_run_backward(loss.run), FV_OK);
            layer_view_get(loss.run, &loss.run->dx[0].view, dx);
            for (int k = 0; k < CLASSES; k++)
                check_near(dx[k], exp(x[k] - top) / sum * whole - q[k], 20 * eps * whole);
            stop(&loss);
        }
}

FV_TEST(loss, squares_of_ten_thousand)
{
    const double scores[3] = { 1e4, -1e4, -1e4 }, wanted_hinge[3] = { 40002, 2, -40004 };
    const float targets[3] = { 0, -1e4F, 1e4F };
    const double wanted_euclidean[3] = { 2e4, 0, -4e4 };
    for (int dtype = FV_F32; dtype <= FV_F64; dtype++) {
        loss_case hinge, euclidean;
        double dx[3];
        start(&hinge, "hinge_loss c3t1f1", (fv_dtype)dtype);
        assert_int_equal(hinge.run->classes[0], 2);
        hinge.run->scale = 1;
        set_scores(&hinge, scores);
        assert_int_equal(layer_run_forward(hinge.run), FV_OK);
        check_near(hinge.run->loss, 20001.0 * 20001 + 1, 6e-8 * 4e8);
        assert_int_equal(layer_run_backward(hinge.run), FV_OK);
        layer_view_get(hinge.run, &hinge.run->dx[0].view, dx);
        assert_memory_equal(dx, wanted_hinge, sizeof dx);
        stop(&hinge);
        start(&euclidean, "euclidean_loss c3t3", (fv_dtype)dtype);
        euclidean.run->scale = 1;
        memcpy(euclidean.run->values, targets, sizeof targets);
        set_scores(&euclidean, scores);
        assert_int_equal(layer_run_forward(euclidean.run), FV_OK);
        check_near(euclidean.run->loss, 1e8 + 4e8, 6e-8 * 5e8);
        assert_int_equal(layer_run_backward(euclidean.run), FV_OK);
        layer_view_get(euclidean.run, &euclidean.run->dx[0].view, dx);
        assert_memory_equal(dx, wanted_euclidean, sizeof dx);
        stop(&euclidean);
    }
}

FV_TEST(loss, classes_for_an_image_of_scores_are_refused)
{
    loss_case loss;
    start(&loss, "binary_cross_entropy n2c5h3w2t2", FV_F32);
    const int32_t classes[2] = { 1, 2 };
    loss.run->batch.values = NULL;
    loss.run->batch.classes = classes;
    check_refused(&loss, "the input is an image 5x3x2; give targets from 0 to 1 for each position, as values");
    stop(&loss);
}

FV_TESTS(loss, equal_scores_cost_the_logarithm_of_the_classes, scores_of_ten_thousand_neither_overflow_nor_vanish,
         map_loss_counts_the_rubbish_class, map_loss_is_exact_for_scores_of_ten_thousand,
         hard_classes_and_their_soft_labels_agree, a_sample_of_weight_zero_counts_for_nothing,
         euclidean_sum_of_squares_and_its_half, a_label_out_of_range_is_named, missing_or_double_targets_are_refused,
         sample_weights_must_be_finite_and_not_negative, a_nan_score_shows_in_the_loss,
         smoothing_and_class_weights_by_hand, smoothed_scores_of_ten_thousand_stay_exact,
         binary_scores_of_ten_thousand_and_zero, binary_loss_keeps_its_tail,
         binary_classes_and_their_one_hot_values_agree, hinge_by_hand, hinge_of_ten_thousand_and_of_equal_scores,
         soft_smoothed_and_weighted_scores_of_ten_thousand, squares_of_ten_thousand,
         classes_for_an_image_of_scores_are_refused)
