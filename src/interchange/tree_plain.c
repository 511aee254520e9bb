/* SPDX-License-Identifier: Apache-2.0
 *
 * tree_plain.c - the plainest YAML, for builds without libyaml: sections of "key: value" lines as fv_config_write() makes them, so that every
 * build can go on with a run and read recipes. A value is a word up to the end of the line or " #", a text in double quotes, or a list of such
 * texts in brackets. All else is refused by line.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "interchange/tree.h"

typedef struct plain_line {
    fvi_tree *tree;
    int32_t number;
    const char *start, *at; /* NUL at its end */
} plain_line;

static fv_status fail(const plain_line *line, const char *what)
{
    return fvi_fail(line->tree->context, FV_ERR_UNSUPPORTED,
                    "%s:%d:%d: %s: this build of fovea has no libyaml and reads sections of 'key: value' alone",
                    line->tree->source, (int)line->number, (int)(line->at - line->start) + 1, what);
}

static bool is_end(const char *at)
{
    return at[strspn(at, " ")] == '\0' || at[strspn(at, " ")] == '#';
}

/* Type and value of a plain word, by the core schema; text stays with the item in every case. */
static void resolve(fvi_item *item)
{
    const char *text = item->text;
    item->type = FVI_ITEM_TEXT;
    if (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0) {
        item->type = FVI_ITEM_NULL;
    } else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        item->type = FVI_ITEM_BOOL;
        item->boolean = text[0] == 't';
    } else if (fvi_read_integer(text, &item->integer)) {
        item->type = FVI_ITEM_INTEGER;
        item->real = (double)item->integer;
    } else if (fvi_read_real(text, &item->real)) {
        item->type = FVI_ITEM_REAL;
    }
}

static fv_status keep_text(const plain_line *line, fvi_item *item, const char *text, size_t length)
{
    const size_t longest = line->tree->longest > 0 ? line->tree->longest : FVI_TREE_WORD_BYTES;
    char *copy = length <= longest ? fvi_arena_allocate(line->tree->arena, length + 1) : NULL;
    if (length > longest)
        return fail(line, "a text that is too long");
    if (copy == NULL)
        return fvi_out_of_memory(line->tree->context, line->tree->source, length);
    memcpy(copy, text, length);
    copy[length] = '\0';
    item->text = copy;
    item->line = line->number;
    item->column = (int32_t)(line->at - line->start) + 1;
    return FV_OK;
}

static fv_status keep_json(const plain_line *line, fvi_item *item, const json_t *value)
{
    const char *text = json_string_value(value);
    if (text == NULL || strlen(text) != json_string_length(value))
        return fail(line, "a list of anything but texts in quotes");
    item->type = FVI_ITEM_TEXT;
    return keep_text(line, item, text, strlen(text));
}

/* A text in quotes or a list of them, which YAML takes from JSON. */
static fv_status read_quoted(plain_line *line, fvi_item *item)
{
    json_error_t error;
    fv_status status = FV_OK;
    json_t *value = json_loads(line->at, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &error);
    if (value == NULL || !is_end(line->at + error.position)) {
        json_decref(value);
        return fail(line, "a text or a list that does not end");
    }
    if (json_is_array(value)) {
        item->type = FVI_ITEM_LIST;
        item->line = line->number;
        item->column = (int32_t)(line->at - line->start) + 1;
    } else {
        status = keep_json(line, item, value);
    }
    for (size_t i = 0; i < json_array_size(value) && status == FV_OK; i++) {
        fvi_item *child = NULL;
        status = fvi_tree_add(line->tree, item, NULL, FVI_ITEM_TEXT, &child);
        if (status == FV_OK)
            status = keep_json(line, child, json_array_get(value, i));
    }
    json_decref(value);
    return status;
}

static fv_status read_value(plain_line *line, fvi_item *item)
{
    if (*line->at == '"' || *line->at == '[')
        return read_quoted(line, item);
    if (*line->at != '\0' && strchr("'{}],&*!|>%@`?", *line->at) != NULL)
        return fail(line, "a value of this kind");
    const char *end = is_end(line->at) ? line->at : strstr(line->at, " #");
    size_t length = end != NULL ? (size_t)(end - line->at) : strlen(line->at);
    while (length > 0 && line->at[length - 1] == ' ')
        length--;
    if (length > 1 && (memcmp(line->at, "- ", 2) == 0 || memchr(line->at, '\t', length) != NULL))
        return fail(line, "a value of this kind");
    for (size_t i = 0; i + 1 < length; i++)
        if (line->at[i] == ':' && line->at[i + 1] == ' ')
            return fail(line, "a map in one line");
    FV_TRY(keep_text(line, item, line->at, length));
    resolve(item);
    return FV_OK;
}

/* "key:" at the margin opens a section; "  key: value" is of the last one. */
static fv_status read_line(plain_line *line, fvi_item **section)
{
    char key[FVI_TREE_WORD_BYTES + 1];
    const size_t indent = strspn(line->at, " ");
    if (is_end(line->at))
        return FV_OK;
    line->at += indent;
    const size_t length = strspn(line->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    if (length == 0 || length > FVI_TREE_WORD_BYTES || line->at[length] != ':' ||
        (line->at[length + 1] != ' ' && line->at[length + 1] != '\0'))
        return fail(line, "no 'key: value'");
    if (indent > 0 && (*section == NULL || ((*section)->type != FVI_ITEM_MAP && (*section)->type != FVI_ITEM_NULL)))
        return fail(line, "a key that is in no section");
    memcpy(key, line->at, length);
    key[length] = '\0';
    fvi_item *parent = indent > 0 ? *section : line->tree->root, *item = NULL;
    parent->type = FVI_ITEM_MAP;
    if (fvi_tree_find(parent, key) != NULL)
        return fvi_fail(line->tree->context, FV_ERR_FORMAT, "%s:%d:%d: key '%s' is given twice", line->tree->source,
                        (int)line->number, (int)indent + 1, key);
    FV_TRY(fvi_tree_add(line->tree, parent, key, FVI_ITEM_NULL, &item));
    item->key_line = line->number;
    item->key_column = (int32_t)indent + 1;
    line->at += length + 1;
    line->at += strspn(line->at, " ");
    FV_TRY(read_value(line, item));
    if (indent == 0)
        *section = item;
    return FV_OK;
}

fv_status fvi_tree_read_plain(fvi_tree *tree, const unsigned char *text, size_t size)
{
    fvi_item *root = NULL, *section = NULL;
    plain_line line = { .tree = tree };
    if (memchr(text, '\0', size) != NULL)
        return fvi_fail(tree->context, FV_ERR_FORMAT, "%s: this is no text: it holds a NUL", tree->source);
    FV_TRY(fvi_tree_add(tree, NULL, NULL, FVI_ITEM_NULL, &root));
    for (size_t at = 0; at < size;) {
        const unsigned char *newline = memchr(text + at, '\n', size - at);
        const size_t end = newline != NULL ? (size_t)(newline - text) : size;
        const size_t length = end > at && text[end - 1] == '\r' ? end - at - 1 : end - at;
        char *copy = fvi_allocate(tree->context, length + 1);
        if (copy == NULL)
            return fvi_out_of_memory(tree->context, tree->source, length);
        memcpy(copy, text + at, length);
        copy[length] = '\0';
        line.number++;
        line.start = line.at = copy;
        const fv_status status = read_line(&line, &section);
        fvi_release(tree->context, copy);
        FV_TRY(status);
        at = end + 1;
    }
    return FV_OK;
}
