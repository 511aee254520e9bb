/* SPDX-License-Identifier: Apache-2.0
 *
 * image_test.c - PNG both ways, PGM and PPM, and damaged files of each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fovea/image.h"
#include "support/files.h"
#include "support/test.h"

static fv_context *context;
static char folder[TEST_PATH], path[TEST_PATH];

static int make_folder(void **state)
{
    (void)state;
    test_folder_make(folder);
    test_path(path, folder, "image");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

static fv_status read_bytes(const void *bytes, size_t size, uint8_t **pixels, fv_image_shape *shape)
{
    test_file_write(folder, "image", bytes, size);
    return fv_image_read(context, path, pixels, shape);
}

static void expect_pixels(const char *text, size_t size, fv_image_shape expected, const uint8_t *values)
{
    uint8_t *pixels = NULL;
    fv_image_shape shape;
    if (read_bytes(text, size, &pixels, &shape) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    assert_memory_equal(&shape, &expected, sizeof shape);
    assert_memory_equal(pixels, values, (size_t)expected.c * (size_t)expected.h * (size_t)expected.w);
    fv_image_release(context, pixels);
}

static void expect_failure(const void *bytes, size_t size, fv_status expected, const char *words)
{
    uint8_t *pixels = NULL;
    fv_image_shape shape;
    const fv_status status = read_bytes(bytes, size, &pixels, &shape);
    assert_null(pixels);
    if (status != expected || strstr(fv_context_message(context), words) == NULL)
        fail_msg("status %s, message '%s'; expected '%s'", fv_status_name(status), fv_context_message(context), words);
}

#define GOOD(text, expected, ...) expect_pixels(text, sizeof text - 1, expected, (const uint8_t[]){ __VA_ARGS__ })
#define BAD(text, words) expect_failure(text, sizeof text - 1, FV_ERR_FORMAT, words)

static void pgm_and_ppm(void **state)
{
    (void)state;
    GOOD("P5 2 1 255\n\x07\xFF", ((fv_image_shape){ 1, 1, 2 }), 7, 255);
    GOOD("P2\n# a comment\n2 1\n3\n1 3\n", ((fv_image_shape){ 1, 1, 2 }), 85, 255);
    GOOD("P6 1 2 255\nabcdef", ((fv_image_shape){ 3, 2, 1 }), 'a', 'd', 'b', 'e', 'c', 'f');
    GOOD("P3 1 1 15 0 15 1", ((fv_image_shape){ 3, 1, 1 }), 0, 255, 17);
    GOOD("P5 1 1 65535\n\x80\x80", ((fv_image_shape){ 1, 1, 1 }), 128);
}

static void bad_pgm_and_ppm(void **state)
{
    (void)state;
    BAD("", "is empty");
    BAD("GIF89a", "neither PNG");
    BAD("P5", "the file ends where the width should be");
    BAD("P5 0 1 255\n", "the width is 0 at offset 3");
    BAD("P5 1 99999999999 255\n", "the height is");
    BAD("P5 16384 16384 255\n", "more than");
    BAD("P5 16000 4000 255\nx", "truncated: 16000x4000 pixels need 64000000 bytes");
    BAD("P5 2 1 255\n\x07", "truncated");
    BAD("P5 1 1 255\n\x07\x07", "oversized");
    BAD("P5 1 1 0\n\x07", "the largest value is 0");
    BAD("P5 1 1 7\n\x08", "a pixel is 8 at offset 9, expected 0 to 7");
    BAD("P2 2 1 7\n1 x", "no number where a pixel should be");
    BAD("P2 1 1 7\n1 1", "oversized");
    BAD("P5 1 1 255", "no white space behind the header");
}

#ifdef FVI_HAVE_PNG
static void png_there_and_back(void **state)
{
    (void)state;
    uint8_t image[3 * 5 * 4], *pixels = NULL;
    fv_image_shape shape;
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * 4);
    for (int32_t c = 1; c <= 3; c += 2) {
        const fv_image_shape written = { c, 5, 4 };
        assert_int_equal(fv_image_write_png(context, path, image, written), FV_OK);
        assert_int_equal(fv_image_read(context, path, &pixels, &shape), FV_OK);
        assert_memory_equal(&shape, &written, sizeof shape);
        assert_memory_equal(pixels, image, (size_t)c * 20);
        fv_image_release(context, pixels);
        assert_int_equal(test_file_count(folder), 1); /* no temporary is left */
    }
    assert_int_equal(fv_image_write_png(context, path, image, (fv_image_shape){ 2, 5, 4 }), FV_ERR_SHAPE);
    assert_int_equal(fv_image_write_png(context, "/nowhere/image.png", image, (fv_image_shape){ 1, 5, 4 }), FV_ERR_IO);
    assert_non_null(strstr(fv_context_message(context), "/nowhere/image.png"));
    assert_int_equal(fv_image_write_png(context, folder, image, (fv_image_shape){ 1, 5, 4 }), FV_ERR_IO);
    assert_non_null(strstr(fv_context_message(context), "but a folder"));
}

