/* SPDX-License-Identifier: Apache-2.0
 *
 * fixed_test.c - which transforms are kept with a model, lists made of lists, preprocessing with them, and that no instruction set changes
 * a bit of any transform.
 */
#include <string.h>

#include "data/augment/transform.h"
#include "fovea/loader.h"
#include "support/test.h"

enum { SIDE = 12, IMAGES = 24, PIXELS = 3 * SIDE * SIDE };

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

static fv_augmentation *make_in(fv_context *in, const char *text)
{
    fv_augmentation *made = NULL;
    if (fv_augmentation_create(&made, in, text) != FV_OK)
        fail_msg("%s: %s", text, fv_context_message(in));
    return made;
}

/* RGB images of noise. */
static fv_dataset *make_data(fv_context *in)
{
    static uint8_t images[IMAGES * PIXELS];
    static int32_t labels[IMAGES];
    fv_dataset *data = NULL;
    fvi_random random = fvi_random_start(5, FVI_PURPOSE_TEST, 0);
    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (uint8_t)fvi_random_below(&random, 256);
    for (int32_t i = 0; i < IMAGES; i++)
        labels[i] = i % 3;
    assert_int_equal(
        fv_dataset_from_arrays(&data, in, images, labels, IMAGES, (fv_image_shape){ 3, SIDE, SIDE }, 3, NULL), FV_OK);
    return data;
}

FV_TEST(fixed, what_is_kept_of_a_list)
{
    static const char *const texts[][2] = {
        { "", "" },
        { "crop(4) flip cutout", "" },
        { "resize(shorter=20) crop(size=16) flip normalise",
          "resize(size=0, shorter=20) centre_crop(size=[16,16]) normalise(mean=0.5, deviation=0.5)" },
        { "random_resized_crop(size=[9,8]) vertical_flip sobel standardise mixup",
          "centre_crop(size=[9,8]) sobel(part=magnitude, p=1) standardise(over=image)" },
        { "colour_drop(p=1) sobel(p=0.5) rotate(3) shift", "colour_drop(p=1)" },
        { "centre_crop(size=8) random_resized_crop(size=4)", "centre_crop(size=8)" },
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fv_augmentation *list = make_in(context, texts[i][0]), *fixed = NULL;
        assert_int_equal(fv_augmentation_fixed(&fixed, list), FV_OK);
        assert_string_equal(fv_augmentation_text(fixed), texts[i][1]);
        assert_true(fvi_augmentation_has_fixed(list) == (texts[i][1][0] != '\0'));
        assert_null(fvi_augmentation_random(fixed));
        fv_augmentation_destroy(fixed);
        fv_augmentation_destroy(list);
    }
}

FV_TEST(fixed, random_transforms_go_into_a_models_list)
{
    fv_augmentation *kept = make_in(context, "resize(shorter=9) normalise"), *joined = NULL;
    fv_augmentation *run = make_in(context, "flip colour_drop(p=0.1) mixup");
    assert_int_equal(fvi_augmentation_join(&joined, kept, run), FV_OK);
    assert_string_equal(fv_augmentation_text(joined),
                        "resize(size=0, shorter=9) horizontal_flip(p=0.5) colour_drop(p=0.1) "
                        "normalise(mean=0.5, deviation=0.5) mixup(alpha=0.2, p=1)");
    fv_augmentation_destroy(joined);
    fv_augmentation_destroy(run);
    fv_augmentation_destroy(kept);
}

/* What has been learned goes along, and only the list that learned it frees it. */
FV_TEST(fixed, what_has_been_learned_is_borrowed)
{
    fv_dataset *data = make_data(context);
    fv_augmentation *list = make_in(context, "flip resize(size=4) whiten(samples=9) normalise whiten(kind=pca)");
    fv_augmentation *fixed = NULL, *joined = NULL, *run = make_in(context, "lighting(from=data)");
    const fv_augment_key key = { .seed = 3 };
    assert_int_equal(fv_augmentation_fixed(&fixed, list), FV_OK);
    assert_true(fv_augmentation_needs_fit(fixed) && fixed->place[1].fitted == NULL);
    fv_augmentation_destroy(fixed);
    assert_int_equal(fv_augmentation_fit(list, data, &key), FV_OK);
    assert_int_equal(fv_augmentation_fixed(&fixed, list), FV_OK);
    assert_ptr_equal(fixed->place[1].fitted, list->place[2].fitted);
    assert_ptr_equal(fixed->place[3].fitted, list->place[4].fitted);
    assert_int_equal(fvi_augmentation_join(&joined, fixed, run), FV_OK);
    assert_ptr_equal(joined->place[2].fitted, list->place[2].fitted);
    assert_ptr_equal(joined->place[4].fitted, list->place[4].fitted);
    assert_null(joined->place[1].fitted); /* its own to learn */
    assert_int_equal(fv_augmentation_fit(joined, data, &key), FV_OK);
    fv_augmentation_destroy(joined);
    fv_augmentation_destroy(run);
    fv_augmentation_destroy(fixed);
    fv_augmentation_destroy(list);
    fv_dataset_destroy(data);
}

