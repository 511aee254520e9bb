/* SPDX-License-Identifier: Apache-2.0
 *
 * get_test.c - downloads from a server on this machine, and everything that is wrong with servers, disks and files.
 */
#include "data/get/get.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/md5.h"
#include "data/get/download.h"
#include "support/files.h"
#include "support/server.h"
#include "support/tar.h"
#include "support/test.h"

enum { SIZE = 40000 };

static fv_context *context;
static char folder[TEST_PATH], set_folder[TEST_PATH], warnings[4096], sum[33];
static unsigned char bytes[SIZE];
static test_server server;
static fvi_published set;
static fv_data_get_report report;
static uint64_t stop_at;

static void take_log(void *user, fv_log_level level, const char *message)
{
    (void)user;
    if (level == FV_LOG_WARNING)
        snprintf(warnings + strlen(warnings), sizeof warnings - strlen(warnings), "%s\n", message);
}

static void sum_of(const void *content, size_t size, char text[33])
{
    fvi_md5 state = fvi_md5_start();
    fvi_md5_update(&state, content, size);
    fvi_md5_finish(&state, text);
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (unsigned char)(i * i >> 5);
    sum_of(bytes, SIZE, sum);
    test_folder_make(folder);
    test_path(set_folder, folder, "set");
    warnings[0] = '\0';
    stop_at = UINT64_MAX;
    set = (fvi_published){ .name = "set", .folder = "set", .files = { { "file.bin", sum, NULL } } };
    return fv_context_create(&context, &(fv_context_options){ .threads = 1, .log = take_log }) == FV_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    fv_context_destroy(context);
    test_folder_remove(folder);
    return 0;
}

static void needs_curl(void)
{
#ifndef FVI_HAVE_CURL
    test_skip("this build has no libcurl");
#endif
}

static bool stop(void *user, const fv_data_get_progress *now)
{
    (void)user;
    return now->action != FV_GET_DOWNLOAD || now->done < stop_at;
}

/* Downloads the set from the server's folders /a/ and /b/. */
static fv_status get(test_page *pages, bool overwrite)
{
    char first[128], second[128];
    needs_curl();
    test_server_start(&server, pages);
    snprintf(first, sizeof first, "%s/a/", server.address);
    snprintf(second, sizeof second, "%s/b/", server.address);
    set.addresses[0] = first;
    set.addresses[1] = second;
    const fv_data_get_options options = { .to = folder, .overwrite = overwrite, .progress = stop };
    const fv_status status = fvi_data_get_set(context, &set, &options, &report);
    test_server_stop(&server);
    return status;
}

static void expect_good(test_page *pages, bool overwrite)
{
    size_t size = 0;
    if (get(pages, overwrite) != FV_OK)
        fail_msg("%s", fv_context_message(context));
    unsigned char *found = test_file_read(set_folder, "file.bin", &size);
    assert_int_equal(size, SIZE);
    assert_memory_equal(found, bytes, SIZE);
    free(found);
    assert_int_equal(test_file_count(set_folder), 1); /* no partial file */
}

static void expect_failure(test_page *pages, fv_status expected, const char *words)
{
    const fv_status status = get(pages, false);
    if (status != expected || strstr(fv_context_message(context), words) == NULL)
        fail_msg("status %s, message '%s'; expected '%s'", fv_status_name(status), fv_context_message(context), words);
}

static void expect_partial(size_t wanted)
{
    size_t size = 0;
    unsigned char *found = test_file_read(set_folder, "file.bin.partial", &size);
    assert_int_equal(size, wanted);
    assert_memory_equal(found, bytes, wanted);
    free(found);
}

static void make_set_folder(void)
{
    assert_int_equal(mkdir(set_folder, 0777), 0);
}

