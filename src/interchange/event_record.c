/* SPDX-License-Identifier: Apache-2.0
 *
 * event_record.c - Events as bytes and back as far as going on with a file needs it. A field begins with its number * 8 + how it is coded: 0 an
 * integer of seven bits a byte, the lowest first; 1 eight bytes; 2 a length and so many bytes; 5 four bytes (protobuf.dev, "Encoding").
 */
#include "interchange/event_record.h"

#include <string.h>

#include "interchange/crc32c.h"

enum { VARINT = 0, EIGHT = 1, LENGTH = 2, FOUR = 5 };

void fvi_bytes_append(fvi_bytes *to, const void *bytes, size_t count)
{
    void *array = to->bytes;
    if (to->status == FV_OK)
        to->status = fvi_grow(to->context, &array, &to->capacity, to->used, to->used + count, 1);
    if (to->status != FV_OK || count == 0)
        return;
    to->bytes = array;
    memcpy(to->bytes + to->used, bytes, count);
    to->used += count;
}

void fvi_bytes_release(fvi_bytes *bytes)
{
    fvi_release(bytes->context, bytes->bytes);
    *bytes = (fvi_bytes){ .context = bytes->context };
}

/* The lowest byte first, on every machine. */
static void append_fixed(fvi_bytes *to, uint64_t value, size_t count)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < count; i++)
        bytes[i] = (unsigned char)(value >> 8 * i & 0xFF);
    fvi_bytes_append(to, bytes, count);
}

