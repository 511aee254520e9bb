/* SPDX-License-Identifier: Apache-2.0
 *
 * cifar_test.c - CIFAR-10 and CIFAR-100 from folders and archives, and each way in which they can be wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef FVI_HAVE_ARCHIVE
#include <archive.h>
#include <archive_entry.h>
#endif

#include "fovea/dataset.h"
#include "support/files.h"
#include "support/test.h"

static fv_context *context;
static char folder[TEST_PATH];

enum { PIXELS = 3072, TEN = PIXELS + 1, HUNDRED = PIXELS + 2 };

static const char ten_names[] = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";

/* Two records whose pixels are the label plus their plane. */
static void fill_record(unsigned char *record, int coarse, int fine)
{
    unsigned char *at = record;
    if (coarse >= 0)
        *at++ = (unsigned char)coarse;
    *at++ = (unsigned char)fine;
    for (int p = 0; p < PIXELS; p++)
        at[p] = (unsigned char)(fine + p / 1024);
}

static int make_ten(void **state)
{
    (void)state;
    test_folder_make(folder);
    for (int batch = 1; batch <= 6; batch++) {
        char name[32] = "test_batch.bin";
        unsigned char records[2 * TEN];
        if (batch <= 5)
            snprintf(name, sizeof name, "data_batch_%d.bin", batch);
        fill_record(records, -1, batch);
        fill_record(records + TEN, -1, 9);
        test_file_write(folder, name, records, sizeof records);
    }
    test_file_write(folder, "batches.meta.txt", ten_names, sizeof ten_names - 1);
    return 0;
}

static int make_hundred(void **state)
{
    (void)state;
    test_folder_make(folder);
    unsigned char records[2 * HUNDRED];
    fill_record(records, 19, 99);
    fill_record(records + HUNDRED, 0, 3);
    test_file_write(folder, "train.bin", records, sizeof records);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

static fv_dataset *open_good(const char *where, fv_split split)
{
    fv_dataset *dataset = NULL;
    if (fv_dataset_open(&dataset, context, where, split) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    const fv_image_shape shape = fv_dataset_shape(dataset);
    assert_true(shape.c == 3 && shape.h == 32 && shape.w == 32);
    return dataset;
}

static void expect_failure(const char *where, fv_split split, fv_status expected, const char *words)
{
    fv_dataset *dataset = NULL;
    const fv_status status = fv_dataset_open(&dataset, context, where, split);
    assert_null(dataset);
    if (status != expected || strstr(fv_context_message(context), words) == NULL)
        fail_msg("status %s, message '%s'; expected '%s'", fv_status_name(status), fv_context_message(context), words);
}

static void check_ten_train(const char *where)
{
    fv_dataset *dataset = open_good(where, FV_SPLIT_TRAIN);
    assert_int_equal(fv_dataset_count(dataset), 10);
    assert_int_equal(fv_dataset_classes(dataset), 10);
    assert_string_equal(fv_dataset_class_name(dataset, 9), "truck");
    assert_int_equal(fv_dataset_label(dataset, 6), 4);
    assert_int_equal(fv_dataset_image(dataset, 6)[2048], 6); /* blue: label + 2 */
    fv_dataset_destroy(dataset);
}

static void a_folder_of_ten(void **state)
{
    (void)state;
    check_ten_train(folder);
    fv_dataset *dataset = open_good(folder, FV_SPLIT_TEST);
    assert_int_equal(fv_dataset_count(dataset), 2);
    assert_int_equal(fv_dataset_label(dataset, 0), 6);
    fv_dataset_destroy(dataset);
}

static void a_folder_of_a_hundred(void **state)
{
    (void)state;
    fv_dataset *dataset = open_good(folder, FV_SPLIT_TRAIN);
    assert_int_equal(fv_dataset_classes(dataset), 100);
    assert_int_equal(fv_dataset_label(dataset, 0), 99);
    assert_string_equal(fv_dataset_class_name(dataset, 99), "99"); /* no names file: numbers */
    assert_int_equal(fv_dataset_image(dataset, 1)[1024], 4);
    fv_dataset_destroy(dataset);
    expect_failure(folder, FV_SPLIT_TEST, FV_ERR_NOT_FOUND, "test.bin");
}

static void damage_is_told(void **state)
{
    (void)state;
    unsigned char records[2 * TEN + 1] = { 0 };
    fill_record(records, -1, 1);
    fill_record(records + TEN, -1, 10);
    test_file_write(folder, "data_batch_3.bin", records, 2 * TEN);
    expect_failure(folder, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "data_batch_3.bin: label 10 at offset 3073, expected 0 to 9");
    test_file_write(folder, "data_batch_3.bin", records, 2 * TEN - 1);
    expect_failure(folder, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "data_batch_3.bin: 6145 bytes are not whole records of 3073");
    test_file_write(folder, "data_batch_3.bin", records, 2 * TEN + 1);
    expect_failure(folder, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "truncated or oversized");
    test_file_write(folder, "data_batch_3.bin", records, 0);
    expect_failure(folder, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "data_batch_3.bin: 0 bytes");
    char path[TEST_PATH];
    test_path(path, folder, "data_batch_3.bin");
    remove(path);
    expect_failure(folder, FV_SPLIT_TRAIN, FV_ERR_NOT_FOUND, "data_batch_3.bin");
}

static void damage_of_a_hundred_is_told(void **state)
{
    (void)state;
    unsigned char record[HUNDRED];
    fill_record(record, 20, 5);
    test_file_write(folder, "train.bin", record, sizeof record);
    expect_failure(folder, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "coarse label 20 at offset 0, expected 0 to 19");
    fill_record(record, 2, 100);
    test_file_write(folder, "train.bin", record, sizeof record);
    expect_failure(folder, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "label 100 at offset 1, expected 0 to 99");
}

#ifdef FVI_HAVE_ARCHIVE
/* The files of `folder` as the published archive lays them out, the batches in reverse. */
static void pack(const char *name)
{
    static const char *const files[] = { "test_batch.bin",   "data_batch_5.bin", "data_batch_4.bin", "data_batch_3.bin",
                                         "data_batch_2.bin", "data_batch_1.bin", "batches.meta.txt" };
    char path[TEST_PATH];
    struct archive *archive = archive_write_new();
    archive_write_add_filter_gzip(archive);
    archive_write_set_format_ustar(archive);
    test_path(path, folder, name);
    assert_int_equal(archive_write_open_filename(archive, path), ARCHIVE_OK);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char entry_name[64];
        size_t size = 0;
        unsigned char *bytes = test_file_read(folder, files[i], &size);
        struct archive_entry *entry = archive_entry_new();
        snprintf(entry_name, sizeof entry_name, "cifar-10-batches-bin/%s", files[i]);
        archive_entry_set_pathname(entry, entry_name);
        archive_entry_set_size(entry, (la_int64_t)size);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0644);
        assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
        assert_int_equal(archive_write_data(archive, bytes, size), size);
        archive_entry_free(entry);
        free(bytes);
    }
    assert_int_equal(archive_write_free(archive), ARCHIVE_OK);
}
#endif