FV_TEST(get, a_file_comes_once)
{
    test_page pages[] = { { .path = "/a/file.bin", .bytes = bytes, .size = SIZE }, { .path = NULL } };
    expect_good(pages, false);
    assert_true(report.files == 1 && report.bytes == SIZE && pages[0].requests == 1 && !report.found);
    assert_string_equal(report.folder, set_folder);
    expect_good(pages, false);
    assert_true(report.files == 0 && report.bytes == 0 && pages[0].requests == 1);
    assert_string_equal(warnings, "");
}

FV_TEST(get, goes_on_after_cuts)
{
    test_page pages[] = { { .path = "/a/file.bin", .bytes = bytes, .size = SIZE, .cut = 9000, .cuts = 3 },
                          { .path = NULL } };
    expect_good(pages, false);
    assert_true(pages[0].requests == 4 && pages[0].from == 27000 && report.bytes == SIZE);
}

FV_TEST(get, goes_on_from_a_partial_file)
{
    test_page pages[] = { { .path = "/a/file.bin", .bytes = bytes, .size = SIZE }, { .path = NULL } };
    make_set_folder();
    test_file_write(set_folder, "file.bin.partial", bytes, 777);
    expect_good(pages, false);
    assert_true(pages[0].requests == 1 && pages[0].from == 777 && report.bytes == SIZE - 777);
}

FV_TEST(get, a_whole_partial_file_is_enough)
{
    test_page pages[] = { { .path = "/a/file.bin", .bytes = bytes, .size = SIZE }, { .path = NULL } };
    make_set_folder();
    test_file_write(set_folder, "file.bin.partial", bytes, SIZE);
    expect_good(pages, false);
    assert_true(pages[0].requests == 1 && pages[0].from == SIZE && report.bytes == 0);
}

FV_TEST(get, begins_again_after_a_wrong_beginning)
{
    test_page pages[] = { { .path = "/a/file.bin", .bytes = bytes, .size = SIZE }, { .path = NULL } };
    make_set_folder();
    test_file_write(set_folder, "file.bin.partial", "not the file", 12);
    expect_good(pages, false);
    assert_true(pages[0].requests == 2 && pages[0].from == 0);
}

FV_TEST(get, servers_without_ranges_send_all)
{
    test_page pages[] = { { .path = "/a/file.bin", .bytes = bytes, .size = SIZE, .no_ranges = true },
                          { .path = NULL } };
    make_set_folder();
    test_file_write(set_folder, "file.bin.partial", bytes, 777);
    expect_good(pages, false);
    assert_true(pages[0].requests == 1 && report.bytes == SIZE);
}

FV_TEST(get, another_range_is_not_believed)
{
    test_page pages[] = { { .path = "/a/file.bin", .bytes = bytes, .size = SIZE, .shifted = true }, { .path = NULL } };
    make_set_folder();
    test_file_write(set_folder, "file.bin.partial", bytes, 777);
    expect_good(pages, false);
    assert_true(pages[0].requests == 2 && pages[0].from == 0);
}

FV_TEST(get, redirects_are_followed)
{
    test_page pages[] = {
        { .path = "/a/file.bin", .status = 302, .location = "/c", .bytes = "<html>", .size = 6, .type = "text/html" },
        { .path = "/c", .bytes = bytes, .size = SIZE },
        { .path = NULL }
    };
    expect_good(pages, false);
}

FV_TEST(get, nothing_wrong_is_kept)
{
    char other[SIZE];
    memcpy(other, bytes, SIZE);
    other[SIZE / 2] ^= 1;
    test_page pages[] = { { .path = "/a/file.bin", .bytes = other, .size = SIZE }, { .path = NULL } };
    expect_failure(pages, FV_ERR_IO, "the server answered 404"); /* at the second address */
    assert_non_null(strstr(warnings, "/a/file.bin: it gave 40000 bytes with MD5 "));
    assert_non_null(strstr(warnings, sum));
    assert_int_equal(test_file_count(folder), 0); /* not even a folder */
}