/* A loader without augmentation, one image alone and the list itself give the same floats. */
FV_TEST(fixed, every_way_of_preprocessing_is_one)
{
    static const char *const lists[] = { "centre_crop(size=7)", "resize(size=9) sobel", "standardise",
                                         "resize(shorter=20) centre_crop(size=10) normalise(mean=0.3, deviation=0.2)" };
    fv_dataset *data = make_data(context);
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        float alone[PIXELS], without[PIXELS];
        fv_loader *loader = NULL;
        fv_batch batch;
        fv_loader_options options = { .batch = 5,
                                      .preprocess = { .input = { 3, 10, 10 }, .deviation = { 0.5, 1, 2 } } };
        assert_int_equal(fv_preprocess_image(context, &options.preprocess, fv_dataset_image(data, 3),
                                             fv_dataset_shape(data), without),
                         FV_OK);
        fv_augmentation *list = make_in(context, lists[l]);
        options.preprocess.transforms = list;
        assert_int_equal(fv_loader_create(&loader, context, data, &options), FV_OK);
        assert_int_equal(fv_loader_next(loader, &batch), FV_OK);
        assert_int_equal(
            fv_preprocess_image(context, &options.preprocess, fv_dataset_image(data, 3), fv_dataset_shape(data), alone),
            FV_OK);
        assert_memory_equal((const float *)batch.images + 3 * 300, alone, 300 * sizeof *alone);
        if (l > 0) /* the crop is composed with that to the input */
            assert_memory_not_equal(alone, without, 300 * sizeof *alone);
        fv_loader_destroy(loader);
        fv_augmentation_destroy(list);
    }
    fv_dataset_destroy(data);
}

FV_TEST(fixed, random_transforms_are_no_preprocessing)
{
    fv_dataset *data = make_data(context);
    fv_loader *loader = NULL;
    fv_augmentation *list = make_in(context, "resize(size=9) flip");
    fv_loader_options options = { .batch = 5, .preprocess = { .input = { 3, 10, 10 }, .transforms = list } };
    assert_int_equal(fv_loader_create(&loader, context, data, &options), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "horizontal_flip is for training images only"));
    fv_augmentation_destroy(list);
    list = make_in(context, "resize(size=9)");
    options.preprocess.transforms = list;
    options.augment.flip = true;
    assert_int_equal(fv_loader_create(&loader, context, data, &options), FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "beside preprocess.transforms"));
    fv_augmentation_destroy(list);
    fv_dataset_destroy(data);
}

/* One batch of every transform there is, under one instruction set. */
static bool compute(const char *isa, float *out, int32_t *count)
{
    fv_context *own = NULL;
    if (fv_context_create(&own, &(fv_context_options){ .threads = 1, .isa = isa }) != FV_OK)
        return false; /* not one of this processor */
    fv_dataset *data = make_data(own);
    for (*count = 0; fv_transform_name(*count) != NULL; ++*count, out += IMAGES * PIXELS) {
        fv_loader *loader = NULL;
        fv_batch batch;
        fv_augmentation *list = make_in(own, fv_transform_name(*count));
        const fv_augment_key key = { .seed = 6, .rows = SIDE, .columns = SIDE };
        const fv_loader_options options = { .batch = IMAGES,
                                            .seed = 6,
                                            .preprocess = { .input = { 3, SIDE, SIDE }, .mean = { 0.4, 0.5, 0.6 } },
                                            .augmentation = list };
        if (fv_augmentation_fit(list, data, &key) != FV_OK)
            fail_msg("%s", fv_context_message(own));
        assert_int_equal(fv_loader_create(&loader, own, data, &options), FV_OK);
        if (fv_loader_next(loader, &batch) != FV_OK)
            fail_msg("%s", fv_loader_message(loader));
        assert_int_equal(batch.n, IMAGES);
        memcpy(out, batch.images, (size_t)IMAGES * PIXELS * sizeof *out);
        fv_loader_destroy(loader);
        fv_augmentation_destroy(list);
    }
    fv_dataset_destroy(data);
    fv_context_destroy(own);
    return true;
}

FV_TEST(fixed, every_transform_has_the_same_bits_under_every_instruction_set)
{
    enum { MOST = 40 };
    static float one[MOST * IMAGES * PIXELS], other[MOST * IMAGES * PIXELS];
    static const char *const names[] = { "baseline", "avx2", "avx512", "neon" };
    int32_t count = 0;
    assert_true(compute(NULL, one, &count));
    assert_true(count >= 25 && count <= MOST);
    int32_t compared = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!compute(names[i], other, &count))
            continue;
        compared++;
        for (int32_t t = 0; t < count; t++)
            if (memcmp(one + t * IMAGES * PIXELS, other + t * IMAGES * PIXELS, IMAGES * PIXELS * sizeof *one) != 0)
                fail_msg("%s differs under %s", fv_transform_name(t), names[i]);
    }
    assert_true(compared >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_what_is_kept_of_a_list),
        cmocka_unit_test(fixed_random_transforms_go_into_a_models_list),
        cmocka_unit_test(fixed_what_has_been_learned_is_borrowed),
        cmocka_unit_test(fixed_every_way_of_preprocessing_is_one),
        cmocka_unit_test(fixed_random_transforms_are_no_preprocessing),
        cmocka_unit_test(fixed_every_transform_has_the_same_bits_under_every_instruction_set),
    };
    return cmocka_run_group_tests_name("fixed", tests, start, stop);
}
