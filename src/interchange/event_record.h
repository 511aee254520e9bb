/* SPDX-License-Identifier: Apache-2.0
 *
 * event_record.h - one Event of TensorBoard as bytes: protocol buffers by hand, as tensorflow's event.proto, summary.proto and
 * histogram.proto number their fields, in the frame of a TFRecord:
 *
 *   length (uint64), masked CRC-32C of it (uint32), `length` bytes, masked CRC-32C of them (uint32); all little-endian
 *
 *   Event   1 wall_time (double)  2 step (int64)  3 file_version (string)  5 summary (Summary)  7 session_log {1 status: 1 START}
 *   Summary 1 value {1 tag  2 simple_value (float)  4 image {1 height 2 width 3 colorspace 4 PNG}  5 histo}, repeated
 *   histo   1 min 2 max 3 num 4 sum 5 sum_squares (doubles)  6 bucket_limit 7 bucket (packed doubles)
 */
#ifndef FVI_EVENT_RECORD_H
#define FVI_EVENT_RECORD_H

#include "base/base.h"
#include "fovea/tensor.h"
#include "interchange/histogram.h"

/* Bytes that grow; a failure is kept and later calls do nothing. */
typedef struct fvi_bytes {
    fv_context *context;
    unsigned char *bytes;
    size_t used, capacity;
    fv_status status;
} fvi_bytes;

void fvi_bytes_append(fvi_bytes *to, const void *bytes, size_t count);
void fvi_bytes_release(fvi_bytes *bytes);

/* A value of a Summary, appended to one. */
void fvi_summary_scalar(fvi_bytes *summary, const char *tag, float value);
void fvi_summary_histogram(fvi_bytes *summary, const char *tag,
                           const fvi_histogram *histogram); /* with a value in it */
void fvi_summary_image(fvi_bytes *summary, const char *tag, fv_image_shape shape, const unsigned char *png,
                       size_t size);

/* Whole records, appended to a file's bytes. */
void fvi_record_version(fvi_bytes *file, double wall_time);
void fvi_record_start(fvi_bytes *file, double wall_time, int64_t step);
void fvi_record_summary(fvi_bytes *file, double wall_time, int64_t step, const fvi_bytes *summary);

enum { FVI_RECORD_HEAD = 12, FVI_RECORD_TAIL = 4 };
/* The length that a record's first 12 bytes tell, or UINT64_MAX where their checksum is wrong. */
uint64_t fvi_record_length(const unsigned char head[FVI_RECORD_HEAD]);
/* Whether the 4 bytes behind `length` bytes of a record are their checksum. */
bool fvi_record_whole(const unsigned char *bytes, size_t length);
/* The step of the Event in a record's bytes (0 where it has none), -1 where they are none of ours. *tag: of the first value that it tells of, NUL at its
 * end, or "". */
enum { FVI_RECORD_TAG = 64 };
int64_t fvi_record_step(const unsigned char *bytes, size_t length, char tag[FVI_RECORD_TAG]);

#endif
