/* SPDX-License-Identifier: Apache-2.0
 *
 * xxh64_test.c - against values of the published tool (xxh64sum) and, where it was built in, against the library itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#ifdef FVI_HAVE_XXHASH
#include <xxhash.h>
#endif

#include "base/xxh64.h"

static uint64_t hash_in_pieces(const void *bytes, size_t count, size_t piece, uint64_t seed)
{
    fvi_xxh64 state = fvi_xxh64_start(seed);
    for (size_t at = 0; at < count; at += piece)
        fvi_xxh64_update(&state, (const char *)bytes + at, count - at < piece ? count - at : piece);
    return fvi_xxh64_finish(&state);
}

static void published_values(void **state)
{
    (void)state;
    assert_true(hash_in_pieces("", 0, 1, 0) == UINT64_C(0xEF46DB3751D8E999));
    assert_true(hash_in_pieces("abc", 3, 3, 0) == UINT64_C(0x44BC2CF5AD770999));
    /* 39 bytes: one whole stripe, then 4 + 1 + 1 + 1 */
    assert_true(hash_in_pieces("Nobody inspects the spammish repetition", 39, 39, 0) == UINT64_C(0xFBCEA83C8A378BF1));
}

static void pieces_do_not_matter(void **state)
{
    (void)state;
    unsigned char bytes[200];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37 + 11);
    for (size_t count = 0; count <= sizeof bytes; count++) {
        const uint64_t whole = hash_in_pieces(bytes, count, sizeof bytes, 7);
        for (size_t piece = 1; piece < 70; piece += 3)
            assert_true(hash_in_pieces(bytes, count, piece, 7) == whole);
#ifdef FVI_HAVE_XXHASH
        assert_true(whole == XXH64(bytes, count, 7));
#endif
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),
        cmocka_unit_test(pieces_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
