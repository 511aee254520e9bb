/* SPDX-License-Identifier: Apache-2.0
 *
 * csv_test.c - CSV itself, the data sets that it makes (numbers, manifests), and computed ones.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/sets/csv.h"
#include "fovea/loader.h"
#include "support/files.h"
#include "support/sets.h"
#include "support/test.h"

static fv_context *context;
static char folder[TEST_PATH], path[TEST_PATH];

static int set_up(void **state)
{
    (void)state;
    test_folder_make(folder);
    test_path(path, folder, "set.csv");
    return fv_context_create(&context, &(fv_context_options){ .threads = 1 }) == FV_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fv_context_destroy(context);
    test_folder_remove(folder);
    return 0;
}

static void write_text(const char *name, const char *text)
{
    test_file_write(folder, name, text, strlen(text));
}

static void rows_and_quotes(void **state)
{
    (void)state;
    static const char *const expected[] = { "a", "b c", "", "1", "x,\"y\"\nz", "3", "last" };
    static const int lines[] = { 1, 3, 5 }, counts[] = { 3, 3, 1 };
    fvi_csv csv;
    int seen = 0;
    write_text("set.csv", "\xEF\xBB\xBF"
                          "a,b c,\r\n\n1,\"x,\"\"y\"\"\nz\",3\nlast");
    assert_int_equal(fvi_csv_open(&csv, context, path), FV_OK);
    for (int row = 0; row < 3; row++) {
        assert_int_equal(fvi_csv_next(&csv), FV_OK);
        assert_int_equal(csv.count, counts[row]);
        assert_int_equal(csv.line, lines[row]);
        for (int32_t f = 0; f < csv.count; f++)
            assert_string_equal(csv.field[f], expected[seen++]);
    }
    assert_int_equal(fvi_csv_next(&csv), FV_OK);
    assert_int_equal(csv.count, 0);
    fvi_csv_close(&csv);
}

static void numbers_with_classes(void **state)
{
    (void)state;
    write_text("set.csv", "x,label,y,split\n1,cat,2.5,train\n-3e1,ant,4,train\n7,cat,8,test\n");
    fv_dataset *train = test_set_open(context, path, FV_SPLIT_TRAIN),
               *test = test_set_open(context, path, FV_SPLIT_TEST);
    assert_true(fv_dataset_count(train) == 2 && fv_dataset_count(test) == 1 && fv_dataset_classes(test) == 2);
    assert_string_equal(fv_dataset_class_name(test, 0), "ant");
    assert_int_equal(fv_dataset_label(train, 0), 1);
    assert_int_equal(fv_dataset_shape(train).w, 2);
    const fv_loader_options options = { .batch = 4, .preprocess = { .input = { 2, 1, 1 } } };
    fv_loader *loader = NULL;
    fv_batch batch;
    assert_int_equal(fv_loader_create(&loader, context, train, &options), FV_OK);
    assert_int_equal(fv_loader_next(loader, &batch), FV_OK);
    const float expected[] = { 1, 2.5f, -30, 4 };
    assert_int_equal(batch.n, 2);
    assert_memory_equal(batch.images, expected, sizeof expected);
    assert_true(batch.classes[1] == 0 && batch.values == NULL);
    fv_loader_destroy(loader);
    const fv_loader_options wrong = { .batch = 4, .preprocess = { .input = { 3, 1, 1 } } };
    assert_int_equal(fv_loader_create(&loader, context, train, &wrong), FV_ERR_SHAPE);
    fv_dataset_destroy(train);
    fv_dataset_destroy(test);
    test_set_refused(context, path, FV_SPLIT_VALIDATION, FV_ERR_NOT_FOUND, "no rows of the split val");
}

static void classes_that_are_numbers_are_in_their_order(void **state)
{
    (void)state;
    write_text("train.csv", "label,a\n10,0\n9,1\n2,2\n");
    write_text("test.csv", "label,a\n9,1\n");
    fv_dataset *test = test_set_open(context, folder, FV_SPLIT_TEST);
    assert_int_equal(fv_dataset_classes(test), 3);
    assert_string_equal(fv_dataset_class_name(test, 2), "10");
    assert_int_equal(fv_dataset_label(test, 0), 1);
    fv_dataset_destroy(test);
    write_text("test.csv", "label,a\n8,1\n");
    test_set_refused(context, folder, FV_SPLIT_TEST, FV_ERR_FORMAT, "label '8' does not occur in the training data");
    write_text("test.csv", "a,label\n8,1\n");
    test_set_refused(context, folder, FV_SPLIT_TEST, FV_ERR_FORMAT, "header differs");
    test_set_refused(context, folder, FV_SPLIT_VALIDATION, FV_ERR_NOT_FOUND, "has no val.csv");
}

static void targets_and_several_labels(void **state)
{
    (void)state;
    write_text("set.csv", "target_x,a,target_y\n1,2,3\n4,5,6\n");
    fv_dataset *set = test_set_open(context, path, FV_SPLIT_TRAIN);
    assert_true(fv_dataset_classes(set) == 0 && fv_dataset_target_count(set) == 2 && fv_dataset_label(set, 0) == -1);
    assert_true(fv_dataset_targets(set, 1)[0] == 4 && fv_dataset_targets(set, 1)[1] == 6);
    fv_dataset_destroy(set);
    write_text("one.pgm", "P5 1 1 255\n\x07");
    write_text("set.csv", "path,labels\none.pgm,red;big\none.pgm,\none.pgm,blue|red\n");
    set = test_set_open(context, path, FV_SPLIT_TRAIN);
    assert_int_equal(fv_dataset_target_count(set), 3); /* big, blue, red */
    const float expected[3][3] = { { 1, 0, 1 }, { 0, 0, 0 }, { 0, 1, 1 } };
    for (int i = 0; i < 3; i++)
        assert_memory_equal(fv_dataset_targets(set, i), expected[i], sizeof expected[i]);
    const fv_loader_options options = { .batch = 3,
                                        .preprocess = { .input = { 1, 1, 1 }, .deviation = { 1 / 255.0 } } };
    fv_loader *loader = NULL;
    fv_batch batch;
    assert_int_equal(fv_loader_create(&loader, context, set, &options), FV_OK);
    assert_int_equal(fv_loader_next(loader, &batch), FV_OK);
    assert_memory_equal(batch.values, expected, sizeof expected);
    assert_true(batch.classes == NULL && ((const float *)batch.images)[2] == 7);
    fv_loader_destroy(loader);
    fv_dataset_destroy(set);
    write_text("set.csv", "file,width\none.pgm,0.5\n"); /* of a manifest without label, numbers are targets */
    set = test_set_open(context, path, FV_SPLIT_TRAIN);
    assert_true(fv_dataset_target_count(set) == 1 && fv_dataset_targets(set, 0)[0] == 0.5f);
    fv_dataset_destroy(set);
}

