/* SPDX-License-Identifier: Apache-2.0
 *
 * augment_test.c - lists of transforms: their text and its errors, draws, moves composed, and what every transform must do.
 */
#include "fovea/augment.h"

#include <math.h>
#include <string.h>

#include "data/augment/eigen.h"
#include "data/augment/transform.h"
#include "support/test.h"

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

static fv_augmentation *make(const char *text)
{
    fv_augmentation *made = NULL;
    if (fv_augmentation_create(&made, context, text) != FV_OK)
        fail_msg("%s: %s", text, fv_context_message(context));
    return made;
}

/* Pixel p, channel c is (p * channels + c + 1) / 64: all different, none 0. */
static float *ramp(fv_image_shape shape)
{
    const size_t count = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    float *image = calloc(count, sizeof *image);
    assert_non_null(image);
    for (size_t i = 0; i < count; i++)
        image[i] = (float)(i + 1) / (float)(count + 1);
    return image;
}

/* The image after the list, with this sample's draws. The caller releases it. */
static float *apply_to(const fv_augmentation *list, const float *image, fv_image_shape shape, uint64_t sample,
                       fv_image_shape *out_shape)
{
    float *out = NULL;
    const fv_augment_key key = { .seed = 7, .epoch = 3, .sample = sample };
    if (fv_augmentation_apply(list, &key, image, shape, &out, out_shape) != FV_OK)
        fail_msg("%s: %s", fv_augmentation_text(list), fv_context_message(context));
    return out;
}

