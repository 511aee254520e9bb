/* SPDX-License-Identifier: Apache-2.0
 *
 * textbook_test.c - small cases that can be done by hand: ReLU, pooling, sharing of weights, joins, flattening.
 */
#include <math.h>
#include <stdlib.h>

#include "support/layer_case.h"
#include "support/test.h"
#include "support/values.h"

enum { MOST = 64 };

/* One layer with given numbers; results in order n, c, h, w. */
typedef struct hand_case {
    layer_case problem;
    fv_context *context;
    layer_run *run;
    double y[MOST], dx[LAYER_CASE_INPUTS][MOST];
} hand_case;

static void start(hand_case *hand, const char *problem, fv_dtype dtype)
{
    const fv_context_options options = { .threads = 1 };
    hand->problem = layer_case_parse(problem);
    assert_int_equal(fv_context_create(&hand->context, &options), FV_OK);
    hand->run = layer_run_create(&hand->problem, hand->context, (layer_run_options){ .dtype = dtype });
}

static void run(hand_case *hand)
{
    assert_int_equal(layer_run_forward(hand->run), FV_OK);
    layer_view_get(hand->run, &hand->run->y.view, hand->y);
    assert_int_equal(layer_run_backward(hand->run), FV_OK);
    for (int32_t i = 0; i < hand->problem.input_count; i++)
        layer_view_get(hand->run, &hand->run->dx[i].view, hand->dx[i]);
}

static void stop(hand_case *hand)
{
    layer_run_destroy(hand->run);
    fv_context_destroy(hand->context);
}

static void check(const double *got, const double *wanted, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++)
        if (got[i] != wanted[i])
            fail_msg("%s[%zu] is %.9g, not %.9g", what, i, got[i], wanted[i]);
}

static void check_floats(const double *got, const double *wanted, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++)
        if (got[i] != (double)(float)wanted[i])
            fail_msg("%s[%zu] is %.9g, not %.9g", what, i, got[i], wanted[i]);
}

FV_TEST(textbook, relu)
{
    static const double x[16] = { 1.5, 2.2, 1.3, 6.7, 4.3, -0.3, -0.2, 4.9, -4.5, 1.4, 5.5, 1.8, 0.1, -0.5, -0.1, 2.2 };
    static const double dy[16] = {
        4.5, 1.2, 2.3, 1.3, -1.3, -6.3, 4.1, -2.9, -0.5, 1.2, 3.5, 1.2, -6.1, 0.5, -4.1, -3.2
    };
    static const double y[16] = { 1.5, 2.2, 1.3, 6.7, 4.3, 0, 0, 4.9, 0, 1.4, 5.5, 1.8, 0.1, 0, 0, 2.2 };
    static const double dx[16] = { 4.5, 1.2, 2.3, 1.3, -1.3, 0, 0, -2.9, 0, 1.2, 3.5, 1.2, -6.1, 0, 0, -3.2 };
    for (int dtype = FV_F32; dtype <= FV_F64; dtype++) {
        hand_case hand = { 0 };
        start(&hand, "relu h4w4", (fv_dtype)dtype);
        layer_view_set(hand.run, &hand.run->x[0].view, x);
        layer_view_set(hand.run, &hand.run->dy.view, dy);
        run(&hand);
        (dtype == FV_F64 ? check : check_floats)(hand.y, y, 16, "y");
        (dtype == FV_F64 ? check : check_floats)(hand.dx[0], dx, 16, "dx");
        stop(&hand);
    }
}

FV_TEST(textbook, average_pooling_spreads_the_gradient_equally)
{
    static const double x[16] = { 1, 3, 2, 2, 4, 2, 2, 2, 0, 0, -5, -1, 0, 8, -1, -1 }, dy[4] = { 8, 20, 4, -12 };
    static const double y[4] = { 2.5, 2, 2, -2 };
    static const double dx[16] = { 2, 2, 5, 5, 2, 2, 5, 5, 1, 1, -3, -3, 1, 1, -3, -3 };
    hand_case hand = { 0 };
    start(&hand, "average_pool2d h4w4r2", FV_F64);
    layer_view_set(hand.run, &hand.run->x[0].view, x);
    layer_view_set(hand.run, &hand.run->dy.view, dy);
    run(&hand);
    check(hand.y, y, 4, "y");
    check(hand.dx[0], dx, 16, "dx");
    stop(&hand);
}

