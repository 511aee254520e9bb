/* SPDX-License-Identifier: Apache-2.0
 *
 * event_file_test.c - event files byte for byte, read back by a reader of the test's own, and going on with them.
 */
#include <math.h>
#include <string.h>

#include "fovea/events.h"
#include "interchange/crc32c.h"
#include "interchange/event_record.h"
#include "support/allocator.h"
#include "support/events.h"
#include "support/files.h"
#include "support/test.h"

static char folder[TEST_PATH];
static test_event told[TEST_MOST_EVENTS];

static fv_context *open_context(void)
{
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    return context;
}

FV_TEST(event_file, checksums_are_those_of_rfc_3720)
{
    unsigned char bytes[32] = { 0 };
    assert_int_equal(fvi_crc32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(fvi_crc32c(0, bytes, sizeof bytes), 0x8A9136AA);
    memset(bytes, 0xFF, sizeof bytes);
    assert_int_equal(fvi_crc32c(0, bytes, sizeof bytes), 0x62A8AB43);
    for (unsigned char i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(fvi_crc32c(0, bytes, sizeof bytes), 0x46DD794E);
    assert_int_equal(fvi_crc32c(fvi_crc32c(0, "1234", 4), "56789", 5), 0xE3069283);
}

/* {wall_time: 1, step: 300, summary: {value: {tag: "a", simple_value: 0.5}}}, written out by hand. */
FV_TEST(event_file, a_record_has_these_bytes)
{
    static const unsigned char expected[] = { 0x18, 0,    0,    0, 0,    0, 0,   0,    0,    0, 0, 0, /* head */
                                              0x09, 0,    0,    0, 0,    0, 0,   0xF0, 0x3F,          /* 1.0 */
                                              0x10, 0xAC, 2,                                          /* 300 */
                                              0x2A, 0x0A, 0x0A, 8, 0x0A, 1, 'a', 0x15, 0,    0, 0, 0x3F };
    fv_context *context = open_context();
    fvi_bytes summary = { .context = context }, file = { .context = context };
    char tag[FVI_RECORD_TAG];
    fvi_summary_scalar(&summary, "a", 0.5f);
    fvi_record_summary(&file, 1, 300, &summary);
    assert_int_equal(file.used, sizeof expected + 4);
    assert_memory_equal(file.bytes, expected, 8);
    assert_memory_equal(file.bytes + 12, expected + 12, sizeof expected - 12);
    assert_int_equal(fvi_record_length(file.bytes), 0x18);
    assert_true(fvi_record_whole(file.bytes + 12, 0x18));
    assert_int_equal(fvi_record_step(file.bytes + 12, 0x18, tag), 300);
    assert_string_equal(tag, "a");
    file.bytes[20] ^= 1;
    assert_false(fvi_record_whole(file.bytes + 12, 0x18));
    file.bytes[0] ^= 1;
    assert_true(fvi_record_length(file.bytes) == UINT64_MAX);
    fvi_bytes_release(&summary);
    fvi_bytes_release(&file);
    fv_context_destroy(context);
}

FV_TEST(event_file, buckets_of_histograms)
{
    static fvi_histogram histogram;
    const float values[] = { 0, 1, 1.24f, 1.25f, -1, -3, 1e-20f, 1e30f, INFINITY, NAN, -0.0f };
    memset(&histogram, 0, sizeof histogram);
    fvi_histogram_add(&histogram, values, 11);
    assert_true(histogram.count == 9 && histogram.least == -3 && histogram.most == (double)1e30f);
    for (int32_t i = 0; i < FVI_HISTOGRAM_BUCKETS; i++) {
        const double low = i > 0 ? fvi_histogram_limit(i - 1) : -INFINITY, high = fvi_histogram_limit(i);
        uint32_t inside = 0;
        assert_true(low < high);
        for (int k = 0; k < 11; k++) {
            const double value = (double)values[k], most = fvi_histogram_limit(FVI_HISTOGRAM_BUCKETS - 1);
            const bool last = i == FVI_HISTOGRAM_BUCKETS - 1 && value > most && isfinite(value);
            inside += last || (value >= 0 ? value >= low && value < high : value > low && value <= high);
        }
        assert_int_equal(histogram.bucket[i], inside);
    }
}

static int tell(fv_events *events, int64_t first, int64_t last)
{
    for (int64_t step = first; step <= last; step++) {
        assert_int_equal(fv_events_scalar(events, "loss/step", step, 1.0 / (double)step), FV_OK);
        assert_int_equal(fv_events_scalar(events, "rate", step, 0.25), FV_OK);
    }
    return (int)(2 * (last - first + 1));
}

/* Every step once, in order, beside versions and starts. */
static void expect_steps(int64_t last)
{
    int64_t expected = 1;
    const int count = test_events_read(folder, told);
    for (int i = 0; i < count; i++) {
        if (told[i].field <= 0)
            continue;
        assert_int_equal(told[i].step, expected);
        assert_true(told[i].number == (told[i].tag[0] == 'l' ? (double)(float)(1.0 / (double)expected) : 0.25));
        expected += told[i].tag[0] == 'r';
    }
    assert_int_equal(expected, last + 1);
}

FV_TEST(event_file, goes_on_without_telling_a_step_twice)
{
    static const float values[] = { -1, 0.5f, 2 };
    fv_context *context = open_context();
    fv_events *events = NULL;
    test_folder_make(folder);
    assert_int_equal(fv_events_open(&events, context, folder, 0), FV_OK);
    const int count = tell(events, 1, 20);
    assert_int_equal(fv_events_histogram(events, "values/w", 20, values, 3), FV_OK);
    fv_events_close(events);
    assert_int_equal(test_events_read(folder, told), 2 + count + 1);
    assert_true(told[0].field == -1 && told[1].field == 0 && told[1].step == 1);
    assert_string_equal(told[42].tag, "values/w");
    assert_true(told[42].count == 3 && told[42].least == -1 && told[42].most == 2);
    assert_int_equal(fv_events_open(&events, context, folder, 12), FV_OK); /* back to 12 */
    tell(events, 13, 17);
    fv_events_close(events);
    expect_steps(17);
    assert_int_equal(test_events_files(folder), 2);
    assert_int_equal(fv_events_open(&events, context, folder, 12), FV_OK); /* the second file has nothing left */
    tell(events, 13, 15);
    fv_events_close(events);
    expect_steps(15);
    assert_int_equal(test_events_files(folder), 2);
    assert_int_equal(fv_events_open(&events, context, folder, 0), FV_OK);
    tell(events, 1, 2);
    fv_events_close(events);
    expect_steps(2);
    assert_int_equal(test_events_files(folder), 1);
    test_folder_remove(folder);
    fv_context_destroy(context);
}

/* A process that was killed leaves any number of bytes. */
FV_TEST(event_file, half_a_record_goes)
{
    static const char name[] = "events.out.tfevents.1000000000.fovea";
    fv_context *context = open_context();
    fv_events *events = NULL;
    fvi_bytes summary = { .context = context }, file = { .context = context };
    size_t ends[4] = { 0 };
    fvi_record_version(&file, 2e9);
    for (int64_t step = 1; step <= 3; step++) {
        ends[step - 1] = file.used;
        summary.used = 0;
        fvi_summary_scalar(&summary, "loss/step", 1.0f / (float)step);
        fvi_summary_scalar(&summary, "rate", 0.25f);
        fvi_record_summary(&file, 2e9, step, &summary);
    }
    ends[3] = file.used;
    for (size_t cut = ends[1]; cut <= file.used; cut++) {
        const int64_t whole = cut < ends[2] ? 1 : cut < ends[3] ? 2 : 3;
        test_folder_make(folder);
        test_file_write(folder, name, file.bytes, cut);
        assert_int_equal(fv_events_open(&events, context, folder, whole), FV_OK);
        tell(events, whole + 1, 4);
        fv_events_close(events);
        expect_steps(4);
        test_folder_remove(folder);
    }
    fvi_bytes_release(&summary);
    fvi_bytes_release(&file);
    fv_context_destroy(context);
}

FV_TEST(event_file, a_folder_that_is_not_there)
{
    fv_context *context = open_context();
    fv_events *events = NULL;
    assert_int_equal(fv_events_open(&events, context, "no/such/folder", 0), FV_ERR_IO);
    assert_null(events);
    assert_non_null(strstr(fv_context_message(context), "no/such/folder"));
    fv_context_destroy(context);
}

FV_TEST(event_file, short_memory_is_told)
{
    static const uint8_t pixels[4] = { 0, 85, 170, 255 };
    test_folder_make(folder);
    fv_status status = FV_ERR_MEMORY;
    for (int k = 0; status != FV_OK; k++) {
        test_allocator allocator;
        fv_context *context = NULL;
        fv_events *events = NULL;
        test_allocator_reset(&allocator);
        const fv_context_options options = { .threads = 1, .allocator = test_allocator_callbacks(&allocator) };
        assert_int_equal(fv_context_create(&context, &options), FV_OK);
        test_allocator_fail_after(&allocator, k);
        status = fv_events_open(&events, context, folder, 0);
        if (status == FV_OK)
            status = fv_events_scalar(events, "a", 1, 1);
        if (status == FV_OK)
            status = fv_events_image(events, "b", 1, pixels, (fv_image_shape){ 1, 2, 2 });
        if (status == FV_OK)
            status = fv_events_flush(events);
        if (status == FV_ERR_UNSUPPORTED) /* no libpng */
            status = FV_OK;
        assert_true(status == FV_OK || status == FV_ERR_MEMORY);
        fv_events_close(events);
        fv_context_destroy(context);
        assert_int_equal(allocator.live, 0);
    }
    test_folder_remove(folder);
}

FV_TESTS(event_file, checksums_are_those_of_rfc_3720, a_record_has_these_bytes, buckets_of_histograms,
         goes_on_without_telling_a_step_twice, half_a_record_goes, a_folder_that_is_not_there, short_memory_is_told)
