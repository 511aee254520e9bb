/* SPDX-License-Identifier: Apache-2.0
 *
 * arena.h - one block of memory cut into 64-byte-aligned pieces. Under AddressSanitizer gaps between pieces are poisoned.
 */
#ifndef FVI_ARENA_H
#define FVI_ARENA_H

#include "base/base.h"

/* Bytes of poisoned gap that a planner leaves behind each piece: 64 under AddressSanitizer, 0 otherwise. */
size_t fvi_arena_gap(void);
/* Marks [memory, memory+bytes) as not to be touched / as usable again; nothing without AddressSanitizer. */
void fvi_poison(const void *memory, size_t bytes);
void fvi_unpoison(const void *memory, size_t bytes);

/* A bump allocator for objects of one lifetime (a graph's nodes, a plan's steps). Grows by blocks; frees all at once. */
typedef struct fvi_arena fvi_arena;
fv_status fvi_arena_create(fvi_arena **out, fv_context *context, size_t block_bytes);
void fvi_arena_destroy(fvi_arena *arena);
void *fvi_arena_allocate(fvi_arena *arena, size_t bytes); /* zeroed, 64-byte aligned; NULL when memory is short */
char *fvi_arena_text(fvi_arena *arena, const char *text); /* a copy; NULL when memory is short */

#endif
