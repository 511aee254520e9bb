/* SPDX-License-Identifier: Apache-2.0
 *
 * md5.c - RFC 1321, "The MD5 Message-Digest Algorithm": blocks of 64 bytes, four rounds of sixteen operations over four words.
 */
#include "base/md5.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 64, LENGTH_AT = 56 };

/* floor(2^32 * |sin(i + 1)|), section 3.4 */
static const uint32_t sines[BLOCK] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};
static const unsigned char turns[4][4] = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } };

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value << by | value >> (32 - by);
}

/* The function of a round, and which word of the block it takes. */
static uint32_t mix(int i, uint32_t b, uint32_t c, uint32_t d, int *word)
{
    if (i < 16) {
        *word = i;
        return (b & c) | (~b & d);
    }
    if (i < 32) {
        *word = (5 * i + 1) % 16;
        return (d & b) | (~d & c);
    }
    if (i < 48) {
        *word = (3 * i + 5) % 16;
        return b ^ c ^ d;
    }
    *word = 7 * i % 16;
    return c ^ (b | ~d);
}

static void add_block(uint32_t state[4], const unsigned char *bytes)
{
    uint32_t x[16], a = state[0], b = state[1], c = state[2], d = state[3];
    for (int i = 0; i < 16; i++)
        x[i] = (uint32_t)bytes[4 * i] | (uint32_t)bytes[4 * i + 1] << 8 | (uint32_t)bytes[4 * i + 2] << 16 |
               (uint32_t)bytes[4 * i + 3] << 24;
    for (int i = 0; i < BLOCK; i++) {
        int word = 0;
        const uint32_t f = mix(i, b, c, d, &word), kept = d;
        const uint32_t sum = a + f + sines[i] + x[word];
        d = c;
        c = b;
        b += rotate(sum, turns[i / 16][i % 4]);
        a = kept;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

fvi_md5 fvi_md5_start(void)
{
    return (fvi_md5){ .word = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };
}

void fvi_md5_update(fvi_md5 *state, const void *bytes, size_t count)
{
    const unsigned char *next = bytes;
    size_t held = (size_t)(state->total % BLOCK);
    state->total += count;
    while (count > 0) {
        if (held == 0 && count >= BLOCK) {
            add_block(state->word, next);
            next += BLOCK;
            count -= BLOCK;
            continue;
        }
        const size_t taken = count < BLOCK - held ? count : BLOCK - held;
        memcpy(state->pending + held, next, taken);
        next += taken;
        count -= taken;
        held = (held + taken) % BLOCK;
        if (held == 0)
            add_block(state->word, state->pending);
    }
}

void fvi_md5_finish(const fvi_md5 *state, char text[33])
{
    fvi_md5 end = *state;
    unsigned char padding[2 * BLOCK] = { 0x80 }, length[8];
    const size_t held = (size_t)(state->total % BLOCK);
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(8 * state->total >> (8 * i));
    fvi_md5_update(&end, padding, (held < LENGTH_AT ? LENGTH_AT : BLOCK + LENGTH_AT) - held);
    fvi_md5_update(&end, length, sizeof length);
    for (int i = 0; i < 16; i++)
        snprintf(text + 2 * i, 3, "%02x", (unsigned)(end.word[i / 4] >> (8 * (i % 4)) & 255));
}
