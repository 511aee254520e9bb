/* SPDX-License-Identifier: Apache-2.0
 *
 * parse.c - a list of transforms from its text, and the text with all options.
 *
 *   list:      { transform }, with blanks, commas or semicolons between
 *   transform: name [ "(" [ option { "," option } ] ")" ]
 *   option:    [ name "=" ] value            without a name: the first option
 *   value:     word | number | "[" number { "," number } "]"
 *
 * Numbers are read the C way in any locale, and exactly: at most 15 digits, a power of ten of at most 22 (Clinger 1990).
 */
#include <string.h>

#include "base/text_buffer.h"
#include "data/augment/transform.h"
#include "fovea/text.h"

enum { MOST_TEXT = 65536, WORD = 64, MOST_WORDS = 96, MOST_NUMBERS = FVI_TRANSFORM_CHANNELS, VALUE = 160 };

typedef struct reader {
    fv_context *context;
    const char *text;
    size_t at;
} reader;

/* One value, with its text as it is written into the list again. */
typedef struct value {
    char text[VALUE];
    double number[MOST_NUMBERS];
    int32_t count; /* 0: a word */
    size_t at;
} value;

static const char *const p_name = "p";

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == '+';
}

static void skip_blanks(reader *in)
{
    while (is_blank(in->text[in->at]))
        in->at++;
}

static void skip_between(reader *in)
{
    while (is_blank(in->text[in->at]) || in->text[in->at] == ',' || in->text[in->at] == ';')
        in->at++;
}

/* The character at fault as a message shows it. */
static const char *shown(char c, char text[8])
{
    if (c == '\0')
        return "the end";
    text[0] = text[2] = '\'';
    text[1] = (unsigned char)c < ' ' || (unsigned char)c > '~' ? '?' : c;
    text[3] = '\0';
    return text;
}

static fv_status read_word(reader *in, const char *what, char word[WORD])
{
    size_t length = 0;
    char text[8];
    while (is_word(in->text[in->at + length]))
        length++;
    if (length == 0)
        return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: %s expected, not %s", in->at + 1,
                        what, shown(in->text[in->at], text));
    if (length >= WORD)
        return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: a word of %zu characters",
                        in->at + 1, length);
    memcpy(word, in->text + in->at, length);
    word[length] = '\0';
    in->at += length;
    return FV_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits of a number, without leading zeros, as an integer; *scale: the power of ten. False: none, or too many. */
static bool read_digits(const char **text, int64_t *digits, int32_t *scale)
{
    int32_t significant = 0;
    bool any = false, after_point = false;
    const char *at = *text;
    *digits = 0;
    *scale = 0;
    for (; is_digit(*at) || (*at == '.' && !after_point); at++) {
        if (*at == '.') {
            after_point = true;
            continue;
        }
        any = true;
        *digits = *digits * 10 + (*at - '0');
        significant += *digits > 0;
        *scale -= after_point;
        if (significant > 15)
            return false;
    }
    *text = at;
    return any;
}

static bool number_of(const char *word, double *out)
{
    static const double power[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    const bool negative = *word == '-';
    int64_t digits = 0;
    int32_t scale = 0, exponent = 0;
    word += *word == '-' || *word == '+';
    if (!read_digits(&word, &digits, &scale))
        return false;
    if (*word == 'e' || *word == 'E') {
        const bool down = *++word == '-';
        word += *word == '-' || *word == '+';
        if (!is_digit(*word))
            return false;
        for (; is_digit(*word) && exponent < 1000; word++)
            exponent = exponent * 10 + (*word - '0');
        scale += down ? -exponent : exponent;
    }
    if (*word != '\0' || scale < -22 || scale > 22)
        return false;
    const double size = scale < 0 ? (double)digits / power[-scale] : (double)digits * power[scale];
    *out = negative ? -size : size;
    return true;
}

static fv_status read_numbers(reader *in, value *out)
{
    size_t used = 1;
    char word[WORD], text[8];
    out->text[0] = '[';
    in->at++;
    for (;;) {
        skip_blanks(in);
        const size_t at = in->at;
        FV_TRY(read_word(in, "a number", word));
        if (out->count >= MOST_NUMBERS)
            return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: more than %d numbers", at + 1,
                            MOST_NUMBERS);
        if (!number_of(word, &out->number[out->count]))
            return fvi_fail(in->context, FV_ERR_ARGUMENT,
                            "augmentation, character %zu: '%s' is not a number (of at most 15 digits)", at + 1, word);
        const size_t length = strlen(word);
        if (used + length + 3 > VALUE)
            return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: the numbers are too long",
                            at + 1);
        memcpy(out->text + used, word, length);
        used += length;
        out->count++;
        skip_blanks(in);
        if (in->text[in->at] != ',' && in->text[in->at] != ']')
            return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: ',' or ']' expected, not %s",
                            in->at + 1, shown(in->text[in->at], text));
        out->text[used++] = in->text[in->at] == ',' ? ',' : ']';
        out->text[used] = '\0';
        if (in->text[in->at++] == ']')
            return FV_OK;
    }
}

