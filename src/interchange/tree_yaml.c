/* SPDX-License-Identifier: Apache-2.0
 *
 * tree_yaml.c - YAML into a tree, through libyaml's events, which know line and column.
 * Scalars by the core schema of YAML 1.2 (so `no` is a text and `0x10` a number); what is quoted is a text. Refused: anchors, aliases
 * (they could make a small file huge), tags, a second document, and keys that are given twice.
 */
#include "interchange/tree.h"

#ifdef FVI_HAVE_YAML

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

typedef struct yaml_reader {
    fvi_tree *tree;
    yaml_parser_t parser;
    locale_t c_locale; /* numbers are read the C way, whatever the host program set */
} yaml_reader;

static fv_status fail_at(const yaml_reader *reader, yaml_mark_t mark, fv_status status, const char *text)
{
    return fvi_fail(reader->tree->context, status, "%s:%zu:%zu: %s", reader->tree->source, mark.line + 1,
                    mark.column + 1, text);
}

static fv_status next_event(yaml_reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event) != 0)
        return FV_OK;
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return fvi_out_of_memory(reader->tree->context, reader->tree->source, 0);
    return fvi_fail(reader->tree->context, FV_ERR_FORMAT, "%s:%zu:%zu: invalid YAML: %s%s%s", reader->tree->source,
                    parser->problem_mark.line + 1, parser->problem_mark.column + 1,
                    parser->problem != NULL ? parser->problem : "damaged", parser->context != NULL ? " " : "",
                    parser->context != NULL ? parser->context : "");
}

