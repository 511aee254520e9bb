/* SPDX-License-Identifier: Apache-2.0
 *
 * idx_test.c - IDX files, plain and gzip, and each way in which they can be wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef FVI_HAVE_ZLIB
#include <zlib.h>
#endif

#include "fovea/dataset.h"
#include "support/files.h"
#include "support/test.h"

static fv_context *context;
static char folder[TEST_PATH];

#define IMAGES "train-images-idx3-ubyte"
#define LABELS "train-labels-idx1-ubyte"

/* Three images of 2x2 and their labels. */
static const unsigned char good_images[] = { 0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2,  0,  0,
                                             0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
static const unsigned char good_labels[] = { 0, 0, 8, 1, 0, 0, 0, 3, 9, 0, 4 };

static int fresh_folder(void **state)
{
    (void)state;
    test_folder_make(folder);
    test_file_write(folder, IMAGES, good_images, sizeof good_images);
    test_file_write(folder, LABELS, good_labels, sizeof good_labels);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

static void expect_failure(fv_status expected, const char *file, const char *words)
{
    fv_dataset *dataset = NULL;
    const fv_status status = fv_dataset_open(&dataset, context, folder, FV_SPLIT_TRAIN);
    const char *message = fv_context_message(context);
    assert_null(dataset);
    if (status != expected || strstr(message, file) == NULL || strstr(message, words) == NULL)
        fail_msg("status %s, message '%s'; expected '%s'", fv_status_name(status), message, words);
}

static void expect_good(void)
{
    fv_dataset *dataset = NULL;
    if (fv_dataset_open(&dataset, context, folder, FV_SPLIT_TRAIN) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    assert_int_equal(fv_dataset_count(dataset), 3);
    assert_int_equal(fv_dataset_classes(dataset), 10);
    assert_memory_equal(fv_dataset_image(dataset, 1), good_images + 20, 4);
    assert_int_equal(fv_dataset_label(dataset, 0), 9);
    assert_int_equal(fv_dataset_label(dataset, 2), 4);
    fv_dataset_destroy(dataset);
}

static void a_plain_folder_is_read(void **state)
{
    (void)state;
    expect_good();
}

static void a_truncated_file_is_told_at_every_length(void **state)
{
    (void)state;
    for (size_t size = 0; size < sizeof good_images; size++) {
        test_file_write(folder, IMAGES, good_images, size);
        expect_failure(FV_ERR_FORMAT, IMAGES, size == 0 ? "empty" : "truncated");
    }
    test_file_write(folder, IMAGES, good_images, sizeof good_images);
    for (size_t size = 1; size < sizeof good_labels; size++) {
        test_file_write(folder, LABELS, good_labels, size);
        expect_failure(FV_ERR_FORMAT, LABELS, "truncated");
    }
}

static void an_oversized_file_is_told(void **state)
{
    (void)state;
    unsigned char longer[sizeof good_images + 1] = { 0 };
    memcpy(longer, good_images, sizeof good_images);
    test_file_write(folder, IMAGES, longer, sizeof longer);
    expect_failure(FV_ERR_FORMAT, IMAGES, "oversized: it goes on behind offset 28");
}

/* One byte changed; what the message must say. */
static void change_byte(const char *name, size_t offset, unsigned char value, const char *words)
{
    unsigned char bytes[64];
    const bool images = strcmp(name, IMAGES) == 0;
    const size_t size = images ? sizeof good_images : sizeof good_labels;
    memcpy(bytes, images ? good_images : good_labels, size);
    bytes[offset] = value;
    test_file_write(folder, name, bytes, size);
    expect_failure(FV_ERR_FORMAT, name, words);
    test_file_write(folder, name, images ? good_images : good_labels, size);
}

static void wrong_headers_are_told(void **state)
{
    (void)state;
    change_byte(IMAGES, 3, 1, "wrong magic number 0x00000801 at offset 0, expected 0x00000803");
    change_byte(LABELS, 3, 3, "wrong magic number 0x00000803 at offset 0, expected 0x00000801");
    change_byte(IMAGES, 7, 0, "count is 0 at offset 4");
    change_byte(IMAGES, 11, 0, "rows is 0 at offset 8");
    change_byte(IMAGES, 15, 0, "columns is 0 at offset 12");
    change_byte(IMAGES, 9, 1, "rows is 65538 at offset 8, expected 1 to 65535");
    change_byte(IMAGES, 4, 255, "count is 4278190083 at offset 4");
    change_byte(IMAGES, 4, 1, "its header promises 67108876 bytes");
    change_byte(LABELS, 7, 2, "2 labels (offset 4), but the images beside it are 3");
    change_byte(LABELS, 9, 10, "label 10 at offset 9 (sample 1), expected 0 to 9");
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    char path[TEST_PATH];
    test_path(path, folder, LABELS);
    unlink(path);
    expect_failure(FV_ERR_NOT_FOUND, folder, LABELS);
}

static void an_unreadable_file_is_told(void **state)
{
    (void)state;
    char path[TEST_PATH];
    test_path(path, folder, LABELS);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0); /* holds for the superuser too, unlike a mode of 0 */
    expect_failure(FV_ERR_IO, LABELS, "not a regular file");
    rmdir(path);
    assert_int_equal(symlink(LABELS, path), 0); /* to itself: cannot be opened by anybody */
    expect_failure(FV_ERR_NOT_FOUND, folder, LABELS);
}

static void an_html_page_is_recognised(void **state)
{
    (void)state;
    static const char page[] = "\n<!DOCTYPE html>\n<html><body>404 Not Found</body></html>";
    test_file_write(folder, IMAGES ".gz", page, sizeof page - 1);
    expect_failure(FV_ERR_FORMAT, IMAGES ".gz", "looks like an HTML page: the download failed?");
    test_file_write(folder, IMAGES ".gz", good_images, sizeof good_images);
    expect_failure(FV_ERR_FORMAT, IMAGES ".gz", "is not gzip: it begins with bytes 00 00");
}

#ifdef FVI_HAVE_ZLIB
static unsigned char *pack(size_t *size)
{
    char path[TEST_PATH];
    test_path(path, folder, "packed");
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, good_images, sizeof good_images), sizeof good_images);
    assert_int_equal(gzclose(file), Z_OK);
    return test_file_read(folder, "packed", size);
}
#endif

