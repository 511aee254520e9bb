/* SPDX-License-Identifier: Apache-2.0
 *
 * expression.c - a recursive descent over one text; the text's length (255 bytes) bounds the recursion.
 */
#include "interchange/expression.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_NAMES = 256, LARGEST_EXPONENT = 64 };

typedef struct parser {
    const fvi_tree *tree;
    const fvi_item *item;
    const fvi_names *names;
    const char *text; /* all of the item's */
    size_t at, end;   /* the rest of the expression */
} parser;

fvi_number fvi_number_whole(int64_t value)
{
    return (fvi_number){ .whole = true, .integer = value, .real = (double)value };
}

/* ASCII only: <ctype.h> follows the locale. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool fvi_is_name(const char *text)
{
    if (!starts_name(*text))
        return false;
    while (starts_name(*text) || is_digit(*text))
        text++;
    return *text == '\0';
}

/* The item as if it stood where text[at] does. */
static fvi_item place_of(const parser *p, size_t at)
{
    fvi_item place = *p->item;
    if (place.text_column > 0)
        place.column = place.text_column + (int32_t)at; /* a text has at most 255 bytes */
    return place;
}

static fv_status fail_at(const parser *p, size_t at, const char *message)
{
    const fvi_item place = place_of(p, at);
    return fvi_tree_fail(p->tree, &place, FV_ERR_ARGUMENT, "%s in '%s'", message, p->text);
}

static void skip_spaces(parser *p)
{
    while (p->at < p->end && (p->text[p->at] == ' ' || p->text[p->at] == '\t' || p->text[p->at] == '\n'))
        p->at++;
}

/* Takes the symbol if it is next. */
static bool take(parser *p, const char *symbol)
{
    const size_t length = strlen(symbol);
    skip_spaces(p);
    if (p->end - p->at < length || memcmp(p->text + p->at, symbol, length) != 0)
        return false;
    p->at += length;
    return true;
}

static fv_status real_result(const parser *p, size_t at, double real, fvi_number *value)
{
    if (!(real - real == 0))
        return fail_at(p, at, "the result is not finite");
    *value = (fvi_number){ .real = real };
    return FV_OK;
}

/* a // b and a % b of whole numbers; b is not 0. False: overflow. */
static bool divide_down(int64_t a, int64_t b, int64_t *quotient, int64_t *remainder)
{
    if (a == INT64_MIN && b == -1)
        return false;
    *quotient = a / b;
    *remainder = a % b;
    if (*remainder != 0 && (*remainder < 0) != (b < 0)) {
        *remainder += b;
        *quotient -= 1;
    }
    return true;
}

/* "/", "//" ('d') or "%". */
static fv_status divide(const parser *p, size_t at, char symbol, fvi_number a, fvi_number b, fvi_number *value)
{
    int64_t quotient = 0, remainder = 0;
    if (b.real == 0.0)
        return fail_at(p, at, "division by zero");
    if (a.whole && b.whole) {
        if (!divide_down(a.integer, b.integer, &quotient, &remainder))
            return fail_at(p, at, "the result does not fit into 64 bits");
        if (symbol == '%' || symbol == 'd' || remainder == 0) {
            *value = fvi_number_whole(symbol == '%' ? remainder : quotient);
            return FV_OK;
        }
    }
    if (symbol == '/')
        return real_result(p, at, a.real / b.real, value);
    const double down = floor(a.real / b.real);
    return real_result(p, at, symbol == 'd' ? down : a.real - b.real * down, value);
}

static fv_status combine(const parser *p, size_t at, char symbol, fvi_number a, fvi_number b, fvi_number *value)
{
    int64_t result = 0;
    if (symbol == '/' || symbol == 'd' || symbol == '%')
        return divide(p, at, symbol, a, b, value);
    if (a.whole && b.whole) {
        const bool overflow = symbol == '+'   ? __builtin_add_overflow(a.integer, b.integer, &result)
                              : symbol == '-' ? __builtin_sub_overflow(a.integer, b.integer, &result)
                                              : __builtin_mul_overflow(a.integer, b.integer, &result);
        if (overflow)
            return fail_at(p, at, "the result does not fit into 64 bits");
        *value = fvi_number_whole(result);
        return FV_OK;
    }
    return real_result(p, at,
                       symbol == '+'   ? a.real + b.real
                       : symbol == '-' ? a.real - b.real
                                       : a.real * b.real,
                       value);
}

