/* SPDX-License-Identifier: Apache-2.0
 *
 * events.c - a reader of TFRecord files with Events of TensorBoard, written from the formats' descriptions and not from the writer.
 */
#include "support/events.h"

#include <dirent.h>
#include <string.h>

#include "support/files.h"
#include "support/test.h"

typedef struct span {
    const unsigned char *at, *end;
} span;

/* Bit by bit, as the polynomial is defined. */
static uint32_t crc32c(const unsigned char *bytes, size_t count)
{
    uint32_t crc = 0xFFFFFFFF;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82F63B78 : crc >> 1;
    }
    return ~crc;
}

static uint64_t fixed(span *from, size_t count)
{
    uint64_t value = 0;
    assert_true((size_t)(from->end - from->at) >= count);
    for (size_t i = 0; i < count; i++)
        value |= (uint64_t)*from->at++ << 8 * i;
    return value;
}

static double fixed_double(span *from)
{
    const uint64_t bits = fixed(from, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t varint(span *from)
{
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        assert_true(from->at < from->end && shift < 64);
        value |= (uint64_t)(*from->at & 127) << shift;
        if (*from->at++ < 128)
            return value;
    }
}

static span part(span *from)
{
    const uint64_t length = varint(from);
    assert_true((uint64_t)(from->end - from->at) >= length);
    const span inner = { from->at, from->at + length };
    from->at += length;
    return inner;
}

static void expect_checksum(span *from, const unsigned char *bytes, size_t count)
{
    const uint32_t crc = crc32c(bytes, count);
    assert_int_equal((uint32_t)fixed(from, 4), (uint32_t)((crc >> 15 | crc << 17) + 0xA282EAD8u));
}

static void read_histogram(span from, test_event *event)
{
    double sum = 0, last = -1e300;
    size_t limits = 0, buckets = 0;
    assert_int_equal(varint(&from), 1 << 3 | 1);
    event->least = fixed_double(&from);
    assert_int_equal(varint(&from), 2 << 3 | 1);
    event->most = fixed_double(&from);
    assert_int_equal(varint(&from), 3 << 3 | 1);
    event->count = fixed_double(&from);
    for (unsigned field = 4; field <= 5; field++) {
        assert_int_equal(varint(&from), field << 3 | 1);
        fixed_double(&from);
    }
    assert_int_equal(varint(&from), 6 << 3 | 2);
    for (span list = part(&from); list.at < list.end; limits++) {
        const double limit = fixed_double(&list);
        assert_true(limit > last);
        last = limit;
    }
    assert_true(last >= event->most);
    assert_int_equal(varint(&from), 7 << 3 | 2);
    for (span list = part(&from); list.at < list.end; buckets++)
        sum += fixed_double(&list);
    assert_int_equal(limits, buckets);
    assert_true(sum == event->count);
    assert_ptr_equal(from.at, from.end);
}

static void read_image(span from)
{
    static const unsigned char png[4] = { 0x89, 'P', 'N', 'G' };
    for (unsigned field = 1; field <= 3; field++) {
        assert_int_equal(varint(&from), field << 3);
        assert_true(varint(&from) > 0);
    }
    assert_int_equal(varint(&from), 4 << 3 | 2);
    const span bytes = part(&from);
    assert_memory_equal(bytes.at, png, sizeof png);
    assert_ptr_equal(from.at, from.end);
}

static void read_value(span from, test_event *event)
{
    assert_int_equal(varint(&from), 1 << 3 | 2);
    const span tag = part(&from);
    snprintf(event->tag, sizeof event->tag, "%.*s", (int)(tag.end - tag.at), (const char *)tag.at);
    const uint64_t key = varint(&from);
    event->field = (int)(key >> 3);
    if (key == (2 << 3 | 5)) {
        const uint32_t bits = (uint32_t)fixed(&from, 4);
        float value;
        memcpy(&value, &bits, sizeof value);
        event->number = (double)value;
    } else if (key == (5 << 3 | 2)) {
        read_histogram(part(&from), event);
    } else {
        assert_int_equal(key, 4 << 3 | 2);
        read_image(part(&from));
    }
    assert_ptr_equal(from.at, from.end);
}

/* Returns how many there are then. */
static int read_event(span from, test_event *events, int count)
{
    int64_t step = 0;
    assert_int_equal(varint(&from), 1 << 3 | 1);
    assert_true(fixed_double(&from) > 1e9); /* seconds since 1970 */
    uint64_t key = varint(&from);
    if (key == 2 << 3) {
        step = (int64_t)varint(&from);
        key = varint(&from);
    }
    for (span body = part(&from); body.at < body.end && key == (5 << 3 | 2);) {
        assert_true(count < TEST_MOST_EVENTS);
        assert_int_equal(varint(&body), 1 << 3 | 2);
        events[count] = (test_event){ .step = step };
        read_value(part(&body), &events[count++]);
    }
    if (key != (5 << 3 | 2)) {
        assert_true(key == (3 << 3 | 2) || key == (7 << 3 | 2));
        assert_true(count < TEST_MOST_EVENTS);
        events[count++] = (test_event){ .step = step, .field = key == (3 << 3 | 2) ? -1 : 0 };
    }
    assert_ptr_equal(from.at, from.end);
    return count;
}

static int read_file(const char *folder, const char *name, test_event *events, int count)
{
    size_t size = 0;
    unsigned char *bytes = test_file_read(folder, name, &size);
    for (span file = { bytes, bytes + size }; file.at < file.end;) {
        const unsigned char *head = file.at;
        const size_t length = (size_t)fixed(&file, 8);
        expect_checksum(&file, head, 8);
        const span event = { file.at, file.at + length };
        assert_true((size_t)(file.end - file.at) >= length);
        file.at += length;
        expect_checksum(&file, event.at, length);
        count = read_event(event, events, count);
    }
    free(bytes);
    return count;
}

static int is_event_file(const struct dirent *entry)
{
    return strncmp(entry->d_name, "events.out.tfevents.", 20) == 0;
}

int test_events_read(const char *folder, test_event events[TEST_MOST_EVENTS])
{
    struct dirent **names = NULL;
    int count = 0;
    const int files = scandir(folder, &names, is_event_file, alphasort);
    for (int i = 0; i < files; i++) {
        count = read_file(folder, names[i]->d_name, events, count);
        free(names[i]);
    }
    free(names);
    return count;
}

int test_events_files(const char *folder)
{
    struct dirent **names = NULL;
    const int files = scandir(folder, &names, is_event_file, alphasort);
    for (int i = 0; i < files; i++)
        free(names[i]);
    free(names);
    return files;
}
