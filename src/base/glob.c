/* SPDX-License-Identifier: Apache-2.0
 *
 * glob.c - patterns of names: one pass with a return to the last * where the rest did not fit.
 */
#include "base/glob.h"

#include <stddef.h>
#include <string.h>

enum { WORD = 256 };

/* What stands behind a set that begins at pattern[0] == '['; NULL: it has no end. *has: whether c is in it. */
static const char *set_end(const char *pattern, char c, bool *has)
{
    const char *at = pattern + 1;
    const bool inverted = *at == '!' || *at == '^';
    bool found = false;
    at += inverted;
    for (const char *first = at; *at != '\0' && (*at != ']' || at == first); at++) {
        if (at[1] == '-' && at[2] != '\0' && at[2] != ']') {
            found = found || (at[0] <= c && c <= at[2]);
            at += 2;
        } else {
            found = found || *at == c;
        }
    }
    *has = found != inverted;
    return *at == ']' ? at + 1 : NULL;
}

/* Whether the pattern's first element is, or contains, c; *next: behind it. */
static bool takes(const char *pattern, char c, const char **next)
{
    bool has = false;
    *next = pattern + 1;
    if (*pattern == '[') {
        const char *end = set_end(pattern, c, &has);
        if (end != NULL) {
            *next = end;
            return has;
        }
    }
    return *pattern == '?' || *pattern == c;
}

/* The whole of name[0 .. length). */
static bool matches(const char *pattern, const char *name, size_t length)
{
    const char *star = NULL, *end = name + length, *again = NULL; /* behind the last *; where the rest was tried */
    while (name < end) {
        const char *next = NULL;
        if (*pattern == '*') {
            star = ++pattern;
            again = name;
        } else if (*pattern != '\0' && takes(pattern, *name, &next)) {
            pattern = next;
            name++;
        } else if (star != NULL) {
            pattern = star;
            name = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

bool fvi_glob(const char *pattern, const char *name)
{
    return matches(pattern, name, strlen(name));
}

bool fvi_glob_begins(const char *pattern, const char *name)
{
    for (const char *point = strchr(name, '.'); point != NULL; point = strchr(point + 1, '.'))
        if (matches(pattern, name, (size_t)(point - name)))
            return true;
    return fvi_glob(pattern, name);
}

static bool separates(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool fvi_glob_next(const char **list, char *word, int size, bool *inverted)
{
    const char *at = *list;
    int used = 0;
    while (at != NULL && separates(*at))
        at++;
    if (at == NULL || *at == '\0')
        return false;
    *inverted = *at == '!';
    at += *inverted;
    for (; *at != '\0' && !separates(*at); at++)
        if (used < size - 1)
            word[used++] = *at;
    word[used] = '\0';
    *list = at;
    return true;
}

bool fvi_glob_list(const char *list, const char *name)
{
    char word[WORD];
    bool inverted = false, matched = false;
    while (fvi_glob_next(&list, word, sizeof word, &inverted))
        if (fvi_glob_begins(word, name))
            matched = !inverted;
    return matched;
}