FV_TEST(augment, text_has_every_option)
{
    static const char *const texts[][2] = {
        { "", "" },
        { " random_crop ( 4 , fill = reflect ), flip\n",
          "random_crop(padding=4, size=0, fill=reflect) horizontal_flip(p=0.5)" },
        { "crop(size=[24, 32]);shift(p=.25)",
          "random_crop(padding=0, size=[24,32], fill=zero) shift(pixels=2, fill=zero, p=.25)" },
        { "alternating_flip()", "alternating_flip" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fv_augmentation *list = make(texts[i][0]);
        assert_string_equal(fv_augmentation_text(list), texts[i][1]);
        fv_augmentation *again = make(fv_augmentation_text(list));
        assert_string_equal(fv_augmentation_text(again), texts[i][1]);
        assert_int_equal(fv_augmentation_count(again), fv_augmentation_count(list));
        fv_augmentation_destroy(again);
        fv_augmentation_destroy(list);
    }
}

FV_TEST(augment, errors_say_where_and_what)
{
    static const char *const texts[][2] = {
        { "flip randm_crop",
          "augmentation, character 6: there is no transform 'randm_crop'; did you mean 'random_crop'?" },
        { "centre_crop(sise=3)",
          "augmentation, character 13: centre_crop has no option 'sise'; did you mean 'size'? it has size" },
        { "shift(-1)", "augmentation, character 7: shift: pixels is -1, must be a whole number of 0 to 65535" },
        { "shift(2.5)", "augmentation, character 7: shift: pixels is 2.5, must be a whole number of 0 to 65535" },
        { "flip(p=2)", "augmentation, character 8: horizontal_flip: p is 2, must be 0 to 1" },
        { "flip(p=two)", "augmentation, character 8: horizontal_flip: p is 'two', must be a number" },
        { "shift(fill=reflct)", "augmentation, character 12: shift: fill is 'reflct', must be one of zero, reflect, "
                                "edge; did you mean 'reflect'?" },
        { "shift(2, pixels=3)", "augmentation, character 10: shift: pixels is given twice" },
        { "crop(size=[1,2,3])", "augmentation, character 11: random_crop: size takes up to 2 numbers, not 3" },
        { "crop(size=[1,2", "augmentation, character 15: ',' or ']' expected, not the end" },
        { "crop(4", "augmentation, character 7: ',' or ')' expected, not the end" },
        { "crop(4))", "augmentation, character 8: the name of a transform expected, not ')'" },
        { "alternating_flip(3)", "augmentation, character 18: alternating_flip has no options" },
        { "shift(1234567890123456)",
          "augmentation, character 7: shift: pixels is '1234567890123456', must be a number" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fv_augmentation *list = NULL;
        assert_int_equal(fv_augmentation_create(&list, context, texts[i][0]), FV_ERR_ARGUMENT);
        assert_null(list);
        assert_string_equal(fv_context_message(context), texts[i][1]);
    }
}

/* The draws of the three oldest moves are those of fv_augment, whatever else is in the list. */
FV_TEST(augment, old_moves_draw_as_before)
{
    const fv_image_shape source = { 1, 9, 8 }, input = { 1, 6, 5 };
    fv_augmentation *all = make("crop shift(2) flip"), *two = make("shift(3) flip");
    assert_true(fvi_augmentation_only_moves(all) && fvi_augmentation_only_moves(two));
    for (uint32_t sample = 0; sample < 200; sample++) {
        const fv_augment_key key = { .seed = 11, .epoch = 2, .sample = sample, .rows = 6, .columns = 5 };
        const fvi_random random = fvi_random_start(11, FVI_PURPOSE_AUGMENT, (uint64_t)2 << 32 | sample);
        fvi_placement expected = fvi_placement_centred(source, input);
        fvi_augment_random_crop(&expected, source, input, random);
        fvi_augment_shift(&expected, 2, random);
        fvi_augment_flip(&expected, random);
        fvi_placement placed = fvi_augmentation_place(all, &key, source, input);
        assert_memory_equal(&placed, &expected, sizeof placed);
        expected = fvi_placement_centred(source, input);
        fvi_augment_shift(&expected, 3, random);
        fvi_augment_flip(&expected, random);
        placed = fvi_augmentation_place(two, &key, source, input);
        assert_memory_equal(&placed, &expected, sizeof placed);
    }
    fv_augmentation_destroy(all);
    fv_augmentation_destroy(two);
}

/* A placement, and the same list run on floats, read the same pixels; in any order of moves. */
FV_TEST(augment, placements_and_pictures_agree)
{
    static const char *const lists[] = { "crop(2) flip shift(1)", "flip crop(3) flip",
                                         "shift(2) crop(1) alternating_flip", "flip shift(2) centre_crop" };
    const fv_image_shape source = { 2, 7, 8 };
    float *image = ramp(source);
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        fv_augmentation *list = make(lists[l]);
        for (uint32_t sample = 0; sample < 60; sample++) {
            const fv_augment_key key = { .seed = 5, .epoch = sample % 2, .sample = sample, .rows = 5, .columns = 6 };
            const fvi_placement placed = fvi_augmentation_place(list, &key, source, (fv_image_shape){ 2, 5, 6 });
            float *out = NULL;
            fv_image_shape shape;
            assert_int_equal(fv_augmentation_apply(list, &key, image, source, &out, &shape), FV_OK);
            assert_true(shape.h == 5 && shape.w == 6 && shape.c == 2);
            for (int32_t y = 0; y < 5; y++)
                for (int32_t x = 0; x < 6; x++)
                    for (int32_t c = 0; c < 2; c++) {
                        const int32_t row = y + placed.row;
                        const int32_t column = (placed.mirrored ? 5 - x : x) + placed.column;
                        const bool inside = row >= 0 && row < 7 && column >= 0 && column < 8;
                        const float expected = inside ? image[(row * 8 + column) * 2 + c] : 0.0f;
                        assert_true(out[(y * 6 + x) * 2 + c] == expected);
                    }
            fv_augmentation_release(list, out);
        }
        fv_augmentation_destroy(list);
    }
    free(image);
}

FV_TEST(augment, reflection_does_not_repeat_the_edge)
{
    const int32_t expected[] = { 2, 1, 0, 1, 2, 3, 2, 1, 0, 1 }; /* -2 ... 7 of four pixels */
    for (int32_t i = -2; i < 8; i++)
        assert_int_equal(fvi_fill_index(i, 4, FVI_FILL_REFLECT), expected[i + 2]);
    assert_int_equal(fvi_fill_index(-7, 1, FVI_FILL_REFLECT), 0);
    assert_int_equal(fvi_fill_index(9, 4, FVI_FILL_EDGE), 3);
    assert_int_equal(fvi_fill_index(4, 4, FVI_FILL_ZERO), -1);
    const float image[3] = { 0.25f, 0.5f, 0.75f };
    fv_augmentation *list = make("random_crop(padding=1, fill=reflect)");
    bool seen[3] = { false };
    for (uint64_t sample = 0; sample < 64; sample++) {
        fv_image_shape shape;
        float *out = apply_to(list, image, (fv_image_shape){ 1, 1, 3 }, sample, &shape);
        const float first[3][3] = { { 0.5f, 0.25f, 0.5f }, { 0.25f, 0.5f, 0.75f }, { 0.5f, 0.75f, 0.5f } };
        int found = -1;
        for (int i = 0; i < 3; i++)
            found = memcmp(out, first[i], sizeof first[i]) == 0 ? i : found;
        assert_true(found >= 0);
        seen[found] = true;
        fv_augmentation_release(list, out);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    fv_augmentation_destroy(list);
}

/* Each image is mirrored in one of two epochs that follow each other, and half of them in each. */
FV_TEST(augment, alternating_flip_shows_both_sides_in_two_epochs)
{
    const float image[2] = { 0.25f, 0.75f };
    fv_augmentation *list = make("alternating_flip");
    int mirrored = 0;
    for (uint64_t sample = 0; sample < 100; sample++) {
        float first = 0;
        for (uint64_t epoch = 4; epoch < 6; epoch++) {
            float *out = NULL;
            fv_image_shape shape;
            const fv_augment_key key = { .seed = 7, .epoch = epoch, .sample = sample };
            assert_int_equal(fv_augmentation_apply(list, &key, image, (fv_image_shape){ 1, 1, 2 }, &out, &shape),
                             FV_OK);
            mirrored += epoch == 4 && out[0] == 0.75f;
            assert_true(epoch == 4 || out[0] == 1.0f - first);
            first = out[0];
            fv_augmentation_release(list, out);
        }
    }
    assert_true(mirrored >= 30 && mirrored <= 70); /* 50 +- 4 standard deviations of 5 */
    fv_augmentation_destroy(list);
}

FV_TEST(augment, all_names_are_listed)
{
    int32_t count = 0;
    for (; fv_transform_name(count) != NULL; count++) {
        fv_augmentation *list = make(fv_transform_name(count)); /* every option has a legal default */
        fv_transform_option option;
        assert_non_null(fv_transform_formula(count));
        for (int32_t i = 0; fv_transform_option_get(count, i, &option); i++)
            assert_true(option.help != NULL && option.fallback != NULL && i < 8);
        fv_augmentation_destroy(list);
    }
    assert_true(count >= 5);
    assert_null(fv_transform_name(-1));
    assert_null(fv_transform_name(count + 5));
}

/* What must hold for every transform: the shape that is foretold, the same bits for the same key, others for other samples, finite values, and values of
 * 0 to 1 where it says so; on odd sizes, one pixel, grey and RGB, and with no memory left behind. */
FV_TEST(augment, every_transform_keeps_its_promises)
{
    const fv_image_shape shapes[] = {
        { 1, 1, 1 }, { 3, 1, 1 }, { 1, 7, 5 }, { 3, 5, 9 }, { 1, 28, 28 }, { 3, 32, 31 }
    };
    for (int32_t t = 0; fvi_transforms[t] != NULL; t++) {
        fv_augmentation *list = make(fvi_transforms[t]->name);
        bool differs = false;
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0] && !fv_augmentation_needs_fit(list); s++) {
            float *image = ramp(shapes[s]);
            const size_t before = (size_t)shapes[s].c * (size_t)shapes[s].h * (size_t)shapes[s].w;
            for (uint64_t sample = 0; sample < 12; sample++) {
                fv_image_shape foretold, shape, again_shape;
                assert_int_equal(fv_augmentation_shape(list, shapes[s], 0, 0, &foretold), FV_OK);
                float *out = apply_to(list, image, shapes[s], sample, &shape);
                float *again = apply_to(list, image, shapes[s], sample, &again_shape);
                const size_t count = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
                assert_true(shape.c == foretold.c && shape.h == foretold.h && shape.w == foretold.w);
                assert_memory_equal(out, again, count * sizeof *out);
                differs = differs || count != before || memcmp(out, image, count * sizeof *out) != 0;
                for (size_t i = 0; i < count; i++) {
                    assert_true(isfinite(out[i]));
                    if (!fvi_transforms[t]->leaves_unit) /* sums of weights of 1 may round up */
                        assert_true(out[i] >= 0.0f && out[i] <= 1.0f + 8 * 0x1p-23f);
                }
                fv_augmentation_release(list, out);
                fv_augmentation_release(list, again);
            }
            free(image);
        }
        const bool is_mix = fvi_transforms[t]->mix != NULL, own_size = fvi_transforms[t]->sets_size;
        if (!differs && !is_mix && !own_size && !fv_augmentation_needs_fit(list))
            fail_msg("%s changes nothing", fvi_transforms[t]->name);
        fv_augmentation_destroy(list);
    }
}