/* 2x1, grey with alpha: 0 at alpha 0 is white, 100 at alpha 128 is (100*128 + 255*127)/255 = 177.2. */
static void alpha_lies_over_white(void **state)
{
    (void)state;
    static const unsigned char bytes[] = { 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0x00, 0x00, 0x00, 0x0D, 0x49,
                                           0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x04,
                                           0x00, 0x00, 0x00, 0x5E, 0x2B, 0xB7, 0x01, 0x00, 0x00, 0x00, 0x10, 0x49, 0x44,
                                           0x41, 0x54, 0x78, 0x01, 0x01, 0x05, 0x00, 0xFA, 0xFF, 0x00, 0x00, 0x00, 0x64,
                                           0x80, 0x01, 0x4D, 0x00, 0xE5, 0x27, 0xA9, 0xF5, 0x9A, 0x00, 0x00, 0x00, 0x00,
                                           0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82 };
    const uint8_t expected[] = { 255, 177 };
    expect_pixels((const char *)bytes, sizeof bytes, (fv_image_shape){ 1, 1, 2 }, expected);
}

static void damaged_png_gives_a_status(void **state)
{
    (void)state;
    uint8_t image[64];
    size_t size = 0;
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)(i * i);
    assert_int_equal(fv_image_write_png(context, path, image, (fv_image_shape){ 1, 8, 8 }), FV_OK);
    unsigned char *bytes = test_file_read(folder, "image", &size);
    for (size_t cut = 0; cut < size; cut++)
        expect_failure(bytes, cut, FV_ERR_FORMAT, "image '");
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            uint8_t *pixels = NULL;
            fv_image_shape shape;
            bytes[i] ^= (unsigned char)(1 << bit);
            const fv_status status = read_bytes(bytes, size, &pixels, &shape);
            assert_true(status == FV_OK || (status == FV_ERR_FORMAT && pixels == NULL));
            fv_image_release(context, pixels);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    free(bytes);
}
#endif

static void a_missing_file_is_named(void **state)
{
    (void)state;
    uint8_t *pixels = NULL;
    fv_image_shape shape;
    assert_int_equal(fv_image_read(context, path, &pixels, &shape), FV_ERR_NOT_FOUND);
    assert_non_null(strstr(fv_context_message(context), path));
    assert_int_equal(fv_image_read(context, folder, &pixels, &shape), FV_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pgm_and_ppm, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(bad_pgm_and_ppm, make_folder, remove_folder),
#ifdef FVI_HAVE_PNG
        cmocka_unit_test_setup_teardown(png_there_and_back, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(alpha_lies_over_white, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(damaged_png_gives_a_status, make_folder, remove_folder),
#endif
        cmocka_unit_test_setup_teardown(a_missing_file_is_named, make_folder, remove_folder),
    };
    if (fv_context_create(&context, &(fv_context_options){ .threads = 1 }) != FV_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fv_context_destroy(context);
    return failed;
}
