/* SPDX-License-Identifier: Apache-2.0
 *
 * allocator.c - see allocator.h. Memory is filled with a pattern, so that a forgotten initialisation shows.
 */
#include "support/allocator.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static void *allocate(void *user, size_t bytes, size_t alignment)
{
    test_allocator *allocator = user;
    if (atomic_load(&allocator->left) >= 0 && atomic_fetch_sub(&allocator->left, 1) <= 0) {
        atomic_store(&allocator->left, 0);
        return NULL;
    }
    const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void *memory = aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
    if (memory) {
        memset(memory, 0xA5, rounded);
        atomic_fetch_add(&allocator->made, 1);
        atomic_fetch_add(&allocator->live, 1);
        atomic_fetch_add(&allocator->bytes, bytes);
        const size_t size = malloc_usable_size(memory), now = atomic_fetch_add(&allocator->in_use, size) + size;
        for (size_t peak = atomic_load(&allocator->peak); peak < now;)
            if (atomic_compare_exchange_weak(&allocator->peak, &peak, now))
                break;
    }
    return memory;
}

static void release(void *user, void *memory)
{
    test_allocator *allocator = user;
    if (memory) {
        atomic_fetch_sub(&allocator->live, 1);
        atomic_fetch_sub(&allocator->in_use, malloc_usable_size(memory));
    }
    free(memory);
}

void test_allocator_reset(test_allocator *allocator)
{
    atomic_store(&allocator->made, 0);
    atomic_store(&allocator->live, 0);
    atomic_store(&allocator->bytes, 0);
    atomic_store(&allocator->in_use, 0);
    atomic_store(&allocator->peak, 0);
    atomic_store(&allocator->left, -1);
}

void test_allocator_fail_after(test_allocator *allocator, long long successes)
{
    atomic_store(&allocator->left, successes);
}

void test_allocator_succeed(test_allocator *allocator)
{
    atomic_store(&allocator->left, -1);
}

fv_allocator test_allocator_callbacks(test_allocator *allocator)
{
    const fv_allocator callbacks = { .allocate = allocate, .release = release, .user = allocator };
    return callbacks;
}
