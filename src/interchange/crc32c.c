/* SPDX-License-Identifier: Apache-2.0
 *
 * crc32c.c - CRC-32C, four bits at a time: a table of 16 remainders instead of 256, fast enough for logs.
 */
#include "interchange/crc32c.h"

/* Remainder of each 4-bit value: (i >> 1) ^ (i & 1 ? 0x82F63B78 : 0), four times. */
static const uint32_t remainders[16] = { 0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3,
                                         0x61C69362, 0x7198540D, 0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9,
                                         0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75 };

uint32_t fvi_crc32c(uint32_t crc, const void *bytes, size_t count)
{
    const unsigned char *byte = bytes;
    crc = ~crc;
    for (size_t i = 0; i < count; i++) {
        crc ^= byte[i];
        crc = crc >> 4 ^ remainders[crc & 15];
        crc = crc >> 4 ^ remainders[crc & 15];
    }
    return ~crc;
}

uint32_t fvi_crc32c_masked(const void *bytes, size_t count)
{
    const uint32_t crc = fvi_crc32c(0, bytes, count);
    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}
