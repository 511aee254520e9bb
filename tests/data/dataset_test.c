/* SPDX-License-Identifier: Apache-2.0
 *
 * dataset_test.c - a data set made from arrays, and the one that comes with fovea.
 */
#include <stdlib.h>
#include <string.h>

#include "fovea/dataset.h"
#include "support/files.h"
#include "support/test.h"

static fv_context *context;

static void arrays_are_copied_and_measured(void **state)
{
    (void)state;
    uint8_t images[2 * 3 * 1 * 2] = { 0, 255, 10, 10, 1, 2, 255, 0, 10, 10, 3, 4 };
    const int32_t labels[2] = { 1, 0 };
    const char *const names[2] = { "cat", "dog" };
    fv_dataset *dataset = NULL;
    const fv_image_shape shape = { 3, 1, 2 };
    assert_int_equal(fv_dataset_from_arrays(&dataset, context, images, labels, 2, shape, 2, names), FV_OK);
    memset(images, 7, sizeof images);
    assert_int_equal(fv_dataset_count(dataset), 2);
    assert_int_equal(fv_dataset_image(dataset, 1)[0], 255);
    assert_int_equal(fv_dataset_label(dataset, 0), 1);
    assert_string_equal(fv_dataset_class_name(dataset, 1), "dog");
    assert_null(fv_dataset_class_name(dataset, 2));
    assert_null(fv_dataset_class_name(dataset, -1));
    double mean[4], deviation[4];
    fv_dataset_statistics(dataset, mean, deviation);
    assert_true(mean[0] == 0.5 && deviation[0] == 0.5);
    assert_true(mean[1] == 10.0 / 255.0 && deviation[1] == 0.0);
    assert_true(mean[2] == 2.5 / 255.0); /* 1 2 3 4 */
    fv_dataset_destroy(dataset);
}

static void bad_arrays_are_refused(void **state)
{
    (void)state;
    const uint8_t image[4] = { 0 };
    const int32_t labels[1] = { 3 };
    fv_dataset *dataset = NULL;
    assert_int_equal(fv_dataset_from_arrays(&dataset, context, image, labels, 1, (fv_image_shape){ 1, 2, 2 }, 3, NULL),
                     FV_ERR_ARGUMENT);
    assert_non_null(strstr(fv_context_message(context), "label 0 is 3"));
    assert_null(dataset);
    assert_int_equal(fv_dataset_from_arrays(&dataset, context, image, labels, 1, (fv_image_shape){ 1, 0, 2 }, 4, NULL),
                     FV_ERR_SHAPE);
    assert_int_equal(fv_dataset_from_arrays(&dataset, context, image, labels, 1, (fv_image_shape){ 5, 1, 1 }, 4, NULL),
                     FV_ERR_SHAPE);
    assert_int_equal(fv_dataset_from_arrays(&dataset, context, image, labels, 0, (fv_image_shape){ 1, 2, 2 }, 4, NULL),
                     FV_ERR_ARGUMENT);
    assert_int_equal(fv_dataset_from_arrays(&dataset, context, image, labels, 1, (fv_image_shape){ 1, 2, 2 }, 0, NULL),
                     FV_ERR_ARGUMENT);
    assert_int_equal(fv_dataset_from_arrays(&dataset, context, image, labels, INT32_MAX,
                                            (fv_image_shape){ 4, 65535, 65535 }, 4, NULL),
                     FV_ERR_SHAPE);
}

static void check_embedded(fv_split split, int64_t count, int32_t each, const int32_t first[5])
{
    fv_dataset *dataset = NULL;
    const fv_status status = fv_dataset_open(&dataset, context, "mnist-12k", split);
    if (status == FV_ERR_UNSUPPORTED)
        test_skip("built without zlib");
    if (status != FV_OK)
        fail_msg("%s", fv_context_message(context));
    assert_int_equal(fv_dataset_count(dataset), count);
    assert_int_equal(fv_dataset_classes(dataset), 10);
    assert_string_equal(fv_dataset_class_name(dataset, 7), "7");
    const fv_image_shape shape = fv_dataset_shape(dataset);
    assert_true(shape.c == 1 && shape.h == 28 && shape.w == 28);
    int32_t seen[10] = { 0 };
    for (int64_t i = 0; i < count; i++)
        seen[fv_dataset_label(dataset, i)]++;
    for (int digit = 0; digit < 10; digit++)
        assert_int_equal(seen[digit], each);
    for (int i = 0; i < 5; i++) /* MNIST's own first labels: its order is kept */
        assert_int_equal(fv_dataset_label(dataset, i), first[i]);
    fv_dataset_destroy(dataset);
}

static void the_embedded_set_is_whole(void **state)
{
    (void)state;
    check_embedded(FV_SPLIT_TRAIN, 10000, 1000, (const int32_t[5]){ 5, 0, 4, 1, 9 });
    check_embedded(FV_SPLIT_TEST, 2000, 200, (const int32_t[5]){ 7, 2, 1, 0, 4 });
}

static void what_is_missing_is_told(void **state)
{
    (void)state;
    fv_dataset *dataset = NULL;
    assert_int_equal(fv_dataset_open(&dataset, context, "mnist-13k", FV_SPLIT_TRAIN), FV_ERR_NOT_FOUND);
    assert_non_null(strstr(fv_context_message(context), "did you mean 'mnist-12k'?"));
    assert_null(dataset);
    char folder[TEST_PATH];
    test_folder_make(folder);
    assert_int_equal(fv_dataset_open(&dataset, context, folder, FV_SPLIT_TRAIN), FV_ERR_NOT_FOUND);
    assert_non_null(strstr(fv_context_message(context), folder));
    setenv("FOVEA_DATA", folder, 1);
    setenv("XDG_DATA_HOME", folder, 1);
    const fv_status status = fv_dataset_open(&dataset, context, "cifar-100", FV_SPLIT_TRAIN);
    assert_int_equal(status, FV_ERR_NOT_FOUND);
    assert_non_null(strstr(fv_context_message(context), folder));
    assert_non_null(strstr(fv_context_message(context), "../shared/data"));
    unsetenv("FOVEA_DATA");
    unsetenv("XDG_DATA_HOME");
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_are_copied_and_measured),
        cmocka_unit_test(bad_arrays_are_refused),
        cmocka_unit_test(the_embedded_set_is_whole),
        cmocka_unit_test(what_is_missing_is_told),
    };
    if (fv_context_create(&context, NULL) != FV_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fv_context_destroy(context);
    return failed;
}