static fv_status read_value(reader *in, value *out)
{
    char word[WORD];
    *out = (value){ .at = in->at };
    if (in->text[in->at] == '[')
        return read_numbers(in, out);
    FV_TRY(read_word(in, "a value", word));
    memcpy(out->text, word, strlen(word) + 1);
    out->count = number_of(word, &out->number[0]) ? 1 : 0;
    return FV_OK;
}

/* Options: p first, which is the base's, then the type's own. */

static fvi_transform_option option_p(const fvi_transform *transform)
{
    return (fvi_transform_option){ .name = p_name,
                                   .type = FVI_OPTION_REAL,
                                   .count = 1,
                                   .high = 1,
                                   .fallback = transform->p,
                                   .help = "how likely it is applied" };
}

static int32_t own_options(const fvi_transform *transform)
{
    int32_t count = 0;
    while (transform->options != NULL && transform->options[count].name != NULL)
        count++;
    return count;
}

/* Option i: the type's own, then p. False past the last. */
static bool option_at(const fvi_transform *transform, int32_t i, fvi_transform_option *out)
{
    const int32_t own = own_options(transform);
    if (i < own)
        *out = transform->options[i];
    else if (i == own && transform->p != NULL)
        *out = option_p(transform);
    else
        return false;
    return true;
}

static fv_status unknown_option(const reader *in, const fvi_transform *transform, const char *name, size_t at)
{
    const char *words[MOST_WORDS];
    char list[512] = "";
    size_t used = 0;
    int32_t count = 0;
    fvi_transform_option option;
    for (; count < MOST_WORDS && option_at(transform, count, &option); count++) {
        const size_t length = strlen(option.name);
        words[count] = option.name;
        if (used + length + 3 < sizeof list) {
            if (count > 0) {
                memcpy(list + used, ", ", 2);
                used += 2;
            }
            memcpy(list + used, option.name, length + 1);
            used += length;
        }
    }
    const char *near = fv_nearest_word(name, words, count);
    if (count == 0)
        return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: %s has no options", at + 1,
                        transform->name);
    return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: %s has no option '%s'; %s%s%sit has %s",
                    at + 1, transform->name, name, near != NULL ? "did you mean '" : "", near != NULL ? near : "",
                    near != NULL ? "'? " : "", list);
}

static fv_status store_choice(const reader *in, const fvi_transform *transform, const fvi_transform_option *option,
                              const value *given, int32_t *out)
{
    int32_t count = 0;
    char list[256] = "";
    size_t used = 0;
    for (; option->words[count] != NULL; count++) {
        if (strcmp(option->words[count], given->text) == 0) {
            *out = count;
            return FV_OK;
        }
        const size_t length = strlen(option->words[count]);
        if (used + length + 3 < sizeof list) {
            if (count > 0) {
                memcpy(list + used, ", ", 2);
                used += 2;
            }
            memcpy(list + used, option->words[count], length + 1);
            used += length;
        }
    }
    const char *near = fv_nearest_word(given->text, option->words, count);
    return fvi_fail(in->context, FV_ERR_ARGUMENT,
                    "augmentation, character %zu: %s: %s is '%s', must be one of %s%s%s%s", given->at + 1,
                    transform->name, option->name, given->text, list, near != NULL ? "; did you mean '" : "",
                    near != NULL ? near : "", near != NULL ? "'?" : "");
}

