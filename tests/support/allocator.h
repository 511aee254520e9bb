/* SPDX-License-Identifier: Apache-2.0
 *
 * allocator.h - an allocator that counts, and that fails on request: the k-th allocation after test_allocator_fail_at(k).
 */
#ifndef FVI_TEST_ALLOCATOR_H
#define FVI_TEST_ALLOCATOR_H

#include <stdatomic.h>

#include "fovea/context.h"

typedef struct test_allocator {
    atomic_llong made, live;    /* allocations so far; not yet released */
    atomic_size_t bytes;        /* asked for so far */
    atomic_size_t in_use, peak; /* bytes alive, as malloc() rounds them; the most there were */
    atomic_llong left;          /* allocations that still succeed; negative: all */
} test_allocator;

/* Zeroes the counts and lets everything succeed. */
void test_allocator_reset(test_allocator *allocator);
/* The allocation after the next `successes` ones fails, and all that follow. */
void test_allocator_fail_after(test_allocator *allocator, long long successes);
void test_allocator_succeed(test_allocator *allocator);
/* For fv_context_options. */
fv_allocator test_allocator_callbacks(test_allocator *allocator);

#endif
