/* SPDX-License-Identifier: Apache-2.0
 *
 * augment_test.c - lists of transforms: their text and its errors, draws, moves composed, and what every transform must do.
 */
#include "fovea/augment.h"

#include <math.h>
#include <string.h>

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
    };
    return cmocka_run_group_tests_name("augment", tests, start, stop);
}
