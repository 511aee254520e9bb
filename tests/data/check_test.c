/* SPDX-License-Identifier: Apache-2.0
 *
 * check_test.c - what the check of a data set finds, and the manifest that it writes.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fovea/data_check.h"
#include "support/files.h"
#include "support/test.h"

enum { SIDE = 9 };

static char folder[TEST_PATH];

/* folder/name: pixel p is seed + p, or seed where flat. */
static void add_image(const char *name, int side, int seed, bool flat)
{
    char path[TEST_PATH], bytes[512];
    test_path(path, folder, name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    const int head = snprintf(bytes, sizeof bytes, "P5 %d %d 255\n", side, side);
    for (int p = 0; p < side * side; p++)
        bytes[head + p] = (char)(seed + (flat ? 0 : p));
    test_file_write(folder, name, bytes, (size_t)(head + side * side));
}

static void expect_finding(const fv_data_check *check, fv_data_problem problem, const char *first, const char *second)
{
    for (int64_t i = 0; i < check->finding_count; i++)
        if (check->findings[i].problem == problem && strstr(check->findings[i].text, first) != NULL &&
            strstr(check->findings[i].text, second) != NULL)
            return;
    fail_msg("no finding '%s' of %s and %s", fv_data_problem_name(problem), first, second);
}

static void make_folder(void)
{
    test_folder_make(folder);
    add_image("train/ant/1.pgm", SIDE, 1, false);
    add_image("train/ant/2.pgm", SIDE, 2, false);
    add_image("train/ant/3, again.pgm", SIDE, 2, false); /* duplicate */
    add_image("train/bee/1.pgm", SIDE, 1, false);        /* contradicted */
    add_image("train/bee/2.pgm", SIDE, 40, true);        /* odd */
    add_image("train/bee/3.pgm", 5, 60, false);          /* odd */
    add_image("val/bee/1.pgm", SIDE, 2, false);          /* leaked, twice the same as in train */
    add_image("val/bee/2.pgm", SIDE, 90, false);
    test_file_write(folder, "train/ant/4.pgm", "P5 9 9 255\nx", 12);
}

FV_TEST(check, names_what_is_wrong)
{
    fv_data_check check[2] = { { .classes = 0 }, { .classes = 0 } };
    make_folder();
    for (int i = 0; i < 2; i++) {
        fv_context *context = NULL;
        assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = test_threads(1 + i) }), FV_OK);
        if (fv_data_check_run(context, folder, NULL, NULL, &check[i]) != FV_OK)
            fail_msg("%s", fv_context_message(context));
        static const int64_t expected[FV_DATA_PROBLEMS] = { 1, 1, 1, 1, 2 };
        assert_memory_equal(check[i].count, expected, sizeof expected);
        expect_finding(&check[i], FV_DATA_UNREADABLE, "ant/4.pgm", "truncated");
        expect_finding(&check[i], FV_DATA_LEAKED, "val/bee/1.pgm' (val)", "ant/2.pgm' (train), with another label");
        expect_finding(&check[i], FV_DATA_DUPLICATE, "ant/3, again.pgm", "ant/2.pgm");
        expect_finding(&check[i], FV_DATA_CONTRADICTED, "bee/1.pgm", "ant/1.pgm");
        expect_finding(&check[i], FV_DATA_ODD, "bee/2.pgm", "all of one colour");
        expect_finding(&check[i], FV_DATA_ODD, "bee/3.pgm", "5x5 pixels");
        assert_true(check[i].samples[FV_SPLIT_TRAIN] == 7 && check[i].samples[FV_SPLIT_VALIDATION] == 2);
        assert_null(check[i].split[FV_SPLIT_TEST]); /* val stood in for it */
        assert_true(check[i].histogram[0][0] == 4 && check[i].histogram[0][1] == 3);
        assert_true(check[i].smallest.h == 5 && check[i].largest.w == SIDE);
        /* 81 pixels each of 1, 2, 2 and 1 upwards (mean 40 more), 81 of 40, 25 of 60 upwards (mean 12 more) */
        const double sum = 81 * (41 + 42 + 42 + 41 + 40) + 25 * 72, pixels = 5 * 81 + 25;
        assert_true(fabs(check[i].mean[0] - sum / pixels / 255) < 1e-12 && check[i].mean[2] == check[i].mean[0]);
        if (i == 1)
            assert_memory_equal(check[0].mean, check[1].mean, sizeof check[0].mean);
        fv_data_check kept = check[i];
        fv_data_check_release(&kept);
        fv_context_destroy(context);
    }
    test_folder_remove(folder);
}

FV_TEST(check, the_manifest_is_a_data_set)
{
    fv_context *context = NULL;
    fv_data_check check;
    fv_dataset *dataset = NULL;
    char path[TEST_PATH];
    make_folder();
    test_path(path, folder, "all.csv");
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    assert_int_equal(fv_data_check_run(context, folder, NULL, NULL, &check), FV_OK);
    assert_int_equal(fv_data_check_write_manifest(&check, path), FV_OK);
    if (fv_dataset_open(&dataset, context, path, FV_SPLIT_TRAIN) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    assert_int_equal(fv_dataset_count(dataset), 6); /* without the truncated one */
    assert_string_equal(fv_dataset_class_name(dataset, fv_dataset_label(dataset, 5)), "bee");
    fv_reader *reader = NULL;
    fv_sample sample;
    assert_int_equal(fv_reader_create(&reader, context, dataset), FV_OK);
    assert_int_equal(fv_reader_read(reader, 2, 0, &sample), FV_OK); /* the one with a comma */
    assert_int_equal(sample.pixels[0], 2);
    fv_reader_destroy(reader);
    fv_dataset_destroy(dataset);
    fv_data_check_release(&check);
    fv_data_check_release(&check); /* legal */
    fv_context_destroy(context);
    test_folder_remove(folder);
}

FV_TEST(check, a_set_that_is_none_is_told)
{
    fv_context *context = NULL;
    fv_data_check check;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    assert_int_equal(fv_data_check_run(context, "/nowhere", NULL, NULL, &check), FV_ERR_NOT_FOUND);
    assert_null(check.findings);
    fv_data_check_release(&check);
    fv_context_destroy(context);
}

FV_TESTS(check, names_what_is_wrong, the_manifest_is_a_data_set, a_set_that_is_none_is_told)