/* By repeated multiplication: pow() differs from one libm to the next. */
static fv_status raise(const parser *p, size_t at, fvi_number base, fvi_number exponent, fvi_number *value)
{
    if (!exponent.whole || exponent.integer < -LARGEST_EXPONENT || exponent.integer > LARGEST_EXPONENT)
        return fail_at(p, at, "an exponent must be a whole number from -64 to 64");
    fvi_number result = fvi_number_whole(1);
    for (int64_t i = exponent.integer < 0 ? -exponent.integer : exponent.integer; i > 0; i--)
        FV_TRY(combine(p, at, '*', result, base, &result));
    if (exponent.integer < 0)
        FV_TRY(divide(p, at, '/', fvi_number_whole(1), result, &result));
    *value = result;
    return FV_OK;
}

static fv_status parse_sum(parser *p, fvi_number *value);
static fv_status parse_sign(parser *p, fvi_number *value);

/* As in JSON, and read by what reads JSON: the same in every locale. */
static fv_status parse_number(parser *p, fvi_number *value)
{
    const size_t first = p->at;
    while (p->at < p->end && (is_digit(p->text[p->at]) || p->text[p->at] == '.'))
        p->at++;
    if (p->at < p->end && (p->text[p->at] == 'e' || p->text[p->at] == 'E')) {
        p->at++;
        p->at += p->at < p->end && (p->text[p->at] == '-' || p->text[p->at] == '+');
        while (p->at < p->end && is_digit(p->text[p->at]))
            p->at++;
    }
    json_t *number = json_loadb(p->text + first, p->at - first, JSON_DECODE_ANY, NULL);
    const bool whole = json_is_integer(number);
    *value = (fvi_number){ .whole = whole, .integer = json_integer_value(number), .real = json_number_value(number) };
    const bool good = json_is_number(number);
    json_decref(number);
    return good ? FV_OK : fail_at(p, first, "a damaged or too large number (write 12, 0.5 or 1e-3)");
}

static fv_status unknown_name(const parser *p, size_t at, const char *name)
{
    const char *words[MOST_NAMES];
    int32_t count = 0;
    const fvi_item place = place_of(p, at);
    if (p->names->truth) {
        words[count++] = "true";
        words[count++] = "false";
    }
    for (const fvi_scope *scope = p->names->scope; scope != NULL && count < MOST_NAMES - 3; scope = scope->outer)
        words[count++] = scope->name;
    if (p->names->shape != NULL) {
        words[count++] = "channels";
        words[count++] = "rows";
        words[count++] = "columns";
    }
    if (count == 0)
        return fvi_tree_fail(p->tree, &place, FV_ERR_ARGUMENT,
                             "unknown name '%s' in '%s'; numbers are given a name under 'parameters:'", name, p->text);
    return fvi_tree_fail_unknown(p->tree, &place, false, "name", name, words, count);
}

static fv_status parse_name(parser *p, fvi_number *value)
{
    char name[FVI_TREE_WORD_BYTES + 1];
    const size_t first = p->at;
    while (p->at < p->end && (starts_name(p->text[p->at]) || is_digit(p->text[p->at])))
        p->at++;
    memcpy(name, p->text + first, p->at - first); /* a text has at most FVI_TREE_WORD_BYTES */
    name[p->at - first] = '\0';
    for (const fvi_scope *scope = p->names->scope; scope != NULL; scope = scope->outer)
        if (strcmp(scope->name, name) == 0) {
            *value = scope->value;
            return FV_OK;
        }
    const fv_image_shape *shape = p->names->shape;
    if (shape != NULL && strcmp(name, "channels") == 0)
        *value = fvi_number_whole(shape->c);
    else if (shape != NULL && strcmp(name, "rows") == 0)
        *value = fvi_number_whole(shape->h);
    else if (shape != NULL && strcmp(name, "columns") == 0)
        *value = fvi_number_whole(shape->w);
    else
        return unknown_name(p, first, name);
    return FV_OK;
}

static fv_status parse_value(parser *p, fvi_number *value)
{
    skip_spaces(p);
    if (p->at >= p->end)
        return fail_at(p, p->at, "a number or a name is missing at the end");
    const char c = p->text[p->at];
    if (is_digit(c) || c == '.')
        return parse_number(p, value);
    if (starts_name(c))
        return parse_name(p, value);
    if (!take(p, "("))
        return fail_at(p, p->at, "a number or a name is missing");
    FV_TRY(parse_sum(p, value));
    return take(p, ")") ? FV_OK : fail_at(p, p->at, "')' is missing");
}

static fv_status parse_power(parser *p, fvi_number *value)
{
    FV_TRY(parse_value(p, value));
    const size_t at = p->at;
    fvi_number exponent;
    if (!take(p, "**"))
        return FV_OK;
    FV_TRY(parse_sign(p, &exponent));
    return raise(p, at, *value, exponent, value);
}