static void bad_files_are_told_by_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = { { "", "is empty" },
                  { "a,b\n1,2\n", "names no target" },
                  { "label,a\nx,1\ny\n", "line 3: 1 fields, the header has 2" },
                  { "label,a\nx,1\ny,1e\n", "line 3, column 2 (a): '1e' is no number" },
                  { "label,a\nx,\"1\n", "line 2: a quote is not closed" },
                  { "label,a\nx,\"1\"2\n", "text behind a closing quote" },
                  { "label,a\n,1\n", "line 2, column 1 (label): a label is empty" },
                  { "label,class,a\nx,1,1\n", "two columns of the header are the label" },
                  { "label,target\nx,1\n", "both a label and targets" },
                  { "label,a,split\nx,1,dev\n", "column 3 (split): 'dev' is no split" },
                  { "path,label\n,x\n", "the path is empty" },
                  { "label\nx\n", "neither a path nor numbers" },
                  { "label,a\n", "has no rows" } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_text("set.csv", cases[i].text);
        test_set_refused(context, path, FV_SPLIT_TRAIN, FV_ERR_FORMAT, cases[i].words);
    }
    test_file_write(folder, "set.csv", "a\0b", 3);
    test_set_refused(context, path, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "zero bytes");
}

/* The values of one sample of a computed set. */
static const float *values_of(const fv_dataset *set, int64_t index, fv_reader *reader)
{
    fv_sample sample;
    assert_int_equal(fv_reader_read(reader, index, 0, &sample), FV_OK);
    assert_int_equal(sample.shape.w, fv_dataset_shape(set).w);
    return sample.values;
}