static uint64_t read_fixed(const unsigned char *bytes, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

static void append_varint(fvi_bytes *to, uint64_t value)
{
    unsigned char bytes[10];
    size_t count = 0;
    for (; value >= 128; value >>= 7)
        bytes[count++] = (unsigned char)(value & 127) | 128;
    bytes[count++] = (unsigned char)value;
    fvi_bytes_append(to, bytes, count);
}

static void append_key(fvi_bytes *to, unsigned field, unsigned coded)
{
    append_varint(to, field << 3 | coded);
}

static void append_integer(fvi_bytes *to, unsigned field, int64_t value)
{
    append_key(to, field, VARINT);
    append_varint(to, (uint64_t)value);
}

static void append_double_bits(fvi_bytes *to, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    append_fixed(to, bits, sizeof bits);
}

static void append_double(fvi_bytes *to, unsigned field, double value)
{
    append_key(to, field, EIGHT);
    append_double_bits(to, value);
}

static void append_part(fvi_bytes *to, unsigned field, const void *bytes, size_t count)
{
    append_key(to, field, LENGTH);
    append_varint(to, count);
    fvi_bytes_append(to, bytes, count);
}

/* A value whose contents, behind its tag, are in `contents`; releases that. */
static void append_value(fvi_bytes *summary, const char *tag, fvi_bytes *contents)
{
    fvi_bytes value = { .context = summary->context, .status = contents->status };
    append_part(&value, 1, tag, strlen(tag));
    fvi_bytes_append(&value, contents->bytes, contents->used);
    if (summary->status == FV_OK)
        summary->status = value.status;
    append_part(summary, 1, value.bytes, value.used);
    fvi_bytes_release(&value);
    fvi_bytes_release(contents);
}

void fvi_summary_scalar(fvi_bytes *summary, const char *tag, float value)
{
    fvi_bytes contents = { .context = summary->context };
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    append_key(&contents, 2, FOUR);
    append_fixed(&contents, bits, sizeof bits);
    append_value(summary, tag, &contents);
}

/* Empty buckets in a row become one; before the first and behind the last that are not empty there are none. */
static void append_buckets(fvi_bytes *histogram, const fvi_histogram *of)
{
    fvi_bytes limits = { .context = histogram->context }, counts = { .context = histogram->context };
    int32_t first = 0, last = FVI_HISTOGRAM_BUCKETS - 1;
    while (first < last && of->bucket[first] == 0)
        first++;
    while (last > first && of->bucket[last] == 0)
        last--;
    for (int32_t i = first; i <= last; i++) {
        if (of->bucket[i] == 0 && of->bucket[i + 1] == 0)
            continue;
        append_double_bits(&limits, fvi_histogram_limit(i));
        append_double_bits(&counts, of->bucket[i]);
    }
    append_part(histogram, 6, limits.bytes, limits.used);
    append_part(histogram, 7, counts.bytes, counts.used);
    if (histogram->status == FV_OK)
        histogram->status = limits.status != FV_OK ? limits.status : counts.status;
    fvi_bytes_release(&limits);
    fvi_bytes_release(&counts);
}

/* contents as one field; releases it. */
static void append_message(fvi_bytes *to, unsigned field, fvi_bytes *message)
{
    if (to->status == FV_OK)
        to->status = message->status;
    append_part(to, field, message->bytes, message->used);
    fvi_bytes_release(message);
}

void fvi_summary_histogram(fvi_bytes *summary, const char *tag, const fvi_histogram *histogram)
{
    fvi_bytes contents = { .context = summary->context }, message = { .context = summary->context };
    append_double(&message, 1, histogram->least);
    append_double(&message, 2, histogram->most);
    append_double(&message, 3, histogram->count);
    append_double(&message, 4, histogram->sum);
    append_double(&message, 5, histogram->squares);
    append_buckets(&message, histogram);
    append_message(&contents, 5, &message);
    append_value(summary, tag, &contents);
}

void fvi_summary_image(fvi_bytes *summary, const char *tag, fv_image_shape shape, const unsigned char *png, size_t size)
{
    fvi_bytes contents = { .context = summary->context }, message = { .context = summary->context };
    append_integer(&message, 1, shape.h);
    append_integer(&message, 2, shape.w);
    append_integer(&message, 3, shape.c); /* 1 grey, 3 RGB */
    append_part(&message, 4, png, size);
    append_message(&contents, 4, &message);
    append_value(summary, tag, &contents);
}

/* Frames an Event and releases it. */
static void append_record(fvi_bytes *file, fvi_bytes *event)
{
    fvi_bytes frame = { .context = file->context, .status = event->status };
    append_fixed(&frame, event->used, 8);
    if (frame.status == FV_OK)
        append_fixed(&frame, fvi_crc32c_masked(frame.bytes, 8), 4);
    fvi_bytes_append(&frame, event->bytes, event->used);
    append_fixed(&frame, fvi_crc32c_masked(event->bytes, event->used), FVI_RECORD_TAIL);
    if (file->status == FV_OK)
        file->status = frame.status;
    fvi_bytes_append(file, frame.bytes, frame.used);
    fvi_bytes_release(&frame);
    fvi_bytes_release(event);
}

void fvi_record_version(fvi_bytes *file, double wall_time)
{
    static const char version[] = "brain.Event:2";
    fvi_bytes event = { .context = file->context };
    append_double(&event, 1, wall_time);
    append_part(&event, 3, version, sizeof version - 1);
    append_record(file, &event);
}

void fvi_record_start(fvi_bytes *file, double wall_time, int64_t step)
{
    fvi_bytes event = { .context = file->context }, start = { .context = file->context };
    append_double(&event, 1, wall_time);
    append_integer(&event, 2, step);
    append_integer(&start, 1, 1);
    append_message(&event, 7, &start);
    append_record(file, &event);
}

void fvi_record_summary(fvi_bytes *file, double wall_time, int64_t step, const fvi_bytes *summary)
{
    fvi_bytes event = { .context = file->context, .status = summary->status };
    append_double(&event, 1, wall_time);
    append_integer(&event, 2, step);
    append_part(&event, 5, summary->bytes, summary->used);
    append_record(file, &event);
}

uint64_t fvi_record_length(const unsigned char head[FVI_RECORD_HEAD])
{
    return fvi_crc32c_masked(head, 8) == read_fixed(head + 8, 4) ? read_fixed(head, 8) : UINT64_MAX;
}

bool fvi_record_whole(const unsigned char *bytes, size_t length)
{
    return fvi_crc32c_masked(bytes, length) == read_fixed(bytes + length, FVI_RECORD_TAIL);
}

/* At *at, which moves behind it; false: it does not end. */
static bool read_varint(const unsigned char *bytes, size_t length, size_t *at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; *at < length && shift <= 56; shift += 7) {
        *value |= (uint64_t)(bytes[*at] & 127) << shift;
        if (bytes[(*at)++] < 128)
            return true;
    }
    return false;
}

/* Event: summary, Summary: value, value: tag; each the first in what is around it. */
static void read_tag(const unsigned char *bytes, size_t length, size_t at, char tag[FVI_RECORD_TAG])
{
    static const unsigned char keys[3] = { 5 << 3 | LENGTH, 1 << 3 | LENGTH, 1 << 3 | LENGTH };
    uint64_t size = 0;
    for (size_t i = 0; i < 3; i++)
        if (at >= length || bytes[at++] != keys[i] || !read_varint(bytes, length, &at, &size))
            return;
    for (size_t i = 0; i < size && i < FVI_RECORD_TAG - 1 && at + i < length; i++)
        tag[i] = (char)bytes[at + i];
}

/* The time comes first in what is written above, then the step, where there is one. */
int64_t fvi_record_step(const unsigned char *bytes, size_t length, char tag[FVI_RECORD_TAG])
{
    enum { BEHIND_TIME = 9, STEP_KEY = 2 << 3 | VARINT };
    uint64_t step = 0;
    size_t at = BEHIND_TIME;
    memset(tag, 0, FVI_RECORD_TAG);
    if (length <= BEHIND_TIME || bytes[0] != (1 << 3 | EIGHT))
        return -1;
    if (bytes[at] == STEP_KEY) {
        at++;
        if (!read_varint(bytes, length, &at, &step))
            return -1;
    }
    read_tag(bytes, length, at, tag);
    return (int64_t)step;
}