FV_TEST(textbook, average_pooling_with_and_without_padded_cells)
{
    static const double x[4] = { 36, 72, 108, 144 }, dy[4] = { 36, 36, 36, 36 };
    static const double inside[4] = { 90, 90, 90, 90 }, counted[4] = { 40, 40, 40, 40 };
    static const double inside_dx[4] = { 36, 36, 36, 36 }, counted_dx[4] = { 16, 16, 16, 16 };
    hand_case hand = { 0 };
    start(&hand, "average_pool2d h2w2r3u1p1", FV_F64);
    layer_view_set(hand.run, &hand.run->x[0].view, x);
    layer_view_set(hand.run, &hand.run->dy.view, dy);
    run(&hand);
    check(hand.y, inside, 4, "y");
    check(hand.dx[0], inside_dx, 4, "dx");
    stop(&hand);
    start(&hand, "average_pool2d h2w2r3u1p1o1", FV_F64);
    layer_view_set(hand.run, &hand.run->x[0].view, x);
    layer_view_set(hand.run, &hand.run->dy.view, dy);
    run(&hand);
    check(hand.y, counted, 4, "y with padded cells");
    check(hand.dx[0], counted_dx, 4, "dx with padded cells");
    stop(&hand);
}

FV_TEST(textbook, max_pooling_sends_the_gradient_to_the_first_maximum)
{
    static const double x[16] = { 1, 3, 2, 2, 4, 2, 2, 2, 0, 0, -5, -1, 0, 7, -1, -2 }, dy[4] = { 10, 20, 30, 40 };
    static const double y[4] = { 4, 2, 7, -1 };
    static const double dx[16] = { 0, 0, 20, 0, 10, 0, 0, 0, 0, 0, 0, 40, 0, 30, 0, 0 };
    hand_case hand = { 0 };
    start(&hand, "max_pool2d h4w4r2", FV_F64);
    layer_view_set(hand.run, &hand.run->x[0].view, x);
    layer_view_set(hand.run, &hand.run->dy.view, dy);
    run(&hand);
    check(hand.y, y, 4, "y");
    check(hand.dx[0], dx, 16, "dx");
    stop(&hand);
}

/* One weight is used by every edge at its place of the kernel, so its gradient is the sum over those edges of the
 * gradient at the edge's end times the value at its start: dw[r,s] = sum over i,j of dy[i,j] * x[i+r,j+s]. */
FV_TEST(textbook, a_shared_weight_gets_the_sum_over_its_edges)
{
    static const double x[9] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, w[4] = { 1, 0, -1, 2 }, dy[4] = { 1, -1, 2, 3 };
    double y[4] = { 0 }, dw[4] = { 0 }, dx[9] = { 0 }, got[4], bias[1] = { 0 };
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            for (int r = 0; r < 2; r++)
                for (int s = 0; s < 2; s++) { /* one edge of the graph */
                    y[i * 2 + j] += w[r * 2 + s] * x[(i + r) * 3 + j + s];
                    dw[r * 2 + s] += dy[i * 2 + j] * x[(i + r) * 3 + j + s];
                    dx[(i + r) * 3 + j + s] += dy[i * 2 + j] * w[r * 2 + s];
                }
    for (int dtype = FV_F32; dtype <= FV_F64; dtype++) {
        hand_case hand = { 0 };
        start(&hand, "conv2d h3w3k1r2", (fv_dtype)dtype);
        layer_view_set(hand.run, &hand.run->x[0].view, x);
        layer_view_set(hand.run, &hand.run->dy.view, dy);
        layer_param_set(hand.run, 0, w);
        layer_param_set(hand.run, 1, bias);
        run(&hand);
        check(hand.y, y, 4, "y");
        check(hand.dx[0], dx, 9, "dx");
        layer_param_get(hand.run, 0, hand.run->dparam[0], got);
        check(got, dw, 4, "dw");
        layer_param_get(hand.run, 1, hand.run->dparam[1], got);
        assert_true(got[0] == 1 - 1 + 2 + 3);
        stop(&hand);
    }
}

FV_TEST(textbook, a_sum_gives_every_branch_the_whole_gradient)
{
    static const double a[4] = { 1, 2, 3, 4 }, b[4] = { 10, 20, 30, 40 }, c[4] = { 100, 200, 300, 400 };
    static const double y[4] = { 111, 222, 333, 444 }, dy[4] = { 5, 6, 7, 8 };
    hand_case hand = { 0 };
    start(&hand, "add c2h1w2i3", FV_F64);
    layer_view_set(hand.run, &hand.run->x[0].view, a);
    layer_view_set(hand.run, &hand.run->x[1].view, b);
    layer_view_set(hand.run, &hand.run->x[2].view, c);
    layer_view_set(hand.run, &hand.run->dy.view, dy);
    run(&hand);
    check(hand.y, y, 4, "y");
    for (int i = 0; i < 3; i++)
        check(hand.dx[i], dy, 4, "dx");
    stop(&hand);
}