static void computed_sets_follow_their_formula(void **state)
{
    (void)state;
    fv_dataset *set = test_set_open(context, "circles:count=300,noise=0,classes=3", FV_SPLIT_TRAIN);
    fv_reader *reader = NULL;
    assert_true(fv_dataset_count(set) == 300 && fv_dataset_classes(set) == 3);
    assert_int_equal(fv_reader_create(&reader, context, set), FV_OK);
    for (int i = 0; i < 300; i++) {
        const float *at = values_of(set, i, reader);
        const double radius = hypot((double)at[0], (double)at[1]);
        assert_true(fabs(radius - (fv_dataset_label(set, i) + 1) / 3.0) < 1e-6); /* two roundings to float */
    }
    fv_reader_destroy(reader);
    fv_dataset_destroy(set);
    set = test_set_open(context, "spirals:count=200,noise=0,turns=2", FV_SPLIT_TEST);
    assert_int_equal(fv_reader_create(&reader, context, set), FV_OK);
    for (int i = 0; i < 200; i++) {
        const float *at = values_of(set, i, reader);
        const double t = hypot((double)at[0], (double)at[1]);
        const double turns = 2 * t + fv_dataset_label(set, i) / 2.0, pi = 3.14159265358979323846;
        /* 1e-6: roundings to float move the angle by 2^-24 / t and t by 2^-24, which turns 4 pi times as far */
        assert_true(fabs((double)at[0] - t * cos(2 * pi * turns)) < 4e-6 &&
                    fabs((double)at[1] - t * sin(2 * pi * turns)) < 4e-6);
    }
    fv_reader_destroy(reader);
    fv_dataset_destroy(set);
}

static void computed_sets_depend_on_seed_and_split(void **state)
{
    (void)state;
    static const char *const names[] = { "polynomial", "polynomial:seed=1", "polynomial:seed=2", "polynomial" };
    float first[4];
    for (int i = 0; i < 4; i++) {
        fv_dataset *set = test_set_open(context, names[i], i == 3 ? FV_SPLIT_TEST : FV_SPLIT_TRAIN);
        assert_true(fv_dataset_count(set) == 1000 && fv_dataset_target_count(set) == 1);
        first[i] = fv_dataset_targets(set, 0)[0];
        fv_dataset_destroy(set);
    }
    assert_true(first[0] == first[1] && first[0] != first[2] && first[0] != first[3]);
    test_set_refused(context, "circles:noize=1", FV_SPLIT_TRAIN, FV_ERR_ARGUMENT,
                     "no setting 'noize'; did you mean 'noise'?");
    test_set_refused(context, "circles:count=1.5", FV_SPLIT_TRAIN, FV_ERR_ARGUMENT,
                     "count is '1.5', must be a whole number of 1 to");
    test_set_refused(context, "spirals:turns=", FV_SPLIT_TRAIN, FV_ERR_ARGUMENT, "turns is ''");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_and_quotes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_with_classes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(classes_that_are_numbers_are_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(targets_and_several_labels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_files_are_told_by_line_and_column, set_up, tear_down),
        cmocka_unit_test_setup_teardown(computed_sets_follow_their_formula, set_up, tear_down),
        cmocka_unit_test_setup_teardown(computed_sets_depend_on_seed_and_split, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
