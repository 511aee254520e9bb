/* SPDX-License-Identifier: Apache-2.0
 *
 * server.h - an HTTP server on this machine for tests of downloads: a few pages, each with the faults that servers have.
 */
#ifndef FVI_TEST_SERVER_H
#define FVI_TEST_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct test_page {
    const char *path; /* "/file" */
    int status;       /* 0: 200, or 206 where a range is asked for */
    const void *bytes;
    size_t size;
    const char *type; /* NULL: application/octet-stream */
    const char *location;
    bool no_ranges; /* sends all, whatever is asked for */
    bool shifted;   /* sends a range one byte too early, and says so */
    size_t cut;     /* the connection ends after so many bytes of the body, `cuts` times */
    int cuts;
    int requests; /* so far */
    size_t from;  /* where the last one wanted to begin */
} test_page;

typedef struct test_server {
    test_page *pages; /* borrowed; a path of NULL ends them */
    int listening;
    pthread_t thread;
    char address[64]; /* "http://127.0.0.1:40123" */
} test_server;

void test_server_start(test_server *server, test_page *pages);
void test_server_stop(test_server *server);

#endif
