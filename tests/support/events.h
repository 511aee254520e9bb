/* SPDX-License-Identifier: Apache-2.0
 *
 * events.h - reads event files back, strictly: every checksum and field must be as docs/formats.md has it.
 */
#ifndef FVI_TEST_EVENTS_H
#define FVI_TEST_EVENTS_H

#include <stdint.h>

typedef struct test_event {
    int64_t step;
    int field; /* of the Summary's value: 2 a number, 4 an image, 5 a histogram; 0: a session's start; -1: the version */
    char tag[96];
    double number, count; /* field 2; field 5: how many values */
    double least, most;
} test_event;

enum { TEST_MOST_EVENTS = 2000 };

/* What the event files of a folder tell, in the order of their names; returns how many. */
int test_events_read(const char *folder, test_event events[TEST_MOST_EVENTS]);
/* How many event files there are. */
int test_events_files(const char *folder);

#endif