FV_TEST(get, pages_are_recognised)
{
    static const char page[] = "\n <!DOCTYPE html><html>log in</html>";
    test_page pages[] = { { .path = "/a/file.bin", .bytes = page, .size = sizeof page - 1 },
                          { .path = "/b/file.bin", .bytes = bytes, .size = SIZE, .type = "text/html; charset=utf-8" },
                          { .path = NULL } };
    make_set_folder();
    test_file_write(set_folder, "file.bin.partial", bytes, 777);
    pages[0].no_ranges = pages[1].no_ranges = true;
    expect_failure(pages, FV_ERR_IO, "/b/file.bin: the answer is an HTML page and not the file");
    assert_non_null(strstr(warnings, "/a/file.bin: the answer is an HTML page"));
    expect_partial(777);
}

FV_TEST(get, addresses_are_tried_in_turn)
{
    test_page pages[] = { { .path = "/b/file.bin", .bytes = bytes, .size = SIZE }, { .path = NULL } };
    expect_good(pages, false);
    assert_non_null(strstr(warnings, "/a/file.bin: the server answered 404, there is no such file; trying http://"));
}

FV_TEST(get, own_mirror_comes_first)
{
    test_page pages[] = { { .path = "/a/file.bin", .bytes = bytes, .size = SIZE }, { .path = NULL } };
    char mirror[TEST_PATH];
    test_folder_make(mirror);
    test_file_write(mirror, "file.bin", bytes, SIZE);
    setenv("FOVEA_MIRROR", mirror, 1);
    expect_good(pages, false);
    setenv("FOVEA_MIRROR", "nowhere", 1);
    assert_int_equal(get(pages, false), FV_ERR_NOT_FOUND);
    unsetenv("FOVEA_MIRROR");
    test_folder_remove(mirror);
    assert_int_equal(pages[0].requests, 0);
}

FV_TEST(get, unreachable_says_what_to_do)
{
    test_page pages[] = { { .path = NULL } };
    needs_curl();
    test_server_start(&server, pages);
    test_server_stop(&server); /* nobody listens there now */
    char address[128], expected[256];
    snprintf(address, sizeof address, "%s/", server.address);
    set.addresses[0] = address;
    const fv_data_get_options options = { .to = folder };
    assert_int_equal(fvi_data_get_set(context, &set, &options, &report), FV_ERR_IO);
    snprintf(expected, sizeof expected, "By hand: download %sfile.bin, put it at ", address);
    assert_non_null(strstr(fv_context_message(context), expected));
    assert_non_null(strstr(fv_context_message(context), "set/file.bin and run this again"));
    assert_int_equal(test_file_count(folder), 0); /* not even a folder */
}

FV_TEST(get, an_interruption_keeps_what_came)
{
    test_page pages[] = { { .path = "/a/file.bin", .bytes = bytes, .size = SIZE, .cut = 9000, .cuts = 1 },
                          { .path = NULL } };
    size_t size = 0;
    stop_at = 9000;
    expect_failure(pages, FV_ERR_INTERRUPTED, "run this again to go on from there");
    free(test_file_read(set_folder, "file.bin.partial", &size));
    assert_in_range(size, 9000, SIZE);
    stop_at = UINT64_MAX;
    expect_good(pages, false);
}

FV_TEST(get, a_full_disk_keeps_what_came)
{
    test_page pages[] = { { .path = "/a/file.bin", .bytes = bytes, .size = SIZE }, { .path = NULL } };
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit little = { 5000, before.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    const fv_status status = get(pages, false);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, FV_ERR_IO);
    assert_non_null(strstr(fv_context_message(context), "make room and run this again"));
    expect_partial(5000);
    expect_good(pages, false);
    assert_int_equal(pages[0].from, 5000);
}

FV_TEST(get, strangers_are_not_replaced_unasked)
{
    test_page pages[] = { { .path = "/a/file.bin", .bytes = bytes, .size = SIZE }, { .path = NULL } };
    make_set_folder();
    test_file_write(set_folder, "file.bin", "mine", 4);
    expect_failure(pages, FV_ERR_FORMAT, "not what was published: its MD5 is ");
    test_file_write(set_folder, "file.bin", "<html>404</html>", 16);
    expect_failure(pages, FV_ERR_FORMAT, "an HTML page, from a download that failed");
    assert_int_equal(pages[0].requests, 0);
    expect_good(pages, true);
}

