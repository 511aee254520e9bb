/* SPDX-License-Identifier: Apache-2.0
 *
 * folder_test.c - image folders: classes, splits, images of several sizes, and folders that are no such thing. Images are PGM
 * and PPM, which need no library.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/loader.h"
#include "support/files.h"
#include "support/sets.h"
#include "support/test.h"

static fv_context *context;
static char folder[TEST_PATH];

static int set_up(void **state)
{
    (void)state;
    test_folder_make(folder);
    return fv_context_create(&context, &(fv_context_options){ .threads = test_threads(2) }) == FV_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fv_context_destroy(context);
    test_folder_remove(folder);
    return 0;
}

/* folder/name, its folders made; a grey image of h rows and w columns, all of one value. */
static void add_image(const char *name, int h, int w, int value)
{
    char path[TEST_PATH], bytes[4096];
    test_path(path, folder, name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    const int head = snprintf(bytes, sizeof bytes, "P5 %d %d 255\n", w, h);
    memset(bytes + head, value, (size_t)(h * w));
    test_file_write(folder, name, bytes, (size_t)(head + h * w));
}

static fv_dataset *open_split(fv_split split)
{
    fv_dataset *dataset = NULL;
    if (fv_dataset_open(&dataset, context, folder, split) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    return dataset;
}

static void classes_are_folders_in_order(void **state)
{
    (void)state;
    add_image("zebra/1.pgm", 2, 2, 30);
    add_image("ant/2.PGM", 3, 4, 20);
    add_image("ant/1.pgm", 1, 5, 10);
    test_file_write(folder, "ant/notes.txt", "x", 1);
    test_file_write(folder, "ant/.hidden.pgm", "x", 1);
    fv_dataset *dataset = open_split(FV_SPLIT_TRAIN);
    assert_int_equal(fv_dataset_count(dataset), 3);
    assert_int_equal(fv_dataset_classes(dataset), 2);
    assert_string_equal(fv_dataset_class_name(dataset, 0), "ant");
    assert_string_equal(fv_dataset_class_name(dataset, 1), "zebra");
    assert_int_equal(fv_dataset_shape(dataset).c, 0);
    assert_null(fv_dataset_image(dataset, 0));
    const int labels[] = { 0, 0, 1 }, values[] = { 10, 20, 30 }, h[] = { 1, 3, 2 };
    fv_reader *reader = NULL;
    assert_int_equal(fv_reader_create(&reader, context, dataset), FV_OK);
    for (int i = 0; i < 3; i++) {
        fv_sample sample;
        assert_int_equal(fv_reader_read(reader, i, 0, &sample), FV_OK);
        assert_int_equal(fv_dataset_label(dataset, i), labels[i]);
        assert_int_equal(sample.pixels[0], values[i]);
        assert_int_equal(sample.shape.h, h[i]);
    }
    fv_sample sample;
    char name[TEST_PATH];
    assert_int_equal(fv_reader_read(reader, 3, 0, &sample), FV_ERR_ARGUMENT);
    fv_dataset_sample_name(dataset, 1, name, sizeof name);
    assert_non_null(strstr(name, "/ant/2.PGM"));
    double mean[4], deviation[4];
    fv_dataset_statistics(dataset, mean, deviation);
    assert_true(fabs(mean[0] - 410.0 / 21 / 255) < 1e-12 && mean[2] == mean[0]);
    fv_reader_destroy(reader);
    fv_dataset_destroy(dataset);
    test_set_refused(context, folder, FV_SPLIT_TEST, FV_ERR_NOT_FOUND, "is not parted");
}

static void splits_are_folders_above(void **state)
{
    (void)state;
    add_image("train/a/1.pgm", 2, 2, 1);
    add_image("train/b/sub/1.pgm", 2, 2, 2);
    add_image("val/b/1.pgm", 2, 2, 3);
    fv_dataset *train = open_split(FV_SPLIT_TRAIN), *validation = open_split(FV_SPLIT_VALIDATION),
               *test = open_split(FV_SPLIT_TEST); /* val stands in */
    assert_true(fv_dataset_count(train) == 2 && fv_dataset_count(validation) == 1 && fv_dataset_count(test) == 1);
    assert_int_equal(fv_dataset_classes(test), 2);
    assert_int_equal(fv_dataset_label(test, 0), 1);
    fv_dataset_destroy(train);
    fv_dataset_destroy(validation);
    fv_dataset_destroy(test);
    add_image("test/c/1.pgm", 2, 2, 3);
    test_set_refused(context, folder, FV_SPLIT_TEST, FV_ERR_FORMAT,
                     "test/c' is of a class that the training images do not have");
}

static void folders_that_are_none(void **state)
{
    (void)state;
    test_set_refused(context, folder, FV_SPLIT_TRAIN, FV_ERR_NOT_FOUND, "nor images in class folders");
    add_image("1.pgm", 2, 2, 1);
    test_set_refused(context, folder, FV_SPLIT_TRAIN, FV_ERR_NOT_FOUND, "nor images in class folders");
    add_image("a/1.pgm", 2, 2, 1);
    char path[TEST_PATH];
    test_path(path, folder, "b");
    mkdir(path, 0777);
    test_set_refused(context, folder, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "b' holds no image");
}

static void batches_are_resized_and_cropped(void **state)
{
    (void)state;
    for (int i = 0; i < 9; i++) {
        char name[32];
        snprintf(name, sizeof name, "%c/%d.pgm", 'a' + i % 2, i);
        add_image(name, 8 + i, 30 - i, 10 * i);
    }
    fv_dataset *dataset = open_split(FV_SPLIT_TRAIN);
    const fv_loader_options options = {
        .batch = 4,
        .preprocess = { .input = { 3, 6, 6 }, .resize = 6, .deviation = { 1 / 255.0, 1 / 255.0, 1 / 255.0 } }
    };
    fv_loader *loader = NULL;
    fv_batch batch;
    int seen = 0;
    assert_int_equal(fv_loader_create(&loader, context, dataset, &options), FV_OK);
    while (assert_int_equal(fv_loader_next(loader, &batch), FV_OK), batch.n > 0)
        for (int32_t i = 0; i < batch.n; i++, seen++)
            for (int p = 0; p < 3 * 36; p++)
                assert_true(((const float *)batch.images)[i * 108 + p] ==
                            (float)(10 * (seen < 5 ? 2 * seen : 2 * seen - 9)));
    assert_int_equal(seen, 9);
    /* One bad image among them: named. */
    test_file_write(folder, "b/3.pgm", "P5 9 9 255\n", 11);
    fv_loader_start(loader, 0, 0);
    fv_status status = FV_OK;
    while (status == FV_OK && (status = fv_loader_next(loader, &batch), status == FV_OK) && batch.n > 0)
        ;
    assert_int_equal(status, FV_ERR_FORMAT);
    assert_non_null(strstr(fv_loader_message(loader), "b/3.pgm' is truncated"));
    fv_loader_destroy(loader);
    fv_dataset_destroy(dataset);
}

static void write_text(const char *name, const char *text)
{
    test_file_write(folder, name, text, strlen(text));
}

static void remove_file(const char *name)
{
    char path[TEST_PATH];
    test_path(path, folder, name);
    assert_int_equal(remove(path), 0);
}

static void expect_labels(const int *labels)
{
    fv_dataset *dataset = open_split(FV_SPLIT_VALIDATION);
    assert_int_equal(fv_dataset_count(dataset), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fv_dataset_label(dataset, i), labels[i]);
    fv_dataset_destroy(dataset);
}

/* Flat validation images, their classes in each of the three forms that there are. */
static void ilsvrc_2012(void **state)
{
    (void)state;
    static const int labels[] = { 1, 0, 1 };
    add_image("train/n01440764/a.pgm", 2, 2, 1);
    add_image("train/n02012849/b.pgm", 2, 2, 1);
    add_image("val/v_1.pgm", 2, 2, 1);
    add_image("val/v_2.pgm", 2, 2, 1);
    add_image("val/v_3.pgm", 2, 2, 1);
    test_set_refused(context, folder, FV_SPLIT_VALIDATION, FV_ERR_NOT_FOUND, "which would tell their classes");
    write_text("val.txt", "v_2.pgm 0\nv_1.pgm 1\r\nv_3.pgm 1");
    expect_labels(labels);
    write_text("val.txt", "v_2.pgm 0\nv_1.pgm 2\n");
    test_set_refused(context, folder, FV_SPLIT_VALIDATION, FV_ERR_FORMAT,
                     "val.txt', line 2: a class that the training images do not have");
    write_text("val.txt", "v_2.pgm 0\nv_1.pgm 1\n");
    test_set_refused(context, folder, FV_SPLIT_VALIDATION, FV_ERR_FORMAT, "says nothing of the class of '");
    remove_file("val.txt");
    write_text("LOC_val_solution.csv",
               "ImageId,PredictionString\nv_1.pgm,n02012849 1 2 3 4\nv_2.pgm,n01440764 1\nv_3.pgm,n02012849");
    expect_labels(labels);
    remove_file("LOC_val_solution.csv");
    write_text("ILSVRC2012_validation_ground_truth.txt", "1\n2\n1\n");
    test_set_refused(context, folder, FV_SPLIT_VALIDATION, FV_ERR_NOT_FOUND, "synsets.txt' is not there");
    write_text("synsets.txt", "n02012849\nn01440764\nn99999999\n");
    expect_labels(labels);
    write_text("ILSVRC2012_validation_ground_truth.txt", "1\n3\n1\n");
    test_set_refused(context, folder, FV_SPLIT_VALIDATION, FV_ERR_FORMAT, "line 2: no number of a synset");
    write_text("ILSVRC2012_validation_ground_truth.txt", "1\n2\n1\n1\n");
    test_set_refused(context, folder, FV_SPLIT_VALIDATION, FV_ERR_FORMAT, "line 4: more lines than images");
    write_text("synset_words.txt", "n01440764 tench, Tinca tinca\nn00000001 nothing\n");
    fv_dataset *dataset = open_split(FV_SPLIT_TRAIN);
    assert_string_equal(fv_dataset_class_name(dataset, 0), "n01440764 tench, Tinca tinca");
    assert_string_equal(fv_dataset_class_name(dataset, 1), "n02012849");
    fv_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(classes_are_folders_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(splits_are_folders_above, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_that_are_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ilsvrc_2012, set_up, tear_down),
        cmocka_unit_test_setup_teardown(batches_are_resized_and_cropped, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