FV_TEST(textbook, a_concatenation_cuts_the_gradient_where_it_joined)
{
    static const double a[2] = { 1, 2 }, b[4] = { 3, 4, 5, 6 }, y[6] = { 1, 2, 3, 4, 5, 6 };
    static const double dy[6] = { 10, 20, 30, 40, 50, 60 };
    hand_case hand = { 0 };
    start(&hand, "concat c1h1w2i2", FV_F64); /* 1 and 2 channels of 1x2 */
    layer_view_set(hand.run, &hand.run->x[0].view, a);
    layer_view_set(hand.run, &hand.run->x[1].view, b);
    layer_view_set(hand.run, &hand.run->dy.view, dy);
    run(&hand);
    check(hand.y, y, 6, "y");
    check(hand.dx[0], dy, 2, "dx of the first");
    check(hand.dx[1], dy + 2, 4, "dx of the second");
    stop(&hand);
}

/* A dense layer on an image and on the same image flattened are one layer: the axes go c, h, w. */
FV_TEST(textbook, flattening_keeps_the_order_of_axes)
{
    double x[24], y[4];
    hand_case hand = { 0 };
    start(&hand, "flatten c2h3w4", FV_F64);
    layer_view_get(hand.run, &hand.run->x[0].view, x);
    run(&hand);
    check(hand.y, x, 24, "y");
    stop(&hand);
    start(&hand, "dense c2h3w4k4", FV_F64);
    layer_view_set(hand.run, &hand.run->x[0].view, x);
    run(&hand);
    for (int i = 0; i < 4; i++)
        y[i] = hand.y[i];
    stop(&hand);
    start(&hand, "dense c24k4", FV_F64);
    layer_view_set(hand.run, &hand.run->x[0].view, x);
    run(&hand);
    /* Two orders of one sum of 24 products of numbers up to 2: 24 eps times at most 96. */
    assert_true(test_values_error(hand.y, y, 4) <= 24 * 2.3e-16 * 96);
    stop(&hand);
}

FV_TEST(textbook, maxout_takes_the_first_of_equals)
{
    static const double x[6] = { 1, 3, 2, 2, -5, -1 }, dy[3] = { 10, 20, 30 }, y[3] = { 3, 2, -1 };
    static const double dx[6] = { 0, 10, 20, 0, 0, 30 };
    hand_case hand = { 0 };
    start(&hand, "maxout c6", FV_F32);
    layer_view_set(hand.run, &hand.run->x[0].view, x);
    layer_view_set(hand.run, &hand.run->dy.view, dy);
    run(&hand);
    check(hand.y, y, 3, "y");
    check(hand.dx[0], dx, 6, "dx");
    stop(&hand);
}

