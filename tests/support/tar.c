/* SPDX-License-Identifier: Apache-2.0
 *
 * tar.c - see tar.h.
 */
#include "support/tar.h"

#include <stdio.h>
#include <string.h>

#include "support/test.h"

void test_tar_add(test_tar *file, const char *name, char type, const void *bytes, size_t size)
{
    unsigned char *header = file->bytes + file->size;
    unsigned sum = 0;
    assert_true(file->size + 512 + (size + 511) / 512 * 512 <= sizeof file->bytes);
    memset(header, 0, 512);
    snprintf((char *)header, 100, "%s", name);
    snprintf((char *)header + 124, 12, "%011o", (unsigned)size);
    memset(header + 148, ' ', 8);
    header[156] = (unsigned char)type;
    memcpy(header + 257, "ustar", 6);
    for (int i = 0; i < 512; i++)
        sum += header[i];
    snprintf((char *)header + 148, 8, "%06o", sum);
    memcpy(header + 512, bytes, size);
    file->size += 512 + (size + 511) / 512 * 512;
}
