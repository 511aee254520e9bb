/* SPDX-License-Identifier: Apache-2.0
 *
 * corrupt_test.c - what every corruption must do, and what single ones do to images whose answer is known.
 */
#include "fovea/corrupt.h"

#include <math.h>
#include <string.h>

#include "data/corrupt/corrupt.h"
#include "support/test.h"

enum { MOST = 3 * 70 * 66 };

static fv_context *context;

static int start(void **state)
{
    (void)state;
    return fv_context_create(&context, &(fv_context_options){ .threads = 1 }) == FV_OK ? 0 : 1;
}

static int stop(void **state)
{
    (void)state;
    fv_context_destroy(context);
    return 0;
}

/* Smooth waves, so that blurs and shifts change something, and all values lie in 0.1 to 0.9. */
static void waves(fv_image_shape shape, float *image)
{
    for (int32_t y = 0; y < shape.h; y++)
        for (int32_t x = 0; x < shape.w; x++)
            for (int32_t c = 0; c < shape.c; c++)
                *image++ = (float)(0.5 + 0.4 * sin(0.35 * x + c) * cos(0.25 * y));
}

static int32_t kind_of(const char *name)
{
    int32_t kind = 0;
    while (fv_corruption_name(kind) != NULL && strcmp(fv_corruption_name(kind), name) != 0)
        kind++;
    assert_non_null(fv_corruption_name(kind));
    return kind;
}

static void corrupt(int32_t kind, int32_t severity, uint64_t sample, const float *image, fv_image_shape shape,
                    float *out)
{
    const fv_augment_key key = { .seed = 3, .sample = sample };
    if (fv_corruption_apply(context, kind, severity, &key, image, shape, out) != FV_OK)
        fail_msg("%s: %s", fv_corruption_name(kind), fv_context_message(context));
}

static double mean_square_difference(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum / (double)count;
}

/* Fifteen; the same bits again, values of 0 to 1, a changed image, stronger at 5 than at 1; on odd sizes, small and large, grey and RGB, one pixel. */
FV_TEST(corrupt, every_kind_keeps_its_promises)
{
    static float image[MOST], out[MOST], again[MOST];
    const fv_image_shape shapes[] = { { 1, 1, 1 },   { 3, 1, 2 },   { 1, 28, 28 },
                                      { 3, 31, 33 }, { 3, 66, 70 }, { 1, 70, 66 } };
    int32_t kind = 0;
    for (; fv_corruption_name(kind) != NULL; kind++)
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
            const size_t count = (size_t)shapes[s].c * (size_t)shapes[s].h * (size_t)shapes[s].w;
            double difference[6] = { 0 };
            assert_non_null(fv_corruption_text(kind));
            waves(shapes[s], image);
            for (int32_t severity = 1; severity <= 5; severity++) {
                corrupt(kind, severity, 5, image, shapes[s], out);
                corrupt(kind, severity, 5, image, shapes[s], again);
                assert_memory_equal(out, again, count * sizeof *out);
                for (size_t i = 0; i < count; i++) /* sums of weights of 1 may round up */
                    assert_true(out[i] >= 0.0f && out[i] <= 1.0f + 8 * 0x1p-23f);
                difference[severity] = mean_square_difference(out, image, count);
            }
            if (count > 100 && !(difference[1] > 0 && difference[5] > difference[1]))
                fail_msg("%s: differences %g ... %g", fv_corruption_name(kind), difference[1], difference[5]);
        }
    assert_int_equal(kind, 15);
    assert_null(fv_corruption_name(-1));
}

FV_TEST(corrupt, noise_is_as_strong_as_the_table_says)
{
    enum { SIDE = 64, COUNT = SIDE * SIDE };
    static float image[COUNT], out[COUNT];
    const fv_image_shape large = { 1, SIDE, SIDE };
    int changed = 0;
    for (int i = 0; i < COUNT; i++)
        image[i] = 0.5f;
    corrupt(kind_of("gaussian_noise"), 1, 0, image, large, out);
    /* four deviations of the mean of COUNT squares; nothing is cut six deviations away */
    assert_true(fabs(mean_square_difference(out, image, COUNT) / (0.08 * 0.08) - 1) < 4 * sqrt(2.0 / COUNT));
    corrupt(kind_of("shot_noise"), 1, 0, image, large,
            out); /* Poisson(30)/60: variance 30/3600; its fourth moment is 3 + 1/30 */
    assert_true(fabs(mean_square_difference(out, image, COUNT) / (30.0 / 3600) - 1) < 4 * sqrt(2.1 / COUNT));
    corrupt(kind_of("impulse_noise"), 5, 0, image, large, out);
    for (int i = 0; i < COUNT; i++)
        changed += out[i] != 0.5f;
    assert_true(fabs(changed / (double)COUNT - 0.27) < 4 * sqrt(0.27 * 0.73 / COUNT));
}

