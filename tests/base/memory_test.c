/* SPDX-License-Identifier: Apache-2.0
 *
 * memory_test.c - allocation through a context: alignment, zeros, overflow, growing.
 */
#include <string.h>

#include "base/base.h"
#include "base/checked.h"
#include "support/test.h"

static fv_context *one_thread(void)
{
    fv_context *context = NULL;
    assert_int_equal(fv_context_create(&context, &(fv_context_options){ .threads = 1 }), FV_OK);
    return context;
}

FV_TEST(memory, blocks_are_aligned)
{
    fv_context *context = one_thread();
    const size_t sizes[] = { 0, 1, 63, 64, 65, 100000 };
    for (size_t i = 0; i < 6; i++) {
        char *block = fvi_allocate(context, sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 64, 0);
        memset(block, 1, sizes[i]);
        fvi_release(context, block);
    }
    fvi_release(context, NULL);
    fv_context_destroy(context);
}

FV_TEST(memory, sizes_that_overflow_give_null)
{
    fv_context *context = one_thread();
    size_t product = 0, sum = 0;
    assert_null(fvi_allocate_zeroed(context, SIZE_MAX / 2, 3));
    assert_null(fvi_allocate(context, SIZE_MAX));
    assert_null(fvi_allocate(context, SIZE_MAX - 70));
    assert_false(fvi_size_multiply(SIZE_MAX / 2, 3, &product));
    assert_false(fvi_size_add(SIZE_MAX, 1, &sum));
    assert_true(fvi_size_multiply(SIZE_MAX, 1, &product) && product == SIZE_MAX);
    assert_int_equal(fvi_round_up(65, 64), 128);
    assert_int_equal(fvi_round_up(64, 64), 64);
    fv_context_destroy(context);
}

FV_TEST(memory, zeroed_is_zero)
{
    fv_context *context = one_thread();
    unsigned char *bytes = fvi_allocate_zeroed(context, 100, 7);
    for (size_t i = 0; i < 700; i++)
        assert_int_equal(bytes[i], 0);
    fvi_release(context, bytes);
    fv_context_destroy(context);
}

FV_TEST(memory, growing_keeps_what_was_there)
{
    fv_context *context = one_thread();
    void *array = NULL;
    size_t capacity = 0;
    for (size_t used = 0; used < 1000; used++) {
        assert_int_equal(fvi_grow(context, &array, &capacity, used, used + 1, sizeof(size_t)), FV_OK);
        assert_true(capacity > used);
        ((size_t *)array)[used] = used;
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(((size_t *)array)[i], i);
    const size_t before = capacity;
    void *const same = array;
    assert_int_equal(fvi_grow(context, &array, &capacity, 1000, SIZE_MAX / 4, sizeof(size_t)), FV_ERR_MEMORY);
    assert_ptr_equal(array, same);
    assert_int_equal(capacity, before);
    assert_non_null(strstr(fv_context_message(context), "out of memory"));
    fvi_release(context, array);
    fv_context_destroy(context);
}

FV_TEST(memory, texts_are_copied)
{
    fv_context *context = one_thread();
    char text[] = "conv2d";
    char *copy = fvi_duplicate_text(context, text);
    text[0] = 'x';
    assert_string_equal(copy, "conv2d");
    fvi_release(context, copy);
    assert_int_equal(fvi_out_of_memory(context, "weights", 12), FV_ERR_MEMORY);
    assert_string_equal(fv_context_message(context), "out of memory: weights, 12 bytes");
    fv_context_destroy(context);
}

FV_TESTS(memory, blocks_are_aligned, sizes_that_overflow_give_null, zeroed_is_zero, growing_keeps_what_was_there,
         texts_are_copied)
