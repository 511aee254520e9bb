/* SPDX-License-Identifier: Apache-2.0
 *
 * conv2d_test.c - shapes, problem strings, textbook values and the mathematics of convolution: what must hold for every
 * algorithm. That the fast ones agree with the float64 reference is in conv2d_algorithms_test.c.
 */
#include "kernel/conv/conv2d.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/conv2d_case.h"
#include "support/test.h"

static fv_context *two_threads(void)
{
    fv_context *context = NULL;
    const fv_context_options options = { .threads = test_threads(2) };
    assert_int_equal(fv_context_create(&context, &options), FV_OK);
    return context;
}

static fvi_conv2d_shape parsed(const char *problem)
{
    fvi_conv2d_shape shape;
    const char *wrong = fvi_conv2d_parse(problem, &shape);
    if (wrong != NULL)
        fail_msg("%s: %s", problem, wrong);
    return shape;
}

FV_TEST(conv2d, output_sizes_of_the_textbook)
{
    fvi_conv2d_shape shape = parsed("c3h32k6r5");
    assert_int_equal(shape.oh, 28);
    assert_int_equal(shape.ow, 28);
    assert_int_equal(shape.k, 6);
    /* 224 rows, 11 taps, stride 4: 55 outputs need (55 - 1)*4 + 11 = 227 rows, so 3 rows of zeros. */
    shape = parsed("c3h224k96r11u4pt1pl1pb2pr2");
    assert_int_equal(shape.oh, 55);
    assert_int_equal(shape.ow, 55);
    assert_int_equal(shape.k, 96);
    shape = parsed("c3h7w9k4r3s2u2v3p1d2");
    assert_int_equal(shape.oh, 3); /* (7 + 2 - 2*2 - 1)/2 + 1 */
    assert_int_equal(shape.ow, 3); /* (9 + 2 - 2*1 - 1)/3 + 1 */
}

FV_TEST(conv2d, problem_strings_survive_a_round_trip)
{
    static const char *const texts[] = { "n1c1h1w1k1r1s1", "n16c64h56w56k64r3s3p1",
                                         "n2c6h9w9k4r3s5u2v3pt1pl0pb2pr1d2g2", "n4c8h8w8k8r3s3v2p1g8" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const fvi_conv2d_shape shape = parsed(texts[i]);
        char text[128];
        const size_t length = fvi_conv2d_format(&shape, text, sizeof text);
        assert_int_equal(length, strlen(text));
        const fvi_conv2d_shape again = parsed(text);
        assert_memory_equal(&shape, &again, sizeof shape);
    }
    const fvi_conv2d_shape shape = parsed(texts[1]);
    char small[8];
    assert_int_equal(fvi_conv2d_format(&shape, small, sizeof small), strlen(texts[1]));
    assert_string_equal(small, "n16c64h");
    assert_int_equal(fvi_conv2d_format(&shape, NULL, 0), strlen(texts[1]));
}

