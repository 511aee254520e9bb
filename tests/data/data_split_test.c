/* SPDX-License-Identifier: Apache-2.0
 *
 * data_split_test.c - parts on disk: manifests of files, packs of what has none, and never the same pixels in two of them.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fovea/data_check.h"
#include "fovea/data_split.h"
#include "support/allocator.h"
#include "support/files.h"
#include "support/sets.h"
#include "support/test.h"

static fv_context *context;
static char folder[TEST_PATH], set[TEST_PATH], to[TEST_PATH];
static fv_data_split_report report;

static void make_folder(const char *name)
{
    char path[TEST_PATH];
    test_path(path, folder, name);
    assert_int_equal(mkdir(path, 0777), 0);
}

/* An image of one grey above another. */
static void write_image(const char *name, int value)
{
    char bytes[64];
    const int length = snprintf(bytes, sizeof bytes, "P2 1 2 255\n%d %d\n", value & 255, value >> 8);
    test_file_write(folder, name, bytes, (size_t)length);
}

/* Two classes of 40, of which every fifth is like the one before; one file is damaged. */
static int set_up(void **state)
{
    (void)state;
    test_folder_make(folder);
    test_path(set, folder, "set");
    test_path(to, folder, "to");
    make_folder("set");
    make_folder("set/ant");
    make_folder("set/bee, or \"wasp\"");
    for (int i = 0; i < 80; i++) {
        char name[64];
        snprintf(name, sizeof name, "set/%s/%02d.pgm", i < 40 ? "ant" : "bee, or \"wasp\"", i);
        write_image(name, i % 5 == 4 ? i - 1 : i);
    }
    test_file_write(folder, "set/ant/bad.pgm", "P5 2 2 255\n1", 12);
    return fv_context_create(&context, &(fv_context_options){ .threads = 1 }) == FV_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fv_context_destroy(context);
    test_folder_remove(folder);
    return 0;
}

static void split(const char *where, const double share[3])
{
    const fv_data_split_options options = { .share = { share[0], share[1], share[2] }, .seed = 2 };
    if (fv_data_split(context, where, to, &options, &report) != FV_OK)
        fail_msg("%s", fv_context_message(context));
}

static void expect_failure(const char *where, const double share[3], fv_status expected, const char *message)
{
    const fv_data_split_options options = { .share = { share[0], share[1], share[2] } };
    const fv_status status = fv_data_split(context, where, to, &options, &report);
    if (status != expected || strstr(fv_context_message(context), message) == NULL)
        fail_msg("status %s, message '%s'; expected '%s'", fv_status_name(status), fv_context_message(context),
                 message);
}

