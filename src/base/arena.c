/* SPDX-License-Identifier: Apache-2.0
 *
 * arena.c - a bump allocator in blocks. Under AddressSanitizer every piece is followed by a poisoned gap and the rest of
 * a block is poisoned until it is handed out, so an overrun is reported at once.
 */
#include "base/arena.h"

#include <string.h>

#include "base/checked.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifndef WITH_ASAN
#define WITH_ASAN 0
#endif
#if WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

enum { ALIGNMENT = 64, GAP = WITH_ASAN ? 64 : 0 };

typedef struct block {
    struct block *previous;
    size_t size, used; /* bytes after the header, which takes ALIGNMENT bytes */
} block;

struct fvi_arena {
    fv_context *context;
    size_t block_bytes;
    block *last;
};

size_t fvi_arena_gap(void)
{
    return GAP;
}

void fvi_poison(const void *memory, size_t bytes)
{
#if WITH_ASAN
    __asan_poison_memory_region(memory, bytes);
#else
    (void)memory;
    (void)bytes;
#endif
}

void fvi_unpoison(const void *memory, size_t bytes)
{
#if WITH_ASAN
    __asan_unpoison_memory_region(memory, bytes);
#else
    (void)memory;
    (void)bytes;
#endif
}

fv_status fvi_arena_create(fvi_arena **out, fv_context *context, size_t block_bytes)
{
    *out = NULL;
    fvi_arena *arena = fvi_allocate_zeroed(context, 1, sizeof *arena);
    if (arena == NULL)
        return fvi_out_of_memory(context, "an arena", sizeof *arena);
    arena->context = context;
    arena->block_bytes = block_bytes;
    *out = arena;
    return FV_OK;
}

void fvi_arena_destroy(fvi_arena *arena)
{
    if (arena == NULL)
        return;
    for (block *each = arena->last; each != NULL;) {
        block *previous = each->previous;
        fvi_unpoison((char *)each + ALIGNMENT, each->size);
        fvi_release(arena->context, each);
        each = previous;
    }
    fvi_release(arena->context, arena);
}

static bool add_block(fvi_arena *arena, size_t at_least)
{
    const size_t size = at_least > arena->block_bytes ? at_least : arena->block_bytes;
    size_t bytes = 0;
    if (!fvi_size_add(size, ALIGNMENT, &bytes))
        return false;
    block *added = fvi_allocate(arena->context, bytes);
    if (added == NULL)
        return false;
    *added = (block){ .previous = arena->last, .size = size };
    fvi_poison((char *)added + ALIGNMENT, size);
    arena->last = added;
    return true;
}

void *fvi_arena_allocate(fvi_arena *arena, size_t bytes)
{
    size_t piece = 0;
    if (!fvi_size_add(bytes, GAP + ALIGNMENT, &piece))
        return NULL;
    piece = fvi_round_up(bytes > 0 ? bytes : 1, ALIGNMENT) + GAP;
    if ((arena->last == NULL || arena->last->size - arena->last->used < piece) && !add_block(arena, piece))
        return NULL;
    char *memory = (char *)arena->last + ALIGNMENT + arena->last->used;
    arena->last->used += piece;
    fvi_unpoison(memory, bytes);
    memset(memory, 0, bytes);
    return memory;
}

char *fvi_arena_text(fvi_arena *arena, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = fvi_arena_allocate(arena, bytes);
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}
