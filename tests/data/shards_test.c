/* SPDX-License-Identifier: Apache-2.0
 *
 * shards_test.c - tar shards, written here member by member, and what is wrong with damaged ones.
 */
#include <stdio.h>
#include <string.h>

#include "fovea/dataset.h"
#include "support/files.h"
#include "support/sets.h"
#include "support/tar.h"
#include "support/test.h"

static fv_context *context;
static char folder[TEST_PATH];

static int set_up(void **state)
{
    (void)state;
    test_folder_make(folder);
    return fv_context_create(&context, &(fv_context_options){ .threads = 1 }) == FV_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fv_context_destroy(context);
    test_folder_remove(folder);
    return 0;
}

/* An image of one pixel and its class. */
static void add_sample(test_tar *file, const char *key, char pixel, const char *label)
{
    char name[64], image[] = "P5 1 1 255\n?";
    image[11] = pixel;
    snprintf(name, sizeof name, "%s.pgm", key);
    test_tar_add(file, name, '0', image, 12);
    snprintf(name, sizeof name, "%s.cls", key);
    test_tar_add(file, name, '0', label, strlen(label));
}

static void samples_are_read_by_their_place(void **state)
{
    (void)state;
    static test_tar file;
    file.size = 0;
    add_sample(&file, "a/0001", 10, "2\n");
    test_tar_add(&file, "a/0001.json", '0', "{}", 2);
    test_tar_add(&file, "b", '5', "", 0); /* a folder */
    static const char wanted[] = "c/0003.pgm";
    test_tar_add(&file, "x", 'x', "21 path=b/0002.x.pgm\n", 21);
    test_tar_add(&file, "cut", '0', "P5 1 1 255\n\x14", 12);
    test_tar_add(&file, "b/0002.cls", '0', "0", 1);
    test_tar_add(&file, "long", 'L', wanted, sizeof wanted);
    test_tar_add(&file, "cut", '0', "P5 1 1 255\n\x1E", 12);
    test_tar_add(&file, "c/0003.cls", '0', "1", 1);
    test_file_write(folder, "train-000.tar", file.bytes, file.size); /* without the two blocks of zeros */
    file.size = 0;
    add_sample(&file, "0004", 40, "1");
    memset(file.bytes + file.size, 0, 1024);
    test_file_write(folder, "train-001.tar", file.bytes, file.size + 1024);
    test_file_write(folder, "val-000.tar", file.bytes, file.size + 1024);
    fv_dataset *train = test_set_open(context, folder, FV_SPLIT_TRAIN),
               *validation = test_set_open(context, folder, FV_SPLIT_VALIDATION);
    assert_true(fv_dataset_count(train) == 4 && fv_dataset_classes(train) == 3);
    assert_true(fv_dataset_count(validation) == 1 && fv_dataset_classes(validation) == 3);
    static const int labels[] = { 2, 0, 1, 1 };
    fv_reader *reader = NULL;
    assert_int_equal(fv_reader_create(&reader, context, train), FV_OK);
    for (int i = 3; i >= 0; i--) {
        fv_sample sample;
        if (fv_reader_read(reader, i, 0, &sample) != FV_OK)
            fail_msg("%s", fv_reader_message(reader));
        assert_int_equal(sample.pixels[0], 10 * (i + 1));
        assert_int_equal(fv_dataset_label(train, i), labels[i]);
    }
    char name[TEST_PATH];
    fv_dataset_sample_name(train, 2, name, sizeof name);
    assert_non_null(strstr(name, "/train-000.tar: c/0003.pgm"));
    fv_reader_destroy(reader);
    fv_dataset_destroy(train);
    fv_dataset_destroy(validation);
    test_set_refused(context, folder, FV_SPLIT_TEST, FV_ERR_NOT_FOUND, "no samples of the split test");
}

static void damaged_shards_are_told(void **state)
{
    (void)state;
    static test_tar file;
    char path[TEST_PATH];
    test_path(path, folder, "one.tar");
    file.size = 0;
    add_sample(&file, "0001", 10, "7");
    const size_t whole = file.size;
    test_file_write(folder, "one.tar", file.bytes, whole - 512);
    test_set_refused(context, path, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "a member is longer than the file");
    test_file_write(folder, "one.tar", file.bytes, 1024);
    test_set_refused(context, path, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "sample '0001' has no class (.cls)");
    file.bytes[5] ^= 1;
    test_file_write(folder, "one.tar", file.bytes, whole);
    test_set_refused(context, path, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "at offset 0: no header of a tar file");
    file.size = 0;
    add_sample(&file, "0001", 10, "cat");
    test_file_write(folder, "one.tar", file.bytes, file.size);
    test_set_refused(context, path, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "no number of a class");
    file.size = 0;
    test_tar_add(&file, "0001.cls", '0', "1", 1);
    test_file_write(folder, "one.tar", file.bytes, file.size);
    test_set_refused(context, path, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "has no image");
    test_file_write(folder, "one.tar", "", 0);
    test_set_refused(context, path, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "has no samples");
    test_set_refused(context, path, FV_SPLIT_TEST, FV_ERR_NOT_FOUND, "is one shard");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(samples_are_read_by_their_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged_shards_are_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