/* What is in the parts, and that nothing is in two of them. */
static void expect_parts(int64_t train, int64_t test, int64_t val, int64_t duplicates)
{
    fv_data_check check;
    if (fv_data_check_run(context, report.path, NULL, NULL, &check) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    assert_true(check.samples[0] == train && check.samples[1] == test && check.samples[2] == val);
    assert_int_equal(check.count[FV_DATA_LEAKED], 0);
    assert_int_equal(check.count[FV_DATA_DUPLICATE], duplicates);
    assert_int_equal(check.classes, 2);
    assert_string_equal(fv_dataset_class_name(check.split[0], 1), "bee, or \"wasp\"");
    for (int s = 0; s < 3; s++)
        if (check.split[s] != NULL)
            assert_int_equal(check.histogram[s][0], check.histogram[s][1]);
    fv_data_check_release(&check);
}

FV_TEST(data_split, files_become_manifests)
{
    split(set, (const double[]){ 0.8, 0.1, 0.1 });
    assert_true(report.manifests && report.equal == 16 && report.unreadable == 1 && report.rest == 0);
    assert_int_equal(report.samples[0] + report.samples[1] + report.samples[2], 80);
    expect_parts(report.samples[0], report.samples[1], report.samples[2], 16);
    assert_in_range(report.samples[1], 6, 10);
    expect_failure(set, (const double[]){ 0.8, 0.1, 0.1 }, FV_ERR_IO, "train.csv' is there already");
}

FV_TEST(data_split, packs_of_anything)
{
    char pack[TEST_PATH];
    test_path(to, folder, "parts.pack");
    split(set, (const double[]){ 0.5, 0, 0.25 });
    assert_true(!report.manifests && report.rest == 20);
    assert_true(report.samples[0] == 40 && report.samples[2] == 20);
    memcpy(pack, to, sizeof pack);
    test_path(to, folder, "again"); /* a pack has no files: its parts are one */
    split(pack, (const double[]){ 0.5, 0, 0 });
    assert_non_null(strstr(report.path, "again/data.pack"));
    assert_true(report.carried[2] > 0 && report.carried[2] == report.samples[2]);
    fv_dataset *opened = test_set_open(context, to, FV_SPLIT_TRAIN); /* by the folder's name */
    assert_int_equal(fv_dataset_count(opened), report.samples[0]);
    fv_dataset_destroy(opened);
}

FV_TEST(data_split, what_is_in_a_split_that_stays_is_left_out)
{
    char parted[TEST_PATH];
    test_path(parted, folder, "parted");
    make_folder("parted");
    make_folder("parted/train");
    make_folder("parted/test");
    for (int c = 0; c < 2; c++) {
        char name[64];
        snprintf(name, sizeof name, "parted/train/%d", c);
        make_folder(name);
        snprintf(name, sizeof name, "parted/test/%d", c);
        make_folder(name);
        for (int i = 0; i < 10; i++) {
            snprintf(name, sizeof name, "parted/%s/%d/%d.pgm", i < 7 ? "train" : "test", c, i);
            write_image(name, 100 * c + (i == 7 ? 0 : i)); /* the eighth is the first */
        }
    }
    split(parted, (const double[]){ 0.5, 0, 0.5 });
    assert_true(report.leaked == 2 && report.carried[1] == 6 && report.samples[1] == 6);
    assert_true(report.samples[0] == 6 && report.samples[2] == 6);
}

FV_TEST(data_split, bad_shares_are_told)
{
    expect_failure(set, (const double[]){ 0.8, 0.3, 0 }, FV_ERR_ARGUMENT, "1.1 together");
    expect_failure(set, (const double[]){ 0, 0.3, 0 }, FV_ERR_ARGUMENT, "no share to train on");
    expect_failure(set, (const double[]){ 0.5, -1, 0 }, FV_ERR_ARGUMENT, "the share of test is -1");
    expect_failure(set, (const double[]){ 0.99, 0, 0.001 }, FV_ERR_ARGUMENT, "the part val would have no sample");
    test_file_write(folder, "file", "", 0);
    test_path(to, folder, "file");
    expect_failure(set, (const double[]){ 1, 0, 0 }, FV_ERR_IO, "is not a folder");
}

FV_TEST(data_split, memory_runs_out)
{
    test_allocator allocator;
    fv_context *little = NULL;
    test_allocator_reset(&allocator);
    const fv_context_options options = { .threads = 1, .allocator = test_allocator_callbacks(&allocator) };
    const fv_data_split_options shares = { .share = { 0.8, 0, 0.2 } };
    assert_int_equal(fv_context_create(&little, &options), FV_OK);
    const long long before = atomic_load(&allocator.live);
    fv_status status = FV_ERR_MEMORY;
    for (long long k = 0; status != FV_OK; k += 1 + k / 20) {
        test_allocator_fail_after(&allocator, k);
        status = fv_data_split(little, set, to, &shares, &report);
        test_allocator_succeed(&allocator);
        assert_int_equal(atomic_load(&allocator.live), before);
        if (status != FV_OK && access(to, F_OK) == 0)
            assert_int_equal(test_file_count(to), 0); /* no part without the others */
    }
    fv_context_destroy(little);
}

int main(void)
{
#define SPLIT_TEST(name) cmocka_unit_test_setup_teardown(data_split_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SPLIT_TEST(files_become_manifests),
        SPLIT_TEST(packs_of_anything),
        SPLIT_TEST(what_is_in_a_split_that_stays_is_left_out),
        SPLIT_TEST(bad_shares_are_told),
        SPLIT_TEST(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