static fv_status check_number(const reader *in, const fvi_transform *transform, const fvi_transform_option *option,
                              const value *given, double number)
{
    const bool whole = option->type == FVI_OPTION_INT;
    if (number >= option->low && number <= option->high && (!whole || number == (double)(int32_t)number))
        return FV_OK;
    return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: %s: %s is %s, must be %s%.15g to %.15g",
                    given->at + 1, transform->name, option->name, given->text, whole ? "a whole number of " : "",
                    option->low, option->high);
}

static fv_status store(const reader *in, const fvi_transform *transform, const fvi_transform_option *option,
                       const value *given, void *options)
{
    char *member = (char *)options + option->offset;
    if (option->type == FVI_OPTION_CHOICE)
        return store_choice(in, transform, option, given, (int32_t *)(void *)member);
    if (given->count == 0)
        return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: %s: %s is '%s', must be a number",
                        given->at + 1, transform->name, option->name, given->text);
    if (given->count > option->count)
        return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: %s: %s takes %s%d number%s, not %d",
                        given->at + 1, transform->name, option->name, option->count > 1 ? "up to " : "", option->count,
                        option->count > 1 ? "s" : "", given->count);
    for (int32_t i = 0; i < option->count; i++) {
        const double number = given->number[i < given->count ? i : given->count - 1];
        FV_TRY(check_number(in, transform, option, given, number));
        if (option->type == FVI_OPTION_INT)
            ((int32_t *)(void *)member)[i] = (int32_t)number;
        else
            ((double *)(void *)member)[i] = number;
    }
    return FV_OK;
}

/* Values of one transform while it is read: what was given, by option. */
typedef struct given_values {
    bool is_given[MOST_WORDS];
    value value[8];
} given_values;

enum { MOST_OPTIONS = 8 };

static fv_status read_option(reader *in, const fvi_transform *transform, given_values *given)
{
    const size_t at = in->at;
    fvi_transform_option option;
    value read;
    int32_t i = 0;
    FV_TRY(read_value(in, &read));
    skip_blanks(in);
    if (in->text[in->at] == '=') {
        in->at++;
        skip_blanks(in);
        char name[WORD];
        memcpy(name, read.text, WORD - 1);
        name[WORD - 1] = '\0';
        while (option_at(transform, i, &option) && strcmp(option.name, name) != 0)
            i++;
        if (!option_at(transform, i, &option))
            return unknown_option(in, transform, name, at);
        FV_TRY(read_value(in, &read));
    }
    if (!option_at(transform, i, &option))
        return unknown_option(in, transform, read.text, at);
    if (given->is_given[i])
        return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: %s: %s is given twice", at + 1,
                        transform->name, option.name);
    given->is_given[i] = true;
    given->value[i] = read;
    return FV_OK;
}

static fv_status read_options(reader *in, const fvi_transform *transform, given_values *given)
{
    char text[8];
    in->at++; /* the bracket */
    skip_blanks(in);
    while (in->text[in->at] != ')') {
        FV_TRY(read_option(in, transform, given));
        skip_blanks(in);
        if (in->text[in->at] != ',' && in->text[in->at] != ')')
            return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: ',' or ')' expected, not %s",
                            in->at + 1, shown(in->text[in->at], text));
        if (in->text[in->at] == ',') {
            in->at++;
            skip_blanks(in);
        }
    }
    in->at++;
    return FV_OK;
}

static const fvi_transform *find_transform(const char *name)
{
    for (int32_t i = 0; fvi_transforms[i] != NULL; i++)
        if (strcmp(fvi_transforms[i]->name, name) == 0 ||
            (fvi_transforms[i]->also != NULL && strcmp(fvi_transforms[i]->also, name) == 0))
            return fvi_transforms[i];
    return NULL;
}

static fv_status unknown_transform(const reader *in, const char *name, size_t at)
{
    const char *words[MOST_WORDS];
    int32_t count = 0;
    for (int32_t i = 0; fvi_transforms[i] != NULL && count + 2 < MOST_WORDS; i++) {
        words[count++] = fvi_transforms[i]->name;
        words[count++] = fvi_transforms[i]->also;
    }
    const char *near = fv_nearest_word(name, words, count);
    return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: there is no transform '%s'%s%s%s",
                    at + 1, name, near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                    near != NULL ? "'?" : "");
}

