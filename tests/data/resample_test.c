/* SPDX-License-Identifier: Apache-2.0
 *
 * resample_test.c - resized images beside Pillow 13's, byte for byte, and what must hold of any.
 */
#include <stdlib.h>
#include <string.h>

#include "data/image/resample.h"
#include "support/test.h"

enum { H = 5, W = 7, C = 3 };

/* [y][x][c], or planes of it. */
static void make_image(uint8_t *pixels, bool planes)
{
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const int value[C] = { x * 37 + y * 11, x * x * 9 + y * 50, 200 - x * 20 + y * 3 + 256 };
            for (int c = 0; c < C; c++)
                pixels[planes ? (c * H + y) * W + x : (y * W + x) * C + c] = (uint8_t)(value[c] % 256);
        }
}

/* Image.resize((w, h), Image.BILINEAR) of Pillow 13.0 on the image above. */
static const uint8_t of_3x2[] = {
    43, 62, 186, 122, 126, 143, 201, 124, 100, 65, 162, 192, 144, 147, 149, 194, 123, 106
};
static const uint8_t of_4x4[] = { 22,  19,  191, 80,  56,  159, 148, 143, 123, 206, 124, 91,  35,  77,  194, 93,
                                  114, 162, 161, 162, 126, 219, 100, 94,  47,  135, 198, 105, 172, 166, 173, 143,
                                  130, 231, 151, 98,  60,  194, 201, 118, 177, 169, 186, 92,  133, 144, 104, 101 };
static const uint8_t of_7x3[] = { 5,   21,  201, 42,  30,  181, 79,  57,  161, 116, 102, 141, 153, 165, 121, 190,
                                  137, 101, 227, 89,  81,  22,  100, 206, 59,  109, 186, 96,  136, 166, 133, 181,
                                  146, 170, 187, 126, 207, 69,  106, 244, 168, 86,  39,  179, 211, 76,  188, 191,
                                  113, 215, 171, 150, 113, 151, 187, 67,  131, 224, 148, 111, 115, 100, 91 };
/* The second row of the image made 12 wide and 9 high. */
static const uint8_t row_of_12x9[] = { 4,   17,  201, 18,  20,  194, 39,  26,  182, 61,  41,  170,
                                       83,  59,  159, 104, 85,  147, 126, 116, 135, 147, 153, 124,
                                       169, 159, 112, 191, 153, 100, 212, 112, 89,  226, 85,  81 };

FV_TEST(resample, gives_the_bytes_of_pillow)
{
    uint8_t pixels[H * W * C];
    fvi_resampler resampler = { .middle = NULL };
    fv_context *context = NULL;
    const struct {
        int32_t w, h;
        const uint8_t *expected;
        size_t at, bytes;
    } cases[] = { { 3, 2, of_3x2, 0, sizeof of_3x2 },
                  { 4, 4, of_4x4, 0, sizeof of_4x4 },
                  { 7, 3, of_7x3, 0, sizeof of_7x3 },
                  { 12, 9, row_of_12x9, sizeof row_of_12x9, sizeof row_of_12x9 },
                  { 1, 1, (const uint8_t[]){ 129, 127, 146 }, 0, 3 } };
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    for (int planes = 0; planes < 2; planes++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            make_image(pixels, planes == 1);
            assert_int_equal(fvi_resample(context, &resampler, pixels, planes == 1 ? FV_NCHW : FV_NHWC,
                                          (fv_image_shape){ C, H, W }, cases[i].h, cases[i].w),
                             FV_OK);
            assert_memory_equal(resampler.result + cases[i].at, cases[i].expected, cases[i].bytes);
        }
    fvi_resampler_release(context, &resampler);
    fv_context_destroy(context);
}

/* Weights of every output add up to 1 within their rounding: one colour stays what it is. */
FV_TEST(resample, one_colour_stays)
{
    uint8_t pixels[40 * 40];
    fvi_resampler resampler = { .middle = NULL };
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    for (int value = 0; value < 256; value += 51) {
        memset(pixels, value, sizeof pixels);
        for (int32_t side = 1; side < 90; side += 7) {
            const fv_image_shape shape = { 1, 1 + side % 40, 40 - side % 13 };
            assert_int_equal(fvi_resample(context, &resampler, pixels, FV_NCHW, shape, side, 90 - side), FV_OK);
            for (int32_t p = 0; p < side * (90 - side); p++)
                assert_int_equal(resampler.result[p], value);
        }
    }
    fvi_resampler_release(context, &resampler);
    fv_context_destroy(context);
}

FV_TEST(resample, sides_keep_their_proportion)
{
    int32_t h = 0, w = 0;
    fvi_resize_sides((fv_image_shape){ 3, 375, 500 }, 256, &h, &w);
    assert_true(h == 256 && w == 341);
    fvi_resize_sides((fv_image_shape){ 3, 500, 375 }, 256, &h, &w);
    assert_true(h == 341 && w == 256);
    fvi_resize_sides((fv_image_shape){ 3, 9, 9 }, 4, &h, &w);
    assert_true(h == 4 && w == 4);
    fvi_resize_sides((fv_image_shape){ 3, 1, 65535 }, 65535, &h, &w);
    assert_true(h == 65535 && w == INT32_MAX); /* refused by who asks for it */
}

FV_TESTS(resample, gives_the_bytes_of_pillow, one_colour_stays, sides_keep_their_proportion)
