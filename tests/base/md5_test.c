/* SPDX-License-Identifier: Apache-2.0
 *
 * md5_test.c - the test suite of RFC 1321, section A.5, and every way to cut a text in two.
 */
#include <string.h>

#include "base/md5.h"
#include "support/test.h"

static void check(const char *text, const char *expected)
{
    char found[33];
    fvi_md5 state = fvi_md5_start();
    fvi_md5_update(&state, text, strlen(text));
    fvi_md5_finish(&state, found);
    assert_string_equal(found, expected);
}

FV_TEST(md5, the_suite_of_the_rfc)
{
    check("", "d41d8cd98f00b204e9800998ecf8427e");
    check("a", "0cc175b9c0f1b6a831c399e269772661");
    check("abc", "900150983cd24fb0d6963f7d28e17f72");
    check("message digest", "f96b697d7cb7938d525a2f31aaf161d0");
    check("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b");
    check("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f");
    check("12345678901234567890123456789012345678901234567890123456789012345678901234567890",
          "57edf4a22be3c955ac49da2e2107b67a");
}

FV_TEST(md5, pieces_are_the_whole)
{
    char bytes[200], whole[33], found[33];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    for (size_t size = 100; size < 140; size++) {
        fvi_md5 sum = fvi_md5_start();
        fvi_md5_update(&sum, bytes, size);
        fvi_md5_finish(&sum, whole);
        for (size_t cut = 0; cut <= size; cut++) {
            sum = fvi_md5_start();
            fvi_md5_update(&sum, bytes, cut);
            fvi_md5_finish(&sum, found); /* looking does not change the sum */
            fvi_md5_update(&sum, bytes + cut, size - cut);
            fvi_md5_finish(&sum, found);
            assert_string_equal(found, whole);
        }
    }
}

FV_TESTS(md5, the_suite_of_the_rfc, pieces_are_the_whole)