FV_TEST(get, archives_are_unpacked)
{
#ifndef FVI_HAVE_ARCHIVE
    test_skip("this build has no libarchive");
#endif
    static test_tar tar;
    char other[33];
    size_t size = 0;
    tar.size = 0;
    test_tar_add(&tar, "some/train.bin", '0', "12345", 5);
    test_tar_add(&tar, "../../evil.bin", '0', "no", 2);
    test_tar_add(&tar, "names.txt", '0', "a\nb\n", 4);
    memset(tar.bytes + tar.size, 0, 1024);
    sum_of(tar.bytes, tar.size + 1024, other);
    set.files[0] = (fvi_published_file){ "set.tar", other, NULL };
    set.members[0] = "train.bin";
    set.members[1] = "names.txt";
    test_page pages[] = { { .path = "/a/set.tar", .bytes = tar.bytes, .size = tar.size + 1024 }, { .path = NULL } };
    for (int round = 0; round < 2; round++) {
        if (get(pages, false) != FV_OK)
            fail_msg("%s", fv_context_message(context));
        unsigned char *found = test_file_read(set_folder, "train.bin", &size);
        assert_true(size == 5 && memcmp(found, "12345", 5) == 0 && pages[0].requests == 1);
        free(found);
        assert_int_equal(test_file_count(set_folder), 3); /* with checksums.md5 */
        assert_int_equal(test_file_count(folder), 1);     /* the archive is gone */
    }
    test_file_write(set_folder, "train.bin", "12346", 5);
    expect_failure(pages, FV_ERR_FORMAT, "is not what was unpacked");
    assert_int_equal(get(pages, true), FV_OK);
    assert_int_equal(pages[0].requests, 2);
    char sums[TEST_PATH];
    test_path(sums, set_folder, FVI_UNPACK_SUMS);
    assert_int_equal(unlink(sums), 0);
    expect_failure(pages, FV_ERR_FORMAT, "no checksums.md5 tells whether");
    set.members[2] = "absent.bin";
    assert_int_equal(get(pages, true), FV_ERR_FORMAT);
    assert_non_null(strstr(fv_context_message(context), "holds no absent.bin"));
}

FV_TEST(get, names_are_known)
{
    int count = 0;
    for (; fv_data_get_name(count) != NULL; count++)
        ;
    assert_int_equal(count, 4);
    assert_int_equal(fv_data_get(context, "cifar10", NULL, &report), FV_ERR_NOT_FOUND);
    assert_non_null(strstr(fv_context_message(context), "did you mean 'cifar-10'?"));
}

int main(void)
{
#define GET_TEST(name) cmocka_unit_test_setup_teardown(get_##name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        GET_TEST(names_are_known),
        GET_TEST(a_file_comes_once),
        GET_TEST(goes_on_after_cuts),
        GET_TEST(goes_on_from_a_partial_file),
        GET_TEST(a_whole_partial_file_is_enough),
        GET_TEST(begins_again_after_a_wrong_beginning),
        GET_TEST(servers_without_ranges_send_all),
        GET_TEST(another_range_is_not_believed),
        GET_TEST(redirects_are_followed),
        GET_TEST(nothing_wrong_is_kept),
        GET_TEST(pages_are_recognised),
        GET_TEST(addresses_are_tried_in_turn),
        GET_TEST(own_mirror_comes_first),
        GET_TEST(unreachable_says_what_to_do),
        GET_TEST(an_interruption_keeps_what_came),
        GET_TEST(a_full_disk_keeps_what_came),
        GET_TEST(strangers_are_not_replaced_unasked),
        GET_TEST(archives_are_unpacked),
    };
    setenv("no_proxy", "*", 1);
    unsetenv("FOVEA_MIRROR");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
