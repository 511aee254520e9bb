/* SPDX-License-Identifier: Apache-2.0
 *
 * event_file.c - a folder's event files: events.out.tfevents.<seconds since 1970, 10 digits>.fovea, in the order of their names. A record goes to
 * the file in one write, so that a process that is killed leaves whole records. Going on from a step cuts each file at the first record behind
 * that step, or that is damaged, and begins a new file with a session's start, by which a TensorBoard that has read the lost records
 * forgets them: so it watches a file that only ends early, never one that is written anew.
 */
#include "interchange/event_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "data/image/image_internal.h"
#include "interchange/event_record.h"

enum { DIGITS = 10, NAME_ROOM = 64, MOST_RECORD = 1 << 28, MOST_PENDING = 1 << 20 };

static const char beginning[] = "events.out.tfevents.", ending[] = ".fovea";

struct fv_events {
    fv_context *context;
    char *path;
    int descriptor;
    fv_status failed; /* of an earlier call */
    int64_t step;     /* what is pending is told of */
    fvi_bytes pending;
};

static double wall_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The seconds in a name of ours, or -1. */
static int64_t seconds_of(const char *name)
{
    char *end = NULL;
    if (strncmp(name, beginning, sizeof beginning - 1) != 0)
        return -1;
    const char *digits = name + sizeof beginning - 1;
    if (strspn(digits, "0123456789") != DIGITS)
        return -1;
    const long long seconds = strtoll(digits, &end, 10);
    return strcmp(end, ending) == 0 ? seconds : -1;
}

static char *path_of(fv_context *context, const char *folder, int64_t seconds)
{
    const size_t size = strlen(folder) + NAME_ROOM;
    char *path = fvi_allocate(context, size);
    if (path != NULL)
        snprintf(path, size, "%s/%s%0*" PRId64 "%s", folder, beginning, DIGITS, seconds, ending);
    return path;
}

/* What is kept of files that are there: records up to a step, of that one those before a tag. */
typedef struct place {
    int64_t steps;
    const char *behind; /* or NULL */
} place;

/* Where the records end that are whole and before the place; *told: one of them tells of something. */
static fv_status find_end(fv_context *context, FILE *file, const place *at, long long *end, bool *told)
{
    char tag[FVI_RECORD_TAG];
    unsigned char head[FVI_RECORD_HEAD];
    void *array = NULL;
    size_t capacity = 0;
    fv_status status = FV_OK;
    *end = 0;
    *told = false;
    while (fread(head, sizeof head, 1, file) == 1) {
        const uint64_t length = fvi_record_length(head);
        if (length > MOST_RECORD)
            break;
        const size_t bytes = (size_t)length + FVI_RECORD_TAIL;
        status = fvi_grow(context, &array, &capacity, 0, bytes, 1);
        if (status != FV_OK || fread(array, bytes, 1, file) != 1 || !fvi_record_whole(array, (size_t)length))
            break;
        const int64_t step = fvi_record_step(array, (size_t)length, tag);
        if (step < 0 || step > at->steps || (step == at->steps && at->behind != NULL && strcmp(tag, at->behind) == 0))
            break;
        *told = *told || tag[0] != '\0';
        *end += (long long)(sizeof head + bytes);
    }
    fvi_release(context, array);
    return status;
}

/* Cuts one file, or removes it where nothing is left. */
static fv_status cut(fv_context *context, const char *path, const place *at)
{
    long long end = 0;
    bool told = false;
    fv_status status = FV_OK;
    FILE *file = at->steps > 0 ? fopen(path, "rb") : NULL;
    if (file != NULL) {
        status = find_end(context, file, at, &end, &told);
        fclose(file);
        FV_TRY(status);
    }
    if ((told ? truncate(path, end) : unlink(path)) != 0 && errno != ENOENT)
        return fvi_fail(context, FV_ERR_IO, "'%s' cannot be cut behind step %" PRId64 ": %s", path, at->steps,
                        strerror(errno));
    return FV_OK;
}

/* *last: the largest number in a name, 0: none. */
static fv_status cut_all(fv_context *context, const char *folder, const place *at, int64_t *last)
{
    fv_status status = FV_OK;
    *last = 0;
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return fvi_fail(context, FV_ERR_IO, "'%s' cannot be read: %s", folder, strerror(errno));
    for (const struct dirent *entry = readdir(directory); entry != NULL && status == FV_OK;
         entry = readdir(directory)) {
        const int64_t seconds = seconds_of(entry->d_name);
        if (seconds < 0)
            continue;
        char *path = path_of(context, folder, seconds);
        status = path != NULL ? cut(context, path, at) : fvi_out_of_memory(context, "a file name", NAME_ROOM);
        fvi_release(context, path);
        *last = seconds > *last ? seconds : *last;
    }
    closedir(directory);
    return status;
}

