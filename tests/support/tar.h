/* SPDX-License-Identifier: Apache-2.0
 *
 * tar.h - tar files, made member by member.
 */
#ifndef FVI_TEST_TAR_H
#define FVI_TEST_TAR_H

#include <stddef.h>

typedef struct test_tar {
    unsigned char bytes[32 * 512];
    size_t size; /* without the two blocks of zeros that end a file */
} test_tar;

/* type: '0' a file, '5' a folder, 'x' and 'L' names of the next member. */
void test_tar_add(test_tar *file, const char *name, char type, const void *bytes, size_t size);

#endif
