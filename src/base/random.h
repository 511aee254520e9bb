/* SPDX-License-Identifier: Apache-2.0
 *
 * random.h - Philox4x32-10, a counter-based generator (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
 * A draw is a pure function of (key, counter): no state to save, any order, any thread.
 */
#ifndef FVI_RANDOM_H
#define FVI_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The generator itself: four draws of 32 bits from a counter of 128 and a key of 64. */
void fvi_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t draw[4]);

/* What a stream of draws is for; part of its key, so that streams never overlap. */
typedef enum fvi_purpose {
    FVI_PURPOSE_PARAMETER = 1, /* stream: hash of the parameter's name */
    FVI_PURPOSE_SHUFFLE,       /* stream: epoch */
    FVI_PURPOSE_AUGMENT,       /* stream: epoch * 2^32 + sample */
    FVI_PURPOSE_DROPOUT,       /* stream: epoch * 2^32 + sample; the seed is mixed with the layer's name */
    FVI_PURPOSE_TEST,
    FVI_PURPOSE_PLACEMENT, /* stream 0: orders in which a plan's storages are placed */
    FVI_PURPOSE_SYNTHETIC, /* stream: split; 3: what all of them share */
    FVI_PURPOSE_CORRUPT,   /* stream: sample; position: kind * 2^48 */
    FVI_PURPOSE_DIVIDE,    /* stream: hash of a sample's pixels */
    FVI_PURPOSE_SUBSET,    /* stream: class */
    FVI_PURPOSE_LABEL,     /* stream: sample */
    FVI_PURPOSE_PIXELS,    /* stream 0: of all images; sample + 1: of one */
    FVI_PURPOSE_SAMPLING   /* stream: epoch */
} fvi_purpose;

/* One stream: a sequence of 32-bit draws addressed by `position`. */
typedef struct fvi_random {
    uint32_t key[2];
    uint64_t stream;
    uint64_t position; /* next draw */
} fvi_random;

/* The stream for (seed, purpose, stream), at position 0. */
fvi_random fvi_random_start(uint64_t seed, fvi_purpose purpose, uint64_t stream);
uint32_t fvi_random_u32(fvi_random *random);
/* draws[count] from `position` on; random stays as it is. */
void fvi_random_draws(const fvi_random *random, uint64_t position, size_t count, uint32_t *draws);
uint32_t fvi_random_below(fvi_random *random, uint32_t bound); /* uniform in [0, bound), unbiased; bound > 0 */
double fvi_random_uniform(fvi_random *random);                 /* [0, 1), 53 bits, two draws */
double fvi_random_gaussian(fvi_random *random); /* N(0,1) by Box-Muller on our own log and cos; four draws */
/* Fisher and Yates, from a stream of its own; count below 2^32. */
void fvi_random_shuffle(fvi_random random, int32_t *values, int64_t count);
uint64_t fvi_hash_text(const char *text); /* FNV-1a, 64 bits: streams from names */

#endif