static void gzip_is_read_and_its_damage_told(void **state)
{
    (void)state;
#ifdef FVI_HAVE_ZLIB
    char path[TEST_PATH];
    size_t size = 0;
    unsigned char *packed = pack(&size);
    test_path(path, folder, IMAGES);
    unlink(path);
    test_file_write(folder, IMAGES ".gz", packed, size);
    expect_good();
    for (size_t cut = 2; cut < size; cut++) {
        test_file_write(folder, IMAGES ".gz", packed, cut);
        expect_failure(FV_ERR_FORMAT, IMAGES ".gz", "truncated");
    }
    packed[size - 6] ^= 1; /* of the CRC */
    test_file_write(folder, IMAGES ".gz", packed, size);
    expect_failure(FV_ERR_FORMAT, IMAGES ".gz", "damaged gzip");
    free(packed);
#else
    const unsigned char packed[] = { 0x1F, 0x8B, 8, 0 };
    test_file_write(folder, IMAGES ".gz", packed, sizeof packed);
    expect_failure(FV_ERR_UNSUPPORTED, IMAGES ".gz", "no zlib");
#endif
}

static void any_changed_byte_gives_a_status(void **state)
{
    (void)state;
    unsigned char bytes[sizeof good_images];
    for (size_t i = 0; i < 16; i++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(bytes, good_images, sizeof bytes);
            bytes[i] ^= (unsigned char)(1 << bit);
            test_file_write(folder, IMAGES, bytes, sizeof bytes);
            expect_failure(FV_ERR_FORMAT, "", "'"); /* every bit of the header matters */
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_plain_folder_is_read, fresh_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_truncated_file_is_told_at_every_length, fresh_folder, remove_folder),
        cmocka_unit_test_setup_teardown(an_oversized_file_is_told, fresh_folder, remove_folder),
        cmocka_unit_test_setup_teardown(wrong_headers_are_told, fresh_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_missing_file_is_named, fresh_folder, remove_folder),
        cmocka_unit_test_setup_teardown(an_unreadable_file_is_told, fresh_folder, remove_folder),
        cmocka_unit_test_setup_teardown(an_html_page_is_recognised, fresh_folder, remove_folder),
        cmocka_unit_test_setup_teardown(gzip_is_read_and_its_damage_told, fresh_folder, remove_folder),
        cmocka_unit_test_setup_teardown(any_changed_byte_gives_a_status, fresh_folder, remove_folder),
    };
    if (fv_context_create(&context, &(fv_context_options){ .threads = 1 }) != FV_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fv_context_destroy(context);
    return failed;
}