/* The image after one transform, at seed 7, epoch 3. */
static void transformed(const char *text, const float *image, fv_image_shape shape, uint64_t sample, float *out)
{
    fv_augmentation *list = make(text);
    fv_image_shape given;
    float *made = apply_to(list, image, shape, sample, &given);
    memcpy(out, made, (size_t)given.c * (size_t)given.h * (size_t)given.w * sizeof *out);
    fv_augmentation_release(list, made);
    fv_augmentation_destroy(list);
}

FV_TEST(augment, quarter_turns_are_permutations)
{
    const float image[4] = { 0.1f, 0.2f, 0.3f, 0.4f };
    const float once[4] = { 0.2f, 0.4f, 0.1f, 0.3f }, twice[4] = { 0.4f, 0.3f, 0.2f, 0.1f },
                thrice[4] = { 0.3f, 0.1f, 0.4f, 0.2f };
    const fv_image_shape square = { 1, 2, 2 }, odd = { 2, 5, 5 };
    float out[50], again[50];
    transformed("rotate_quarter(90)", image, square, 0, out);
    assert_memory_equal(out, once, sizeof once);
    transformed("rotate_quarter(180)", image, square, 0, out);
    assert_memory_equal(out, twice, sizeof twice);
    transformed("rotate_quarter(270)", image, square, 0, out);
    assert_memory_equal(out, thrice, sizeof thrice);
    float *other = ramp(odd);
    transformed("rotate_quarter(90)", other, odd, 0, out);
    transformed("rotate(degrees=[90,90.0000001])", other, odd, 0, again); /* weights of 2e-9 next to 1 */
    for (int i = 0; i < 50; i++)
        assert_true(fabsf(out[i] - again[i]) < 1e-6f);
    transformed("rotate_quarter(90) rotate_quarter(270)", other, odd, 0, out);
    assert_memory_equal(out, other, 50 * sizeof *out);
    transformed("rotate_quarter(180) vertical_flip(p=1) flip(p=1)", other, odd, 0, out);
    assert_memory_equal(out, other, 50 * sizeof *out);
    transformed("rotate_quarter(90)", other, (fv_image_shape){ 5, 2, 5 }, 0, out); /* not square: stays */
    assert_memory_equal(out, other, 50 * sizeof *out);
    free(other);
}

