/* SPDX-License-Identifier: Apache-2.0
 *
 * arena_test.c - pieces are aligned, zeroed and apart; under AddressSanitizer what lies between them is poisoned.
 */
#include "base/arena.h"

#include <string.h>

#include "support/test.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

static fvi_arena *make(fv_context **context, size_t block_bytes)
{
    fvi_arena *arena = NULL;
    assert_int_equal(fv_context_create(context, &(fv_context_options){ .threads = 1 }), FV_OK);
    assert_int_equal(fvi_arena_create(&arena, *context, block_bytes), FV_OK);
    return arena;
}

FV_TEST(arena, pieces_are_aligned_zeroed_and_apart)
{
    fv_context *context = NULL;
    fvi_arena *arena = make(&context, 4096);
    unsigned char *piece[200];
    for (size_t i = 0; i < 200; i++) {
        piece[i] = fvi_arena_allocate(arena, i * 3);
        assert_non_null(piece[i]);
        assert_int_equal((uintptr_t)piece[i] % 64, 0);
        for (size_t k = 0; k < i * 3; k++)
            assert_int_equal(piece[i][k], 0);
        memset(piece[i], (int)i + 1, i * 3);
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i * 3; k++)
            assert_int_equal(piece[i][k], (i + 1) & 255);
    fvi_arena_destroy(arena);
    fvi_arena_destroy(NULL);
    fv_context_destroy(context);
}

FV_TEST(arena, pieces_larger_than_a_block_and_texts)
{
    fv_context *context = NULL;
    fvi_arena *arena = make(&context, 128);
    char *large = fvi_arena_allocate(arena, 100000);
    large[99999] = 1;
    assert_string_equal(fvi_arena_text(arena, "fire2/squeeze"), "fire2/squeeze");
    assert_null(fvi_arena_allocate(arena, SIZE_MAX));
    assert_null(fvi_arena_allocate(arena, SIZE_MAX - 100));
    fvi_arena_destroy(arena);
    fv_context_destroy(context);
}

FV_TEST(arena, gaps_are_poisoned_under_asan)
{
#if defined(__SANITIZE_ADDRESS__)
    fv_context *context = NULL;
    fvi_arena *arena = make(&context, 4096);
    char *piece = fvi_arena_allocate(arena, 10);
    assert_int_equal(fvi_arena_gap(), 64);
    assert_false(__asan_address_is_poisoned(piece + 9));
    assert_true(__asan_address_is_poisoned(piece + 16));
    assert_true(__asan_address_is_poisoned(piece + 64));
    char *next = fvi_arena_allocate(arena, 10);
    assert_true(next >= piece + 128);
    assert_true(__asan_address_is_poisoned(next - 1));
    fvi_arena_destroy(arena);
    fv_context_destroy(context);
#else
    assert_int_equal(fvi_arena_gap(), 0);
#endif
}

FV_TESTS(arena, pieces_are_aligned_zeroed_and_apart, pieces_larger_than_a_block_and_texts, gaps_are_poisoned_under_asan)