static fv_status parse_sign(parser *p, fvi_number *value)
{
    if (take(p, "+"))
        return parse_sign(p, value);
    const size_t at = p->at;
    if (!take(p, "-"))
        return parse_power(p, value);
    FV_TRY(parse_sign(p, value));
    return combine(p, at, '*', fvi_number_whole(-1), *value, value);
}

static fv_status parse_product(parser *p, fvi_number *value)
{
    FV_TRY(parse_sign(p, value));
    for (;;) {
        fvi_number right;
        skip_spaces(p);
        const size_t at = p->at;
        const char symbol = take(p, "*") ? '*' : take(p, "//") ? 'd' : take(p, "/") ? '/' : take(p, "%") ? '%' : '\0';
        if (symbol == '\0')
            return FV_OK;
        FV_TRY(parse_sign(p, &right));
        FV_TRY(combine(p, at, symbol, *value, right, value));
    }
}

static fv_status parse_sum(parser *p, fvi_number *value)
{
    FV_TRY(parse_product(p, value));
    for (;;) {
        fvi_number right;
        skip_spaces(p);
        const size_t at = p->at;
        const char symbol = take(p, "+") ? '+' : take(p, "-") ? '-' : '\0';
        if (symbol == '\0')
            return FV_OK;
        FV_TRY(parse_product(p, &right));
        FV_TRY(combine(p, at, symbol, *value, right, value));
    }
}

static fv_status parse_all(parser *p, fvi_number *value)
{
    *value = fvi_number_whole(0);
    FV_TRY(parse_sum(p, value));
    skip_spaces(p);
    return p->at == p->end ? FV_OK : fail_at(p, p->at, "an operator is missing, or this is too much,");
}

fv_status fvi_expression_value(const fvi_tree *tree, const fvi_item *item, const char *what, const fvi_names *names,
                               fvi_number *value)
{
    if (item->type == FVI_ITEM_TEXT || item->computed) {
        parser p = { .tree = tree, .item = item, .names = names, .text = item->text, .end = strlen(item->text) };
        return parse_all(&p, value);
    }
    if (item->type == FVI_ITEM_BOOL) {
        *value = fvi_number_whole(item->boolean);
        return FV_OK;
    }
    FV_TRY(fvi_tree_real(tree, item, what, &value->real));
    value->whole = item->type == FVI_ITEM_INTEGER;
    value->integer = item->integer;
    return FV_OK;
}

fv_status fvi_expression_whole(const fvi_tree *tree, const fvi_item *item, const char *what, const fvi_names *names,
                               int64_t low, int64_t high, int64_t *value)
{
    fvi_number number;
    FV_TRY(fvi_expression_value(tree, item, what, names, &number));
    if (number.real < (double)low || number.real > (double)high)
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "%s is %g, must be %" PRId64 " to %" PRId64, what,
                             number.real, low, high);
    *value = number.whole ? number.integer : (int64_t)number.real;
    if (!number.whole && (double)*value != number.real)
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT,
                             "%s is %g, must be a whole number; '//' divides and rounds down", what, number.real);
    return FV_OK;
}

/* The value of what stands between text[first] and text[end], appended to out. */
static fv_status append_value(parser *p, size_t first, size_t end, char *out, size_t size, size_t *used)
{
    fvi_number value;
    p->at = first;
    p->end = end;
    FV_TRY(parse_all(p, &value));
    if (!value.whole)
        return fail_at(p, first, "a name takes whole numbers, and this is none,");
    const int wrote = snprintf(out + *used, size - *used, "%" PRId64, value.integer);
    *used += wrote > 0 ? (size_t)wrote : 0;
    return FV_OK;
}

fv_status fvi_expression_text(const fvi_tree *tree, const fvi_item *item, const char *what, const fvi_names *names,
                              char *out, size_t size)
{
    FV_TRY(fvi_tree_expect(tree, item, FVI_ITEM_TEXT, what));
    parser p = { .tree = tree, .item = item, .names = names, .text = item->text };
    size_t used = 0;
    for (size_t i = 0; item->text[i] != '\0' && used + 1 < size; i++) {
        const char c = item->text[i];
        const bool doubled = (c == '{' || c == '}') && item->text[i + 1] == c;
        if (doubled || (c != '{' && c != '}')) {
            out[used++] = c;
            i += doubled;
            continue;
        }
        const char *close = c == '{' ? strchr(item->text + i, '}') : NULL;
        if (close == NULL)
            return fail_at(&p, i, "a brace has no partner ('{{' and '}}' stand for braces)");
        FV_TRY(append_value(&p, i + 1, (size_t)(close - item->text), out, size, &used));
        i = (size_t)(close - item->text);
    }
    if (used + 1 >= size)
        return fvi_tree_fail(tree, item, FV_ERR_ARGUMENT, "%s is longer than %zu bytes", what, size - 2);
    out[used] = '\0';
    return FV_OK;
}
