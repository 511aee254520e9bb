/* SPDX-License-Identifier: Apache-2.0
 *
 * random.c - Philox4x32-10 and the distributions on it.
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4.2 and table 2.
 * Counter: (block of four draws, 64 bits; stream, 64 bits). Key: 64 bits mixed from seed and purpose.
 */
#include "base/random.h"

#include <math.h>

#include "base/math.h"

void fvi_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t draw[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        const uint64_t first = (uint64_t)UINT32_C(0xD2511F53) * c0;
        const uint64_t second = (uint64_t)UINT32_C(0xCD9E8D57) * c2;
        c0 = (uint32_t)(second >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(first >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)second;
        c3 = (uint32_t)first;
        k0 += UINT32_C(0x9E3779B9); /* the golden ratio and sqrt(3) - 1, as fractions of 2^32 */
        k1 += UINT32_C(0xBB67AE85);
    }
    draw[0] = c0;
    draw[1] = c1;
    draw[2] = c2;
    draw[3] = c3;
}

/* A bijection of 64 bits that spreads every bit over all (Stafford's variant 13 of the MurmurHash3 finaliser). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

fvi_random fvi_random_start(uint64_t seed, fvi_purpose purpose, uint64_t stream)
{
    /* The golden ratio times a purpose differs between purposes, and mix() is a bijection: for one seed, two purposes
     * never share a key; for one purpose, neither do two seeds. */
    const uint64_t key = mix(seed + (uint64_t)purpose * UINT64_C(0x9E3779B97F4A7C15));
    return (fvi_random){ .key = { (uint32_t)key, (uint32_t)(key >> 32) }, .stream = stream };
}

uint32_t fvi_random_u32(fvi_random *random)
{
    const uint64_t block = random->position / 4;
    const uint32_t counter[4] = { (uint32_t)block, (uint32_t)(block >> 32), (uint32_t)random->stream,
                                  (uint32_t)(random->stream >> 32) };
    uint32_t draw[4];
    fvi_philox(counter, random->key, draw);
    return draw[random->position++ % 4];
}

/* Draws [4*block, 4*block + 4). */
static void draw_block(const fvi_random *random, uint64_t block, uint32_t draw[4])
{
    const uint32_t counter[4] = { (uint32_t)block, (uint32_t)(block >> 32), (uint32_t)random->stream,
                                  (uint32_t)(random->stream >> 32) };
    fvi_philox(counter, random->key, draw);
}

void fvi_random_draws(const fvi_random *random, uint64_t position, size_t count, uint32_t *draws)
{
    for (size_t i = 0; i < count;) {
        const uint64_t block = (position + i) / 4;
        if ((position + i) % 4 == 0 && count - i >= 4) {
            draw_block(random, block, draws + i);
            i += 4;
            continue;
        }
        uint32_t draw[4];
        draw_block(random, block, draw);
        for (; i < count && (position + i) / 4 == block; i++)
            draws[i] = draw[(position + i) % 4];
    }
}

uint32_t fvi_random_below(fvi_random *random, uint32_t bound)
{
    /* Lemire, "Fast random integer generation in an interval", 2019 (arXiv:1805.10941), algorithm 5. */
    uint64_t product = (uint64_t)fvi_random_u32(random) * bound;
    if ((uint32_t)product < bound) {
        const uint32_t threshold = (0u - bound) % bound; /* 2^32 mod bound */
        while ((uint32_t)product < threshold)
            product = (uint64_t)fvi_random_u32(random) * bound;
    }
    return (uint32_t)(product >> 32);
}

static double uniform_of(const uint32_t draws[2])
{
    return (double)(((uint64_t)draws[0] << 32 | draws[1]) >> 11) * 0x1p-53;
}

double fvi_random_uniform(fvi_random *random)
{
    uint32_t draws[2];
    fvi_random_draws(random, random->position, 2, draws);
    random->position += 2;
    return uniform_of(draws);
}

double fvi_random_gaussian(fvi_random *random)
{
    uint32_t draws[4];
    fvi_random_draws(random, random->position, 4, draws);
    random->position += 4;
    const double u = 1.0 - uniform_of(draws);                              /* (0, 1]: its logarithm is finite */
    return sqrt(-2.0 * fvi_log(u)) * fvi_cos_turns(uniform_of(draws + 2)); /* Box & Muller 1958 */
}

void fvi_random_shuffle(fvi_random random, int32_t *values, int64_t count)
{
    for (int64_t i = count - 1; i > 0; i--) {
        const uint32_t other = fvi_random_below(&random, (uint32_t)i + 1);
        const int32_t swapped = values[i];
        values[i] = values[other];
        values[other] = swapped;
    }
}

uint64_t fvi_hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001B3);
    return hash;
}