static fv_status fail_at(fv_events *events, fv_status status, const char *what)
{
    events->failed = status;
    return status == FV_ERR_IO ? fvi_fail(events->context, status, "'%s' cannot be written: %s", events->path, what)
                               : fvi_out_of_memory(events->context, events->path, events->pending.used);
}

/* Writes and releases records. */
static fv_status write_records(fv_events *events, fvi_bytes *records)
{
    size_t done = 0;
    int error = 0;
    while (records->status == FV_OK && error == 0 && done < records->used) {
        const ssize_t wrote = write(events->descriptor, records->bytes + done, records->used - done);
        if (wrote >= 0)
            done += (size_t)wrote;
        else if (errno != EINTR)
            error = errno;
    }
    const fv_status status = records->status != FV_OK ? records->status : error != 0 ? FV_ERR_IO : FV_OK;
    fvi_bytes_release(records);
    return status == FV_OK ? FV_OK : fail_at(events, status, strerror(error));
}

static fv_status open_file(fv_events *events, const char *folder, const place *at)
{
    int64_t last = 0;
    const double now = wall_time();
    FV_TRY(cut_all(events->context, folder, at, &last));
    events->path = path_of(events->context, folder, (int64_t)now > last ? (int64_t)now : last + 1);
    if (events->path == NULL)
        return fvi_out_of_memory(events->context, "a file name", NAME_ROOM);
    events->descriptor = open(events->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (events->descriptor < 0)
        return fail_at(events, FV_ERR_IO, strerror(errno));
    fvi_bytes records = { .context = events->context };
    fvi_record_version(&records, now);
    fvi_record_start(&records, now, at->steps + 1); /* steps from this on are forgotten */
    return write_records(events, &records);
}

fv_status fv_events_open(fv_events **out, fv_context *context, const char *folder, int64_t steps)
{
    return fvi_events_open(out, context, folder, steps, NULL);
}

fv_status fvi_events_open(fv_events **out, fv_context *context, const char *folder, int64_t steps, const char *behind)
{
    const place at = { steps, behind };
    *out = NULL;
    fv_events *events = fvi_allocate_zeroed(context, 1, sizeof *events);
    if (events == NULL)
        return fvi_out_of_memory(context, "an event file", sizeof *events);
    events->context = events->pending.context = context;
    events->descriptor = -1;
    const fv_status status = open_file(events, folder, &at);
    if (status != FV_OK) {
        fv_events_close(events);
        return status;
    }
    *out = events;
    return FV_OK;
}

void fv_events_close(fv_events *events)
{
    if (events == NULL)
        return;
    if (events->descriptor >= 0) {
        (void)fv_events_flush(events);
        close(events->descriptor);
    }
    fvi_bytes_release(&events->pending);
    fvi_release(events->context, events->path);
    fvi_release(events->context, events);
}

fv_status fv_events_flush(fv_events *events)
{
    if (events->failed != FV_OK || (events->pending.used == 0 && events->pending.status == FV_OK))
        return events->failed;
    fvi_bytes records = { .context = events->context };
    fvi_record_summary(&records, wall_time(), events->step, &events->pending);
    fvi_bytes_release(&events->pending);
    return write_records(events, &records);
}

/* Before something is told of a step. */
static fv_status turn_to(fv_events *events, int64_t step)
{
    if (step != events->step || events->pending.used > MOST_PENDING)
        FV_TRY(fv_events_flush(events));
    events->step = step;
    return events->failed;
}

/* After it. */
static fv_status check_pending(fv_events *events)
{
    return events->pending.status == FV_OK ? FV_OK : fail_at(events, events->pending.status, "");
}

fv_status fv_events_scalar(fv_events *events, const char *tag, int64_t step, double value)
{
    FV_TRY(turn_to(events, step));
    fvi_summary_scalar(&events->pending, tag, (float)value);
    return check_pending(events);
}

fv_status fvi_events_histogram(fv_events *events, const char *tag, int64_t step, const fvi_histogram *histogram)
{
    FV_TRY(turn_to(events, step));
    if (histogram->count > 0)
        fvi_summary_histogram(&events->pending, tag, histogram);
    return check_pending(events);
}

fv_status fv_events_histogram(fv_events *events, const char *tag, int64_t step, const float *values, int64_t count)
{
    fvi_histogram histogram = { 0 };
    fvi_histogram_add(&histogram, values, count);
    return fvi_events_histogram(events, tag, step, &histogram);
}

fv_status fv_events_image(fv_events *events, const char *tag, int64_t step, const uint8_t *pixels, fv_image_shape shape)
{
    unsigned char *png = NULL;
    size_t size = 0;
    FV_TRY(turn_to(events, step));
    FV_TRY(fvi_png_encode(events->context, tag, pixels, shape, &png, &size));
    fvi_summary_image(&events->pending, tag, shape, png, size);
    fvi_release(events->context, png);
    return check_pending(events);
}
