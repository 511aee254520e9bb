/* SPDX-License-Identifier: Apache-2.0
 *
 * text.h - what people type: "did you mean", the word of a list that a misspelt one is nearest to; amounts of memory.
 */
#ifndef FOVEA_TEXT_H
#define FOVEA_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "fovea/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The word of words[count] with the smallest edit distance to `word` (insertions, deletions, substitutions and swaps of
 * neighbours count 1, letter case and '-' against '_' count nothing), the first of equals; NULL when none is near: the
 * distance may be a third of the longer word, and at least 1. A word that another continues ("mom" for "momentum") is
 * near too, from three letters on. NULL entries are skipped. Words of more than 63 bytes are near to none. */
FV_API const char *fv_nearest_word(const char *word, const char *const *words, int32_t count);
/* An amount of memory, rounded down to bytes: 4096, 800MB, 1.5G, 2GiB. K, M, G, T are powers of 1000, Ki, Mi, Gi, Ti of 1024, a B behind them says
 * nothing more; small letters will do. False: it is none, or above 9e15, and *bytes stays. */
FV_API bool fv_bytes_read(const char *text, int64_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
