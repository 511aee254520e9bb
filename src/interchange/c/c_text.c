/* SPDX-License-Identifier: Apache-2.0
 *
 * c_text.c - templates of C text: "@word" is replaced, "?word:" and "!word:" at the beginning of a line say whether it stays.
 */
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "interchange/c/c_internal.h"

enum { LINE = 1000 };

static int32_t find(const fvi_c_words *words, const char *name, size_t length)
{
    for (int32_t i = 0; i < words->count; i++)
        if (strncmp(words->word[i].name, name, length) == 0 && words->word[i].name[length] == '\0')
            return i;
    return -1;
}

/* The place of a word, made if need be. */
static char *place_of(fvi_c_words *words, const char *name)
{
    int32_t at = find(words, name, strlen(name));
    if (at < 0) {
        assert(words->count < FVI_C_WORDS);
        at = words->count++;
        words->word[at].name = name;
    }
    return words->word[at].text;
}

void fvi_c_set(fvi_c_words *words, const char *name, int64_t number)
{
    snprintf(place_of(words, name), FVI_C_WORD, "%lld", (long long)number);
}

void fvi_c_set_text(fvi_c_words *words, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(place_of(words, name), FVI_C_WORD, format, arguments);
    va_end(arguments);
}

const char *fvi_c_word(const fvi_c_words *words, const char *name)
{
    const int32_t at = find(words, name, strlen(name));
    assert(at >= 0);
    return words->word[at].text;
}

static size_t word_length(const char *at)
{
    size_t length = 0;
    while (isalnum((unsigned char)at[length]) || at[length] == '_')
        length++;
    return length;
}

/* The word that begins at `at`: the longest that is known, up to its end or to an underscore of it, so that "@name_predict" is "@name" with
 * something behind. */
static int32_t find_word(const fvi_c_words *words, const char *at, size_t *length)
{
    *length = word_length(at);
    int32_t word = find(words, at, *length);
    while (word < 0 && *length > 0) {
        do
            --*length;
        while (*length > 0 && at[*length] != '_');
        word = find(words, at, *length);
    }
    assert(word >= 0);
    return word;
}

static bool is_set(const fvi_c_words *words, const char *name, size_t length)
{
    const int32_t at = find(words, name, length);
    return at >= 0 && words->word[at].text[0] != '\0' && strcmp(words->word[at].text, "0") != 0;
}

/* Whether the line that begins at *at stays; *at moves behind its conditions. */
static bool stays(const fvi_c_words *words, const char **at)
{
    bool kept = true;
    while (**at == '?' || **at == '!') {
        const bool wanted = **at == '?';
        const size_t length = word_length(*at + 1);
        assert((*at)[1 + length] == ':');
        kept = kept && is_set(words, *at + 1, length) == wanted;
        *at += length + 2;
    }
    return kept;
}

/* Takes every `part` out of line that ends where a number ends. */
static void leave_out(char *line, const char *part)
{
    const size_t length = strlen(part);
    for (char *at = strstr(line, part); at != NULL; at = strstr(at, part)) {
        const char behind = at[length];
        if (isalnum((unsigned char)behind) || behind == '.' || behind == '_')
            at += length;
        else
            memmove(at, at + length, strlen(at + length) + 1);
    }
}

/* Replaces the words of the line from `at` on, which has `length` bytes, into text. */
static void replace(const fvi_c_words *words, const char *at, size_t length, char text[LINE])
{
    size_t used = 0;
    for (const char *end = at + length; at < end;) {
        if (*at != '@') {
            assert(used + 1 < LINE);
            text[used++] = *at++;
            continue;
        }
        size_t name = 0;
        const int32_t word = find_word(words, at + 1, &name);
        const size_t bytes = strlen(words->word[word].text);
        assert(used + bytes < LINE);
        memcpy(text + used, words->word[word].text, bytes);
        used += bytes;
        at += name + 1;
    }
    text[used] = '\0';
}

void fvi_c_expand(fvi_text_buffer *out, const char *template, const fvi_c_words *words)
{
    char line[LINE];
    for (const char *at = template; *at != '\0';) {
        const bool kept = stays(words, &at);
        const size_t length = strcspn(at, "\n") + 1; /* every line of a template ends with one */
        if (kept) {
            replace(words, at, length, line);
            leave_out(line, " * 1");
            leave_out(line, " + 0");
            leave_out(line, " - 0");
            fvi_text_append(out, line);
        }
        at += length;
    }
}