FV_TEST(augment, affine_maps_of_nothing_are_exact)
{
    const fv_image_shape shape = { 3, 6, 7 };
    float *image = ramp(shape), out[3 * 6 * 7];
    transformed("rotate(0) translate(x=0, y=0) shear(x=0, y=0) resize(size=[6,7]) elastic(alpha=0) "
                "affine(x=0, y=0, scale=0, squeeze=0, shear=0)",
                image, shape, 1, out);
    assert_memory_equal(out, image, sizeof out);
    transformed("random_resized_crop(scale=1, ratio=[0.001,1000])", image, shape, 1, out); /* only the whole fits... */
    free(image);
}

/* A ramp along the columns moves by what is drawn: the mean of many displacements is 0, their mean square that of the formula. */
FV_TEST(augment, displacements_are_as_large_as_the_formula_says)
{
    enum { SIDE = 24, SAMPLES = 40, RADIUS = 12 };
    const double alpha = 8, sigma = 4;
    float image[SIDE * SIDE], out[SIDE * SIDE], weights[FVI_GAUSSIAN_RADIUS + 1];
    double squares = 0, sum = 0, kernel = 0;
    int64_t count = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        image[i] = (float)(i % SIDE) / SIDE;
    assert_int_equal(fvi_gaussian_kernel(sigma, weights), RADIUS);
    for (int k = -RADIUS; k <= RADIUS; k++)
        kernel += (double)weights[abs(k)] * (double)weights[abs(k)];
    for (uint64_t sample = 0; sample < SAMPLES; sample++) {
        transformed("elastic(alpha=8, sigma=4)", image, (fv_image_shape){ 1, SIDE, SIDE }, sample, out);
        for (int y = 4; y < SIDE - 4; y++)
            for (int x = 4; x < SIDE - 4; x++, count++) { /* away from the border: zeros would come in */
                const double moved = ((double)out[y * SIDE + x] - (double)image[y * SIDE + x]) * SIDE;
                sum += moved;
                squares += moved * moved;
            }
    }
    const double variance = alpha * alpha / 3 * kernel * kernel; /* of a uniform number in -1 ... 1: 1/3 */
    /* About (24/8)^2 independent fields of the kernel's width in each image: 360 in all, a relative deviation of the mean square of
     * sqrt(2/360) = 0.075, of the mean sqrt(variance / 360). Four of each. */
    assert_true(fabs(squares / (double)count / variance - 1) < 0.3);
    assert_true(fabs(sum / (double)count) < 4 * sqrt(variance / 360));
}

FV_TEST(augment, translations_shift_by_the_part_drawn)
{
    const fv_image_shape shape = { 1, 1, 8 };
    const float image[8] = { 0, 0, 0, 1, 0, 0, 0, 0 };
    double centre_sum = 0;
    for (uint64_t sample = 0; sample < 200; sample++) {
        float out[8];
        double mass = 0, centre = 0;
        transformed("translate(x=0.25, y=0)", image, shape, sample, out);
        for (int i = 0; i < 8; i++) {
            mass += (double)out[i];
            centre += (double)out[i] * i;
        }
        assert_true(fabs(mass - 1) < 1e-6 && centre > 3 - 2.0001 && centre < 3 + 2.0001);
        centre_sum += centre;
    }
    assert_true(fabs(centre_sum / 200 - 3) < 4 * (4 / sqrt(12.0)) / sqrt(200.0));
}

/* Two ramps, one along each axis, under the same draws show which place each pixel was read from: the formula's map, drawn within its
 * ranges. */
FV_TEST(augment, affine_reads_where_the_formula_says)
{
    enum {
        SIDE = 16,
        MIDDLE = 8,
        FAR = 3
    }; /* so far from the middle nothing is read from outside: 3 * 1.25 * 1.2 + 3 * 0.2 + 1.6 < 7.5 */
    const fv_image_shape shape = { 1, SIDE, SIDE };
    float rows[SIDE * SIDE], columns[SIDE * SIDE], i_of[SIDE * SIDE], j_of[SIDE * SIDE];
    double least = 1, most = 1;
    for (int p = 0; p < SIDE * SIDE; p++) {
        rows[p] = (float)(p / SIDE) / SIDE;
        columns[p] = (float)(p % SIDE) / SIDE;
    }
    for (uint64_t sample = 0; sample < 100; sample++) {
        static const char text[] = "affine(x=0.1, y=0.05, scale=0.2, squeeze=0.1, shear=0.2)";
        transformed(text, rows, shape, sample, i_of);
        transformed(text, columns, shape, sample, j_of);
#define AT(map, i, j) ((double)(map)[(MIDDLE + (i)) * SIDE + MIDDLE + (j)] * SIDE)
        const double down = AT(i_of, 1, 0) - AT(i_of, 0, 0), across = AT(j_of, 0, 1) - AT(j_of, 0, 0),
                     slope = AT(j_of, 1, 0) - AT(j_of, 0, 0), scale = 1 / sqrt(down * across),
                     squeeze = sqrt(down / across);
        const double moved = MIDDLE - 7.5 - (AT(i_of, 0, 0) - 7.5) / down;
        assert_true(fabs(slope) < 0.2001 && fabs(squeeze - 1) < 0.1001 && fabs(scale - 1) < 0.2001);
        assert_true(fabs(moved) < 0.05 * SIDE + 1e-4);
        for (int i = -FAR; i < FAR; i++)
            for (int j = -FAR; j < FAR; j++) {
                assert_true(fabs(AT(i_of, i, j) - AT(i_of, 0, 0) - i * down) < 1e-4);
                assert_true(fabs(AT(j_of, i, j) - AT(j_of, 0, 0) - i * slope - j * across) < 1e-4);
            }
        const double right = MIDDLE - 7.5 - (AT(j_of, 0, 0) - 7.5 - slope * (MIDDLE - 7.5 - moved)) / across;
        assert_true(fabs(right) < 0.1 * SIDE + 1e-4);
        least = scale < least ? scale : least;
        most = scale > most ? scale : most;
#undef AT
    }
    assert_true(least < 0.85 && most > 1.15); /* all of 100 draws miss an eighth of the range: 2e-6 */
}

