/* SPDX-License-Identifier: Apache-2.0
 *
 * text.c - edit distance for "did you mean": optimal string alignment (Damerau-Levenshtein without overlapping edits)
 * on three rows of fixed size, so that it neither allocates nor takes long on any input.
 */
#include "fovea/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { LONGEST = 63 };

/* Letters without case ('A' to 'Z' only: no locale), '-' as '_'. */
static char folded(char letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return (char)(letter - 'A' + 'a');
    return letter == '-' ? '_' : letter;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int rows[3][LONGEST + 1];
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = (int)j;
    for (size_t i = 1; i <= a_length; i++) {
        int *row = rows[i % 3];
        const int *above = rows[(i - 1) % 3];
        const int *twice_above = rows[(i + 1) % 3]; /* (i - 2) % 3 without going below zero */
        row[0] = (int)i;
        for (size_t j = 1; j <= b_length; j++) {
            const char x = folded(a[i - 1]), y = folded(b[j - 1]);
            row[j] = smaller(smaller(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == folded(b[j - 2]) && folded(a[i - 2]) == y)
                row[j] = smaller(row[j], twice_above[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

static bool begins(const char *word, size_t word_length, const char *longer, size_t longer_length)
{
    if (word_length < 3 || word_length >= longer_length)
        return false;
    for (size_t i = 0; i < word_length; i++)
        if (folded(word[i]) != folded(longer[i]))
            return false;
    return true;
}

const char *fv_nearest_word(const char *word, const char *const *words, int32_t count)
{
    const size_t length = strlen(word);
    if (length == 0 || length > LONGEST)
        return NULL;
    const char *nearest = NULL;
    int best = LONGEST + 1;
    for (int32_t i = 0; i < count; i++) {
        const size_t other = words[i] == NULL ? 0 : strlen(words[i]);
        if (other == 0 || other > LONGEST)
            continue;
        const int longer = (int)(length > other ? length : other);
        const int allowed = longer < 3 ? 1 : longer / 3;
        int edits = distance(word, length, words[i], other);
        if (begins(word, length, words[i], other))
            edits = smaller(edits, allowed); /* as near as the farthest that still counts */
        if (edits <= allowed && edits < best) {
            best = edits;
            nearest = words[i];
        }
    }
    return nearest;
}