FV_TEST(textbook, prelu_sums_the_gradients_of_its_slopes)
{
    static const double x[8] = { -1, 2, -3, -4, 5, -6, 7, 0 }, dy[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    static const double slopes[2] = { 0.5, -0.25 }, shared_slope = 0.5;
    static const double y[8] = { -0.5, 2, -1.5, -2, 5, 1.5, 7, 0 }, dx[8] = { 0.5, 2, 1.5, 2, 5, -1.5, 7, -2 };
    hand_case hand = { 0 };
    double got[2];
    start(&hand, "prelu c2h2w2", FV_F32);
    layer_view_set(hand.run, &hand.run->x[0].view, x);
    layer_view_set(hand.run, &hand.run->dy.view, dy);
    layer_param_set(hand.run, 0, slopes);
    run(&hand);
    check(hand.y, y, 8, "y");
    check(hand.dx[0], dx, 8, "dx");
    layer_param_get(hand.run, 0, hand.run->dparam[0], got);
    assert_true(got[0] == -1 - 9 - 16 && got[1] == -36);
    stop(&hand);
    start(&hand, "prelu c2h2w2f1", FV_F32);
    layer_view_set(hand.run, &hand.run->x[0].view, x);
    layer_view_set(hand.run, &hand.run->dy.view, dy);
    layer_param_set(hand.run, 0, &shared_slope);
    run(&hand);
    layer_param_get(hand.run, 0, hand.run->dparam[0], got);
    assert_true(got[0] == -26 - 36 && hand.y[5] == -3);
    stop(&hand);
}

/* Klambauer et al. 2017: the two numbers, and what they are for. With x from N(0, 1), y has mean 0 and variance 1: integrals by the
 * trapezium rule, which for such functions errs by the kink alone, h^2/12 times the jump of the slope there, below 1e-5. */
FV_TEST(textbook, selu)
{
    enum { POINTS = 2401 };
    const double step = 0.01, pi = acos(-1.0);
    double x[POINTS], y[POINTS], sum = 0, squares = 0;
    hand_case hand;
    start(&hand, "selu n1c2401", FV_F64);
    for (int i = 0; i < POINTS; i++)
        x[i] = (i - POINTS / 2) * step;
    layer_view_set(hand.run, &hand.run->x[0].view, x);
    assert_int_equal(layer_run_forward(hand.run), FV_OK);
    layer_view_get(hand.run, &hand.run->y.view, y);
    for (int i = 0; i < POINTS; i++) {
        const double density = exp(-x[i] * x[i] / 2) / sqrt(2 * pi) * step;
        sum += y[i] * density;
        squares += y[i] * y[i] * density;
    }
    stop(&hand);
    assert_true(y[POINTS / 2 + 100] == 1.0507009873554804934);
    assert_true(fabs(y[POINTS / 2 - 100] - 1.0507009873554804934 * 1.6732632423543772848 * expm1(-1.0)) < 1e-15);
    assert_true(fabs(sum) < 1e-5 && fabs(squares - 1) < 1e-5);
}

/* Squares, roots and reciprocals are these, and at 0 derivatives are infinite, not NaN. */
FV_TEST(textbook, powers)
{
    static const char *const problems[] = { "power n1c4a200", "power n1c4a50", "power n1c4a-100", "power n1c4a30" };
    static const double x[4] = { 0, 0.3, 7, 1e4 };
    for (int p = 0; p < 4; p++) {
        hand_case hand;
        start(&hand, problems[p], FV_F32);
        layer_view_set(hand.run, &hand.run->x[0].view, x);
        run(&hand);
        for (int i = 0; i < 4 && p < 3; i++) {
            const float v = (float)x[i], wanted = p == 0 ? v * v : p == 1 ? sqrtf(v) : 1 / v;
            assert_true(hand.y[i] == (double)wanted);
        }
        assert_true(p == 0 ? hand.dx[0][0] == 0 : isinf(hand.dx[0][0]));
        stop(&hand);
    }
}

/* Examples of ONNX's Resize, operator set 19, and the places of pytorch_half_pixel. */
FV_TEST(textbook, resize)
{
    static const double six_tenths[2] = { 0.6, 0.6 }, x[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    static const double linear[2] = { 8.0 / 3, 13.0 / 3 }, corner[1] = { 1 }, middle[1] = { 4.5 };
    static const fv_resize_coordinates coordinates[2] = { FV_RESIZE_PYTORCH_HALF_PIXEL, FV_RESIZE_HALF_PIXEL };
    hand_case hand = { .problem = layer_case_parse("resize n1c1h2w4r1s1e1") };
    const fv_context_options one = { .threads = 1 };
    assert_int_equal(fv_context_create(&hand.context, &one), FV_OK);
    for (int i = 0; i < 3; i++) {
        fv_resize_options *options = &hand.problem.options.resize;
        if (i < 2)
            options->coordinates = coordinates[i];
        else
            *options = (fv_resize_options){ .factor = { six_tenths, 2 }, .bilinear = true };
        hand.run = layer_run_create(&hand.problem, hand.context, (layer_run_options){ .dtype = FV_F64 });
        layer_view_set(hand.run, &hand.run->x[0].view, x);
        run(&hand);
        const double *wanted = i == 0 ? corner : i == 1 ? middle : linear;
        for (int k = 0; k < (i == 2 ? 2 : 1); k++)
            assert_true(fabs(hand.y[k] - wanted[k]) < 1e-14);
        layer_run_destroy(hand.run);
    }
    fv_context_destroy(hand.context);
}

FV_TESTS(textbook, selu, powers, resize, relu, average_pooling_spreads_the_gradient_equally,
         average_pooling_with_and_without_padded_cells, max_pooling_sends_the_gradient_to_the_first_maximum,
         a_shared_weight_gets_the_sum_over_its_edges, a_sum_gives_every_branch_the_whole_gradient,
         a_concatenation_cuts_the_gradient_where_it_joined, flattening_keeps_the_order_of_axes,
         maxout_takes_the_first_of_equals, prelu_sums_the_gradients_of_its_slopes)