FV_TEST(augment, resizing_by_a_whole_factor_is_known)
{
    /* Halved: each result is the triangle of radius 2 over 4 pixels: weights 1 3 3 1 of 8, cut and normalised at the borders. */
    const float image[8] = { 0, 0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f };
    float out[16];
    transformed("resize(size=[1,4])", image, (fv_image_shape){ 1, 1, 8 }, 0, out);
    const double expected[4] = { (3 * 0.0 + 3 * 0.1 + 0.2) / 7, 0.25, 0.45, (0.5 + 3 * 0.6 + 3 * 0.7) / 7 };
    for (int i = 0; i < 4; i++)
        assert_true(fabs((double)out[i] - expected[i]) < 1e-6);
    transformed("resize(size=[1,4])", image + 6, (fv_image_shape){ 1, 1, 2 }, 0, out); /* doubled: 1/4, 3/4 between */
    const double doubled[4] = { 0.6, 0.625, 0.675, 0.7 };
    for (int i = 0; i < 4; i++)
        assert_true(fabs((double)out[i] - doubled[i]) < 1e-6);
    fv_augmentation *list = make("resize(shorter=4)");
    fv_image_shape shape;
    assert_int_equal(fv_augmentation_shape(list, (fv_image_shape){ 3, 8, 12 }, 0, 0, &shape), FV_OK);
    assert_true(shape.h == 4 && shape.w == 6);
    assert_int_equal(fv_augmentation_shape(list, (fv_image_shape){ 3, 1, 60000 }, 0, 0, &shape), FV_ERR_SHAPE);
    fv_augmentation_destroy(list);
}

FV_TEST(augment, colours_follow_their_formulas)
{
    const float image[6] = { 0.2f, 0.4f, 0.6f, 0.8f, 0.1f, 0.3f }; /* two pixels of RGB */
    const fv_image_shape shape = { 3, 1, 2 };
    float out[6];
    transformed("colour_drop(p=1)", image, shape, 0, out);
    const double grey[2] = { 0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.6, 0.299 * 0.8 + 0.587 * 0.1 + 0.114 * 0.3 };
    for (int i = 0; i < 6; i++)
        assert_true(fabs((double)out[i] - grey[i / 3]) < 1e-6);
    fvi_picture picture = { .pixels = out, .h = 1, .w = 2, .c = 3 };
    memcpy(out, image, sizeof out);
    fvi_adjust_brightness(&picture, 1.5);
    assert_true(fabs((double)out[2] - 0.9) < 1e-6 && out[3] == 1.0f);
    memcpy(out, image, sizeof out);
    fvi_adjust_contrast(&picture, 0.5);
    const double mean = (grey[0] + grey[1]) / 2;
    for (int i = 0; i < 6; i++)
        assert_true(fabs((double)out[i] - (mean + 0.5 * ((double)image[i] - mean))) < 1e-6);
    memcpy(out, image, sizeof out);
    fvi_adjust_saturation(&picture, 0);
    for (int i = 0; i < 6; i++)
        assert_true(fabs((double)out[i] - grey[i / 3]) < 1e-6);
    memcpy(out, image, sizeof out);
    fvi_adjust_hue(&picture, 1.0 / 3); /* red becomes green, green blue, blue red */
    for (int i = 0; i < 2; i++)
        for (int c = 0; c < 3; c++)
            assert_true(fabsf(out[3 * i + (c + 1) % 3] - image[3 * i + c]) < 1e-6f);
}

FV_TEST(augment, hue_goes_there_and_back)
{
    for (int i = 0; i < 1000; i++) {
        fvi_random random = fvi_random_start(1, FVI_PURPOSE_TEST, (uint64_t)i);
        float rgb[3], hsv[3], back[3];
        for (int c = 0; c < 3; c++)
            rgb[c] = (float)fvi_random_below(&random, 5) / 4.0f;
        fvi_rgb_to_hsv(rgb, hsv);
        fvi_hsv_to_rgb(hsv, back);
        for (int c = 0; c < 3; c++)
            assert_true(fabsf(rgb[c] - back[c]) <= 4 * 0x1p-23f); /* a handful of roundings of values up to 1 */
    }
}

