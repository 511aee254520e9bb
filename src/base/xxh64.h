/* SPDX-License-Identifier: Apache-2.0
 *
 * xxh64.h - the XXH64 checksum in pieces, with its state on the stack: model files need it in every build.
 */
#ifndef FVI_XXH64_H
#define FVI_XXH64_H

#include <stddef.h>
#include <stdint.h>

typedef struct fvi_xxh64 {
    uint64_t lane[4];
    uint64_t total;
    uint64_t seed;
    unsigned char pending[32];
    size_t pending_bytes;
} fvi_xxh64;

fvi_xxh64 fvi_xxh64_start(uint64_t seed);
void fvi_xxh64_update(fvi_xxh64 *state, const void *bytes, size_t count);
uint64_t fvi_xxh64_finish(const fvi_xxh64 *state);

#endif
