/* SPDX-License-Identifier: Apache-2.0
 *
 * download.c - libcurl, loaded by dlopen() on first use, its functions found by name into a table whose types come from its header.
 * A part that is there is gone on with by a range (RFC 9110, section 14). What the server answers is believed only as far as it can be seen:
 * its status, the range that it says it sends, and whether the first bytes are those of a page.
 */
#include "data/get/download.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/clock.h"
#include "data/source.h"

#ifdef FVI_HAVE_CURL

#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>
#include <dlfcn.h>

enum { CONNECT_SECONDS = 30, SLOW_SECONDS = 60, SLOW_BYTES = 10, MOST_REDIRECTS = 10 };
#define MOST_BYTES ((uint64_t)1 << 32)

/* What is called of libcurl; each member is named as the function. */
typedef struct libcurl {
    void *library;
    __typeof__(&curl_easy_init) easy_init;
    __typeof__(&curl_easy_setopt) easy_setopt;
    __typeof__(&curl_easy_perform) easy_perform;
    __typeof__(&curl_easy_getinfo) easy_getinfo;
    __typeof__(&curl_easy_strerror) easy_strerror;
    __typeof__(&curl_easy_cleanup) easy_cleanup;
} libcurl;

typedef struct transfer {
    libcurl call;
    CURL *handle;
    int descriptor;
    uint64_t before, have; /* bytes of the file when it began, and now */
    uint64_t range_start;  /* as the server says; UINT64_MAX: it does not */
    uint64_t total;        /* bytes of the whole file; 0: unknown */
    double began;
    fvi_download_progress *progress;
    void *user;
    bool started, page, disk, refused, other_range, stopped;
    int error; /* errno of the disk */
    char reason[CURL_ERROR_SIZE];
} transfer;