FV_TEST(augment, edges_blots_and_standards_are_known)
{
    float out[9];
    const float ramp_row[9] = { 0, 0.25f, 0.5f, 0, 0.25f, 0.5f, 0, 0.25f, 0.5f };
    transformed("sobel(part=horizontal)", ramp_row, (fv_image_shape){ 1, 3, 3 }, 0, out);
    assert_true(out[4] == 0.75f && out[3] == 0.625f); /* (4 * 0.5) / 4 halved about 0.5; half of that at the edge */
    transformed("sobel(part=vertical)", ramp_row, (fv_image_shape){ 1, 3, 3 }, 0, out);
    assert_true(out[4] == 0.5f && out[0] == 0.5f);
    transformed("sobel", ramp_row, (fv_image_shape){ 1, 3, 3 }, 0, out);
    assert_true(out[4] == 0.5f);
    const float flat[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    for (uint64_t sample = 0; sample < 50; sample++) { /* centre in the image, side 2: 1, 2 or 4 pixels */
        int blotted = 0;
        transformed("cutout(size=2, fill=zero)", flat, (fv_image_shape){ 1, 3, 3 }, sample, out);
        for (int i = 0; i < 9; i++)
            blotted += out[i] == 0.0f;
        assert_true(blotted == 1 || blotted == 2 || blotted == 4);
    }
    transformed("cutout(size=3)", flat, (fv_image_shape){ 1, 3, 3 }, 0, out); /* the mean */
    assert_memory_equal(out, flat, sizeof flat);
    const float four[4] = { 0.1f, 0.2f, 0.3f, 0.4f };
    transformed("standardise", four, (fv_image_shape){ 1, 2, 2 }, 0, out); /* deviation 0.112 < 1/sqrt(4) */
    assert_true(fabsf(out[0] + 0.3f) < 1e-6f && fabsf(out[3] - 0.3f) < 1e-6f);
    const float wide[4] = { 0, 1, 0, 1 };
    transformed("standardise", wide, (fv_image_shape){ 1, 2, 2 }, 0, out);
    assert_true(out[0] == -1.0f && out[1] == 1.0f);
    transformed("standardise(over=channel)", wide, (fv_image_shape){ 2, 1, 2 }, 0, out); /* flat channels: zeros */
    assert_true(out[0] == 0.0f && out[1] == 0.0f);
    transformed("normalise(mean=[0.5,0.25], deviation=[0.5,0.25])", wide, (fv_image_shape){ 2, 1, 2 }, 0, out);
    assert_true(out[0] == -1.0f && out[1] == 3.0f);
    transformed("gaussian_blur(sigma=3)", flat, (fv_image_shape){ 1, 3, 3 }, 0, out); /* weights sum to 1 */
    assert_true(fabsf(out[4] - 1) < 1e-6f && fabsf(out[0] - 1) < 1e-6f);
}

FV_TEST(augment, noise_has_its_deviation)
{
    enum { SIDE = 64 };
    static float image[SIDE * SIDE], out[SIDE * SIDE];
    double sum = 0, squares = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        image[i] = 0.5f;
    transformed("gaussian_noise(deviation=0.1)", image, (fv_image_shape){ 1, SIDE, SIDE }, 2, out);
    for (int i = 0; i < SIDE * SIDE; i++) { /* cut at five deviations: nothing */
        sum += (double)out[i] - 0.5;
        squares += ((double)out[i] - 0.5) * ((double)out[i] - 0.5);
    }
    const double count = SIDE * SIDE;
    assert_true(fabs(sum / count) < 4 * 0.1 / sqrt(count));
    assert_true(fabs(squares / count / 0.01 - 1) < 4 * sqrt(2 / count));
}

FV_TEST(augment, lists_in_a_wrong_order_are_refused)
{
    fv_augmentation *list = NULL;
    assert_int_equal(fv_augmentation_create(&list, context, "standardise gaussian_noise"), FV_ERR_ARGUMENT);
    assert_non_null(
        strstr(fv_context_message(context), "gaussian_noise, number 2 of the list, works on values of 0 to 1"));
    assert_int_equal(fv_augmentation_create(&list, context, "mixup flip"), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "horizontal_flip, number 2 of the list, comes after mixup"));
    assert_int_equal(fv_augmentation_create(&list, context, "gaussian_blur(sigma=[2,1])"), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "sigma begins above its end"));
    assert_null(list);
}

/* Beta(a, a): mean 1/2, variance 1/(4(2a + 1)). */
FV_TEST(augment, beta_has_its_moments)
{
    const double alphas[] = { 0.2, 1, 3 };
    for (int a = 0; a < 3; a++) {
        enum { COUNT = 4000 };
        double sum = 0, squares = 0;
        for (uint64_t i = 0; i < COUNT; i++) {
            fvi_random random = fvi_random_start(5, FVI_PURPOSE_TEST, i);
            const double x = fvi_random_beta(&random, alphas[a]);
            assert_true(x >= 0 && x <= 1);
            sum += x;
            squares += (x - 0.5) * (x - 0.5);
        }
        const double variance = 1 / (4 * (2 * alphas[a] + 1));
        assert_true(fabs(sum / COUNT - 0.5) < 4 * sqrt(variance / COUNT));
        assert_true(fabs(squares / COUNT - variance) < 4 * 0.25 / sqrt((double)COUNT)); /* squares lie in 0 ... 1/4 */
    }
}