static void an_archive(void **state)
{
    (void)state;
    char path[TEST_PATH];
    test_path(path, folder, "set.tar.gz");
#ifdef FVI_HAVE_ARCHIVE
    pack("set.tar.gz");
    check_ten_train(path);
    size_t size = 0;
    unsigned char *bytes = test_file_read(folder, "set.tar.gz", &size);
    for (size_t cut = 1; cut < size; cut += 7) {
        fv_dataset *dataset = NULL;
        test_file_write(folder, "set.tar.gz", bytes, cut);
        const fv_status status = fv_dataset_open(&dataset, context, path, FV_SPLIT_TRAIN);
        if (status == FV_OK) /* cut behind the last entry that matters */
            assert_int_equal(fv_dataset_count(dataset), 10);
        else
            assert_true(status == FV_ERR_FORMAT || status == FV_ERR_NOT_FOUND);
        fv_dataset_destroy(dataset);
    }
    test_file_write(folder, "set.tar.gz", bytes, size / 2);
    expect_failure(path, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "truncated");
    free(bytes);
    static const char page[] = "<html>moved</html>";
    test_file_write(folder, "set.tar.gz", page, sizeof page - 1);
    expect_failure(path, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "looks like an HTML page");
    test_file_write(folder, "set.tar.gz", "nothing", 7);
    expect_failure(path, FV_SPLIT_TRAIN, FV_ERR_FORMAT, "no .tar.gz");
#else
    test_file_write(folder, "set.tar.gz", "any", 3);
    expect_failure(path, FV_SPLIT_TRAIN, FV_ERR_UNSUPPORTED, "no libarchive");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_of_ten, make_ten, remove_folder),
        cmocka_unit_test_setup_teardown(a_folder_of_a_hundred, make_hundred, remove_folder),
        cmocka_unit_test_setup_teardown(damage_is_told, make_ten, remove_folder),
        cmocka_unit_test_setup_teardown(damage_of_a_hundred_is_told, make_hundred, remove_folder),
        cmocka_unit_test_setup_teardown(an_archive, make_ten, remove_folder),
    };
    if (fv_context_create(&context, &(fv_context_options){ .threads = 1 }) != FV_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fv_context_destroy(context);
    return failed;
}
