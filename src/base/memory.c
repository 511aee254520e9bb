/* SPDX-License-Identifier: Apache-2.0
 *
 * memory.c - allocating through a context's allocator.
 */
#include <string.h>

#include "base/checked.h"
#include "base/context.h"

enum { ALIGNMENT = 64, FIRST_CAPACITY = 8 };

void *fvi_allocate(fv_context *context, size_t bytes)
{
    return context->allocator.allocate(context->allocator.user, bytes > 0 ? bytes : 1, ALIGNMENT);
}

void *fvi_allocate_zeroed(fv_context *context, size_t count, size_t size)
{
    size_t bytes = 0;
    if (!fvi_size_multiply(count, size, &bytes))
        return NULL;
    void *memory = fvi_allocate(context, bytes);
    if (memory != NULL)
        memset(memory, 0, bytes);
    return memory;
}

fv_status fvi_grow(fv_context *context, void **array, size_t *capacity, size_t used, size_t count, size_t size)
{
    size_t larger = *capacity > 0 ? *capacity : FIRST_CAPACITY;
    size_t bytes = 0;
    if (count <= *capacity)
        return FV_OK;
    if (larger < count && !fvi_size_multiply(larger, 2, &larger))
        larger = count;
    if (larger < count)
        larger = count;
    if (!fvi_size_multiply(larger, size, &bytes))
        return fvi_out_of_memory(context, "an array", SIZE_MAX);
    void *grown = fvi_allocate(context, bytes);
    if (grown == NULL)
        return fvi_out_of_memory(context, "an array", bytes);
    if (used > 0)
        memcpy(grown, *array, used * size);
    fvi_release(context, *array);
    *array = grown;
    *capacity = larger;
    return FV_OK;
}

void fvi_release(fv_context *context, void *memory)
{
    if (memory != NULL)
        context->allocator.release(context->allocator.user, memory);
}

char *fvi_duplicate_text(fv_context *context, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = fvi_allocate(context, bytes);
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

fv_status fvi_out_of_memory(fv_context *context, const char *what, size_t bytes)
{
    return fvi_fail(context, FV_ERR_MEMORY, "out of memory: %s, %zu bytes", what, bytes);
}