FV_TEST(conv2d, wrong_shapes_are_refused_with_a_reason)
{
    static const struct {
        const char *problem, *part;
    } wrong[] = {
        { "c3h8k4", "must be given" },
        { "c3h8k4r3x2", "letters" },
        { "c3h8kr3", "number" },
        { "c3h99999999999k4r3", "number" },
        { "n0c3h8k4r3", "below 1" },
        { "c3h8k4r3u0", "below 1" },
        { "c3h2k4r3", "larger than the padded input" },
        { "c3h8k4r5d2", "larger than the padded input" },
        { "c3h8k4r3g2", "input channels" },
        { "c4h8k3r3g2", "output channels" },
        { "c3h100000k4r3", "2^31" },
        { "c3h8k4r3p2147483647", "2^31" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        fvi_conv2d_shape shape;
        const char *reason = fvi_conv2d_parse(wrong[i].problem, &shape);
        if (reason == NULL || strstr(reason, wrong[i].part) == NULL)
            fail_msg("%s: got '%s', not '... %s ...'", wrong[i].problem, reason != NULL ? reason : "accepted",
                     wrong[i].part);
    }
}

/* Replaces a case's data and runs the context's own algorithms. */
static conv2d_result run_with(conv2d_case *conv, const double *x, const double *w)
{
    memcpy(conv->x, x, conv->x_count * sizeof *x);
    memcpy(conv->w, w, conv->w_count * sizeof *w);
    memset(conv->b, 0, (size_t)conv->shape.k * sizeof *conv->b);
    fvi_conv2d_plan plan;
    fvi_conv2d_choose(&plan, &conv->shape, FV_F32, fvi_context_isa(conv->context), 2, false, NULL);
    return conv2d_case_run(conv, &plan, conv->context, 0);
}

FV_TEST(conv2d, binary_image_of_the_textbook)
{
    static const double image[25] = { 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 1 };
    static const double filter[9] = { 1, 0, 0, 0, 1, 1, 0, 1, 0 };
    static const double correlation[9] = { 2, 2, 4, 3, 4, 1, 3, 2, 1 };
    static const double convolution[9] = { 3, 3, 2, 2, 1, 3, 2, 3, 3 };
    double turned[9];
    for (int i = 0; i < 9; i++)
        turned[i] = filter[8 - i];
    fv_context *context = two_threads();
    conv2d_case conv = conv2d_case_make(context, "c1h5k1r3", 0);
    conv2d_result result = run_with(&conv, image, filter);
    assert_memory_equal(result.y, correlation, sizeof correlation);
    conv2d_result_free(&result);
    result = run_with(&conv, image, turned);
    assert_memory_equal(result.y, convolution, sizeof convolution);
    conv2d_result_free(&result);
    conv2d_case_free(&conv);
    fv_context_destroy(context);
}

FV_TEST(conv2d, moving_the_image_moves_the_output)
{
    fv_context *context = two_threads();
    conv2d_case conv = conv2d_case_make(context, "c3h12k5r3", 0);
    double *moved = calloc(conv.x_count, sizeof *moved), *w = malloc(conv.w_count * sizeof *w);
    double *image = malloc(conv.x_count * sizeof *image);
    assert_true(moved != NULL && w != NULL && image != NULL);
    memcpy(w, conv.w, conv.w_count * sizeof *w);
    memcpy(image, conv.x, conv.x_count * sizeof *image);
    for (size_t h = 2; h < 12; h++) /* two rows down, one column right */
        for (size_t column = 1; column < 12; column++)
            memcpy(&moved[(h * 12 + column) * 3], &conv.x[((h - 2) * 12 + column - 1) * 3], 3 * sizeof *moved);
    conv2d_result here = run_with(&conv, image, w), there = run_with(&conv, moved, w);
    for (size_t i = 2; i < 10; i++)
        for (size_t j = 1; j < 10; j++)
            assert_memory_equal(&there.y[(i * 10 + j) * 5], &here.y[((i - 2) * 10 + j - 1) * 5], 5 * sizeof(double));
    conv2d_result_free(&here);
    conv2d_result_free(&there);
    free(moved);
    free(w);
    free(image);
    conv2d_case_free(&conv);
    fv_context_destroy(context);
}

/* sum of y*dy, with y the reference's forward in float64 on the case's present data. */
static double loss(const conv2d_case *conv)
{
    const fvi_conv2d_shape *shape = &conv->shape;
    fvi_conv2d_plan plan;
    fvi_conv2d_choose(&plan, shape, FV_F64, FVI_ISA_BASELINE, 1, true, NULL);
    double *y = calloc(conv->y_count, sizeof *y);
    assert_non_null(y);
    const fvi_view x_view = fvi_view_dense(conv->x, conv->n, shape->h, shape->w, shape->c);
    const fvi_view y_view = fvi_view_dense(y, conv->n, shape->oh, shape->ow, shape->k);
    fvi_conv2d_forward(&plan, conv->context, &x_view, conv->w, conv->b, NULL, &y_view, NULL);
    double sum = 0;
    for (size_t i = 0; i < conv->y_count; i++)
        sum += y[i] * conv->dy[i];
    free(y);
    return sum;
}

/* The loss is linear in each of x, w and b, so a central difference has no error but rounding: with steps of 1/4 and
 * sums of at most a few thousand terms below 2, that is under 1e-11. */
static void check_gradient(conv2d_case *conv, double *values, const double *gradient, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        const double value = values[i], step = 0.25;
        values[i] = value + step;
        const double above = loss(conv);
        values[i] = value - step;
        const double below = loss(conv);
        values[i] = value;
        const double difference = (above - below) / (2 * step);
        if (!(fabs(difference - gradient[i]) <= 1e-11))
            fail_msg("%s[%zu]: the gradient is %.17g, the central difference %.17g", what, i, gradient[i], difference);
    }
}

