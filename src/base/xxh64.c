/* SPDX-License-Identifier: Apache-2.0
 *
 * xxh64.c - XXH64 by its specification (Yann Collet, "xxHash fast digest algorithm", version 0.1.1, section XXH64).
 * Bytes are taken as little-endian words whatever the machine.
 */
#include "base/xxh64.h"

#include <string.h>

#define PRIME_1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME_3 UINT64_C(0x165667B19E3779F9)
#define PRIME_4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME_5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t word(const unsigned char *bytes, int count)
{
    uint64_t value = 0;
    for (int i = count - 1; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

static uint64_t round_of(uint64_t lane, uint64_t input)
{
    return rotate(lane + input * PRIME_2, 31) * PRIME_1;
}

static void consume_stripe(fvi_xxh64 *state, const unsigned char *stripe)
{
    for (int i = 0; i < 4; i++)
        state->lane[i] = round_of(state->lane[i], word(stripe + 8 * i, 8));
}

fvi_xxh64 fvi_xxh64_start(uint64_t seed)
{
    return (fvi_xxh64){ .lane = { seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed, seed - PRIME_1 }, .seed = seed };
}

void fvi_xxh64_update(fvi_xxh64 *state, const void *bytes, size_t count)
{
    const unsigned char *next = bytes;
    state->total += count;
    if (state->pending_bytes > 0) {
        size_t taken = sizeof state->pending - state->pending_bytes;
        taken = count < taken ? count : taken;
        memcpy(state->pending + state->pending_bytes, next, taken);
        state->pending_bytes += taken;
        next += taken;
        count -= taken;
        if (state->pending_bytes < sizeof state->pending)
            return;
        consume_stripe(state, state->pending);
        state->pending_bytes = 0;
    }
    for (; count >= sizeof state->pending; next += sizeof state->pending, count -= sizeof state->pending)
        consume_stripe(state, next);
    if (count > 0)
        memcpy(state->pending, next, count);
    state->pending_bytes = count;
}

uint64_t fvi_xxh64_finish(const fvi_xxh64 *state)
{
    const uint64_t *lane = state->lane;
    uint64_t hash = state->seed + PRIME_5;
    if (state->total >= sizeof state->pending) {
        hash = rotate(lane[0], 1) + rotate(lane[1], 7) + rotate(lane[2], 12) + rotate(lane[3], 18);
        for (int i = 0; i < 4; i++)
            hash = (hash ^ round_of(0, lane[i])) * PRIME_1 + PRIME_4;
    }
    hash += state->total;
    const unsigned char *next = state->pending;
    const unsigned char *end = next + state->pending_bytes;
    for (; end - next >= 8; next += 8)
        hash = rotate(hash ^ round_of(0, word(next, 8)), 27) * PRIME_1 + PRIME_4;
    for (; end - next >= 4; next += 4)
        hash = rotate(hash ^ word(next, 4) * PRIME_1, 23) * PRIME_2 + PRIME_3;
    for (; next < end; next++)
        hash = rotate(hash ^ *next * PRIME_5, 11) * PRIME_1;
    hash = (hash ^ hash >> 33) * PRIME_2;
    hash = (hash ^ hash >> 29) * PRIME_3;
    return hash ^ hash >> 32;
}
