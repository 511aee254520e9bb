/* SPDX-License-Identifier: Apache-2.0
 *
 * model_format.h - what the writer and the reader of model files must agree on.
 */
#ifndef FVI_MODEL_FORMAT_H
#define FVI_MODEL_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FVI_MODEL_FORMAT "fovea"
#define FVI_MODEL_VERSION "1"

/* Values between this machine's order of bytes and the file's: swaps on a big-endian machine, else nothing. */
static inline void fvi_little_endian(float *values, size_t count)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (size_t i = 0; i < count; i++) {
        uint32_t word = 0;
        memcpy(&word, &values[i], sizeof word);
        word = __builtin_bswap32(word);
        memcpy(&values[i], &word, sizeof word);
    }
#else
    (void)values;
    (void)count;
#endif
}

#endif
