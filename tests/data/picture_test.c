/* SPDX-License-Identifier: Apache-2.0
 *
 * picture_test.c - bytes to a picture, and a picture to the network's input.
 */
#include <math.h>

#include "data/image/picture.h"
#include "support/test.h"

static fv_context *make_context(void)
{
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    return context;
}

FV_TEST(picture, bytes_of_either_order_become_fractions)
{
    fv_context *context = make_context();
    fvi_picture picture = { .pixels = NULL };
    const uint8_t planes[] = { 0, 51, 255, 102, 1, 2 }, interleaved[] = { 0, 255, 1, 51, 102, 2 };
    const fv_image_shape shape = { 3, 1, 2 };
    const float expected[] = { 0, 1, (float)(1 / 255.0), 0.2f, 0.4f, (float)(2 / 255.0) };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fvi_picture_from_bytes(context, &picture, i == 0 ? planes : interleaved,
                                                i == 0 ? FV_NCHW : FV_NHWC, shape, 3),
                         FV_OK);
        assert_true(picture.h == 1 && picture.w == 2 && picture.c == 3);
        assert_memory_equal(picture.pixels, expected, sizeof expected);
    }
    assert_int_equal(fvi_picture_from_bytes(context, &picture, planes, FV_NCHW, shape, 1), FV_OK);
    assert_true(picture.c == 1 && picture.pixels[0] == (float)(150 / 255.0)); /* 0.587*255 + 0.114*1 = 149.8 */
    assert_int_equal(fvi_picture_from_bytes(context, &picture, planes, FV_NCHW, (fv_image_shape){ 1, 1, 2 }, 3), FV_OK);
    assert_true(picture.pixels[3] == 0.2f && picture.pixels[5] == 0.2f);
    fvi_picture_release(context, &picture);
    fv_context_destroy(context);
}

FV_TEST(picture, the_input_is_cropped_padded_and_normalised)
{
    fv_context *context = make_context();
    fvi_picture picture = { .pixels = NULL };
    const uint8_t row[] = { 51, 102, 153 };
    const fv_preprocess preprocess = { .input = { 1, 2, 2 }, .mean = { 0.2 }, .deviation = { 0.5 } };
    float out[4];
    assert_int_equal(fvi_picture_from_bytes(context, &picture, row, FV_NCHW, (fv_image_shape){ 1, 1, 3 }, 1), FV_OK);
    fvi_picture_place(&picture, &preprocess, (fvi_placement){ .row = -1, .column = 1, .mirrored = true }, out);
    const double expected[] = { -0.4, -0.4, 0.8, 0.4 }; /* a row of zeros above, then columns 2 and 1 */
    for (int i = 0; i < 4; i++)
        assert_true(fabs((double)out[i] - expected[i]) < 4 * 1.2e-7); /* four roundings of values below 1 */
    fvi_picture_release(context, &picture);
    fv_context_destroy(context);
}

FV_TESTS(picture, bytes_of_either_order_become_fractions, the_input_is_cropped_padded_and_normalised)