/* Every option's value into the struct and, all of them, into the text. */
static fv_status fill_options(const reader *in, const fvi_transform *transform, const given_values *given,
                              void *options, fvi_text_buffer *text)
{
    fvi_transform_option option;
    for (int32_t i = 0; option_at(transform, i, &option); i++) {
        value taken = given->value[i < MOST_OPTIONS ? i : 0];
        if (!given->is_given[i]) {
            reader fallback = { in->context, option.fallback, 0 };
            FV_TRY(read_value(&fallback, &taken));
            taken.at = in->at;
        }
        FV_TRY(store(in, transform, &option, &taken, options));
        fvi_text_append(text, i == 0 ? "(" : ", ");
        fvi_text_format(text, "%s=%s", option.name, taken.text);
    }
    if (option_at(transform, 0, &option))
        fvi_text_append(text, ")");
    return FV_OK;
}

static fv_status read_transform(reader *in, fv_augmentation *augmentation, fvi_text_buffer *text)
{
    const size_t at = in->at;
    char name[WORD];
    given_values given = { 0 };
    fvi_message message;
    FV_TRY(read_word(in, "the name of a transform", name));
    const fvi_transform *transform = find_transform(name);
    if (transform == NULL)
        return unknown_transform(in, name, at);
    if (augmentation->count == FVI_TRANSFORMS_MOST)
        return fvi_fail(in->context, FV_ERR_ARGUMENT, "augmentation, character %zu: more than %d transforms", at + 1,
                        FVI_TRANSFORMS_MOST);
    fvi_augment_place *place = &augmentation->place[augmentation->count];
    place->options = fvi_allocate_zeroed(in->context, 1, transform->options_size);
    if (place->options == NULL)
        return fvi_out_of_memory(in->context, "options of a transform", transform->options_size);
    place->transform = transform;
    augmentation->count++;
    skip_blanks(in);
    if (in->text[in->at] == '(')
        FV_TRY(read_options(in, transform, &given));
    fvi_text_append(text, augmentation->count > 1 ? " " : "");
    place->text_at = text->used;
    fvi_text_append(text, transform->name);
    FV_TRY(fill_options(in, transform, &given, place->options, text));
    place->text_size = text->used - place->text_at;
    if (transform->check != NULL) {
        const fv_status status = transform->check(&message, place->options);
        if (status != FV_OK)
            return fvi_fail(in->context, status, "augmentation, character %zu: %s: %s", at + 1, transform->name,
                            message.text);
    }
    return FV_OK;
}

fv_status fvi_augmentation_parse(fv_augmentation *augmentation, const char *text)
{
    reader in = { augmentation->context, text, 0 };
    fvi_text_buffer canonical = { .context = augmentation->context };
    fv_status status = FV_OK;
    if (strlen(text) > MOST_TEXT)
        return fvi_fail(in.context, FV_ERR_ARGUMENT, "augmentation: a text of %zu characters, more than %d",
                        strlen(text), MOST_TEXT);
    fvi_text_append(&canonical, "");
    for (skip_between(&in); status == FV_OK && in.text[in.at] != '\0'; skip_between(&in))
        status = read_transform(&in, augmentation, &canonical);
    const fv_status finished = fvi_text_finish(&canonical, &augmentation->text);
    return status != FV_OK ? status : finished;
}

const char *fv_transform_name(int32_t index)
{
    for (int32_t i = 0; i < index; i++)
        if (fvi_transforms[i] == NULL)
            return NULL;
    return index >= 0 && fvi_transforms[index] != NULL ? fvi_transforms[index]->name : NULL;
}

const char *fv_transform_formula(int32_t index)
{
    return fv_transform_name(index) != NULL ? fvi_transforms[index]->formula : NULL;
}

const char *fv_transform_source(int32_t index)
{
    return fv_transform_name(index) != NULL ? fvi_transforms[index]->source : NULL;
}

bool fv_transform_option_get(int32_t index, int32_t option, fv_transform_option *out)
{
    fvi_transform_option found;
    if (option < 0 || fv_transform_name(index) == NULL || !option_at(fvi_transforms[index], option, &found))
        return false;
    *out = (fv_transform_option){ .name = found.name,
                                  .fallback = found.fallback,
                                  .help = found.help,
                                  .low = found.low,
                                  .high = found.high,
                                  .words = found.words,
                                  .count = found.count };
    return true;
}