static bool is_word(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

/* [-+]?[0-9]+, 0x or 0o and digits. False: not an integer. */
static bool parse_integer(const char *text, int64_t *value)
{
    const bool hexadecimal = strncmp(text, "0x", 2) == 0, octal = strncmp(text, "0o", 2) == 0;
    const char *digits = hexadecimal || octal ? text + 2 : text + (*text == '-' || *text == '+');
    const char *allowed = hexadecimal ? "0123456789abcdefABCDEF" : octal ? "01234567" : "0123456789";
    char *end = NULL;
    if (*digits == '\0' || digits[strspn(digits, allowed)] != '\0')
        return false;
    errno = 0;
    *value = strtoll(hexadecimal || octal ? digits : text, &end, hexadecimal ? 16 : octal ? 8 : 10);
    return errno == 0; /* too large for 64 bits: a real then, which no range of integers admits */
}

/* [-+]?(digits with one point or none)([eE][-+]?digits)?, or .inf and .nan. False: not a number. */
static bool parse_real(const yaml_reader *reader, const char *text, double *value)
{
    static const char *const infinite[] = { ".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL };
    const char *digits = text + (*text == '-' || *text == '+');
    char *end = NULL;
    if (is_word(digits, infinite)) {
        *value = strtod_l(digits + 1, NULL, reader->c_locale) * (*text == '-' ? -1.0 : 1.0);
        return true;
    }
    const size_t before = strspn(digits, "0123456789");
    const size_t point = digits[before] == '.';
    const size_t after = point ? strspn(digits + before + 1, "0123456789") : 0;
    if (before + after == 0)
        return false;
    const char *rest = digits + before + point + after;
    if (*rest == 'e' || *rest == 'E') {
        rest += 1 + (rest[1] == '-' || rest[1] == '+');
        if (*rest == '\0')
            return false;
        rest += strspn(rest, "0123456789");
    }
    if (*rest != '\0')
        return false;
    *value = strtod_l(text, &end, reader->c_locale);
    return end != NULL && *end == '\0';
}

/* Type and value of a scalar; text stays with the item in every case, for messages. */
static void resolve(const yaml_reader *reader, fvi_item *item, bool plain)
{
    static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
    static const char *const truths[] = { "true", "True", "TRUE", NULL };
    static const char *const falsehoods[] = { "false", "False", "FALSE", NULL };
    item->type = FVI_ITEM_TEXT;
    if (!plain)
        return;
    if (is_word(item->text, nulls)) {
        item->type = FVI_ITEM_NULL;
    } else if (is_word(item->text, truths) || is_word(item->text, falsehoods)) {
        item->type = FVI_ITEM_BOOL;
        item->boolean = is_word(item->text, truths);
    } else if (parse_integer(item->text, &item->integer)) {
        item->type = FVI_ITEM_INTEGER;
        item->real = (double)item->integer;
    } else if (parse_real(reader, item->text, &item->real)) {
        item->type = FVI_ITEM_REAL;
    }
}

static fv_status check_scalar(const yaml_reader *reader, const yaml_event_t *event, size_t longest)
{
    const size_t length = event->data.scalar.length;
    if (length > longest)
        return fvi_fail(reader->tree->context, FV_ERR_FORMAT, "%s:%zu:%zu: a text is longer than %zu bytes",
                        reader->tree->source, event->start_mark.line + 1, event->start_mark.column + 1, longest);
    if (memchr(event->data.scalar.value, '\0', length) != NULL)
        return fail_at(reader, event->start_mark, FV_ERR_FORMAT, "a text holds a NUL");
    return FV_OK;
}

static fv_status check_plain_node(const yaml_reader *reader, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor != NULL)
        return fail_at(reader, event->start_mark, FV_ERR_UNSUPPORTED, "anchors are not supported; write the value out");
    if (tag != NULL)
        return fail_at(reader, event->start_mark, FV_ERR_UNSUPPORTED, "tags are not supported; leave it out");
    return FV_OK;
}

typedef struct yaml_key {
    char text[FVI_TREE_WORD_BYTES + 1];
    yaml_mark_t mark;
} yaml_key;

static fv_status read_value(yaml_reader *reader, const yaml_event_t *event, fvi_item *parent, const yaml_key *key,
                            int32_t depth);

static fv_status read_list(yaml_reader *reader, fvi_item *list, int32_t depth)
{
    for (;;) {
        yaml_event_t event;
        FV_TRY(next_event(reader, &event));
        const bool end = event.type == YAML_SEQUENCE_END_EVENT;
        const fv_status status = end ? FV_OK : read_value(reader, &event, list, NULL, depth);
        yaml_event_delete(&event);
        if (end || status != FV_OK)
            return status;
    }
}

static fv_status read_key(const yaml_reader *reader, const yaml_event_t *event, const fvi_item *map, yaml_key *key)
{
    if (event->type != YAML_SCALAR_EVENT)
        return fail_at(reader, event->start_mark, FV_ERR_FORMAT, "a key must be a text");
    FV_TRY(check_plain_node(reader, event));
    FV_TRY(check_scalar(reader, event, FVI_TREE_WORD_BYTES));
    if (map->count >= FVI_TREE_KEYS)
        return fail_at(reader, event->start_mark, FV_ERR_FORMAT, "more than 1024 keys in one map");
    memcpy(key->text, event->data.scalar.value, event->data.scalar.length);
    key->text[event->data.scalar.length] = '\0';
    key->mark = event->start_mark;
    if (fvi_tree_find(map, key->text) != NULL)
        return fvi_fail(reader->tree->context, FV_ERR_FORMAT, "%s:%zu:%zu: key '%s' is given twice",
                        reader->tree->source, key->mark.line + 1, key->mark.column + 1, key->text);
    return FV_OK;
}

static fv_status read_map(yaml_reader *reader, fvi_item *map, int32_t depth)
{
    for (;;) {
        yaml_event_t event;
        yaml_key key;
        FV_TRY(next_event(reader, &event));
        const bool end = event.type == YAML_MAPPING_END_EVENT;
        fv_status status = end ? FV_OK : read_key(reader, &event, map, &key);
        yaml_event_delete(&event);
        if (end || status != FV_OK)
            return status;
        FV_TRY(next_event(reader, &event));
        status = read_value(reader, &event, map, &key, depth);
        yaml_event_delete(&event);
        FV_TRY(status);
    }
}

static fv_status add_item(yaml_reader *reader, const yaml_event_t *event, fvi_item *parent, const yaml_key *key,
                          fvi_item_type type, fvi_item **item)
{
    FV_TRY(fvi_tree_add(reader->tree, parent, key != NULL ? key->text : NULL, type, item));
    (*item)->line = (int32_t)event->start_mark.line + 1; /* the text has at most 16 Mi of either */
    (*item)->column = (int32_t)event->start_mark.column + 1;
    if (key != NULL) {
        (*item)->key_line = (int32_t)key->mark.line + 1;
        (*item)->key_column = (int32_t)key->mark.column + 1;
    }
    return FV_OK;
}

static fv_status read_value(yaml_reader *reader, const yaml_event_t *event, fvi_item *parent, const yaml_key *key,
                            int32_t depth)
{
    fvi_item *item = NULL;
    if (event->type == YAML_ALIAS_EVENT)
        return fail_at(reader, event->start_mark, FV_ERR_UNSUPPORTED, "aliases are not supported; write the value out");
    if (event->type != YAML_SCALAR_EVENT && event->type != YAML_SEQUENCE_START_EVENT &&
        event->type != YAML_MAPPING_START_EVENT)
        return fail_at(reader, event->start_mark, FV_ERR_FORMAT, "a value is missing");
    FV_TRY(check_plain_node(reader, event));
    if (event->type == YAML_SCALAR_EVENT) {
        const size_t longest = reader->tree->longest;
        FV_TRY(check_scalar(reader, event, longest > 0 ? longest : FVI_TREE_WORD_BYTES));
        FV_TRY(add_item(reader, event, parent, key, FVI_ITEM_TEXT, &item));
        item->text = fvi_arena_text(reader->tree->arena, (const char *)event->data.scalar.value);
        if (item->text == NULL)
            return fvi_out_of_memory(reader->tree->context, reader->tree->source, event->data.scalar.length);
        const bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        const yaml_mark_t *start = &event->start_mark, *end = &event->end_mark;
        if (start->line == end->line && end->column - start->column == event->data.scalar.length + (plain ? 0 : 2))
            item->text_column = item->column + !plain; /* no escapes, no line breaks */
        resolve(reader, item, plain);
        return FV_OK;
    }
    if (depth >= FVI_TREE_DEPTH)
        return fail_at(reader, event->start_mark, FV_ERR_FORMAT, "nested deeper than 64");
    const bool list = event->type == YAML_SEQUENCE_START_EVENT;
    FV_TRY(add_item(reader, event, parent, key, list ? FVI_ITEM_LIST : FVI_ITEM_MAP, &item));
    return list ? read_list(reader, item, depth + 1) : read_map(reader, item, depth + 1);
}

/* Takes the next event and gives it back: its type is `expected`, or the message is `otherwise`. */
static fv_status expect_event(yaml_reader *reader, yaml_event_type_t expected, const char *otherwise)
{
    yaml_event_t event;
    FV_TRY(next_event(reader, &event));
    const yaml_event_type_t type = event.type;
    const yaml_mark_t mark = event.start_mark;
    yaml_event_delete(&event);
    return type == expected ? FV_OK : fail_at(reader, mark, FV_ERR_FORMAT, otherwise);
}

static fv_status read_document(yaml_reader *reader)
{
    yaml_event_t event;
    FV_TRY(expect_event(reader, YAML_STREAM_START_EVENT, "not a stream"));
    FV_TRY(expect_event(reader, YAML_DOCUMENT_START_EVENT, "the file is empty"));
    FV_TRY(next_event(reader, &event));
    const fv_status status = read_value(reader, &event, NULL, NULL, 0);
    yaml_event_delete(&event);
    FV_TRY(status);
    FV_TRY(expect_event(reader, YAML_DOCUMENT_END_EVENT, "more behind the end"));
    return expect_event(reader, YAML_STREAM_END_EVENT, "a second document; there must be one");
}

fv_status fvi_tree_read_yaml(fvi_tree *tree, const unsigned char *text, size_t size)
{
    yaml_reader reader = { .tree = tree };
    if (size > FVI_TREE_TEXT_BYTES)
        return fvi_fail(tree->context, FV_ERR_FORMAT, "%s: %zu bytes of YAML; at most %d", tree->source, size,
                        FVI_TREE_TEXT_BYTES);
    if (yaml_parser_initialize(&reader.parser) == 0)
        return fvi_out_of_memory(tree->context, "a YAML reader", 0);
    reader.c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    fv_status status = FV_OK;
    if (reader.c_locale == (locale_t)0)
        status = fvi_out_of_memory(tree->context, "a locale", 0);
    yaml_parser_set_input_string(&reader.parser, text, size);
    if (status == FV_OK)
        status = read_document(&reader);
    if (reader.c_locale != (locale_t)0)
        freelocale(reader.c_locale);
    yaml_parser_delete(&reader.parser);
    return status;
}

#else

fv_status fvi_tree_read_yaml(fvi_tree *tree, const unsigned char *text, size_t size)
{
    return fvi_tree_read_plain(tree, text, size);
}

#endif