/* Images of one value each and labels: what is left of the image is left of its label; sums of labels stay 1. */
FV_TEST(augment, mixing_mixes_labels_as_images)
{
    enum { N = 6, PIXELS = 16, CLASSES = 6 };
    static const char *const lists[] = { "mixup(alpha=1)", "cutmix(alpha=1)", "mixup cutmix(p=0.5)" };
    for (size_t l = 0; l < 3; l++) {
        fv_augmentation *list = make(lists[l]);
        float images[N * PIXELS * CLASSES] = { 0 }, labels[N * CLASSES] = { 0 };
        uint64_t samples[N];
        bool mixed = false;
        for (int i = 0; i < N; i++) { /* channel c of image i is 1 where c == i: sums over pixels are labels */
            samples[i] = (uint64_t)(100 + i);
            labels[i * CLASSES + i] = 1;
            for (int p = 0; p < PIXELS; p++)
                images[(i * PIXELS + p) * CLASSES + i] = 1;
        }
        assert_true(fv_augmentation_mixes(list));
        assert_int_equal(
            fv_augmentation_mix(list, 3, 1, samples, N, (fv_image_shape){ CLASSES, 4, 4 }, images, CLASSES, labels),
            FV_OK);
        for (int i = 0; i < N; i++) {
            double total = 0;
            for (int c = 0; c < CLASSES; c++) {
                double area = 0;
                for (int p = 0; p < PIXELS; p++)
                    area += (double)images[(i * PIXELS + p) * CLASSES + c] / PIXELS;
                /* mixup then cutmix: a pasted box holds other parts than the rest; for each alone labels are areas */
                assert_true(l == 2 || fabs(area - (double)labels[i * CLASSES + c]) < 1e-5);
                total += (double)labels[i * CLASSES + c];
                mixed = mixed || (labels[i * CLASSES + c] > 0 && c != i);
            }
            assert_true(fabs(total - 1) < 1e-5);
        }
        assert_true(mixed);
        fv_augmentation_destroy(list);
    }
}

static int warnings;
static void count_warning(void *user, fv_log_level level, const char *message)
{
    (void)user;
    (void)message;
    warnings += level == FV_LOG_WARNING;
}

static fv_dataset *tiny(fv_context *on, fv_image_shape shape, const char *const *names, int32_t count)
{
    enum { MOST = 4096 };
    uint8_t pixels[MOST];
    int32_t labels[64];
    fv_dataset *data = NULL;
    const size_t values = (size_t)shape.c * (size_t)shape.h * (size_t)shape.w;
    assert_true(count <= 64 && (size_t)count * values <= MOST);
    fvi_random random = fvi_random_start(9, FVI_PURPOSE_TEST, 0);
    for (size_t i = 0; i < (size_t)count * values; i++)
        pixels[i] = (uint8_t)fvi_random_below(&random, 256);
    for (int32_t i = 0; i < count; i++)
        labels[i] = i % 2;
    assert_int_equal(fv_dataset_from_arrays(&data, on, pixels, labels, count, shape, 2, names), FV_OK);
    return data;
}

FV_TEST(augment, labels_in_danger_are_warned_about)
{
    static const struct {
        const char *list, *names[2];
        int count;
    } cases[] = {
        { "rotate(180)", { "6", "9" }, 1 },
        { "rotate(15) shift elastic", { "6", "9" }, 0 },
        { "flip vertical_flip", { "b", "d" }, 2 },
        { "flip rotate_quarter", { "cat", "dog" }, 0 },
        { "flip", { "turn left", "turn right" }, 1 },
        { "flip", { "Leftovers", "bright" }, 0 },
        { "vertical_flip", { "thumb up", "thumb down" }, 1 },
        { "standardise", { "6", "9" }, 0 },
        { "rotate_quarter(90)", { "N", "Z" }, 1 },
    };
    fv_context *logged = NULL, *const shared = context;
    assert_int_equal(fv_context_create(&logged, &(fv_context_options){ .threads = 1, .log = count_warning }), FV_OK);
    context = logged;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fv_dataset *data = tiny(logged, (fv_image_shape){ 1, 2, 2 }, cases[i].names, 2);
        fv_augmentation *list = make(cases[i].list);
        warnings = 0;
        const int32_t told = fv_augmentation_warn(list, data);
        if (told != cases[i].count || warnings != told)
            fail_msg("%s on %s: %d warnings", cases[i].list, cases[i].names[0], (int)told);
        fv_augmentation_destroy(list);
        fv_dataset_destroy(data);
    }
    context = shared;
    fv_context_destroy(logged);
}