FV_TEST(conv2d, reference_gradients_match_central_differences)
{
    static const char *const problems[] = {
        "c1h1k1r1", "n2c3h5w4k2r3p1", "c2h7k3r3u2p1", "c4h6k6r3d2p2g2", "c2h5w6k2r3s2u2v3pt0pl1pb2pr0", "c3h6k3r2u3g3"
    };
    fv_context *context = two_threads();
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
        conv2d_case conv = conv2d_case_make(context, problems[i], 0);
        conv2d_case_answer(&conv);
        check_gradient(&conv, conv.x, conv.dx, conv.x_count, "x");
        check_gradient(&conv, conv.w, conv.dw, conv.w_count, "w");
        check_gradient(&conv, conv.b, conv.db, (size_t)conv.shape.k, "b");
        conv2d_case_free(&conv);
    }
    fv_context_destroy(context);
}

FV_TEST(conv2d, the_choice_can_be_forced_and_explained)
{
    const fvi_conv2d_shape shape = parsed("n2c16h8k16r3p1");
    fvi_conv2d_plan plan;
    char text[512];
    fvi_conv2d_choose(&plan, &shape, FV_F32, FVI_ISA_BASELINE, 1, true, NULL);
    for (int pass = 0; pass < FVI_PASSES; pass++) {
        assert_string_equal(plan.pass[pass].algorithm, "reference");
        assert_true(fvi_conv2d_explain(&plan, (fvi_pass)pass, text, sizeof text) > 0);
        assert_non_null(strstr(text, "direct_"));
    }
    fvi_conv2d_choose(&plan, &shape, FV_F64, FVI_ISA_BASELINE, 1, false, NULL);
    assert_string_equal(plan.pass[FVI_FORWARD].algorithm, "reference");
    assert_int_equal(fvi_conv2d_explain(&plan, FVI_FORWARD, text, sizeof text), 0);
    assert_string_equal(text, "");
    fvi_conv2d_choose(&plan, &shape, FV_F32, FVI_ISA_BASELINE, 1, false, "reference");
    assert_string_equal(plan.pass[FVI_BACKWARD_WEIGHTS].algorithm, "reference");
}

/* Where a kernel is the image, each weight is used once an image: transforms cannot save a product. */
FV_TEST(conv2d, a_dense_layer_is_not_transformed)
{
    const char *dense[] = { "n32c16h5k120r5", "n32c64h3k64r3", "n1c16h5k120r5" };
    for (size_t i = 0; i < sizeof dense / sizeof *dense; i++) {
        const fvi_conv2d_shape shape = parsed(dense[i]);
        fvi_conv2d_plan plan;
        fvi_conv2d_choose(&plan, &shape, FV_F32, FVI_ISA_BASELINE, 1, false, NULL);
        for (int pass = 0; pass < FVI_PASSES; pass++)
            assert_null(strstr(plan.pass[pass].algorithm, "winograd"));
    }
}

FV_TESTS(conv2d, output_sizes_of_the_textbook, problem_strings_survive_a_round_trip,
         wrong_shapes_are_refused_with_a_reason, binary_image_of_the_textbook, moving_the_image_moves_the_output,
         reference_gradients_match_central_differences, the_choice_can_be_forced_and_explained,
         a_dense_layer_is_not_transformed)