static bool load(libcurl *call)
{
    const struct {
        const char *name;
        void *place;
    } wanted[] = {
        { "curl_easy_init", &call->easy_init },         { "curl_easy_setopt", &call->easy_setopt },
        { "curl_easy_perform", &call->easy_perform },   { "curl_easy_getinfo", &call->easy_getinfo },
        { "curl_easy_strerror", &call->easy_strerror }, { "curl_easy_cleanup", &call->easy_cleanup },
    };
    /* Not unloaded afterwards: what it depends on does not all bear that. */
    call->library = dlopen(FVI_CURL_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    for (size_t i = 0; call->library != NULL && i < sizeof wanted / sizeof wanted[0]; i++) {
        void *const function = dlsym(call->library, wanted[i].name);
        if (function == NULL)
            return false;
        memcpy(wanted[i].place, &function, sizeof function); /* ISO C has no cast from an object to a function */
    }
    return call->library != NULL;
}

static long response_code(const transfer *t)
{
    long code = 0;
    t->call.easy_getinfo(t->handle, CURLINFO_RESPONSE_CODE, &code);
    return code;
}

/* "Content-Range: bytes 100-199/200" */
static size_t take_header(char *line, size_t size, size_t count, void *argument)
{
    static const char name[] = "content-range: bytes ";
    transfer *t = argument;
    char text[128];
    const size_t bytes = size * count, kept = bytes < sizeof text ? bytes : sizeof text - 1;
    memcpy(text, line, kept);
    text[kept] = '\0';
    if (strncasecmp(text, "http/", 5) == 0) { /* of the answer behind a redirect */
        t->range_start = UINT64_MAX;
        t->total = 0;
    } else if (strncasecmp(text, name, strlen(name)) == 0) {
        const char *slash = strchr(text, '/');
        t->range_start = strtoull(text + strlen(name), NULL, 10);
        t->total = slash != NULL ? strtoull(slash + 1, NULL, 10) : 0;
    }
    return bytes;
}

static bool is_page(const transfer *t, const char *bytes, size_t count)
{
    char head[FVI_SOURCE_HEAD + 1] = { 0 };
    char *type = NULL;
    memcpy(head, bytes, count < FVI_SOURCE_HEAD ? count : FVI_SOURCE_HEAD);
    t->call.easy_getinfo(t->handle, CURLINFO_CONTENT_TYPE, &type);
    return fvi_looks_like_html(head) || (type != NULL && strncasecmp(type, "text/html", 9) == 0);
}

/* Once, before the first byte is written. False: the transfer ends here. */
static bool accept_answer(transfer *t, const char *bytes, size_t count)
{
    const long code = response_code(t);
    t->started = true;
    t->refused = code >= 300;
    t->page = code < 300 && is_page(t, bytes, count);
    t->other_range = code == 206 && t->range_start != t->have;
    if (t->refused || t->page || t->other_range)
        return false;
    if (code != 0 && code != 206 && t->have > 0) { /* all of it, from its beginning */
        if (ftruncate(t->descriptor, 0) != 0 || lseek(t->descriptor, 0, SEEK_SET) != 0) {
            t->disk = true;
            t->error = errno;
            return false;
        }
        t->before = t->have = 0;
    }
    return true;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *argument)
{
    transfer *t = argument;
    const size_t all = size * count;
    size_t done = 0;
    if (!t->started && !accept_answer(t, bytes, all))
        return 0;
    if (t->have + all > MOST_BYTES) {
        t->refused = true;
        return 0;
    }
    while (done < all) {
        const ssize_t written = write(t->descriptor, bytes + done, all - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            t->disk = true;
            t->error = written == 0 ? ENOSPC : errno;
            return 0;
        }
        done += (size_t)written;
        t->have += (size_t)written;
    }
    return all;
}

static int show(void *argument, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    transfer *t = argument;
    const double seconds = fvi_seconds() - t->began;
    (void)up_total;
    (void)up;
    (void)now;
    if (t->total == 0 && total > 0 && t->started)
        t->total = t->before + (uint64_t)total;
    if (t->progress != NULL &&
        !t->progress(t->user, t->have, t->total, seconds > 0 ? (double)(t->have - t->before) / seconds : 0))
        t->stopped = true;
    return t->stopped;
}

static void set_options(transfer *t, const char *address)
{
    char range[32];
    const libcurl *call = &t->call;
    call->easy_setopt(t->handle, CURLOPT_URL, address);
    call->easy_setopt(t->handle, CURLOPT_USERAGENT, "fovea/" FVI_VERSION);
    call->easy_setopt(t->handle, CURLOPT_NOSIGNAL, 1L);
    call->easy_setopt(t->handle, CURLOPT_FOLLOWLOCATION, 1L);
    call->easy_setopt(t->handle, CURLOPT_MAXREDIRS, (long)MOST_REDIRECTS);
    call->easy_setopt(t->handle, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    call->easy_setopt(t->handle, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES);
    call->easy_setopt(t->handle, CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
    call->easy_setopt(t->handle, CURLOPT_ERRORBUFFER, t->reason);
    call->easy_setopt(t->handle, CURLOPT_HEADERFUNCTION, take_header);
    call->easy_setopt(t->handle, CURLOPT_HEADERDATA, t);
    call->easy_setopt(t->handle, CURLOPT_WRITEFUNCTION, take_body);
    call->easy_setopt(t->handle, CURLOPT_WRITEDATA, t);
    call->easy_setopt(t->handle, CURLOPT_XFERINFOFUNCTION, show);
    call->easy_setopt(t->handle, CURLOPT_XFERINFODATA, t);
    call->easy_setopt(t->handle, CURLOPT_NOPROGRESS, 0L);
    if (t->have > 0) {
        snprintf(range, sizeof range, "%llu-", (unsigned long long)t->have);
        call->easy_setopt(t->handle, CURLOPT_RANGE, range); /* copied */
    }
}

static fvi_download_end end_with(fvi_download_end end, fvi_message *message, const char *text)
{
    (void)fvi_fail_in(message, FV_ERR_IO, "%s", text);
    return end;
}

/* What an answer of the server's other than the file means. */
static fvi_download_end judge_status(const transfer *t, long code, fvi_message *message)
{
    if (code == 416 && t->before > 0) /* nothing lies behind what is there */
        return FVI_DOWNLOAD_WHOLE;
    (void)fvi_fail_in(message, FV_ERR_IO, "the server answered %ld%s", code,
                      code == 404 || code == 410               ? ", there is no such file"
                      : code == 401 || code == 403             ? ", it may not be read"
                      : code == 429 || code == 503             ? ", it is overloaded"
                      : code == 407                            ? ", the proxy wants a password"
                      : code >= 500 || code == 0 || code < 400 ? ", it does not work at the moment"
                                                               : "");
    return FVI_DOWNLOAD_REFUSED;
}

static fvi_download_end judge(const transfer *t, CURLcode result, fvi_message *message)
{
    const long code = response_code(t);
    if (t->stopped)
        return end_with(FVI_DOWNLOAD_STOPPED, message, "interrupted");
    if (t->disk)
        return end_with(FVI_DOWNLOAD_DISK, message, strerror(t->error));
    if (t->page)
        return end_with(FVI_DOWNLOAD_REFUSED, message,
                        "the answer is an HTML page and not the file (a login or an error page?)");
    if (t->other_range)
        return end_with(FVI_DOWNLOAD_NO_RESUME, message, "the server sent another part than was asked for");
    if (code >= 300)
        return judge_status(t, code, message);
    if (t->refused)
        return end_with(FVI_DOWNLOAD_REFUSED, message, "the answer is larger than 4 GiB");
    if (result == CURLE_OK)
        return FVI_DOWNLOAD_WHOLE;
    (void)end_with(FVI_DOWNLOAD_CUT, message, t->reason[0] != '\0' ? t->reason : t->call.easy_strerror(result));
    if (t->before > 0 && (result == CURLE_RANGE_ERROR || result == CURLE_BAD_DOWNLOAD_RESUME))
        return FVI_DOWNLOAD_NO_RESUME;
    return t->have > t->before ? FVI_DOWNLOAD_CUT : FVI_DOWNLOAD_REFUSED;
}

fvi_download_end fvi_download_run(int descriptor, const char *address, uint64_t *have, uint64_t *received,
                                  fvi_download_progress *progress, void *user, fvi_message *message)
{
    transfer t = { .descriptor = descriptor,
                   .before = *have,
                   .have = *have,
                   .range_start = UINT64_MAX,
                   .began = fvi_seconds(),
                   .progress = progress,
                   .user = user };
    *received = 0;
    if (!load(&t.call) || (t.handle = t.call.easy_init()) == NULL)
        return end_with(FVI_DOWNLOAD_UNSUPPORTED, message, FVI_CURL_LIBRARY " cannot be loaded: install libcurl");
    set_options(&t, address);
    const CURLcode result = t.call.easy_perform(t.handle);
    const fvi_download_end end = judge(&t, result, message);
    t.call.easy_cleanup(t.handle);
    *have = t.have;
    *received = t.have - t.before;
    return end;
}

#else

fvi_download_end fvi_download_run(int descriptor, const char *address, uint64_t *have, uint64_t *received,
                                  fvi_download_progress *progress, void *user, fvi_message *message)
{
    (void)descriptor;
    (void)address;
    (void)have;
    *received = 0;
    (void)progress;
    (void)user;
    (void)fvi_fail_in(message, FV_ERR_UNSUPPORTED, "this build of fovea has no libcurl");
    return FVI_DOWNLOAD_UNSUPPORTED;
}

#endif
