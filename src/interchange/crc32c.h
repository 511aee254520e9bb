/* SPDX-License-Identifier: Apache-2.0
 *
 * crc32c.h - CRC-32C (Castagnoli: polynomial 0x1EDC6F41, reflected 0x82F63B78; RFC 3720, appendix B.4), which TFRecord files use.
 */
#ifndef FVI_CRC32C_H
#define FVI_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of count bytes; crc: that of the bytes before them, 0 at first. "123456789" gives 0xE3069283. */
uint32_t fvi_crc32c(uint32_t crc, const void *bytes, size_t count);
/* As records keep it, so that a checksum over bytes that hold checksums is no special case: rotated by 15 bits, plus 0xA282EAD8. */
uint32_t fvi_crc32c_masked(const void *bytes, size_t count);

#endif
