/* SPDX-License-Identifier: Apache-2.0
 *
 * md5.h - the MD5 checksum in pieces, with its state on the stack. Data sets were published with it: it tells a damaged download
 * from a whole one, and is no protection from a forger.
 */
#ifndef FVI_MD5_H
#define FVI_MD5_H

#include <stddef.h>
#include <stdint.h>

typedef struct fvi_md5 {
    uint32_t word[4];
    uint64_t total;
    unsigned char pending[64];
} fvi_md5;

fvi_md5 fvi_md5_start(void);
void fvi_md5_update(fvi_md5 *state, const void *bytes, size_t count);
/* 32 hexadecimal digits and a NUL. */
void fvi_md5_finish(const fvi_md5 *state, char text[33]);

#endif