/* A = V' D V again, orthonormal rows, sorted values; repeated and zero ones too. */
FV_TEST(augment, eigenvectors_give_the_matrix_back)
{
    for (int32_t n = 1; n <= 24; n++) {
        double a[24 * 24], kept[24 * 24], values[24], vectors[24 * 24];
        for (int32_t i = 0; i < n; i++)
            for (int32_t j = 0; j <= i; j++) {
                fvi_random random = fvi_random_start((uint64_t)n, FVI_PURPOSE_TEST, (uint64_t)(i * 24 + j));
                const double value = n % 3 == 0 ? (i == j && i < n / 2 ? 2.0 : 0.0) : fvi_random_gaussian(&random);
                a[i * n + j] = a[j * n + i] = value;
            }
        memcpy(kept, a, sizeof kept);
        assert_int_equal(fvi_eigen_symmetric(context, n, a, values, vectors), FV_OK);
        const double bound =
            64.0 * n * 0x1p-52 * (n + 4); /* a few roundings for each of n rotations, of elements below about n */
        for (int32_t i = 0; i < n; i++)
            for (int32_t j = 0; j < n; j++) {
                double product = 0, matrix = 0;
                for (int32_t k = 0; k < n; k++) {
                    product += vectors[i * n + k] * vectors[j * n + k];
                    matrix += vectors[k * n + i] * values[k] * vectors[k * n + j];
                }
                assert_true(fabs(product - (i == j)) < bound);
                assert_true(fabs(matrix - kept[i * n + j]) < bound);
                assert_true(i == 0 || values[i] <= values[i - 1]);
            }
    }
}

/* Whitened data have covariance 1 where the variance is far above epsilon; the map of zca is symmetric, so a flat change stays in place. */
FV_TEST(augment, whitening_whitens)
{
    enum { COUNT = 64, VALUES = 6 };
    static const char *const lists[] = { "whiten(epsilon=1e-9)", "whiten(kind=pca, epsilon=1e-9)" };
    const fv_image_shape shape = { 3, 1, 2 };
    fv_dataset *data = tiny(context, shape, NULL, COUNT);
    for (int l = 0; l < 2; l++) {
        fv_augmentation *list = make(lists[l]);
        double sum[VALUES] = { 0 }, products[VALUES][VALUES] = { { 0 } };
        const fv_augment_key key = { .seed = 1 };
        float *out = NULL, image[VALUES];
        fv_image_shape made;
        assert_true(fv_augmentation_needs_fit(list));
        assert_int_equal(fv_augmentation_apply(list, &key, (float[VALUES]){ 0 }, shape, &out, &made), FV_ERR_STATE);
        assert_int_equal(fv_augmentation_fit(list, data, &key), FV_OK);
        for (int64_t i = 0; i < COUNT; i++) {
            const uint8_t *bytes = fv_dataset_image(data, i);
            for (int p = 0; p < 2; p++)
                for (int c = 0; c < 3; c++)
                    image[p * 3 + c] = (float)(bytes[c * 2 + p] / 255.0);
            assert_int_equal(fv_augmentation_apply(list, &key, image, shape, &out, &made), FV_OK);
            for (int a = 0; a < VALUES; a++) {
                sum[a] += (double)out[a];
                for (int b = 0; b < VALUES; b++)
                    products[a][b] += (double)out[a] * (double)out[b];
            }
            fv_augmentation_release(list, out);
        }
        for (int a = 0; a < VALUES; a++)
            for (int b = 0; b < VALUES; b++) {
                assert_true(fabs(sum[a] / COUNT) < 1e-5);
                assert_true(fabs(products[a][b] / COUNT - (a == b)) < 1e-4);
            }
        fv_augmentation_destroy(list);
    }
    fv_dataset_destroy(data);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(augment_text_has_every_option),
        cmocka_unit_test(augment_errors_say_where_and_what),
        cmocka_unit_test(augment_old_moves_draw_as_before),
        cmocka_unit_test(augment_placements_and_pictures_agree),
        cmocka_unit_test(augment_reflection_does_not_repeat_the_edge),
        cmocka_unit_test(augment_alternating_flip_shows_both_sides_in_two_epochs),
        cmocka_unit_test(augment_all_names_are_listed),
        cmocka_unit_test(augment_every_transform_keeps_its_promises),
        cmocka_unit_test(augment_quarter_turns_are_permutations),
        cmocka_unit_test(augment_affine_maps_of_nothing_are_exact),
        cmocka_unit_test(augment_displacements_are_as_large_as_the_formula_says),
        cmocka_unit_test(augment_translations_shift_by_the_part_drawn),
        cmocka_unit_test(augment_affine_reads_where_the_formula_says),
        cmocka_unit_test(augment_resizing_by_a_whole_factor_is_known),
        cmocka_unit_test(augment_colours_follow_their_formulas),
        cmocka_unit_test(augment_hue_goes_there_and_back),
        cmocka_unit_test(augment_edges_blots_and_standards_are_known),
        cmocka_unit_test(augment_noise_has_its_deviation),
        cmocka_unit_test(augment_lists_in_a_wrong_order_are_refused),
        cmocka_unit_test(augment_beta_has_its_moments),
        cmocka_unit_test(augment_mixing_mixes_labels_as_images),
        cmocka_unit_test(augment_labels_in_danger_are_warned_about),
        cmocka_unit_test(augment_eigenvectors_give_the_matrix_back),
        cmocka_unit_test(augment_whitening_whitens),
    };
    return cmocka_run_group_tests_name("augment", tests, start, stop);
}