/* Blurs keep a flat image and spread a point without loss; contrast keeps the mean; few pixels make blocks. */
FV_TEST(corrupt, known_images)
{
    enum { SIDE = 65, COUNT = SIDE * SIDE };
    static float image[COUNT], out[COUNT];
    static const char *const blurs[] = { "defocus_blur", "glass_blur", "motion_blur",
                                         "zoom_blur",    "pixelate",   "contrast" };
    const fv_image_shape shape = { 1, SIDE, SIDE };
    for (int i = 0; i < COUNT; i++)
        image[i] = 0.75f;
    for (size_t b = 0; b < sizeof blurs / sizeof blurs[0]; b++) {
        corrupt(kind_of(blurs[b]), 3, 0, image, shape, out);
        for (int i = 0; i < COUNT; i++)
            assert_true(fabsf(out[i] - 0.75f) < 1e-5f); /* up to 100 weights, each rounded */
    }
    memset(image, 0, sizeof image);
    image[SIDE / 2 * SIDE + SIDE / 2] = 1;
    double sum = 0;
    corrupt(kind_of("defocus_blur"), 5, 0, image, shape, out);
    for (int i = 0; i < COUNT; i++)
        sum += (double)out[i];
    assert_true(fabs(sum - 1) < 1e-5);
    assert_true(out[SIDE / 2 * SIDE + SIDE / 2] < 0.1f && out[SIDE / 2 * SIDE + SIDE / 2 + 2] > 0);
    image[0] = 1;
    corrupt(kind_of("contrast"), 1, 0, image, shape, out); /* mean 2/COUNT, 0.4 of the distance */
    assert_true(fabs((double)out[0] - (2.0 / COUNT + 0.4 * (1 - 2.0 / COUNT))) < 1e-6);
    corrupt(kind_of("brightness"), 2, 0, image, shape, out);
    assert_true(fabsf(out[1] - 0.2f) < 1e-6f && out[0] == 1.0f);
}

/* A grey JPEG of quality 40: each block's mean moves by at most half a step of the first frequency, 16 * 1.25 / 8 / 2 of 255. */
FV_TEST(corrupt, jpeg_keeps_means_of_blocks)
{
    enum { SIDE = 16 };
    float image[SIDE * SIDE], out[SIDE * SIDE];
    waves((fv_image_shape){ 1, SIDE, SIDE }, image);
    corrupt(kind_of("jpeg"), 5, 0, image, (fv_image_shape){ 1, SIDE, SIDE }, out);
    for (int block = 0; block < 4; block++) {
        double before = 0, after = 0;
        for (int i = 0; i < 64; i++) {
            const int at = (block / 2 * 8 + i / 8) * SIDE + block % 2 * 8 + i % 8;
            before += (double)image[at] / 64;
            after += (double)out[at] / 64;
        }
        assert_true(fabs(before - after) <= 20.0 / 16 / 255 + 1e-6);
    }
    assert_memory_not_equal(image, out, sizeof out);
}

FV_TEST(corrupt, bad_requests_are_refused)
{
    float pixel[2] = { 0 }, out[2];
    const fv_augment_key key = { .seed = 1 };
    const fv_image_shape one = { 1, 1, 1 };
    assert_int_equal(fv_corruption_apply(context, 15, 1, &key, pixel, one, out), FV_ERR_ARGUMENT);
    assert_int_equal(fv_corruption_apply(context, 0, 6, &key, pixel, one, out), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "severity is 6, must be 1 to 5"));
    assert_int_equal(fv_corruption_apply(context, 0, 1, &key, pixel, (fv_image_shape){ 2, 1, 1 }, out), FV_ERR_SHAPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corrupt_every_kind_keeps_its_promises),
        cmocka_unit_test(corrupt_noise_is_as_strong_as_the_table_says),
        cmocka_unit_test(corrupt_known_images),
        cmocka_unit_test(corrupt_jpeg_keeps_means_of_blocks),
        cmocka_unit_test(corrupt_bad_requests_are_refused),
    };
    return cmocka_run_group_tests_name("corrupt", tests, start, stop);
}
